//! The one bridge from asynchronous handlers to the synchronous ports.
//!
//! A [`Lane`] is one thread, or a few, with a bounded queue. It takes one waiting question, and with it all others that
//! wait already, and answers them together: a batch costs about as much as a single question. Nobody waits for a batch
//! to fill. An idle lane answers at once, and under load batches form by themselves.
//!
//! The queue's bound is the overload control: when it is full, the caller is told at once; a question whose deadline has
//! passed is dropped before it costs anything.
//!
//! **Architecture invariant:** nothing else in this crate may block.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use prometheus::Histogram;
use tokio::sync::oneshot;

/// What a lane is like.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LaneSettings {
    /// Its name, for threads and logs.
    pub(crate) name: &'static str,
    /// How many threads answer.
    pub(crate) threads: usize,
    /// How many questions can wait.
    pub(crate) queue: usize,
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
    /// The work panicked, or the lane has stopped.
    #[error("the answer was lost")]
    Lost,
}

/// A few threads that answer questions together.
pub(crate) struct Lane<Question, Answer> {
    queue: SyncSender<Waiting<Question, Answer>>,
    deadline: Duration,
}

struct Waiting<Question, Answer> {
    question: Question,
    answer: oneshot::Sender<Answer>,
    until: Instant,
}

impl<Question: Send + 'static, Answer: Send + 'static> Lane<Question, Answer> {
    /// Starts the threads. `answer_all` gives one answer per question, in their order; `batch_sizes` takes how many were
    /// answered together. The threads end when the lane is dropped and its last question is answered.
    ///
    /// # Panics
    /// When the operating system cannot start a thread.
    pub(crate) fn start(
        settings: LaneSettings,
        batch_sizes: &Histogram,
        answer_all: impl Fn(Vec<Question>) -> Vec<Answer> + Send + Sync + 'static,
    ) -> Self {
        let (queue, waiting) = sync_channel(settings.queue);
        let waiting = Arc::new(Mutex::new(waiting));
        let answer_all = Arc::new(answer_all);
        for _ in 0..settings.threads {
            let waiting = Arc::clone(&waiting);
            let answer_all = Arc::clone(&answer_all);
            let batch_sizes = batch_sizes.clone();
            thread::Builder::new()
                .name(settings.name.to_owned())
                .spawn(move || {
                    while let Some(batch) = next_batch(&waiting, settings.batch) {
                        answer_batch(settings.name, &batch_sizes, batch, &*answer_all);
                    }
                })
                .expect("the operating system can start a thread");
        }
        Self { queue, deadline: settings.deadline }
    }

    /// Asks, and waits for the answer until the lane's deadline.
    pub(crate) async fn ask(&self, question: Question) -> Result<Answer, LaneError> {
        let (answer, answered) = oneshot::channel();
        let until = Instant::now() + self.deadline;
        self.queue.try_send(Waiting { question, answer, until }).map_err(|error| match error {
            TrySendError::Full(_) => LaneError::Full,
            TrySendError::Disconnected(_) => LaneError::Lost,
        })?;
        match tokio::time::timeout(self.deadline, answered).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) if Instant::now() >= until => Err(LaneError::TimedOut),
            Ok(Err(_)) => Err(LaneError::Lost),
            Err(_) => Err(LaneError::TimedOut),
        }
    }
}

/// Waits for one question and takes those that wait behind it. `None` when the lane was dropped.
fn next_batch<Q, A>(waiting: &Mutex<Receiver<Waiting<Q, A>>>, most: usize) -> Option<Vec<Waiting<Q, A>>> {
    let waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
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
    Some(batch)
}

