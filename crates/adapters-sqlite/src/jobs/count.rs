//! How many jobs there are of each health, and of each set of bound roles.

use std::collections::{BTreeMap, HashMap};

use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::{BigInt, Text};
use diesel::sqlite::Sqlite;
use prediction_domain::model::{
    BoundJobs, HealthCounts, JobGrouping, RoleName, Scope, SourceVersionId, Timestamp, ValueProblem,
};
use prediction_domain::ports::{JobFilter, JobGroup, StoreFailure};

use crate::expressions::{is_one_of, unindexed};
use crate::failure::OrStoreFailure as _;
use crate::jobs::by_health;
use crate::jobs::conditions::{Condition, conditions, named, narrowed, users_of};
use crate::jobs::monitoring::{monitored, status_at};
use crate::rows::json;
use crate::schema::jobs;
use crate::statement::statement;

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

/// How many of the jobs of each group have which health.
pub(crate) fn count_each_by_health(
    connection: &mut SqliteConnection,
    scope: &Scope,
    filter: &JobFilter,
    grouping: JobGrouping,
    now: Timestamp,
) -> Result<BTreeMap<JobGroup, HealthCounts>, StoreFailure> {
    let scope = &narrowed(scope, filter);
    macro_rules! count_by {
        ($column:expr) => {{
            // Not along the index of what they are grouped by, if that leads through the jobs of others.
            let mut pairs = monitored().select((unindexed($column), status_at(now))).into_boxed();
            for condition in within(scope, filter).into_iter().chain(conditions(filter)) {
                pairs = pairs.filter(condition);
            }
            by_health::CountPairs(pairs).load(connection).or_store_failure()?
        }};
    }
    let counts: Vec<(String, String, i64)> = match grouping {
        JobGrouping::Organisation => count_by!(jobs::organisation_id),
        JobGrouping::Source => count_by!(jobs::source_id),
        JobGrouping::SourceVersion => count_by!(jobs::source_version_id),
        _ => return Err(StoreFailure::Internal(format!("jobs are not counted by {grouping}").into())),
    };
    let mut groups: BTreeMap<JobGroup, HealthCounts> = BTreeMap::new();
    for (id, status, count) in counts {
        let group = JobGroup::parse(grouping, &id).map_err(|problem| StoreFailure::Corrupt(problem.into()))?;
        groups.entry(group).or_default().extend([(named(&status)?, count.unsigned_abs())]);
    }
    Ok(groups)
}

/// How many of the jobs in a scope run which version with which roles bound. Rows are counted as they are read, so none
/// is kept.
pub(crate) fn count_by_bound_roles(
    connection: &mut SqliteConnection,
    scope: &Scope,
    filter: &JobFilter,
) -> Result<Vec<BoundJobs>, StoreFailure> {
    let scope = &narrowed(scope, filter);
    let mut query = monitored().select((jobs::source_version_id, jobs::role_bindings)).into_boxed();
    for condition in within(scope, filter).into_iter().chain(conditions(filter)) {
        query = query.filter(condition);
    }
    let mut counts: HashMap<(String, String), u64> = HashMap::new();
    for row in query.load_iter::<(String, String), _>(connection).or_store_failure()? {
        let (version, bindings) = row.or_store_failure()?;
        let roles =
            json::roles_of_bindings(&bindings).map_err(|unreadable| StoreFailure::Corrupt(unreadable.into()))?;
        *counts.entry((version, roles)).or_default() += 1;
    }
    let read = |((version, roles), jobs): ((String, String), u64)| {
        let corrupt = |problem: ValueProblem| StoreFailure::Corrupt(problem.into());
        let source_version_id = SourceVersionId::parse(&version).map_err(corrupt)?;
        let roles = roles.split_terminator('\0').map(RoleName::restore).collect::<Result<_, _>>().map_err(corrupt)?;
        Ok(BoundJobs { source_version_id, roles, jobs })
    };
    counts.into_iter().map(read).collect()
}

/// What the jobs of a scope are found by, when their order does not matter.
pub(super) fn within(scope: &Scope, filter: &JobFilter) -> Vec<Condition> {
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

// The conditions are not part of the type, so diesel must compare the text.
statement! { varying [Values] CountEach<Values> => (Text, BigInt) }
