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

    /// The revision before this one; the first has none.
    #[must_use]
    pub fn previous(self) -> Option<Self> {
        Self::new(self.0 - 1)
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
