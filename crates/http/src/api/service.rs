//! The use cases behind lanes.

use std::sync::Arc;
use std::time::Duration;

use prediction_domain::model::JobWithHealth;
use prediction_domain::ports::StoreFailure;
use prediction_domain::use_cases::{JobQuery, Ports, PreparedSetUp, SetUpDone, UseCaseError, get_jobs, set_up_jobs};

use crate::body_budget::{BodyBudget, Held};
use crate::lanes::{Lane, LaneSettings, TenantLimit, TenantShare, WorkLane};
use crate::metrics::Metrics;
use crate::problem::Problem;
use crate::shared_pages::{PageQuestion, WrittenPage};
use crate::streams::Streams;

/// How long a request waits at the most.
pub const REQUEST_DEADLINE: Duration = Duration::from_secs(5);
/// How long a setup waits at the most.
pub const SET_UP_DEADLINE: Duration = Duration::from_secs(10);
/// How long a document waits at the most: one of a thousand things takes seconds.
const APPLY_DEADLINE: Duration = Duration::from_secs(30);
/// How long the question whether the service is ready waits at the most.
const READY_DEADLINE: Duration = Duration::from_secs(2);

/// How many requests wait in a lane that is asked more than it can answer: one and a half times the largest batch, so
/// that a caller who is answered waits about twice as long as when the lane is just busy.
const STEADY: usize = 96;
/// From when on more than that are no burst any more.
const LONGEST_BURST: Duration = Duration::from_millis(500);

/// How many threads a lane has for work of any length: a tenant never has all of them, and two at a time are enough to
/// keep a database busy.
const THREADS: usize = 3;
/// The same where more would only wait for each other: one that works, and one for another tenant.
const FEW_THREADS: usize = 2;

/// How many transactions of a store can write at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writers {
    /// One, and all others wait.
    One,
    /// As many as there are.
    Many,
}

/// The use cases behind lanes, with what bounds the memory of their bodies and answers.
pub(super) struct Service {
    /// Single jobs, read together.
    pub(super) job_reads: Lane<JobQuery, Result<Option<JobWithHealth>, StoreFailure>>,
    /// Setups, stored together: on SQLite they share one sync to disk.
    pub(super) setups: Lane<Held<PreparedSetUp>, Result<SetUpDone, UseCaseError>>,
    /// Everything else that reads. Lists can be long, so they never stand before a single job. Equal pages that wait
    /// together are read once.
    pub(super) reads: WorkLane<PageQuestion, Result<WrittenPage, Problem>>,
    /// Everything else that writes.
    pub(super) writes: WorkLane,
    /// Documents, which write much: apart, so that no single thing waits behind them.
    pub(super) documents: WorkLane,
    /// Apart from the others, so that it is answered when they are stuck.
    pub(super) health: WorkLane,
    /// What takes a processor and no store: reading and writing large documents.
    pub(super) computations: WorkLane,
    pub(super) bodies: BodyBudget,
    pub(super) streams: Arc<Streams>,
    pub(super) ports: Ports,
}

impl Service {
    /// Starts the lanes.
    pub(super) fn start(
        writers_of_store: Writers,
        ports: Ports,
        metrics: &Metrics,
        share: Option<TenantShare>,
    ) -> Self {
        let lane = |name, threads, queue, batch, deadline| LaneSettings {
            name,
            threads,
            kept_free: 1,
            queue,
            steady: STEADY,
            burst: LONGEST_BURST,
            batch,
            deadline,
        };
        let measures = |lane: &LaneSettings| metrics.lane(lane.name);
        let limit = TenantLimit::of_this_machine(share);
        let work_lane = |settings: LaneSettings| WorkLane::start(settings, measures(&settings), &limit);
        // Queues hold about half a second of work, for bursts.
        let job_reads = lane("job-reads", 1, 8192, 64, REQUEST_DEADLINE);
        // Two, so that the batch of one tenant does not wait for that of another one.
        let setups = lane("setups", FEW_THREADS, 2048, 64, SET_UP_DEADLINE);
        // Where there is one writer, a second thread of a tenant would only wait for the first.
        let writing = LaneSettings {
            kept_free: match writers_of_store {
                Writers::One => THREADS - 1,
                Writers::Many => 1,
            },
            ..lane("writes", THREADS, 512, 1, REQUEST_DEADLINE)
        };
        let reads = lane("reads", THREADS, 1024, 1, REQUEST_DEADLINE);
        let readers = ports.clone();
        let writers = ports.clone();
        Self {
            job_reads: Lane::start(job_reads, measures(&job_reads), &limit, move |queries| {
                read_together(&readers, &queries)
            }),
            setups: Lane::start(setups, measures(&setups), &limit, move |prepared| set_up_together(&writers, prepared)),
            reads: WorkLane::start(reads, measures(&reads), &limit),
            writes: work_lane(writing),
            documents: work_lane(lane("documents", FEW_THREADS, 64, 1, APPLY_DEADLINE)),
            health: work_lane(lane("health", 1, 64, 1, READY_DEADLINE)),
            computations: work_lane(lane("computations", FEW_THREADS, 256, 1, REQUEST_DEADLINE)),
            bodies: BodyBudget::new(metrics.bodies()),
            streams: Arc::default(),
            ports,
        }
    }
}

/// The memory of the bodies is free when all are answered.
fn set_up_together(ports: &Ports, held: Vec<Held<PreparedSetUp>>) -> Vec<Result<SetUpDone, UseCaseError>> {
    let (prepared, _reservations): (Vec<_>, Vec<_>) = held.into_iter().map(Held::into_parts).unzip();
    let answers = set_up_jobs(ports, &prepared);
    if prepared.len() == 1 {
        return answers;
    }
    // What cannot be reached for one of them failed all that were to be stored with it; nothing of them was.
    let alone = |(answer, prepared)| match answer {
        Err(UseCaseError::Store(StoreFailure::PartlyUnavailable(_))) => {
            set_up_jobs(ports, std::slice::from_ref(prepared)).pop().unwrap_or(answer)
        }
        answer => answer,
    };
    answers.into_iter().zip(&prepared).map(alone).collect()
}

fn read_together(ports: &Ports, queries: &[JobQuery]) -> Vec<Result<Option<JobWithHealth>, StoreFailure>> {
    match get_jobs(ports, queries) {
        Ok(jobs) => jobs.into_iter().map(Ok).collect(),
        // One row that cannot be read, or reached, fails the request that asked for it, not those that waited beside
        // it.
        Err(StoreFailure::Corrupt(_) | StoreFailure::PartlyUnavailable(_)) if queries.len() > 1 => {
            queries.iter().flat_map(|query| read_together(ports, std::slice::from_ref(query))).collect()
        }
        Err(failure) => queries.iter().map(|_| Err(failure.clone())).collect(),
    }
}
