//! What a document is judged against, as it is stored and is to be.

use std::sync::Arc;

use super::plan::Planner;
use crate::model::{
    Path, Source, SourceName, SourceVersion, SourceVersionId, ValueProblem, VersionLabel, ViolationCode, Weight,
};
use crate::use_cases::UseCaseError;

/// How much one document may have to do with, in bytes as [`Weight`] counts them: what is stored of its resources, and
/// the outputs of its jobs. A few names in a small body stand for jobs of two hundred bindings and versions of a
/// megabyte.
const MOST_READ: usize = 8 << 20;

impl Planner<'_> {
    /// Counts what was read; nothing more is planned when that is too much.
    pub(super) fn afford(&mut self, weight: usize) -> Result<(), UseCaseError> {
        self.read_bytes += weight;
        if self.read_bytes <= MOST_READ {
            return Ok(());
        }
        let message = format!("has to do with more than {} MiB of what is stored", MOST_READ >> 20);
        let problem = ValueProblem::new(ViolationCode::TooManyItems, message).hint("make several sets of it");
        self.diagnostics.report(Path::root(), problem);
        self.require_clean()
    }

    /// Ends the planning with everything that was found to be wrong, if anything was.
    pub(super) fn require_clean(&mut self) -> Result<(), UseCaseError> {
        std::mem::take(&mut self.diagnostics).finish(Some(())).map_err(UseCaseError::Invalid)
    }

    /// The source of that name, as it is to be.
    pub(super) fn source(&mut self, name: &SourceName) -> Result<Option<&Source>, UseCaseError> {
        let key = name.key();
        if !self.sources.contains_key(&key) {
            let found = self.ports.sources.find_by_name(name)?;
            self.afford(found.as_ref().map_or(0, Weight::weight))?;
            self.sources.insert(key.clone(), found);
        }
        Ok(self.sources.get(&key).and_then(Option::as_ref))
    }

    /// The version of that name, as it is to be.
    pub(super) fn version(
        &mut self,
        source: &Source,
        label: &VersionLabel,
    ) -> Result<Option<Arc<SourceVersion>>, UseCaseError> {
        let key = (source.id, label.key().to_owned());
        if let Some(known) = self.versions.get(&key) {
            return Ok(known.clone());
        }
        let found = self.ports.source_versions.find_by_label(source.id, label)?;
        self.afford(found.as_ref().map_or(0, Weight::weight))?;
        let found = found.map(|version| self.know(version));
        self.versions.insert(key, found.clone());
        Ok(found)
    }

    /// The version of that id, as it is to be.
    pub(super) fn version_by_id(&mut self, id: SourceVersionId) -> Result<Option<Arc<SourceVersion>>, UseCaseError> {
        if let Some(known) = self.versions_by_id.get(&id) {
            return Ok(Some(Arc::clone(known)));
        }
        let found = self.ports.source_versions.find_many(&[id])?.pop().flatten();
        self.afford(found.as_ref().map_or(0, Weight::weight))?;
        Ok(found.map(|version| self.know(version)))
    }

    /// Remembers a version as it is to be.
    pub(super) fn know(&mut self, version: SourceVersion) -> Arc<SourceVersion> {
        let version = Arc::new(version);
        let key = (version.source_id, version.version.key().to_owned());
        self.versions_by_id.insert(version.id, Arc::clone(&version));
        self.versions.insert(key, Some(Arc::clone(&version)));
        version
    }

    /// Of the sources that were found so far, those that there are.
    pub(super) fn known_sources(&self) -> impl Iterator<Item = &SourceName> {
        self.sources.values().flatten().map(|source| &source.name)
    }
}
