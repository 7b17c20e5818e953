//! The clock of the machine, and identities that are ordered by time: what a program gives the use cases of
//! `prediction-domain` in production. Tests have `FixedClock` and `SequentialIds` of `prediction-domain-testkit`.
//!
//! ```
//! use prediction_adapters_system::{SystemClock, TimeOrderedIds};
//! use prediction_domain::ports::{Clock, IdGenerator};
//!
//! let (first, second) = (TimeOrderedIds.fresh(), TimeOrderedIds.fresh());
//! assert!(first < second);
//! assert!(SystemClock.now() <= SystemClock.now());
//! ```

use std::time::{Duration, Instant};

use chrono::Utc;
use prediction_domain::model::Timestamp;
use prediction_domain::ports::{Clock, IdGenerator, MonotonicClock};
use uuid::Uuid;

/// The clock of the machine, to the microsecond. An operator or a time service may set it.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place where time comes in")]
    fn now(&self) -> Timestamp {
        Timestamp::truncated(Utc::now())
    }
}

/// Time since the process began, which the operating system counts whatever the clock of the machine shows. It stands
/// still while the machine sleeps.
#[derive(Debug, Clone, Copy)]
pub struct ProcessClock(Instant);

impl ProcessClock {
    /// Begins to count.
    #[must_use]
    pub fn start() -> Self {
        Self(Instant::now())
    }
}

impl MonotonicClock for ProcessClock {
    fn passed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// UUIDs of version 7 (RFC 9562, section 5.7): ordered by time, which keeps indexes compact.
#[derive(Debug, Clone, Copy, Default)]
pub struct TimeOrderedIds;

impl IdGenerator for TimeOrderedIds {
    #[expect(clippy::disallowed_methods, reason = "this is the one place where ids come in")]
    fn fresh(&self) -> Uuid {
        Uuid::now_v7()
    }
}
