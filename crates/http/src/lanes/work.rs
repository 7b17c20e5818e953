//! A lane whose questions are the work itself.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::{Lane, LaneError, LaneSettings, Tenant, TenantLimit};
use crate::metrics::LaneMetrics;

/// A lane for work that cannot be batched. What is done for a `Key` is done once for all callers of a tenant that wait
/// for it together, and each has the `Shared` that is made of it.
///
/// Nobody has what was begun before they asked: who has just written reads what they wrote.
pub(crate) struct WorkLane<Key: Send + 'static = (), Shared: Send + 'static = ()>(
    pub(super) Lane<Task<Key, Shared>, Option<Shared>>,
);

pub(super) struct Task<Key, Shared> {
    /// What it is done for, if it can be shared.
    key: Option<Key>,
    /// Given how many share what comes of it. Gives nothing if it was handed to the only caller by itself.
    work: Box<dyn FnOnce(usize) -> Option<Shared> + Send>,
}

/// What comes of work that may be shared.
pub(crate) enum Done<T, Shared> {
    /// For one caller.
    Own(T),
    /// For several.
    Shared(Shared),
}

impl<Key: PartialEq + Send + 'static, Shared: Clone + Send + 'static> WorkLane<Key, Shared> {
    /// Starts the threads.
    #[must_use]
    pub(crate) fn start(settings: LaneSettings, metrics: LaneMetrics, limit: &Arc<TenantLimit>) -> Self {
        let is_same = |one: &Task<Key, Shared>, other: &Task<Key, Shared>| one.key.is_some() && one.key == other.key;
        Self(Lane::start_sharing(settings, metrics, limit, is_same, |tasks: Vec<Task<Key, Shared>>| {
            let callers = tasks.len();
            let done = tasks.into_iter().next().and_then(|task| (task.work)(callers));
            vec![done; callers]
        }))
    }

