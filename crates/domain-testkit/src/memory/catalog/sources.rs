use prediction_domain::model::{Page, PageRequest, Revision, Source, SourceId, SourceName};
use prediction_domain::ports::{
    DeleteSourceError, InsertSourceError, OwnerFilter, SourceFilter, SourceRepository, StoreFailure, UpdateSourceError,
    WriteMode,
};

use crate::memory::{Kind, MemoryStore, lasts};

impl SourceRepository for MemoryStore {
    fn insert(&self, source: &Source) -> Result<(), InsertSourceError> {
        let mut state = self.state();
        if let Some(taken) = state.sources.get(&source.id).or_else(|| state.source_named(&source.name)) {
            return Err(InsertSourceError::Taken(Box::new(taken.clone())));
        }
        state.number(Kind::Source, source.id.as_uuid());
        state.sources.insert(source.id, source.clone());
        Ok(())
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
        });
        Ok(state.page_of(Kind::Source, wanted.cloned(), page, |source| source.id.as_uuid()))
    }

    fn update(&self, source: &Source, expected: Revision, mode: WriteMode) -> Result<(), UpdateSourceError> {
        let mut state = self.state();
        let stored = state.sources.get(&source.id).ok_or(UpdateSourceError::Missing)?;
        if stored.revision != expected {
            return Err(UpdateSourceError::Stale { current: stored.revision });
        }
        let changed = Source { created_at: stored.created_at, ..source.clone() };
        if let Some(taken) = state.source_named(&source.name)
            && taken.id != source.id
        {
            return Err(UpdateSourceError::NameTaken(Box::new(taken.clone())));
        }
        if lasts(mode) {
            state.sources.insert(changed.id, changed);
        }
        Ok(())
    }

    fn delete(&self, id: SourceId, expected: Revision, mode: WriteMode) -> Result<(), DeleteSourceError> {
        let mut state = self.state();
        let stored = state.sources.get(&id).ok_or(DeleteSourceError::Missing)?;
        if stored.revision != expected {
            return Err(DeleteSourceError::Stale { current: stored.revision });
        }
        let versions = state.versions.values().filter(|version| version.source_id == id).count();
        if versions > 0 {
            return Err(DeleteSourceError::InUse { versions: versions as u64 });
        }
        if lasts(mode) {
            state.sources.remove(&id);
        }
        Ok(())
    }
}
