//! The `WWW-Authenticate` header: what a caller has to do to get in (RFC 6750, section 3).

use std::fmt;

use prediction_domain::model::Permission;

/// What the protected space is called.
const REALM: &str = "prediction-api";

/// The value of a `WWW-Authenticate` header; `Display` writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Challenge {
    /// No bearer token was sent. Nothing is wrong with what was not tried, so there is no error code.
    TokenNeeded,
    /// A token was sent in a way that is not understood.
    InvalidRequest(&'static str),
    /// The token is expired, malformed or not acceptable.
    InvalidToken(&'static str),
    /// The token is good, and lacks a scope.
    InsufficientScope(Permission),
}

impl Challenge {
    /// The error code that RFC 6750 section 3.1 gives it.
    #[must_use]
    pub fn error_code(self) -> Option<&'static str> {
        match self {
            Self::TokenNeeded => None,
            Self::InvalidRequest(_) => Some("invalid_request"),
            Self::InvalidToken(_) => Some("invalid_token"),
            Self::InsufficientScope(_) => Some("insufficient_scope"),
        }
    }
}

impl fmt::Display for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bearer realm=\"{REALM}\"")?;
        if let Some(code) = self.error_code() {
            write!(f, ", error=\"{code}\"")?;
        }
        match self {
            Self::TokenNeeded => Ok(()),
            Self::InvalidRequest(reason) => write!(f, ", error_description=\"{reason}\""),
            Self::InvalidToken(reason) => write!(f, ", error_description=\"the access token is refused: {reason}\""),
            Self::InsufficientScope(permission) => write!(f, ", scope=\"{permission}\""),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TokenRejected;

    #[test]
    fn challenges_read_as_rfc_6750_has_them() {
        for (challenge, value) in [
            (Challenge::TokenNeeded, r#"Bearer realm="prediction-api""#),
            (
                Challenge::InvalidRequest("no"),
                r#"Bearer realm="prediction-api", error="invalid_request", error_description="no""#,
            ),
            (
                Challenge::InvalidToken("it expired"),
                r#"Bearer realm="prediction-api", error="invalid_token", error_description="the access token is refused: it expired""#,
            ),
            (
                Challenge::InsufficientScope(Permission::JobsRead),
                r#"Bearer realm="prediction-api", error="insufficient_scope", scope="jobs:read""#,
            ),
        ] {
            assert_eq!(challenge.to_string(), value);
        }
    }

    #[test]
    fn missing_keys_are_not_the_callers_fault() {
        assert_eq!(TokenRejected::KeysUnavailable.challenge(), None);
        assert_eq!(TokenRejected::Expired.challenge(), Some(Challenge::InvalidToken("it expired")));
    }
}
