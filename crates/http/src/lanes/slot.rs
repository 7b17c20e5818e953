//! The slot of a thread: which thread works there, and whether it is stuck.

use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::thread;

/// The slot of a thread, which another one takes when it is stuck or has died.
///
/// A thread counts as stuck once it has been with a batch for longer than the lane's deadline, when no caller waits for
/// it any more, or than [`LONGEST_SILENCE`](super::supervision): what it waits for is beyond the time-outs of the
/// database, a server that is frozen for instance.
#[derive(Default)]
pub(super) struct WorkerSlot {
    /// Which thread works here, counted from the first one.
    pub(super) generation: AtomicU32,
    /// From when on it counts as stuck, in milliseconds, or [`IDLE`], or [`DEAD`].
    pub(super) stuck_from: AtomicU64,
}

/// Nothing is being answered.
pub(super) const IDLE: u64 = 0;
/// The thread has died: a time that has always passed.
pub(super) const DEAD: u64 = 1;

impl WorkerSlot {
    pub(super) fn is_stuck(&self, now: u64) -> bool {
        let from = self.stuck_from.load(Ordering::Acquire);
        from != IDLE && from <= now
    }

    pub(super) fn belongs_to(&self, generation: u32) -> bool {
        self.generation.load(Ordering::Acquire) == generation
    }
}

/// Says that a thread ends, however it ends.
pub(super) struct ExitGuard<'a> {
    pub(super) slot: &'a WorkerSlot,
    pub(super) generation: u32,
    pub(super) abandoned: &'a AtomicUsize,
}

impl Drop for ExitGuard<'_> {
    fn drop(&mut self) {
        if !self.slot.belongs_to(self.generation) {
            self.abandoned.fetch_sub(1, Ordering::AcqRel);
        } else if thread::panicking() {
            self.slot.stuck_from.store(DEAD, Ordering::Release);
        }
    }
}
