//! The one bridge from asynchronous handlers to the synchronous ports: a bulkhead with micro-batching.
//!
//! Each kind of work has threads and a bounded queue of its own (a bulkhead), so that no kind fills what another one
//! needs. [`pool`] is the queue, [`batching`] takes and answers what waits, [`overload`] refuses what is too much,
//! [`supervision`] replaces threads that are stuck, [`turns`] shares a lane between tenants, and [`limit`] all lanes,
//! with [`share`] where there are few processors.
//! [`work`] is for what cannot be batched: there only those are answered together who ask the same.
//!
//! A [`Lane`] is one thread, or a few, with a bounded queue. It takes one waiting question, and with it all others that
//! wait already, and answers them together: a batch costs about as much as a single question. No caller waits for a
//! batch to fill. An idle lane answers at once, and under load batches form by themselves.
//!
//! Every question is some [`Tenant`]'s. Tenants take [turns](turns) by how long they were served of late, so that no
//! tenant waits for the crowd of another one. A lane of several threads keeps one free for tenants that have none.
//!
//! The queue's bound is the overload control. When it is full, the tenant with the most questions in it loses one, and
//! its caller is told at once. A question whose deadline has passed is dropped before it costs anything. A burst may
//! fill the queue. When the queue does not get empty any more, there is more to do than can be done: then only few
//! questions may wait, so that they are answered soon. A thread that is stuck or has died is replaced, and while that
//! cannot be done any more, callers are told at once, too.
//!
//! **Architecture invariant:** nothing else in this crate may block.

mod batching;
mod limit;
mod overload;
mod pool;
mod share;
mod slot;
mod supervision;
mod tenant;
mod turns;
mod work;

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::metrics::LaneMetrics;
use limit::Open;
pub(crate) use limit::TenantLimit;
use pool::{IsSame, WorkerPool};
pub use share::TenantShare;
pub(crate) use tenant::Tenant;
pub(crate) use work::{Done, WorkLane};

/// How often a waiting caller checks that the threads are well.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What a lane is like.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LaneSettings {
    /// Its name, for threads, logs and metrics.
    pub(crate) name: &'static str,
    /// How many threads answer.
    pub(crate) threads: usize,
    /// How many of them are kept free for tenants that no other thread is busy with: one tenant has the rest at the
    /// most. A single thread is not kept free.
    pub(crate) kept_free: usize,
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
pub(crate) struct Lane<Question: Send + 'static, Answer: Send + 'static> {
    pool: Arc<WorkerPool<Question, Answer>>,
}

struct Waiting<Question, Answer> {
    /// Where it is counted as one of its tenant's. Before the answer, since fields are dropped in this order: who asks
    /// for the next thing has the answer to this one.
    open: Option<Open>,
    question: Question,
    /// `None` is a refusal: nothing was done.
    answer: oneshot::Sender<Option<Answer>>,
    until: Instant,
}

impl<Question, Answer> Waiting<Question, Answer> {
    /// Tells the caller that nothing was done.
    fn refuse(self) {
        drop(self.open);
        let _ = self.answer.send(None);
    }

    /// Whether somebody still waits for the answer.
    fn is_of_use(&self, now: Instant) -> bool {
        self.until > now && !self.answer.is_closed()
    }
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
        limit: &Arc<TenantLimit>,
        answer_all: impl Fn(Vec<Question>) -> Vec<Answer> + Send + Sync + 'static,
    ) -> Self {
        Self { pool: WorkerPool::start(settings, metrics, limit, None, Box::new(answer_all)) }
    }

    /// The same where a question is answered together only with those that are the same as it and wait in its tenant's
    /// line. `answer_all` is given one question, or several that are the same.
    ///
    /// # Panics
    /// When the operating system cannot start a thread.
    fn start_sharing(
        settings: LaneSettings,
        metrics: LaneMetrics,
        limit: &Arc<TenantLimit>,
        is_same: IsSame<Question>,
        answer_all: impl Fn(Vec<Question>) -> Vec<Answer> + Send + Sync + 'static,
    ) -> Self {
        let settings = LaneSettings { batch: 1, ..settings };
        Self { pool: WorkerPool::start(settings, metrics, limit, Some(is_same), Box::new(answer_all)) }
    }

    /// Notes that a caller is refused because too many wait.
    fn refuse(&self) -> LaneError {
        self.pool.metrics.shed_full.inc();
        LaneError::Full
    }

    /// Asks for a tenant, and waits for the answer until the lane's deadline.
    pub(crate) async fn ask(&self, tenant: Tenant, question: Question) -> Result<Answer, LaneError> {
        let metrics = &self.pool.metrics;
        let now = Instant::now();
        if !self.pool.is_well(now) && !self.pool.can_work_after_replacing(now) {
            metrics.shed_stuck.inc();
            return Err(LaneError::Stuck);
        }
        let (answer, answered) = oneshot::channel();
        let deadline = self.pool.settings.deadline;
        let until = now + deadline;
        self.pool.line_up(tenant, Waiting { question, answer, until, open: None }, now);
        match self.wait(answered, deadline).await {
            Some(Ok(Some(answer))) => Ok(answer),
            Some(Ok(None)) => Err(self.refuse()),
            Some(Err(_)) if Instant::now() < until => Err(LaneError::Lost),
            Some(Err(_)) | None => {
                metrics.shed_deadline.inc();
                Err(LaneError::TimedOut)
            }
        }
    }

    /// Waits for the answer; `None` when it did not come in time. A caller that has waited for long checks the threads
    /// itself: there may be no other callers to do it.
    async fn wait(
        &self,
        mut answered: oneshot::Receiver<Option<Answer>>,
        deadline: Duration,
    ) -> Option<Result<Option<Answer>, oneshot::error::RecvError>> {
        // By the clock of the time-outs, which stands still in tests.
        let until = tokio::time::Instant::now() + deadline;
        loop {
            let rest = until.saturating_duration_since(tokio::time::Instant::now());
            match tokio::time::timeout(rest.min(LOOK_EVERY), &mut answered).await {
                Ok(answer) => return Some(answer),
                Err(_) if rest <= LOOK_EVERY => return None,
                Err(_) => {
                    let now = Instant::now();
                    if !self.pool.is_well(now) {
                        self.pool.can_work_after_replacing(now);
                    }
                }
            }
        }
    }
}

impl<Question: Send + 'static, Answer: Send + 'static> Drop for Lane<Question, Answer> {
    fn drop(&mut self) {
        self.pool.close();
    }
}

/// Three that differ.
#[cfg(test)]
pub(crate) fn tenants() -> [Tenant; 3] {
    [1, 2, 3].map(Tenant)
}

#[cfg(test)]
mod tests;
