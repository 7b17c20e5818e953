//! Source versions. No statement changes one, and a trigger refuses those of others.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Uuid as SqlUuid};
use diesel::{PgConnection, sql_query};
use prediction_domain::model::{
    JobId, OrganisationId, Page, PageRequest, Position, Scope, SourceId, SourceVersion, SourceVersionHead,
    SourceVersionId, VersionLabel,
};
use prediction_domain::ports::{
    DeleteSourceVersionError, InsertSourceVersionError, SourceVersionFilter, SourceVersionRepository, StoreFailure,
    WriteMode,
};
use uuid::Uuid;

use crate::constraints::ConstraintViolation;
use crate::database::Abort;
use crate::paging::{at_once, limit, placed};
use crate::rows::{SourceVersionHeadRow, SourceVersionRow, count, in_wanted_order, read_optional};
use crate::schema::source_versions;
use crate::store::PostgresStore;

impl SourceVersionRepository for PostgresStore {
    fn insert(&self, version: &SourceVersion) -> Result<(), InsertSourceVersionError> {
        self.database().transaction(WriteMode::Commit, |connection| {
            let inserted = insert(connection, version).map_err(|error| match ConstraintViolation::of(&error) {
                Some(ConstraintViolation::SourceOfVersion) => Abort::Refused(InsertSourceVersionError::SourceMissing),
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
                None => Err(Abort::Retry),
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
                .order(source_versions::sequence_number.desc())
                .select(SourceVersionRow::as_select())
                .first(connection)
                .optional()
        })?;
        read_optional(row.as_ref())
    }

    fn list(&self, filter: &SourceVersionFilter, page: &PageRequest) -> Result<Page<SourceVersion>, StoreFailure> {
        Page::filled(page, at_once::WHOLE_VERSIONS, |after, most| {
            let rows: Vec<(SourceVersionRow, i64)> = self.database().statement(|connection| {
                let columns = (SourceVersionRow::as_select(), source_versions::sequence_number);
                in_creation_order(filter, after, most).select(columns).load(connection)
            })?;
            placed(rows.iter().map(|(row, number)| (row, *number)))
        })
    }

    fn list_heads(
        &self,
        filter: &SourceVersionFilter,
        page: &PageRequest,
    ) -> Result<Page<SourceVersionHead>, StoreFailure> {
        Page::filled(page, at_once::TEXTS, |after, most| {
            let rows: Vec<(SourceVersionHeadRow, i64)> = self.database().statement(|connection| {
                let columns = (SourceVersionHeadRow::as_select(), source_versions::sequence_number);
                in_creation_order(filter, after, most).select(columns).load(connection)
            })?;
            placed(rows.iter().map(|(row, number)| (row, *number)))
        })
    }

    fn delete(&self, scope: &Scope, id: SourceVersionId, mode: WriteMode) -> Result<(), DeleteSourceVersionError> {
        self.database().transaction(mode, |connection| {
            // A caller who sets up a job that runs the version waits for this lock, so the count is exact.
            let stored = source_versions::table.find(id.as_uuid()).select(source_versions::id).for_update();
            let stored: Option<Uuid> = stored.first(connection).optional()?;
            stored.ok_or(Abort::Refused(DeleteSourceVersionError::Missing))?;
            let users = count(count_users(connection, id)?)?;
            if users > 0 {
                let visible = visible_users(connection, scope, id)?;
                return Err(Abort::Refused(DeleteSourceVersionError::InUse { jobs: users, visible }));
            }
            diesel::delete(source_versions::table.find(id.as_uuid()))
                .execute(connection)
                .map_err(Abort::again_after(ConstraintViolation::VersionOfJob))?;
            Ok(())
        })
    }
}

/// So many versions behind a place.
fn in_creation_order(
    filter: &SourceVersionFilter,
    after: Option<Position>,
    most: usize,
) -> source_versions::BoxedQuery<'static, Pg> {
    let mut query = source_versions::table.order(source_versions::sequence_number).limit(limit(most)).into_boxed();
    if let Some(source_id) = filter.source_id {
        query = query.filter(source_versions::source_id.eq(source_id.as_uuid()));
    }
    if let Some(after) = after {
        query = query.filter(source_versions::sequence_number.gt(after.number()));
    }
    query
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

/// Jobs that have a version, or had it at a revision that is kept, each once.
const USERS: &str = "(SELECT organisation_id, id, sequence_number FROM jobs WHERE source_version_id = $1 \
     UNION SELECT jobs.organisation_id, jobs.id, jobs.sequence_number FROM job_revisions JOIN jobs \
     ON jobs.organisation_id = job_revisions.organisation_id AND jobs.id = job_revisions.job_id \
     WHERE job_revisions.source_version_id = $1) AS users";

fn count_users(connection: &mut PgConnection, id: SourceVersionId) -> QueryResult<i64> {
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    let counted = sql_query(format!("SELECT count(*) AS count FROM {USERS}")).bind::<SqlUuid, _>(id.as_uuid());
    Ok(counted.get_result::<Count>(connection)?.count)
}

/// The first jobs that have or had a version and that the caller may see.
fn visible_users<E: From<StoreFailure>>(
    connection: &mut PgConnection,
    scope: &Scope,
    id: SourceVersionId,
) -> Result<Vec<JobId>, Abort<E>> {
    #[derive(QueryableByName)]
    struct User {
        #[diesel(sql_type = SqlUuid)]
        id: Uuid,
    }
    let most = i64::try_from(DeleteSourceVersionError::MAX_NAMED_JOBS).unwrap_or(i64::MAX);
    let organisations: Option<Vec<Uuid>> = match scope {
        Scope::Organisations(organisations) => Some(organisations.iter().map(OrganisationId::as_uuid).collect()),
        Scope::Platform => None,
    };
    let found: Vec<User> = sql_query(format!(
        "SELECT id FROM {USERS} WHERE $2 IS NULL OR organisation_id = ANY ($2) ORDER BY sequence_number LIMIT $3"
    ))
    .bind::<SqlUuid, _>(id.as_uuid())
    .bind::<Nullable<Array<SqlUuid>>, _>(organisations)
    .bind::<BigInt, _>(most)
    .load(connection)?;
    let ids: Result<Vec<JobId>, _> = found.into_iter().map(|user| JobId::from_uuid(user.id)).collect();
    Ok(ids.map_err(|problem| StoreFailure::Corrupt(problem.into()))?)
}
