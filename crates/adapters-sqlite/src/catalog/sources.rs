use diesel::prelude::*;
use prediction_domain::model::{Page, PageRequest, Position, Revision, Source, SourceId, SourceName};
use prediction_domain::ports::{
    DeleteSourceError, InsertSourceError, OwnerFilter, SourceFilter, SourceRepository, StoreFailure, UpdateSourceError,
    WriteMode,
};

use crate::constraints::{ConstraintViolation, refused};
use crate::expressions::is_one_of;
use crate::failure::OrStoreFailure as _;
use crate::paging::{at_once, limit, placed};
use crate::rows::{SourceChanges, SourceRow, in_order, restore, restore_all, stored_revision};
use crate::schema::{source_versions, sources};
use crate::store::SqliteStore;

impl SourceRepository for SqliteStore {
    fn insert(&self, source: &Source, mode: WriteMode) -> Result<(), InsertSourceError> {
        self.write(mode, |connection| match insert(connection, source).or_store_failure()? {
            Ok(()) => Ok(()),
            Err(refusal @ ConstraintViolation::Taken) => {
                let taken = match by_id(connection, source.id)? {
                    Some(taken) => Some(taken),
                    None => by_name(connection, &source.name)?,
                };
                Err(taken.map_or_else(
                    || StoreFailure::from(refusal).into(),
                    |taken| InsertSourceError::Taken(Box::new(taken)),
                ))
            }
            Err(refusal) => Err(StoreFailure::from(refusal).into()),
        })
    }

    fn find_many(&self, ids: &[SourceId]) -> Result<Vec<Option<Source>>, StoreFailure> {
        let rows: Vec<SourceRow> = sources::table
            .filter(is_one_of(sources::id, ids))
            .select(SourceRow::as_select())
            .load(&mut self.reader()?)
            .or_store_failure()?;
        Ok(in_order(ids.iter().copied(), restore_all(&rows)?, |source: &Source| source.id))
    }

    fn find_by_name(&self, name: &SourceName) -> Result<Option<Source>, StoreFailure> {
        by_name(&mut *self.reader()?, name)
    }

    fn list(&self, filter: &SourceFilter, page: &PageRequest) -> Result<Page<Source>, StoreFailure> {
        let mut reader = self.reader()?;
        Page::filled(page, at_once::TEXTS, |after: Option<Position>, most| {
            let mut query = sources::table
                .select((SourceRow::as_select(), sources::sequence_number))
                .order(sources::sequence_number)
                .limit(limit(most))
                .into_boxed();
            if let Some(name) = &filter.name {
                query = query.filter(sources::name_key.eq(name.key()));
            }
            match filter.owner {
                Some(OwnerFilter::Platform) => query = query.filter(sources::owner_organisation_id.is_null()),
                Some(OwnerFilter::Organisation(owner)) => {
                    query = query.filter(sources::owner_organisation_id.eq(owner.to_string()));
                }
                None => {}
            }
            if let Some(set) = &filter.managed_by {
                query = query.filter(sources::managed_by.eq(set.as_str()));
            }
            if let Some(position) = after {
                query = query.filter(sources::sequence_number.gt(position.number()));
            }
            let rows: Vec<(SourceRow, i64)> = query.load(&mut *reader).or_store_failure()?;
            placed(&rows)
        })
    }

    fn update(&self, source: &Source, expected: Revision, mode: WriteMode) -> Result<(), UpdateSourceError> {
        self.write(mode, |connection| replace(connection, source, expected))
    }

    fn delete(&self, id: SourceId, expected: Revision, mode: WriteMode) -> Result<(), DeleteSourceError> {
        self.write(mode, |connection| delete(connection, id, expected))
    }
}

/// Inserts the row, or tells the constraint that it would break.
pub(crate) fn insert(
    connection: &mut SqliteConnection,
    source: &Source,
) -> QueryResult<Result<(), ConstraintViolation>> {
    let inserted = diesel::insert_into(sources::table).values(SourceRow::from(source)).execute(connection);
    refused(inserted.map(drop))
}

/// Replaces a source that is at that revision.
pub(crate) fn replace(
    connection: &mut SqliteConnection,
    source: &Source,
    expected: Revision,
) -> Result<(), UpdateSourceError> {
    let current = revision(connection, source.id)?.ok_or(UpdateSourceError::Missing)?;
    if current != expected {
        return Err(UpdateSourceError::Stale { current });
    }
    match update(connection, source).or_store_failure()? {
        Ok(()) => Ok(()),
        Err(refusal @ ConstraintViolation::Taken) => Err(by_name(connection, &source.name)?
            .map_or_else(|| StoreFailure::from(refusal).into(), |taken| UpdateSourceError::NameTaken(Box::new(taken)))),
        Err(refusal) => Err(StoreFailure::from(refusal).into()),
    }
}

/// Deletes a source that is at that revision.
pub(crate) fn delete(
    connection: &mut SqliteConnection,
    id: SourceId,
    expected: Revision,
) -> Result<(), DeleteSourceError> {
    let current = revision(connection, id)?.ok_or(DeleteSourceError::Missing)?;
    if current != expected {
        return Err(DeleteSourceError::Stale { current });
    }
    let versions: i64 = source_versions::table
        .filter(source_versions::source_id.eq(id.to_string()))
        .count()
        .get_result(connection)
        .or_store_failure()?;
    if versions > 0 {
        return Err(DeleteSourceError::InUse { versions: versions.unsigned_abs() });
    }
    diesel::delete(sources::table.find(id.to_string())).execute(connection).or_store_failure()?;
    Ok(())
}

fn update(connection: &mut SqliteConnection, source: &Source) -> QueryResult<Result<(), ConstraintViolation>> {
    let row = sources::table.find(source.id.to_string());
    // A name that stays keeps its key: it may stand beside an earlier source of the same name.
    let same_name = row.clone().filter(sources::name.eq(source.name.as_str())).select(sources::name_key);
    let kept: Option<String> = same_name.first(connection).optional()?;
    let changes = SourceChanges::from(source).with_key(kept);
    refused(diesel::update(row).set(changes).execute(connection).map(drop))
}

fn by_id(connection: &mut SqliteConnection, id: SourceId) -> Result<Option<Source>, StoreFailure> {
    let row = sources::table.find(id.to_string()).select(SourceRow::as_select());
    restore(row.first(connection).optional().or_store_failure()?.as_ref())
}

fn by_name(connection: &mut SqliteConnection, name: &SourceName) -> Result<Option<Source>, StoreFailure> {
    let row = sources::table.filter(sources::name_key.eq(name.key())).select(SourceRow::as_select());
    restore(row.first(connection).optional().or_store_failure()?.as_ref())
}

fn revision(connection: &mut SqliteConnection, id: SourceId) -> Result<Option<Revision>, StoreFailure> {
    let revision = sources::table.find(id.to_string()).select(sources::revision);
    stored_revision("sources", &id, revision.first(connection).optional().or_store_failure()?)
}
