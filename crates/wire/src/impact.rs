use prediction_domain::model::{self, ImpactOutcome, JobId, JobName, OrganisationId, RoleName, SourceVersionId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::rules;

/// What an upgrade to a version would do to the jobs of its source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SourceVersionImpact {
    /// How many jobs there are of each outcome, whatever `outcome` asks for. Only the first page has it: null with a
    /// cursor.
    pub counts: Option<ImpactCounts>,
    /// Jobs that run another version, in creation order.
    pub items: Vec<JobImpact>,
    /// The cursor of the next page; null on the last one. A page may be short, or empty, and have one.
    pub next_cursor: Option<String>,
}

/// How many jobs there are of each outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ImpactCounts {
    /// An upgrade would succeed without help.
    #[schema(value_type = rules::Count, inline)]
    pub ready: u64,
    /// A role has to be bound first.
    #[schema(value_type = rules::Count, inline)]
    pub needs_binding: u64,
    /// An upgrade would succeed, and readers would miss an output, or get it in another metric or unit.
    #[schema(value_type = rules::Count, inline)]
    pub breaking: u64,
    /// They run the version already.
    #[schema(value_type = rules::Count, inline)]
    pub up_to_date: u64,
    /// It would be refused: the version is withdrawn, or lacks an output that other jobs read.
    #[schema(value_type = rules::Count, inline)]
    pub blocked: u64,
}

/// What an upgrade would do to one job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JobImpact {
    /// The job.
    #[schema(value_type = rules::Id, inline)]
    pub job_id: JobId,
    /// The organisation that it runs for.
    #[schema(value_type = rules::Id, inline)]
    pub organisation_id: OrganisationId,
    /// What it is called.
    #[schema(value_type = rules::Name, inline)]
    pub name: JobName,
    /// The version that it runs.
    #[schema(value_type = rules::Id, inline)]
    pub source_version_id: SourceVersionId,
    /// What an upgrade would come to.
    #[schema(value_type = rules::OpenImpactOutcome, inline)]
    pub outcome: ImpactOutcome,
    /// Input roles that have to be bound first.
    #[schema(value_type = Vec<rules::Word>, inline)]
    pub missing_roles: Vec<RoleName>,
    /// Input roles whose bindings would be dropped.
    #[schema(value_type = Vec<rules::Word>, inline)]
    pub dropped_roles: Vec<RoleName>,
    /// Outputs that readers would miss, or get in another metric or unit.
    #[schema(value_type = Vec<rules::Word>, inline)]
    pub changed_outputs: Vec<RoleName>,
    /// Outputs that the version lacks, and that other jobs read: the upgrade would be refused.
    #[schema(value_type = Vec<rules::Word>, inline)]
    pub outputs_in_use: Vec<RoleName>,
}

impl From<&model::ImpactCounts> for ImpactCounts {
    fn from(counts: &model::ImpactCounts) -> Self {
        let of = |outcome| counts.get(&outcome).copied().unwrap_or_default();
        Self {
            ready: of(ImpactOutcome::Ready),
            needs_binding: of(ImpactOutcome::NeedsBinding),
            breaking: of(ImpactOutcome::Breaking),
            up_to_date: of(ImpactOutcome::UpToDate),
            blocked: of(ImpactOutcome::Blocked),
        }
    }
}

impl From<model::JobImpact> for JobImpact {
    fn from(impact: model::JobImpact) -> Self {
        let model::JobImpact {
            job_id,
            organisation_id,
            name,
            source_version_id,
            outcome,
            missing_roles,
            dropped_roles,
            changed_outputs,
            outputs_in_use,
        } = impact;
        Self {
            job_id,
            organisation_id,
            name,
            source_version_id,
            outcome,
            missing_roles,
            dropped_roles,
            changed_outputs,
            outputs_in_use,
        }
    }
}
