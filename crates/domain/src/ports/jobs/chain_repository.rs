use std::collections::BTreeSet;

use crate::model::{ChainLink, JobId, JobOutput, JobsInUse, OrganisationId, OutputId, Readers, Scope, Timestamp};
use crate::ports::{JobFilter, StoreFailure};

/// Knows which jobs read outputs of which others. [`JobRepository`](super::JobRepository) writes that down with the
/// bindings of jobs, and keeps it free of cycles.
#[cfg_attr(feature = "mocks", mockall::automock)]
pub trait ChainRepository: Send + Sync {
    /// Finds each of these outputs, in the order asked for; `None` where there is none in that scope.
    fn find_outputs(&self, wanted: &[(Scope, OutputId)]) -> Result<Vec<Option<JobOutput>>, StoreFailure>;

    /// Finds jobs that read an output of one of these jobs, ordered by their ids: so many at the most.
    fn readers_of(
        &self,
        organisation_id: OrganisationId,
        jobs: &BTreeSet<JobId>,
        most: usize,
    ) -> Result<Vec<JobId>, StoreFailure>;

    /// Counts the jobs that read an output of this job.
    fn count_readers(&self, organisation_id: OrganisationId, id: JobId) -> Result<Readers, StoreFailure>;

    /// Tells the links on all ways upstream from some jobs, if one of the ways leads to the job `to`; else none.
    fn links_between(
        &self,
        organisation_id: OrganisationId,
        from: &BTreeSet<JobId>,
        to: JobId,
    ) -> Result<Vec<ChainLink>, StoreFailure>;

    /// Tells which outputs of each of these jobs other jobs read, in the order asked for.
    fn outputs_in_use(&self, wanted: &[(OrganisationId, JobId)]) -> Result<Vec<BTreeSet<OutputId>>, StoreFailure>;

    /// Counts those jobs of which others read outputs, by the version that they run, the input roles that they have
    /// bound, and the output roles that are read. Filters by health, stage and input are not asked for.
    fn count_jobs_in_use(&self, scope: &Scope, filter: &JobFilter) -> Result<Vec<JobsInUse>, StoreFailure>;

    /// Finds the nearest jobs upstream of each of these jobs that are in the way at a time
    /// ([`HealthStatus::BLOCKING`](crate::model::HealthStatus::BLOCKING)), in the order asked for, ordered by their
    /// ids: behind one that is, none is looked for. Up to
    /// [`DEPTH_OF_BLOCKING`](crate::model::Health::DEPTH_OF_BLOCKING) steps away, and at most
    /// [`MAX_BLOCKING`](crate::model::Health::MAX_BLOCKING) of each.
    fn blocking(&self, wanted: &[(OrganisationId, JobId)], now: Timestamp) -> Result<Vec<Vec<JobId>>, StoreFailure>;
}
