//! The identity of an issuer: tokens that another system signed, verified with its public keys.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use prediction_domain::ports::Clock;

use super::TokenRejected::NotAcceptable;
use super::claims::ClaimRules;
use super::keys::IssuerKeys;
use super::profile::TokenProfile;
use super::signature::verified_payload;
use super::{TokenRejected, TokenVerifier, Verified};

/// Verifies the access tokens of one issuer.
pub struct IssuerIdentity {
    keys: Arc<IssuerKeys>,
    profile: TokenProfile,
    claims: ClaimRules,
    clock: Arc<dyn Clock>,
}

impl IssuerIdentity {
    /// An identity with the keys of an issuer, and what its tokens have to say.
    #[must_use]
    pub fn new(keys: Arc<IssuerKeys>, profile: TokenProfile, claims: ClaimRules, clock: Arc<dyn Clock>) -> Self {
        Self { keys, profile, claims, clock }
    }

    /// A token names its key, and the key says what it is for: the header cannot choose to have an RSA key used as
    /// another kind, or for another algorithm than the issuer meant it for.
    async fn identify(&self, token: &str) -> Result<Verified, TokenRejected> {
        let header = self.profile.header().read(token)?;
        let name = header.key_id.ok_or(NotAcceptable("its header does not name its key (kid)"))?;
        let keys = self.keys.with(&name).await?;
        let key = keys.find(&name).ok_or(NotAcceptable("its key (kid) is not known here"))?;
        let (secret, algorithm) =
            key.for_algorithm(header.algorithm).ok_or(NotAcceptable("its key (kid) is not for its algorithm"))?;
        let payload = verified_payload(token, secret, algorithm)?;
        self.claims.identify_as(&payload, |claims| self.profile.check(claims), self.clock.now())
    }
}

impl TokenVerifier for IssuerIdentity {
    fn verify<'a>(&'a self, token: &'a str) -> BoxFuture<'a, Result<Verified, TokenRejected>> {
        Box::pin(self.identify(token))
    }

    fn can_verify(&self) -> bool {
        self.keys.has_any()
    }

    fn key_generation(&self) -> u64 {
        self.keys.generation()
    }
}

#[cfg(test)]
mod tests;
