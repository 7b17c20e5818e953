//! Points in time, as exact as both databases store them.

use std::fmt;

use chrono::{DateTime, Datelike as _, SecondsFormat, TimeDelta, TimeZone as _, Utc};
use serde::{Serialize, Serializer};

use super::from_text::from_text;
use super::violation::{ValueProblem, ViolationCode};

/// A point in time in UTC, to the microsecond: what PostgreSQL stores and what is answered, so that a value reads back
/// exactly as it was given. Shown as RFC 3339 with six decimals and `Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp(DateTime<Utc>);

/// 0000-01-01T00:00:00Z.
const MIN_MICROS: i64 = -62_167_219_200_000_000;
/// 9999-12-31T23:59:59.999999Z.
const MAX_MICROS: i64 = 253_402_300_799_999_999;

impl Timestamp {
    /// Reads a time as in RFC 3339, with any offset; what is finer than a microsecond is cut off. Years from 0 to 9999,
    /// in UTC.
    pub fn parse(text: &str) -> Result<Self, ValueProblem> {
        let time = DateTime::parse_from_rfc3339(text).ok().map(|time| time.to_utc());
        // An offset can lead out of the years that can be written down.
        let time = time.filter(|time| (0..=9999).contains(&time.year())).ok_or_else(|| {
            ValueProblem::new(ViolationCode::InvalidTime, "is not a time")
                .expected("a time as in RFC 3339, such as 2026-06-01T12:00:00Z")
                .actual(text.chars().take(100).collect::<String>())
        })?;
        Ok(Self::truncated(time))
    }

    /// The time so much later, or earlier when negative; the nearest that can be written down.
    #[must_use]
    pub fn plus(self, time: TimeDelta) -> Self {
        let limit = if time < TimeDelta::zero() { MIN_MICROS } else { MAX_MICROS };
        Self::nearest(self.0.checked_add_signed(time).map_or(limit, |time| time.timestamp_micros()))
    }

    /// How much later this is than another time; negative when it is earlier.
    #[must_use]
    pub fn since(self, other: Self) -> TimeDelta {
        self.0 - other.0
    }

    /// Cuts off what is finer than a microsecond; the nearest that can be written down.
    #[must_use]
    pub fn truncated(time: DateTime<Utc>) -> Self {
        Self::nearest(time.timestamp_micros())
    }

    /// Microseconds since 1970-01-01T00:00:00Z; `None` outside the years that can be written down, 0 to 9999.
    #[must_use]
    pub fn from_micros(micros: i64) -> Option<Self> {
        if !(MIN_MICROS..=MAX_MICROS).contains(&micros) {
            return None;
        }
        Utc.timestamp_micros(micros).single().map(Self)
    }

    fn nearest(micros: i64) -> Self {
        let micros = micros.clamp(MIN_MICROS, MAX_MICROS);
        Self::from_micros(micros).unwrap_or_else(|| unreachable!("a time within these years is in every calendar"))
    }

    /// Microseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn as_micros(&self) -> i64 {
        self.0.timestamp_micros()
    }

    /// The time for calculations.
    #[must_use]
    pub fn as_datetime(&self) -> DateTime<Utc> {
        self.0
    }
}

from_text!(Timestamp, parse: Self::parse, restore: Self::parse);

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_rfc3339_opts(SecondsFormat::Micros, true))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_can_be_written_down() {
        for text in ["0000-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59+01:00"] {
            let time = Timestamp::parse(text).unwrap();
            assert_eq!(Timestamp::parse(&time.to_string()).unwrap(), time, "{text}");
        }
        for text in
            ["0000-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00", "10000-01-01T00:00:00Z", "2026-06-01", ""]
        {
            assert_eq!(Timestamp::parse(text).unwrap_err().code, ViolationCode::InvalidTime, "{text}");
        }
    }

    /// However it is made.
    #[test]
    fn every_time_can_be_written_down() {
        let first = Timestamp::parse("0000-01-01T00:00:00Z").unwrap();
        let last = Timestamp::parse("9999-12-31T23:59:59.999999Z").unwrap();
        for (time, outside) in [(first, first.as_micros() - 1), (last, last.as_micros() + 1)] {
            assert_eq!(Timestamp::from_micros(time.as_micros()), Some(time));
            assert_eq!(Timestamp::from_micros(outside), None);
            assert_eq!(Timestamp::truncated(Utc.timestamp_micros(outside).unwrap()), time);
        }
        for micros in [i64::MIN, i64::MAX, -8_334_632_851_200_000_000] {
            assert_eq!(Timestamp::from_micros(micros), None);
        }
        for (time, limit) in [(TimeDelta::MIN, first), (TimeDelta::MAX, last), (TimeDelta::days(4_000_000), last)] {
            assert_eq!(Timestamp::from_micros(0).unwrap().plus(time), limit);
        }
    }
}