    /// Does a tenant's work on the lane, and waits for what it gives.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        tenant: Tenant,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, LaneError> {
        let (result, done) = oneshot::channel();
        let work = Box::new(move |_| {
            // A caller that has gone does not need the result.
            let _ = result.send(work());
            None
        });
        self.0.ask(tenant, Task { key: None, work }).await?;
        done.await.map_err(|_| LaneError::Lost)
    }

    /// The same for work that gives the same, whoever of the tenant has it done for that key: it is done once for all
    /// that wait for it. Only what several are to have is made into what can be shared.
    pub(crate) async fn share<T: Send + 'static>(
        &self,
        tenant: Tenant,
        key: Key,
        work: impl FnOnce() -> T + Send + 'static,
        into_shared: impl FnOnce(T) -> Shared + Send + 'static,
    ) -> Result<Done<T, Shared>, LaneError> {
        let (result, done) = oneshot::channel();
        let work = Box::new(move |callers| {
            let given = work();
            if callers > 1 {
                return Some(into_shared(given));
            }
            let _ = result.send(given);
            None
        });
        match self.0.ask(tenant, Task { key: Some(key), work }).await? {
            Some(shared) => Ok(Done::Shared(shared)),
            None => done.await.map(Done::Own).map_err(|_| LaneError::Lost),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, mpsc};
    use std::time::Duration;

    use futures_util::future::{FutureExt as _, LocalBoxFuture, join_all};

    use super::super::tenants;
    use super::*;
    use crate::metrics::Metrics;

    type Answer<'a> = LocalBoxFuture<'a, Result<Done<u32, u32>, LaneError>>;

    /// A lane with one thread, and what it has done.
    struct Worker {
        lane: WorkLane<u32, u32>,
        metrics: LaneMetrics,
        done: Arc<Mutex<Vec<u32>>>,
    }

    impl Worker {
        fn new() -> Self {
            let settings = LaneSettings {
                name: "test",
                threads: 1,
                kept_free: 1,
                queue: 100,
                steady: 100,
                burst: Duration::from_secs(20),
                batch: 1,
                deadline: Duration::from_secs(20),
            };
            let metrics = Metrics::new().lane(settings.name);
            let lane = WorkLane::start(settings, metrics.clone(), &TenantLimit::of_this_machine(None));
            Self { lane, metrics, done: Arc::default() }
        }

        /// Keeps its thread at work until the sender is dropped, and gives what the caller waits for.
        fn keep_busy(&self) -> (mpsc::Sender<()>, LocalBoxFuture<'_, Result<(), LaneError>>) {
            let (open, gate) = mpsc::channel::<()>();
            let (at_gate, arrived) = mpsc::channel();
            let work = move || {
                at_gate.send(()).unwrap();
                let _ = gate.recv();
            };
            let mut asking = self.lane.run(tenants()[0], work).boxed_local();
            assert!((&mut asking).now_or_never().is_none());
            arrived.recv().unwrap();
            (open, asking)
        }

        /// Lines up to have something done for a key; a caller's own answer is ten times the key, a shared one a
        /// hundred times.
        fn ask(&self, tenant: Tenant, key: u32) -> Answer<'_> {
            let done = Arc::clone(&self.done);
            let work = move || {
                done.lock().unwrap().push(key);
                assert!(key > 0, "on purpose");
                10 * key
            };
            let mut asking = self.lane.share(tenant, key, work, |given| 10 * given).boxed_local();
            assert!((&mut asking).now_or_never().is_none());
            asking
        }
    }

    fn given(answer: Result<Done<u32, u32>, LaneError>) -> Result<u32, LaneError> {
        answer.map(|(Done::Own(given) | Done::Shared(given))| given)
    }

    #[actix_web::test]
    async fn what_waits_for_the_same_is_done_once_and_shared() {
        let worker = Worker::new();
        let [tenant, ..] = tenants();
        let (open, busy) = worker.keep_busy();
        let asked: Vec<_> = [1, 2, 1, 3, 1, 2].map(|key| worker.ask(tenant, key)).into();
        drop(open);
        let answers: Vec<_> = join_all(asked).await.into_iter().map(given).collect();
        assert_eq!(answers, [Ok(100), Ok(200), Ok(100), Ok(30), Ok(100), Ok(200)]);
        assert_eq!(*worker.done.lock().unwrap(), [1, 2, 3]);
        assert_eq!(busy.await, Ok(()));
        let sizes = &worker.metrics.batch_sizes;
        assert_eq!((sizes.get_sample_count(), sizes.get_sample_sum().to_bits()), (4, 7_f64.to_bits()));
        assert_eq!(worker.metrics.queue_length.get(), 0);
    }

    #[actix_web::test]
    async fn work_without_a_key_is_nobody_elses() {
        let worker = Worker::new();
        let [tenant, ..] = tenants();
        let (open, _busy) = worker.keep_busy();
        let mut asked: Vec<_> = (0..5).map(|number| worker.lane.run(tenant, move || number).boxed_local()).collect();
        assert!(asked.iter_mut().all(|asking| asking.now_or_never().is_none()));
        drop(open);
        assert_eq!(join_all(asked).await, [Ok(0), Ok(1), Ok(2), Ok(3), Ok(4)]);
    }

    #[actix_web::test]
    async fn tenants_do_not_share() {
        let worker = Worker::new();
        let [tenant, other, _] = tenants();
        let (open, _busy) = worker.keep_busy();
        let asked = [tenant, other, tenant, other].map(|tenant| worker.ask(tenant, 1));
        drop(open);
        assert!(join_all(asked).await.into_iter().all(|answer| given(answer) == Ok(100)));
        assert_eq!(*worker.done.lock().unwrap(), [1, 1]);
    }

    #[actix_web::test]
    async fn who_has_gone_shares_nothing() {
        let worker = Worker::new();
        let [tenant, ..] = tenants();
        let (open, _busy) = worker.keep_busy();
        let stays = worker.ask(tenant, 1);
        drop(worker.ask(tenant, 1));
        drop(open);
        assert_eq!(given(stays.await), Ok(10), "it is the only one");
    }

    #[actix_web::test]
    async fn a_panic_costs_those_who_share_it_their_answers_and_nobody_else() {
        let worker = Worker::new();
        let [tenant, ..] = tenants();
        let (open, _busy) = worker.keep_busy();
        let asked: Vec<_> = [0, 1, 0].map(|key| worker.ask(tenant, key)).into();
        drop(open);
        let answers: Vec<_> = join_all(asked).await.into_iter().map(given).collect();
        assert_eq!(answers, [Err(LaneError::Lost), Ok(10), Err(LaneError::Lost)]);
        assert_eq!(*worker.done.lock().unwrap(), [0, 1]);
    }
}
