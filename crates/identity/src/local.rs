//! The identity that needs no other system: tokens that this service mints and verifies with a secret of its own.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use biscuit::Empty;
use biscuit::jwa::SignatureAlgorithm;
use biscuit::jws::{Compact, RegisteredHeader, Secret};
use futures_util::future::{BoxFuture, ready};
use prediction_domain::model::{Permission, Scope, Timestamp};
use prediction_domain::ports::{Clock, IdGenerator};
use serde_json::{Map, Value, json};

use super::claims::ClaimRules;
use super::header::{ACCESS_TOKEN_TYPES, HeaderRules};
use super::organisations::{ClaimPath, EVERY_ORGANISATION, OrganisationRules};
use super::scopes::ScopeRules;
use super::signature::verified_payload;
use super::{TokenRejected, TokenVerifier, Verified};

/// The `iss` of local tokens.
pub const ISSUER: &str = "prediction-api-local";

/// The `aud` of local tokens.
pub const AUDIENCE: &str = "prediction-api";

/// The claim that holds the organisations unless another is configured.
pub const DEFAULT_ORGANISATIONS_CLAIM: &str = "organisations";

/// The fewest bytes in the secret: as many as the hash has (RFC 7518, section 3.2).
pub const MIN_SECRET_BYTES: usize = 32;

/// The `kid` of local tokens. There is one key; the name tells its tokens from an issuer's.
const KEY_ID: &str = "local";

/// The message for any signature that does not match, so that a client learns no more from it. Most often it is a token
/// that was made for another server.
const OTHER_SECRET: &str = "its signature does not match the secret of this service; prediction-api token has to be told the \
                            data folder of the very server that is called (--data-dir)";

/// What local tokens look like: minted here, they can be held to the letter of RFC 9068.
const HEADER: HeaderRules = HeaderRules { algorithms: &["HS256"], types: ACCESS_TOKEN_TYPES, untyped: false };

/// Mints access tokens (RFC 9068) and verifies them, with HMAC-SHA-256.
pub struct LocalIdentity {
    key: Secret,
    claims: ClaimRules,
    organisations_claim: String,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdGenerator>,
}

/// The secret has fewer than [`MIN_SECRET_BYTES`] bytes, so tokens could be forged by trying.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the secret of the local identity has {actual} bytes; at least {MIN_SECRET_BYTES} are needed")]
pub struct SecretTooShort {
    /// How many bytes it has.
    pub actual: usize,
}

/// What a token is to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRequest {
    /// The subject that it identifies.
    pub subject: String,
    /// What its bearer may do.
    pub permissions: Vec<Permission>,
    /// What its bearer may see.
    pub scope: Scope,
    /// For how long, in whole seconds from now: at most 24 hours.
    pub expires_in: Duration,
}

impl LocalIdentity {
    /// An identity with a secret of at least [`MIN_SECRET_BYTES`] random bytes, and the name of the claim with the
    /// organisations ([`DEFAULT_ORGANISATIONS_CLAIM`]).
    pub fn new(
        secret: &[u8],
        organisations_claim: impl Into<String>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdGenerator>,
    ) -> Result<Self, SecretTooShort> {
        if secret.len() < MIN_SECRET_BYTES {
            return Err(SecretTooShort { actual: secret.len() });
        }
        let organisations_claim = organisations_claim.into();
        let claims = ClaimRules {
            issuer: ISSUER.to_owned(),
            audiences: vec![AUDIENCE.to_owned()],
            audience_claim: "aud",
            scopes: ScopeRules::rfc9068(),
            organisations: OrganisationRules::Listed(ClaimPath::name(organisations_claim.clone())),
        };
        Ok(Self { key: Secret::Bytes(secret.to_vec()), claims, organisations_claim, clock, ids })
    }

    /// Mints a token. What this identity would not accept (a life of more than 24 hours, say, or more organisations
    /// than fit into a token) is not minted, with the reason for which it would be refused.
    pub fn mint(&self, request: &TokenRequest) -> Result<String, TokenRejected> {
        let now = self.clock.now();
        let token = self.sign(&self.payload(request, now))?;
        self.identify(&token, now).map(|_| token)
    }

    fn identify(&self, token: &str, now: Timestamp) -> Result<Verified, TokenRejected> {
        let header = HEADER.read(token)?;
        if header.key_id.is_some_and(|id| id != KEY_ID) {
            return Err(TokenRejected::NotAcceptable("its key (kid) is not known here"));
        }
        let payload = verified_payload(token, &self.key, SignatureAlgorithm::HS256)
            .map_err(|_| TokenRejected::NotAcceptable(OTHER_SECRET))?;
        self.claims.identify(&payload, now)
    }

    fn payload(&self, request: &TokenRequest, now: Timestamp) -> Value {
        let issued = now.as_datetime().timestamp();
        let expires = issued.saturating_add(i64::try_from(request.expires_in.as_secs()).unwrap_or(i64::MAX));
        let scope: Vec<&str> = request.permissions.iter().map(|permission| permission.as_str()).collect();
        let mut claims = Map::new();
        claims.insert("iss".to_owned(), json!(ISSUER));
        claims.insert("aud".to_owned(), json!(AUDIENCE));
        claims.insert("sub".to_owned(), json!(request.subject));
        claims.insert("scope".to_owned(), json!(scope.join(" ")));
        claims.insert(self.organisations_claim.clone(), organisations(&request.scope));
        claims.insert("iat".to_owned(), json!(issued));
        claims.insert("exp".to_owned(), json!(expires));
        claims.insert("jti".to_owned(), json!(self.ids.fresh()));
        Value::Object(claims)
    }

    fn sign(&self, payload: &Value) -> Result<String, TokenRejected> {
        let header = RegisteredHeader {
            algorithm: SignatureAlgorithm::HS256,
            media_type: Some(ACCESS_TOKEN_TYPES[0].to_owned()),
            key_id: Some(KEY_ID.to_owned()),
            ..RegisteredHeader::default()
        };
        Compact::<Vec<u8>, Empty>::new_decoded(header.into(), payload.to_string().into_bytes())
            .encode(&self.key)
            .and_then(|token| Ok(token.encoded()?.to_string()))
            .map_err(|_| TokenRejected::Malformed("it could not be signed"))
    }
}

impl TokenVerifier for LocalIdentity {
    fn verify<'a>(&'a self, token: &'a str) -> BoxFuture<'a, Result<Verified, TokenRejected>> {
        Box::pin(ready(self.identify(token, self.clock.now())))
    }
}

/// Without the secret, which is not for logs.
impl fmt::Debug for LocalIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalIdentity").field("claims", &self.claims).finish_non_exhaustive()
    }
}

fn organisations(scope: &Scope) -> Value {
    match scope {
        Scope::Platform => json!(EVERY_ORGANISATION),
        Scope::Organisations(ids) => json!(**ids),
    }
}

#[cfg(test)]
mod tests;
