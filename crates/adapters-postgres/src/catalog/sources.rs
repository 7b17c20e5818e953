//! Sources.

use diesel::PgConnection;
use diesel::dsl::{exists, not};
use diesel::prelude::*;
use prediction_domain::model::{Page, PageRequest, Position, Revision, Source, SourceId, SourceName};
use prediction_domain::ports::{
    DeleteSourceError, InsertSourceError, OwnerFilter, SourceFilter, SourceRepository, StoreFailure, UpdateSourceError,
    WriteMode,
};

use crate::constraints::ConstraintViolation;
use crate::database::Abort;
use crate::paging::{at_once, limit, placed};
use crate::rows::{SourceRow, count, in_wanted_order, read_optional, revision};
use crate::schema::{source_versions, sources};
use crate::store::PostgresStore;

diesel::alias!(const others: Alias<OtherSources> = sources as others);

impl SourceRepository for PostgresStore {
    fn insert(&self, source: &Source, mode: WriteMode) -> Result<(), InsertSourceError> {
        self.database().transaction(mode, |connection| {
            if insert(connection, source)? {
                return Ok(());
            }
            match find_in_the_way(connection, source)? {
                Some(taken) => Err(Abort::Refused(InsertSourceError::Taken(Box::new(Source::try_from(&taken)?)))),
                None => Err(Abort::Retry),
            }
        })
    }

    fn find_many(&self, ids: &[SourceId]) -> Result<Vec<Option<Source>>, StoreFailure> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<_> = ids.iter().map(SourceId::as_uuid).collect();
        let rows = self.database().statement(|connection| {
            sources::table.filter(sources::id.eq_any(&ids)).select(SourceRow::as_select()).load(connection)
        })?;
        in_wanted_order(ids.into_iter(), &rows, |row: &SourceRow| row.id)
    }

    fn find_by_name(&self, name: &SourceName) -> Result<Option<Source>, StoreFailure> {
        let key = name.key();
        let row = self.database().statement(|connection| find_by_key(connection, &key))?;
        read_optional(row.as_ref())
    }

    fn list(&self, filter: &SourceFilter, page: &PageRequest) -> Result<Page<Source>, StoreFailure> {
        let SourceFilter { name, owner, managed_by } = filter;
        let key = name.as_ref().map(SourceName::key);
        Page::filled(page, at_once::TEXTS, |after: Option<Position>, most| {
            let rows: Vec<(SourceRow, i64)> = self.database().statement(|connection| {
                let mut query = sources::table.select((SourceRow::as_select(), sources::sequence_number)).into_boxed();
                if let Some(key) = &key {
                    query = query.filter(sources::name_key.eq(key));
                }
                match owner {
                    Some(OwnerFilter::Platform) => query = query.filter(sources::owner_organisation_id.is_null()),
                    Some(OwnerFilter::Organisation(owner)) => {
                        query = query.filter(sources::owner_organisation_id.eq(owner.as_uuid()));
                    }
                    None => {}
                }
                if let Some(set) = managed_by {
                    query = query.filter(sources::managed_by.eq(set.as_str()));
                }
                if let Some(after) = after {
                    query = query.filter(sources::sequence_number.gt(after.number()));
                }
                query.order(sources::sequence_number).limit(limit(most)).load(connection)
            })?;
            placed(rows.iter().map(|(row, number)| (row, *number)))
        })
    }

    fn update(&self, source: &Source, expected: Revision, mode: WriteMode) -> Result<(), UpdateSourceError> {
        self.database().transaction(mode, |connection| update(connection, source, expected))
    }

    fn delete(&self, id: SourceId, expected: Revision, mode: WriteMode) -> Result<(), DeleteSourceError> {
        self.database().transaction(mode, |connection| delete(connection, id, expected))
    }
}

