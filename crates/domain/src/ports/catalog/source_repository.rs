use crate::model::{OrganisationId, Page, PageRequest, Revision, SetName, Source, SourceId, SourceName};
use crate::ports::{StoreFailure, WriteMode};

/// Stores sources.
#[cfg_attr(feature = "mocks", mockall::automock)]
pub trait SourceRepository: Send + Sync {
    /// Stores a new source.
    fn insert(&self, source: &Source, mode: WriteMode) -> Result<(), InsertSourceError>;

    /// Finds each of these sources, in the order asked for; `None` where there is none.
    fn find_many(&self, ids: &[SourceId]) -> Result<Vec<Option<Source>>, StoreFailure>;

    /// Finds the source of that name, compared by [`SourceName::key`].
    fn find_by_name(&self, name: &SourceName) -> Result<Option<Source>, StoreFailure>;

    /// Lists sources in creation order.
    fn list(&self, filter: &SourceFilter, page: &PageRequest) -> Result<Page<Source>, StoreFailure>;

    /// Replaces what is stored under the id of `source`, if that is still at revision `expected`. `id` and
    /// `created_at` stay.
    fn update(&self, source: &Source, expected: Revision, mode: WriteMode) -> Result<(), UpdateSourceError>;

    /// Deletes a source that has no versions, if it is still at revision `expected`.
    fn delete(&self, id: SourceId, expected: Revision, mode: WriteMode) -> Result<(), DeleteSourceError>;
}

/// Which sources to list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SourceFilter {
    /// Only the source with this name, compared by [`SourceName::key`].
    pub name: Option<SourceName>,
    /// Only sources of this owner.
    pub owner: Option<OwnerFilter>,
    /// Only sources that this set keeps.
    pub managed_by: Option<SetName>,
}

/// Whose sources to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnerFilter {
    /// Those of the platform.
    Platform,
    /// Those of that organisation.
    Organisation(OrganisationId),
}

/// Why a source was not stored.
#[derive(Debug, thiserror::Error)]
pub enum InsertSourceError {
    /// The id or, with another id, the name is taken, by this source.
    #[error("the id or the name is taken by source {}", .0.id)]
    Taken(Box<Source>),
    /// The store failed.
    #[error("a source could not be stored")]
    Store(#[from] StoreFailure),
}

/// Why a source was not changed.
#[derive(Debug, thiserror::Error)]
pub enum UpdateSourceError {
    /// There is none of that id.
    #[error("there is no such source")]
    Missing,
    /// It was changed in the meantime.
    #[error("the source is at revision {current}")]
    Stale {
        /// The stored revision.
        current: Revision,
    },
    /// The name is taken, by this source.
    #[error("the name is taken by source {}", .0.id)]
    NameTaken(Box<Source>),
    /// The store failed.
    #[error("a source could not be changed")]
    Store(#[from] StoreFailure),
}

/// Why a source was not deleted.
#[derive(Debug, thiserror::Error)]
pub enum DeleteSourceError {
    /// There is none of that id.
    #[error("there is no such source")]
    Missing,
    /// It was changed in the meantime.
    #[error("the source is at revision {current}")]
    Stale {
        /// The stored revision.
        current: Revision,
    },
    /// It has versions.
    #[error("the source has {versions} versions")]
    InUse {
        /// How many.
        versions: u64,
    },
    /// The store failed.
    #[error("a source could not be deleted")]
    Store(#[from] StoreFailure),
}
