//! The threads of a lane: they take what waits and answer it, and others take the seats of those that are stuck or have died.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use std::{io, thread};

use super::{LaneSettings, Waiting};
use crate::metrics::LaneMetrics;

/// How many threads of a lane may be given up and still be there. Each may hold a connection to the database.
pub(super) const MOST_GIVEN_UP: usize = 4;

/// When a thread that has a batch is replaced though somebody may still wait for it. What it does goes on; if the database does
/// not answer any more, others find another one meanwhile.
const LONGEST_SILENCE: Duration = Duration::from_secs(5);

/// One answer per question, in their order.
type AnswerAll<Question, Answer> = Box<dyn Fn(Vec<Question>) -> Vec<Answer> + Send + Sync>;

/// What the threads of a lane share.
pub(super) struct Crew<Question, Answer> {
    pub(super) settings: LaneSettings,
    pub(super) metrics: LaneMetrics,
    waiting: Mutex<Receiver<Waiting<Question, Answer>>>,
    answer_all: AnswerAll<Question, Answer>,
    /// What the times in the seats are counted from.
    began: Instant,
    /// When the queue was empty the last time, in milliseconds.
    empty_at: AtomicU64,
    /// One for each thread that is to answer.
    seats: Box<[Seat]>,
    /// How many threads have lost their seat, and are still busy.
    pub(super) given_up: AtomicUsize,
    /// Held by whoever replaces threads.
    replacing: Mutex<()>,
}

/// The place of a thread, which another one takes when it is stuck or has died.
///
/// A thread counts as stuck once it has been with a batch for longer than the lane's deadline, when nobody waits for it any more, or
/// than [`LONGEST_SILENCE`]: what it waits for is beyond the time-outs of the database, a server that is frozen for instance.
#[derive(Default)]
struct Seat {
    /// Which thread sits here, counted from the first one.
    turn: AtomicU32,
    /// From when on it counts as stuck, in milliseconds, or [`IDLE`], or [`DEAD`].
    stuck_from: AtomicU64,
}

/// Nothing is being answered.
const IDLE: u64 = 0;
/// The thread has died: a time that has always passed.
const DEAD: u64 = 1;

impl Seat {
    fn is_stuck(&self, now: u64) -> bool {
        let from = self.stuck_from.load(Ordering::Acquire);
        from != IDLE && from <= now
    }

    fn belongs_to(&self, turn: u32) -> bool {
        self.turn.load(Ordering::Acquire) == turn
    }
}

impl<Question: Send + 'static, Answer: Send + 'static> Crew<Question, Answer> {
    /// Puts a thread on each seat.
    pub(super) fn start(
        settings: LaneSettings,
        metrics: LaneMetrics,
        waiting: Receiver<Waiting<Question, Answer>>,
        answer_all: AnswerAll<Question, Answer>,
    ) -> Arc<Self> {
        let crew = Arc::new(Self {
            settings,
            metrics,
            waiting: Mutex::new(waiting),
            answer_all,
            began: Instant::now(),
            empty_at: AtomicU64::new(0),
            seats: (0..settings.threads).map(|_| Seat::default()).collect(),
            given_up: AtomicUsize::new(0),
            replacing: Mutex::new(()),
        });
        for place in 0..settings.threads {
            crew.seat(place, 0).expect("the operating system can start a thread");
        }
        crew
    }

    /// Milliseconds, beginning above [`DEAD`].
    fn millis(&self, now: Instant) -> u64 {
        u64::try_from(now.saturating_duration_since(self.began).as_millis())
            .unwrap_or(u64::MAX)
            .saturating_add(DEAD + 1)
    }

    /// Whether more is asked than can be answered. Whoever asks when nobody waits sees to it that this begins anew.
    pub(super) fn is_overloaded(&self, now: Instant) -> bool {
        let waiting = self.metrics.queue_length.get();
        if waiting <= 0 {
            self.empty_at.store(self.millis(now), Ordering::Relaxed);
        }
        self.is_crowded() && {
            let empty_at = Duration::from_millis(self.empty_at.load(Ordering::Relaxed));
            Duration::from_millis(self.millis(now)).saturating_sub(empty_at) >= self.settings.burst
        }
    }

    /// Whether more wait than may for longer than a burst.
    fn is_crowded(&self) -> bool {
        usize::try_from(self.metrics.queue_length.get()).is_ok_and(|waiting| waiting >= self.settings.steady)
    }

    pub(super) fn is_well(&self, now: Instant) -> bool {
        let now = self.millis(now);
        !self.seats.iter().any(|seat| seat.is_stuck(now))
    }

    /// Puts other threads where some are stuck or have died, unless somebody does already. Whether there is hope for an answer.
    ///
    /// Whoever asks looks after this, so that no thread is needed that only watches.
    pub(super) fn can_work_after_replacing(self: &Arc<Self>, now: Instant) -> bool {
        let Ok(_replacing) = self.replacing.try_lock() else { return true };
        let now = self.millis(now);
        for (place, seat) in self.seats.iter().enumerate() {
            if seat.is_stuck(now) {
                self.replace(place, seat);
            }
        }
        !self.seats.iter().all(|seat| seat.is_stuck(now))
    }