/// Stores a source; `false` when another one is in the way.
pub(crate) fn insert(connection: &mut PgConnection, source: &Source) -> QueryResult<bool> {
    let inserted = diesel::insert_into(sources::table)
        .values(SourceRow::from(source))
        .on_conflict_do_nothing()
        .execute(connection)?;
    Ok(inserted == 1)
}

/// Replaces a source that is at that revision.
pub(crate) fn update(
    connection: &mut PgConnection,
    source: &Source,
    expected: Revision,
) -> Result<(), Abort<UpdateSourceError>> {
    let id = source.id.as_uuid();
    // A name that stays keeps its key: it may stand beside an earlier source of the same name.
    let row = sources::table.find(id).filter(sources::name.eq(source.name.as_str()));
    let kept: Option<String> = row.select(sources::name_key).first(connection).optional()?;
    let name_key = kept.unwrap_or_else(|| source.name.key());
    let same_name = others.filter(others.field(sources::name_key).eq(&name_key));
    let same_name = same_name.filter(others.field(sources::id).ne(id));
    let changed = diesel::update(sources::table.find(id))
        .filter(sources::revision.eq(expected.as_i64()))
        .filter(not(exists(same_name)))
        .set(SourceRow::from(source).into_change(name_key.clone()))
        .execute(connection)
        .map_err(Abort::again_after(ConstraintViolation::SourceName))?;
    if changed == 1 {
        return Ok(());
    }
    let current = current_revision(connection, source.id)?;
    let current = current.ok_or(Abort::Refused(UpdateSourceError::Missing))?;
    if current != expected {
        return Err(Abort::Refused(UpdateSourceError::Stale { current }));
    }
    match find_by_key(connection, &name_key)? {
        Some(taken) if taken.id != id => {
            Err(Abort::Refused(UpdateSourceError::NameTaken(Box::new(Source::try_from(&taken)?))))
        }
        _ => Err(Abort::Retry),
    }
}

/// Deletes a source that is at that revision.
pub(crate) fn delete(
    connection: &mut PgConnection,
    id: SourceId,
    expected: Revision,
) -> Result<(), Abort<DeleteSourceError>> {
    // A caller who publishes a version of the source waits for this lock, so the count is exact.
    let current = sources::table.find(id.as_uuid()).select(sources::revision).for_update();
    let current = current.first(connection).optional()?.ok_or(Abort::Refused(DeleteSourceError::Missing))?;
    let current = revision(current)?;
    if current != expected {
        return Err(Abort::Refused(DeleteSourceError::Stale { current }));
    }
    let versions = source_versions::table.filter(source_versions::source_id.eq(id.as_uuid())).count();
    let versions = count(versions.get_result(connection)?)?;
    if versions > 0 {
        return Err(Abort::Refused(DeleteSourceError::InUse { versions }));
    }
    diesel::delete(sources::table.find(id.as_uuid()))
        .execute(connection)
        .map_err(Abort::again_after(ConstraintViolation::SourceOfVersion))?;
    Ok(())
}

/// Finds the source with the id, or else the one with the name, of a source that could not be stored.
fn find_in_the_way(connection: &mut PgConnection, source: &Source) -> QueryResult<Option<SourceRow>> {
    let id = source.id.as_uuid();
    sources::table
        .filter(sources::id.eq(id).or(sources::name_key.eq(source.name.key())))
        .order(sources::id.eq(id).desc())
        .select(SourceRow::as_select())
        .first(connection)
        .optional()
}

fn find_by_key(connection: &mut PgConnection, key: &str) -> QueryResult<Option<SourceRow>> {
    sources::table.filter(sources::name_key.eq(key)).select(SourceRow::as_select()).first(connection).optional()
}

fn current_revision<E: From<StoreFailure>>(
    connection: &mut PgConnection,
    id: SourceId,
) -> Result<Option<Revision>, Abort<E>> {
    let current: Option<i64> =
        sources::table.find(id.as_uuid()).select(sources::revision).first(connection).optional()?;
    Ok(current.map(revision).transpose()?)
}
