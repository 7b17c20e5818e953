use super::StoreFailure;
use crate::model::{ReplicaId, Timestamp};

/// Work that one replica of the service does at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Lease {
    /// Deleting what no caller can read any more.
    Purge,
}

impl Lease {
    /// Its name in the store.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Purge => "purge",
        }
    }
}

/// Lets one replica of the service at a time do some work. A lease saves work: nothing depends on there being only one
/// holder, since clocks differ.
#[cfg_attr(feature = "mocks", mockall::automock)]
pub trait LeaseRepository: Send + Sync {
    /// Takes the lease until a time, or prolongs it, unless another replica holds it now. Tells whether it is held.
    ///
    /// A lease that ends later than this one would if it were twice as long is held by no replica: the replica that
    /// took it had a clock that was far ahead.
    fn hold(&self, lease: Lease, replica: ReplicaId, now: Timestamp, until: Timestamp) -> Result<bool, StoreFailure>;

    /// Gives the lease back, so that no replica has to wait for its end: from now on it ended at that time. Nothing
    /// happens when the replica does not hold it.
    fn release(&self, lease: Lease, replica: ReplicaId, ended: Timestamp) -> Result<(), StoreFailure>;

    /// When the last lease ends or ended, whichever replica held it, if there ever was one.
    fn end_of(&self, lease: Lease) -> Result<Option<Timestamp>, StoreFailure>;
}
