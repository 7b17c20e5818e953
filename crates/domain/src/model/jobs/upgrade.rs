//! What an upgrade does with each binding and each output of a job.

use super::binding::RoleBinding;
use crate::model::catalog::Compatibility;
use crate::model::from_text::words;
use crate::model::id::{OutputId, SourceVersionId};
use crate::model::text::{RoleName, VersionLabel};

words! {
    /// What an upgrade does with an input role.
    InputAction, "is not an action on an input":
    /// Its binding stays.
    Kept = "kept";
    /// What was bound to its former name is bound to it.
    Renamed = "renamed";
    /// It is bound anew, instead of what it would have taken over.
    Rebound = "rebound";
    /// It is bound for the first time.
    Bound = "bound";
    /// The version lacks the role, so what was bound to it is no longer read.
    Dropped = "dropped";
    /// Nothing is bound to it.
    Unbound = "unbound";
}

words! {
    /// What an upgrade does with an output.
    OutputAction, "is not an action on an output":
    /// It stays, with its id.
    Kept = "kept";
    /// It is new.
    Added = "added";
    /// The version lacks the role: nothing more is predicted in it.
    Removed = "removed";
}

/// What an upgrade does with one input role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputStep {
    /// The role, as the version calls it to which the job goes; of one that is dropped, as the former one does.
    pub role: RoleName,
    /// What is done.
    pub action: InputAction,
    /// What it was called before, where that is another name.
    pub previous_role: Option<RoleName>,
    /// What is bound to it; of one that is dropped, what was.
    pub binding: Option<RoleBinding>,
}

/// What an upgrade does with one output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputStep {
    /// Its role.
    pub role: RoleName,
    /// What is done.
    pub action: OutputAction,
    /// The identity of the output.
    pub id: OutputId,
}

/// Which version it is, for people and for programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionReference {
    /// Its identity.
    pub id: SourceVersionId,
    /// What it is called.
    pub version: VersionLabel,
}

/// What an upgrade does, whether it can be done or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpgradePlan {
    /// The version that the job runs.
    pub from: VersionReference,
    /// The version that it is to run.
    pub to: VersionReference,
    /// What the change of the contract asks for, whatever the job has bound.
    pub compatibility: Compatibility,
    /// The inputs, in the order of the version to which the job goes, and then what is dropped.
    pub inputs: Vec<InputStep>,
    /// The outputs, likewise.
    pub outputs: Vec<OutputStep>,
}
