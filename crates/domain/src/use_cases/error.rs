use std::fmt;
use std::time::Duration;

use uuid::Uuid;

use crate::model::{
    AccessDenied, JobId, Path, QuotaExceeded, Readers, Revision, RoleName, UpgradePlan, ValueCount, ValueProblem,
    Violation, ViolationCode, Violations,
};
use crate::ports::StoreFailure;
use crate::use_cases::Applied;

/// Why a use case did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum UseCaseError {
    /// The caller may not.
    #[error("the caller is not allowed to do this")]
    Denied(#[from] AccessDenied),
    /// There is no such thing, as far as the caller may see.
    #[error("there is no such thing, as far as the caller may see")]
    NotFound,
    /// It is at another revision than the caller wants to change.
    #[error("another revision was to be changed than the stored one, {current}")]
    Stale {
        /// The stored revision.
        current: Revision,
    },
    /// The caller wants to change what has a weak entity tag, which nothing has.
    #[error("a weak entity tag matches nothing; the stored revision is {current}")]
    WeaklyTagged {
        /// The stored revision.
        current: Revision,
    },
    /// The request is wrong in these places.
    #[error("the request is not valid")]
    Invalid(#[from] Violations),
    /// A job cannot go to another version as it is, for these reasons.
    #[error("the job cannot be upgraded")]
    NotUpgradable {
        /// What is in the way.
        violations: Violations,
        /// What the upgrade would do, as far as it goes.
        plan: Box<UpgradePlan>,
    },
    /// The request clashes with what is stored.
    #[error("a different {} is stored: {}", .0.resource, .0.existing_id)]
    Conflict(Conflict),
    /// It cannot be deleted, or taken away by a change, while others need it.
    #[error("it is in use: {0}")]
    InUse(InUse),
    /// The organisation has, or has done today, as much as it may.
    #[error("{exceeded}")]
    QuotaExceeded {
        /// Which quota, and how much of it is used.
        exceeded: QuotaExceeded,
        /// How long to wait until it is counted anew; `None` where waiting does not help.
        wait: Option<Duration>,
    },
    /// Things that the document describes are there, and are not the set's.
    #[error("the document describes things that its set does not keep")]
    NotOfTheSet(Violations),
    /// Another plan would be carried out than the one that was looked at.
    #[error("the plan is another one than was expected")]
    PlanOutdated(Box<Applied>),
    /// More would be removed than may be.
    #[error("{removals} things would be removed, and at most {limit} may be")]
    PruneLimitExceeded {
        /// How many may be.
        limit: usize,
        /// How many would be. Beyond [`MAX_APPLIED`](crate::model::MAX_APPLIED) no more are looked for.
        removals: usize,
        /// What would be done.
        plan: Box<Applied>,
    },
    /// It would delete values that can be read, and nothing says that this is meant.
    #[error("it would delete {} values, and nothing says that this is meant", .0.values)]
    WouldDelete(ValueCount),
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreFailure),
}

/// Something else is stored under the natural key of what was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// What kind of thing.
    pub resource: Resource,
    /// What is stored.
    pub existing_id: Uuid,
    /// In what it is different: `expected` is what is stored, `actual` what was sent.
    pub differences: Vec<Violation>,
}

impl Conflict {
    /// The conflict of a rename to a name that is taken.
    pub(super) fn name_taken(resource: Resource, existing_id: Uuid, name: &str) -> Self {
        let taken = ValueProblem::new(ViolationCode::Taken, format!("\"{name}\" is taken")).actual(name);
        Self { resource, existing_id, differences: vec![taken.at(Path::of("name"))] }
    }
}

/// The kinds of things that are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Resource {
    /// A source.
    Source,
    /// A source version.
    SourceVersion,
    /// An input.
    Input,
    /// A job.
    Job,
    /// A run.
    Run,
}

impl Resource {
    /// Its name in answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::SourceVersion => "source_version",
            Self::Job => "job",
            Self::Input => "input",
            Self::Run => "run",
        }
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.as_str().replace('_', " "))
    }
}

/// What keeps something from being deleted, or taken away by a change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InUse {
    /// A source has versions.
    #[error("the source has {versions} versions")]
    SourceHasVersions {
        /// How many.
        versions: u64,
    },
    /// Jobs run a version.
    #[error("{jobs} jobs run the version")]
    VersionHasJobs {
        /// How many, in all organisations.
        jobs: u64,
        /// The first ones that the caller may see.
        visible: Vec<JobId>,
    },
    /// Jobs have an input bound.
    #[error("{jobs} jobs have the input bound")]
    InputIsBound {
        /// How many, in the organisation of the input.
        jobs: u64,
        /// The first ones.
        first: Vec<JobId>,
    },
    /// Jobs read outputs of a job.
    #[error("{} jobs read outputs of the job", .readers.jobs)]
    OutputsAreBound {
        /// Which jobs.
        readers: Readers,
        /// Which outputs, by their roles, as far as they would be gone.
        roles: Vec<RoleName>,
    },
}
