//! The threads of a lane: they take what waits and answer it. Other threads take the slots of threads that are stuck or
//! have died.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};
use std::{io, thread};

use super::limit::{Membership, TenantLimit};
use super::turns::{Behind, Fate, Shares, Taken, Turns};
use super::{LaneSettings, Tenant, Waiting};
use crate::metrics::LaneMetrics;

/// How many threads of a lane may be given up and still be there. Each may hold a connection to the database.
pub(super) const MOST_ABANDONED: usize = 4;

/// When a thread that has a batch is replaced though a caller may still wait for it. What it does goes on. If the
/// database does not answer any more, the other threads find another database meanwhile.
const LONGEST_SILENCE: Duration = Duration::from_secs(5);

/// How soon a thread looks again that finds nothing it may answer, though something waits: places are given up, and others go, in
/// other lanes.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// One answer per question, in their order.
type AnswerAll<Question, Answer> = Box<dyn Fn(Vec<Question>) -> Vec<Answer> + Send + Sync>;

/// What the threads of a lane share.
pub(super) struct WorkerPool<Question, Answer> {
    pub(super) settings: LaneSettings,
    pub(super) metrics: LaneMetrics,
    queue: Mutex<Queue<Question, Answer>>,
    /// Told when there is something to do.
    called: Condvar,
    answer_all: AnswerAll<Question, Answer>,
    /// What tenants have of all lanes together.
    membership: Membership,
    /// What the times in the seats are counted from.
    began: Instant,
    /// One for each thread that is to answer.
    slots: Box<[WorkerSlot]>,
    /// How many threads have lost their seat, and are still busy.
    pub(super) abandoned: AtomicUsize,
    /// Held by the thread that replaces others.
    replacing: Mutex<()>,
}

/// What waits, and what the threads are busy with.
struct Queue<Question, Answer> {
    turns: Turns<Waiting<Question, Answer>>,
    /// For each seat, whose questions are being answered there.
    held: Box<[Option<Shares>]>,
    /// How many threads wait to be called.
    sleeping: usize,
    /// When nothing waited the last time.
    empty_at: Instant,
    is_closed: bool,
}

impl<Question, Answer> Queue<Question, Answer> {
    /// Whether all threads but the one that asks are busy.
    fn is_last_free(&self) -> bool {
        // No tenant comes any more for which a thread would have to be kept free.
        !self.is_closed && self.held.len() > 1 && self.held.iter().filter(|held| held.is_none()).count() <= 1
    }

    /// The thread of that slot is done; returns the tenants that it has served.
    fn give_back(&mut self, place: usize, took: Duration) -> Vec<Tenant> {
        let Some(shares) = self.held[place].take() else { return Vec::new() };
        let tenants = shares.tenants().collect();
        self.turns.charge(shares, took);
        tenants
    }
}

/// The slot of a thread, which another one takes when it is stuck or has died.
///
/// A thread counts as stuck once it has been with a batch for longer than the lane's deadline, when no caller waits for
/// it any more, or than [`LONGEST_SILENCE`]: what it waits for is beyond the time-outs of the database, a server that
/// is frozen for instance.
#[derive(Default)]
struct WorkerSlot {
    /// Which thread works here, counted from the first one.
    generation: AtomicU32,
    /// From when on it counts as stuck, in milliseconds, or [`IDLE`], or [`DEAD`].
    stuck_from: AtomicU64,
}

/// Nothing is being answered.
const IDLE: u64 = 0;
/// The thread has died: a time that has always passed.
const DEAD: u64 = 1;

impl WorkerSlot {
    fn is_stuck(&self, now: u64) -> bool {
        let from = self.stuck_from.load(Ordering::Acquire);
        from != IDLE && from <= now
    }

    fn belongs_to(&self, generation: u32) -> bool {
        self.generation.load(Ordering::Acquire) == generation
    }
}

