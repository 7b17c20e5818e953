//! Lists of jobs, and how many they hold.

use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Text};
use diesel::sqlite::Sqlite;
use prediction_domain::model::{
    HealthCounts, InputId, MonitoredJob, OrganisationId, Page, PageRequest, Position, Scope, Timestamp,
};
use prediction_domain::ports::{JobFilter, StoreFailure};

use crate::expressions::{is_one_of, unindexed};
use crate::failure::OrStoreFailure as _;
use crate::jobs::by_health;
use crate::jobs::by_input;
use crate::jobs::conditions::{Condition, Part, conditions, named, part_of};
use crate::jobs::monitoring::{monitored, status_at};
use crate::rows::{MonitoredJobRow, at_once, restore_all};
use crate::schema::{job_inputs, jobs};

/// A page of the jobs in a scope.
pub(crate) fn list(
    connection: &mut SqliteConnection,
    scope: &Scope,
    filter: &JobFilter,
    page: &PageRequest,
) -> Result<Page<MonitoredJob>, StoreFailure> {
    let scope = &narrowed(scope, filter);
    Page::filled(page, at_once::JOBS, |after, most| {
        let part = Part { after, most };
        let rows = match (filter.input_id, &filter.health, scope) {
            (None, Some(health), scope) if filter.name.is_none() => {
                by_health::list(connection, scope, filter, health, part)
            }
            (Some(input_id), _, Scope::Platform) => {
                part_of(filter, part, users_of(input_id, scope, filter)).load(connection)
            }
            (None, _, Scope::Platform) => in_creation_order(connection, None, filter, part, None),
            (_, _, Scope::Organisations(ids)) => {
                connection.transaction(|connection| merged(connection, ids.iter().copied(), filter, part))
            }
        };
        let rows = rows.or_store_failure()?;
        let positions = rows.iter().map(|row| Position::behind(row.sequence_number));
        Ok(restore_all(&rows)?.into_iter().zip(positions).collect())
    })
}

/// How many of the jobs in a scope have which health.
pub(crate) fn count_by_health(
    connection: &mut SqliteConnection,
    scope: &Scope,
    filter: &JobFilter,
    now: Timestamp,
) -> Result<HealthCounts, StoreFailure> {
    let scope = &narrowed(scope, filter);
    let of_scope_only = JobFilter { organisation_id: filter.organisation_id, ..JobFilter::default() };
    if *filter == of_scope_only
        && let Some(counts) = by_health::count(connection, scope, now)?
    {
        return Ok(counts);
    }
    let found = match filter.input_id {
        Some(input_id) => users_of(input_id, scope, filter),
        None => within(scope, filter),
    };
    let mut statuses = monitored().select(status_at(now)).into_boxed();
    for condition in found.into_iter().chain(conditions(filter)) {
        statuses = statuses.filter(condition);
    }
    let counts: Vec<(String, i64)> = CountEach { values: statuses }.load(connection).or_store_failure()?;
    counts.iter().map(|(status, count)| Ok((named(status)?, count.unsigned_abs()))).collect()
}

/// What is both in the scope and of the organisation that is asked for. Nothing is, when no health is: no query has to
/// walk through all jobs to find that out.
fn narrowed(scope: &Scope, filter: &JobFilter) -> Scope {
    if filter.health.as_ref().is_some_and(|health| health.statuses.is_empty()) {
        return Scope::of([]);
    }
    match filter.organisation_id {
        Some(id) => Scope::of(Some(id).filter(|id| scope.contains(*id))),
        None => scope.clone(),
    }
}

/// An index gives the jobs of *one* organisation in creation order, so each is asked for by itself, in one snapshot,
/// and the answers are merged. None is asked for what would come behind a full page, so that many organisations with
/// many jobs cost little more than as many looks into the index.
fn merged(
    connection: &mut SqliteConnection,
    organisations: impl Iterator<Item = OrganisationId>,
    filter: &JobFilter,
    part: Part,
) -> QueryResult<Vec<MonitoredJobRow>> {
    let wanted = part.most;
    let mut rows: Vec<MonitoredJobRow> = Vec::new();
    for organisation in organisations {
        let last = rows.get(wanted - 1).map(|row| row.sequence_number);
        rows.extend(match filter.input_id {
            // A name is of one job.
            Some(input_id) if filter.name.is_none() => {
                by_input::list(connection, organisation, input_id, filter, part, last)?
            }
            _ => in_creation_order(connection, Some(organisation), filter, part, last)?,
        });
        rows.sort_unstable_by_key(|row| row.sequence_number);
        rows.truncate(wanted);
    }
    Ok(rows)
}

