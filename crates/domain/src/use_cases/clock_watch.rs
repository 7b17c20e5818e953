use std::sync::{Arc, Mutex, PoisonError};

use chrono::TimeDelta;

use crate::model::{Timestamp, TrustedTime};
use crate::ports::{Clock, MonotonicClock};

/// The wall clock of this process, compared with the monotonic clock, which cannot be set. It tells how far the wall
/// clock is to be believed.
///
/// The clocks are read each time that the time is asked for. A jump there and back between two readings does no harm.
pub struct ClockWatch {
    clock: Arc<dyn Clock>,
    monotonic: Arc<dyn MonotonicClock>,
    time: Mutex<TrustedTime>,
}

impl Clock for ClockWatch {
    fn now(&self) -> Timestamp {
        Self::now(self)
    }
}

impl ClockWatch {
    /// From now on.
    #[must_use]
    pub fn begin(clock: Arc<dyn Clock>, monotonic: Arc<dyn MonotonicClock>) -> Self {
        let time = Mutex::new(TrustedTime::begin(clock.now(), monotonic.passed()));
        Self { clock, monotonic, time }
    }

    /// The time that can be relied on: never later than the wall clock shows, and never ahead by a jump of it.
    pub fn now(&self) -> Timestamp {
        self.read(TrustedTime::read)
    }

    /// How much time has passed since some moment, whatever the wall clock says.
    pub fn passed(&self) -> std::time::Duration {
        self.monotonic.passed()
    }

    /// How far the wall clock is ahead of the time that can be relied on, or behind. Zero while it is believed.
    pub fn deviation(&self) -> TimeDelta {
        self.read(|time, wall, passed| {
            time.read(wall, passed);
            time.deviation()
        })
    }

    /// Compares the clock with a time that was believed before this process began.
    pub fn recall(&self, known: Timestamp) {
        self.read(|time, wall, passed| {
            time.read(wall, passed);
            time.recall(known);
        });
    }

    /// One reading after the other, or time would seem to go back.
    fn read<T>(&self, work: impl FnOnce(&mut TrustedTime, Timestamp, std::time::Duration) -> T) -> T {
        let mut time = self.time.lock().unwrap_or_else(PoisonError::into_inner);
        work(&mut time, self.clock.now(), self.monotonic.passed())
    }
}
