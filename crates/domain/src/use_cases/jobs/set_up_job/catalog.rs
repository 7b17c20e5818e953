use std::collections::{BTreeMap, BTreeSet};

use super::PreparedSetUp;
use crate::model::{Source, SourceId, SourceVersion, SourceVersionId};
use crate::ports::StoreFailure;
use crate::use_cases::Ports;
use crate::use_cases::inputs::known::RegisteredInputs;

/// The sources and versions to which a batch of setups refers by id, and what is known of its inputs: three questions,
/// however many setups.
pub(super) struct Catalog {
    inputs: RegisteredInputs,
    sources: BTreeMap<SourceId, Source>,
    versions: BTreeMap<SourceVersionId, SourceVersion>,
}

impl Catalog {
    pub(super) fn load<'a>(
        ports: &Ports,
        prepared: impl Iterator<Item = &'a PreparedSetUp> + Clone,
    ) -> Result<Self, StoreFailure> {
        let version_ids: BTreeSet<_> = prepared.clone().filter_map(PreparedSetUp::version_id).collect();
        let version_ids: Vec<_> = version_ids.into_iter().collect();
        let versions: BTreeMap<_, _> = if version_ids.is_empty() {
            BTreeMap::new()
        } else {
            let found = ports.source_versions.find_many(&version_ids)?.into_iter().flatten();
            found.map(|version| (version.id, version)).collect()
        };
        let inputs = RegisteredInputs::load(ports, prepared.clone().flat_map(PreparedSetUp::inputs))?;
        let source_ids: BTreeSet<_> = prepared
            .flat_map(PreparedSetUp::source_ids)
            .chain(versions.values().map(|version| version.source_id))
            .collect();
        let source_ids: Vec<_> = source_ids.into_iter().collect();
        let sources = if source_ids.is_empty() {
            BTreeMap::new()
        } else {
            let found = ports.sources.find_many(&source_ids)?.into_iter().flatten();
            found.map(|source| (source.id, source)).collect()
        };
        Ok(Self { inputs, sources, versions })
    }

    pub(super) fn inputs(&self) -> &RegisteredInputs {
        &self.inputs
    }

    pub(super) fn source(&self, id: SourceId) -> Option<&Source> {
        self.sources.get(&id)
    }

    pub(super) fn version(&self, id: SourceVersionId) -> Option<&SourceVersion> {
        self.versions.get(&id)
    }
}
