use prediction_domain::model::{
    Job, Page, PageRequest, Scope, SourceId, SourceVersion, SourceVersionHead, SourceVersionId, VersionLabel,
};
use prediction_domain::ports::{
    DeleteSourceVersionError, InsertSourceVersionError, SourceVersionFilter, SourceVersionRepository, StoreFailure,
    WriteMode,
};

use crate::memory::{Kind, MemoryStore, lasts};

impl SourceVersionRepository for MemoryStore {
    fn insert(&self, version: &SourceVersion) -> Result<(), InsertSourceVersionError> {
        let mut state = self.state();
        let taken = state.versions.get(&version.id);
        if let Some(taken) = taken.or_else(|| state.version_labelled(version.source_id, &version.version)) {
            return Err(InsertSourceVersionError::Taken(Box::new(taken.clone())));
        }
        if !state.sources.contains_key(&version.source_id) {
            return Err(InsertSourceVersionError::SourceMissing);
        }
        state.number(Kind::Version, version.id.as_uuid());
        state.versions.insert(version.id, version.clone());
        Ok(())
    }

    fn find_many(&self, ids: &[SourceVersionId]) -> Result<Vec<Option<SourceVersion>>, StoreFailure> {
        let state = self.state();
        Ok(ids.iter().map(|id| state.versions.get(id).cloned()).collect())
    }

    fn find_by_label(&self, source_id: SourceId, label: &VersionLabel) -> Result<Option<SourceVersion>, StoreFailure> {
        Ok(self.state().version_labelled(source_id, label).cloned())
    }

    fn newest(&self, source_id: SourceId) -> Result<Option<SourceVersion>, StoreFailure> {
        let state = self.state();
        let versions = state.versions.values().filter(|version| version.source_id == source_id);
        Ok(versions.max_by_key(|version| state.position(Kind::Version, version.id.as_uuid())).cloned())
    }

    fn list(&self, filter: &SourceVersionFilter, page: &PageRequest) -> Result<Page<SourceVersion>, StoreFailure> {
        let state = self.state();
        let wanted = |version: &&SourceVersion| filter.source_id.is_none_or(|id| version.source_id == id);
        Ok(state.page_of(Kind::Version, state.versions.values().filter(wanted).cloned(), page, |version| {
            version.id.as_uuid()
        }))
    }

    fn list_heads(
        &self,
        filter: &SourceVersionFilter,
        page: &PageRequest,
    ) -> Result<Page<SourceVersionHead>, StoreFailure> {
        let state = self.state();
        let wanted = |version: &&SourceVersion| filter.source_id.is_none_or(|id| version.source_id == id);
        let heads = state.versions.values().filter(wanted).cloned().map(SourceVersionHead::from);
        Ok(state.page_of(Kind::Version, heads, page, |head| head.id.as_uuid()))
    }

    fn delete(&self, scope: &Scope, id: SourceVersionId, mode: WriteMode) -> Result<(), DeleteSourceVersionError> {
        let mut state = self.state();
        if !state.versions.contains_key(&id) {
            return Err(DeleteSourceVersionError::Missing);
        }
        let had = |job: &Job| state.history.values().any(|kept| kept.job_id == job.id && kept.source_version_id == id);
        let users: Vec<&Job> = state.jobs.values().filter(|job| job.source_version_id == id || had(job)).collect();
        if !users.is_empty() {
            let mut visible: Vec<&Job> =
                users.iter().copied().filter(|job| scope.contains(job.organisation_id)).collect();
            visible.sort_by_key(|job| state.position(Kind::Job, job.id.as_uuid()));
            visible.truncate(DeleteSourceVersionError::MAX_NAMED_JOBS);
            return Err(DeleteSourceVersionError::InUse {
                jobs: users.len() as u64,
                visible: visible.iter().map(|job| job.id).collect(),
            });
        }
        if lasts(mode) {
            state.versions.remove(&id);
        }
        Ok(())
    }
}
