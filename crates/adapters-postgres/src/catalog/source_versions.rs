//! Source versions. No statement changes one, and a trigger refuses those of others. Where they are in their lives has
//! a table of its own.

use diesel::helper_types::IntoBoxed;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Uuid as SqlUuid};
use diesel::{PgConnection, define_sql_function, sql_query};
use prediction_domain::model::{
    JobId, Lifecycle, LifecycleStage, OrganisationId, Page, PageRequest, Position, Revision, Scope, SetName, SourceId,
    SourceVersion, SourceVersionHead, SourceVersionId, VersionLabel,
};
use prediction_domain::ports::{
    AdoptedVersion, ChangeLifecycleError, DeleteSourceVersionError, InsertSourceVersionError, SourceVersionFilter,
    SourceVersionRepository, StoreFailure, WriteMode,
};
use uuid::Uuid;

use crate::constraints::ConstraintViolation;
use crate::database::Abort;
use crate::paging::{at_once, limit, placed};
use crate::rows::{
    LifecycleRow, PublishedVersionHeadRow, PublishedVersionRow, SourceVersionRow, count, in_wanted_order,
    read_optional, revision,
};
use crate::schema::{jobs, source_version_lifecycles, source_versions};
use crate::store::PostgresStore;

impl SourceVersionRepository for PostgresStore {
    fn insert(&self, version: &SourceVersion, mode: WriteMode) -> Result<(), InsertSourceVersionError> {
        self.database().transaction(mode, |connection| {
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
            versions()
                .filter(source_versions::id.eq_any(&ids))
                .select(PublishedVersionRow::as_select())
                .load(connection)
        })?;
        in_wanted_order(ids.into_iter(), &rows, PublishedVersionRow::id)
    }

    fn find_by_label(&self, source_id: SourceId, label: &VersionLabel) -> Result<Option<SourceVersion>, StoreFailure> {
        let row = self.database().statement(|connection| {
            versions()
                .filter(source_versions::source_id.eq(source_id.as_uuid()))
                .filter(source_versions::version_key.eq(label.key()))
                .select(PublishedVersionRow::as_select())
                .first(connection)
                .optional()
        })?;
        read_optional(row.as_ref())
    }

    fn newest(&self, source_id: SourceId) -> Result<Option<SourceVersion>, StoreFailure> {
        // Two statements, each of which ends at the first row of an index that fits.
        for stage in [LifecycleStage::Active, LifecycleStage::Deprecated] {
            let row = self.database().statement(|connection| {
                versions()
                    .filter(source_versions::source_id.eq(source_id.as_uuid()))
                    .filter(stage_or_active(source_version_lifecycles::stage.nullable(), ACTIVE).eq(stage.as_str()))
                    .order(source_versions::sequence_number.desc())
                    .select(PublishedVersionRow::as_select())
                    .first(connection)
                    .optional()
            })?;
            if row.is_some() {
                return read_optional(row.as_ref());
            }
        }
        Ok(None)
    }

