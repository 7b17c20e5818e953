use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::blocking::tell_blocking;
use crate::model::{
    AccessDenied, Caller, HealthCounts, HealthStatus, JobDifference, JobGrouping, JobId, JobRevision, JobWithHealth,
    LifecycleStage, Page, PageRequest, Path, Permission, Revision, Scope, Timestamp, ValueProblem, ViolationCode,
    Violations,
};
use crate::ports::{JobFilter, JobGroup, StoreFailure};
use crate::use_cases::lookup::{find_job, find_revision};
use crate::use_cases::{Ports, UseCaseError};

/// A question for one job, asked by a caller who may ask it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobQuery(Scope, JobId);

impl JobQuery {
    /// Asks for a job in the caller's scope.
    pub fn new(caller: &Caller, id: JobId) -> Result<Self, UseCaseError> {
        caller.require(Permission::JobsRead)?;
        Ok(Self(caller.scope.clone(), id))
    }
}

/// Answers questions for single jobs, as many as wait together: `None` where there is no such job for that caller.
pub fn get_jobs(ports: &Ports, queries: &[JobQuery]) -> Result<Vec<Option<JobWithHealth>>, StoreFailure> {
    let wanted: Vec<(Scope, JobId)> = queries.iter().map(|JobQuery(scope, id)| (scope.clone(), *id)).collect();
    let found = ports.jobs.find_monitored(&wanted)?;
    let now = ports.clock.now();
    let mut judged: Vec<_> = found.into_iter().map(|job| job.map(|job| job.judged_at(now))).collect();
    tell_blocking(ports, judged.iter_mut().flatten(), now)?;
    Ok(judged)
}

/// How many jobs of the caller's scope there are of each health.
pub fn count_jobs_by_health(
    ports: &Ports,
    caller: &Caller,
    filter: &JobFilter,
) -> Result<(HealthCounts, Timestamp), UseCaseError> {
    require_to_read(caller, filter)?;
    let now = ports.clock.now();
    Ok((ports.jobs.count_by_health(&caller.scope, filter, now)?, now))
}

/// How many groups are told at the most.
pub const MAX_HEALTH_GROUPS: usize = 1_000;

/// How many jobs of the caller's scope there are of each health, in all and in each group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupedHealth {
    /// In all.
    pub counts: HealthCounts,
    /// In each group, the worst first: the one with most jobs that are overdue, of these the one with most
    /// that are failing, and so on. [`MAX_HEALTH_GROUPS`] at the most.
    pub groups: Vec<(JobGroup, HealthCounts)>,
    /// How many groups there are beside these.
    pub groups_omitted: usize,
    /// When they were judged.
    pub judged_at: Timestamp,
}

/// Counts them.
pub fn count_jobs_in_groups(
    ports: &Ports,
    caller: &Caller,
    filter: &JobFilter,
    grouping: JobGrouping,
) -> Result<GroupedHealth, UseCaseError> {
    require_to_read(caller, filter)?;
    let judged_at = ports.clock.now();
    let counted = ports.jobs.count_each_by_health(&caller.scope, filter, grouping, judged_at)?;
    let counts = counted.values().flat_map(HealthCounts::iter).collect();
    let mut groups: Vec<_> = counted.into_iter().collect();
    // By their ids, if they are alike.
    groups.sort_by_key(|(_, counts)| HealthStatus::WORST_FIRST.map(|status| Reverse(counts.of(status))));
    let groups_omitted = groups.len().saturating_sub(MAX_HEALTH_GROUPS);
    groups.truncate(MAX_HEALTH_GROUPS);
    Ok(GroupedHealth { counts, groups, groups_omitted, judged_at })
}

/// How many jobs of all organisations there are of each health: for operators who watch the service. It reveals nothing
/// about a single organisation.
pub fn count_all_jobs_by_health(ports: &Ports) -> Result<HealthCounts, StoreFailure> {
    ports.jobs.count_by_health(&Scope::Platform, &JobFilter::default(), ports.clock.now())
}

/// How many jobs of all organisations run a version that is deprecated or withdrawn: for operators, likewise.
pub fn count_all_jobs_by_stage(ports: &Ports) -> Result<BTreeMap<LifecycleStage, u64>, StoreFailure> {
    ports.jobs.count_of_stages()
}

pub(super) fn require_to_read(caller: &Caller, filter: &JobFilter) -> Result<(), AccessDenied> {
    caller.require(Permission::JobsRead)?;
    filter.organisation_id.map_or(Ok(()), |organisation_id| caller.require_organisation(organisation_id))
}

/// What a job was at each of its revisions, from the first that was kept to the current one.
pub fn list_job_revisions(
    ports: &Ports,
    caller: &Caller,
    id: JobId,
    page: &PageRequest<Revision>,
) -> Result<Page<JobRevision, Revision>, UseCaseError> {
    caller.require(Permission::JobsRead)?;
    let job = find_job(ports, caller, id)?;
    Ok(ports.jobs.revisions(job.organisation_id, id, page)?)
}

/// What a job was, or is, at a revision.
pub fn get_job_revision(
    ports: &Ports,
    caller: &Caller,
    id: JobId,
    revision: Revision,
) -> Result<JobRevision, UseCaseError> {
    caller.require(Permission::JobsRead)?;
    let job = find_job(ports, caller, id)?;
    find_revision(ports, &job, revision)?.ok_or(UseCaseError::NotFound)
}

/// What changed from one revision of a job to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComparedRevisions {
    /// What the job was.
    pub from: JobRevision,
    /// What it became.
    pub to: JobRevision,
    /// In what the two are different.
    pub differences: Vec<JobDifference>,
}

/// What changed from the revision `with` to the revision `revision` of a job; without `with`, from the one before.
pub fn compare_job_revisions(
    ports: &Ports,
    caller: &Caller,
    id: JobId,
    revision: Revision,
    with: Option<Revision>,
) -> Result<ComparedRevisions, UseCaseError> {
    caller.require(Permission::JobsRead)?;
    let job = find_job(ports, caller, id)?;
    let to = find_revision(ports, &job, revision)?.ok_or(UseCaseError::NotFound)?;
    let refused = |problem: ValueProblem| UseCaseError::from(Violations::from(problem.at(Path::of("with"))));
    let unknown = |message: &'static str| ValueProblem::new(ViolationCode::UnknownRevision, message);
    let with = with.or_else(|| revision.previous());
    let with = with.ok_or_else(|| refused(unknown("is missing: the first revision has none before it")))?;
    let from = find_revision(ports, &job, with)?;
    let not_kept = || unknown("is not a revision of the job that is kept").actual(with.as_i64());
    let from = from.ok_or_else(|| refused(not_kept()))?;
    let differences = from.compare(&to);
    Ok(ComparedRevisions { from, to, differences })
}
