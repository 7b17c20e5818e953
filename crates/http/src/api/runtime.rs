//! What goes on around the use cases: limits, metrics, traces, what is known of the store and the clock, and the stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use prediction_domain::model::Timestamp;
use prediction_domain::ports::{StoreFailure, StoreHealth, StoreStatistics};
use prediction_domain::use_cases::{ClockWatch, PurgeStep, SweptHistory, UseCaseError};
use prediction_identity::keys::KeyFetch;

use crate::conditions::Conditions;
use crate::lanes::TenantShare;
use crate::metrics::{ConnectionEnd, Metrics};
use crate::rate_limits::{RateLimiters, RateLimits};
use crate::readiness::SharedCheck;
use crate::traces::{LaneSpan, Traces};

/// What goes on around the use cases. The process tells it what happens outside of requests.
pub struct Runtime {
    pub(super) store_health: Arc<dyn StoreHealth>,
    statistics: Option<Arc<dyn StoreStatistics>>,
    pub(crate) rate_limiters: RateLimiters,
    pub(crate) metrics: Metrics,
    traces: Option<Traces>,
    pub(super) tenant_share: Option<TenantShare>,
    pub(super) conditions: Conditions,
    pub(super) readiness: SharedCheck,
    stopping: AtomicBool,
}

impl Runtime {
    /// For a store of that health; without limits and traces.
    #[must_use]
    pub fn new(store_health: Arc<dyn StoreHealth>) -> Self {
        Self {
            store_health,
            statistics: None,
            rate_limiters: RateLimiters::default(),
            metrics: Metrics::new(),
            traces: None,
            tenant_share: None,
            conditions: Conditions::default(),
            readiness: SharedCheck::default(),
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

    /// Has tenants that ask for much at once pause while others ask that do not.
    #[must_use]
    pub fn with_tenant_share(self, share: TenantShare) -> Self {
        Self { tenant_share: Some(share), ..self }
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

    pub(super) fn lane_span(&self, name: &'static str) -> LaneSpan {
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
    pub(super) fn noted<T>(&self, written: Result<T, UseCaseError>) -> Result<T, UseCaseError> {
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

    /// The metrics of the store and of what is known of it, as they are now.
    pub(super) fn refresh_metrics(&self) {
        if let Some(statistics) = &self.statistics {
            self.metrics.set_connections(statistics.connections());
        }
        self.metrics.set_conditions(
            self.conditions.is_writable(),
            self.conditions.clock_deviation(),
            self.conditions.backlog(),
        );
    }
}
