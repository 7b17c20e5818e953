//! Lists of jobs.

use diesel::dsl::{AsSelect, IntoBoxed, Select};
use diesel::prelude::*;
use diesel::sqlite::Sqlite;
use prediction_domain::model::{InputId, Job, OrganisationId, Page, PageRequest, Position, Scope};
use prediction_domain::ports::{JobFilter, StoreFailure};

use crate::errors::OrStoreFailure as _;
use crate::expressions::{Place, is_before, is_behind, is_one_of, unindexed};
use crate::rows::{JobRow, limit, one_too_many, restore_all};
use crate::schema::{job_inputs, jobs};

/// A page of the jobs in a scope.
pub(crate) fn list(
    connection: &mut SqliteConnection,
    scope: &Scope,
    filter: &JobFilter,
    page: &PageRequest,
) -> Result<Page<Job>, StoreFailure> {
    let scope = &narrowed(scope, filter.organisation_id);
    let rows = match (filter.input_id, scope) {
        (Some(input_id), scope) => users_of(connection, input_id, scope, filter, page),
        (None, Scope::Organisations(ids)) => {
            connection.transaction(|connection| merged(connection, ids.iter().copied(), filter, page))
        }
        (None, Scope::Platform) => in_creation_order(connection, None, filter, page, None),
    };
    let position = |job: &Job| Position { created_at: job.created_at, id: job.id.as_uuid() };
    Ok(Page::of_one_too_many(restore_all(&rows.or_store_failure()?)?, page, position))
}

/// What is both in the scope and of the organisation that is asked for.
fn narrowed(scope: &Scope, organisation_id: Option<OrganisationId>) -> Scope {
    match organisation_id {
        Some(id) => Scope::of(Some(id).filter(|id| scope.contains(*id))),
        None => scope.clone(),
    }
}

/// An index gives the jobs of *one* organisation in creation order, so each is asked for by itself, in one snapshot, and
/// the answers are merged. None is asked for what would come behind a full page, so that many organisations with many
/// jobs cost little more than as many looks into the index.
fn merged(
    connection: &mut SqliteConnection,
    organisations: impl Iterator<Item = OrganisationId>,
    filter: &JobFilter,
    page: &PageRequest,
) -> QueryResult<Vec<JobRow>> {
    let wanted = one_too_many(page);
    let mut rows: Vec<JobRow> = Vec::new();
    for organisation in organisations {
        let last = rows.get(wanted - 1).map(JobRow::place);
        rows.extend(in_creation_order(connection, Some(organisation), filter, page, last)?);
        rows.sort_unstable_by(JobRow::compare_places);
        rows.truncate(wanted);
    }
    Ok(rows)
}

/// The first jobs of an organisation, or of all, behind the page's position and before another place.
fn in_creation_order(
    connection: &mut SqliteConnection,
    organisation: Option<OrganisationId>,
    filter: &JobFilter,
    page: &PageRequest,
    before: Option<Place>,
) -> QueryResult<Vec<JobRow>> {
    let mut query = page_of(filter, page);
    if let Some(id) = organisation {
        query = query.filter(jobs::organisation_id.eq(id.to_string()));
    }
    if let Some(id) = filter.source_version_id {
        query = query.filter(jobs::source_version_id.eq(id.to_string()));
    }
    if let Some(place) = before {
        query = query.filter(is_before(jobs::created_at, jobs::id, place));
    }
    query.load(connection)
}

/// The first jobs that use an input. They are few, so they are found first and put in order afterwards. SQLite, which
/// keeps no statistics here, would take an organisation for as selective and walk through all its jobs: hence `unindexed`.
fn users_of(
    connection: &mut SqliteConnection,
    input_id: InputId,
    scope: &Scope,
    filter: &JobFilter,
    page: &PageRequest,
) -> QueryResult<Vec<JobRow>> {
    let users = job_inputs::table.select(job_inputs::job_id).filter(job_inputs::input_id.eq(input_id.to_string()));
    let mut query = page_of(filter, page).filter(jobs::id.eq_any(users));
    if let Scope::Organisations(ids) = scope {
        query = query.filter(is_one_of(unindexed(jobs::organisation_id), ids.iter()));
    }
    if let Some(id) = filter.source_version_id {
        query = query.filter(unindexed(jobs::source_version_id).eq(id.to_string()));
    }
    query.load(connection)
}

type JobQuery = IntoBoxed<'static, Select<jobs::table, AsSelect<JobRow, Sqlite>>, Sqlite>;

/// One job more than the page holds, with those conditions of the filter that no index helps with.
fn page_of(filter: &JobFilter, page: &PageRequest) -> JobQuery {
    let JobFilter { organisation_id: _, source_id, source_version_id: _, active, name, input_id: _ } = filter;
    let mut query = jobs::table
        .select(JobRow::as_select())
        .into_boxed()
        .order((jobs::created_at, jobs::id))
        .limit(limit(one_too_many(page)));
    if let Some(id) = source_id {
        query = query.filter(jobs::source_id.eq(id.to_string()));
    }
    if let Some(active) = active {
        query = query.filter(jobs::active.eq(i64::from(*active)));
    }
    if let Some(name) = name {
        query = query.filter(jobs::name.eq(name.as_str().to_owned()));
    }
    if let Some(position) = page.after {
        query = query.filter(is_behind(jobs::created_at, jobs::id, position));
    }
    query
}
