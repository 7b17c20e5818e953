//! Health: whether a job delivers as often as its source promises.
//!
//! It follows from what the job is, what its runs add up to, what its source promises, and the time. So it is right at
//! every moment, and no thread has to notice that time has passed. A store may keep what was judged and until when that
//! holds, to find jobs by it.

use std::collections::BTreeSet;

use chrono::TimeDelta;

use super::job::Job;
use crate::model::catalog::ExpectedIntervalMinutes;
use crate::model::from_text::words;
use crate::model::id::JobId;
use crate::model::results::{Run, RunStatus, latest_issue};
use crate::model::timestamp::Timestamp;

/// What a job that is late is granted at the least before it is overdue, in minutes; otherwise one interval.
pub const MIN_GRACE_MINUTES: i32 = 5;

words! {
    /// Whether a job delivers, in the order in which it is judged: the first that fits.
    HealthStatus, "is not the status of a job's health":
    /// The job is not active.
    Paused = "paused";
    /// Its source does not say how often it is to deliver.
    Unmonitored = "unmonitored";
    /// More than an interval and the grace have passed since it delivered or was activated, whichever came later.
    Overdue = "overdue";
    /// The newest run failed.
    Failing = "failing";
    /// More than an interval has passed since then.
    Late = "late";
    /// It has not run yet.
    New = "new";
    /// None of these.
    OnTime = "on_time";
}

impl HealthStatus {
    /// Those of jobs that are in the way of the jobs that read their outputs.
    pub const BLOCKING: [Self; 3] = [Self::Paused, Self::Overdue, Self::Failing];

    /// All of them, in the order in which they are looked into: first what does not deliver.
    pub const WORST_FIRST: [Self; Self::ALL.len()] =
        [Self::Overdue, Self::Failing, Self::Late, Self::New, Self::OnTime, Self::Paused, Self::Unmonitored];

    /// Whether something upstream may be the cause.
    #[must_use]
    pub fn may_be_blocked(self) -> bool {
        matches!(self, Self::Overdue | Self::Failing | Self::Late)
    }

    /// Its place in [`ALL`](Self::ALL), by which stores know it.
    #[must_use]
    pub fn number(self) -> i16 {
        self as i16
    }

    /// The status of that place.
    #[must_use]
    pub fn of_number(number: i16) -> Option<Self> {
        usize::try_from(number).ok().and_then(|place| Self::ALL.get(place).copied())
    }
}

/// What counts of a run for the health of its job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunOutcome {
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When its report came.
    pub received_at: Timestamp,
    /// How it ended.
    pub status: RunStatus,
}

impl RunOutcome {
    /// Of a run that was reported as soon as it was issued.
    #[must_use]
    pub fn at_once(issued_at: Timestamp, status: RunStatus) -> Self {
        Self { issued_at, received_at: issued_at, status }
    }

    fn succeeded(&self) -> bool {
        self.status == RunStatus::Succeeded
    }

    /// When it delivered: a run cannot have delivered later than its report came, whatever the runner's clock says.
    fn delivered_at(&self) -> Timestamp {
        self.issued_at.min(self.received_at)
    }
}

impl From<&Run> for RunOutcome {
    fn from(run: &Run) -> Self {
        Self { issued_at: run.issued_at, received_at: run.received_at, status: run.status }
    }
}

/// What the runs of a job add up to. Runs are ordered by when they were issued, whenever they were reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RunSummary {
    /// When the newest run was issued, and how it ended; `None` before the first one.
    pub last_run: Option<(Timestamp, RunStatus)>,
    /// When the newest run that succeeded was issued.
    pub last_success_at: Option<Timestamp>,
    /// When the job delivered last: of each run that succeeded the time at which it was issued, or received if that was
    /// earlier; of these the latest.
    pub delivered_at: Option<Timestamp>,
    /// How many runs have failed since the last success; all of them, if none has succeeded.
    pub consecutive_failures: u64,
}

impl RunSummary {
    /// What these runs add up to, in any order.
    #[must_use]
    pub fn of(runs: impl IntoIterator<Item = RunOutcome>) -> Self {
        let runs: Vec<_> = runs.into_iter().collect();
        let succeeded = || runs.iter().filter(|run| run.succeeded());
        let last_success_at = succeeded().map(|run| run.issued_at).max();
        let newest = runs.iter().max_by_key(|run| run.issued_at);
        Self {
            last_run: newest.map(|run| (run.issued_at, run.status)),
            last_success_at,
            delivered_at: succeeded().map(RunOutcome::delivered_at).max(),
            consecutive_failures: runs.iter().filter(|run| Some(run.issued_at) > last_success_at).count() as u64,
        }
    }

    /// What those of these runs add up to that were issued until a time; all of them, if none was.
    ///
    /// A run cannot be issued more than [`MAX_SECONDS_AHEAD`](crate::model::MAX_SECONDS_AHEAD) after the report of
    /// another one came. If one seems to be, one of the two was reported under a clock that was wrong. The later report
    /// is believed.
    #[must_use]
    pub fn of_issued_until(time: Timestamp, runs: impl IntoIterator<Item = RunOutcome>) -> Self {
        let runs: Vec<_> = runs.into_iter().collect();
        let until: Vec<_> = runs.iter().copied().filter(|run| run.issued_at <= time).collect();
        Self::of(if until.is_empty() { runs } else { until })
    }
}

