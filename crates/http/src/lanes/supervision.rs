//! The threads of a lane, and what takes the place of threads that are stuck or have died.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use std::{io, thread};

use super::pool::WorkerPool;
use super::slot::{DEAD, ExitGuard, IDLE, WorkerSlot};
use super::turns::Served;

/// How many threads of a lane may be given up and still be there. Each may hold a connection to the database.
pub(super) const MOST_ABANDONED: usize = 4;

/// When a thread that has a batch is replaced though a caller may still wait for it. What it does goes on. If the
/// database does not answer any more, the other threads find another database meanwhile.
const LONGEST_SILENCE: Duration = Duration::from_secs(5);

impl<Question: Send + 'static, Answer: Send + 'static> WorkerPool<Question, Answer> {
    pub(super) fn is_well(&self, now: Instant) -> bool {
        let now = self.millis(now);
        !self.slots.iter().any(|slot| slot.is_stuck(now))
    }

    /// Puts other threads where some are stuck or have died, unless another caller is doing so. Tells whether there is
    /// hope for an answer.
    ///
    /// The callers that ask look after this, so that no thread is needed that only watches.
    pub(super) fn can_work_after_replacing(self: &Arc<Self>, now: Instant) -> bool {
        let Ok(_replacing) = self.replacing.try_lock() else { return true };
        let now = self.millis(now);
        for (place, slot) in self.slots.iter().enumerate() {
            if slot.is_stuck(now) {
                self.replace(place, slot);
            }
        }
        !self.slots.iter().all(|slot| slot.is_stuck(now))
    }

    fn replace(self: &Arc<Self>, place: usize, slot: &WorkerSlot) {
        let lane = self.settings.name;
        let has_died = slot.stuck_from.load(Ordering::Acquire) == DEAD;
        if !has_died {
            if self.abandoned.load(Ordering::Acquire) >= MOST_ABANDONED {
                return;
            }
            // Before the slot is taken away: the thread takes itself off this count as soon as it notices.
            self.abandoned.fetch_add(1, Ordering::AcqRel);
        }
        let generation = {
            // What it was busy with no longer counts for whose turn it is.
            let mut queue = self.queue();
            let served = queue.give_back(place, LONGEST_SILENCE, Duration::ZERO);
            let generation = slot.generation.fetch_add(1, Ordering::AcqRel).wrapping_add(1);
            drop(queue);
            self.leave(&served);
            generation
        };
        slot.stuck_from.store(IDLE, Ordering::Release);
        self.metrics.replaced.inc();
        tracing::error!(lane, has_died, "a thread of a lane did not answer any more, and was replaced");
        if let Err(error) = self.fill(place, generation) {
            tracing::error!(lane, %error, "the operating system cannot start a thread");
            slot.stuck_from.store(DEAD, Ordering::Release);
        }
    }

    /// Starts a thread for a slot.
    pub(super) fn fill(self: &Arc<Self>, place: usize, generation: u32) -> io::Result<()> {
        let pool = Arc::clone(self);
        thread::Builder::new().name(self.settings.name.to_owned()).spawn(move || pool.work(place, generation))?;
        Ok(())
    }

    /// The life of a thread: it answers until the lane is dropped, or until it has lost its slot.
    fn work(&self, place: usize, generation: u32) {
        let slot = &self.slots[place];
        let _exit = ExitGuard { slot, generation, abandoned: &self.abandoned };
        while let Some(batch) = self.next_batch(place, generation) {
            let now = Instant::now();
            // When the last of its callers has gone.
            let end = batch.iter().map(|waiting| waiting.until).max().unwrap_or(now);
            let stuck_from = self.millis(end.min(now + LONGEST_SILENCE));
            slot.stuck_from.store(stuck_from, Ordering::Release);
            let busy_before = self.membership.busy_time();
            self.answer(batch, now);
            let busy = self.membership.busy_time().saturating_sub(busy_before);
            // Not if another thread works here: what is noted then is about that one.
            let _ = slot.stuck_from.compare_exchange(stuck_from, IDLE, Ordering::AcqRel, Ordering::Acquire);
            let took = now.elapsed();
            let mut queue = self.queue();
            let served = if slot.belongs_to(generation) { queue.give_back(place, took, busy) } else { Vec::new() };
            drop(queue);
            self.leave(&served);
        }
    }

    fn leave(&self, served: &[Served]) {
        let pauses: Duration = served.iter().map(|served| self.membership.leave(served)).sum();
        if !pauses.is_zero() {
            self.metrics.paused.inc_by(pauses.as_secs_f64());
        }
    }
}
