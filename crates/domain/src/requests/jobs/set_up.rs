//! Setups as callers describe them.

use super::binding::BindingDraft;
use crate::requests::{Sent, SourceDraft, SourceVersionDraft};

/// A setup as a caller describes it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SetUpDraft {
    /// Whose job it is.
    pub organisation_id: Sent<String>,
    /// The source: a reference by id, or a description to find or create it by.
    pub source: Sent<SourceDraft>,
    /// The version of that source, likewise. When nothing says which, the one that was published last.
    pub source_version: Sent<SourceVersionDraft>,
    /// The job itself.
    pub job: Sent<SetUpJobDraft>,
    /// The version's input roles, bound to inputs.
    pub role_bindings: Sent<Vec<Sent<BindingDraft>>>,
}

/// The job in a [`SetUpDraft`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SetUpJobDraft {
    /// See [`Job::name`](crate::model::Job::name).
    pub name: Sent<String>,
    /// See [`Job::active`](crate::model::Job::active); true when left out.
    pub active: Sent<bool>,
    /// Instead of [`SetUpDraft::source`].
    pub source_id: Sent<String>,
    /// Instead of [`SetUpDraft::source_version`].
    pub source_version_id: Sent<String>,
    /// May repeat [`SetUpDraft::organisation_id`], and nothing else.
    pub organisation_id: Sent<String>,
}