fn answer_batch<Q, A>(
    name: &str,
    batch_sizes: &Histogram,
    batch: Vec<Waiting<Q, A>>,
    answer_all: &(impl Fn(Vec<Q>) -> Vec<A> + Sync),
) {
    let now = Instant::now();
    let (questions, callers): (Vec<_>, Vec<_>) = batch
        .into_iter()
        .filter(|waiting| waiting.until > now && !waiting.answer.is_closed())
        .map(|waiting| (waiting.question, waiting.answer))
        .unzip();
    if questions.is_empty() {
        return;
    }
    #[expect(clippy::cast_precision_loss, reason = "a batch is small")]
    batch_sizes.observe(questions.len() as f64);
    // A panic costs these callers their answers, not the lane its thread.
    let Ok(answers) = catch_unwind(AssertUnwindSafe(|| answer_all(questions))) else {
        tracing::error!(lane = name, "the work of a lane panicked");
        return;
    };
    for (caller, answer) in callers.into_iter().zip(answers) {
        // Whoever has gone does not need the answer.
        let _ = caller.send(answer);
    }
}

/// A lane for work that cannot be batched: each question is the work itself.
pub(crate) struct WorkLane(Lane<Work, ()>);

type Work = Box<dyn FnOnce() + Send>;

impl WorkLane {
    /// Starts the threads.
    #[must_use]
    pub(crate) fn start(settings: LaneSettings, batch_sizes: &Histogram) -> Self {
        Self(Lane::start(LaneSettings { batch: 1, ..settings }, batch_sizes, |works: Vec<Work>| {
            works.into_iter().map(|work| work()).collect()
        }))
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
mod tests {
    use std::sync::mpsc;

    use super::*;

    const SETTINGS: LaneSettings =
        LaneSettings { name: "test", threads: 1, queue: 4, batch: 3, deadline: Duration::from_secs(20) };

    #[actix_web::test]
    async fn what_waits_is_answered_together_up_to_the_size_of_a_batch() {
        let (open, gate) = mpsc::channel::<()>();
        let gate = Mutex::new(gate);
        let sizes = sizes();
        let lane = Lane::start(SETTINGS, &sizes, move |questions: Vec<u32>| {
            gate.lock().unwrap().recv().unwrap();
            let size = questions.len();
            questions.into_iter().map(|question| (question, size)).collect()
        });
        let first = lane.ask(1);
        futures_util::pin_mut!(first);
        // Sent when first polled; the lane takes it and waits at the gate.
        assert!(futures_util::poll!(&mut first).is_pending());
        while lane.queue.try_send(dead()).is_ok() {
            // Fills what is left of the queue; the entry that the lane takes leaves a place, so this ends when the lane
            // is at the gate and the queue is full.
        }
        assert_eq!(lane.ask(9).await, Err(LaneError::Full));
        for _ in 0..8 {
            open.send(()).unwrap();
        }
        assert_eq!(first.await, Ok((1, 1)));
        let (a, b) = futures_util::join!(lane.ask(2), lane.ask(3));
        assert_eq!((a.unwrap().0, b.unwrap().0), (2, 3));
        assert!(sizes.get_sample_count() >= 2);
        assert_eq!(sizes.get_sample_sum().to_bits(), 3_f64.to_bits(), "whoever has gone is not counted");
    }

    fn sizes() -> Histogram {
        Histogram::with_opts(prometheus::HistogramOpts::new("batch_size", "How many.")).unwrap()
    }

    /// A question whose caller has gone.
    fn dead() -> Waiting<u32, (u32, usize)> {
        Waiting { question: 0, answer: oneshot::channel().0, until: Instant::now() + Duration::from_secs(20) }
    }

    #[actix_web::test]
    async fn a_panic_loses_the_answer_and_not_the_lane() {
        let lane = WorkLane::start(SETTINGS, &sizes());
        assert_eq!(lane.run(|| -> u32 { panic!("on purpose") }).await, Err(LaneError::Lost));
        assert_eq!(lane.run(|| 7).await, Ok(7));
    }

    #[actix_web::test]
    async fn a_passed_deadline_is_told_and_the_question_costs_nothing() {
        let lane =
            Lane::start(LaneSettings { deadline: Duration::ZERO, ..SETTINGS }, &sizes(), |_: Vec<u32>| -> Vec<u32> {
                unreachable!("nobody waits any more")
            });
        assert_eq!(lane.ask(1).await, Err(LaneError::TimedOut));
    }
}
