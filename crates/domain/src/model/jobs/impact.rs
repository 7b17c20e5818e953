//! What an upgrade to a version would do to the jobs of its source.

use std::collections::BTreeMap;

use crate::model::from_text::words;
use crate::model::id::{JobId, OrganisationId, SourceVersionId};
use crate::model::text::{JobName, RoleName};

words! {
    /// What an upgrade of a job would come to.
    ImpactOutcome, "is not an outcome of an upgrade":
    /// It would succeed without help.
    Ready = "ready";
    /// A role has to be bound first.
    NeedsBinding = "needs_binding";
    /// It would succeed, and readers would miss an output, or get it in another metric or unit.
    Breaking = "breaking";
    /// The job runs the version already.
    UpToDate = "up_to_date";
    /// It would be refused whatever is bound: the version is withdrawn, or lacks an output that other jobs read.
    Blocked = "blocked";
}

/// Jobs of a source that run the same version and have the same input roles bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoundJobs {
    /// The version that they run.
    pub source_version_id: SourceVersionId,
    /// The input roles that they have bound.
    pub roles: Vec<RoleName>,
    /// How many there are.
    pub jobs: u64,
}

/// What an upgrade would do to one job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobImpact {
    /// The job.
    pub job_id: JobId,
    /// Whose it is.
    pub organisation_id: OrganisationId,
    /// What it is called.
    pub name: JobName,
    /// The version that it runs.
    pub source_version_id: SourceVersionId,
    /// What it would come to.
    pub outcome: ImpactOutcome,
    /// Input roles that have to be bound first.
    pub missing_roles: Vec<RoleName>,
    /// Input roles whose bindings would be dropped.
    pub dropped_roles: Vec<RoleName>,
    /// Outputs that readers would miss, or get in another metric or unit.
    pub changed_outputs: Vec<RoleName>,
    /// Outputs that the version lacks, and that other jobs read.
    pub outputs_in_use: Vec<RoleName>,
}

/// How many jobs there are of each outcome.
pub type ImpactCounts = BTreeMap<ImpactOutcome, u64>;
