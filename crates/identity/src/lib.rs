//! Identifies the caller: from an access token to a [`Caller`].
//!
//! A [`TokenVerifier`] says whose a token is. [`local::LocalIdentity`] verifies the tokens that this service mints
//! for itself with its [`local_secret`], [`issuer::IssuerIdentity`] those of another system with its [`keys`], each a
//! [`key_set::KeySet`]; [`cache::CachingVerifier`] remembers what another one found out. What every verifier of JSON
//! Web Tokens has to check is in [`header`], [`signature`] and [`claims`], in this order: nothing of a token is
//! believed before its signature is verified, and the header only says which of the configured keys to try. What
//! differs between issuers is in [`profile`]; where a token says what its bearer may do and see, in [`scopes`] and
//! [`organisations`].

pub mod cache;
pub mod challenge;
pub mod claims;
mod claims_set;
pub mod header;
pub mod issuer;
pub mod key_set;
pub mod keys;
pub mod local;
pub mod local_secret;
pub mod organisations;
pub mod profile;
pub mod scopes;
pub mod signature;

use std::sync::Arc;

use futures_util::future::BoxFuture;
use prediction_domain::model::{Caller, Timestamp};

use self::challenge::Challenge;

/// Tells whose token it is.
pub trait TokenVerifier: Send + Sync {
    /// Verifies an access token. It may have to wait, for instance for an issuer's keys.
    fn verify<'a>(&'a self, token: &'a str) -> BoxFuture<'a, Result<Verified, TokenRejected>>;

    /// Whether there is anything to verify tokens with. While there is not, no caller can be let in.
    fn can_verify(&self) -> bool {
        true
    }

    /// The number of the keys that are in use. A token that was verified under another number has to be verified again.
    fn key_generation(&self) -> u64 {
        0
    }
}

/// What a good token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The caller that it identifies.
    pub caller: Arc<Caller>,
    /// When it is good.
    pub valid: ValidTime,
}

/// The time in which a token is accepted, the leeway for clocks that differ included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ValidTime {
    /// The first moment.
    pub from: Timestamp,
    /// The first moment after it.
    pub until: Timestamp,
}

impl ValidTime {
    /// Whether it is that time.
    #[must_use]
    pub fn contains(&self, now: Timestamp) -> bool {
        self.from <= now && now < self.until
    }
}

/// Why a token is not accepted.
///
/// A reason is a fixed text, so that nothing of a token can get into a log or an answer, and it is written in the
/// characters that RFC 6750 section 3 allows in an `error_description`: no quotation mark, no backslash, only ASCII.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenRejected {
    /// It is not a signed JSON Web Token in the compact form.
    #[error("the access token is malformed: {0}")]
    Malformed(&'static str),
    /// It is a token, but not one for this service, or not one that an issuer should have issued.
    #[error("the access token is not acceptable: {0}")]
    NotAcceptable(&'static str),
    /// It was acceptable once.
    #[error("the access token expired")]
    Expired,
    /// The service cannot tell at the moment, because the keys to verify it with are not at hand. The token may be
    /// good.
    #[error("the keys to verify the access token with are not available at the moment")]
    KeysUnavailable,
    /// The service cannot tell for some time: it asked the issuer for its keys a moment ago, before it first saw the
    /// name of this token's key. The token may be good.
    #[error(
        "the key (kid) of the access token is not known yet; the issuer is asked for it again in {seconds} s at the latest"
    )]
    KeyNotKnownYet {
        /// When to try again.
        seconds: u64,
    },
}

impl TokenRejected {
    /// What to answer 401 with; `None` when the answer is 503, because it is not the caller's fault.
    #[must_use]
    pub fn challenge(self) -> Option<Challenge> {
        match self {
            Self::Malformed(reason) | Self::NotAcceptable(reason) => Some(Challenge::InvalidToken(reason)),
            Self::Expired => Some(Challenge::InvalidToken("it expired")),
            Self::KeysUnavailable | Self::KeyNotKnownYet { .. } => None,
        }
    }
}
