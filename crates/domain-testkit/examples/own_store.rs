//! A store of another program that passes its part of the contract suite, and a use case that runs on it.
//!
//! `cargo run -p prediction-domain-testkit --example own_store` runs the use case, and
//! `cargo test -p prediction-domain-testkit --example own_store` the suite.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prediction_domain::model::{Page, PageRequest, Position, Revision, Source, SourceId, SourceName};
use prediction_domain::ports::{
    DeleteSourceError, InsertSourceError, OwnerFilter, SourceFilter, SourceRepository, StoreFailure, StorePorts,
    UpdateSourceError, WriteMode,
};
use prediction_domain::use_cases::list_sources;
use prediction_domain_testkit::builders::a_source;
use prediction_domain_testkit::values::at;
use prediction_domain_testkit::{MemoryStore, Stores};

/// Sources in the order in which they were stored, each with its number in that order.
#[derive(Default)]
struct OwnStore(Mutex<Contents>);

#[derive(Default)]
struct Contents {
    last_number: i64,
    sources: Vec<(i64, Source)>,
}

impl OwnStore {
    fn contents(&self) -> MutexGuard<'_, Contents> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Contents {
    fn find(&self, wanted: impl Fn(&Source) -> bool) -> Option<&Source> {
        self.sources.iter().map(|(_, source)| source).find(|source| wanted(source))
    }
}

impl SourceRepository for OwnStore {
    fn insert(&self, source: &Source, mode: WriteMode) -> Result<(), InsertSourceError> {
        let mut contents = self.contents();
        let taken = contents
            .find(|stored| stored.id == source.id)
            .or_else(|| contents.find(|stored| stored.name.key() == source.name.key()));
        if let Some(taken) = taken {
            return Err(InsertSourceError::Taken(Box::new(taken.clone())));
        }
        if mode == WriteMode::Commit {
            contents.last_number += 1;
            let number = contents.last_number;
            contents.sources.push((number, source.clone()));
        }
        Ok(())
    }

    fn find_many(&self, ids: &[SourceId]) -> Result<Vec<Option<Source>>, StoreFailure> {
        let contents = self.contents();
        Ok(ids.iter().map(|id| contents.find(|source| source.id == *id).cloned()).collect())
    }

    fn find_by_name(&self, name: &SourceName) -> Result<Option<Source>, StoreFailure> {
        Ok(self.contents().find(|source| source.name.key() == name.key()).cloned())
    }

    fn list(&self, filter: &SourceFilter, page: &PageRequest) -> Result<Page<Source>, StoreFailure> {
        let contents = self.contents();
        let is_wanted = |source: &Source| {
            filter.name.as_ref().is_none_or(|name| source.name.key() == name.key())
                && match filter.owner {
                    None => true,
                    Some(OwnerFilter::Platform) => source.owner_organisation_id.is_none(),
                    Some(OwnerFilter::Organisation(owner)) => source.owner_organisation_id == Some(owner),
                }
        };
        let placed = contents.sources.iter().map(|(number, source)| (source.clone(), Position::behind(*number)));
        let found = placed.filter(|(source, place)| page.after.is_none_or(|after| *place > after) && is_wanted(source));
        Ok(Page::of_placed(found.collect(), page))
    }

    fn update(&self, source: &Source, expected: Revision, mode: WriteMode) -> Result<(), UpdateSourceError> {
        let mut contents = self.contents();
        let stored = contents.find(|stored| stored.id == source.id).ok_or(UpdateSourceError::Missing)?;
        if stored.revision != expected {
            return Err(UpdateSourceError::Stale { current: stored.revision });
        }
        let changed = Source { created_at: stored.created_at, ..source.clone() };
        let has_its_name = |stored: &Source| stored.id != source.id && stored.name.key() == source.name.key();
        if let Some(taken) = contents.find(has_its_name) {
            return Err(UpdateSourceError::NameTaken(Box::new(taken.clone())));
        }
        if mode == WriteMode::Commit
            && let Some((_, stored)) = contents.sources.iter_mut().find(|(_, stored)| stored.id == changed.id)
        {
            *stored = changed;
        }
        Ok(())
    }

    fn delete(&self, id: SourceId, expected: Revision, mode: WriteMode) -> Result<(), DeleteSourceError> {
        let mut contents = self.contents();
        let stored = contents.find(|stored| stored.id == id).ok_or(DeleteSourceError::Missing)?;
        if stored.revision != expected {
            return Err(DeleteSourceError::Stale { current: stored.revision });
        }
        if mode == WriteMode::Commit {
            contents.sources.retain(|(_, stored)| stored.id != id);
        }
        Ok(())
    }
}

/// An empty store of sources; what else a use case or a case of the suite needs is in memory.
fn make_stores() -> Stores {
    let in_memory = StorePorts::of(&Arc::new(MemoryStore::default()));
    StorePorts { sources: Arc::new(OwnStore::default()), ..in_memory }.into()
}

prediction_domain_testkit::contract_suite!(sources: make_stores);

#[expect(clippy::print_stdout, reason = "an example shows what it finds")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let stores = make_stores();
    stores.sources.insert(&a_source(), WriteMode::Commit)?;

    let ports = stores.replica(at("2026-06-01T12:00:00Z")).ports;
    let page = PageRequest::new(PageRequest::DEFAULT_LIMIT, None).ok_or("the limit is within its bounds")?;
    for source in list_sources(&ports, &SourceFilter::default(), &page)?.items {
        println!("{} {}", source.id, source.name.as_str());
    }
    Ok(())
}
