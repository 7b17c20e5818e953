//! Counting changes, so that a writer can say which state it saw.

use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

/// How often something was changed, the creation included: the first revision is 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Revision(i64);

impl Revision {
    /// The revision of something just created.
    pub const FIRST: Self = Self(1);

    /// Any number of at least 1.
    #[must_use]
    pub fn new(number: i64) -> Option<Self> {
        (number >= 1).then_some(Self(number))
    }

    /// The revision after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// The number.
    #[must_use]
    pub fn as_i64(self) -> i64 {
        self.0
    }
}

impl<'de> Deserialize<'de> for Revision {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(i64::deserialize(deserializer)?).ok_or_else(|| D::Error::custom("a revision is at least 1"))
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Which revisions a writer is willing to change (RFC 9110, `If-Match`).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Precondition {
    /// Whatever is there: the last write wins.
    #[default]
    None,
    /// Only one of these; an empty list matches nothing.
    OneOf(Vec<Revision>),
    /// Only what has a weak entity tag, which does not say that it is the same to the byte: matches nothing.
    WeaklyTagged,
}

impl Precondition {
    /// The same, and only this revision; none is one that cannot be.
    #[must_use]
    pub fn and(self, revision: Option<Revision>) -> Self {
        match self {
            Self::WeaklyTagged => self,
            _ => Self::OneOf(revision.filter(|revision| self.allows(*revision)).into_iter().collect()),
        }
    }

    /// Whether the writer is willing to change this revision.
    #[must_use]
    pub fn allows(&self, current: Revision) -> bool {
        match self {
            Self::None => true,
            Self::OneOf(revisions) => revisions.contains(&current),
            Self::WeaklyTagged => false,
        }
    }
}
