use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::delete::find_job;
use super::{Ports, Refusal};
use crate::model::{
    Caller, Job, JobId, JobRevision, Page, PageRequest, Permission, Position, Revision, Scope, Source, SourceId,
    SourceVersion, SourceVersionId,
};
use crate::ports::{JobFilter, StoreFailure};

/// A question for one job, asked by somebody who may ask it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobQuery(Scope, JobId);

impl JobQuery {
    /// Asks for a job in the caller's scope.
    pub fn new(caller: &Caller, id: JobId) -> Result<Self, Refusal> {
        caller.require(Permission::JobsRead)?;
        Ok(Self(caller.scope.clone(), id))
    }
}

/// Answers questions for single jobs, as many as wait together: `None` where there is no such job for that caller.
pub fn get_jobs(ports: &Ports, queries: &[JobQuery]) -> Result<Vec<Option<Job>>, StoreFailure> {
    let wanted: Vec<(Scope, JobId)> = queries.iter().map(|JobQuery(scope, id)| (scope.clone(), *id)).collect();
    ports.jobs.find_many(&wanted)
}

/// Jobs of the caller's scope in creation order.
pub fn list_jobs(ports: &Ports, caller: &Caller, filter: &JobFilter, page: &PageRequest) -> Result<Page<Job>, Refusal> {
    caller.require(Permission::JobsRead)?;
    if let Some(organisation_id) = filter.organisation_id {
        caller.require_organisation(organisation_id)?;
    }
    Ok(ports.jobs.list(&caller.scope, filter, page)?)
}

/// What a job was at each of its revisions, from the first that was kept to the current one.
pub fn list_job_revisions(
    ports: &Ports,
    caller: &Caller,
    id: JobId,
    page: &PageRequest,
) -> Result<Page<JobRevision>, Refusal> {
    caller.require(Permission::JobsRead)?;
    let job = find_job(ports, caller, id)?;
    let after = page.after.and_then(|after| i64::try_from(after.id.as_u128()).ok()).and_then(Revision::new);
    let found = ports.jobs.revisions(job.organisation_id, id, after, page.limit() + 1)?;
    Ok(Page::of_one_too_many(found, page, position_of_revision))
}

/// Several revisions can be of one microsecond, so the number is in the place of the id.
fn position_of_revision(revision: &JobRevision) -> Position {
    let number = u128::try_from(revision.revision.as_i64()).unwrap_or_default();
    Position { created_at: revision.changed_at, id: Uuid::from_u128(number) }
}

/// What a job was, or is, at a revision.
pub fn get_job_revision(ports: &Ports, caller: &Caller, id: JobId, revision: Revision) -> Result<JobRevision, Refusal> {
    caller.require(Permission::JobsRead)?;
    let job = find_job(ports, caller, id)?;
    if job.revision == revision {
        return Ok(job.into());
    }
    ports.jobs.revision(job.organisation_id, id, revision)?.ok_or(Refusal::NotFound)
}

/// What to show of a job beside its own members.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Expansion {
    /// Its source, whole.
    pub source: bool,
    /// Its version, whole.
    pub source_version: bool,
}

/// The sources and versions of some jobs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Expanded {
    /// Sources by id.
    pub sources: BTreeMap<SourceId, Source>,
    /// Versions by id.
    pub source_versions: BTreeMap<SourceVersionId, SourceVersion>,
}

/// Finds what is to be shown beside these jobs, with one question for each kind of thing.
pub fn expand_jobs(ports: &Ports, jobs: &[Job], expansion: Expansion) -> Result<Expanded, Refusal> {
    let mut expanded = Expanded::default();
    if expansion.source {
        let ids: BTreeSet<SourceId> = jobs.iter().map(|job| job.source_id).collect();
        let ids: Vec<SourceId> = ids.into_iter().collect();
        let sources = ports.sources.find_many(&ids)?.into_iter().flatten();
        expanded.sources = sources.map(|source| (source.id, source)).collect();
    }
    if expansion.source_version {
        let ids: BTreeSet<SourceVersionId> = jobs.iter().map(|job| job.source_version_id).collect();
        let ids: Vec<SourceVersionId> = ids.into_iter().collect();
        let versions = ports.source_versions.find_many(&ids)?.into_iter().flatten();
        expanded.source_versions = versions.map(|version| (version.id, version)).collect();
    }
    Ok(expanded)
}
