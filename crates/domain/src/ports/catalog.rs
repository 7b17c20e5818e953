//! Where sources and their versions are stored.

mod source_repository;
mod source_version_repository;

pub use source_repository::{
    DeleteSourceError, InsertSourceError, OwnerFilter, SourceFilter, SourceRepository, UpdateSourceError,
};
pub use source_version_repository::{
    ChangeLifecycleError, DeleteSourceVersionError, InsertSourceVersionError, SourceVersionFilter,
    SourceVersionRepository,
};

#[cfg(feature = "mocks")]
pub use self::{source_repository::MockSourceRepository, source_version_repository::MockSourceVersionRepository};
