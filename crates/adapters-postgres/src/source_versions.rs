//! Source versions. No statement changes one, and a trigger refuses those of others.

use diesel::PgConnection;
use diesel::prelude::*;
use prediction_domain::model::{
    JobId, OrganisationId, Page, PageRequest, Position, Scope, SourceId, SourceVersion, SourceVersionId, VersionLabel,
};
use prediction_domain::ports::{
    DeleteSourceVersionError, Effect, InsertSourceVersionError, SourceVersionFilter, SourceVersionRepository,
    StoreFailure,
};
use uuid::Uuid;

use crate::constraints::Breach;
use crate::database::Abort;
use crate::paging::{Behind, one_too_many};
use crate::rows::{SourceVersionRow, count, in_wanted_order, read_all, read_optional};
use crate::schema::{jobs, source_versions};
use crate::store::PostgresStore;

impl SourceVersionRepository for PostgresStore {
    fn insert(&self, version: &SourceVersion) -> Result<(), InsertSourceVersionError> {
        self.database().transaction(Effect::Commit, |connection| {
            let inserted = insert(connection, version).map_err(|error| match Breach::of(&error) {
                Some(Breach::SourceOfVersion) => Abort::Refused(InsertSourceVersionError::SourceMissing),
                _ => Abort::Statement(error),
            })?;
            if inserted {
                return Ok(());
            }
            match find_in_the_way(connection, version)? {
                Some(taken) => {
                    let taken = SourceVersion::try_from(&taken)?;
                    Err(Abort::Refused(InsertSourceVersionError::Taken(Box::new(taken))))
                }
                None => Err(Abort::Again),
            }
        })
    }

    fn find_many(&self, ids: &[SourceVersionId]) -> Result<Vec<Option<SourceVersion>>, StoreFailure> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<_> = ids.iter().map(SourceVersionId::as_uuid).collect();
        let rows = self.database().statement(|connection| {
            source_versions::table
                .filter(source_versions::id.eq_any(&ids))
                .select(SourceVersionRow::as_select())
                .load(connection)
        })?;
        in_wanted_order(ids.into_iter(), &rows, |row: &SourceVersionRow| row.id)
    }

    fn find_by_label(&self, source_id: SourceId, label: &VersionLabel) -> Result<Option<SourceVersion>, StoreFailure> {
        let row = self.database().statement(|connection| {
            source_versions::table
                .filter(source_versions::source_id.eq(source_id.as_uuid()))
                .filter(source_versions::version_key.eq(label.key()))
                .select(SourceVersionRow::as_select())
                .first(connection)
                .optional()
        })?;
        read_optional(row.as_ref())
    }

    fn newest(&self, source_id: SourceId) -> Result<Option<SourceVersion>, StoreFailure> {
        let row = self.database().statement(|connection| {
            source_versions::table
                .filter(source_versions::source_id.eq(source_id.as_uuid()))
                .order((source_versions::created_at.desc(), source_versions::id.desc()))
                .select(SourceVersionRow::as_select())
                .first(connection)
                .optional()
        })?;
        read_optional(row.as_ref())
    }

    fn list(&self, filter: &SourceVersionFilter, page: &PageRequest) -> Result<Page<SourceVersion>, StoreFailure> {
        let SourceVersionFilter { source_id } = filter;
        let rows: Vec<SourceVersionRow> = self.database().statement(|connection| {
            let mut query = source_versions::table.select(SourceVersionRow::as_select()).into_boxed();
            if let Some(source_id) = source_id {
                query = query.filter(source_versions::source_id.eq(source_id.as_uuid()));
            }
            if let Some(after) = page.after {
                query = query.filter(Behind::new((source_versions::created_at, source_versions::id), after));
            }
            query.order((source_versions::created_at, source_versions::id)).limit(one_too_many(page)).load(connection)
        })?;
        Ok(Page::of_one_too_many(read_all(&rows)?, page, |version: &SourceVersion| Position {
            created_at: version.created_at,
            id: version.id.as_uuid(),
        }))
    }

    fn delete(&self, scope: &Scope, id: SourceVersionId, effect: Effect) -> Result<(), DeleteSourceVersionError> {
        self.database().transaction(effect, |connection| {
            // Whoever sets up a job that runs the version waits for this lock, so the count is exact.
            let stored = source_versions::table.find(id.as_uuid()).select(source_versions::id).for_update();
            let stored: Option<Uuid> = stored.first(connection).optional()?;
            stored.ok_or(Abort::Refused(DeleteSourceVersionError::Missing))?;
            let users = jobs::table.filter(jobs::source_version_id.eq(id.as_uuid())).count();
            let users = count(users.get_result(connection)?)?;
            if users > 0 {
                let visible = visible_users(connection, scope, id)?;
                return Err(Abort::Refused(DeleteSourceVersionError::InUse { jobs: users, visible }));
            }
            diesel::delete(source_versions::table.find(id.as_uuid()))
                .execute(connection)
                .map_err(Abort::again_after(Breach::VersionOfJob))?;
            Ok(())
        })
    }
}

/// Stores a version; `false` when another one is in the way.
pub(crate) fn insert(connection: &mut PgConnection, version: &SourceVersion) -> QueryResult<bool> {
    let inserted = diesel::insert_into(source_versions::table)
        .values(SourceVersionRow::from(version))
        .on_conflict_do_nothing()
        .execute(connection)?;
    Ok(inserted == 1)
}

/// Finds the version with the id, or else the one with the name, of a version that could not be stored.
fn find_in_the_way(connection: &mut PgConnection, version: &SourceVersion) -> QueryResult<Option<SourceVersionRow>> {
    let id = version.id.as_uuid();
    let same_name = source_versions::source_id
        .eq(version.source_id.as_uuid())
        .and(source_versions::version_key.eq(version.version.key()));
    source_versions::table
        .filter(source_versions::id.eq(id).or(same_name))
        .order(source_versions::id.eq(id).desc())
        .select(SourceVersionRow::as_select())
        .first(connection)
        .optional()
}

/// The first jobs that run a version and that the caller may see.
fn visible_users<E: From<StoreFailure>>(
    connection: &mut PgConnection,
    scope: &Scope,
    id: SourceVersionId,
) -> Result<Vec<JobId>, Abort<E>> {
    let most = i64::try_from(DeleteSourceVersionError::MAX_NAMED_JOBS).unwrap_or(i64::MAX);
    let mut query = jobs::table.filter(jobs::source_version_id.eq(id.as_uuid())).select(jobs::id).into_boxed();
    if let Scope::Organisations(organisations) = scope {
        let organisations: Vec<Uuid> = organisations.iter().map(OrganisationId::as_uuid).collect();
        query = query.filter(jobs::organisation_id.eq_any(organisations));
    }
    let ids: Vec<Uuid> = query.order((jobs::created_at, jobs::id)).limit(most).load(connection)?;
    let ids: Result<Vec<JobId>, _> = ids.into_iter().map(JobId::from_uuid).collect();
    Ok(ids.map_err(|problem| StoreFailure::Corrupt(Box::new(problem)))?)
}
