use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;

use crate::model::{ReplicaId, Timestamp};
use crate::ports::{IdGenerator, Purged, RetentionRepository, StoreFailure};

use super::ClockWatch;

/// Deletes what has expired, step by step, for one replica of the service. Nobody calls for it, so it needs no permission.
///
/// Whoever is killed on the way leaves nothing half done: a step is one transaction, and when the lease has ended another
/// replica, or the same one after its restart, goes on with what is still there.
///
/// What is deleted is gone, so it goes by the time that can be relied on, and never by a clock that has jumped ahead. The lease
/// carries that time from one process to the next.
pub struct Purger {
    retention: Arc<dyn RetentionRepository>,
    watch: Arc<ClockWatch>,
    replica: ReplicaId,
    held_until: Option<Timestamp>,
    /// Whether the clock was compared with what was believed before this process began.
    has_recalled: bool,
}

/// What a step came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PurgeStep {
    /// This was deleted.
    Purged(Purged),
    /// Nothing was, since another replica is at it.
    LeftToAnother,
}

/// How far the purge is behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backlog {
    /// When the oldest of the values that have expired, and are still stored, expired.
    pub since: Timestamp,
    /// How long ago that is.
    pub age: Duration,
}

impl Purger {
    /// How long a lease holds, in seconds. When a replica is killed, nothing is deleted for that long.
    pub const LEASE_SECONDS: i64 = 30;

    /// Makes a purger that holds no lease yet.
    #[must_use]
    pub fn new(retention: Arc<dyn RetentionRepository>, watch: Arc<ClockWatch>, ids: &dyn IdGenerator) -> Self {
        Self { retention, watch, replica: ids.replica_id(), held_until: None, has_recalled: false }
    }

    /// Deletes so many values and runs at the most, if no other replica does.
    pub fn step(&mut self, limit: usize) -> Result<PurgeStep, StoreFailure> {
        if !self.has_recalled {
            if let Some(known) = self.retention.end_of_lease()? {
                self.watch.recall(known);
            }
            self.has_recalled = true;
        }
        let now = self.watch.now();
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

    /// What should be gone and is not, if there is anything.
    pub fn oldest_expired(&self) -> Result<Option<Backlog>, StoreFailure> {
        let now = self.watch.now();
        let oldest = self.retention.oldest_expired(now)?;
        Ok(oldest.map(|since| Backlog { since, age: now.since(since).to_std().unwrap_or_default() }))
    }

    /// Gives the lease back, so that another replica can go on at once.
    pub fn stop(mut self) -> Result<(), StoreFailure> {
        match self.held_until.take() {
            // Long enough ago for those whose clocks are behind.
            Some(_) => {
                let ended = self.watch.now().plus(-TimeDelta::seconds(Self::LEASE_SECONDS));
                self.retention.release_lease(self.replica, ended)
            }
            None => Ok(()),
        }
    }

    /// The lease is prolonged when half of it is over, and taken anew when the clock was set back.
    fn needs_lease(&self, now: Timestamp) -> bool {
        let lease = TimeDelta::seconds(Self::LEASE_SECONDS);
        self.held_until.is_none_or(|until| until < now.plus(lease / 2) || until > now.plus(lease))
    }
}
