//! The statements that count jobs, by their health and by what they have bound.

use chrono::{DateTime, Utc};
use diesel::QueryResult;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::{BigInt, Jsonb, SmallInt, Uuid as SqlUuid};
use prediction_domain::model::{JobGrouping, Scope, Timestamp};
use prediction_domain::ports::JobFilter;

use crate::statement::statement;

use super::by_health;
use super::conditions::Conditions;
use super::monitoring;

/// Counts what was judged, as far as it holds, and judges the rest. With a filter that judgements know nothing of, and
/// where tables are distributed, it reads all jobs that are asked for, and what their runs add up to.
#[derive(Debug, Clone)]
pub(super) struct CountJobs {
    conditions: Conditions,
    now: DateTime<Utc>,
}

impl CountJobs {
    /// `None` when there can be no job to count.
    pub(super) fn new(scope: &Scope, filter: &JobFilter, now: Timestamp, is_distributed: bool) -> Option<Self> {
        Some(Self { conditions: Conditions::new(scope, filter, is_distributed)?, now: now.as_datetime() })
    }
}

impl QueryFragment<Pg> for CountJobs {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let out = &mut out;
        if self.conditions.are_of_tenants_only() && !self.conditions.is_distributed {
            return by_health::push_counts(out, &self.conditions, &self.now, None);
        }
        out.push_sql("SELECT (");
        monitoring::push_status(out, &self.now)?;
        out.push_sql(")::smallint, count(*) FROM jobs");
        out.push_sql(monitoring::JOINED_TO_MANY);
        self.conditions.push_all_joined(out)?;
        out.push_sql(" GROUP BY 1");
        Ok(())
    }
}

/// Counts the jobs of each group: by what was judged if judgements know the group, and nothing else is asked for. If
/// not, it reads all jobs that are asked for, and what their runs add up to.
#[derive(Debug, Clone)]
pub(super) struct CountEachGroup {
    conditions: Conditions,
    grouping: JobGrouping,
    now: DateTime<Utc>,
}

impl CountEachGroup {
    /// `None` when there can be no job to count.
    pub(super) fn new(
        scope: &Scope,
        filter: &JobFilter,
        grouping: JobGrouping,
        now: Timestamp,
        is_distributed: bool,
    ) -> Option<Self> {
        Some(Self { conditions: Conditions::new(scope, filter, is_distributed)?, grouping, now: now.as_datetime() })
    }
}

impl QueryFragment<Pg> for CountEachGroup {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let out = &mut out;
        let column = format!("{}_id", self.grouping);
        let is_judged = matches!(self.grouping, JobGrouping::Organisation | JobGrouping::Source);
        if is_judged && self.conditions.are_of_tenants_only() && !self.conditions.is_distributed {
            return by_health::push_counts(out, &self.conditions, &self.now, Some(&column));
        }
        out.push_sql(&format!("SELECT jobs.{column}, ("));
        monitoring::push_status(out, &self.now)?;
        out.push_sql(")::smallint, count(*) FROM jobs");
        out.push_sql(monitoring::JOINED_TO_MANY);
        self.conditions.push_all_joined(out)?;
        out.push_sql(" GROUP BY 1, 2");
        Ok(())
    }
}

statement! { varying CountEachGroup => (SqlUuid, SmallInt, BigInt) }

/// Counts jobs by version and bound roles.
#[derive(Debug, Clone)]
pub(super) struct CountBoundRoles {
    conditions: Conditions,
}

impl CountBoundRoles {
    /// `None` when there can be no job to count.
    pub(super) fn new(scope: &Scope, filter: &JobFilter, is_distributed: bool) -> Option<Self> {
        Some(Self { conditions: Conditions::new(scope, filter, is_distributed)? })
    }
}

impl QueryFragment<Pg> for CountBoundRoles {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let out = &mut out;
        out.push_sql(
            "SELECT jobs.source_version_id, jsonb_path_query_array(jobs.role_bindings, '$[*].role'), count(*)",
        );
        out.push_sql(" FROM jobs WHERE TRUE");
        self.conditions.push_tenants(out)?;
        self.conditions.push_filters(out)?;
        out.push_sql(" GROUP BY 1, 2");
        Ok(())
    }
}

statement! { varying CountBoundRoles => (SqlUuid, Jsonb, BigInt) }

// Each combination of conditions is a statement of its own, prepared once and found by its text.
statement! { varying CountJobs => (SmallInt, BigInt) }
