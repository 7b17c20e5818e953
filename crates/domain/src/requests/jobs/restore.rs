//! What a job is to be again, as callers describe it.

use crate::requests::Sent;

/// A job that is to be what it was.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RestoreDraft {
    /// The revision at which it was that.
    pub revision: Sent<i128>,
}
