mod refusals;
mod totals;

use super::{StoreFailure, WriteMode};
use crate::model::{
    Allowance, Input, InputPosition, Job, JobId, OrganisationId, QuotaExceeded, Readers, Revision, SetName, Source,
    SourceId, SourceVersion, SourceVersionId,
};

/// Stores many things at once, as a document describes them.
#[cfg_attr(feature = "mocks", mockall::automock)]
pub trait ApplyRepository: Send + Sync {
    /// Stores all of a plan or nothing. The parts are done in the order in which the plan has them.
    ///
    /// However many plans and changes of single things are stored at once: what holds for a job that is set up, changed
    /// or deleted by itself ([`JobRepository`](super::JobRepository)) holds for these.
    fn apply(&self, plan: &ApplyPlan) -> Result<(), ApplyError>;

    /// Tells which of these versions no job has, or had at a revision that is kept, if the jobs `without` were gone; in
    /// the order asked for.
    fn unused_versions(
        &self,
        versions: &[SourceVersionId],
        without: &[(OrganisationId, JobId)],
    ) -> Result<Vec<bool>, StoreFailure>;

    /// Tells which of these inputs no job has bound, if the jobs `without` were gone; in the order asked for.
    fn unused_inputs(
        &self,
        inputs: &[InputPosition],
        without: &[(OrganisationId, JobId)],
    ) -> Result<Vec<bool>, StoreFailure>;

    /// Counts the runs that each of these jobs has, in the order asked for.
    fn count_runs(&self, jobs: &[(OrganisationId, JobId)]) -> Result<Vec<u64>, StoreFailure>;
}

/// A finished plan: what is to be stored and deleted, ids and times included, with the revisions that it rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApplyPlan {
    /// Sources.
    pub sources: Vec<Write<Source>>,
    /// Source versions that are published.
    pub new_versions: Vec<SourceVersion>,
    /// Source versions that are there and come to another set.
    pub adopted_versions: Vec<AdoptedVersion>,
    /// Inputs. None is twice among them.
    pub inputs: Vec<Write<Input>>,
    /// Jobs. A job comes after all those whose outputs it is bound to. None is twice among them.
    pub jobs: Vec<Write<Job>>,
    /// Jobs to be deleted, a job before those whose outputs it reads.
    pub deleted_jobs: Vec<(OrganisationId, JobId, Revision)>,
    /// Source versions to be deleted, and which set keeps each.
    pub deleted_versions: Vec<(SourceVersionId, SetName)>,
    /// Sources to be deleted.
    pub deleted_sources: Vec<(SourceId, Revision)>,
    /// Inputs to be deleted.
    pub deleted_inputs: Vec<(InputPosition, Revision)>,
    /// How many jobs an organisation may have when a job of it is stored; `None` when that is not limited.
    pub most_jobs: Option<u64>,
    /// What each change of a job that makes a new revision uses of its organisation's, when that is limited.
    pub allowance: Option<Allowance>,
    /// Whether it is to last.
    pub mode: WriteMode,
}

impl ApplyPlan {
    /// A plan that stores and deletes nothing.
    #[must_use]
    pub fn of_nothing(mode: WriteMode) -> Self {
        Self {
            sources: Vec::new(),
            new_versions: Vec::new(),
            adopted_versions: Vec::new(),
            inputs: Vec::new(),
            jobs: Vec::new(),
            deleted_jobs: Vec::new(),
            deleted_versions: Vec::new(),
            deleted_sources: Vec::new(),
            deleted_inputs: Vec::new(),
            most_jobs: None,
            allowance: None,
            mode,
        }
    }
}

/// A source version that comes to another set. It has no revision: which set kept it is what the plan rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdoptedVersion {
    /// The version.
    pub id: SourceVersionId,
    /// The set that keeps it, if one does.
    pub from: Option<SetName>,
    /// The set that keeps it from now on.
    pub to: SetName,
}

/// Something that is to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write<T> {
    /// It is new.
    New(T),
    /// It replaces what is there, if that is still at revision `expected`. It may be at the same revision, and then
    /// only its management is different.
    Changed {
        /// What is to be stored.
        value: T,
        /// The stored revision.
        expected: Revision,
    },
}

impl<T> Write<T> {
    /// What is to be stored.
    pub fn value(&self) -> &T {
        match self {
            Self::New(value) | Self::Changed { value, .. } => value,
        }
    }
}

/// Why a plan was not stored. Nothing of it was.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// What it rests on is not so any more: something was created, changed or deleted in the meantime, or is in use
    /// now.
    #[error("what the plan rests on was changed")]
    Overtaken,
    /// An organisation has, or has done today, as much as it may.
    #[error("{exceeded}")]
    QuotaExceeded {
        /// Whose quota.
        organisation_id: OrganisationId,
        /// Which, and how much of it is used.
        exceeded: QuotaExceeded,
    },
    /// Other jobs read outputs that a job would not have any more.
    #[error("{} jobs read outputs that job {job_id} would not have", .readers.jobs)]
    OutputsInUse {
        /// Whose job.
        organisation_id: OrganisationId,
        /// The job.
        job_id: JobId,
        /// Those that read its outputs.
        readers: Readers,
    },
    /// A job would read, over others or at once, what it predicts itself.
    #[error("job {job_id} would read its own output")]
    Cycle {
        /// The job.
        job_id: JobId,
    },
    /// The store failed.
    #[error("a plan could not be stored")]
    Store(#[from] StoreFailure),
}
