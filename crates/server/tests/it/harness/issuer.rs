use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use biscuit::jwa::SignatureAlgorithm;
use biscuit::jws::Secret;
use serde_json::{Value, json};

use super::server::{Home, Server};

/// An issuer of tokens that is only a name and some keys.
pub(crate) const ISSUER: &str = "https://issuer.example/realm";
/// What it calls the service.
pub(crate) const AUDIENCE: &str = "predictions";
/// Its keys: what they are is said there.
pub(crate) const KEYS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../identity/tests/keys");

/// A server that believes its tokens.
pub(crate) fn server_of_issuer(home: &Arc<Home>, arguments: &[&str]) -> Server {
    let file = format!("{KEYS}/jwks.json");
    let issuer = ["--jwks-file", &file, "--issuer", ISSUER, "--audience", AUDIENCE];
    Server::start_with(home, &[&issuer, arguments].concat())
}

/// Claims that are good for ten minutes.
pub(crate) fn claims_of_issuer() -> Value {
    #[expect(clippy::disallowed_methods, reason = "tokens of the tests are judged by the real clock of a real server")]
    let now = chrono::Utc::now().timestamp();
    json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": "operator", "scope": "catalog:write jobs:read jobs:write",
        "iat": now, "exp": now + 600,
    })
}

/// A token of any two texts, signed with the key of that file.
pub(crate) fn signed_by_issuer(algorithm: SignatureAlgorithm, key: &str, header: &str, payload: &str) -> String {
    let key = if key.starts_with("rsa") {
        Secret::rsa_keypair_from_file(&format!("{KEYS}/{key}.der")).unwrap()
    } else {
        Secret::ecdsa_keypair_from_file(algorithm, &format!("{KEYS}/{key}.p8")).unwrap()
    };
    signed(algorithm, &key, header, payload)
}

/// A token of any two texts, signed with any key.
pub(crate) fn signed(algorithm: SignatureAlgorithm, key: &Secret, header: &str, payload: &str) -> String {
    let text = format!("{}.{}", base64url(header), base64url(payload));
    let signature = algorithm.sign(text.as_bytes(), key).unwrap();
    format!("{text}.{}", base64url(signature))
}

pub(crate) fn base64url(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}
