use prediction_domain::model::{Health, HealthCounts, HealthStatus, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

/// Whether a job delivers as often as its source promises, judged when it was read.
#[derive(Serialize, ToSchema)]
#[schema(as = JobHealth)]
pub(crate) struct HealthBody {
    #[schema(inline)]
    status: HealthStatusBody,
    /// When the newest run was issued.
    #[schema(value_type = Option<chrono::DateTime<chrono::Utc>>)]
    last_run_at: Option<Timestamp>,
    /// When the newest run that succeeded was issued.
    #[schema(value_type = Option<chrono::DateTime<chrono::Utc>>)]
    last_success_at: Option<Timestamp>,
    /// By when the next success is expected, of a job that is active and monitored.
    #[schema(value_type = Option<chrono::DateTime<chrono::Utc>>)]
    next_expected_at: Option<Timestamp>,
    /// Since when it is overdue, of a job that is.
    #[schema(value_type = Option<chrono::DateTime<chrono::Utc>>)]
    overdue_since: Option<Timestamp>,
    /// How many runs have failed since the last success.
    #[schema(minimum = 0)]
    consecutive_failures: u64,
}

/// The first that fits. `paused`: not active. `unmonitored`: its source does not say how often it is to deliver. `overdue`:
/// more than an interval and the grace since it delivered or was activated. `failing`: the newest run failed. `late`: more
/// than an interval. `new`: no run yet. `on_time`: otherwise.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = JobHealthStatus)]
pub(crate) enum HealthStatusBody {
    Paused,
    Unmonitored,
    Overdue,
    Failing,
    Late,
    New,
    OnTime,
}

/// How many jobs there are of each health.
#[derive(Serialize, ToSchema)]
#[schema(as = JobHealthCounts)]
pub(crate) struct HealthCountsBody {
    #[schema(inline)]
    counts: CountsBody,
    /// When they were judged.
    #[schema(value_type = chrono::DateTime<chrono::Utc>)]
    judged_at: Timestamp,
}

/// One number for each status.
#[derive(Serialize, ToSchema)]
pub(crate) struct CountsBody {
    #[schema(minimum = 0)]
    paused: u64,
    #[schema(minimum = 0)]
    unmonitored: u64,
    #[schema(minimum = 0)]
    overdue: u64,
    #[schema(minimum = 0)]
    failing: u64,
    #[schema(minimum = 0)]
    late: u64,
    #[schema(minimum = 0)]
    new: u64,
    #[schema(minimum = 0)]
    on_time: u64,
}

impl From<Health> for HealthBody {
    fn from(health: Health) -> Self {
        Self {
            status: health.status.into(),
            last_run_at: health.last_run_at,
            last_success_at: health.last_success_at,
            next_expected_at: health.next_expected_at,
            overdue_since: health.overdue_since,
            consecutive_failures: health.consecutive_failures,
        }
    }
}

impl From<HealthStatus> for HealthStatusBody {
    fn from(status: HealthStatus) -> Self {
        match status {
            HealthStatus::Paused => Self::Paused,
            HealthStatus::Unmonitored => Self::Unmonitored,
            HealthStatus::Overdue => Self::Overdue,
            HealthStatus::Failing => Self::Failing,
            HealthStatus::Late => Self::Late,
            HealthStatus::New => Self::New,
            HealthStatus::OnTime => Self::OnTime,
        }
    }
}

impl HealthCountsBody {
    pub(crate) fn new(counts: &HealthCounts, judged_at: Timestamp) -> Self {
        let counts = CountsBody {
            paused: counts.of(HealthStatus::Paused),
            unmonitored: counts.of(HealthStatus::Unmonitored),
            overdue: counts.of(HealthStatus::Overdue),
            failing: counts.of(HealthStatus::Failing),
            late: counts.of(HealthStatus::Late),
            new: counts.of(HealthStatus::New),
            on_time: counts.of(HealthStatus::OnTime),
        };
        Self { counts, judged_at }
    }
}
