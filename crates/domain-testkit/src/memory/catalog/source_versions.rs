use prediction_domain::model::{
    Job, Lifecycle, LifecycleStage, Page, PageRequest, Revision, Scope, SourceId, SourceVersion, SourceVersionHead,
    SourceVersionId, VersionLabel,
};
use prediction_domain::ports::{
    ChangeLifecycleError, DeleteSourceVersionError, InsertSourceVersionError, SourceVersionFilter,
    SourceVersionRepository, StoreFailure, WriteMode,
};

use crate::memory::{Kind, MemoryStore, State, lasts};

impl SourceVersionRepository for MemoryStore {
    fn insert(&self, version: &SourceVersion, mode: WriteMode) -> Result<(), InsertSourceVersionError> {
        self.state().tried(mode, |state| state.insert_version(version))
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
        let newest = |stage: LifecycleStage| {
            let versions = state.versions.values();
            let versions =
                versions.filter(|version| version.source_id == source_id && version.lifecycle.stage == stage);
            versions.max_by_key(|version| state.position(Kind::Version, version.id.as_uuid())).cloned()
        };
        Ok(newest(LifecycleStage::Active).or_else(|| newest(LifecycleStage::Deprecated)))
    }

    fn list(&self, filter: &SourceVersionFilter, page: &PageRequest) -> Result<Page<SourceVersion>, StoreFailure> {
        let state = self.state();
        let wanted = |version: &&SourceVersion| is_wanted(filter, version);
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
        let wanted = |version: &&SourceVersion| is_wanted(filter, version);
        let heads = state.versions.values().filter(wanted).cloned().map(SourceVersionHead::from);
        Ok(state.page_of(Kind::Version, heads, page, |head| head.id.as_uuid()))
    }

    fn change_lifecycle(
        &self,
        id: SourceVersionId,
        lifecycle: &Lifecycle,
        expected: Revision,
        mode: WriteMode,
    ) -> Result<(), ChangeLifecycleError> {
        let mut state = self.state();
        let is_there = lifecycle.replaced_by.is_none_or(|id| state.versions.contains_key(&id));
        let Some(version) = state.versions.get_mut(&id) else { return Err(ChangeLifecycleError::Missing) };
        let current = version.lifecycle.revision;
        if current != expected {
            return Err(ChangeLifecycleError::Stale { current });
        }
        if !is_there {
            return Err(ChangeLifecycleError::ReplacementMissing);
        }
        if lasts(mode) {
            version.lifecycle = lifecycle.clone();
        }
        Ok(())
    }

    fn delete(&self, scope: &Scope, id: SourceVersionId, mode: WriteMode) -> Result<(), DeleteSourceVersionError> {
        self.state().delete_version(scope, id, mode)
    }
}

impl State {
    pub(in crate::memory) fn insert_version(
        &mut self,
        version: &SourceVersion,
    ) -> Result<(), InsertSourceVersionError> {
        let taken = self.versions.get(&version.id);
        if let Some(taken) = taken.or_else(|| self.version_labelled(version.source_id, &version.version)) {
            return Err(InsertSourceVersionError::Taken(Box::new(taken.clone())));
        }
        if !self.sources.contains_key(&version.source_id) {
            return Err(InsertSourceVersionError::SourceMissing);
        }
        self.number(Kind::Version, version.id.as_uuid());
        self.versions.insert(version.id, version.clone());
        Ok(())
    }

    /// The jobs that have a version, or had it at a revision that is kept.
    pub(in crate::memory) fn users_of(&self, id: SourceVersionId) -> Vec<&Job> {
        let had = |job: &Job| self.history.values().any(|kept| kept.job_id == job.id && kept.source_version_id == id);
        self.jobs.values().filter(|job| job.source_version_id == id || had(job)).collect()
    }

    pub(in crate::memory) fn delete_version(
        &mut self,
        scope: &Scope,
        id: SourceVersionId,
        mode: WriteMode,
    ) -> Result<(), DeleteSourceVersionError> {
        if !self.versions.contains_key(&id) {
            return Err(DeleteSourceVersionError::Missing);
        }
        let users = self.users_of(id);
        if !users.is_empty() {
            let mut visible: Vec<&Job> =
                users.iter().copied().filter(|job| scope.contains(job.organisation_id)).collect();
            visible.sort_by_key(|job| self.position(Kind::Job, job.id.as_uuid()));
            visible.truncate(DeleteSourceVersionError::MAX_NAMED_JOBS);
            return Err(DeleteSourceVersionError::InUse {
                jobs: users.len() as u64,
                visible: visible.iter().map(|job| job.id).collect(),
            });
        }
        if lasts(mode) {
            self.versions.remove(&id);
            for version in self.versions.values_mut().filter(|version| version.lifecycle.replaced_by == Some(id)) {
                version.lifecycle.replaced_by = None;
            }
        }
        Ok(())
    }
}

fn is_wanted(filter: &SourceVersionFilter, version: &SourceVersion) -> bool {
    filter.source_id.is_none_or(|id| version.source_id == id)
        && filter.managed_by.as_ref().is_none_or(|set| version.managed_by.as_ref() == Some(set))
        && filter.stages.as_ref().is_none_or(|stages| stages.contains(&version.lifecycle.stage))
}
