mod for_tenant;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use prediction_domain::model::{Caller, JobWithHealth, Timestamp};
use prediction_domain::ports::{StoreFailure, StoreHealth, StoreStatistics};
use prediction_domain::use_cases::{
    ClockWatch, JobQuery, Ports, PreparedSetUp, PurgeStep, SetUpDone, SweptHistory, UseCaseError,
    count_all_jobs_by_health, get_jobs, set_up_jobs,
};

use crate::body_budget::{BodyBudget, Held};
use crate::conditions::Conditions;
use crate::lanes::{Lane, LaneSettings, Tenant, TenantLimit, WorkLane};
use crate::metrics::{ConnectionEnd, Metrics};
use crate::problem::{Problem, ProblemCode};
use crate::rate_limits::{RateLimiters, RateLimits};
use crate::readiness::SharedCheck;
use crate::streams::Streams;
use crate::traces::{LaneSpan, Traces};
use prediction_identity::keys::KeyFetch;
use prediction_identity::{TokenRejected, TokenVerifier};
use prediction_wire::ServiceDegradation;

pub(crate) use for_tenant::ApiForTenant;

/// How long a request waits at the most.
pub const REQUEST_DEADLINE: Duration = Duration::from_secs(5);
/// How long a setup waits at the most.
pub const SET_UP_DEADLINE: Duration = Duration::from_secs(10);
/// How long the question whether the service is ready waits at the most.
const READY_DEADLINE: Duration = Duration::from_secs(2);

/// How many requests wait in a lane that is asked more than it can answer: one and a half times the largest batch, so
/// that a caller who is answered waits about twice as long as when the lane is just busy.
const STEADY: usize = 96;
/// From when on more than that are no burst any more.
const LONGEST_BURST: Duration = Duration::from_millis(500);

/// How many threads a lane has for work of any length: a tenant never has all of them, and two at a time are enough to keep a
/// database busy.
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

/// How long a request for the metrics waits for the jobs to be counted.
const LONGEST_WAIT_FOR_COUNTS: Duration = Duration::from_secs(1);

/// The service, as the routes see it: use cases behind lanes, and what verifies its callers.
pub struct Api {
    verifier: Arc<dyn TokenVerifier>,
    /// Single jobs, read together.
    job_reads: Lane<JobQuery, Result<Option<JobWithHealth>, StoreFailure>>,
    /// Setups, stored together: on SQLite they share one sync to disk.
    set_ups: Lane<Held<PreparedSetUp>, Result<SetUpDone, UseCaseError>>,
    /// Everything else that reads. Lists can be long, so they never stand before a single job.
    reads: WorkLane,
    /// Everything else that writes.
    writes: WorkLane,
    /// Apart from the others, so that it is answered when they are stuck.
    health: WorkLane,
    /// What takes a processor and no store: reading and writing large documents.
    computations: WorkLane,
    bodies: BodyBudget,
    streams: Arc<Streams>,
    readiness: SharedCheck,
    ports: Ports,
    store_health: Arc<dyn StoreHealth>,
    statistics: Option<Arc<dyn StoreStatistics>>,
    pub(crate) rate_limiters: RateLimiters,
    pub(crate) metrics: Arc<Metrics>,
    traces: Option<Traces>,
    conditions: Conditions,
    stopping: AtomicBool,
}

impl Api {
    /// Starts the lanes, for a store that many can write to.
    #[must_use]
    pub fn start(ports: Ports, store_health: Arc<dyn StoreHealth>, verifier: Arc<dyn TokenVerifier>) -> Self {
        Self::start_for(Writers::Many, ports, store_health, verifier)
    }

