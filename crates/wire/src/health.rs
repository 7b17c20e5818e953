use prediction_domain::model::{
    Health, HealthCounts, HealthStatus, JobId, OrganisationId, SourceId, SourceVersionId, Timestamp,
};
use prediction_domain::ports::JobGroup;
use prediction_domain::use_cases::GroupedHealth;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::rules;

/// Whether a job delivers as often as its source promises, judged when it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JobHealth {
    /// The first status that fits.
    #[schema(value_type = rules::OpenHealthStatus, inline)]
    pub status: HealthStatus,
    /// When the newest run was issued.
    #[schema(value_type = rules::NullableTime, inline)]
    pub last_run_at: Option<Timestamp>,
    /// When the newest run that succeeded was issued.
    #[schema(value_type = rules::NullableTime, inline)]
    pub last_success_at: Option<Timestamp>,
    /// By when the next success is expected, of a job that is active and monitored.
    #[schema(value_type = rules::NullableTime, inline)]
    pub next_expected_at: Option<Timestamp>,
    /// Since when it is overdue, of a job that is.
    #[schema(value_type = rules::NullableTime, inline)]
    pub overdue_since: Option<Timestamp>,
    /// How many runs have failed since the last success.
    #[schema(minimum = 0)]
    pub consecutive_failures: u64,
    /// The nearest jobs upstream that are paused, overdue or failing, of a job that does not deliver in time; left out
    /// when there are none. At most 10.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<rules::Id>, inline, required = false)]
    pub blocked_by: Vec<JobId>,
}

/// How many jobs have which health.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JobHealthCounts {
    /// One number for each status.
    pub counts: JobHealthCountsByStatus,
    /// When they were judged.
    #[schema(value_type = rules::Time, inline)]
    pub judged_at: Timestamp,
    /// With `group_by`: the groups that have jobs, the worst first: the one with most jobs that are overdue, of these
    /// the one with most that are failing, and so on. At most 1,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_items = 1000)]
    pub groups: Option<Vec<JobHealthGroup>>,
    /// With `group_by`: how many groups there are beside these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 0)]
    pub groups_omitted: Option<usize>,
}

/// How many jobs of a source, of an organisation or of a version have which health: it has the id of what it is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JobHealthGroup {
    /// With `group_by=source`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = rules::Id, inline, nullable = false, required = false)]
    pub source_id: Option<SourceId>,
    /// With `group_by=organisation`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = rules::Id, inline, nullable = false, required = false)]
    pub organisation_id: Option<OrganisationId>,
    /// With `group_by=source_version`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = rules::Id, inline, nullable = false, required = false)]
    pub source_version_id: Option<SourceVersionId>,
    /// One number for each status.
    pub counts: JobHealthCountsByStatus,
}

/// One number for each status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[expect(missing_docs, reason = "named like the statuses")]
pub struct JobHealthCountsByStatus {
    #[schema(minimum = 0)]
    pub paused: u64,
    #[schema(minimum = 0)]
    pub unmonitored: u64,
    #[schema(minimum = 0)]
    pub overdue: u64,
    #[schema(minimum = 0)]
    pub failing: u64,
    #[schema(minimum = 0)]
    pub late: u64,
    #[schema(minimum = 0)]
    pub new: u64,
    #[schema(minimum = 0)]
    pub on_time: u64,
}

/// How the service is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ServiceHealth {
    /// `live`; `ready`, or `degraded` if part of the work is not done.
    pub status: String,
    /// Which part of the work is not done, and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub degraded: Option<Vec<ServiceDegradation>>,
}

/// Part of the work that is not done, or not well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ServiceDegradation {
    /// `clock` or `writes`.
    pub check: String,
    /// What is the matter.
    pub detail: String,
}

impl From<Health> for JobHealth {
    fn from(health: Health) -> Self {
        Self {
            status: health.status,
            last_run_at: health.last_run_at,
            last_success_at: health.last_success_at,
            next_expected_at: health.next_expected_at,
            overdue_since: health.overdue_since,
            consecutive_failures: health.consecutive_failures,
            blocked_by: health.blocked_by,
        }
    }
}

impl JobHealthCounts {
    /// These counts, at that time.
    #[must_use]
    pub fn new(counts: &HealthCounts, judged_at: Timestamp) -> Self {
        Self { counts: counts.into(), judged_at, groups: None, groups_omitted: None }
    }
}

impl From<GroupedHealth> for JobHealthCounts {
    fn from(grouped: GroupedHealth) -> Self {
        Self {
            groups: Some(grouped.groups.iter().map(JobHealthGroup::from).collect()),
            groups_omitted: Some(grouped.groups_omitted),
            ..Self::new(&grouped.counts, grouped.judged_at)
        }
    }
}

impl From<&(JobGroup, HealthCounts)> for JobHealthGroup {
    fn from((group, counts): &(JobGroup, HealthCounts)) -> Self {
        let (mut source_id, mut organisation_id, mut source_version_id) = (None, None, None);
        match group {
            JobGroup::Source(id) => source_id = Some(*id),
            JobGroup::Organisation(id) => organisation_id = Some(*id),
            JobGroup::SourceVersion(id) => source_version_id = Some(*id),
        }
        Self { source_id, organisation_id, source_version_id, counts: counts.into() }
    }
}

impl From<&HealthCounts> for JobHealthCountsByStatus {
    fn from(counts: &HealthCounts) -> Self {
        Self {
            paused: counts.of(HealthStatus::Paused),
            unmonitored: counts.of(HealthStatus::Unmonitored),
            overdue: counts.of(HealthStatus::Overdue),
            failing: counts.of(HealthStatus::Failing),
            late: counts.of(HealthStatus::Late),
            new: counts.of(HealthStatus::New),
            on_time: counts.of(HealthStatus::OnTime),
        }
    }
}
