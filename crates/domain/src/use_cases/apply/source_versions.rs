//! The source versions of a document.

use std::collections::BTreeMap;

use serde_json::json;

use super::change::AppliedKey;
use super::plan::{Detail, Planner};
use super::settle::Keeping;
use crate::model::{
    ApplyAction, Contract, OrganisationId, OwnersRight, Path, RoleName, Source, SourceName, SourceVersion,
    ValueProblem, ViolationCode,
};
use crate::ports::AdoptedVersion;
use crate::requests::{SourceNameDraft, SourceVersionSpec};
use crate::use_cases::UseCaseError;

impl Planner<'_> {
    pub(super) fn plan_source_versions(&mut self) -> Result<(), UseCaseError> {
        let mut seen = BTreeMap::new();
        let draft = self.draft;
        for (index, draft) in draft.source_versions.given().into_iter().flatten().enumerate() {
            let path = Path::of("source_versions").index(index);
            let Some(draft) = self.diagnostics.require(&path, draft.as_ref()) else { continue };
            let spec = SourceVersionSpec::read(&mut self.diagnostics, &path, &draft.version);
            let label = self.diagnostics.require(&path.member("version"), spec.version.clone());
            let source_path = path.member("source");
            let named = self.diagnostics.require(&source_path, draft.source.as_ref());
            let source = match named {
                Some(named) => self.named_source(&source_path, named)?,
                None => None,
            };
            let (Some(source), Some(label)) = (source, label) else {
                spec.require_content(&mut self.diagnostics, &path);
                continue;
            };
            if !self.is_first(
                &mut seen,
                (source.id, label.key().to_owned()),
                ("source_versions", index),
                &path.member("version"),
            ) {
                continue;
            }
            self.caller.require_own(&source, OwnersRight::Publish)?;
            let planned = match self.version(&source, &label)? {
                Some(stored) => Some(self.stored_version(&path, &spec, &source, (*stored).clone())),
                None => self.new_version(&path, &spec, &source),
            };
            if let Some(version) = planned {
                self.described.sources.insert(source.id);
                self.described.versions.insert(version.id);
                self.know(version);
            }
        }
        Ok(())
    }

    /// The source that is named, in the document or stored; `None` after a violation was reported.
    pub(super) fn named_source(
        &mut self,
        path: &Path,
        named: &SourceNameDraft,
    ) -> Result<Option<Source>, UseCaseError> {
        let owner_path = path.member("owner_organisation_id");
        let owner =
            self.diagnostics.read(&owner_path, &named.owner_organisation_id, |text| OrganisationId::parse(text));
        let path = path.member("name");
        let name = self.diagnostics.read(&path, &named.name, |text| SourceName::restore(text));
        let Some(name) = self.diagnostics.require(&path, name) else { return Ok(None) };
        if let Some(source) = self.source(&name)?.cloned() {
            if !owner.agrees_with(source.owner_organisation_id.as_ref()) {
                let problem = ValueProblem::new(ViolationCode::Differs, "is stored with another value")
                    .expected(json!(source.owner_organisation_id))
                    .actual(json!(owner.given()));
                self.diagnostics.report(owner_path, problem);
            }
            return Ok(Some(source));
        }
        // A source of the document that is wrong is there all the same.
        if self.wrong.sources.contains(&name.key()) {
            return Ok(None);
        }
        let problem = ValueProblem::new(ViolationCode::UnknownSource, "is not the name of a source");
        let problem = problem.actual(name.as_str());
        let known: Vec<String> = self.known_sources().map(ToString::to_string).collect();
        let problem = match self.diagnostics.nearest(name.as_str(), known.iter().map(String::as_str)) {
            Some(near) => problem.hint(format!("did you mean \"{near}\"?")),
            None => problem.hint("a source is described under sources, or is there already"),
        };
        self.diagnostics.report(path, problem);
        Ok(None)
    }

    fn new_version(&mut self, path: &Path, spec: &SourceVersionSpec, source: &Source) -> Option<SourceVersion> {
        let content = spec.require_content(&mut self.diagnostics, path)?;
        let mut version = spec.create(content, source.id, self.ports.ids.source_version_id(), self.now);
        version.managed_by.clone_from(&self.set);
        let content = json!([version.contract.digest(), version.description, aliases(&version.contract)]);
        let key = AppliedKey::SourceVersion { source: source.name.clone(), version: version.version.clone() };
        let detail = Detail { content, ..Detail::default() };
        self.change(key, version.id.as_uuid(), (ApplyAction::Create, None), Some(path), detail);
        self.writes.new_versions.push(version.clone());
        Some(version)
    }

    /// A version never changes: it is as it is described, or the document is wrong.
    fn stored_version(
        &mut self,
        path: &Path,
        spec: &SourceVersionSpec,
        source: &Source,
        mut stored: SourceVersion,
    ) -> SourceVersion {
        for difference in spec.differences(path, &stored) {
            let message = "is published with another value, and a version never changes";
            let mut problem = ValueProblem::new(difference.code, message);
            (problem.expected, problem.actual) = (difference.expected, difference.actual);
            let problem = problem.hint("publish it as another version, and leave this one as it is");
            self.diagnostics.report(difference.path, problem);
        }
        let Some(keeping) = self.keeping(path, stored.managed_by.clone().as_ref()) else { return stored };
        let key = AppliedKey::SourceVersion { source: source.name.clone(), version: stored.version.clone() };
        let action = match keeping {
            Keeping::Already => ApplyAction::Unchanged,
            Keeping::Adopted => ApplyAction::Adopt,
        };
        self.change(key, stored.id.as_uuid(), (action, None), Some(path), Detail::default());
        if keeping == Keeping::Adopted
            && let Some(set) = self.set.clone()
        {
            let from = stored.managed_by.replace(set.clone());
            self.writes.adopted_versions.push(AdoptedVersion { id: stored.id, from, to: set });
        }
        stored
    }
}

/// What the digest of a contract leaves out.
fn aliases(contract: &Contract) -> BTreeMap<&RoleName, &[RoleName]> {
    let roles = contract.input_roles().iter().filter(|role| !role.aliases.is_empty());
    roles.map(|role| (&role.role, role.aliases.as_slice())).collect()
}
