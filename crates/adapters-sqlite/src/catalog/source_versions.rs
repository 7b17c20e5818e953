use diesel::define_sql_function;
use diesel::helper_types::IntoBoxed;
use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text};
use diesel::sqlite::Sqlite;
use prediction_domain::model::{
    JobId, Lifecycle, LifecycleStage, Page, PageRequest, Position, Revision, Scope, SetName, SourceId, SourceVersion,
    SourceVersionHead, SourceVersionId, VersionLabel,
};
use prediction_domain::ports::{
    AdoptedVersion, ChangeLifecycleError, DeleteSourceVersionError, InsertSourceVersionError, SourceVersionFilter,
    SourceVersionRepository, StoreFailure, WriteMode,
};

use crate::constraints::{ConstraintViolation, refused};
use crate::expressions::{is_one_of, unindexed};
use crate::failure::OrStoreFailure as _;
use crate::paging::{at_once, limit, placed};
use crate::rows::{
    LifecycleRow, PublishedVersionHeadRow, PublishedVersionRow, SourceVersionRow, in_order, job_ids, restore,
    restore_all,
};
use crate::schema::{job_revisions, jobs, source_version_lifecycles, source_versions};
use crate::store::SqliteStore;

impl SourceVersionRepository for SqliteStore {
    fn insert(&self, version: &SourceVersion, mode: WriteMode) -> Result<(), InsertSourceVersionError> {
        self.write(mode, |connection| match insert(connection, version).or_store_failure()? {
            Ok(()) => Ok(()),
            Err(refusal @ ConstraintViolation::Taken) => {
                let taken = match by_id(connection, version.id)? {
                    Some(taken) => Some(taken),
                    None => by_label(connection, version.source_id, &version.version)?,
                };
                Err(taken.map_or_else(
                    || StoreFailure::from(refusal).into(),
                    |taken| InsertSourceVersionError::Taken(Box::new(taken)),
                ))
            }
            Err(ConstraintViolation::Reference) => Err(InsertSourceVersionError::SourceMissing),
            Err(refusal) => Err(StoreFailure::from(refusal).into()),
        })
    }

    fn find_many(&self, ids: &[SourceVersionId]) -> Result<Vec<Option<SourceVersion>>, StoreFailure> {
        let rows: Vec<PublishedVersionRow> = versions()
            .filter(is_one_of(source_versions::id, ids))
            .select(PublishedVersionRow::as_select())
            .load(&mut self.reader()?)
            .or_store_failure()?;
        Ok(in_order(ids.iter().copied(), restore_all(&rows)?, |version: &SourceVersion| version.id))
    }

    fn find_by_label(&self, source_id: SourceId, label: &VersionLabel) -> Result<Option<SourceVersion>, StoreFailure> {
        by_label(&mut *self.reader()?, source_id, label)
    }

    fn newest(&self, source_id: SourceId) -> Result<Option<SourceVersion>, StoreFailure> {
        let mut reader = self.reader()?;
        // Two queries, each of which ends at the first row of an index that fits.
        for stage in [LifecycleStage::Active, LifecycleStage::Deprecated] {
            let row = versions()
                .filter(source_versions::source_id.eq(source_id.to_string()))
                .filter(is_one_of(stage_of_version(), [stage]))
                .order(source_versions::sequence_number.desc())
                .select(PublishedVersionRow::as_select());
            let found = restore(row.first(&mut *reader).optional().or_store_failure()?.as_ref())?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    fn list(&self, filter: &SourceVersionFilter, page: &PageRequest) -> Result<Page<SourceVersion>, StoreFailure> {
        let mut reader = self.reader()?;
        Page::filled(page, at_once::WHOLE_VERSIONS, |after, most| {
            let columns = (PublishedVersionRow::as_select(), source_versions::sequence_number);
            let query = in_creation_order(filter, after, most).select(columns);
            let rows: Vec<(PublishedVersionRow, i64)> = query.load(&mut *reader).or_store_failure()?;
            placed(&rows)
        })
    }

    fn list_heads(
        &self,
        filter: &SourceVersionFilter,
        page: &PageRequest,
    ) -> Result<Page<SourceVersionHead>, StoreFailure> {
        let mut reader = self.reader()?;
        Page::filled(page, at_once::TEXTS, |after, most| {
            let columns = (PublishedVersionHeadRow::as_select(), source_versions::sequence_number);
            let query = in_creation_order(filter, after, most).select(columns);
            let rows: Vec<(PublishedVersionHeadRow, i64)> = query.load(&mut *reader).or_store_failure()?;
            placed(&rows)
        })
    }

    fn change_lifecycle(
        &self,
        id: SourceVersionId,
        lifecycle: &Lifecycle,
        expected: Revision,
        mode: WriteMode,
    ) -> Result<(), ChangeLifecycleError> {
        self.write(mode, |connection| {
            let current = by_id(connection, id)?.ok_or(ChangeLifecycleError::Missing)?.lifecycle.revision;
            if current != expected {
                return Err(ChangeLifecycleError::Stale { current });
            }
            let row = LifecycleRow::of(id, lifecycle);
            let written = diesel::insert_into(source_version_lifecycles::table)
                .values(&row)
                .on_conflict(source_version_lifecycles::source_version_id)
                .do_update()
                .set(&row)
                .execute(connection);
            match refused(written.map(drop)).or_store_failure()? {
                Ok(()) => Ok(()),
                Err(ConstraintViolation::Reference) => Err(ChangeLifecycleError::ReplacementMissing),
                Err(refusal) => Err(StoreFailure::from(refusal).into()),
            }
        })
    }

    fn delete(&self, scope: &Scope, id: SourceVersionId, mode: WriteMode) -> Result<(), DeleteSourceVersionError> {
        self.write(mode, |connection| delete(connection, scope, id))
    }
}

define_sql_function! {
    /// The stage of a version, which may have no row that says it.
    #[sql_name = "coalesce"]
    fn stage_or(stage: Nullable<Text>, otherwise: Text) -> Text
}

#[diesel::dsl::auto_type]
fn stage_of_version() -> _ {
    let active: &'static str = LifecycleStage::Active.as_str();
    stage_or(source_version_lifecycles::stage.nullable(), active)
}

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
) -> IntoBoxed<'static, versions, Sqlite> {
    let mut query = versions().into_boxed().order(source_versions::sequence_number).limit(limit(most));
    if let Some(source_id) = filter.source_id {
        query = query.filter(source_versions::source_id.eq(source_id.to_string()));
    }
    if let Some(stages) = &filter.stages {
        query = query.filter(is_one_of(stage_of_version(), stages));
    }
    if let Some(set) = &filter.managed_by {
        query = query.filter(source_versions::managed_by.eq(set.to_string()));
    }
    if let Some(position) = after {
        query = query.filter(source_versions::sequence_number.gt(position.number()));
    }
    query
}

