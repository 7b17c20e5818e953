use std::fmt;

use super::{Issuer, Requester};
use crate::credentials::{SignInError, Token, TokenSource};

/// A program that signs in by itself: its token is had anew when the service does not accept it any more.
pub struct ClientCredentials {
    issuer: String,
    requester: Requester,
}

impl ClientCredentials {
    /// A program of that issuer. Nothing is asked yet.
    #[must_use]
    pub fn new(issuer: &str, requester: Requester) -> Self {
        Self { issuer: issuer.to_owned(), requester }
    }
}

impl TokenSource for ClientCredentials {
    fn token(&self) -> Result<Token, SignInError> {
        let tokens = Issuer::discover(&self.issuer)?.client_credentials(&self.requester)?;
        Ok(tokens.access)
    }

    fn renew(&self, _refused: &Token) -> Result<Token, SignInError> {
        self.token()
    }
}

impl fmt::Debug for ClientCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientCredentials").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}
