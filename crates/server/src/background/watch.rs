//! Looks now and then after what no request would notice in time: whether the database takes writes, and whether the
//! clock jumps.

use std::sync::Arc;
use std::time::Duration;

use prediction_domain::use_cases::ClockWatch;
use prediction_http::Runtime;

use super::BackgroundWork;

/// How often it looks. What it writes is next to nothing, but the disk is waited for.
const EVERY: Duration = Duration::from_secs(10);
/// The same while the database takes no writes: each time, all connections are made anew, in case another server does.
const WITHOUT_WRITES_EVERY: Duration = Duration::from_secs(30);

/// Tells in the log what has changed since it looked last.
pub(crate) struct Watch {
    runtime: Arc<Runtime>,
    clock: Arc<ClockWatch>,
    was_writable: bool,
    was_believed: bool,
}

impl Watch {
    pub(crate) fn new(runtime: Arc<Runtime>, clock: Arc<ClockWatch>) -> Self {
        Self { runtime, clock, was_writable: true, was_believed: true }
    }
}

impl BackgroundWork for Watch {
    const NAME: &'static str = "watch";

    fn step(&mut self) -> Duration {
        let is_writable = self.runtime.try_write();
        if is_writable != self.was_writable {
            if is_writable {
                tracing::info!("the database takes writes again");
            } else {
                tracing::error!("the database takes no writes: it is read-only or full");
            }
            self.was_writable = is_writable;
        }
        let seconds = self.clock.deviation().num_seconds();
        if (seconds == 0) != self.was_believed {
            self.was_believed = seconds == 0;
            if self.was_believed {
                tracing::info!("the clock is believed again");
            } else {
                tracing::error!(seconds, "the clock has jumped ahead of the time that has passed, or back");
            }
        }
        if is_writable { EVERY } else { WITHOUT_WRITES_EVERY }
    }

    fn rest_after_panic(&self) -> Duration {
        EVERY
    }

    fn end(self) {}
}
