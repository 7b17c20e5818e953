//! The clock and the ids of the real world.

use std::time::{Duration, Instant};

use chrono::Utc;
use prediction_domain::model::Timestamp;
use prediction_domain::ports::{Clock, IdGenerator, MonotonicClock};
use uuid::Uuid;

/// The clock of the machine.
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place where time comes in")]
    fn now(&self) -> Timestamp {
        Timestamp::truncated(Utc::now())
    }
}

/// Time since the process began, which the operating system counts whatever the clock of the machine shows. It stands still while
/// the machine sleeps.
pub(crate) struct ProcessClock(Instant);

impl ProcessClock {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }
}

impl MonotonicClock for ProcessClock {
    fn passed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// UUIDs of version 7 (RFC 9562, section 5.7): ordered by time, which keeps indexes compact.
pub(crate) struct TimeOrderedIds;

impl IdGenerator for TimeOrderedIds {
    #[expect(clippy::disallowed_methods, reason = "this is the one place where ids come in")]
    fn fresh(&self) -> Uuid {
        Uuid::now_v7()
    }
}
