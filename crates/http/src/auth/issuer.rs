//! The identity of an issuer: tokens that another system signed, verified with its public keys.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use prediction_domain::ports::Clock;

use super::TokenRejected::NotAcceptable;
use super::claims::ClaimRules;
use super::header::{ACCESS_TOKEN_TYPES, HeaderRules};
use super::keys::IssuerKeys;
use super::signature::verified_payload;
use super::{TokenRejected, TokenVerifier, Verified};

/// The algorithms of an issuer. Nothing symmetric is among them: a public key is no secret.
const ALGORITHMS: &[&str] = &["RS256", "PS256", "ES256"];

/// How an issuer tells its access tokens from everything else that it signs with the same keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TokenProfile {
    /// By the type in the header, `at+jwt` (RFC 9068).
    #[default]
    Rfc9068,
    /// As Keycloak does: the header only says `JWT`, and the claim `typ` says `Bearer`.
    Keycloak,
}

impl TokenProfile {
    fn header(self) -> HeaderRules {
        let types: &[&str] = match self {
            Self::Rfc9068 => ACCESS_TOKEN_TYPES,
            Self::Keycloak => &["jwt"],
        };
        HeaderRules { algorithms: ALGORITHMS, types }
    }

    /// What the claim `typ` is, where it is looked at.
    fn claimed_type(self) -> Option<&'static str> {
        match self {
            Self::Rfc9068 => None,
            Self::Keycloak => Some("Bearer"),
        }
    }
}

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
        self.claims.identify_typed(&payload, self.profile.claimed_type(), self.clock.now())
    }
}

impl TokenVerifier for IssuerIdentity {
    fn verify<'a>(&'a self, token: &'a str) -> BoxFuture<'a, Result<Verified, TokenRejected>> {
        Box::pin(self.identify(token))
    }

    fn can_verify(&self) -> bool {
        self.keys.current().is_some()
    }

    fn key_generation(&self) -> u64 {
        self.keys.generation()
    }
}

#[cfg(test)]
mod tests;