/// What is to be known beside a job to judge its health.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Monitoring {
    /// How often its source promises to deliver, by what it says now.
    pub expected_interval_minutes: Option<ExpectedIntervalMinutes>,
    /// What its runs add up to.
    pub runs: RunSummary,
}

/// A job, with what is to be known to judge its health.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MonitoredJob {
    /// The job.
    pub job: Job,
    /// What else is to be known.
    pub monitoring: Monitoring,
}

impl MonitoredJob {
    /// The job with its health at a time.
    #[must_use]
    pub fn judged_at(self, now: Timestamp) -> JobWithHealth {
        let health = Health::evaluate(&self.job, &self.monitoring, now);
        JobWithHealth { job: self.job, health }
    }
}

/// A job, with its health at some time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobWithHealth {
    /// The job.
    pub job: Job,
    /// Its health.
    pub health: Health,
}

/// The health of a job at some time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// The judgement.
    pub status: HealthStatus,
    /// When the newest run was issued.
    pub last_run_at: Option<Timestamp>,
    /// When the newest run that succeeded was issued.
    pub last_success_at: Option<Timestamp>,
    /// By when the next success is expected, of a job that is active and monitored. It is late afterwards. `None` when
    /// all that is known lies in the future.
    pub next_expected_at: Option<Timestamp>,
    /// Since when it is overdue, of a job that is.
    pub overdue_since: Option<Timestamp>,
    /// How many runs have failed since the last success.
    pub consecutive_failures: u64,
    /// The nearest jobs upstream that keep it from delivering. They are looked for where the job is read, and not when
    /// it is judged.
    pub blocked_by: Vec<JobId>,
}

impl Health {
    /// How many jobs are told at the most that are in the way.
    pub const MAX_BLOCKING: usize = 10;
    /// How far upstream they are looked for.
    pub const DEPTH_OF_BLOCKING: usize = 10;

    /// Judges a job at a time.
    #[must_use]
    pub fn evaluate(job: &Job, monitoring: &Monitoring, now: Timestamp) -> Self {
        let Monitoring { expected_interval_minutes, runs } = monitoring;
        let unwatched = |status| Self {
            status,
            last_run_at: runs.last_run.map(|(issued_at, _)| issued_at),
            last_success_at: runs.last_success_at,
            next_expected_at: None,
            overdue_since: None,
            consecutive_failures: runs.consecutive_failures,
            blocked_by: Vec::new(),
        };
        let Some(active_since) = job.active_since() else { return unwatched(HealthStatus::Paused) };
        let Some(interval) = expected_interval_minutes else { return unwatched(HealthStatus::Unmonitored) };
        // What lies further ahead than clocks differ was written down under a clock that was wrong: it tells nothing.
        let is_believed = |time: &Timestamp| *time <= latest_issue(now);
        let delivered_at = runs.delivered_at.filter(is_believed).max(Some(active_since).filter(is_believed));
        let next_expected_at = delivered_at.map(|delivered_at| delivered_at.plus(interval.as_time()));
        let overdue_from = next_expected_at.map(|expected_at| expected_at.plus(grace(*interval)));
        let status = if Some(now) > overdue_from {
            HealthStatus::Overdue
        } else if matches!(runs.last_run, Some((_, RunStatus::Failed))) {
            HealthStatus::Failing
        } else if Some(now) > next_expected_at {
            HealthStatus::Late
        } else if runs.last_run.is_none() {
            HealthStatus::New
        } else {
            HealthStatus::OnTime
        };
        Self {
            next_expected_at,
            overdue_since: overdue_from.filter(|_| status == HealthStatus::Overdue),
            ..unwatched(status)
        }
    }
}

/// What a job that is late is granted before it is overdue.
fn grace(interval: ExpectedIntervalMinutes) -> TimeDelta {
    interval.as_time().max(TimeDelta::minutes(MIN_GRACE_MINUTES.into()))
}

/// A condition on the health of jobs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthFilter {
    /// Only jobs of these; of none, when there are none.
    pub statuses: BTreeSet<HealthStatus>,
    /// As judged at this time.
    pub at: Timestamp,
}

/// How many jobs there are of each health.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HealthCounts([u64; HealthStatus::ALL.len()]);

impl HealthCounts {
    /// How many are of this one.
    #[must_use]
    pub fn of(&self, status: HealthStatus) -> u64 {
        self.0[status as usize]
    }

    /// Every status with its number.
    pub fn iter(&self) -> impl Iterator<Item = (HealthStatus, u64)> + '_ {
        HealthStatus::ALL.into_iter().map(|status| (status, self.of(status)))
    }
}

impl FromIterator<(HealthStatus, u64)> for HealthCounts {
    /// Adds up counts.
    fn from_iter<Counts: IntoIterator<Item = (HealthStatus, u64)>>(counts: Counts) -> Self {
        let mut sum = Self::default();
        sum.extend(counts);
        sum
    }
}

impl Extend<(HealthStatus, u64)> for HealthCounts {
    /// Adds counts to them.
    fn extend<Counts: IntoIterator<Item = (HealthStatus, u64)>>(&mut self, counts: Counts) {
        for (status, count) in counts {
            self.0[status as usize] += count;
        }
    }
}
