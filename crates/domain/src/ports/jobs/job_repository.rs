use std::collections::{BTreeMap, BTreeSet};

use crate::model::{
    Allowance, BoundJobs, HealthCounts, HealthFilter, InputId, Job, JobGrouping, JobId, JobName, JobRevision,
    LifecycleStage, MonitoredJob, OrganisationId, Page, PageRequest, Position, QuotaExceeded, Readers, Revision, Scope,
    SetName, Source, SourceId, SourceVersion, SourceVersionId, Timestamp, ValueProblem,
};
use crate::ports::{StoreFailure, WriteMode};

/// Stores jobs. A job outside the given scope does not exist, for any method.
#[cfg_attr(feature = "mocks", mockall::automock)]
pub trait JobRepository: Send + Sync {
    /// Finds each of these jobs, in the order asked for; `None` where there is none in that scope.
    ///
    /// Takes many, because readers wait together: it costs about as much as finding one.
    fn find_many(&self, wanted: &[(Scope, JobId)]) -> Result<Vec<Option<Job>>, StoreFailure>;

    /// Finds jobs like [`find_many`](Self::find_many), with what is to be known to judge their health. It costs more.
    fn find_monitored(&self, wanted: &[(Scope, JobId)]) -> Result<Vec<Option<MonitoredJob>>, StoreFailure>;

    /// Finds the job of that name of an organisation.
    fn find_by_name(&self, organisation_id: OrganisationId, name: &JobName) -> Result<Option<Job>, StoreFailure>;

    /// Sets up jobs: for each plan, all of it is stored or nothing.
    ///
    /// The answers are in the order of the plans. They are the same as if the plans were set up one after the other: a
    /// plan that fails fails alone, and of two plans with one name the first creates the job and the second finds it.
    ///
    /// A plan can fail for several reasons. The first of these is told: a job of that name, a quota that is used up, a
    /// taken source, a taken version, a missing reference, a missing output.
    fn set_up_many(&self, plans: &[JobSetUp]) -> Vec<Result<JobSetUpOutcome, JobSetUpRejected>>;

    /// Lists jobs in creation order.
    fn list(&self, scope: &Scope, filter: &JobFilter, page: &PageRequest) -> Result<Page<MonitoredJob>, StoreFailure>;

    /// The names of the jobs that [`list`](Self::list) would list behind a place: about so many are looked at. It costs
    /// less by far. Where jobs of several organisations are listed, there may be fewer, and others behind them.
    fn names(
        &self,
        scope: &Scope,
        filter: &JobFilter,
        after: Option<Position>,
        most: usize,
    ) -> Result<ListedNames, StoreFailure>;

    /// Counts jobs by their health at a time.
    fn count_by_health(&self, scope: &Scope, filter: &JobFilter, now: Timestamp) -> Result<HealthCounts, StoreFailure>;

    /// Counts jobs by their health at a time, those of each group by themselves. Filters by health and input are not
    /// asked for. A group without jobs is not told.
    fn count_each_by_health(
        &self,
        scope: &Scope,
        filter: &JobFilter,
        grouping: JobGrouping,
        now: Timestamp,
    ) -> Result<BTreeMap<JobGroup, HealthCounts>, StoreFailure>;

    /// Counts jobs by the version that they run and the input roles that they have bound. A combination may be told
    /// more than once, with its roles in another order. Filters by health and input are not asked for.
    fn count_by_bound_roles(&self, scope: &Scope, filter: &JobFilter) -> Result<Vec<BoundJobs>, StoreFailure>;

    /// Counts the jobs of all organisations by the stage of the version that they run, for stages that are not
    /// [`Active`](LifecycleStage::Active). A stage that no job is in may be missing.
    fn count_of_stages(&self) -> Result<BTreeMap<LifecycleStage, u64>, StoreFailure>;

