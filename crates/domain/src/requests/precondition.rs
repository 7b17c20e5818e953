//! Which state a writer saw.

use crate::model::Revision;

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
