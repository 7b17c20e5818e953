use std::fmt;
use std::sync::Arc;

use prediction_wire::Problem;

use crate::printable::printable;

/// An access token. It is not shown when it is printed for debugging.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// That text, without what is white around it: a token from a file has a line end.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.trim().to_owned())
    }

    /// The text, for the header of a request and for nothing else.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether it can stand in a header (RFC 6750, section 2.1).
    pub(crate) fn is_well_formed(&self) -> bool {
        !self.0.is_empty() && self.0.bytes().all(|byte| byte.is_ascii_graphic())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// Where tokens come from that can be had anew.
pub trait TokenSource: Send + Sync {
    /// A token; asked for before the first request.
    fn token(&self) -> Result<Token, SignInError>;

    /// Another token, because the service did not accept this one; asked for once for a request. An error ends it.
    fn renew(&self, refused: &Token) -> Result<Token, SignInError>;
}

/// How a client says who is calling.
#[derive(Clone)]
pub enum Credentials {
    /// Not at all: for what everybody may ask, such as whether the service is well.
    None,
    /// By this token as long as it is good.
    Fixed(Token),
    /// By tokens that can be had anew.
    Renewable(Arc<dyn TokenSource>),
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Fixed(_) => "Fixed(…)",
            Self::Renewable(_) => "Renewable(…)",
        })
    }
}

/// The caller has to sign in, again or for the first time; or nobody can, because the issuer does not answer.
#[derive(Debug, Clone, PartialEq)]
pub struct SignInError {
    pub(crate) message: String,
    /// What the service answered, if it was asked.
    pub problem: Option<Box<Problem>>,
    pub(crate) is_unreachable: bool,
}

impl SignInError {
    /// For that reason.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), problem: None, is_unreachable: false }
    }

    /// For that reason: the issuer could not be asked, and signing in would not help.
    #[must_use]
    pub fn unreachable(message: impl Into<String>) -> Self {
        Self { is_unreachable: true, ..Self::new(message) }
    }

    /// Whether there is no token because the issuer could not be asked. Later there may be one.
    #[must_use]
    pub fn is_unreachable(&self) -> bool {
        self.is_unreachable
    }

    /// The same, with what a person can do about it; nothing if the issuer could not be asked.
    #[must_use]
    pub fn with_advice(mut self, advice: &str) -> Self {
        if !self.is_unreachable {
            self.message = format!("{}; {advice}", self.message);
        }
        self
    }

    /// The service did not accept the token, or wants one.
    pub(crate) fn refused(problem: Option<Problem>) -> Self {
        let message =
            problem.as_ref().map_or("the service asks for a token", |problem| problem.detail.as_str()).to_owned();
        Self { problem: problem.map(Box::new), ..Self::new(message) }
    }
}

impl fmt::Display for SignInError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&printable(&self.message))
    }
}

impl std::error::Error for SignInError {}
