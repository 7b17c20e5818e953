use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;

use crate::model::{JobPlace, KeptHistory, ReplicaId, Timestamp};
use crate::ports::{
    IdGenerator, Lease, LeaseRepository, NextInSweep, Purged, PurgedHistory, RetentionRepository, StoreFailure,
    StorePorts,
};
use crate::use_cases::ClockWatch;

/// Deletes what has expired, step by step, for one replica of the service. No caller starts it, so it needs no
/// permission.
///
/// A process that is killed on the way leaves nothing half done: a step is one transaction, and when the lease has
/// ended another replica, or the same one after its restart, goes on with what is still there.
///
/// What is deleted is gone, so it goes by the time that can be relied on, and never by a clock that has jumped ahead.
/// The lease carries that time from one process to the next.
pub struct Purger {
    retention: Arc<dyn RetentionRepository>,
    leases: Arc<dyn LeaseRepository>,
    watch: Arc<ClockWatch>,
    replica: ReplicaId,
    held_until: Option<Timestamp>,
    /// Whether the clock was compared with what was believed before this process began.
    has_recalled: bool,
    sweep: Option<Sweep>,
}

/// A walk over all jobs, again and again, to delete what is not to be kept of their history.
struct Sweep {
    kept: KeptHistory,
    /// Behind which job it goes on; `None`: from the first one.
    after: Option<JobPlace>,
    /// When it began, in time that passed.
    began: Option<Duration>,
    /// The next one does not begin before.
    rests_until: Duration,
}

/// What a step came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PurgeStep {
    /// This was deleted.
    Purged(Purged),
    /// Nothing was, since another replica is at it.
    LeftToAnother,
}

/// What was deleted of the history of jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SweptHistory {
    /// Runs.
    pub runs: u64,
    /// Revisions.
    pub revisions: u64,
    /// Whether there are jobs that were not looked at yet.
    pub is_unfinished: bool,
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

    /// How long nothing is swept after a sweep, in times of what it took.
    const SWEEP_REST: u32 = 9;

    /// Makes a purger that holds no lease yet.
    #[must_use]
    pub fn new(store: &StorePorts, watch: Arc<ClockWatch>, ids: &dyn IdGenerator) -> Self {
        let (retention, leases) = (Arc::clone(&store.retention), Arc::clone(&store.leases));
        Self { retention, leases, watch, replica: ids.replica_id(), held_until: None, has_recalled: false, sweep: None }
    }

    /// Deletes what is not to be kept of the history of jobs, too.
    #[must_use]
    pub fn keeping(self, kept: KeptHistory) -> Self {
        let sweep = Sweep { kept, after: None, began: None, rests_until: Duration::ZERO };
        Self { sweep: (!kept.is_everything()).then_some(sweep), ..self }
    }

    /// Deletes so many values and runs at the most that have expired or belonged to deleted jobs, if no other replica
    /// does.
    pub fn step(&mut self, limit: usize) -> Result<PurgeStep, StoreFailure> {
        if !self.has_recalled {
            if let Some(known) = self.leases.end_of(Lease::Purge)? {
                self.watch.recall(known);
            }
            self.has_recalled = true;
        }
        let now = self.watch.now();
        if self.held_until.is_none_or(|until| until < now)
            && let Some(sweep) = &mut self.sweep
        {
            // Another replica may have swept meanwhile, and what kept this one from it is nothing that a sweep takes.
            (sweep.after, sweep.began) = (None, None);
        }
        if self.needs_lease(now) {
            let until = now.plus(TimeDelta::seconds(Self::LEASE_SECONDS));
            let is_held = self.leases.hold(Lease::Purge, self.replica, now, until)?;
            self.held_until = is_held.then_some(until);
        }
        match self.held_until {
            Some(_) => Ok(PurgeStep::Purged(self.retention.purge(now, limit)?)),
            None => Ok(PurgeStep::LeftToAnother),
        }
    }

    /// Deletes so much at the most of the history that is not to be kept, if this replica has the lease: goes on with
    /// the sweep, or begins the next one. Apart from [`step`](Self::step), so that neither is kept from its work when
    /// the other one fails.
    ///
    /// It looks at every job, so it is not begun again before it has rested for some times as long as it took: with
    /// many jobs less often.
    pub fn sweep(&mut self, limit: usize) -> Result<SweptHistory, StoreFailure> {
        let now = self.watch.now();
        let is_held = self.held_until.is_some_and(|until| now <= until);
        let Some(sweep) = self.sweep.as_mut().filter(|_| is_held) else { return Ok(SweptHistory::default()) };
        let passed = self.watch.passed();
        if sweep.began.is_none() && passed < sweep.rests_until {
            return Ok(SweptHistory::default());
        }
        let began = *sweep.began.get_or_insert(passed);
        let PurgedHistory { runs, revisions, next } =
            self.retention.purge_history(&sweep.kept, now, sweep.after, limit)?;
        match next {
            NextInSweep::Again => {}
            NextInSweep::Behind(place) => sweep.after = Some(place),
            NextInSweep::Done => {
                let passed = self.watch.passed();
                sweep.rests_until = passed + passed.saturating_sub(began) * Self::SWEEP_REST;
                (sweep.after, sweep.began) = (None, None);
            }
        }
        Ok(SweptHistory { runs, revisions, is_unfinished: next != NextInSweep::Done })
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
            // Long enough ago for replicas whose clocks are behind.
            Some(_) => {
                let ended = self.watch.now().plus(-TimeDelta::seconds(Self::LEASE_SECONDS));
                self.leases.release(Lease::Purge, self.replica, ended)
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
