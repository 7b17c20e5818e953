//! How far a wall clock is believed, by code that destroys something because time has passed.

use std::time::Duration;

use chrono::TimeDelta;

use super::Timestamp;

/// Follows a wall clock beside time that is known to have passed, and believes no more of it than that.
///
/// A clock that is set ahead by years, be it for seconds, is seen at once: more time has passed on the wall than in
/// fact. The trusted time then goes on from where it was, no faster than time passes. When the wall clock is back,
/// nothing has happened. When the wall clock keeps to its new time, it is believed after as long again as it jumped,
/// but five minutes at the least and a day at the most: until then the operator can set it right. The trusted time is
/// never later than the wall clock shows.
#[derive(Debug, Clone)]
pub struct TrustedTime {
    /// What was read last.
    wall: Timestamp,
    passed: Duration,
    /// What the wall clock would show if it had never jumped.
    line: Timestamp,
    /// When the wall clock jumped last, in time that passed.
    jumped: Duration,
}

impl TrustedTime {
    /// A clock may be set right by so much between two readings, in seconds. It is no jump.
    pub const TOLERANCE_SECONDS: i64 = 10;
    /// How long a jump is doubted at the least, in seconds, and how long one back is.
    pub const SHORTEST_DOUBT_SECONDS: i64 = 5 * 60;
    /// How long a jump is doubted at the most, in seconds.
    pub const LONGEST_DOUBT_SECONDS: i64 = 24 * 60 * 60;
    /// How much later than the time that was believed last a start may be, in seconds, without doubt.
    pub const LONGEST_STOP_SECONDS: i64 = 60 * 60;

    /// Begins with a first reading, which is believed for want of anything else. `passed` counts from any moment.
    #[must_use]
    pub fn begin(wall: Timestamp, passed: Duration) -> Self {
        Self { wall, passed, line: wall, jumped: passed }
    }

    /// Compares the first reading with a time that was believed before this process began. If that is long ago, or lies
    /// ahead, time goes on from there, as if the clock had jumped.
    pub fn recall(&mut self, known: Timestamp) {
        if self.wall.since(known).abs() > TimeDelta::seconds(Self::LONGEST_STOP_SECONDS) {
            self.line = known;
            self.jumped = self.passed;
        }
    }

    /// Takes a reading, and gives the time that can be relied on.
    pub fn read(&mut self, wall: Timestamp, passed: Duration) -> Timestamp {
        let tolerance = TimeDelta::seconds(Self::TOLERANCE_SECONDS);
        let elapsed = TimeDelta::from_std(passed.saturating_sub(self.passed)).unwrap_or(TimeDelta::MAX);
        if wall.since(self.wall.plus(elapsed)).abs() > tolerance {
            self.jumped = passed;
        }
        self.line = self.line.plus(elapsed);
        (self.wall, self.passed) = (wall, passed);
        let ahead = wall.since(self.line);
        if ahead.abs() <= tolerance || passed.saturating_sub(self.jumped) >= longest_doubt(ahead) {
            self.line = wall;
        }
        self.line.min(wall)
    }

    /// How far the wall clock, as it was read last, is ahead of what is believed, or behind. Zero while it is believed.
    #[must_use]
    pub fn deviation(&self) -> TimeDelta {
        self.wall.since(self.line)
    }
}

/// How long a wall clock has to keep to a time that is so far ahead.
fn longest_doubt(ahead: TimeDelta) -> Duration {
    let seconds = ahead.num_seconds().clamp(TrustedTime::SHORTEST_DOUBT_SECONDS, TrustedTime::LONGEST_DOUBT_SECONDS);
    Duration::from_secs(seconds.unsigned_abs())
}
