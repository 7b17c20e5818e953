use std::error::Error;

use chrono::{DateTime, Utc};
use diesel::Queryable;
use diesel::dsl::{AsSelect, SqlTypeOf};
use diesel::pg::Pg;
use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Timestamptz};
use prediction_domain::model::{
    ExpectedIntervalMinutes, Job, MonitoredJob, Monitoring, RunStatus, RunSummary, Timestamp,
};
use prediction_domain::ports::StoreFailure;

use super::corrupt;
use super::job::JobRow;

/// What a [`MonitoredJobRow`] consists of.
pub(crate) type MonitoredJobSql = (
    SqlTypeOf<AsSelect<JobRow, Pg>>,
    BigInt,
    (
        Nullable<Integer>,
        Nullable<Timestamptz>,
        Nullable<Bool>,
        Nullable<Timestamptz>,
        Nullable<Timestamptz>,
        Nullable<BigInt>,
    ),
);

/// A row of `jobs`, with what its source and its row of `run_summaries` say.
#[derive(Debug, Clone, Queryable)]
#[diesel(check_for_backend(Pg))]
pub(crate) struct MonitoredJobRow {
    pub(crate) job: JobRow,
    /// Its place in creation order.
    pub(crate) sequence_number: i64,
    monitoring: MonitoringRow,
}

/// The last five are null of a job that never ran.
#[derive(Debug, Clone, Queryable)]
#[diesel(check_for_backend(Pg))]
pub(crate) struct MonitoringRow {
    expected_interval_minutes: Option<i32>,
    last_run_at: Option<DateTime<Utc>>,
    last_run_succeeded: Option<bool>,
    last_success_at: Option<DateTime<Utc>>,
    delivered_at: Option<DateTime<Utc>>,
    consecutive_failures: Option<i64>,
}

impl TryFrom<MonitoredJobRow> for MonitoredJob {
    type Error = StoreFailure;

    fn try_from(row: MonitoredJobRow) -> Result<Self, StoreFailure> {
        let id = row.job.id;
        let monitoring = read(&row.monitoring).map_err(corrupt("run_summaries", id))?;
        Ok(Self { job: Job::try_from(row.job)?, monitoring })
    }
}

fn read(row: &MonitoringRow) -> Result<Monitoring, Box<dyn Error + Send + Sync>> {
    let interval = row.expected_interval_minutes;
    let status = |succeeded| if succeeded { RunStatus::Succeeded } else { RunStatus::Failed };
    let last_run = row.last_run_at.zip(row.last_run_succeeded);
    Ok(Monitoring {
        expected_interval_minutes: interval.map(|minutes| ExpectedIntervalMinutes::new(minutes.into())).transpose()?,
        runs: RunSummary {
            last_run: last_run.map(|(issued_at, succeeded)| (Timestamp::truncated(issued_at), status(succeeded))),
            last_success_at: row.last_success_at.map(Timestamp::truncated),
            delivered_at: row.delivered_at.map(Timestamp::truncated),
            consecutive_failures: u64::try_from(row.consecutive_failures.unwrap_or_default())?,
        },
    })
}
