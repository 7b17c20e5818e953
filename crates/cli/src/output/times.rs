use std::time::Duration;

use chrono::SecondsFormat;
use prediction_domain::model::Timestamp;

/// A time for people: how long ago it is, or how far ahead.
pub(crate) fn ago(time: Timestamp, now: Timestamp) -> String {
    let seconds = (now.as_datetime() - time.as_datetime()).num_seconds();
    let text = duration(Duration::from_secs(seconds.unsigned_abs()));
    match seconds {
        0..1 => "now".to_owned(),
        1.. => format!("{text} ago"),
        _ => format!("in {text}"),
    }
}

/// A time for programs.
pub(crate) fn exact(time: Timestamp) -> String {
    time.as_datetime().to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// A length of time in its largest unit.
pub(crate) fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// A length of time as it is said on the command line.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    const NEEDED: &str = "a number with s, m, h or d is needed, such as 5m";
    let (number, unit) = text.split_at(text.len() - text.chars().next_back().map_or(0, char::len_utf8));
    let seconds: u64 = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err(NEEDED.to_owned()),
    };
    let number: u64 = number.parse().map_err(|_| NEEDED.to_owned())?;
    let seconds = number.checked_mul(seconds).filter(|seconds| (1..=365 * 86_400).contains(seconds));
    seconds.map(Duration::from_secs).ok_or_else(|| "at least 1s and at most 365d are possible".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_from_now() {
        let now = Timestamp::parse("2026-06-01T12:00:00Z").unwrap();
        for (time, text) in [
            ("2026-06-01T12:00:00Z", "now"),
            ("2026-06-01T11:59:01Z", "59 s ago"),
            ("2026-06-01T11:57:00Z", "3 min ago"),
            ("2026-06-01T09:00:00Z", "3 h ago"),
            ("2026-05-28T12:00:00Z", "4 d ago"),
            ("2026-06-01T12:10:00Z", "in 10 min"),
        ] {
            assert_eq!(ago(Timestamp::parse(time).unwrap(), now), text);
        }
        assert_eq!(exact(now), "2026-06-01T12:00:00Z");
    }

    #[test]
    fn a_length_of_time_has_a_unit() {
        assert_eq!(parse_duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(parse_duration("5m"), Ok(Duration::from_mins(5)));
        for refused in ["", "5", "m", "-1s", "0s", "5x", "1é", "99999999999999999999d"] {
            assert!(parse_duration(refused).is_err(), "{refused}");
        }
    }
}
