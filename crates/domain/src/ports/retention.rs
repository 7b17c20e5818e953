use super::StoreFailure;
use crate::model::{ReplicaId, Timestamp};

/// Removes what nobody can read any more. One replica of the service does it at a time, by a lease; that two never do at the
/// same moment is not relied on.
#[cfg_attr(feature = "mocks", mockall::automock)]
pub trait RetentionRepository: Send + Sync {
    /// Takes the lease until a time, or prolongs it, unless another replica holds it now. Tells whether it is held.
    ///
    /// Nobody holds a lease that ends later than this one would if it were twice as long: whoever took it had a clock that was
    /// far ahead.
    fn hold_lease(&self, replica: ReplicaId, now: Timestamp, until: Timestamp) -> Result<bool, StoreFailure>;

    /// Gives the lease back, so that nobody has to wait for its end: from now on it ended at that time. Nothing happens when the
    /// replica does not hold it.
    fn release_lease(&self, replica: ReplicaId, ended: Timestamp) -> Result<(), StoreFailure>;

    /// When the last lease ends or ended, whoever held it, if there ever was one.
    fn end_of_lease(&self) -> Result<Option<Timestamp>, StoreFailure>;

    /// Deletes values that have expired by now, by what their sources say at that moment, and what belonged to deleted jobs:
    /// so many values and runs at the most, in one transaction. Nobody who writes waits longer for it than that takes.
    ///
    /// A value expires when its run was issued `retention_hours` ago. A store with a clock of its own takes the earlier of the
    /// two times, so that a service whose clock is ahead deletes nothing too early.
    fn purge(&self, now: Timestamp, limit: usize) -> Result<Purged, StoreFailure>;

    /// When the oldest of the values that have expired by now, and are still stored, expired. Those of deleted jobs may count
    /// or not. Costs about as much as a purge that finds nothing.
    fn oldest_expired(&self, now: Timestamp) -> Result<Option<Timestamp>, StoreFailure>;
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