    /// Starts the lanes.
    #[must_use]
    pub fn start_for(
        writers_of_store: Writers,
        ports: Ports,
        store_health: Arc<dyn StoreHealth>,
        verifier: Arc<dyn TokenVerifier>,
    ) -> Self {
        let lane = |name, threads, queue, batch, deadline| LaneSettings {
            name,
            threads,
            queue,
            steady: STEADY,
            burst: LONGEST_BURST,
            batch,
            deadline,
        };
        let metrics = Arc::new(Metrics::new());
        let measures = |lane: &LaneSettings| metrics.lane(lane.name);
        let limit = TenantLimit::of_this_machine();
        let work_lane = |settings: LaneSettings| WorkLane::start(settings, measures(&settings), &limit);
        // Queues hold about half a second of work, for bursts.
        let job_reads = lane("job-reads", 1, 8192, 64, REQUEST_DEADLINE);
        // Two, so that the batch of one tenant does not wait for that of another one.
        let set_ups = lane("set-ups", FEW_THREADS, 2048, 64, SET_UP_DEADLINE);
        let writing_threads = match writers_of_store {
            Writers::One => FEW_THREADS,
            Writers::Many => THREADS,
        };
        let readers = ports.clone();
        let writers = ports.clone();
        Self {
            verifier,
            job_reads: Lane::start(job_reads, measures(&job_reads), &limit, move |queries| {
                read_together(&readers, &queries)
            }),
            set_ups: Lane::start(set_ups, measures(&set_ups), &limit, move |prepared| {
                set_up_together(&writers, prepared)
            }),
            reads: work_lane(lane("reads", THREADS, 1024, 1, REQUEST_DEADLINE)),
            writes: work_lane(lane("writes", writing_threads, 512, 1, REQUEST_DEADLINE)),
            health: work_lane(lane("health", 1, 64, 1, READY_DEADLINE)),
            computations: work_lane(lane("computations", FEW_THREADS, 256, 1, REQUEST_DEADLINE)),
            bodies: BodyBudget::new(metrics.bodies()),
            streams: Arc::default(),
            readiness: SharedCheck::default(),
            ports,
            store_health,
            statistics: None,
            rate_limiters: RateLimiters::default(),
            metrics,
            traces: None,
            conditions: Conditions::default(),
            stopping: AtomicBool::new(false),
        }
    }

    /// Shows the store's statistics among the metrics.
    #[must_use]
    pub fn with_statistics(self, statistics: Arc<dyn StoreStatistics>) -> Self {
        Self { statistics: Some(statistics), ..self }
    }

    /// Tells how far the clock is to be believed.
    #[must_use]
    pub fn with_clock_watch(self, watch: Arc<ClockWatch>) -> Self {
        Self { conditions: self.conditions.with_watch(watch), ..self }
    }

    /// Refuses requests of callers who send too many.
    #[must_use]
    pub fn with_rate_limits(self, limits: RateLimits) -> Self {
        Self { rate_limiters: RateLimiters::new(limits), ..self }
    }

    /// Makes spans of the requests.
    #[must_use]
    pub fn with_traces(self, traces: Traces) -> Self {
        Self { traces: Some(traces), ..self }
    }

    /// What makes spans, if anything does.
    pub(crate) fn traces(&self) -> Option<&Traces> {
        self.traces.as_ref()
    }

    fn lane_span(&self, name: &'static str) -> LaneSpan {
        LaneSpan::begin(self.traces(), name)
    }

    /// From now on the service says that it is not ready, so that load balancers send it no new requests, and asks
    /// connected clients to leave their connections.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// Whether the service is stopping.
    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// Looks at what became of a write.
    fn noted<T>(&self, written: Result<T, UseCaseError>) -> Result<T, UseCaseError> {
        if let Err(UseCaseError::Store(failure)) = &written {
            self.conditions.note_failure(failure);
        }
        if let Err(UseCaseError::QuotaExceeded { exceeded, .. }) = &written {
            self.metrics.refused_for_quota(exceeded.quota);
        }
        written
    }

    /// Tries whether the store takes writes, unless it has just refused one, and gives what is known then. Blocks.
    pub fn try_write(&self) -> bool {
        match self.store_health.try_write() {
            Ok(()) => self.conditions.note_written(),
            Err(failure) => self.conditions.note_failure(&failure),
        }
        self.conditions.is_writable()
    }

    /// All metrics, in Prometheus' text format. Never fails: what the store does not tell in time keeps its last value.
    pub(crate) async fn metrics(&self) -> String {
        if let Some(statistics) = &self.statistics {
            self.metrics.set_connections(statistics.connections());
        }
        if self.metrics.are_job_counts_due() {
            let (ports, metrics) = (self.ports.clone(), Arc::clone(&self.metrics));
            let count = self.reads.run(Tenant::SERVICE, move || match count_all_jobs_by_health(&ports) {
                Ok(counts) => metrics.set_job_counts(&counts),
                Err(failure) => tracing::warn!(cause = %failure, "the jobs could not be counted"),
            });
            // Counts that come later are shown the next time.
            let _ = tokio::time::timeout(LONGEST_WAIT_FOR_COUNTS, count).await;
        }
        self.metrics.set_conditions(
            self.conditions.is_writable(),
            self.conditions.clock_deviation(),
            self.conditions.backlog(),
        );
        self.metrics.text()
    }

