//! What lists of jobs have in common: the conditions that a filter asks for, and a part of what is found.

use std::collections::BTreeSet;

use diesel::dsl::{AsSelect, IntoBoxed, Select};
use diesel::prelude::*;
use diesel::sql_types::Bool;
use diesel::sqlite::Sqlite;
use prediction_domain::model::{HealthStatus, InputId, LifecycleStage, Position, Scope};
use prediction_domain::ports::{JobFilter, StoreFailure};

use crate::expressions::{is_one_of, unindexed};
use crate::jobs::monitoring::{Monitored, monitored, status_at};
use crate::paging::limit;
use crate::rows::MonitoredJobRow;
use crate::schema::{job_inputs, jobs, source_version_lifecycles};

/// So many jobs behind a place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part {
    pub(crate) after: Option<Position>,
    pub(crate) most: usize,
}

/// What [`status_at`] gives as the domain has it.
pub(crate) fn named(status: &str) -> Result<HealthStatus, StoreFailure> {
    HealthStatus::parse(status).map_err(|problem| StoreFailure::Internal(problem.into()))
}

/// A condition on jobs beside what is to be known to judge their health.
pub(crate) type Condition = Box<dyn BoxableExpression<Monitored, Sqlite, SqlType = Bool>>;

/// Those conditions of the filter that no index helps with.
pub(crate) fn conditions(filter: &JobFilter) -> Vec<Condition> {
    let JobFilter {
        organisation_id: _,
        source_id,
        source_version_id: _,
        version_stages,
        active,
        name,
        input_id: _,
        health,
        managed_by,
    } = filter;
    let mut conditions: Vec<Condition> = Vec::new();
    if let Some(id) = source_id {
        conditions.push(Box::new(jobs::source_id.eq(id.to_string())));
    }
    if let Some(wanted) = version_stages {
        conditions.push(of_stages(wanted));
    }
    if let Some(active) = active {
        conditions.push(Box::new(jobs::active.eq(i64::from(*active))));
    }
    if let Some(name) = name {
        conditions.push(Box::new(jobs::name.eq(name.as_str().to_owned())));
    }
    if let Some(set) = managed_by {
        conditions.push(Box::new(jobs::managed_by.assume_not_null().eq(set.to_string())));
    }
    if let Some(health) = health {
        let statuses = health.statuses.iter().map(|status| status.as_str());
        conditions.push(Box::new(is_one_of(status_at(health.at), statuses)));
    }
    conditions
}

/// Jobs that run a version in one of these stages. A version without a row is active, so if that stage is wanted, the
/// other ones are left out.
fn of_stages(wanted: &BTreeSet<LifecycleStage>) -> Condition {
    let is_active_wanted = wanted.contains(&LifecycleStage::Active);
    let listed = LifecycleStage::ALL.into_iter().filter(|stage| wanted.contains(stage) != is_active_wanted);
    let versions = source_version_lifecycles::table
        .select(source_version_lifecycles::source_version_id)
        .filter(is_one_of(source_version_lifecycles::stage, listed));
    let version = unindexed(jobs::source_version_id);
    if is_active_wanted { Box::new(version.ne_all(versions)) } else { Box::new(version.eq_any(versions)) }
}

/// Finds jobs of a list.
pub(crate) type JobQuery = IntoBoxed<'static, Select<monitored, AsSelect<MonitoredJobRow, Sqlite>>, Sqlite>;

/// The jobs of a part, of those that are found by these conditions and pass the filter. They are read in order.
pub(crate) fn part_of(filter: &JobFilter, part: Part, found: Vec<Condition>) -> JobQuery {
    let query = monitored().select(MonitoredJobRow::as_select()).into_boxed().order(jobs::sequence_number);
    first_of(query, filter, part, found)
}

/// Likewise, of few: they are read as they are found, whatever their places, and put in order afterwards.
pub(crate) fn sorted_part_of(filter: &JobFilter, part: Part, mut found: Vec<Condition>) -> JobQuery {
    if let Some(position) = part.after {
        found.push(Box::new(unindexed(jobs::sequence_number).gt(position.number())));
    }
    let query = monitored().select(MonitoredJobRow::as_select()).into_boxed().order(unindexed(jobs::sequence_number));
    first_of(query, filter, Part { after: None, ..part }, found)
}

fn first_of(query: JobQuery, filter: &JobFilter, part: Part, found: Vec<Condition>) -> JobQuery {
    let mut query = query.limit(limit(part.most));
    for condition in found.into_iter().chain(conditions(filter)) {
        query = query.filter(condition);
    }
    if let Some(position) = part.after {
        query = query.filter(jobs::sequence_number.gt(position.number()));
    }
    query
}

/// What is both in the scope and of the organisation that is asked for. Nothing is, when no health is: no query has to
/// walk through all jobs to find that out.
pub(crate) fn narrowed(scope: &Scope, filter: &JobFilter) -> Scope {
    if filter.health.as_ref().is_some_and(|health| health.statuses.is_empty())
        || filter.version_stages.as_ref().is_some_and(BTreeSet::is_empty)
    {
        return Scope::of([]);
    }
    match filter.organisation_id {
        Some(id) => Scope::of(Some(id).filter(|id| scope.contains(*id))),
        None => scope.clone(),
    }
}

/// What the jobs that use an input are found by, when their order does not matter, or there is none to follow; of
/// organisations only their own uses are looked at. SQLite, which keeps no statistics here, would take an organisation
/// for as selective and walk through all its jobs: hence `unindexed`.
pub(crate) fn users_of(input_id: InputId, scope: &Scope, filter: &JobFilter) -> Vec<Condition> {
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
