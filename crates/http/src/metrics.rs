//! What the service measures, in Prometheus' terms.

mod lanes;

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use prediction_domain::model::{HealthCounts, HealthStatus, LifecycleStage, Quota};
use prediction_domain::ports::ConnectionCounts;
use prediction_domain::use_cases::{PurgeStep, SweptHistory};
use prometheus::core::Collector;
use prometheus::process_collector::ProcessCollector;
use prometheus::{
    Gauge, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder,
};

use prediction_identity::keys::KeyFetch;
use prediction_identity::{TokenRejected, Verified};

pub(crate) use lanes::LaneMetrics;
use lanes::LaneVectors;

/// How old the counts of jobs may be. Counting reads all jobs, and a scraper must not be able to keep the store busy.
const JOB_COUNTS_AGE: Duration = Duration::from_secs(15);
/// The same in times of what counting takes, where there are very many jobs.
const JOB_COUNTS_REST: u32 = 20;
/// From half a millisecond, where an answer from memory is, to the longest deadline.
const BUCKETS: [f64; 14] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// The methods that there are.
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// The method, unless it is made up: each would be a series of its own.
pub(crate) fn known_method(method: &str) -> Option<&'static str> {
    METHODS.into_iter().find(|known| *known == method)
}

/// What the names of the service's own metrics begin with.
const PREFIX: &str = "prediction";

/// Everything that is measured.
pub(crate) struct Metrics {
    registry: Registry,
    process: ProcessCollector,
    requests: HistogramVec,
    lanes: LaneVectors,
    connections: IntGaugeVec,
    jobs: JobGauges,
    purged: IntCounterVec,
    purging: IntGauge,
    conditions: ConditionGauges,
    http_connections: ConnectionMetrics,
    token_verdicts: TokenVerdicts,
    key_fetches: IntCounterVec,
    bodies: BodyMetrics,
    quota_refusals: IntCounterVec,
    /// When counting began the last time, and how long it took the time before.
    jobs_counted: Mutex<Option<(Instant, Duration)>>,
    /// When the counts were made that are shown; when the process started, if there are none.
    jobs_known: Mutex<Instant>,
    jobs_counted_age: Gauge,
}

/// Why the service ended a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectionEnd {
    /// There were too many, in all or of its peer.
    TooMany,
    /// Its peer took too little of an answer.
    SlowReader,
}

impl ConnectionEnd {
    const ALL: [Self; 2] = [Self::TooMany, Self::SlowReader];

    fn as_str(self) -> &'static str {
        match self {
            Self::TooMany => "too_many",
            Self::SlowReader => "slow_reader",
        }
    }
}

/// The connections of clients.
struct ConnectionMetrics {
    open: IntGauge,
    ended: IntCounterVec,
}

impl ConnectionMetrics {
    fn new() -> prometheus::Result<Self> {
        let ended = IntCounterVec::new(
            Opts::new("http_connections_ended_total", "Connections of clients that the service ended."),
            &["reason"],
        )?;
        for why in ConnectionEnd::ALL {
            ended.with_label_values(&[why.as_str()]);
        }
        Ok(Self { open: IntGauge::new("http_connections", "Open connections of clients.")?, ended })
    }
}

/// What keeps the service from doing all of its work.
struct ConditionGauges {
    store_writable: IntGauge,
    clock_deviation: Gauge,
    oldest_expired: Gauge,
}

impl ConditionGauges {
    fn new() -> prometheus::Result<Self> {
        Ok(Self {
            store_writable: IntGauge::new("store_writable", "Whether the database takes writes, as far as is known.")?,
            clock_deviation: Gauge::new(
                "wall_clock_deviation_seconds",
                "How far the clock is ahead of what is believed of it, or behind; 0 while it is believed.",
            )?,
            oldest_expired: Gauge::new(
                "purge_oldest_expired_seconds",
                "How long the oldest value that is still stored should be gone.",
            )?,
        })
    }
}

