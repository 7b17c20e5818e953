//! Every repository, in memory: for tests, and as the model that other stores are compared with.

mod apply;
mod catalog;
mod chains;
mod inputs;
mod jobs;
mod leases;
mod results;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use prediction_domain::model::{
    Allowance, Day, Input, InputId, Job, JobId, JobName, JobRevision, Management, MonitoredJob, Monitoring,
    OrganisationId, OrganisationName, Page, PageRequest, Position, Prediction, Quota, QuotaExceeded, ReplicaId,
    Revision, Run, RunId, RunNumber, RunOutcome, RunSummary, SetName, Source, SourceId, SourceName, SourceVersion,
    SourceVersionId, Timestamp, VersionLabel, Weight,
};
use prediction_domain::ports::{
    ConnectionCounts, Judged, JudgementRepository, StoreFailure, StoreHealth, StorePorts, StoreStatistics, WriteMode,
};
use uuid::Uuid;

use crate::stores::Stores;

/// A complete store that forgets everything when it is dropped.
///
/// Every call holds one lock, so that calls happen one after the other; each judges first and changes then, so that a
/// refused write and a dry run leave nothing behind.
#[derive(Debug, Default)]
pub struct MemoryStore(Mutex<State>);

#[derive(Debug, Default, Clone)]
struct State {
    sources: BTreeMap<SourceId, Source>,
    versions: BTreeMap<SourceVersionId, SourceVersion>,
    /// The directory of each organisation.
    inputs: BTreeMap<(OrganisationId, InputId), Input>,
    organisation_names: BTreeMap<OrganisationId, OrganisationName>,
    jobs: BTreeMap<JobId, Job>,
    /// The numbers of sources, versions and jobs, in the order in which they were stored.
    numbers: BTreeMap<(Kind, Uuid), i64>,
    last_number: i64,
    /// What jobs were before they were changed.
    history: BTreeMap<(JobId, Revision), JobRevision>,
    /// With what is left of their values; of deleted jobs, too, until they are purged.
    runs: BTreeMap<RunId, (Run, Vec<Prediction>)>,
    /// Of each run its number, and of each job the last.
    run_numbers: BTreeMap<RunId, RunNumber>,
    last_numbers: BTreeMap<JobId, RunNumber>,
    /// Those in whose place another run stands.
    replaced_runs: BTreeMap<RunId, Run>,
    /// Of jobs with runs: what was issued later does not count for health.
    counted_until: BTreeMap<JobId, Timestamp>,
    /// How runs ended that are not kept any more: health goes on to count them, until the runs are summed up anew.
    swept_outcomes: BTreeMap<JobId, Vec<RunOutcome>>,
    /// What organisations have used of what is counted by the day.
    usage: BTreeMap<(OrganisationId, Quota), (Day, u64)>,
    /// By its name, the replica that holds a lease, and until when.
    leases: BTreeMap<&'static str, (ReplicaId, Timestamp)>,
}

/// What is used of a quota, and where that is written down.
type Taken = ((OrganisationId, Quota), (Day, u64));

/// What is numbered. Things of two kinds may have one id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Source,
    Version,
    Job,
}

impl MemoryStore {
    /// All ports to an empty store of their own.
    #[must_use]
    pub fn stores() -> Stores {
        StorePorts::of(&Arc::new(Self::default())).into()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no call panics while it holds the store")
    }
}

impl StoreStatistics for MemoryStore {
    /// There are none: the store is in this process.
    fn connections(&self) -> ConnectionCounts {
        ConnectionCounts::default()
    }
}

/// A job is judged each time that it is read, and never ahead.
impl JudgementRepository for MemoryStore {
    fn judge(&self, _at: Timestamp, _limit: usize) -> Result<Judged, StoreFailure> {
        Ok(Judged::default())
    }
}

impl StoreHealth for MemoryStore {
    fn check(&self) -> Result<(), StoreFailure> {
        Ok(())
    }

    fn try_write(&self) -> Result<(), StoreFailure> {
        Ok(())
    }
}

impl State {
    fn monitored(&self, job: &Job) -> MonitoredJob {
        let source = self.sources.get(&job.source_id);
        let runs = self.runs.values().map(|(run, _)| run).filter(|run| run.job_id == job.id).map(RunOutcome::from);
        let runs = runs.chain(self.swept_outcomes.get(&job.id).into_iter().flatten().copied());
        let monitoring = Monitoring {
            expected_interval_minutes: source.and_then(|source| source.expected_interval_minutes),
            runs: match self.counted_until.get(&job.id) {
                Some(until) => RunSummary::of_issued_until(*until, runs),
                None => RunSummary::of(runs),
            },
        };
        MonitoredJob { job: job.clone(), monitoring }
    }

    /// What is to be written down when a write has used what it is allowed.
    fn judge_allowance(
        &self,
        organisation_id: OrganisationId,
        allowance: Option<Allowance>,
    ) -> Result<Option<Taken>, QuotaExceeded> {
        let Some(allowance) = allowance else { return Ok(None) };
        let key = (organisation_id, allowance.quota);
        let used = allowance.take(self.usage.get(&key).copied())?;
        Ok(Some((key, used)))
    }

    /// Gives what is stored now its place in creation order.
    fn number(&mut self, kind: Kind, id: Uuid) {
        self.last_number += 1;
        self.numbers.insert((kind, id), self.last_number);
    }

    /// Where a source, a version or a job is in creation order.
    fn position(&self, kind: Kind, id: Uuid) -> Position {
        self.numbers.get(&(kind, id)).copied().map(Position::behind).expect("what is stored has a number")
    }

    /// The part of a list in creation order that is wanted.
    fn page_of<T: Weight>(
        &self,
        kind: Kind,
        items: impl Iterator<Item = T>,
        page: &PageRequest,
        id: impl Fn(&T) -> Uuid,
    ) -> Page<T> {
        let placed = items.map(|item| (self.position(kind, id(&item)), item));
        let mut found: Vec<_> = placed.filter(|(place, _)| page.after.is_none_or(|after| *place > after)).collect();
        found.sort_by_key(|(place, _)| *place);
        Page::of_placed(found.into_iter().map(|(place, item)| (item, place)).collect(), page)
    }

    fn source_named(&self, name: &SourceName) -> Option<&Source> {
        let key = name.key();
        self.sources.values().find(|source| source.name.key() == key)
    }

    fn version_labelled(&self, source_id: SourceId, label: &VersionLabel) -> Option<&SourceVersion> {
        self.versions.values().find(|version| version.source_id == source_id && version.version.key() == label.key())
    }

    fn job_named(&self, organisation_id: OrganisationId, name: &JobName) -> Option<&Job> {
        self.jobs.values().find(|job| job.organisation_id == organisation_id && job.name == *name)
    }

    /// Whether there is such a version of that very source.
    fn has_version(&self, id: SourceVersionId, source_id: SourceId) -> bool {
        self.versions.get(&id).is_some_and(|version| version.source_id == source_id)
    }
}

/// Whether that set keeps a thing.
fn is_kept_by(management: Option<&Management>, set: &SetName) -> bool {
    management.is_some_and(|management| management.set == *set)
}

impl State {
    /// Tries a write; what it does stays, if it is to last and is not refused.
    fn tried<E>(&mut self, mode: WriteMode, write: impl FnOnce(&mut Self) -> Result<(), E>) -> Result<(), E> {
        if lasts(mode) { write(self) } else { write(&mut self.clone()) }
    }
}

fn lasts(mode: WriteMode) -> bool {
    match mode {
        WriteMode::Commit => true,
        WriteMode::DryRun => false,
    }
}
