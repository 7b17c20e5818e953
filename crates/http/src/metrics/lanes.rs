//! What is measured at the lanes.

use prometheus::core::Collector;
use prometheus::{
    Counter, CounterVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
};

use super::BUCKETS;

/// How many questions a lane answers together: powers of two up to the largest batch.
const BATCH_SIZES: [f64; 7] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0];

/// What is measured at a lane, held because every request goes through one.
#[derive(Clone)]
pub(crate) struct LaneMetrics {
    /// How many questions were answered together.
    pub(crate) batch_sizes: Histogram,
    /// How long questions waited before they were taken.
    pub(crate) waits: Histogram,
    /// How many wait.
    pub(crate) queue_length: IntGauge,
    /// Of how many tenants. Which ones is told by the log: here each would be a series of its own.
    pub(crate) waiting_tenants: IntGauge,
    /// Questions that found the queue full.
    pub(crate) shed_full: IntCounter,
    /// Questions that were not answered in time.
    pub(crate) shed_deadline: IntCounter,
    /// Questions that found all threads stuck.
    pub(crate) shed_stuck: IntCounter,
    /// Threads that were replaced because they were stuck or had died.
    pub(crate) replaced: IntCounter,
    /// For how many seconds tenants were to pause.
    pub(crate) paused: Counter,
}

/// The metrics of all lanes.
pub(super) struct LaneVectors {
    batch_sizes: HistogramVec,
    waits: HistogramVec,
    queue_length: IntGaugeVec,
    waiting_tenants: IntGaugeVec,
    shed: IntCounterVec,
    replaced: IntCounterVec,
    paused: CounterVec,
}

impl LaneVectors {
    pub(super) fn new() -> prometheus::Result<Self> {
        let histograms = |name: &str, help: &str, buckets: &[f64]| {
            HistogramVec::new(HistogramOpts::new(name, help).buckets(buckets.to_vec()), &["lane"])
        };
        Ok(Self {
            batch_sizes: histograms("lane_batch_size", "How many questions a lane answered together.", &BATCH_SIZES)?,
            waits: histograms("lane_wait_seconds", "How long questions waited in a lane's queue.", &BUCKETS)?,
            queue_length: IntGaugeVec::new(
                Opts::new("lane_queue_length", "How many questions wait in a lane's queue."),
                &["lane"],
            )?,
            waiting_tenants: IntGaugeVec::new(
                Opts::new("lane_waiting_tenants", "Of how many organisations or subjects questions wait."),
                &["lane"],
            )?,
            shed: IntCounterVec::new(
                Opts::new("lane_shed_total", "Questions that a lane did not answer."),
                &["lane", "reason"],
            )?,
            replaced: IntCounterVec::new(
                Opts::new("lane_threads_replaced_total", "Threads of a lane that were stuck or had died."),
                &["lane"],
            )?,
            paused: CounterVec::new(
                Opts::new(
                    "lane_tenant_pause_seconds_total",
                    "For how long tenants that asked for much at once were to pause after what a lane did for them.",
                ),
                &["lane"],
            )?,
        })
    }

    pub(super) fn of(&self, lane: &str) -> LaneMetrics {
        let shed = |reason| self.shed.with_label_values(&[lane, reason]);
        LaneMetrics {
            batch_sizes: self.batch_sizes.with_label_values(&[lane]),
            waits: self.waits.with_label_values(&[lane]),
            queue_length: self.queue_length.with_label_values(&[lane]),
            waiting_tenants: self.waiting_tenants.with_label_values(&[lane]),
            shed_full: shed("full"),
            shed_deadline: shed("deadline"),
            shed_stuck: shed("stuck"),
            replaced: self.replaced.with_label_values(&[lane]),
            paused: self.paused.with_label_values(&[lane]),
        }
    }

    /// What is to be registered.
    pub(super) fn collectors(&self) -> [Box<dyn Collector>; 7] {
        [
            Box::new(self.batch_sizes.clone()),
            Box::new(self.waits.clone()),
            Box::new(self.queue_length.clone()),
            Box::new(self.waiting_tenants.clone()),
            Box::new(self.shed.clone()),
            Box::new(self.replaced.clone()),
            Box::new(self.paused.clone()),
        ]
    }
}
