use diesel::prelude::*;
use diesel::sqlite::Sqlite;
use prediction_domain::model::{ExpectedIntervalMinutes, Job, MonitoredJob, Monitoring, RunStatus, RunSummary};

use super::{CorruptRow, JobRow, Reading};
use crate::schema::{jobs, run_summaries, sources};

/// A job beside what its source says and its runs add up to.
#[derive(Debug, Queryable, Selectable)]
#[diesel(check_for_backend(Sqlite))]
pub(crate) struct MonitoredJobRow {
    #[diesel(embed)]
    job: JobRow,
    /// Its place in creation order.
    #[diesel(select_expression = jobs::sequence_number)]
    pub(crate) sequence_number: i64,
    #[diesel(select_expression = sources::expected_interval_minutes.nullable())]
    expected_interval_minutes: Option<i64>,
    #[diesel(embed)]
    runs: Option<RunSummaryRow>,
}

impl MonitoredJobRow {
    /// See [`JobRow::into_name`].
    pub(crate) fn into_name(self) -> (String, String, String) {
        self.job.into_name()
    }
}

/// What the runs of a job add up to. Never inserted from here: a trigger keeps it.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = run_summaries, check_for_backend(Sqlite))]
pub(crate) struct RunSummaryRow {
    last_run_at: i64,
    last_run_succeeded: i64,
    last_success_at: Option<i64>,
    delivered_at: Option<i64>,
    consecutive_failures: i64,
}

impl AsRef<JobRow> for MonitoredJobRow {
    fn as_ref(&self) -> &JobRow {
        &self.job
    }
}

impl TryFrom<&MonitoredJobRow> for MonitoredJob {
    type Error = CorruptRow;

    fn try_from(row: &MonitoredJobRow) -> Result<Self, CorruptRow> {
        let job = Job::try_from(&row.job)?;
        let source = Reading { table: "sources", id: &job.source_id.to_string() };
        let interval =
            row.expected_interval_minutes.map(|minutes| ExpectedIntervalMinutes::new(minutes.into())).transpose();
        let runs = row.runs.as_ref().map(|runs| runs.restore(row.job.id())).transpose()?;
        let monitoring = Monitoring {
            expected_interval_minutes: source.column("expected_interval_minutes", interval)?,
            runs: runs.unwrap_or_default(),
        };
        Ok(Self { job, monitoring })
    }
}

impl RunSummaryRow {
    fn restore(&self, job_id: &str) -> Result<RunSummary, CorruptRow> {
        let reading = Reading { table: "run_summaries", id: job_id };
        let succeeded = reading.flag("last_run_succeeded", self.last_run_succeeded)?;
        let status = if succeeded { RunStatus::Succeeded } else { RunStatus::Failed };
        Ok(RunSummary {
            last_run: Some((reading.time("last_run_at", self.last_run_at)?, status)),
            last_success_at: reading.time_if_any("last_success_at", self.last_success_at)?,
            delivered_at: reading.time_if_any("delivered_at", self.delivered_at.or(self.last_success_at))?,
            consecutive_failures: reading.column("consecutive_failures", u64::try_from(self.consecutive_failures))?,
        })
    }
}
