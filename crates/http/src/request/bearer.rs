//! The access token of a request: from the `Authorization` header (RFC 6750, section 2.1) and from nowhere else. A
//! token in the query string or in the body would end up in logs, in histories and in `Referer` headers.

use actix_web::http::header::{AUTHORIZATION, HeaderMap};

use prediction_identity::challenge::Challenge;

/// A request without a token that could be verified. The answer is 401 in each case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BearerError {
    /// There is no `Authorization` header.
    #[error("the request has no Authorization header")]
    Missing,
    /// The header is of another scheme, such as `Basic`.
    #[error("the Authorization header is not of the Bearer scheme")]
    OtherScheme,
    /// There are several headers: two programs could well choose differently between them.
    #[error("the request has more than one Authorization header")]
    Several,
    /// After the scheme there is not exactly one token.
    #[error("the Authorization header does not consist of the word Bearer, a space and one token")]
    Malformed,
}

impl BearerError {
    /// The `WWW-Authenticate` header to answer with.
    #[must_use]
    pub(crate) fn challenge(self) -> Challenge {
        match self {
            Self::Missing | Self::OtherScheme => Challenge::TokenNeeded,
            Self::Several => Challenge::InvalidRequest("there is more than one Authorization header"),
            Self::Malformed => Challenge::InvalidRequest("the Authorization header is malformed"),
        }
    }
}

/// The one bearer token of a request.
pub(crate) fn token(headers: &HeaderMap) -> Result<&str, BearerError> {
    let mut values = headers.get_all(AUTHORIZATION);
    let value = match (values.next(), values.next()) {
        (None, _) => return Err(BearerError::Missing),
        (Some(value), None) => value.as_bytes(),
        (Some(_), Some(_)) => return Err(BearerError::Several),
    };
    let (scheme, rest) = value.split_at(value.iter().position(|byte| *byte == b' ').unwrap_or(value.len()));
    if !scheme.eq_ignore_ascii_case(b"Bearer") {
        return Err(BearerError::OtherScheme);
    }
    std::str::from_utf8(rest)
        .ok()
        .map(|rest| rest.trim_start_matches(' '))
        .filter(|token| is_b64token(token))
        .ok_or(BearerError::Malformed)
}

/// `b64token = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="`
fn is_b64token(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    !body.is_empty() && body.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte))
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn headers(values: &[&[u8]]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, HeaderValue::from_bytes(value).unwrap());
        }
        headers
    }

    #[test]
    fn a_token_is_found_whatever_the_case_of_the_scheme() {
        for value in ["Bearer a.b-c_d~e+f/g==", "bearer a.b-c_d~e+f/g==", "BEARER   a.b-c_d~e+f/g=="] {
            assert_eq!(token(&headers(&[value.as_bytes()])), Ok("a.b-c_d~e+f/g=="), "{value}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        use BearerError::{Malformed, Missing, OtherScheme, Several};
        let cases: [(&[&[u8]], BearerError); 20] = [
            (&[], Missing),
            (&[b""], OtherScheme),
            (&[b"a.b.c"], OtherScheme),
            (&[b"Basic YTpi"], OtherScheme),
            (&[b"DPoP a.b.c"], OtherScheme),
            (&[b"Bearer:a.b.c"], OtherScheme),
            (&[b"Bearer\ta.b.c"], OtherScheme),
            (&[b" Bearer a.b.c"], OtherScheme),
            (&[b"Bearer"], Malformed),
            (&[b"Bearer "], Malformed),
            (&[b"Bearer ="], Malformed),
            (&[b"Bearer a.b.c "], Malformed),
            (&[b"Bearer a.b.c d.e.f"], Malformed),
            (&[b"Bearer a.b.c, Bearer d.e.f"], Malformed),
            (&[b"Bearer a.b.c,d.e.f"], Malformed),
            (&[b"Bearer \"a.b.c\""], Malformed),
            (&[b"Bearer a=b"], Malformed),
            (&[b"Bearer \xc3\xa9"], Malformed),
            (&[b"Bearer \xff"], Malformed),
            (&[b"Bearer a.b.c", b"Bearer a.b.c"], Several),
        ];
        for (values, expected) in cases {
            assert_eq!(token(&headers(values)), Err(expected), "{values:?}");
        }
    }

    #[test]
    fn what_was_not_tried_has_no_error_code() {
        assert_eq!(BearerError::Missing.challenge().error_code(), None);
        assert_eq!(BearerError::OtherScheme.challenge().error_code(), None);
        assert_eq!(BearerError::Several.challenge().error_code(), Some("invalid_request"));
        assert_eq!(BearerError::Malformed.challenge().error_code(), Some("invalid_request"));
    }
}
