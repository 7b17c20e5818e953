use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::store_change::store_change;
use super::upgrade_job::plan_between;
use crate::model::{
    Caller, Diagnostics, JobId, MonitoredJob, OrganisationId, Page, PageRequest, Path, Permission, Position, Revision,
    SourceVersion, SourceVersionId, Violations,
};
use crate::ports::{JobFilter, WriteMode};
use crate::requests::{SelectedJobs, Submission, UpgradeDraft, UpgradeManyDraft, UpgradeSelection};
use crate::use_cases::lookup::{unknown_source_version, version_of_other_source};
use crate::use_cases::{MAX_ATTEMPTS, Ports, UseCaseError, contended};

/// Which jobs are to be upgraded, and the version to which they go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreparedUpgrades {
    selection: UpgradeSelection,
    to: SourceVersion,
}

impl PreparedUpgrades {
    /// Which jobs.
    #[must_use]
    pub fn selection(&self) -> &UpgradeSelection {
        &self.selection
    }
}

/// What became of one of many jobs that were to be upgraded.
#[derive(Debug)]
pub struct JobUpgradeResult {
    /// The job.
    pub id: JobId,
    /// Whose it is; unknown of one that is not there.
    pub organisation_id: Option<OrganisationId>,
    /// What became of it.
    pub outcome: JobUpgradeOutcome,
}

/// What became of it.
#[derive(Debug)]
pub enum JobUpgradeOutcome {
    /// It runs the version now, at this revision.
    Upgraded(Revision),
    /// It ran the version before, at this revision.
    Unchanged(Revision),
    /// It is as it was.
    Refused(Box<UseCaseError>),
}

/// Some of the jobs that were to be upgraded, and where the rest begins.
#[derive(Debug)]
pub struct JobsUpgraded {
    /// What became of each.
    pub results: Vec<JobUpgradeResult>,
    /// Behind which place there are more; `None` if there are none.
    pub next: Option<Position>,
}

/// Judges which jobs are to be upgraded, and finds the version.
pub fn prepare_upgrades(
    ports: &Ports,
    caller: &Caller,
    submission: &Submission<UpgradeManyDraft>,
) -> Result<PreparedUpgrades, UseCaseError> {
    caller.require(Permission::JobsWrite)?;
    let mut diagnostics = submission.diagnostics.clone();
    let selection = UpgradeSelection::read(&mut diagnostics, &submission.content);
    if let Some(SelectedJobs::Matching { organisation_id: Some(id), .. }) = selection.as_ref().map(|of| &of.jobs) {
        caller.require_organisation(*id)?;
    }
    let sent = submission.content.source_version_id.given();
    let mut versions = BTreeMap::new();
    for (path, id) in named_versions(sent, selection.as_ref()) {
        match ports.source_versions.find_many(&[id])?.pop().flatten() {
            Some(version) => drop(versions.insert(id, version)),
            None => diagnostics.report(path, unknown_source_version(id)),
        }
    }
    let to = selection.as_ref().and_then(|selection| versions.remove(&selection.source_version_id));
    let (selection, to) = diagnostics.finish(selection.zip(to))?;
    Ok(PreparedUpgrades { selection, to })
}

/// The versions that a request names, with their places.
fn named_versions(sent: Option<&String>, selection: Option<&UpgradeSelection>) -> Vec<(Path, SourceVersionId)> {
    let to = sent.and_then(|text| SourceVersionId::parse(text).ok());
    let mut named: Vec<_> = to.into_iter().map(|id| (Path::of("source_version_id"), id)).collect();
    if let Some(SelectedJobs::Matching { source_version_id: Some(id), .. }) = selection.map(|selection| &selection.jobs)
        && Some(*id) != to
    {
        named.push((Path::of("filter").member("source_version_id"), *id));
    }
    named
}

