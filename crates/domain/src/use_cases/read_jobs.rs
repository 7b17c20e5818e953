use std::collections::{BTreeMap, BTreeSet};

use super::{Ports, Refusal};
use crate::model::{
    Caller, Job, JobId, Page, PageRequest, Permission, Scope, Source, SourceId, SourceVersion, SourceVersionId,
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
