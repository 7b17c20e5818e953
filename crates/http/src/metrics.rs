//! What the service measures, in Prometheus' terms.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use prediction_domain::ports::{ConnectionCounts, JobCounts};
use prometheus::process_collector::ProcessCollector;
use prometheus::{Histogram, HistogramOpts, HistogramVec, IntGaugeVec, Opts, Registry, TextEncoder};

/// How old the counts of jobs may be. Counting reads all jobs, and a scraper must not be able to keep the store busy.
const JOB_COUNTS_AGE: Duration = Duration::from_secs(15);
/// From half a millisecond, where an answer from memory is, to the longest deadline.
const BUCKETS: [f64; 14] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// How many questions a lane answers together: powers of two up to the largest batch.
const BATCH_SIZES: [f64; 7] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0];

/// Everything that is measured.
pub(crate) struct Metrics {
    registry: Registry,
    requests: HistogramVec,
    batch_sizes: HistogramVec,
    connections: IntGaugeVec,
    jobs: IntGaugeVec,
    jobs_counted: Mutex<Option<Instant>>,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let requests = HistogramVec::new(
            HistogramOpts::new("http_request_duration_seconds", "How long requests took to answer.")
                .buckets(BUCKETS.to_vec()),
            &["method", "route", "status"],
        );
        let batch_sizes = HistogramVec::new(
            HistogramOpts::new("lane_batch_size", "How many questions a lane answered together.")
                .buckets(BATCH_SIZES.to_vec()),
            &["lane"],
        );
        let connections =
            IntGaugeVec::new(Opts::new("database_connections", "Open connections to the database."), &["state"]);
        let jobs = IntGaugeVec::new(Opts::new("jobs", "Jobs of all organisations."), &["state"]);
        let (Ok(requests), Ok(batch_sizes), Ok(connections), Ok(jobs)) = (requests, batch_sizes, connections, jobs)
        else {
            unreachable!("the names and labels above are valid")
        };
        let registry = Registry::new();
        let registered = registry
            .register(Box::new(requests.clone()))
            .and_then(|()| registry.register(Box::new(batch_sizes.clone())))
            .and_then(|()| registry.register(Box::new(connections.clone())))
            .and_then(|()| registry.register(Box::new(jobs.clone())))
            .and_then(|()| registry.register(Box::new(ProcessCollector::for_self())));
        debug_assert!(registered.is_ok(), "each is registered once");
        Self { registry, requests, batch_sizes, connections, jobs, jobs_counted: Mutex::new(None) }
    }

    /// Notes an answered request. `route` is a pattern, so that there are few of them.
    pub(crate) fn answered(&self, method: &str, route: &str, status: u16, duration: Duration) {
        // Methods can be made up, and each would be a series of its own.
        let method = match method {
            "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS" => method,
            _ => "other",
        };
        self.requests.with_label_values(&[method, route, &status.to_string()]).observe(duration.as_secs_f64());
    }

    /// Where a lane notes how many questions it answered together.
    pub(crate) fn batch_sizes(&self, lane: &str) -> Histogram {
        self.batch_sizes.with_label_values(&[lane])
    }

    pub(crate) fn set_connections(&self, counts: ConnectionCounts) {
        self.connections.with_label_values(&["busy"]).set(i64::from(counts.busy));
        self.connections.with_label_values(&["idle"]).set(i64::from(counts.idle));
    }

    /// Whether the jobs are to be counted again. Whoever is told so does it; others meanwhile see the last counts.
    pub(crate) fn are_job_counts_due(&self) -> bool {
        let mut counted = self.jobs_counted.lock().unwrap_or_else(PoisonError::into_inner);
        let due = counted.is_none_or(|counted| counted.elapsed() >= JOB_COUNTS_AGE);
        if due {
            *counted = Some(Instant::now());
        }
        due
    }

    pub(crate) fn set_job_counts(&self, counts: JobCounts) {
        let set = |state, count| {
            self.jobs.with_label_values(&[state]).set(i64::try_from(count).unwrap_or(i64::MAX));
        };
        set("active", counts.active);
        set("inactive", counts.inactive);
    }

    /// Everything, in the text format.
    pub(crate) fn text(&self) -> String {
        TextEncoder::new().encode_to_string(&self.registry.gather()).unwrap_or_default()
    }
}
