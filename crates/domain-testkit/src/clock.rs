use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use prediction_domain::model::Timestamp;
use prediction_domain::ports::Clock;

use crate::values::at;

/// A clock that stands still until the test moves it.
#[derive(Debug)]
pub struct FixedClock(Mutex<Timestamp>);

impl FixedClock {
    /// A clock that shows that time.
    #[must_use]
    pub fn at(time: Timestamp) -> Self {
        Self(Mutex::new(time))
    }

    /// Shows another time from now on.
    pub fn set(&self, time: Timestamp) {
        *self.time() = time;
    }

    /// Goes forward; what is finer than a microsecond is cut off.
    pub fn advance(&self, by: Duration) {
        let mut time = self.time();
        *time = Timestamp::truncated(time.as_datetime() + by);
    }

    fn time(&self) -> MutexGuard<'_, Timestamp> {
        self.0.lock().expect("nobody panics while moving the clock")
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
        *self.time()
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
    }
}
