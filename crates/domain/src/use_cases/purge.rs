use std::sync::Arc;

use chrono::TimeDelta;

use crate::model::{ReplicaId, Timestamp};
use crate::ports::{Clock, IdGenerator, Purged, RetentionRepository, StoreFailure};

/// Deletes what has expired, step by step, for one replica of the service. Nobody calls for it, so it needs no permission.
///
/// Whoever is killed on the way leaves nothing half done: a step is one transaction, and when the lease has ended another
/// replica, or the same one after its restart, goes on with what is still there.
pub struct Purger {
    retention: Arc<dyn RetentionRepository>,
    clock: Arc<dyn Clock>,
    replica: ReplicaId,
    held_until: Option<Timestamp>,
}

/// What a step came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PurgeStep {
    /// This was deleted.
    Purged(Purged),
    /// Nothing was, since another replica is at it.
    LeftToAnother,
}

impl Purger {
    /// How long a lease holds, in seconds. When a replica is killed, nothing is deleted for that long.
    pub const LEASE_SECONDS: i64 = 30;

    /// Makes a purger that holds no lease yet.
    #[must_use]
    pub fn new(retention: Arc<dyn RetentionRepository>, clock: Arc<dyn Clock>, ids: &dyn IdGenerator) -> Self {
        Self { retention, clock, replica: ids.replica_id(), held_until: None }
    }

    /// Deletes so many values and runs at the most, if no other replica does.
    pub fn step(&mut self, limit: usize) -> Result<PurgeStep, StoreFailure> {
        let now = self.clock.now();
        if self.needs_lease(now) {
            let until = now.plus(TimeDelta::seconds(Self::LEASE_SECONDS));
            let is_held = self.retention.hold_lease(self.replica, now, until)?;
            self.held_until = is_held.then_some(until);
        }
        match self.held_until {
            Some(_) => Ok(PurgeStep::Purged(self.retention.purge(now, limit)?)),
            None => Ok(PurgeStep::LeftToAnother),
        }
    }

    /// Gives the lease back, so that another replica can go on at once.
    pub fn stop(mut self) -> Result<(), StoreFailure> {
        match self.held_until.take() {
            Some(_) => self.retention.release_lease(self.replica),
            None => Ok(()),
        }
    }

    /// The lease is prolonged when half of it is over, and taken anew when the clock was set back.
    fn needs_lease(&self, now: Timestamp) -> bool {
        let lease = TimeDelta::seconds(Self::LEASE_SECONDS);
        self.held_until.is_none_or(|until| until < now.plus(lease / 2) || until > now.plus(lease))
    }
}