/// Upgrades some of the jobs, from a place on, each by itself: all of it or nothing. One that cannot be upgraded is
/// told, and the others are not kept from it.
pub fn upgrade_jobs(
    ports: &Ports,
    caller: &Caller,
    prepared: &PreparedUpgrades,
    after: Option<Position>,
    limit: usize,
    mode: WriteMode,
) -> Result<JobsUpgraded, UseCaseError> {
    caller.require(Permission::JobsWrite)?;
    let (found, next) = select(ports, caller, prepared, after, limit)?;
    let mut versions: BTreeMap<SourceVersionId, SourceVersion> = BTreeMap::new();
    versions.insert(prepared.to.id, prepared.to.clone());
    let mut results = Vec::new();
    for (id, job) in found {
        let organisation_id = job.as_ref().map(|found| found.job.organisation_id);
        let outcome = match upgrade_one(ports, caller, prepared, id, job, &mut versions, mode) {
            Ok(outcome) => outcome,
            // What was done so far is unchanged when it is asked for once more.
            Err(error @ UseCaseError::Store(_)) => return Err(error),
            Err(error) => JobUpgradeOutcome::Refused(Box::new(error)),
        };
        results.push(JobUpgradeResult { id, organisation_id, outcome });
    }
    Ok(JobsUpgraded { results, next })
}

type Selected = (Vec<(JobId, Option<MonitoredJob>)>, Option<Position>);

fn select(
    ports: &Ports,
    caller: &Caller,
    prepared: &PreparedUpgrades,
    after: Option<Position>,
    limit: usize,
) -> Result<Selected, UseCaseError> {
    match &prepared.selection.jobs {
        SelectedJobs::Listed(ids) => {
            let begin = after.and_then(|position| usize::try_from(position.number()).ok()).unwrap_or(0).min(ids.len());
            let end = ids.len().min(begin.saturating_add(limit));
            let wanted: Vec<_> = ids[begin..end].iter().map(|id| (caller.scope.clone(), *id)).collect();
            let found = ports.jobs.find_monitored(&wanted)?;
            let next = i64::try_from(end).ok().filter(|_| end < ids.len()).map(Position::behind);
            Ok((ids[begin..end].iter().copied().zip(found).collect(), next))
        }
        SelectedJobs::Matching { organisation_id, source_version_id, name } => {
            let filter = JobFilter {
                organisation_id: *organisation_id,
                source_id: Some(prepared.to.source_id),
                source_version_id: *source_version_id,
                name: name.clone(),
                ..JobFilter::default()
            };
            let limit = u16::try_from(limit).unwrap_or(PageRequest::MAX_LIMIT).clamp(1, PageRequest::MAX_LIMIT);
            let page = PageRequest::new(limit, after).unwrap_or_else(|| unreachable!("the limit was clamped"));
            let Page { items, next } = ports.jobs.list(&caller.scope, &filter, &page)?;
            Ok((items.into_iter().map(|found| (found.job.id, Some(found))).collect(), next))
        }
    }
}

/// Upgrades one job, which is looked for again when it was changed meanwhile.
fn upgrade_one(
    ports: &Ports,
    caller: &Caller,
    prepared: &PreparedUpgrades,
    id: JobId,
    mut found: Option<MonitoredJob>,
    versions: &mut BTreeMap<SourceVersionId, SourceVersion>,
    mode: WriteMode,
) -> Result<JobUpgradeOutcome, UseCaseError> {
    for _ in 0..MAX_ATTEMPTS {
        let stored = found.take().ok_or(UseCaseError::NotFound)?;
        let job = &stored.job;
        let mut diagnostics = Diagnostics::default();
        if job.source_id != prepared.to.source_id {
            let message = "belongs to another source, and the source of a job never changes";
            let problem = version_of_other_source(message, Some(job.source_id), prepared.to.source_id);
            diagnostics.report(Path::of("source_version_id"), problem);
            let violations = diagnostics.into_violations();
            return Err(violations.map_or_else(contended, |violations: Violations| violations.into()));
        }
        let from = match versions.entry(job.source_version_id) {
            Entry::Occupied(known) => &*known.into_mut(),
            Entry::Vacant(place) => {
                let version = ports.source_versions.find_many(&[job.source_version_id])?.pop().flatten();
                &*place.insert(version.ok_or_else(contended)?)
            }
        };
        let upgrade = plan_between(ports, job, &UpgradeDraft::default(), diagnostics, from, &prepared.to)?;
        let is_unchanged = upgrade.job == *job;
        if let Some(done) = store_change(ports, caller, stored, upgrade.job, true, mode)? {
            let revision = done.job.revision;
            let outcome = if is_unchanged { JobUpgradeOutcome::Unchanged } else { JobUpgradeOutcome::Upgraded };
            return Ok(outcome(revision));
        }
        found = ports.jobs.find_monitored(&[(caller.scope.clone(), id)])?.pop().flatten();
    }
    Err(contended())
}