impl<Question: Send + 'static, Answer: Send + 'static> WorkerPool<Question, Answer> {
    /// Puts a thread on each seat.
    pub(super) fn start(
        settings: LaneSettings,
        metrics: LaneMetrics,
        limit: &Arc<TenantLimit>,
        answer_all: AnswerAll<Question, Answer>,
    ) -> Arc<Self> {
        let began = Instant::now();
        let queue = Queue {
            turns: Turns::new(),
            held: (0..settings.threads).map(|_| None).collect(),
            sleeping: 0,
            empty_at: began,
            is_closed: false,
        };
        let pool = Arc::new_cyclic(|pool: &Weak<Self>| Self {
            settings,
            metrics,
            queue: Mutex::new(queue),
            called: Condvar::new(),
            answer_all,
            membership: if settings.threads == 1 {
                limit.watch()
            } else {
                let pool = pool.clone();
                limit.join(move || pool.upgrade().iter().for_each(|pool| pool.look_again()))
            },
            began,
            slots: (0..settings.threads).map(|_| WorkerSlot::default()).collect(),
            abandoned: AtomicUsize::new(0),
            replacing: Mutex::new(()),
        });
        for place in 0..settings.threads {
            pool.fill(place, 0).expect("the operating system can start a thread");
        }
        pool
    }

    /// Milliseconds, beginning above [`DEAD`].
    fn millis(&self, now: Instant) -> u64 {
        u64::try_from(now.saturating_duration_since(self.began).as_millis())
            .unwrap_or(u64::MAX)
            .saturating_add(DEAD + 1)
    }