/// What is measured of the bodies of requests.
#[derive(Clone)]
pub(crate) struct BodyMetrics {
    /// How many bytes are reserved for them.
    pub(crate) bytes: IntGauge,
    /// Bodies for which there was no room.
    pub(crate) refused: IntCounter,
}

impl BodyMetrics {
    fn new() -> prometheus::Result<Self> {
        Ok(Self {
            bytes: IntGauge::new("request_body_bytes", "Memory that is reserved for bodies of requests.")?,
            refused: IntCounter::new(
                "request_bodies_refused_total",
                "Bodies of requests that there was no memory for in time.",
            )?,
        })
    }
}

/// A counter for each verdict on a token, held because every request has one.
struct TokenVerdicts {
    accepted: IntCounter,
    malformed: IntCounter,
    not_acceptable: IntCounter,
    expired: IntCounter,
    keys_unavailable: IntCounter,
}

impl TokenVerdicts {
    fn of(counters: &IntCounterVec) -> Self {
        let counter = |verdict| counters.with_label_values(&[verdict]);
        Self {
            accepted: counter("accepted"),
            malformed: counter("malformed"),
            not_acceptable: counter("not_acceptable"),
            expired: counter("expired"),
            keys_unavailable: counter("keys_unavailable"),
        }
    }

    fn counter(&self, verdict: &Result<Verified, TokenRejected>) -> &IntCounter {
        match verdict {
            Ok(_) => &self.accepted,
            Err(TokenRejected::Malformed(_)) => &self.malformed,
            Err(TokenRejected::NotAcceptable(_)) => &self.not_acceptable,
            Err(TokenRejected::Expired) => &self.expired,
            Err(TokenRejected::KeysUnavailable | TokenRejected::KeyNotKnownYet { .. }) => &self.keys_unavailable,
        }
    }
}

/// How many jobs there are.
struct JobGauges {
    states: IntGaugeVec,
    healths: IntGaugeVec,
    version_stages: IntGaugeVec,
}

impl JobGauges {
    fn new() -> prometheus::Result<Self> {
        let gauges = |name, help, label| IntGaugeVec::new(Opts::new(name, help), &[label]);
        Ok(Self {
            states: gauges("jobs", "Jobs of all organisations.", "state")?,
            healths: gauges("jobs_by_health", "Jobs of all organisations by their health.", "health")?,
            version_stages: gauges(
                "jobs_by_version_stage",
                "Jobs of all organisations by the stage of the version that they run.",
                "stage",
            )?,
        })
    }
}

