use super::StoreFailure;
use crate::model::{ReplicaId, Timestamp};

/// Removes what nobody can read any more. One replica of the service does it at a time, by a lease; that two never do at the
/// same moment is not relied on.
#[cfg_attr(feature = "mocks", mockall::automock)]
pub trait RetentionRepository: Send + Sync {
    /// Takes the lease until a time, or prolongs it, unless another replica holds it now. Tells whether it is held.
    fn hold_lease(&self, replica: ReplicaId, now: Timestamp, until: Timestamp) -> Result<bool, StoreFailure>;

    /// Gives the lease back, so that nobody has to wait for its end. Nothing happens when the replica does not hold it.
    fn release_lease(&self, replica: ReplicaId) -> Result<(), StoreFailure>;

    /// Deletes values that have expired by now, by what their sources say at that moment, and what belonged to deleted jobs:
    /// so many values and runs at the most, in one transaction. Nobody who writes waits longer for it than that takes.
    ///
    /// A value expires when its run was issued `retention_hours` ago. A store with a clock of its own takes the earlier of the
    /// two times, so that a service whose clock is ahead deletes nothing too early.
    fn purge(&self, now: Timestamp, limit: usize) -> Result<Purged, StoreFailure>;
}

/// What a purge has deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Purged {
    /// Values.
    pub values: u64,
    /// Runs of deleted jobs.
    pub runs: u64,
    /// Whether there may be more to delete.
    pub is_unfinished: bool,
}
