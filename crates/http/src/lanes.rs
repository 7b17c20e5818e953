//! The one bridge from asynchronous handlers to the synchronous ports.
//!
//! A [`Lane`] is one thread, or a few, with a bounded queue. It takes one waiting question, and with it all others that
//! wait already, and answers them together: a batch costs about as much as a single question. Nobody waits for a batch
//! to fill. An idle lane answers at once, and under load batches form by themselves.
//!
//! The queue's bound is the overload control: when it is full, the caller is told at once; a question whose deadline has
//! passed is dropped before it costs anything. A burst may fill the queue; when it does not get empty any more, there is more to
//! do than can be done, and only few may wait, so that those who are answered are answered soon. A thread that is stuck or has died is replaced, and while that cannot be
//! done any more, callers are told at once, too.
//!
//! **Architecture invariant:** nothing else in this crate may block.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use std::{io, thread};

use tokio::sync::oneshot;

use crate::metrics::LaneMetrics;

/// How many threads of a lane may be given up and still be there. Each may hold a connection to the database.
const MOST_GIVEN_UP: usize = 4;

/// When a thread that has a batch is replaced though somebody may still wait for it. What it does goes on; if the database does
/// not answer any more, others find another one meanwhile.
const LONGEST_SILENCE: Duration = Duration::from_secs(5);

/// What a lane is like.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LaneSettings {
    /// Its name, for threads, logs and metrics.
    pub(crate) name: &'static str,
    /// How many threads answer.
    pub(crate) threads: usize,
    /// How many questions can wait, in a burst.
    pub(crate) queue: usize,
    /// How many can wait for longer than a burst.
    pub(crate) steady: usize,
    /// How long a burst is.
    pub(crate) burst: Duration,
    /// How many questions are answered together at the most.
    pub(crate) batch: usize,
    /// How long a caller waits at the most.
    pub(crate) deadline: Duration,
}

/// Why a lane gave no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LaneError {
    /// Too many wait already.
    #[error("too many requests are waiting")]
    Full,
    /// The deadline passed. Whether the work was done is not known.
    #[error("the answer did not come in time")]
    TimedOut,
    /// All threads are stuck, and no more can be started. The question was not asked.
    #[error("nothing is answered at the moment")]
    Stuck,
    /// The work panicked, or the lane has stopped.
    #[error("the answer was lost")]
    Lost,
}

/// A few threads that answer questions together.
pub(crate) struct Lane<Question, Answer> {
    queue: SyncSender<Waiting<Question, Answer>>,
    crew: Arc<Crew<Question, Answer>>,
}

struct Waiting<Question, Answer> {
    question: Question,
    /// `None` is a refusal: nothing was done.
    answer: oneshot::Sender<Option<Answer>>,
    until: Instant,
}

impl<Question: Send + 'static, Answer: Send + 'static> Lane<Question, Answer> {
    /// Starts the threads. `answer_all` gives one answer per question, in their order. The threads end when the lane is
    /// dropped and its last question is answered.
    ///
    /// # Panics
    /// When the operating system cannot start a thread.
    pub(crate) fn start(
        settings: LaneSettings,
        metrics: LaneMetrics,
        answer_all: impl Fn(Vec<Question>) -> Vec<Answer> + Send + Sync + 'static,
    ) -> Self {
        let (queue, waiting) = sync_channel(settings.queue);
        let crew = Arc::new(Crew {
            settings,
            metrics,
            waiting: Mutex::new(waiting),
            answer_all: Box::new(answer_all),
            began: Instant::now(),
            empty_at: AtomicU64::new(0),
            seats: (0..settings.threads).map(|_| Seat::default()).collect(),
            given_up: AtomicUsize::new(0),
            replacing: Mutex::new(()),
        });
        for place in 0..settings.threads {
            crew.seat(place, 0).expect("the operating system can start a thread");
        }
        Self { queue, crew }
    }

    /// Notes that somebody is refused because too many wait.
    fn refuse(&self) -> LaneError {
        self.crew.metrics.shed_full.inc();
        LaneError::Full
    }

