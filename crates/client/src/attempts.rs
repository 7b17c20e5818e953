//! When a request is sent again, and how long that is waited for.

use std::io::ErrorKind;
use std::time::Duration;

use prediction_wire::Problem;
use ureq::Timeout;
use ureq::http::HeaderMap;

/// The longest that a service is believed to be away for.
const LONGEST_RETRY_AFTER: Duration = Duration::from_mins(10);
/// The most that is waited before the second attempt when nobody says how long. It doubles each time.
const FIRST_WAIT: Duration = Duration::from_millis(200);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// How far a request came that has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reached {
    /// Nothing that another attempt would change.
    Never,
    /// There was no connection, so nothing was sent.
    Nobody,
    /// It may have been carried out.
    Perhaps,
}

pub(crate) fn reached(error: &ureq::Error) -> Reached {
    match error {
        ureq::Error::HostNotFound
        | ureq::Error::ConnectionFailed
        | ureq::Error::ConnectProxyFailed(_)
        | ureq::Error::Timeout(Timeout::Connect | Timeout::Resolve) => Reached::Nobody,
        ureq::Error::Timeout(_) => Reached::Perhaps,
        ureq::Error::Io(error) => match error.kind() {
            ErrorKind::ConnectionRefused
            | ErrorKind::HostUnreachable
            | ErrorKind::NetworkUnreachable
            | ErrorKind::NetworkDown
            | ErrorKind::AddrNotAvailable => Reached::Nobody,
            // What TLS has against a certificate comes as such an error; it will have it against it the next time, too.
            ErrorKind::InvalidData | ErrorKind::InvalidInput => Reached::Never,
            _ => Reached::Perhaps,
        },
        _ => Reached::Never,
    }
}

/// Whether nothing was done, as far as an answer says so that asks to come back later.
pub(crate) fn is_untouched(status: u16, problem: Option<&Problem>) -> bool {
    status == 429
        || problem
            .is_some_and(|problem| matches!(problem.code.as_str(), "overloaded" | "keys_unavailable" | "not_ready"))
}

/// How long an answer asks to wait (RFC 9110, section 10.2.3): in seconds, or until a time by the clock of the service.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let text = header("retry-after")?;
    let asked = match text.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) => LONGEST_RETRY_AFTER,
        Err(_) => {
            let date = |text| httpdate::parse_http_date(text).ok();
            date(text)?.duration_since(header("date").and_then(date)?).unwrap_or_default()
        }
    };
    Some(asked.min(LONGEST_RETRY_AFTER))
}

/// How long to wait when nobody says. The share is from 0 to 1.
pub(crate) fn own_wait(attempts: u32, share: f64) -> Duration {
    let most = FIRST_WAIT.saturating_mul(1 << attempts.saturating_sub(1).min(10)).min(LONGEST_WAIT);
    most.mul_f64(0.5 + 0.5 * share.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn a_service_says_when_to_come_back() {
        let now = ("date", "Wed, 21 Oct 2026 07:28:00 GMT");
        let later = |text| retry_after(&headers(&[now, ("retry-after", text)]));
        assert_eq!(later("3"), Some(Duration::from_secs(3)));
        assert_eq!(later("Wed, 21 Oct 2026 07:28:07 GMT"), Some(Duration::from_secs(7)));
        assert_eq!(later("Wed, 21 Oct 2026 07:00:00 GMT"), Some(Duration::ZERO));
        for long in ["86400", "18446744073709551616", "Thu, 21 Oct 2027 07:28:00 GMT"] {
            assert_eq!(later(long), Some(LONGEST_RETRY_AFTER), "{long}");
        }
        for not in ["", "soon", "-1", "1.5"] {
            assert_eq!(later(not), None, "{not}");
        }
        assert_eq!(retry_after(&headers(&[("retry-after", now.1)])), None, "its clock is not known");
        assert_eq!(retry_after(&headers(&[])), None);
    }

    #[test]
    fn a_client_waits_longer_each_time_up_to_a_bound() {
        assert_eq!(own_wait(1, 0.0), Duration::from_millis(100));
        assert_eq!(own_wait(1, 1.0), Duration::from_millis(200));
        assert_eq!(own_wait(3, 1.0), Duration::from_millis(800));
        assert_eq!(own_wait(u32::MAX, 1.0), LONGEST_WAIT);
    }
}
