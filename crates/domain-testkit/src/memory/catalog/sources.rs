use prediction_domain::model::{Page, PageRequest, Revision, Source, SourceId, SourceName};
use prediction_domain::ports::{
    DeleteSourceError, InsertSourceError, OwnerFilter, SourceFilter, SourceRepository, StoreFailure, UpdateSourceError,
    WriteMode,
};

use crate::memory::{Kind, MemoryStore, State, is_kept_by, lasts};

impl SourceRepository for MemoryStore {
    fn insert(&self, source: &Source, mode: WriteMode) -> Result<(), InsertSourceError> {
        self.state().tried(mode, |state| state.insert_source(source))
    }

    fn find_many(&self, ids: &[SourceId]) -> Result<Vec<Option<Source>>, StoreFailure> {
        let state = self.state();
        Ok(ids.iter().map(|id| state.sources.get(id).cloned()).collect())
    }

    fn find_by_name(&self, name: &SourceName) -> Result<Option<Source>, StoreFailure> {
        Ok(self.state().source_named(name).cloned())
    }

    fn list(&self, filter: &SourceFilter, page: &PageRequest) -> Result<Page<Source>, StoreFailure> {
        let state = self.state();
        let name = filter.name.as_ref().map(SourceName::key);
        let owner = filter.owner.map(|owner| match owner {
            OwnerFilter::Platform => None,
            OwnerFilter::Organisation(organisation_id) => Some(organisation_id),
        });
        let wanted = state.sources.values().filter(|source| {
            name.as_ref().is_none_or(|key| source.name.key() == *key)
                && owner.is_none_or(|owner| source.owner_organisation_id == owner)
                && filter.managed_by.as_ref().is_none_or(|set| is_kept_by(source.management.as_ref(), set))
        });
        Ok(state.page_of(Kind::Source, wanted.cloned(), page, |source| source.id.as_uuid()))
    }

    fn update(&self, source: &Source, expected: Revision, mode: WriteMode) -> Result<(), UpdateSourceError> {
        self.state().update_source(source, expected, mode)
    }

    fn delete(&self, id: SourceId, expected: Revision, mode: WriteMode) -> Result<(), DeleteSourceError> {
        self.state().delete_source(id, expected, mode)
    }
}

impl State {
    pub(in crate::memory) fn insert_source(&mut self, source: &Source) -> Result<(), InsertSourceError> {
        if let Some(taken) = self.sources.get(&source.id).or_else(|| self.source_named(&source.name)) {
            return Err(InsertSourceError::Taken(Box::new(taken.clone())));
        }
        self.number(Kind::Source, source.id.as_uuid());
        self.sources.insert(source.id, source.clone());
        Ok(())
    }

    pub(in crate::memory) fn update_source(
        &mut self,
        source: &Source,
        expected: Revision,
        mode: WriteMode,
    ) -> Result<(), UpdateSourceError> {
        let stored = self.sources.get(&source.id).ok_or(UpdateSourceError::Missing)?;
        if stored.revision != expected {
            return Err(UpdateSourceError::Stale { current: stored.revision });
        }
        let changed = Source { created_at: stored.created_at, ..source.clone() };
        if let Some(taken) = self.source_named(&source.name)
            && taken.id != source.id
        {
            return Err(UpdateSourceError::NameTaken(Box::new(taken.clone())));
        }
        if lasts(mode) {
            self.sources.insert(changed.id, changed);
        }
        Ok(())
    }

    pub(in crate::memory) fn delete_source(
        &mut self,
        id: SourceId,
        expected: Revision,
        mode: WriteMode,
    ) -> Result<(), DeleteSourceError> {
        let stored = self.sources.get(&id).ok_or(DeleteSourceError::Missing)?;
        if stored.revision != expected {
            return Err(DeleteSourceError::Stale { current: stored.revision });
        }
        let versions = self.versions.values().filter(|version| version.source_id == id).count();
        if versions > 0 {
            return Err(DeleteSourceError::InUse { versions: versions as u64 });
        }
        if lasts(mode) {
            self.sources.remove(&id);
        }
        Ok(())
    }
}