    /// Replaces name, active, `activated_at`, version, bindings, outputs, revision, `updated_at`, `updated_by` and
    /// management of the job with the id and the organisation of `job`, if it is still at revision `expected`. What it
    /// was is kept as long as the job is, unless it is purged. When it is done, it has used what it is allowed to, if
    /// that is limited.
    ///
    /// However many jobs are changed at once: none comes to read, over whatever others, an output of its own; and what
    /// a job reads is not taken away.
    fn update(
        &self,
        job: &Job,
        expected: Revision,
        allowance: Option<Allowance>,
        mode: WriteMode,
    ) -> Result<(), UpdateJobError>;

    /// Lists what a job was at each of its revisions, the current one included, from the first that was kept. None when
    /// the organisation has no such job.
    fn revisions(
        &self,
        organisation_id: OrganisationId,
        id: JobId,
        page: &PageRequest<Revision>,
    ) -> Result<Page<JobRevision, Revision>, StoreFailure>;

    /// Finds what a job was, or is, at a revision.
    fn revision(
        &self,
        organisation_id: OrganisationId,
        id: JobId,
        revision: Revision,
    ) -> Result<Option<JobRevision>, StoreFailure>;

    /// Deletes a job and its revisions, if it is still at revision `expected`. Its runs can no longer be reached; that
    /// they are removed is not waited for.
    fn delete(&self, scope: &Scope, id: JobId, expected: Revision, mode: WriteMode) -> Result<(), DeleteJobError>;
}

/// A finished plan: what is to be stored, ids and times included, so that the job can run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobSetUp {
    /// The source of the job, when it is to be created with it.
    pub new_source: Option<Source>,
    /// The version of the job, when it is to be created with it.
    pub new_version: Option<SourceVersion>,
    /// The job.
    pub job: Job,
    /// How many jobs its organisation may have when it is stored; `None` when that is not limited.
    pub most_jobs: Option<u64>,
    /// Whether it is to last.
    pub mode: WriteMode,
}

/// What became of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobSetUpOutcome {
    /// All of it was stored.
    Created,
    /// Nothing was stored, since the organisation has a job of that name: this one. Whether it is the planned one is
    /// not judged here.
    NameTaken(Box<Job>),
}

/// Why a plan could not be carried out: what it was based on is not so (any more). Nothing was stored.
#[derive(Debug, thiserror::Error)]
pub enum JobSetUpRejected {
    /// The organisation has as many jobs as it may have.
    #[error(transparent)]
    QuotaExceeded(QuotaExceeded),
    /// The id or the name of the new source is taken.
    #[error("a source of that id or name exists")]
    SourceTaken,
    /// The id or the name of the new version is taken.
    #[error("a source version of that id or name exists")]
    VersionTaken,
    /// The version that the job was to run, or the source that the new version was to belong to, does not exist; or the
    /// version is of another source than the job.
    #[error("the source or the source version does not exist")]
    ReferenceMissing,
    /// An output that the job was to be bound to does not exist in its organisation.
    #[error("an output that was to be bound does not exist")]
    OutputMissing,
    /// The store failed.
    #[error("a job could not be set up")]
    Store(#[from] StoreFailure),
}

/// Which jobs to list. Conditions are joined by "and".
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct JobFilter {
    /// Only jobs of this organisation.
    pub organisation_id: Option<OrganisationId>,
    /// Only jobs of this source.
    pub source_id: Option<SourceId>,
    /// Only jobs that run this version.
    pub source_version_id: Option<SourceVersionId>,
    /// Only jobs that run a version in one of these stages.
    pub version_stages: Option<BTreeSet<LifecycleStage>>,
    /// Only active jobs, or only inactive jobs.
    pub active: Option<bool>,
    /// Only jobs with this name, compared exactly.
    pub name: Option<JobName>,
    /// Only jobs with this input bound to some role.
    pub input_id: Option<InputId>,
    /// Only jobs with one of these health statuses.
    pub health: Option<HealthFilter>,
    /// Only jobs that this set keeps.
    pub managed_by: Option<SetName>,
}

/// The name of a job in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedName {
    /// Whose job.
    pub organisation_id: OrganisationId,
    /// The job.
    pub id: JobId,
    /// What it is called.
    pub name: JobName,
    /// Its place in the list.
    pub position: Position,
}