    /// Asks, and waits for the answer until the lane's deadline.
    pub(crate) async fn ask(&self, question: Question) -> Result<Answer, LaneError> {
        let metrics = &self.crew.metrics;
        let now = Instant::now();
        if !self.crew.is_well(now) && !self.crew.can_work_after_replacing(now) {
            metrics.shed_stuck.inc();
            return Err(LaneError::Stuck);
        }
        if self.crew.is_overloaded(now) {
            return Err(self.refuse());
        }
        let (answer, answered) = oneshot::channel();
        let deadline = self.crew.settings.deadline;
        let until = now + deadline;
        self.queue.try_send(Waiting { question, answer, until }).map_err(|error| match error {
            TrySendError::Full(_) => self.refuse(),
            TrySendError::Disconnected(_) => LaneError::Lost,
        })?;
        metrics.queue_length.inc();
        match tokio::time::timeout(deadline, answered).await {
            Ok(Ok(Some(answer))) => Ok(answer),
            Ok(Ok(None)) => Err(self.refuse()),
            Ok(Err(_)) if Instant::now() < until => Err(LaneError::Lost),
            Ok(Err(_)) | Err(_) => {
                metrics.shed_deadline.inc();
                Err(LaneError::TimedOut)
            }
        }
    }
}

/// What the threads of a lane share.
struct Crew<Question, Answer> {
    settings: LaneSettings,
    metrics: LaneMetrics,
    waiting: Mutex<Receiver<Waiting<Question, Answer>>>,
    answer_all: Box<dyn Fn(Vec<Question>) -> Vec<Answer> + Send + Sync>,
    /// What the times in the seats are counted from.
    began: Instant,
    /// When the queue was empty the last time, in milliseconds.
    empty_at: AtomicU64,
    /// One for each thread that is to answer.
    seats: Box<[Seat]>,
    /// How many threads have lost their seat, and are still busy.
    given_up: AtomicUsize,
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
    /// Milliseconds, beginning above [`DEAD`].
    fn millis(&self, now: Instant) -> u64 {
        u64::try_from(now.saturating_duration_since(self.began).as_millis())
            .unwrap_or(u64::MAX)
            .saturating_add(DEAD + 1)
    }

    /// Whether more is asked than can be answered. Whoever asks when nobody waits sees to it that this begins anew.
    fn is_overloaded(&self, now: Instant) -> bool {
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

    fn is_well(&self, now: Instant) -> bool {
        let now = self.millis(now);
        !self.seats.iter().any(|seat| seat.is_stuck(now))
    }

    /// Puts other threads where some are stuck or have died, unless somebody does already. Whether there is hope for an answer.
    ///
    /// Whoever asks looks after this, so that no thread is needed that only watches.
    fn can_work_after_replacing(self: &Arc<Self>, now: Instant) -> bool {
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

/// A lane for work that cannot be batched: each question is the work itself.
pub(crate) struct WorkLane(Lane<Work, ()>);

type Work = Box<dyn FnOnce() + Send>;

impl WorkLane {
    /// Starts the threads.
    #[must_use]
    pub(crate) fn start(settings: LaneSettings, metrics: LaneMetrics) -> Self {
        Self(Lane::start(LaneSettings { batch: 1, ..settings }, metrics, |works: Vec<Work>| {
            works.into_iter().map(|work| work()).collect()
        }))
    }

    /// Notes that somebody is refused because too many wait, if not in the queue, then before it.
    pub(crate) fn refuse(&self) -> LaneError {
        self.0.refuse()
    }

    /// Does the work on the lane, and waits for what it gives.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, LaneError> {
        let (result, done) = oneshot::channel();
        self.0
            .ask(Box::new(move || {
                // Whoever has gone does not need the result.
                let _ = result.send(work());
            }))
            .await?;
        done.await.map_err(|_| LaneError::Lost)
    }
}

#[cfg(test)]
mod tests;
