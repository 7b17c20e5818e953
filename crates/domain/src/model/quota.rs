//! Quotas: how much an organisation may have, or may do in a day.

use std::fmt;

use super::results::Run;
use super::timestamp::Timestamp;

/// What an organisation may have, or do in a day, only so often.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Quota {
    /// Jobs that it has.
    Jobs,
    /// Values that are reported, by the day.
    ValuesPerDay,
    /// Changes of its jobs, by the day.
    ChangesPerDay,
}

impl Quota {
    /// Every quota there is.
    pub const ALL: [Self; 3] = [Self::Jobs, Self::ValuesPerDay, Self::ChangesPerDay];

    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Jobs => "jobs",
            Self::ValuesPerDay => "values_per_day",
            Self::ChangesPerDay => "changes_per_day",
        }
    }
}

impl fmt::Display for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A quota does not let a write pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the quota {quota} of {limit} has {used} used, and {amount} more are wanted")]
pub struct QuotaExceeded {
    /// Which quota.
    pub quota: Quota,
    /// How much an organisation may use.
    pub limit: u64,
    /// How much of it is used. Others use it meanwhile, so what is told may be a moment old.
    pub used: u64,
    /// How much the write would have used.
    pub amount: u64,
}

/// A day in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(i32);

impl Day {
    const MICROS: i64 = 24 * 60 * 60 * 1_000_000;

    /// The day of a time.
    #[must_use]
    pub fn of(time: Timestamp) -> Self {
        Self(i32::try_from(time.as_micros().div_euclid(Self::MICROS)).unwrap_or(i32::MAX - 1))
    }

    /// The day of that number.
    #[must_use]
    pub fn from_number(number: i32) -> Self {
        Self(number)
    }

    /// How many days it is after 1970-01-01.
    #[must_use]
    pub fn number(self) -> i32 {
        self.0
    }

    /// When it begins.
    #[must_use]
    pub fn begin(self) -> Timestamp {
        Timestamp::from_micros(i64::from(self.0).saturating_mul(Self::MICROS)).unwrap_or_else(|| Self(0).begin())
    }

    /// The day after it.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// What a write may use of a quota that is counted by the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// The quota.
    pub quota: Quota,
    /// The day on which it is used.
    pub day: Day,
    /// How much an organisation may use in a day.
    pub limit: u64,
    /// How much this write uses.
    pub amount: u64,
}

impl Allowance {
    /// How much of the quota is used, by what was written down last: on which day, and how much.
    ///
    /// What was used on the day after counts, too: about midnight the clock of one replica is there already. A day that
    /// is further ahead was written down under a clock that was wrong.
    #[must_use]
    pub fn used(&self, stored: Option<(Day, u64)>) -> u64 {
        match stored {
            Some((day, used)) if day == self.day || day == self.day.next() => used,
            _ => 0,
        }
    }

    /// What is to be written down after the write, or why it must not be done.
    pub fn take(&self, stored: Option<(Day, u64)>) -> Result<(Day, u64), QuotaExceeded> {
        let used = self.used(stored);
        let total = used.saturating_add(self.amount);
        if total > self.limit {
            return Err(self.exceeded(used));
        }
        let day = stored.map(|(day, _)| day).filter(|day| *day == self.day.next());
        Ok((day.unwrap_or(self.day), total))
    }

    /// That there is no room, with so much used.
    #[must_use]
    pub fn exceeded(&self, used: u64) -> QuotaExceeded {
        QuotaExceeded { quota: self.quota, limit: self.limit, used, amount: self.amount }
    }
}

/// How many bytes of a message count as much as a value.
const MESSAGE_BYTES_PER_VALUE: usize = 1_000;

/// How much the report of a run uses of the quota of values: its values, and one more for each 1,000 bytes of its
/// message that are begun, since a message takes room as well. At least one.
#[must_use]
pub fn report_amount(run: &Run) -> u64 {
    let message = run.message.as_ref().map_or(0, |message| message.as_str().len().div_ceil(MESSAGE_BYTES_PER_VALUE));
    (u64::from(run.prediction_count) + message as u64).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowance(day: i32, amount: u64) -> Allowance {
        Allowance { quota: Quota::ValuesPerDay, day: Day::from_number(day), limit: 10, amount }
    }

    fn stored(day: i32, used: u64) -> (Day, u64) {
        (Day::from_number(day), used)
    }

    #[test]
    fn a_day_begins_at_midnight_in_utc() {
        let day = |text| Day::of(Timestamp::parse(text).unwrap()).number();
        assert_eq!(day("1970-01-01T00:00:00Z"), 0);
        assert_eq!(day("1969-12-31T23:59:59.999999Z"), -1);
        assert_eq!(day("2026-06-01T23:59:59.999999Z") + 1, day("2026-06-02T00:00:00Z"));
        assert_eq!(day("2026-06-02T01:00:00+02:00"), day("2026-06-01T00:00:00Z"));
        let begin = Timestamp::parse("2026-06-02T00:00:00Z").unwrap();
        assert_eq!(Day::of(begin).begin(), begin);
    }

    #[test]
    fn what_is_left_can_be_taken_to_the_last() {
        assert_eq!(allowance(5, 10).take(None), Ok((Day::from_number(5), 10)));
        assert_eq!(allowance(5, 4).take(Some(stored(5, 6))), Ok((Day::from_number(5), 10)));
        let refused = allowance(5, 4).take(Some(stored(5, 7))).unwrap_err();
        assert_eq!((refused.limit, refused.used, refused.amount), (10, 7, 4));
        assert_eq!(allowance(5, 11).take(None).unwrap_err().used, 0);
    }

    #[test]
    fn a_new_day_begins_with_nothing_used() {
        assert_eq!(allowance(6, 10).take(Some(stored(5, 10))), Ok((Day::from_number(6), 10)));
    }

    /// Of two replicas, the clock of one is a moment ahead. That must not give every organisation its whole quota again
    /// each time.
    #[test]
    fn a_replica_that_is_still_in_the_day_before_uses_the_day_that_has_begun() {
        assert_eq!(allowance(5, 4).take(Some(stored(6, 6))), Ok((Day::from_number(6), 10)));
        assert_eq!(allowance(5, 4).take(Some(stored(6, 7))).unwrap_err().used, 7);
    }

    #[test]
    fn a_day_that_is_far_ahead_was_a_mistake() {
        assert_eq!(allowance(5, 4).take(Some(stored(7, 10))), Ok((Day::from_number(5), 4)));
        assert_eq!(allowance(5, 4).take(Some(stored(700, 10))), Ok((Day::from_number(5), 4)));
    }
}