/// A metric that can be made: its name and labels are written here.
fn valid<T>(metric: prometheus::Result<T>) -> T {
    metric.unwrap_or_else(|error| unreachable!("the names and labels of metrics are valid: {error}"))
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let requests = HistogramVec::new(
            HistogramOpts::new("http_request_duration_seconds", "How long requests took to answer.")
                .buckets(BUCKETS.to_vec()),
            &["method", "route", "status"],
        );
        let lanes = LaneVectors::new();
        let gauges = |name, help, label| IntGaugeVec::new(Opts::new(name, help), &[label]);
        let connections = gauges("database_connections", "Open connections to the database.", "state");
        let purged = IntCounterVec::new(
            Opts::new(
                "purged_total",
                "Values that had expired, values and runs of deleted jobs, and history that is not to be kept, that were deleted.",
            ),
            &["what"],
        );
        let purging = IntGauge::new("purging", "Whether this replica is the one that deletes what has expired.");
        let token_verdicts =
            IntCounterVec::new(Opts::new("token_verdicts_total", "What became of access tokens."), &["verdict"]);
        let key_fetches = IntCounterVec::new(
            Opts::new("jwks_fetches_total", "Attempts to fetch the keys of the issuer."),
            &["outcome"],
        );
        let quota_refusals = IntCounterVec::new(
            Opts::new(
                "quota_refusals_total",
                "Writes that were refused since a quota of their organisation was used up.",
            ),
            &["quota"],
        );
        let conditions = valid(ConditionGauges::new());
        let bodies = valid(BodyMetrics::new());
        let http_connections = valid(ConnectionMetrics::new());
        let (token_verdicts, key_fetches, quota_refusals) =
            (valid(token_verdicts), valid(key_fetches), valid(quota_refusals));
        let (requests, lanes, connections) = (valid(requests), valid(lanes), valid(connections));
        let jobs = valid(JobGauges::new());
        let (purged, purging) = (valid(purged), valid(purging));
        let age = Gauge::new(
            "jobs_counted_age_seconds",
            "How long ago jobs, jobs_by_health and jobs_by_version_stage were counted.",
        );
        let jobs_counted_age = valid(age);
        let registry = valid(Registry::new_custom(Some(PREFIX.to_owned()), None));
        let others: [Box<dyn Collector>; 18] = [
            Box::new(jobs_counted_age.clone()),
            Box::new(requests.clone()),
            Box::new(connections.clone()),
            Box::new(jobs.states.clone()),
            Box::new(jobs.healths.clone()),
            Box::new(jobs.version_stages.clone()),
            Box::new(purged.clone()),
            Box::new(purging.clone()),
            Box::new(conditions.store_writable.clone()),
            Box::new(conditions.clock_deviation.clone()),
            Box::new(conditions.oldest_expired.clone()),
            Box::new(bodies.bytes.clone()),
            Box::new(bodies.refused.clone()),
            Box::new(http_connections.open.clone()),
            Box::new(http_connections.ended.clone()),
            Box::new(token_verdicts.clone()),
            Box::new(key_fetches.clone()),
            Box::new(quota_refusals.clone()),
        ];
        let registered =
            others.into_iter().chain(lanes.collectors()).try_for_each(|collector| registry.register(collector));
        debug_assert!(registered.is_ok(), "each is registered once");
        // A counter that is there from the start can be told from a name that was misspelt in a query.
        for what in ["values", "runs", "revisions"] {
            purged.with_label_values(&[what]);
        }
        for fetch in KeyFetch::ALL {
            key_fetches.with_label_values(&[fetch.as_str()]);
        }
        for quota in Quota::ALL {
            quota_refusals.with_label_values(&[quota.as_str()]);
        }
        Self {
            registry,
            process: ProcessCollector::for_self(),
            requests,
            lanes,
            connections,
            jobs,
            purged,
            purging,
            conditions,
            http_connections,
            token_verdicts: TokenVerdicts::of(&token_verdicts),
            key_fetches,
            bodies,
            quota_refusals,
            jobs_counted: Mutex::new(None),
            jobs_known: Mutex::new(Instant::now()),
            jobs_counted_age,
        }
    }

    /// Notes an answered request. `route` is a pattern, so that there are few of them.
    pub(crate) fn answered(&self, method: &str, route: &str, status: u16, duration: Duration) {
        let method = known_method(method).unwrap_or("other");
        self.requests.with_label_values(&[method, route, &status.to_string()]).observe(duration.as_secs_f64());
    }

    /// What is measured of bodies.
    pub(crate) fn bodies(&self) -> BodyMetrics {
        self.bodies.clone()
    }

    /// What is measured at the lane of that name.
    pub(crate) fn lane(&self, name: &str) -> LaneMetrics {
        self.lanes.of(name)
    }

    pub(crate) fn set_connections(&self, counts: ConnectionCounts) {
        self.connections.with_label_values(&["busy"]).set(i64::from(counts.busy));
        self.connections.with_label_values(&["idle"]).set(i64::from(counts.idle));
    }

    /// Whether the jobs are to be counted again. The request that gets `true` counts them; others meanwhile see the
    /// last counts.
    pub(crate) fn are_job_counts_due(&self) -> bool {
        let mut counted = self.jobs_counted.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = |(began, took): (Instant, Duration)| began.elapsed() >= JOB_COUNTS_AGE.max(took * JOB_COUNTS_REST);
        let due = counted.is_none_or(is_due);
        if due {
            *counted = Some((Instant::now(), counted.map_or(Duration::ZERO, |(_, took)| took)));
        }
        due
    }

    pub(crate) fn set_job_counts(&self, counts: &HealthCounts, retired: &BTreeMap<LifecycleStage, u64>) {
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let mut active = 0;
        for (status, count) in counts.iter() {
            self.jobs.healths.with_label_values(&[status.as_str()]).set(number(count));
            active += if status == HealthStatus::Paused { 0 } else { count };
        }
        self.jobs.states.with_label_values(&["active"]).set(number(active));
        self.jobs.states.with_label_values(&["inactive"]).set(number(counts.of(HealthStatus::Paused)));
        let of = |stage| retired.get(&stage).copied().unwrap_or_default();
        let all: u64 = counts.iter().map(|(_, count)| count).sum();
        for stage in LifecycleStage::ALL {
            // Counted one after the other: together they may be more for a moment.
            let count =
                if stage == LifecycleStage::Active { all.saturating_sub(retired.values().sum()) } else { of(stage) };
            self.jobs.version_stages.with_label_values(&[stage.as_str()]).set(number(count));
        }
        let mut counted = self.jobs_counted.lock().unwrap_or_else(PoisonError::into_inner);
        *counted = counted.map(|(began, _)| (began, began.elapsed()));
        *self.jobs_known.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    pub(crate) fn set_conditions(&self, is_writable: bool, clock_deviation: TimeDelta, backlog: TimeDelta) {
        self.conditions.store_writable.set(i64::from(is_writable));
        self.conditions.clock_deviation.set(clock_deviation.as_seconds_f64());
        self.conditions.oldest_expired.set(backlog.as_seconds_f64());
        let known = *self.jobs_known.lock().unwrap_or_else(PoisonError::into_inner);
        self.jobs_counted_age.set(known.elapsed().as_secs_f64());
    }

    /// A replica that failed to purge is not purging.
    pub(crate) fn set_purge(&self, step: Option<&PurgeStep>) {
        let Some(PurgeStep::Purged(purged)) = step else {
            self.purging.set(0);
            return;
        };
        self.purged.with_label_values(&["values"]).inc_by(purged.values);
        self.purged.with_label_values(&["runs"]).inc_by(purged.runs);
        self.purging.set(1);
    }

    /// Notes what was deleted of the history of jobs.
    pub(crate) fn count_swept(&self, swept: SweptHistory) {
        self.purged.with_label_values(&["runs"]).inc_by(swept.runs);
        self.purged.with_label_values(&["revisions"]).inc_by(swept.revisions);
    }

    /// How many connections of clients there are.
    pub(crate) fn http_connections(&self) -> &IntGauge {
        &self.http_connections.open
    }

    pub(crate) fn ended_connection(&self, why: ConnectionEnd) {
        self.http_connections.ended.with_label_values(&[why.as_str()]).inc();
    }

    /// Notes what became of a token.
    pub(crate) fn judged_token(&self, verdict: &Result<Verified, TokenRejected>) {
        self.token_verdicts.counter(verdict).inc();
    }

    /// Notes that a write was refused for a quota.
    pub(crate) fn refused_for_quota(&self, quota: Quota) {
        self.quota_refusals.with_label_values(&[quota.as_str()]).inc();
    }

    /// Notes an attempt to fetch keys.
    pub(crate) fn fetched_keys(&self, fetch: KeyFetch) {
        self.key_fetches.with_label_values(&[fetch.as_str()]).inc();
    }

    /// Everything, in the text format.
    pub(crate) fn text(&self) -> String {
        // Those of the process have the names that all programs give them.
        let mut families = self.registry.gather();
        families.extend(self.process.collect());
        TextEncoder::new().encode_to_string(&families).unwrap_or_default()
    }
}
