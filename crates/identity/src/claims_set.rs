//! The claims set of a token (RFC 7519, section 4), whatever is in it.

use std::time::Duration;

use serde_json::{Map, Value};

use super::TokenRejected;
use super::TokenRejected::NotAcceptable;
use super::header::object;

/// The last second of the year 9999, in seconds since 1970. A later time is a mistake or an attack.
const LAST_SECOND: Duration = Duration::from_secs(253_402_300_799);

/// What a token says, once its signature is verified.
pub(super) struct Claims(Map<String, Value>);

impl Claims {
    /// Reads the payload of a token; `None` unless it is an object without repeated members.
    pub(super) fn read(payload: &[u8]) -> Option<Self> {
        object(payload).map(Self)
    }

    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// The claim, if it is text.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Value::as_str)
    }

    /// A `NumericDate` (RFC 7519, section 2): seconds since 1970, whole or not.
    pub(super) fn time(&self, name: &str) -> Result<Option<Duration>, TokenRejected> {
        let Some(value) = self.get(name) else { return Ok(None) };
        value
            .as_u64()
            .map(Duration::from_secs)
            .or_else(|| value.as_f64().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()))
            .filter(|time| *time <= LAST_SECOND)
            .map(Some)
            .ok_or(NotAcceptable("one of its times (exp, nbf, iat) is not a time"))
    }
}
