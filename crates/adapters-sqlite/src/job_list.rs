//! Lists of jobs.

use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel::sqlite::Sqlite;
use prediction_domain::model::{InputId, Job, OrganisationId, Page, PageRequest, Position, Scope};
use prediction_domain::ports::{JobFilter, StoreFailure};

use crate::errors::OrStoreFailure as _;
use crate::expressions::{Place, is_before, is_behind};
use crate::rows::{JobRow, limit, one_too_many, restore_all};
use crate::schema::{job_inputs, jobs};

/// A page of the jobs in a scope.
///
/// An index gives the jobs of *one* organisation in creation order, so each is asked for by itself and the answers are
/// merged, in one snapshot. No organisation is asked for what would come behind a full page, so that many organisations
/// with many jobs cost little more than as many looks into the index.
pub(crate) fn list(
    connection: &mut SqliteConnection,
    scope: &Scope,
    filter: &JobFilter,
    page: &PageRequest,
) -> Result<Page<Job>, StoreFailure> {
    let organisations = match (filter.organisation_id, scope) {
        (Some(id), scope) if scope.contains(id) => Organisations::These(vec![id]),
        (Some(_), _) => Organisations::These(Vec::new()),
        (None, Scope::Organisations(ids)) => Organisations::These(ids.iter().copied().collect()),
        (None, Scope::Platform) => Organisations::All,
    };
    let rows = match organisations {
        Organisations::All => rows_of(connection, None, filter, page, None).or_store_failure()?,
        Organisations::These(ids) => {
            connection.transaction(|connection| merged(connection, &ids, filter, page)).or_store_failure()?
        }
    };
    let position = |job: &Job| Position { created_at: job.created_at, id: job.id.as_uuid() };
    Ok(Page::of_one_too_many(restore_all(rows)?, page, position))
}

enum Organisations {
    All,
    These(Vec<OrganisationId>),
}

fn merged(
    connection: &mut SqliteConnection,
    organisations: &[OrganisationId],
    filter: &JobFilter,
    page: &PageRequest,
) -> QueryResult<Vec<JobRow>> {
    let wanted = one_too_many(page);
    let mut rows: Vec<JobRow> = Vec::new();
    for organisation in organisations {
        let last = rows.get(wanted - 1).map(JobRow::place);
        rows.extend(rows_of(connection, Some(*organisation), filter, page, last)?);
        rows.sort_unstable_by(JobRow::compare_places);
        rows.truncate(wanted);
    }
    Ok(rows)
}

/// The first rows behind the page's position and before another place.
fn rows_of(
    connection: &mut SqliteConnection,
    organisation: Option<OrganisationId>,
    filter: &JobFilter,
    page: &PageRequest,
    before: Option<Place>,
) -> QueryResult<Vec<JobRow>> {
    // The organisation is judged here, and before: the filter's is one of those asked for.
    let JobFilter { organisation_id: _, source_id, source_version_id, active, name, input_id } = filter;
    let mut query = jobs::table
        .select(JobRow::as_select())
        .order((jobs::created_at, jobs::id))
        .limit(limit(one_too_many(page)))
        .into_boxed();
    if let Some(id) = organisation {
        query = query.filter(jobs::organisation_id.eq(id.to_string()));
    }
    if let Some(id) = source_id {
        query = query.filter(jobs::source_id.eq(id.to_string()));
    }
    if let Some(id) = source_version_id {
        query = query.filter(jobs::source_version_id.eq(id.to_string()));
    }
    if let Some(active) = active {
        query = query.filter(jobs::active.eq(i64::from(*active)));
    }
    if let Some(name) = name {
        query = query.filter(jobs::name.eq(name.as_str()));
    }
    if let Some(id) = input_id {
        query = query.filter(jobs::id.eq_any(users_of_input(*id, organisation)));
    }
    if let Some(position) = page.after {
        query = query.filter(is_behind(jobs::created_at, jobs::id, position));
    }
    if let Some(place) = before {
        query = query.filter(is_before(jobs::created_at, jobs::id, place));
    }
    query.load(connection)
}

/// The ids of the jobs that use an input.
fn users_of_input(id: InputId, organisation: Option<OrganisationId>) -> job_inputs::BoxedQuery<'static, Sqlite, Text> {
    let users =
        job_inputs::table.select(job_inputs::job_id).filter(job_inputs::input_id.eq(id.to_string())).into_boxed();
    match organisation {
        Some(organisation_id) => users.filter(job_inputs::organisation_id.eq(organisation_id.to_string())),
        None => users,
    }
}