/// The first jobs of an organisation, or of all, behind the page's position and before another place.
fn in_creation_order(
    connection: &mut SqliteConnection,
    organisation: Option<OrganisationId>,
    filter: &JobFilter,
    part: Part,
    before: Option<i64>,
) -> QueryResult<Vec<MonitoredJobRow>> {
    let mut found: Vec<Condition> = Vec::new();
    match (organisation, filter.source_version_id) {
        // The index by version would lead through the jobs of all others that run it.
        (Some(organisation), Some(version)) => {
            found.push(Box::new(jobs::organisation_id.eq(organisation.to_string())));
            found.push(Box::new(unindexed(jobs::source_version_id).eq(version.to_string())));
        }
        (Some(organisation), None) => found.push(Box::new(jobs::organisation_id.eq(organisation.to_string()))),
        (None, Some(version)) => found.push(Box::new(jobs::source_version_id.eq(version.to_string()))),
        (None, None) => {}
    }
    if let Some(input_id) = filter.input_id {
        let uses = job_inputs::table.filter(job_inputs::input_id.eq(input_id.to_string()));
        let own = job_inputs::organisation_id.eq(jobs::organisation_id).and(job_inputs::job_id.eq(jobs::id));
        found.push(Box::new(diesel::dsl::exists(uses.filter(own))));
    }
    if let Some(number) = before {
        found.push(Box::new(jobs::sequence_number.lt(number)));
    }
    part_of(filter, part, found).load(connection)
}

/// What the jobs of a scope are found by, when their order does not matter.
fn within(scope: &Scope, filter: &JobFilter) -> Vec<Condition> {
    let mut found: Vec<Condition> = Vec::new();
    match (scope, filter.source_version_id) {
        (Scope::Organisations(ids), version) => {
            found.push(Box::new(is_one_of(jobs::organisation_id, ids.iter())));
            if let Some(id) = version {
                found.push(Box::new(unindexed(jobs::source_version_id).eq(id.to_string())));
            }
        }
        (Scope::Platform, Some(id)) => found.push(Box::new(jobs::source_version_id.eq(id.to_string()))),
        (Scope::Platform, None) => {}
    }
    found
}

/// What the jobs that use an input are found by, when their order does not matter, or there is none to follow; of
/// organisations only their own uses are looked at. SQLite, which keeps no statistics here, would take an organisation
/// for as selective and walk through all its jobs: hence `unindexed`.
fn users_of(input_id: InputId, scope: &Scope, filter: &JobFilter) -> Vec<Condition> {
    let users = job_inputs::table.select(job_inputs::job_id).filter(job_inputs::input_id.eq(input_id.to_string()));
    let mut found: Vec<Condition> = Vec::new();
    match scope {
        Scope::Platform => found.push(Box::new(jobs::id.eq_any(users))),
        Scope::Organisations(ids) => {
            found.push(Box::new(jobs::id.eq_any(users.filter(is_one_of(job_inputs::organisation_id, ids.iter())))));
            found.push(Box::new(is_one_of(unindexed(jobs::organisation_id), ids.iter())));
        }
    }
    if let Some(id) = filter.source_version_id {
        found.push(Box::new(unindexed(jobs::source_version_id).eq(id.to_string())));
    }
    found
}

/// Each value that a query gives, and how often. They are grouped by their place, so that the expression stands there
/// once: SQLite could not see that its parameters are the same a second time.
struct CountEach<Values> {
    values: Values,
}

impl<Values: QueryFragment<Sqlite>> QueryFragment<Sqlite> for CountEach<Values> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("SELECT *, count(*) FROM (");
        self.values.walk_ast(out.reborrow())?;
        out.push_sql(") GROUP BY 1");
        Ok(())
    }
}

/// The conditions are not part of the type, so the text has to be looked at.
impl<Values> QueryId for CountEach<Values> {
    type QueryId = ();

    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Values> Query for CountEach<Values> {
    type SqlType = (Text, BigInt);
}

impl<Values> RunQueryDsl<SqliteConnection> for CountEach<Values> {}