    fn list(&self, filter: &SourceVersionFilter, page: &PageRequest) -> Result<Page<SourceVersion>, StoreFailure> {
        Page::filled(page, at_once::WHOLE_VERSIONS, |after, most| {
            let rows: Vec<(PublishedVersionRow, i64)> = self.database().statement(|connection| {
                let columns = (PublishedVersionRow::as_select(), source_versions::sequence_number);
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
            let rows: Vec<(PublishedVersionHeadRow, i64)> = self.database().statement(|connection| {
                let columns = (PublishedVersionHeadRow::as_select(), source_versions::sequence_number);
                in_creation_order(filter, after, most).select(columns).load(connection)
            })?;
            placed(rows.iter().map(|(row, number)| (row, *number)))
        })
    }

    fn change_lifecycle(
        &self,
        id: SourceVersionId,
        lifecycle: &Lifecycle,
        expected: Revision,
        mode: WriteMode,
    ) -> Result<(), ChangeLifecycleError> {
        self.database().transaction(mode, |connection| {
            let row = LifecycleRow::of(id, lifecycle);
            let written = if expected == Revision::FIRST {
                diesel::insert_into(source_version_lifecycles::table)
                    .values(&row)
                    .on_conflict_do_nothing()
                    .execute(connection)
            } else {
                diesel::update(source_version_lifecycles::table.find(id.as_uuid()))
                    .filter(source_version_lifecycles::revision.eq(expected.as_i64()))
                    .set(&row)
                    .execute(connection)
            };
            let written = written.map_err(|error| match ConstraintViolation::of(&error) {
                Some(ConstraintViolation::VersionOfLifecycle) => Abort::Refused(ChangeLifecycleError::Missing),
                Some(ConstraintViolation::Replacement) => Abort::Refused(ChangeLifecycleError::ReplacementMissing),
                _ => Abort::Statement(error),
            })?;
            if written == 1 {
                return Ok(());
            }
            let stored = versions()
                .filter(source_versions::id.eq(id.as_uuid()))
                .select(source_version_lifecycles::revision.nullable());
            let stored: Option<Option<i64>> = stored.first(connection).optional()?;
            let stored = stored.ok_or(Abort::Refused(ChangeLifecycleError::Missing))?;
            let current = stored.map_or(Ok(Revision::FIRST), revision)?;
            // Deleted and published again meanwhile, or changed meanwhile by a writer that was undone.
            if current == expected {
                Err(Abort::Retry)
            } else {
                Err(Abort::Refused(ChangeLifecycleError::Stale { current }))
            }
        })
    }

    fn delete(&self, scope: &Scope, id: SourceVersionId, mode: WriteMode) -> Result<(), DeleteSourceVersionError> {
        self.database().transaction(mode, |connection| delete(connection, scope, id))
    }
}

diesel::allow_tables_to_appear_in_same_query!(jobs, source_version_lifecycles, source_versions);

define_sql_function! {
    /// The stage of a version, which may have no row that says it.
    #[sql_name = "coalesce"]
    fn stage_or_active(stage: Nullable<Text>, otherwise: Text) -> Text
}

const ACTIVE: &str = LifecycleStage::Active.as_str();

/// Versions beside where they are in their lives.
#[diesel::dsl::auto_type]
fn versions() -> _ {
    source_versions::table.left_join(
        source_version_lifecycles::table.on(source_version_lifecycles::source_version_id.eq(source_versions::id)),
    )
}

/// So many versions behind a place.
fn in_creation_order(
    filter: &SourceVersionFilter,
    after: Option<Position>,
    most: usize,
) -> IntoBoxed<'static, versions, Pg> {
    let mut query = versions().into_boxed().order(source_versions::sequence_number).limit(limit(most));
    if let Some(source_id) = filter.source_id {
        query = query.filter(source_versions::source_id.eq(source_id.as_uuid()));
    }
    if let Some(stages) = &filter.stages {
        let stages: Vec<&'static str> = stages.iter().map(|stage| stage.as_str()).collect();
        let stage = stage_or_active(source_version_lifecycles::stage.nullable(), ACTIVE);
        query = query.filter(stage.eq_any(stages));
    }
    if let Some(set) = &filter.managed_by {
        query = query.filter(source_versions::managed_by.eq(set.to_string()));
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

/// Says which set keeps a version; `false` when there is none of that id, or another set keeps it.
pub(crate) fn adopt(connection: &mut PgConnection, adopted: &AdoptedVersion) -> QueryResult<bool> {
    let AdoptedVersion { id, from, to } = adopted;
    let from = from.as_ref().map(SetName::as_str);
    let version =
        source_versions::table.find(id.as_uuid()).filter(source_versions::managed_by.is_not_distinct_from(from));
    Ok(diesel::update(version).set(source_versions::managed_by.eq(to.as_str())).execute(connection)? == 1)
}

/// Tells whether a set keeps a version. It stays so until the transaction ends.
pub(crate) fn is_kept_by(connection: &mut PgConnection, id: SourceVersionId, set: &SetName) -> QueryResult<bool> {
    let version = source_versions::table.find(id.as_uuid()).select(source_versions::managed_by).for_update();
    let keeper: Option<Option<String>> = version.first(connection).optional()?;
    Ok(keeper.flatten().as_deref() == Some(set.as_str()))
}

/// Deletes a version that no job uses.
pub(crate) fn delete(
    connection: &mut PgConnection,
    scope: &Scope,
    id: SourceVersionId,
) -> Result<(), Abort<DeleteSourceVersionError>> {
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
}

/// Finds the version with the id, or else the one with the name, of a version that could not be stored.
fn find_in_the_way(connection: &mut PgConnection, version: &SourceVersion) -> QueryResult<Option<PublishedVersionRow>> {
    let id = version.id.as_uuid();
    let same_name = source_versions::source_id
        .eq(version.source_id.as_uuid())
        .and(source_versions::version_key.eq(version.version.key()));
    versions()
        .filter(source_versions::id.eq(id).or(same_name))
        .order(source_versions::id.eq(id).desc())
        .select(PublishedVersionRow::as_select())
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
