use prediction_domain::use_cases;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::job_revision::JobRevision;
use crate::run::{Prediction, Run};
use crate::source_version::SourceVersion;

/// A value, and all that it rests on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Provenance {
    /// The value.
    pub value: Prediction,
    /// The run that predicted it.
    pub run: Run,
    /// What the job was when it ran; null where that is not kept any more.
    pub job_revision: Option<JobRevision>,
    /// The version that ran, with its contract.
    pub source_version: SourceVersion,
}

impl From<use_cases::Provenance> for Provenance {
    fn from(provenance: use_cases::Provenance) -> Self {
        Self {
            value: provenance.value.into(),
            run: provenance.run.into(),
            job_revision: provenance.job_revision.map(JobRevision::from),
            source_version: provenance.source_version.into(),
        }
    }
}
