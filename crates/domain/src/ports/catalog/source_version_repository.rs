use std::collections::BTreeSet;

use crate::model::{
    JobId, Lifecycle, LifecycleStage, Page, PageRequest, Revision, Scope, SetName, SourceId, SourceVersion,
    SourceVersionHead, SourceVersionId, VersionLabel,
};
use crate::ports::{StoreFailure, WriteMode};

/// Stores source versions. There is no way to change one, but for where it is in its life.
#[cfg_attr(feature = "mocks", mockall::automock)]
pub trait SourceVersionRepository: Send + Sync {
    /// Publishes a version.
    fn insert(&self, version: &SourceVersion, mode: WriteMode) -> Result<(), InsertSourceVersionError>;

    /// Finds each of these versions, in the order asked for; `None` where there is none.
    fn find_many(&self, ids: &[SourceVersionId]) -> Result<Vec<Option<SourceVersion>>, StoreFailure>;

    /// Finds the version of that name of a source, compared by [`VersionLabel::key`].
    fn find_by_label(&self, source_id: SourceId, label: &VersionLabel) -> Result<Option<SourceVersion>, StoreFailure>;

    /// Finds the version of a source to take where none is named: the last one in creation order that is active; if
    /// none is, the last one that is deprecated. Never one that is withdrawn.
    fn newest(&self, source_id: SourceId) -> Result<Option<SourceVersion>, StoreFailure>;

    /// Lists versions in creation order.
    fn list(&self, filter: &SourceVersionFilter, page: &PageRequest) -> Result<Page<SourceVersion>, StoreFailure>;

    /// Lists versions in creation order, without their roles, which are not read.
    fn list_heads(
        &self,
        filter: &SourceVersionFilter,
        page: &PageRequest,
    ) -> Result<Page<SourceVersionHead>, StoreFailure>;

    /// Replaces where a version is in its life, if that is still at revision `expected`.
    fn change_lifecycle(
        &self,
        id: SourceVersionId,
        lifecycle: &Lifecycle,
        expected: Revision,
        mode: WriteMode,
    ) -> Result<(), ChangeLifecycleError>;

    /// Deletes a version that no job uses, now or at a revision that is kept. Of the jobs that do, only those in
    /// `scope` are named.
    fn delete(&self, scope: &Scope, id: SourceVersionId, mode: WriteMode) -> Result<(), DeleteSourceVersionError>;
}

/// Which source versions to list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SourceVersionFilter {
    /// Only versions of this source.
    pub source_id: Option<SourceId>,
    /// Only versions in one of these stages.
    pub stages: Option<BTreeSet<LifecycleStage>>,
    /// Only versions that this set keeps.
    pub managed_by: Option<SetName>,
}

/// Why the lifecycle of a version was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeLifecycleError {
    /// There is no such version.
    #[error("there is no such source version")]
    Missing,
    /// It was changed in the meantime.
    #[error("the lifecycle is at revision {current}")]
    Stale {
        /// The stored revision.
        current: Revision,
    },
    /// The version that replaces it does not exist.
    #[error("there is no such replacement")]
    ReplacementMissing,
    /// The store failed.
    #[error("a lifecycle could not be changed")]
    Store(#[from] StoreFailure),
}

/// Why a version was not published.
#[derive(Debug, thiserror::Error)]
pub enum InsertSourceVersionError {
    /// The id or, with another id, the name in its source is taken, by this version.
    #[error("the id or the version is taken by source version {}", .0.id)]
    Taken(Box<SourceVersion>),
    /// There is no such source.
    #[error("there is no such source")]
    SourceMissing,
    /// The store failed.
    #[error("a source version could not be stored")]
    Store(#[from] StoreFailure),
}

/// Why a version was not deleted.
#[derive(Debug, thiserror::Error)]
pub enum DeleteSourceVersionError {
    /// There is none of that id.
    #[error("there is no such source version")]
    Missing,
    /// Jobs use it.
    #[error("{jobs} jobs use the source version")]
    InUse {
        /// How many, in all organisations.
        jobs: u64,
        /// The first jobs, in creation order, of the jobs that the caller may see: at most
        /// [`DeleteSourceVersionError::MAX_NAMED_JOBS`].
        visible: Vec<JobId>,
    },
    /// The store failed.
    #[error("a source version could not be deleted")]
    Store(#[from] StoreFailure),
}

impl DeleteSourceVersionError {
    /// How many jobs are named at the most.
    pub const MAX_NAMED_JOBS: usize = 10;
}
