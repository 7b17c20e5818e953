use std::fmt;

use prediction_wire::Problem;

use crate::credentials::SignInError;
use crate::printable::printable;

/// Why there is no answer, or not the one that was asked for. Its text is fit for a terminal, whoever wrote it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum ClientError {
    /// The service refused, and said why. The problem has the status, and the id of the request.
    Problem(Box<Problem>),
    /// The service could not be reached, or did not answer, also when it was asked again.
    Unreachable {
        /// How often it was asked.
        attempts: u32,
        /// What went wrong the last time.
        cause: String,
        /// It is not known whether the request was carried out: it was sent, and no answer came.
        is_uncertain: bool,
    },
    /// A write with a condition was sent, no answer came, and it was refused when it was sent again: either it was
    /// done, which is why its condition holds no more, or something else was done meanwhile. The problem is that of the
    /// second answer; only a look at what is stored tells.
    Uncertain(Box<Problem>),
    /// Only a caller who signs in gets an answer.
    SignIn(SignInError),
    /// Something answered that does not speak like this service.
    Unexpected {
        /// The status of the answer.
        status: u16,
        /// What is odd about it, or how it begins.
        excerpt: String,
    },
    /// The request cannot be sent as it is.
    Request(String),
}

impl ClientError {
    /// The status of the answer, if there was one.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Problem(problem) | Self::Uncertain(problem) => Some(problem.status),
            Self::Unexpected { status, .. } => Some(*status),
            Self::SignIn(error) => error.problem.as_ref().map(|problem| problem.status),
            Self::Unreachable { .. } | Self::Request(_) => None,
        }
    }

    /// Whether this service says that there is no such thing. A status 404 alone may be that of a proxy.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Problem(problem) if is_not_found(problem))
    }

    /// What the service said, if it said anything.
    #[must_use]
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Problem(problem) | Self::Uncertain(problem) => Some(problem),
            Self::SignIn(error) => error.problem.as_deref(),
            _ => None,
        }
    }
}

/// Whether a problem says that there is no such thing.
pub(crate) fn is_not_found(problem: &Problem) -> bool {
    problem.status == 404 && problem.code == "not_found"
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Problem(problem) => {
                write!(f, "{}: {}", printable(&problem.title), printable(&problem.detail))
            }
            Self::Uncertain(problem) => write!(
                f,
                "the first answer was lost, and it is not known whether the request was carried out; sent again, it was refused, \
                 maybe for that reason: {}: {}",
                printable(&problem.title),
                printable(&problem.detail)
            ),
            Self::Unreachable { attempts, cause, is_uncertain } => {
                let times = if *attempts == 1 { "once".to_owned() } else { format!("{attempts} times") };
                write!(f, "the service does not answer (asked {times}): {}", printable(cause))?;
                if *is_uncertain {
                    f.write_str("; it is not known whether the request was carried out")?;
                }
                Ok(())
            }
            Self::SignIn(error) => write!(f, "{error}"),
            Self::Unexpected { status, excerpt } => {
                write!(f, "an unexpected answer (status {status}): {}", printable(excerpt))
            }
            Self::Request(message) => f.write_str(&printable(message)),
        }
    }
}

impl std::error::Error for ClientError {}

impl From<SignInError> for ClientError {
    fn from(error: SignInError) -> Self {
        Self::SignIn(error)
    }
}
