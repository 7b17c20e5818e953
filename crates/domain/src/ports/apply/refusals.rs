//! What the refusal of a single write is to the plan that it is a part of: the same for every store.

use super::ApplyError;
use crate::model::{Job, JobId, OrganisationId};
use crate::ports::{
    DeleteInputError, DeleteJobError, DeleteSourceError, DeleteSourceVersionError, PutInputsError, UpdateJobError,
    UpdateSourceError,
};

macro_rules! overtaken {
    ($($refusal:ident),+) => {
        $(impl From<$refusal> for ApplyError {
            fn from(refusal: $refusal) -> Self {
                match refusal {
                    $refusal::Store(failure) => failure.into(),
                    _ => Self::Overtaken,
                }
            }
        })+
    };
}

overtaken!(UpdateSourceError, DeleteSourceError, DeleteSourceVersionError, PutInputsError, DeleteInputError);

impl ApplyError {
    /// That a job of a plan cannot be changed.
    #[must_use]
    pub fn of_update(job: &Job, refusal: UpdateJobError) -> Self {
        let (organisation_id, job_id) = (job.organisation_id, job.id);
        match refusal {
            UpdateJobError::QuotaExceeded(exceeded) => Self::QuotaExceeded { organisation_id, exceeded },
            UpdateJobError::OutputsInUse(readers) => Self::OutputsInUse { organisation_id, job_id, readers },
            UpdateJobError::Cycle => Self::Cycle { job_id },
            UpdateJobError::Store(failure) => failure.into(),
            UpdateJobError::Missing
            | UpdateJobError::Stale { .. }
            | UpdateJobError::NameTaken(_)
            | UpdateJobError::VersionMissing
            | UpdateJobError::OutputMissing => Self::Overtaken,
        }
    }

    /// That a job of a plan cannot be deleted.
    #[must_use]
    pub fn of_deletion((organisation_id, job_id): (OrganisationId, JobId), refusal: DeleteJobError) -> Self {
        match refusal {
            DeleteJobError::OutputsInUse(readers) => Self::OutputsInUse { organisation_id, job_id, readers },
            DeleteJobError::Store(failure) => failure.into(),
            DeleteJobError::Missing | DeleteJobError::Stale { .. } => Self::Overtaken,
        }
    }
}
