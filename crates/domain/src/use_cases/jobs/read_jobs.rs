use std::collections::{BTreeMap, BTreeSet};

use super::blocking::tell_blocking;
use super::expand_jobs::{Expanded, Expansion, expand_jobs};
use super::sift::sift;
use crate::model::{
    AccessDenied, Caller, HealthCounts, HealthFilter, HealthStatus, Job, JobDifference, JobId, JobRevision,
    JobWithHealth, LifecycleStage, Page, PageRequest, Path, Permission, Revision, Scope, Timestamp, ValueProblem,
    ViolationCode, Violations, Weight,
};
use crate::ports::{JobFilter, StoreFailure};
use crate::use_cases::inputs::unfit::unfit_roles;
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

/// Jobs of the caller's scope in creation order; of these healths only, if there are any.
pub fn list_jobs(
    ports: &Ports,
    caller: &Caller,
    filter: JobFilter,
    healths: Option<BTreeSet<HealthStatus>>,
    page: &PageRequest,
) -> Result<Page<JobWithHealth>, UseCaseError> {
    require_to_read(caller, &filter)?;
    let now = ports.clock.now();
    let health = healths.map(|statuses| HealthFilter { statuses, at: now });
    let Page { items, next } = ports.jobs.list(&caller.scope, &JobFilter { health, ..filter }, page)?;
    let mut items: Vec<_> = items.into_iter().map(|job| job.judged_at(now)).collect();
    tell_blocking(ports, &mut items, now)?;
    Ok(Page { items, next })
}

/// Those of them that have inputs bound that do not fit. A page may have few of them or none, and be followed by
/// others.
fn list_unfit_jobs(
    ports: &Ports,
    caller: &Caller,
    filter: &JobFilter,
    healths: Option<&BTreeSet<HealthStatus>>,
    page: &PageRequest,
) -> Result<Page<JobWithHealth>, UseCaseError> {
    sift(
        page,
        |part| list_jobs(ports, caller, filter.clone(), healths.cloned(), part),
        |found| {
            let jobs: Vec<&Job> = found.iter().map(|judged| &judged.job).collect();
            let roles = unfit_roles(ports, &jobs)?;
            let unfit = found.into_iter().zip(roles).filter(|(_, roles)| !roles.is_empty());
            Ok(unfit.map(|(judged, _)| judged).collect())
        },
    )
}

/// The same, with what is to be shown beside the jobs, which counts for the budget of the page; only those with inputs
/// bound that do not fit, if `unfit` says so.
pub fn list_expanded_jobs(
    ports: &Ports,
    caller: &Caller,
    filter: &JobFilter,
    healths: Option<&BTreeSet<HealthStatus>>,
    unfit: bool,
    expansion: Expansion,
    page: &PageRequest,
) -> Result<(Page<JobWithHealth>, Expanded), UseCaseError> {
    let mut page = *page;
    let mut expanded = Expanded::default();
    loop {
        let found = if unfit {
            list_unfit_jobs(ports, caller, filter, healths, &page)?
        } else {
            list_jobs(ports, caller, filter.clone(), healths.cloned(), &page)?
        };
        let fitting = expand_within(ports, &found.items, expansion, page.budget(), &mut expanded)?;
        if fitting == found.items.len() {
            return Ok((found, expanded));
        }
        // A shorter page tells where the next one starts. It may hold other jobs by now.
        page = page.shorter(fitting);
    }
}

/// Finds what is to be shown beside the first of these jobs, as many as there is room for; one at the least. A source
/// and a version is shown beside each job that has it. Tells how many these are.
fn expand_within(
    ports: &Ports,
    judged: &[JobWithHealth],
    expansion: Expansion,
    budget: usize,
    expanded: &mut Expanded,
) -> Result<usize, UseCaseError> {
    let (mut fitting, mut weight) = (0, 0);
    for few in judged.chunks(EXPANDED_AT_ONCE) {
        let more = |job: &&Job| {
            (expansion.source && !expanded.sources.contains_key(&job.source_id))
                || (expansion.source_version && !expanded.source_versions.contains_key(&job.source_version_id))
                || (expansion.inputs && !expanded.inputs.contains_key(&job.id))
                || (expansion.organisation && !expanded.organisations.contains_key(&job.organisation_id))
        };
        let unknown: Vec<&Job> = few.iter().map(|judged| &judged.job).filter(more).collect();
        if !unknown.is_empty() {
            let Expanded { sources, source_versions, inputs, organisations } = expand_jobs(ports, unknown, expansion)?;
            expanded.organisations.extend(organisations);
            expanded.sources.extend(sources);
            expanded.source_versions.extend(source_versions);
            expanded.inputs.extend(inputs);
        }
        for JobWithHealth { job, .. } in few {
            weight += job.weight()
                + expanded.sources.get(&job.source_id).map_or(0, Weight::weight)
                + expanded.source_versions.get(&job.source_version_id).map_or(0, Weight::weight)
                + expanded.organisations.get(&job.organisation_id).map_or(0, Weight::weight)
                + expanded.inputs.get(&job.id).into_iter().flatten().map(Weight::weight).sum::<usize>();
            if fitting > 0 && weight > budget {
                return Ok(fitting);
            }
            fitting += 1;
        }
    }
    Ok(fitting)
}

/// For how many jobs at once what is shown beside them is read: a version may be as large as a request.
const EXPANDED_AT_ONCE: usize = 8;

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

/// How many jobs of all organisations there are of each health: for operators who watch the service. It reveals nothing
/// about a single organisation.
pub fn count_all_jobs_by_health(ports: &Ports) -> Result<HealthCounts, StoreFailure> {
    ports.jobs.count_by_health(&Scope::Platform, &JobFilter::default(), ports.clock.now())
}

/// How many jobs of all organisations run a version that is deprecated or withdrawn: for operators, likewise.
pub fn count_all_jobs_by_stage(ports: &Ports) -> Result<BTreeMap<LifecycleStage, u64>, StoreFailure> {
    ports.jobs.count_of_stages()
}

fn require_to_read(caller: &Caller, filter: &JobFilter) -> Result<(), AccessDenied> {
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
