//! What keeps the service from doing all of its work while it serves: told to a client that asks whether it is ready,
//! and measured.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use prediction_domain::model::Timestamp;
use prediction_domain::ports::StoreFailure;
use prediction_domain::use_cases::ClockWatch;
use prediction_wire::ServiceDegradation;

/// How long a write that was refused counts, whatever becomes of small ones meanwhile: those may still find room.
const REFUSAL_COUNTS: Duration = Duration::from_mins(1);

/// What is known of it.
#[derive(Default)]
pub(crate) struct Conditions {
    watch: Option<Arc<ClockWatch>>,
    /// When a write was refused last, unless one was taken long enough after it.
    refused: Mutex<Option<Instant>>,
    oldest_expired: Mutex<Option<Timestamp>>,
}

impl Conditions {
    /// With that clock.
    pub(crate) fn with_watch(self, watch: Arc<ClockWatch>) -> Self {
        Self { watch: Some(watch), ..self }
    }

    /// Looks at why something failed.
    pub(crate) fn note_failure(&self, failure: &StoreFailure) {
        if matches!(failure, StoreFailure::NotWritable(_)) {
            *lock(&self.refused) = Some(Instant::now());
        }
    }

    /// A small write was taken.
    pub(crate) fn note_written(&self) {
        lock(&self.refused).take_if(|refused| refused.elapsed() >= REFUSAL_COUNTS);
    }

    pub(crate) fn note_oldest_expired(&self, oldest: Option<Timestamp>) {
        *lock(&self.oldest_expired) = oldest;
    }

    /// Whether the store takes writes, as far as is known.
    pub(crate) fn is_writable(&self) -> bool {
        lock(&self.refused).is_none()
    }

    /// How far the clock is ahead of what is believed, or behind.
    pub(crate) fn clock_deviation(&self) -> TimeDelta {
        self.watch.as_ref().map_or_else(TimeDelta::zero, |watch| watch.deviation())
    }

    /// How long the oldest value that is still stored should be gone.
    pub(crate) fn backlog(&self) -> TimeDelta {
        let oldest = *lock(&self.oldest_expired);
        let backlog = oldest.zip(self.watch.as_ref()).map(|(oldest, watch)| watch.now().since(oldest));
        backlog.unwrap_or_default().max(TimeDelta::zero())
    }

    /// All of it, for a client that asks whether the service is ready.
    pub(crate) fn degradations(&self) -> Vec<ServiceDegradation> {
        let mut found = Vec::new();
        let deviation = self.clock_deviation();
        if !deviation.is_zero() {
            let side = if deviation > TimeDelta::zero() { "ahead of" } else { "behind" };
            found.push(ServiceDegradation {
                check: "clock".to_owned(),
                detail: format!(
                    "the clock is {} s {side} the time that has passed; until that is settled, what expires goes by the latter",
                    deviation.num_seconds().abs()
                ),
            });
        }
        if !self.is_writable() {
            let detail = "the database takes no writes: it is read-only or full".to_owned();
            found.push(ServiceDegradation { check: "writes".to_owned(), detail });
        }
        found
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
