//! What a caller asks for, before it is checked.

use serde_json::Value;

use crate::model::{Diagnostics, Path, ValueProblem, ViolationCode};

/// One member of a request, as it was sent.
///
/// The difference between a member that was left out and one that is `null` matters: left out means "as it is" when
/// something is changed, and "not compared" when something is created again.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Sent<T> {
    /// Left out.
    #[default]
    Absent,
    /// Explicitly nothing.
    Null,
    /// Sent, and already reported as unusable.
    Unreadable,
    /// Sent.
    Given(T),
}

impl<T> Sent<T> {
    /// The value, when there is a usable one.
    pub fn given(&self) -> Option<&T> {
        match self {
            Self::Given(value) => Some(value),
            Self::Absent | Self::Null | Self::Unreadable => None,
        }
    }

    /// Whether anything at all was sent, `null` included.
    pub fn is_present(&self) -> bool {
        !matches!(self, Self::Absent)
    }

    /// Borrows the value.
    pub fn as_ref(&self) -> Sent<&T> {
        match self {
            Self::Absent => Sent::Absent,
            Self::Null => Sent::Null,
            Self::Unreadable => Sent::Unreadable,
            Self::Given(value) => Sent::Given(value),
        }
    }

    /// The value to store when something is created: `None` unless one was given.
    #[must_use]
    pub fn into_option(self) -> Option<T> {
        match self {
            Self::Given(value) => Some(value),
            Self::Absent | Self::Null | Self::Unreadable => None,
        }
    }

    /// The value to store when something is changed: the stored one unless another, or `null`, was sent.
    #[must_use]
    pub fn or_keep(self, stored: Option<T>) -> Option<T> {
        match self {
            Self::Given(value) => Some(value),
            Self::Null => None,
            Self::Absent | Self::Unreadable => stored,
        }
    }

    /// Whether a stored value is what was sent; what was not sent is not compared.
    pub fn agrees_with(&self, stored: Option<&T>) -> bool
    where
        T: PartialEq,
    {
        match self {
            Self::Given(value) => stored == Some(value),
            Self::Null => stored.is_none(),
            Self::Absent | Self::Unreadable => true,
        }
    }
}

/// A request with the violations that were found while it was read: wrong types, unknown members.
///
/// They are carried along instead of ending the request, so that one answer names everything that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submission<T> {
    /// What could be read.
    pub content: T,
    /// The violations that were found while it was read.
    pub diagnostics: Diagnostics,
}

impl<T> From<T> for Submission<T> {
    fn from(content: T) -> Self {
        Self { content, diagnostics: Diagnostics::default() }
    }
}

/// How members of a request are read.
impl Diagnostics {
    /// Parses a member that was given, and reports what is wrong with it.
    pub fn read<Raw, T>(
        &mut self,
        path: &Path,
        sent: &Sent<Raw>,
        parse: impl FnOnce(&Raw) -> Result<T, ValueProblem>,
    ) -> Sent<T> {
        match sent {
            Sent::Absent => Sent::Absent,
            Sent::Null => Sent::Null,
            Sent::Unreadable => Sent::Unreadable,
            Sent::Given(raw) => match parse(raw) {
                Ok(value) => Sent::Given(value),
                Err(problem) => {
                    self.report(path.clone(), problem);
                    Sent::Unreadable
                }
            },
        }
    }

    /// Takes the value of a member that has to be there, and reports when it is not.
    pub fn require<T>(&mut self, path: &Path, sent: Sent<T>) -> Option<T> {
        match sent {
            Sent::Given(value) => Some(value),
            Sent::Unreadable => None,
            Sent::Absent => {
                self.report(path.clone(), ValueProblem::new(ViolationCode::MissingMember, "is missing"));
                None
            }
            Sent::Null => {
                self.report(
                    path.clone(),
                    ValueProblem::new(ViolationCode::WrongType, "must not be null").actual(Value::Null),
                );
                None
            }
        }
    }

    /// Takes the value of a member that may be left out but not be `null`.
    pub fn not_null<T>(&mut self, path: &Path, sent: Sent<T>) -> Option<T> {
        match sent {
            Sent::Absent => None,
            other => self.require(path, other),
        }
    }
}