    fn replace(self: &Arc<Self>, place: usize, seat: &Seat) {
        let lane = self.settings.name;
        let has_died = seat.stuck_from.load(Ordering::Acquire) == DEAD;
        if !has_died {
            if self.given_up.load(Ordering::Acquire) >= MOST_GIVEN_UP {
                return;
            }
            // Before the seat is taken away: the thread takes itself off this count as soon as it notices.
            self.given_up.fetch_add(1, Ordering::AcqRel);
        }
        let turn = seat.turn.fetch_add(1, Ordering::AcqRel).wrapping_add(1);
        seat.stuck_from.store(IDLE, Ordering::Release);
        self.metrics.replaced.inc();
        tracing::error!(lane, has_died, "a thread of a lane did not answer any more, and was replaced");
        if let Err(error) = self.seat(place, turn) {
            tracing::error!(lane, %error, "the operating system cannot start a thread");
            seat.stuck_from.store(DEAD, Ordering::Release);
        }
    }

    /// Starts a thread for a seat.
    fn seat(self: &Arc<Self>, place: usize, turn: u32) -> io::Result<()> {
        let crew = Arc::clone(self);
        thread::Builder::new().name(self.settings.name.to_owned()).spawn(move || crew.work(place, turn))?;
        Ok(())
    }

    /// The life of a thread: it answers until the lane is dropped, or until it has lost its seat.
    fn work(&self, place: usize, turn: u32) {
        let seat = &self.seats[place];
        let _leave = Leave { seat, turn, given_up: &self.given_up };
        while seat.belongs_to(turn)
            && let Some(batch) = self.next_batch()
        {
            let now = Instant::now();
            let stuck_from = self.millis(now + self.settings.deadline.min(LONGEST_SILENCE));
            seat.stuck_from.store(stuck_from, Ordering::Release);
            self.answer(batch, now);
            // Not if another thread sits here: what is noted then is about that one.
            let _ = seat.stuck_from.compare_exchange(stuck_from, IDLE, Ordering::AcqRel, Ordering::Acquire);
        }
    }

    /// Waits for one question and takes those that wait behind it. `None` when the lane was dropped.
    fn next_batch(&self) -> Option<Vec<Waiting<Question, Answer>>> {
        let most = self.settings.batch;
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let mut batch = vec![waiting.recv().ok()?];
        if most > 1 {
            // On a busy machine whoever woke this thread has more to send: they come first, and the batch is larger for it.
            // On an idle one nobody wants the processor, and this returns at once.
            thread::yield_now();
        }
        while batch.len() < most
            && let Ok(next) = waiting.try_recv()
        {
            batch.push(next);
        }
        self.metrics.queue_length.sub(i64::try_from(batch.len()).unwrap_or(i64::MAX));
        if self.metrics.queue_length.get() <= 0 {
            self.empty_at.store(self.millis(Instant::now()), Ordering::Relaxed);
        }
        Some(batch)
    }

    fn answer(&self, batch: Vec<Waiting<Question, Answer>>, now: Instant) {
        let is_crowded = self.is_crowded();
        let (questions, callers): (Vec<_>, Vec<_>) = batch
            .into_iter()
            .filter(|waiting| waiting.until > now && !waiting.answer.is_closed())
            .filter_map(|waiting| {
                let waited = self.settings.deadline.saturating_sub(waiting.until.saturating_duration_since(now));
                if is_crowded && waited >= self.settings.burst {
                    // They have waited longest and would be answered too late to be of use, and those behind them, too.
                    let _ = waiting.answer.send(None);
                    return None;
                }
                self.metrics.waits.observe(waited.as_secs_f64());
                Some((waiting.question, waiting.answer))
            })
            .unzip();
        if questions.is_empty() {
            return;
        }
        #[expect(clippy::cast_precision_loss, reason = "a batch is small")]
        self.metrics.batch_sizes.observe(questions.len() as f64);
        // A panic costs these callers their answers, not the lane its thread.
        let Ok(answers) = catch_unwind(AssertUnwindSafe(|| (self.answer_all)(questions))) else {
            tracing::error!(lane = self.settings.name, "the work of a lane panicked");
            return;
        };
        for (caller, answer) in callers.into_iter().zip(answers) {
            // Whoever has gone does not need the answer.
            let _ = caller.send(Some(answer));
        }
    }
}

/// Says that a thread ends, however it ends.
struct Leave<'a> {
    seat: &'a Seat,
    turn: u32,
    given_up: &'a AtomicUsize,
}

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        if !self.seat.belongs_to(self.turn) {
            self.given_up.fetch_sub(1, Ordering::AcqRel);
        } else if thread::panicking() {
            self.seat.stuck_from.store(DEAD, Ordering::Release);
        }
    }
}
