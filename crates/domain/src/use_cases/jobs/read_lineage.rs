use std::collections::{BTreeMap, BTreeSet};

use super::blocking::tell_blocking;
use crate::model::{
    Caller, JobId, JobWithHealth, LineageDirection, MonitoredJob, OrganisationId, OutputId, PageRequest, Permission,
    RoleName, Scope, Source, SourceId, SourceVersionId, VersionReference, Weight,
};
use crate::use_cases::lookup::{JOBS_AT_ONCE, VERSIONS_AT_ONCE, find_monitored_job};
use crate::use_cases::{Ports, UseCaseError};

/// How far a lineage goes at the most, in steps from one job to the next.
pub const MAX_LINEAGE_DEPTH: u8 = 10;
/// The most jobs of a lineage.
const MAX_NODES: usize = 1_000;
/// The most bindings of a lineage.
const MAX_EDGES: usize = 5_000;
/// About how many bytes the jobs and bindings of a lineage have at the most, as JSON.
const BUDGET: usize = 3 * PageRequest::BUDGET;
/// About how many bytes of jobs are held meanwhile at the most: a job may have 200 bindings and outputs.
const MOST_HELD: usize = 16 << 20;
/// How many outputs are looked up at once.
const LOOKED_UP_AT_ONCE: usize = 1_000;
/// About how many bytes a job has without its texts, and a binding.
const NODE: usize = 700;
const EDGE: usize = 250;

/// What a job rests on, and what rests on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lineage {
    /// The jobs, that which was asked for first and the nearest before others.
    pub nodes: Vec<LineageNode>,
    /// Which of these reads which output of which other of these.
    pub edges: Vec<LineageEdge>,
    /// Whether there is more: further away, or more than fits.
    pub truncated: bool,
}

/// A job in a lineage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineageNode {
    /// The job, with its health.
    pub job: JobWithHealth,
    /// Its source.
    pub source: Source,
    /// Its version.
    pub source_version: VersionReference,
}

/// A role of a job that is bound to an output of another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineageEdge {
    /// The output.
    pub from_output_id: OutputId,
    /// The job that predicts it.
    pub from_job_id: JobId,
    /// The job that reads it.
    pub to_job_id: JobId,
    /// The input role of that job.
    pub role: RoleName,
}

/// What a job rests on (upstream), and what rests on it (downstream), so many steps away at the most.
pub fn read_lineage(
    ports: &Ports,
    caller: &Caller,
    id: JobId,
    direction: LineageDirection,
    depth: u8,
) -> Result<Lineage, UseCaseError> {
    caller.require(Permission::JobsRead)?;
    let start = find_monitored_job(ports, caller, id)?;
    let mut search = Search::new(ports, start);
    let depth = depth.clamp(1, MAX_LINEAGE_DEPTH);
    let goes = |one| direction == one || direction == LineageDirection::Both;
    if goes(LineageDirection::Upstream) {
        search.walk(depth, Search::upstream_of)?;
    }
    if goes(LineageDirection::Downstream) {
        search.walk(depth, Search::downstream_of)?;
    }
    search.finish()
}

struct Search<'a> {
    ports: &'a Ports,
    organisation_id: OrganisationId,
    start: JobId,
    found: BTreeMap<JobId, MonitoredJob>,
    /// In the order in which they were found.
    order: Vec<JobId>,
    weight: usize,
    held: usize,
    truncated: bool,
}

impl<'a> Search<'a> {
    fn new(ports: &'a Ports, start: MonitoredJob) -> Self {
        let (organisation_id, id) = (start.job.organisation_id, start.job.id);
        let found = BTreeMap::from([(id, start)]);
        Self { ports, organisation_id, start: id, found, order: vec![id], weight: 0, held: 0, truncated: false }
    }

    /// Goes on from the start, step by step.
    fn walk(
        &mut self,
        depth: u8,
        next_of: fn(&mut Self, &BTreeSet<JobId>) -> Result<BTreeSet<JobId>, UseCaseError>,
    ) -> Result<(), UseCaseError> {
        let mut visited = BTreeSet::from([self.start]);
        let mut frontier = visited.clone();
        for step in 0..=depth {
            let mut next = next_of(self, &frontier)?;
            next.retain(|id| !visited.contains(id));
            if next.is_empty() {
                break;
            }
            if step == depth {
                self.truncated = true;
                break;
            }
            self.add(&mut next)?;
            visited.extend(next.iter().copied());
            frontier = next;
        }
        Ok(())
    }

