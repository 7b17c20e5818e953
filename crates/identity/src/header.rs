//! The form of a token and its header, checked before a cryptographic library sees either.
//!
//! The sender of a token writes its header. The header gets to choose among the algorithms and keys that are configured
//! here, and nothing else: a key that it brings along, or the address of one, is a reason to refuse it (RFC 8725,
//! section 3).

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::TokenRejected;
use super::TokenRejected::{Malformed, NotAcceptable};
use prediction_strict_json as strict_json;

/// The longest token that is looked at: one with about 300 organisations. (Many proxies let no more than 8 KiB
/// through.)
pub const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// The types of a token that says it is an access token (RFC 9068, section 2.1).
///
/// An issuer signs other things with the same keys: ID tokens, logout tokens. Only this type tells them apart, which is
/// why a bare `JWT` is not in the list.
pub const ACCESS_TOKEN_TYPES: &[&str] = &["at+jwt", "application/at+jwt"];

/// The longest `kid` that is looked up.
const MAX_KEY_ID_BYTES: usize = 256;

/// Header members that would change how the token is read or which key is believed: extensions that must be
/// understood, unencoded payloads, keys and addresses of keys, compression, nesting.
const REFUSED_MEMBERS: [&str; 8] = ["crit", "b64", "jwk", "jku", "x5c", "x5u", "zip", "cty"];

/// What a verifier accepts in a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderRules {
    /// The values of `alg`, compared exactly (RFC 7518, section 3.1).
    pub algorithms: &'static [&'static str],
    /// The values of `typ`, in lower case; compared without case, as media types are.
    pub types: &'static [&'static str],
    /// Whether the member may be left out (RFC 7519, section 5.1).
    pub untyped: bool,
}

/// What an acceptable header says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// One of the accepted algorithms.
    pub algorithm: &'static str,
    /// The name of the key, if it has one: 1 to 256 bytes without control characters.
    pub key_id: Option<String>,
}

impl HeaderRules {
    /// Checks that the token has the form of a signed JSON Web Token, and reads its header.
    pub fn read(&self, token: &str) -> Result<Header, TokenRejected> {
        let mut members = members(encoded_header(token)?)?;
        if REFUSED_MEMBERS.iter().any(|name| members.contains_key(*name)) {
            return Err(NotAcceptable("its header has a member that is not accepted here"));
        }
        self.check_type(members.get("typ"))?;
        Ok(Header {
            algorithm: self.algorithm(members.get("alg"))?,
            key_id: members.remove("kid").map(key_id).transpose()?,
        })
    }

    fn algorithm(&self, value: Option<&Value>) -> Result<&'static str, TokenRejected> {
        let name = value.and_then(Value::as_str).ok_or(Malformed("its header names no algorithm"))?;
        let accepted = self.algorithms.iter().find(|accepted| **accepted == name);
        accepted.copied().ok_or(NotAcceptable("its algorithm is not accepted here"))
    }

    fn check_type(&self, value: Option<&Value>) -> Result<(), TokenRejected> {
        match value {
            Some(Value::String(name)) if self.types.contains(&name.to_ascii_lowercase().as_str()) => Ok(()),
            Some(_) => Err(NotAcceptable("its type (typ) is not accepted here")),
            None if self.untyped => Ok(()),
            None => Err(NotAcceptable("its header does not say its type (typ)")),
        }
    }
}

/// The first of exactly three non-empty parts in base64url without padding.
fn encoded_header(token: &str) -> Result<&str, TokenRejected> {
    if token.len() > MAX_TOKEN_BYTES {
        return Err(Malformed("it is longer than 16 KiB"));
    }
    let mut parts = token.split('.');
    let (Some(header), Some(payload), Some(signature), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(Malformed("it does not have three parts"));
    };
    if ![header, payload, signature].into_iter().all(is_base64url) {
        return Err(Malformed("its parts are not base64url without padding"));
    }
    Ok(header)
}

fn is_base64url(part: &str) -> bool {
    !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

fn members(encoded: &str) -> Result<Map<String, Value>, TokenRejected> {
    let bytes =
        BASE64_URL_SAFE_NO_PAD.decode(encoded).map_err(|_| Malformed("its parts are not base64url without padding"))?;
    object(&bytes).ok_or(Malformed("its header is not a JSON object without repeated members"))
}

/// A JSON object without repeated members at any level (RFC 7515, section 4 lets a reader refuse them).
pub(super) fn object(bytes: &[u8]) -> Option<Map<String, Value>> {
    let parsed = strict_json::parse(bytes).ok()?;
    match parsed.value().into() {
        Value::Object(members) if parsed.duplicates.is_empty() => Some(members),
        _ => None,
    }
}

/// The name of a key: 1 to 256 bytes without control characters.
pub(super) fn key_id(value: Value) -> Result<String, TokenRejected> {
    match value {
        Value::String(id)
            if !id.is_empty() && id.len() <= MAX_KEY_ID_BYTES && !id.contains(|c: char| c.is_control()) =>
        {
            Ok(id)
        }
        _ => Err(NotAcceptable("its key id (kid) is not the name of a key")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(header: &Value) -> Result<Header, TokenRejected> {
        let rules = HeaderRules { algorithms: &["RS256", "ES256"], types: &["jwt"], untyped: false };
        rules.read(&format!("{}.e30.AA", BASE64_URL_SAFE_NO_PAD.encode(header.to_string())))
    }

    #[test]
    fn one_of_the_configured_algorithms_is_chosen() {
        let header = read(&json!({"alg": "ES256", "typ": "JWT", "kid": "é/1"})).unwrap();
        assert_eq!(header, Header { algorithm: "ES256", key_id: Some("é/1".to_owned()) });
        assert_eq!(read(&json!({"alg": "RS256", "typ": "jwt"})).unwrap().key_id, None);
        for name in ["HS256", "none", "es256", "ES256 "] {
            let refused = Err(NotAcceptable("its algorithm is not accepted here"));
            assert_eq!(read(&json!({"alg": name, "typ": "JWT"})), refused, "{name}");
        }
    }

    #[test]
    fn the_name_of_a_key_is_bounded_text() {
        let accepted = |id: Value| read(&json!({"alg": "ES256", "typ": "JWT", "kid": id})).is_ok();
        assert!(accepted(json!("k".repeat(256))));
        for id in [json!("k".repeat(257)), json!(""), json!("a\0"), json!("a\n"), json!(null), json!(7), json!(["a"])] {
            assert!(!accepted(id.clone()), "{id}");
        }
    }
}
