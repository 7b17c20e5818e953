use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use prediction_domain::model::Timestamp;
use prediction_domain::ports::{Clock, MonotonicClock};

use crate::values::at;

/// A clock that stands still until the test moves it: both the wall clock and the monotonic one, which nothing else can
/// set.
#[derive(Debug)]
pub struct FixedClock(Mutex<Time>);

#[derive(Debug)]
struct Time {
    wall: Timestamp,
    passed: Duration,
}

impl FixedClock {
    /// A clock that shows that time.
    #[must_use]
    pub fn at(time: Timestamp) -> Self {
        Self(Mutex::new(Time { wall: time, passed: Duration::ZERO }))
    }

    /// Shows another time from now on, though no time has passed.
    pub fn set(&self, time: Timestamp) {
        self.time().wall = time;
    }

    /// Time passes; what is finer than a microsecond is cut off.
    pub fn advance(&self, by: Duration) {
        let mut time = self.time();
        time.wall = Timestamp::truncated(time.wall.as_datetime() + by);
        time.passed += by;
    }

    fn time(&self) -> MutexGuard<'_, Time> {
        self.0.lock().expect("no test panics while moving the clock")
    }
}

/// Noon on 1 June 2026, and one microsecond, so that a store that loses it is found out.
impl Default for FixedClock {
    fn default() -> Self {
        Self::at(at("2026-06-01T12:00:00.000001Z"))
    }
}

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        self.time().wall
    }
}

impl MonotonicClock for FixedClock {
    fn passed(&self) -> Duration {
        self.time().passed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_passes_only_when_the_test_says_so() {
        let clock = FixedClock::default();
        assert_eq!(clock.now(), at("2026-06-01T12:00:00.000001Z"));
        clock.advance(Duration::from_nanos(90_000_001_999));
        assert_eq!(clock.now(), at("2026-06-01T12:01:30.000002Z"));
        clock.set(at("2026-01-01T00:00:00Z"));
        assert_eq!(clock.now(), at("2026-01-01T00:00:00Z"));
        assert_eq!(clock.passed(), Duration::from_nanos(90_000_001_999));
    }
}
