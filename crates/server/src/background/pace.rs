//! How much the purge rests.

use std::time::{Duration, Instant};

/// How long it rests after a batch, in times of what the batch took, as long as it keeps up (docs/performance.md).
const USUAL_REST: f64 = 0.9;
/// The least that it rests, so that readers get through.
const LEAST_REST: f64 = 0.1;
/// It keeps up as long as nothing should have been gone for longer.
const KEEPS_UP: Duration = Duration::from_mins(10);
/// How often it is judged whether it gets nearer.
const PERIOD: Duration = Duration::from_mins(5);

/// Rests less and less while more expires than is deleted, and more again when that is over.
///
/// Much that has expired at once, such as by a shorter retention, is no reason to hurry as long as it becomes less.
pub(super) struct Pace {
    rest: f64,
    judged: Option<(Instant, Duration)>,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self { rest: USUAL_REST, judged: None }
    }

    /// How long to rest after a batch that took so long.
    pub(super) fn rest_after(&self, batch: Duration) -> Duration {
        batch.mul_f64(self.rest)
    }

    /// Takes note of how long the oldest value that is still stored should be gone.
    pub(super) fn observe(&mut self, backlog: Duration, now: Instant) {
        let Some((at, before)) = self.judged else {
            self.judged = Some((now, backlog));
            return;
        };
        if now.saturating_duration_since(at) < PERIOD {
            return;
        }
        if backlog < KEEPS_UP {
            self.rest = (self.rest * 2.0).min(USUAL_REST);
        } else if backlog >= before {
            self.rest = (self.rest / 2.0).max(LEAST_REST);
        }
        self.judged = Some((now, backlog));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BATCH: Duration = Duration::from_secs(1);

    /// How long the pace rests after a second of work, each time five minutes later with such a backlog, in minutes.
    fn rests(backlogs: impl IntoIterator<Item = u64>) -> Vec<u128> {
        let mut pace = Pace::new();
        let mut now = Instant::now();
        let mut rests = Vec::new();
        for minutes in backlogs {
            pace.observe(Duration::from_mins(minutes), now);
            rests.push(pace.rest_after(BATCH).as_millis());
            now += PERIOD;
        }
        rests
    }

    #[test]
    fn a_backlog_that_grows_is_worked_off_faster_and_faster_to_a_floor() {
        assert_eq!(rests([11, 12, 13, 14, 15, 16, 16]), [900, 450, 225, 112, 100, 100, 100]);
    }

    #[test]
    fn a_backlog_that_shrinks_is_no_reason_to_hurry() {
        assert_eq!(rests([90_000, 80_000, 70_000, 50, 5, 0]), [900; 6]);
    }

    #[test]
    fn a_purge_that_has_caught_up_rests_again() {
        assert_eq!(rests([60, 70, 80, 75, 9, 3, 0]), [900, 450, 225, 225, 450, 900, 900]);
    }

    #[test]
    fn what_comes_and_goes_between_is_not_judged() {
        let mut pace = Pace::new();
        let now = Instant::now();
        for second in 0..299 {
            pace.observe(Duration::from_hours(second), now + Duration::from_secs(second));
        }
        assert_eq!(pace.rest_after(BATCH).as_millis(), 900);
    }
}
