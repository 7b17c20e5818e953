//! Who stores or deletes values in parts, in this process.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Whoever stores a run in parts says so at each. Who has not said so for that long does not go on.
const ABANDONED_AFTER: Duration = Duration::from_secs(10);

/// Those of one store.
#[derive(Debug)]
pub(crate) struct PartWriters {
    /// Tells them from those of other processes.
    process: u64,
    /// When the store was opened.
    opened: Instant,
    known: Mutex<Known>,
    ended: Condvar,
}

#[derive(Debug, Default)]
struct Known {
    last: u64,
    active: HashSet<u64>,
}

impl Default for PartWriters {
    fn default() -> Self {
        // The standard library has no other random numbers.
        let process = RandomState::new().build_hasher().finish();
        Self { process, opened: Instant::now(), known: Mutex::default(), ended: Condvar::new() }
    }
}

impl PartWriters {
    /// One more, until it is dropped.
    pub(crate) fn enter(&self) -> PartWriter<'_> {
        let mut known = self.known();
        known.last += 1;
        let number = known.last;
        known.active.insert(number);
        PartWriter { all: self, number }
    }

    /// Whether a writer of another process that went on so long ago may still be there. Who did so before the store was
    /// opened is mostly the process before, which has ended.
    pub(crate) fn may_be_active(&self, age: Duration) -> bool {
        age < ABANDONED_AFTER && age <= self.opened.elapsed()
    }

    /// Waits until the writer of that name is done, or until then; false if it is none of this process.
    pub(crate) fn wait_for(&self, name: &str, until: Instant) -> bool {
        let Some(number) = self.number_of(name) else { return false };
        let rest = until.saturating_duration_since(Instant::now());
        let is_active = |known: &mut Known| known.active.contains(&number);
        drop(self.ended.wait_timeout_while(self.known(), rest, is_active));
        true
    }

    /// Whether the writer of that name is one of this process, and done.
    pub(crate) fn is_done(&self, name: &str) -> bool {
        self.number_of(name).is_some_and(|number| !self.known().active.contains(&number))
    }

    fn number_of(&self, name: &str) -> Option<u64> {
        let (process, number) = name.split_once('/')?;
        (process == self.process.to_string()).then(|| number.parse().ok())?
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One of those.
#[derive(Debug)]
pub(crate) struct PartWriter<'a> {
    all: &'a PartWriters,
    number: u64,
}

impl PartWriter<'_> {
    pub(crate) fn name(&self) -> String {
        format!("{}/{}", self.all.process, self.number)
    }
}

impl Drop for PartWriter<'_> {
    fn drop(&mut self) {
        self.all.known().active.remove(&self.number);
        self.all.ended.notify_all();
    }
}
