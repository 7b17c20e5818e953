//! What is read beside jobs to judge their health, and the judgement itself in SQL.

use chrono::{DateTime, Utc};
use diesel::QueryResult;
use diesel::pg::Pg;
use diesel::query_builder::AstPass;
use diesel::sql_types::{Array, SmallInt, Timestamptz};
use prediction_domain::model::{HealthFilter, HealthStatus, MAX_SECONDS_AHEAD, MIN_GRACE_MINUTES};

/// The columns behind those of the job, in the order of [`MonitoredJobRow`](crate::rows::MonitoredJobRow).
pub(super) const COLUMNS: &str = ", jobs.sequence_number, sources.expected_interval_minutes, run_summaries.last_run_at, \
    run_summaries.last_run_succeeded, run_summaries.last_success_at, \
    COALESCE(run_summaries.delivered_at, run_summaries.last_success_at), run_summaries.consecutive_failures";

/// Joined to few jobs, each of which looks its summary up: without OFFSET, which keeps PostgreSQL from taking the
/// subquery apart, it may read all summaries there are, since it takes the jobs of a page for more than they are.
pub(super) const JOINED_TO_FEW: &str = " JOIN sources ON sources.id = jobs.source_id LEFT JOIN LATERAL (\
    SELECT * FROM run_summaries AS summary WHERE summary.organisation_id = jobs.organisation_id \
    AND summary.job_id = jobs.id OFFSET 0) AS run_summaries ON TRUE";

/// Joined to many jobs, in whatever way PostgreSQL finds best.
pub(crate) const JOINED_TO_MANY: &str = " JOIN sources ON sources.id = jobs.source_id LEFT JOIN run_summaries \
    ON run_summaries.organisation_id = jobs.organisation_id AND run_summaries.job_id = jobs.id";

/// A condition on the health of jobs.
#[derive(Debug, Clone)]
pub(super) struct HealthCondition {
    pub(super) statuses: Vec<HealthStatus>,
    numbers: Vec<i16>,
    pub(super) at: DateTime<Utc>,
}

impl HealthCondition {
    pub(super) fn new(HealthFilter { statuses, at }: &HealthFilter) -> Self {
        Self {
            statuses: statuses.iter().copied().collect(),
            numbers: statuses.iter().map(|status| status.number()).collect(),
            at: at.as_datetime(),
        }
    }

    /// For statements that have joined what the judgement needs.
    pub(super) fn push<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(" AND (");
        push_status(out, &self.at)?;
        self.push_numbers(out)
    }

    /// For statements that have not: each job that is looked at is judged by itself.
    ///
    /// Within CASE, because PostgreSQL takes a plain comparison for one that hardly any job passes, and then reads and
    /// sorts all jobs instead of walking along an index to the end of the page.
    pub(super) fn push_apart<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(" AND CASE WHEN (SELECT ");
        push_status(out, &self.at)?;
        out.push_sql(
            " FROM sources LEFT JOIN run_summaries ON run_summaries.organisation_id = jobs.organisation_id \
             AND run_summaries.job_id = jobs.id WHERE sources.id = jobs.source_id",
        );
        self.push_numbers(out)?;
        out.push_sql(" THEN TRUE ELSE FALSE END");
        Ok(())
    }

    fn push_numbers<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(") = ANY (");
        out.push_bind_param::<Array<SmallInt>, _>(&self.numbers)?;
        out.push_sql(")");
        Ok(())
    }
}

/// [`Health::evaluate`](prediction_domain::model::Health::evaluate) in SQL, as [`HealthStatus::number`]: the contract
/// suite compares them at every boundary.
pub(crate) fn push_status<'b>(out: &mut AstPass<'_, 'b, Pg>, now: &'b DateTime<Utc>) -> QueryResult<()> {
    const INTERVAL: &str = "sources.expected_interval_minutes";

    out.push_sql("CASE WHEN NOT jobs.active");
    push_then(out, HealthStatus::Paused);
    out.push_sql(" WHEN sources.expected_interval_minutes IS NULL");
    push_then(out, HealthStatus::Unmonitored);
    out.push_sql(" WHEN ");
    out.push_bind_param::<Timestamptz, _>(now)?;
    out.push_sql(" > ");
    push_delivered(out, now)?;
    out.push_sql(&format!(" + make_interval(mins => {INTERVAL} + GREATEST({INTERVAL}, {MIN_GRACE_MINUTES}))"));
    push_then(out, HealthStatus::Overdue);
    out.push_sql(" WHEN NOT run_summaries.last_run_succeeded");
    push_then(out, HealthStatus::Failing);
    out.push_sql(" WHEN ");
    out.push_bind_param::<Timestamptz, _>(now)?;
    out.push_sql(" > ");
    push_delivered(out, now)?;
    out.push_sql(&format!(" + make_interval(mins => {INTERVAL})"));
    push_then(out, HealthStatus::Late);
    out.push_sql(" WHEN run_summaries.last_run_at IS NULL");
    push_then(out, HealthStatus::New);
    out.push_sql(&format!(" ELSE {} END", HealthStatus::OnTime.number()));
    Ok(())
}

/// When the job delivered, and when it was activated.
const TIMES: [&str; 2] = [
    "COALESCE(run_summaries.delivered_at, run_summaries.last_success_at)",
    "COALESCE(jobs.activated_at, jobs.created_at)",
];

/// When the job delivered or was activated, whichever came later. What lies further ahead than clocks differ tells
/// nothing.
pub(crate) fn push_delivered<'b>(out: &mut AstPass<'_, 'b, Pg>, now: &'b DateTime<Utc>) -> QueryResult<()> {
    out.push_sql("GREATEST(");
    for time in TIMES {
        out.push_sql(&format!("CASE WHEN {time} <= "));
        out.push_bind_param::<Timestamptz, _>(now)?;
        out.push_sql(&format!(" + make_interval(secs => {MAX_SECONDS_AHEAD}) THEN {time} END, "));
    }
    out.push_sql("'-infinity')");
    Ok(())
}

/// The last moment before one of these times is believed that is not believed now.
pub(crate) fn push_believed_from<'b>(out: &mut AstPass<'_, 'b, Pg>, now: &'b DateTime<Utc>) -> QueryResult<()> {
    out.push_sql("LEAST(");
    for time in TIMES {
        out.push_sql(&format!("CASE WHEN {time} > "));
        out.push_bind_param::<Timestamptz, _>(now)?;
        out.push_sql(&format!(
            " + make_interval(secs => {MAX_SECONDS_AHEAD}) \
             THEN {time} - make_interval(secs => {MAX_SECONDS_AHEAD}) - interval '1 microsecond' END, "
        ));
    }
    out.push_sql("'infinity')");
    Ok(())
}

fn push_then(out: &mut AstPass<'_, '_, Pg>, status: HealthStatus) {
    out.push_sql(&format!(" THEN {}", status.number()));
}
