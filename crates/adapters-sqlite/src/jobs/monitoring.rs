//! Jobs beside what is to be known to judge their health, and the judgement as SQL.

use diesel::dsl::{And, Eq};
use diesel::expression::{AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate};
use diesel::helper_types::LeftJoinQuerySource;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Text};
use diesel::sqlite::Sqlite;
use prediction_domain::model::{HealthStatus, MAX_SECONDS_AHEAD, MIN_GRACE_MINUTES, Timestamp};

use crate::schema::{jobs, run_summaries, sources};

/// What [`monitored()`] selects from.
pub(crate) type Monitored = LeftJoinQuerySource<WithSource, run_summaries::table, And<OfOrganisation, OfJob>>;

type WithSource = LeftJoinQuerySource<jobs::table, sources::table, Eq<sources::id, jobs::source_id>>;
type OfOrganisation = Eq<run_summaries::organisation_id, jobs::organisation_id>;
type OfJob = Eq<run_summaries::job_id, jobs::id>;

/// Jobs with their sources and what their runs add up to. Every job has a source, yet it is a left join, since that is
/// the one that SQLite never turns round: the jobs are found as if they were alone, and the rest is looked up for each.
#[diesel::dsl::auto_type]
pub(crate) fn monitored() -> _ {
    jobs::table.left_join(sources::table.on(sources::id.eq(jobs::source_id))).left_join(
        run_summaries::table
            .on(run_summaries::organisation_id.eq(jobs::organisation_id).and(run_summaries::job_id.eq(jobs::id))),
    )
}

/// The name of the health of a job at a time: the same as
/// [`Health::evaluate`](prediction_domain::model::Health::evaluate) says.
pub(crate) fn status_at(time: Timestamp) -> StatusAt {
    StatusAt { micros: time.as_micros() }
}

/// See [`status_at`].
#[derive(Debug, Clone, QueryId)]
pub(crate) struct StatusAt {
    micros: i64,
}

/// The expected interval, in microseconds.
pub(crate) const INTERVAL: &str = "sources.expected_interval_minutes * 60000000";

/// When the job delivered last, and when it was activated.
const TIMES: [&str; 2] = [
    "coalesce(run_summaries.delivered_at, run_summaries.last_success_at)",
    "coalesce(jobs.activated_at, jobs.created_at)",
];

/// A time before all others, in microseconds; far from the least number, so that an interval can be added.
const LONG_AGO: &str = "-4000000000000000000";

/// A time after all others, in microseconds.
pub(crate) const FOR_EVER: &str = "4000000000000000000";

/// How far ahead a time is believed to be, in microseconds.
pub(crate) const MAX_AHEAD: i64 = MAX_SECONDS_AHEAD * 1_000_000;

/// What [`MIN_GRACE_MINUTES`] are in microseconds.
pub(crate) const MIN_GRACE: i64 = MIN_GRACE_MINUTES as i64 * 60_000_000;

impl StatusAt {
    /// ` THEN '…'`
    fn then(out: &mut AstPass<'_, '_, Sqlite>, status: HealthStatus) {
        for part in [" THEN '", status.as_str(), "' "] {
            out.push_sql(part);
        }
    }

    /// `WHEN ? > delivered + interval`
    fn when_past_interval<'b>(&'b self, out: &mut AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("WHEN ");
        out.push_bind_param::<BigInt, _>(&self.micros)?;
        out.push_sql(" > ");
        self.delivered_at(out)?;
        out.push_sql(" + ");
        out.push_sql(INTERVAL);
        Ok(())
    }

    /// The later of the two times. What lies further ahead than clocks differ tells nothing.
    pub(crate) fn delivered_at<'b>(&'b self, out: &mut AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("max(");
        for (place, time) in TIMES.iter().enumerate() {
            for part in [if place == 0 { "" } else { ", " }, "CASE WHEN ", time, " <= "] {
                out.push_sql(part);
            }
            out.push_bind_param::<BigInt, _>(&self.micros)?;
            out.push_sql(" + ");
            out.push_bind_param::<BigInt, _>(&MAX_AHEAD)?;
            for part in [" THEN ", time, " ELSE ", LONG_AGO, " END"] {
                out.push_sql(part);
            }
        }
        out.push_sql(")");
        Ok(())
    }
}

impl StatusAt {
    /// The last moment before one of the two times is believed that is not believed now.
    pub(crate) fn believed_from<'b>(&'b self, out: &mut AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("min(");
        for (place, time) in TIMES.iter().enumerate() {
            for part in [if place == 0 { "" } else { ", " }, "CASE WHEN ", time, " > "] {
                out.push_sql(part);
            }
            out.push_bind_param::<BigInt, _>(&self.micros)?;
            out.push_sql(" + ");
            out.push_bind_param::<BigInt, _>(&MAX_AHEAD)?;
            for part in [" THEN ", time, " - 1 - "] {
                out.push_sql(part);
            }
            out.push_bind_param::<BigInt, _>(&MAX_AHEAD)?;
            for part in [" ELSE ", FOR_EVER, " END"] {
                out.push_sql(part);
            }
        }
        out.push_sql(")");
        Ok(())
    }
}

impl QueryFragment<Sqlite> for StatusAt {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("CASE WHEN jobs.active = 0");
        Self::then(&mut out, HealthStatus::Paused);
        out.push_sql("WHEN sources.expected_interval_minutes IS NULL");
        Self::then(&mut out, HealthStatus::Unmonitored);
        self.when_past_interval(&mut out)?;
        for part in [" + max(", INTERVAL, ", "] {
            out.push_sql(part);
        }
        out.push_bind_param::<BigInt, _>(&MIN_GRACE)?;
        out.push_sql(")");
        Self::then(&mut out, HealthStatus::Overdue);
        out.push_sql("WHEN run_summaries.last_run_succeeded = 0");
        Self::then(&mut out, HealthStatus::Failing);
        self.when_past_interval(&mut out)?;
        Self::then(&mut out, HealthStatus::Late);
        out.push_sql("WHEN run_summaries.last_run_at IS NULL");
        Self::then(&mut out, HealthStatus::New);
        for part in ["ELSE '", HealthStatus::OnTime.as_str(), "' END"] {
            out.push_sql(part);
        }
        Ok(())
    }
}

impl Expression for StatusAt {
    type SqlType = Text;
}

impl AppearsOnTable<Monitored> for StatusAt {}

impl SelectableExpression<Monitored> for StatusAt {}

impl ValidGrouping<()> for StatusAt {
    type IsAggregate = is_aggregate::No;
}