    /// Reads the jobs that are new, as many as there is room for; the others are taken out.
    fn add(&mut self, ids: &mut BTreeSet<JobId>) -> Result<(), UseCaseError> {
        let room = MAX_NODES - self.order.len();
        let new: Vec<JobId> = ids.iter().filter(|id| !self.found.contains_key(id)).copied().collect();
        self.truncated |= new.len() > room;
        for few in new[..new.len().min(room)].chunks(JOBS_AT_ONCE) {
            let wanted: Vec<_> = few.iter().map(|id| (self.scope(), *id)).collect();
            for found in self.ports.jobs.find_monitored(&wanted)?.into_iter().flatten() {
                self.held += found.job.weight();
                self.weight += NODE + found.job.name.as_str().len();
                if self.weight > BUDGET || self.held > MOST_HELD {
                    self.truncated = true;
                    break;
                }
                self.order.push(found.job.id);
                self.found.insert(found.job.id, found);
            }
        }
        ids.retain(|id| self.found.contains_key(id));
        Ok(())
    }

    fn scope(&self) -> Scope {
        Scope::of([self.organisation_id])
    }

    fn upstream_of(&mut self, frontier: &BTreeSet<JobId>) -> Result<BTreeSet<JobId>, UseCaseError> {
        let jobs = frontier.iter().filter_map(|id| self.found.get(id)).map(|found| &found.job);
        let outputs: BTreeSet<OutputId> = jobs.flat_map(|job| job.role_bindings.outputs()).collect();
        let outputs: Vec<OutputId> = outputs.into_iter().collect();
        let mut upstream = BTreeSet::new();
        for few in outputs.chunks(LOOKED_UP_AT_ONCE) {
            if upstream.len() > MAX_NODES {
                self.truncated = true;
                break;
            }
            let wanted: Vec<_> = few.iter().map(|id| (self.scope(), *id)).collect();
            let found = self.ports.chains.find_outputs(&wanted)?.into_iter().flatten();
            upstream.extend(found.map(|output| output.job_id));
        }
        Ok(upstream)
    }

    fn downstream_of(&mut self, frontier: &BTreeSet<JobId>) -> Result<BTreeSet<JobId>, UseCaseError> {
        // One more than there can be room for, to know whether there are more.
        let readers = self.ports.chains.readers_of(self.organisation_id, frontier, MAX_NODES + 1)?;
        Ok(readers.into_iter().collect())
    }

    fn finish(self) -> Result<Lineage, UseCaseError> {
        let Self { ports, mut found, order, mut weight, mut truncated, .. } = self;
        let edges = {
            let jobs = || order.iter().filter_map(|id| found.get(id)).map(|found| &found.job);
            let owners: BTreeMap<OutputId, JobId> =
                jobs().flat_map(|job| job.outputs.iter().map(|output| (output.id, job.id))).collect();
            let mut edges = Vec::new();
            for job in jobs() {
                for binding in &job.role_bindings {
                    let Some(output_id) = binding.output_id() else { continue };
                    let Some(owner) = owners.get(&output_id) else { continue };
                    weight += EDGE + binding.role.as_str().len();
                    if edges.len() == MAX_EDGES || weight > BUDGET {
                        truncated = true;
                        break;
                    }
                    edges.push(LineageEdge {
                        from_output_id: output_id,
                        from_job_id: *owner,
                        to_job_id: job.id,
                        role: binding.role.clone(),
                    });
                }
            }
            edges
        };
        let now = ports.clock.now();
        let mut judged: Vec<JobWithHealth> =
            order.iter().filter_map(|id| found.remove(id)).map(|found| found.judged_at(now)).collect();
        tell_blocking(ports, &mut judged, now)?;
        let nodes = with_sources(ports, judged)?;
        Ok(Lineage { nodes, edges, truncated })
    }
}

fn with_sources(ports: &Ports, judged: Vec<JobWithHealth>) -> Result<Vec<LineageNode>, UseCaseError> {
    let ids: BTreeSet<SourceId> = judged.iter().map(|judged| judged.job.source_id).collect();
    let found = ports.sources.find_many(&ids.into_iter().collect::<Vec<_>>())?;
    let sources: BTreeMap<SourceId, Source> = found.into_iter().flatten().map(|source| (source.id, source)).collect();
    let ids: BTreeSet<SourceVersionId> = judged.iter().map(|judged| judged.job.source_version_id).collect();
    let mut versions: BTreeMap<SourceVersionId, VersionReference> = BTreeMap::new();
    for few in ids.into_iter().collect::<Vec<_>>().chunks(VERSIONS_AT_ONCE) {
        for version in ports.source_versions.find_many(few)?.into_iter().flatten() {
            versions.insert(version.id, VersionReference { id: version.id, version: version.version });
        }
    }
    // A job keeps both from being deleted; one that is gone by now went with them.
    let node = |job: JobWithHealth| {
        let source = sources.get(&job.job.source_id)?.clone();
        let source_version = versions.get(&job.job.source_version_id)?.clone();
        Some(LineageNode { job, source, source_version })
    };
    Ok(judged.into_iter().filter_map(node).collect())
}