    fn queue(&self) -> MutexGuard<'_, Queue<Question, Answer>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn show(&self, queue: &Queue<Question, Answer>) {
        self.metrics.queue_length.set(i64::try_from(queue.turns.waiting()).unwrap_or(i64::MAX));
        self.metrics.waiting_tenants.set(i64::try_from(queue.turns.tenants()).unwrap_or(i64::MAX));
    }

    /// Has a question wait. When too many do, one is refused: this one, or one of a tenant that has more of them.
    pub(super) fn line_up(&self, tenant: Tenant, waiting: Waiting<Question, Answer>, now: Instant) {
        self.membership.note(tenant, now);
        let mut queue = self.queue();
        if queue.turns.waiting() == 0 {
            queue.empty_at = now;
        }
        let is_burst = now.saturating_duration_since(queue.empty_at) < self.settings.burst;
        let most = if is_burst { self.settings.queue } else { self.settings.steady.min(self.settings.queue) };
        let refused = queue.turns.push(tenant, waiting, most).err();
        self.show(&queue);
        let is_anybody_free = queue.sleeping > 0;
        drop(queue);
        if is_anybody_free {
            self.called.notify_one();
        }
        if let Some(refused) = refused {
            let _ = refused.answer.send(None);
        }
    }

    /// Has a thread look again, if one sleeps.
    fn look_again(&self) {
        // A thread that has just looked and found nothing is asleep when this lock is free.
        if self.queue().sleeping > 0 {
            self.called.notify_one();
        }
    }

    /// Nothing more will be asked.
    pub(super) fn close(&self) {
        self.queue().is_closed = true;
        self.called.notify_all();
    }

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
            // Before the seat is taken away: the thread takes itself off this count as soon as it notices.
            self.abandoned.fetch_add(1, Ordering::AcqRel);
        }
        let generation = {
            // What it was busy with no longer counts for whose turn it is.
            let mut queue = self.queue();
            let tenants = queue.give_back(place, LONGEST_SILENCE);
            let generation = slot.generation.fetch_add(1, Ordering::AcqRel).wrapping_add(1);
            drop(queue);
            for tenant in tenants {
                self.membership.leave(tenant, LONGEST_SILENCE);
            }
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

    /// Starts a thread for a seat.
    fn fill(self: &Arc<Self>, place: usize, generation: u32) -> io::Result<()> {
        let pool = Arc::clone(self);
        thread::Builder::new().name(self.settings.name.to_owned()).spawn(move || pool.work(place, generation))?;
        Ok(())
    }

    /// The life of a thread: it answers until the lane is dropped, or until it has lost its seat.
    fn work(&self, place: usize, generation: u32) {
        let slot = &self.slots[place];
        let _exit = ExitGuard { slot, generation, abandoned: &self.abandoned };
        while let Some(batch) = self.next_batch(place, generation) {
            let now = Instant::now();
            // When the last of its callers has gone.
            let end = batch.iter().map(|waiting| waiting.until).max().unwrap_or(now);
            let stuck_from = self.millis(end.min(now + LONGEST_SILENCE));
            slot.stuck_from.store(stuck_from, Ordering::Release);
            self.answer(batch, now);
            // Not if another thread sits here: what is noted then is about that one.
            let _ = slot.stuck_from.compare_exchange(stuck_from, IDLE, Ordering::AcqRel, Ordering::Acquire);
            let took = now.elapsed();
            let mut queue = self.queue();
            let tenants = if slot.belongs_to(generation) { queue.give_back(place, took) } else { Vec::new() };
            drop(queue);
            for tenant in tenants {
                self.membership.leave(tenant, took);
            }
        }
    }

    /// Waits for one question and takes those that wait beside it. `None` when the lane was dropped, or the slot was
    /// lost.
    fn next_batch(&self, place: usize, generation: u32) -> Option<Vec<Waiting<Question, Answer>>> {
        let most = self.settings.batch;
        let mut has_let_others_come = most == 1;
        let mut queue = self.queue();
        while self.slots[place].belongs_to(generation) {
            if !queue.turns.can_take(queue.is_last_free(), &self.membership) {
                if queue.is_closed && queue.turns.waiting() == 0 {
                    break;
                }
                queue.sleeping += 1;
                queue = if queue.turns.waiting() == 0 {
                    self.called.wait(queue).unwrap_or_else(PoisonError::into_inner)
                } else {
                    self.called.wait_timeout(queue, LOOK_AGAIN).unwrap_or_else(PoisonError::into_inner).0
                };
                queue.sleeping -= 1;
            } else if !has_let_others_come {
                // On a busy machine the thread that woke this one has more to send: its questions come first, and the
                // batch is larger for it. On an idle machine no other thread wants the processor, and this returns at
                // once.
                has_let_others_come = true;
                drop(queue);
                thread::yield_now();
                queue = self.queue();
            } else {
                let now = Instant::now();
                let is_last_free = queue.is_last_free();
                let Taken { questions, dropped, shares } =
                    queue
                        .turns
                        .take(most, is_last_free, &self.membership, |waiting, behind| self.judge(waiting, behind, now));
                if queue.turns.waiting() == 0 {
                    queue.empty_at = now;
                }
                self.show(&queue);
                if !questions.is_empty() {
                    queue.held[place] = Some(shares);
                }
                drop(queue);
                // Callers whose deadline has passed are not refused, and callers that have gone hear nothing.
                for refused in dropped.into_iter().filter(|waiting| waiting.until > now) {
                    let _ = refused.answer.send(None);
                }
                if !questions.is_empty() {
                    return Some(questions);
                }
                queue = self.queue();
            }
        }
        None
    }

    fn judge(&self, waiting: &Waiting<Question, Answer>, behind: Behind, now: Instant) -> Fate {
        if waiting.until <= now || waiting.answer.is_closed() {
            return Fate::Drop;
        }
        let steady = self.settings.steady;
        // A tenant that has no more than its part is not in the way of others.
        let is_crowd = behind.all >= steady && behind.line * behind.tenants >= steady;
        if is_crowd && self.waited(waiting, now) >= self.settings.burst {
            // It has waited longest and would be answered too late to be of use, and those behind it, too.
            return Fate::Drop;
        }
        Fate::Answer
    }

    fn waited(&self, waiting: &Waiting<Question, Answer>, now: Instant) -> Duration {
        self.settings.deadline.saturating_sub(waiting.until.saturating_duration_since(now))
    }

    fn answer(&self, batch: Vec<Waiting<Question, Answer>>, now: Instant) {
        let (questions, callers): (Vec<_>, Vec<_>) = batch
            .into_iter()
            .map(|waiting| {
                self.metrics.waits.observe(self.waited(&waiting, now).as_secs_f64());
                (waiting.question, waiting.answer)
            })
            .unzip();
        #[expect(clippy::cast_precision_loss, reason = "a batch is small")]
        self.metrics.batch_sizes.observe(questions.len() as f64);
        // A panic costs these callers their answers, not the lane its thread.
        let Ok(answers) = catch_unwind(AssertUnwindSafe(|| (self.answer_all)(questions))) else {
            tracing::error!(lane = self.settings.name, "the work of a lane panicked");
            return;
        };
        for (caller, answer) in callers.into_iter().zip(answers) {
            // A caller that has gone does not need the answer.
            let _ = caller.send(Some(answer));
        }
    }
}

/// Says that a thread ends, however it ends.
struct ExitGuard<'a> {
    slot: &'a WorkerSlot,
    generation: u32,
    abandoned: &'a AtomicUsize,
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