/// Inserts the row, or tells the constraint that it would break.
pub(crate) fn insert(
    connection: &mut SqliteConnection,
    version: &SourceVersion,
) -> QueryResult<Result<(), ConstraintViolation>> {
    let inserted =
        diesel::insert_into(source_versions::table).values(SourceVersionRow::from(version)).execute(connection);
    refused(inserted.map(drop))
}

/// Says which set keeps a version; `false` when there is none of that id, or another set keeps it.
pub(crate) fn adopt(connection: &mut SqliteConnection, adopted: &AdoptedVersion) -> QueryResult<bool> {
    let AdoptedVersion { id, from, to } = adopted;
    let from = from.as_ref().map(SetName::as_str);
    let version = source_versions::table.find(id.to_string()).filter(source_versions::managed_by.is(from));
    Ok(diesel::update(version).set(source_versions::managed_by.eq(to.as_str())).execute(connection)? == 1)
}

/// Tells whether a set keeps a version.
pub(crate) fn is_kept_by(connection: &mut SqliteConnection, id: SourceVersionId, set: &SetName) -> QueryResult<bool> {
    let version = source_versions::table.find(id.to_string()).select(source_versions::managed_by);
    let keeper: Option<Option<String>> = version.first(connection).optional()?;
    Ok(keeper.flatten().as_deref() == Some(set.as_str()))
}

/// Deletes a version that no job uses.
pub(crate) fn delete(
    connection: &mut SqliteConnection,
    scope: &Scope,
    id: SourceVersionId,
) -> Result<(), DeleteSourceVersionError> {
    let jobs: i64 = users(id).count().get_result(connection).or_store_failure()?;
    if jobs > 0 {
        let visible = visible_users(connection, scope, id)?;
        return Err(DeleteSourceVersionError::InUse { jobs: jobs.unsigned_abs(), visible });
    }
    let deleted = diesel::delete(source_versions::table.find(id.to_string())).execute(connection).or_store_failure()?;
    if deleted == 0 { Err(DeleteSourceVersionError::Missing) } else { Ok(()) }
}

fn by_id(connection: &mut SqliteConnection, id: SourceVersionId) -> Result<Option<SourceVersion>, StoreFailure> {
    let row = versions().filter(source_versions::id.eq(id.to_string())).select(PublishedVersionRow::as_select());
    restore(row.first(connection).optional().or_store_failure()?.as_ref())
}

fn by_label(
    connection: &mut SqliteConnection,
    source_id: SourceId,
    label: &VersionLabel,
) -> Result<Option<SourceVersion>, StoreFailure> {
    let row = versions()
        .filter(source_versions::source_id.eq(source_id.to_string()))
        .filter(source_versions::version_key.eq(label.key()))
        .select(PublishedVersionRow::as_select());
    restore(row.first(connection).optional().or_store_failure()?.as_ref())
}

/// The jobs that have a version, or had it at a revision that is kept.
fn users(id: SourceVersionId) -> jobs::BoxedQuery<'static, Sqlite> {
    let had =
        job_revisions::table.filter(job_revisions::source_version_id.eq(id.to_string())).select(job_revisions::job_id);
    jobs::table.filter(jobs::source_version_id.eq(id.to_string()).or(jobs::id.eq_any(had))).into_boxed()
}

/// The first of them, of those that may be seen. They are put in order afterwards, and neither the order nor the
/// organisation is what they are looked up by: hence `unindexed`.
fn visible_users(
    connection: &mut SqliteConnection,
    scope: &Scope,
    id: SourceVersionId,
) -> Result<Vec<JobId>, StoreFailure> {
    let mut query = users(id)
        .select(jobs::id)
        .order(unindexed(jobs::sequence_number))
        .limit(limit(DeleteSourceVersionError::MAX_NAMED_JOBS));
    if let Scope::Organisations(organisations) = scope {
        query = query.filter(is_one_of(unindexed(jobs::organisation_id), organisations.iter()));
    }
    let ids: Vec<String> = query.load(connection).or_store_failure()?;
    job_ids(&ids)
}