/// A part of the names in a list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListedNames {
    /// In the order of the list.
    pub names: Vec<ListedName>,
    /// Behind which place there may be others.
    pub next: Option<Position>,
}

impl ListedNames {
    /// How many names of each of several organisations are read, to look at about so many: in the order of the list,
    /// one after the other may be of the same organisation, or of each.
    #[must_use]
    pub fn of_each(most: usize, organisations: usize) -> usize {
        const AT_LEAST: usize = 16;
        most.div_ceil(organisations.max(1)).max(AT_LEAST.min(most))
    }

    /// Puts parts of lists together, one of each organisation, which were read up to `limit` names. Behind the nearest
    /// end of a part that has others behind it, the names of that organisation are not known.
    #[must_use]
    pub fn merged(parts: impl IntoIterator<Item = Vec<ListedName>>, limit: usize) -> Self {
        let mut names = Vec::new();
        let mut next: Option<Position> = None;
        for part in parts {
            if part.len() >= limit
                && let Some(last) = part.last()
            {
                next = Some(next.map_or(last.position, |next| next.min(last.position)));
            }
            names.extend(part);
        }
        names.retain(|named| next.is_none_or(|next| named.position <= next));
        names.sort_unstable_by_key(|named| named.position);
        Self { names, next }
    }
}

/// Jobs that are counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum JobGroup {
    /// Those of an organisation.
    Organisation(OrganisationId),
    /// Those of a source.
    Source(SourceId),
    /// Those that run a version.
    SourceVersion(SourceVersionId),
}

impl JobGroup {
    /// The group of that id.
    pub fn parse(grouping: JobGrouping, id: &str) -> Result<Self, ValueProblem> {
        match grouping {
            JobGrouping::Organisation => OrganisationId::parse(id).map(Self::Organisation),
            JobGrouping::Source => SourceId::parse(id).map(Self::Source),
            JobGrouping::SourceVersion => SourceVersionId::parse(id).map(Self::SourceVersion),
        }
    }
}

/// Why a job was not changed.
#[derive(Debug, thiserror::Error)]
pub enum UpdateJobError {
    /// There is none of that id in that organisation.
    #[error("there is no such job")]
    Missing,
    /// It was changed in the meantime.
    #[error("the job is at revision {current}")]
    Stale {
        /// The stored revision.
        current: Revision,
    },
    /// There were as many changes as there may be.
    #[error(transparent)]
    QuotaExceeded(QuotaExceeded),
    /// The name is taken, by this job of the same organisation.
    #[error("the name is taken by job {}", .0.id)]
    NameTaken(Box<Job>),
    /// The version that the job was to run does not exist, or is not of the job's source.
    #[error("the source version does not exist")]
    VersionMissing,
    /// Other jobs read outputs that it would not have any more.
    #[error("{} jobs read outputs that the job would not have", .0.jobs)]
    OutputsInUse(Readers),
    /// An output that the job was to be bound to, and was not before, does not exist in its organisation.
    #[error("an output that was to be bound does not exist")]
    OutputMissing,
    /// The job would read, over others or at once, what it predicts itself.
    #[error("the job would read its own output")]
    Cycle,
    /// The store failed.
    #[error("a job could not be changed")]
    Store(#[from] StoreFailure),
}

/// Why a job was not deleted.
#[derive(Debug, thiserror::Error)]
pub enum DeleteJobError {
    /// There is none of that id in that scope.
    #[error("there is no such job")]
    Missing,
    /// It was changed in the meantime.
    #[error("the job is at revision {current}")]
    Stale {
        /// The stored revision.
        current: Revision,
    },
    /// Other jobs read its outputs.
    #[error("{} jobs read its outputs", .0.jobs)]
    OutputsInUse(Readers),
    /// The store failed.
    #[error("a job could not be deleted")]
    Store(#[from] StoreFailure),
}
