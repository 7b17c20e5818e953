//! Changes to jobs.

use super::binding::BindingDraft;
use crate::requests::Sent;

/// Changes to a job; what is left out stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct JobChangeDraft {
    /// May be repeated, but never changes.
    pub id: Sent<String>,
    /// May be repeated, but never changes.
    pub organisation_id: Sent<String>,
    /// May be repeated, but never changes.
    pub source_id: Sent<String>,
    /// Another version of the same source.
    pub source_version_id: Sent<String>,
    /// See [`Job::name`](crate::model::Job::name).
    pub name: Sent<String>,
    /// See [`Job::active`](crate::model::Job::active).
    pub active: Sent<bool>,
    /// All bindings; `null` is none.
    pub role_bindings: Sent<Vec<Sent<BindingDraft>>>,
    /// The revision that is to be changed, and no other.
    pub revision: Sent<i128>,
}
