//! The identity of an issuer: tokens that another system signed, verified with its public keys.

use std::sync::Arc;

use futures_util::future::{BoxFuture, ready};
use prediction_domain::model::Timestamp;
use prediction_domain::ports::Clock;

use super::TokenRejected::NotAcceptable;
use super::claims::ClaimRules;
use super::header::{ACCESS_TOKEN_TYPES, HeaderRules};
use super::key_set::KeySet;
use super::signature::verified_payload;
use super::{TokenRejected, TokenVerifier, Verified};

/// What tokens of an issuer look like. Nothing symmetric is among the algorithms: a public key is no secret.
const HEADER: HeaderRules = HeaderRules { algorithms: &["RS256", "PS256", "ES256"], types: ACCESS_TOKEN_TYPES };

/// Verifies the access tokens (RFC 9068) of one issuer.
pub struct IssuerIdentity {
    keys: KeySet,
    claims: ClaimRules,
    clock: Arc<dyn Clock>,
}

impl IssuerIdentity {
    /// An identity with the keys of an issuer, and what its tokens have to say.
    #[must_use]
    pub fn new(keys: KeySet, claims: ClaimRules, clock: Arc<dyn Clock>) -> Self {
        Self { keys, claims, clock }
    }

    /// A token names its key, and the key says what it is for: the header cannot choose to have an RSA key used as
    /// another kind, or for another algorithm than the issuer meant it for.
    fn identify(&self, token: &str, now: Timestamp) -> Result<Verified, TokenRejected> {
        let header = HEADER.read(token)?;
        let name = header.key_id.ok_or(NotAcceptable("its header does not name its key (kid)"))?;
        let key = self.keys.find(&name).ok_or(NotAcceptable("its key (kid) is not known here"))?;
        let (secret, algorithm) =
            key.for_algorithm(header.algorithm).ok_or(NotAcceptable("its key (kid) is not for its algorithm"))?;
        let payload = verified_payload(token, secret, algorithm)?;
        self.claims.identify(&payload, now)
    }
}

impl TokenVerifier for IssuerIdentity {
    fn verify<'a>(&'a self, token: &'a str) -> BoxFuture<'a, Result<Verified, TokenRejected>> {
        Box::pin(ready(self.identify(token, self.clock.now())))
    }
}

#[cfg(test)]
mod tests;
