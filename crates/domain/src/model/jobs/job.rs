//! Jobs: one version of a source, configured to run for one organisation.

use serde::Serialize;

use super::binding::CheckedBindings;
use crate::model::access::Subject;
use crate::model::catalog::Contract;
use crate::model::id::{JobId, OrganisationId, OutputId, SourceId, SourceVersionId};
use crate::model::management::Management;
use crate::model::revision::Revision;
use crate::model::text::{JobName, Metric, RoleName, Unit};
use crate::model::timestamp::Timestamp;

/// One version of a source, configured to run for one organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its identity.
    pub id: JobId,
    /// Whose job it is. Never changes.
    pub organisation_id: OrganisationId,
    /// The source of its version. Never changes.
    pub source_id: SourceId,
    /// The version that it runs.
    pub source_version_id: SourceVersionId,
    /// Its name, unique in the organisation.
    pub name: JobName,
    /// Whether runners should run it.
    pub active: bool,
    /// When a change activated it last; `None` if it never was inactive before, or still is. See [`Job::active_since`].
    pub activated_at: Option<Timestamp>,
    /// The version's input roles, bound to inputs.
    pub role_bindings: CheckedBindings,
    /// One per output role of the version.
    pub outputs: Vec<Output>,
    /// How often it was changed.
    pub revision: Revision,
    /// When it was set up.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// The author of the last change, the setup included; unknown for jobs that were stored before authors were kept.
    pub updated_by: Option<Subject>,
    /// What keeps it, if it is not kept by hand.
    pub management: Option<Management>,
}

impl Job {
    /// Since when it is active, if it is.
    #[must_use]
    pub fn active_since(&self) -> Option<Timestamp> {
        self.active.then(|| self.activated_at.unwrap_or(self.created_at))
    }

    /// The output with that id, if it is one of the job's.
    #[must_use]
    pub fn output(&self, id: OutputId) -> Option<&Output> {
        self.outputs.iter().find(|output| output.id == id)
    }
}

/// What a job was at one of its revisions. It is kept when the job changes, so that what it predicted can be traced to
/// the definition that it had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobRevision {
    /// The job.
    pub job_id: JobId,
    /// See [`Job::organisation_id`].
    pub organisation_id: OrganisationId,
    /// Which revision.
    pub revision: Revision,
    /// See [`Job::source_version_id`].
    pub source_version_id: SourceVersionId,
    /// See [`Job::name`].
    pub name: JobName,
    /// See [`Job::active`].
    pub active: bool,
    /// See [`Job::role_bindings`].
    pub role_bindings: CheckedBindings,
    /// See [`Job::outputs`].
    pub outputs: Vec<Output>,
    /// When the job became this.
    pub changed_at: Timestamp,
    /// The author of the change that led to this revision.
    pub changed_by: Option<Subject>,
}

impl From<Job> for JobRevision {
    fn from(job: Job) -> Self {
        Self {
            job_id: job.id,
            organisation_id: job.organisation_id,
            revision: job.revision,
            source_version_id: job.source_version_id,
            name: job.name,
            active: job.active,
            role_bindings: job.role_bindings,
            outputs: job.outputs,
            changed_at: job.updated_at,
            changed_by: job.updated_by,
        }
    }
}

/// The identity of what a job predicts in one output role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Output {
    /// Its identity. It stays while the job's versions have the role.
    pub id: OutputId,
    /// The output role.
    pub role: RoleName,
    /// See [`OutputRole::metric`](crate::model::OutputRole::metric).
    pub metric: Metric,
    /// See [`OutputRole::unit`](crate::model::OutputRole::unit).
    pub unit: Option<Unit>,
}

impl Output {
    /// The outputs of a job that runs this contract: roles that it had before keep their ids, others get fresh ones.
    pub fn for_contract(contract: &Contract, before: &[Output], mut fresh: impl FnMut() -> OutputId) -> Vec<Self> {
        contract
            .output_roles()
            .iter()
            .map(|role| Self {
                id: before.iter().find(|output| output.role == role.role).map_or_else(&mut fresh, |output| output.id),
                role: role.role.clone(),
                metric: role.metric.clone(),
                unit: role.unit.clone(),
            })
            .collect()
    }
}

/// An output, with the job that predicts it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobOutput {
    /// The output.
    pub output: Output,
    /// Whose it is.
    pub organisation_id: OrganisationId,
    /// The job.
    pub job_id: JobId,
    /// What that is called.
    pub job_name: JobName,
    /// The version that it runs.
    pub source_version_id: SourceVersionId,
}

impl JobOutput {
    /// An output of a job.
    #[must_use]
    pub fn of(job: &Job, output: &Output) -> Self {
        Self {
            output: output.clone(),
            organisation_id: job.organisation_id,
            job_id: job.id,
            job_name: job.name.clone(),
            source_version_id: job.source_version_id,
        }
    }
}