    /// Notes that there is a connection more.
    pub fn note_opened_connection(&self) {
        self.metrics.http_connections().inc();
    }

    /// Notes that there is a connection less.
    pub fn note_closed_connection(&self) {
        self.metrics.http_connections().dec();
    }

    /// Notes that a connection was ended by the service.
    pub fn note_ended_connection(&self, why: ConnectionEnd) {
        self.metrics.ended_connection(why);
    }

    /// Notes what a step of the purge came to.
    pub fn note_purge(&self, step: &Result<PurgeStep, StoreFailure>) {
        if let Err(failure) = step {
            self.conditions.note_failure(failure);
        }
        self.metrics.set_purge(step.as_ref().ok());
    }

    /// Notes what a step of the sweep of the history came to.
    pub fn note_sweep(&self, swept: &Result<SweptHistory, StoreFailure>) {
        match swept {
            Ok(swept) => self.metrics.count_swept(*swept),
            Err(failure) => self.conditions.note_failure(failure),
        }
    }

    /// Notes when the oldest value that is still stored expired, if one has.
    pub fn note_oldest_expired(&self, oldest: Option<Timestamp>) {
        self.conditions.note_oldest_expired(oldest);
    }

    /// Notes an attempt to fetch the keys of the issuer.
    pub fn note_key_fetch(&self, fetch: KeyFetch) {
        self.metrics.fetched_keys(fetch);
    }

    /// Whose token it is.
    pub(crate) async fn identify(&self, token: &str) -> Result<Arc<Caller>, TokenRejected> {
        let verified = self.verifier.verify(token).await;
        self.metrics.judged_token(&verified);
        verified.map(|verified| verified.caller)
    }

    /// Fails unless the service can do its work; tells what of it is not done, or not well.
    pub(crate) async fn ready(&self) -> Result<Vec<ServiceDegradation>, Problem> {
        if self.is_stopping() {
            return Err(Problem::unavailable(ProblemCode::NotReady).detail("the service is stopping"));
        }
        if !self.verifier.can_verify() {
            return Err(Problem::unavailable(ProblemCode::NotReady)
                .detail("there is no key of the issuer to verify tokens with"));
        }
        let store = Arc::clone(&self.store_health);
        let not_ready = || Problem::unavailable(ProblemCode::NotReady).detail("the database cannot be used");
        let check = async {
            match self.health.run(Tenant::SERVICE, move || store.check()).await {
                Ok(Ok(())) => Ok(()),
                Ok(Err(failure)) => Err(not_ready().caused_by(failure)),
                Err(error) => Err(not_ready().caused_by(error)),
            }
        };
        self.readiness.outcome(check).await.map_err(|problem| problem.unwrap_or_else(not_ready))?;
        Ok(self.conditions.degradations())
    }
}

/// The memory of the bodies is free when all are answered.
fn set_up_together(ports: &Ports, held: Vec<Held<PreparedSetUp>>) -> Vec<Result<SetUpDone, UseCaseError>> {
    let (prepared, _reservations): (Vec<_>, Vec<_>) = held.into_iter().map(Held::into_parts).unzip();
    set_up_jobs(ports, &prepared)
}

fn read_together(ports: &Ports, queries: &[JobQuery]) -> Vec<Result<Option<JobWithHealth>, StoreFailure>> {
    match get_jobs(ports, queries) {
        Ok(jobs) => jobs.into_iter().map(Ok).collect(),
        // One row that cannot be read fails the request that asked for it, not the requests that waited beside it.
        Err(StoreFailure::Corrupt(_)) if queries.len() > 1 => {
            queries.iter().flat_map(|query| read_together(ports, std::slice::from_ref(query))).collect()
        }
        Err(failure) => queries.iter().map(|_| Err(failure.clone())).collect(),
    }
}
