//! What the threads of a lane share: the queue, and how a question gets into it.

use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use super::limit::{Membership, TenantLimit};
use super::slot::{DEAD, WorkerSlot};
use super::turns::{Served, Shares, Turns};
use super::{LaneSettings, Tenant, Waiting};
use crate::metrics::LaneMetrics;

/// One answer per question, in their order.
type AnswerAll<Question, Answer> = Box<dyn Fn(Vec<Question>) -> Vec<Answer> + Send + Sync>;

/// Whether two questions have one answer.
pub(super) type IsSame<Question> = fn(&Question, &Question) -> bool;

/// What the threads of a lane share.
pub(super) struct WorkerPool<Question, Answer> {
    pub(super) settings: LaneSettings,
    pub(super) metrics: LaneMetrics,
    pub(super) queue: Mutex<Queue<Question, Answer>>,
    /// Told when there is something to do.
    pub(super) called: Condvar,
    pub(super) answer_all: AnswerAll<Question, Answer>,
    /// Where questions that wait together are answered at once only if they are the same: whether two are.
    pub(super) is_same: Option<IsSame<Question>>,
    /// What tenants have of all lanes together.
    pub(super) membership: Membership,
    /// What the times in the slots are counted from.
    began: Instant,
    /// One for each thread that is to answer.
    pub(super) slots: Box<[WorkerSlot]>,
    /// How many threads have lost their slot, and are still busy.
    pub(super) abandoned: AtomicUsize,
    /// Held by the thread that replaces others.
    pub(super) replacing: Mutex<()>,
}

/// What waits, and what the threads are busy with.
pub(super) struct Queue<Question, Answer> {
    pub(super) turns: Turns<Waiting<Question, Answer>>,
    /// For each slot, whose questions are being answered there.
    pub(super) held: Box<[Option<Shares>]>,
    /// See [`LaneSettings`].
    pub(super) kept_free: usize,
    /// How many threads wait to be called.
    pub(super) sleeping: usize,
    /// Whether those that were taken last were several that are the same.
    pub(super) was_shared: bool,
    /// When nothing waited the last time.
    pub(super) empty_at: Instant,
    pub(super) is_closed: bool,
}

impl<Question, Answer> Queue<Question, Answer> {
    /// Whether a free thread is for tenants that no other thread is busy with.
    pub(super) fn is_kept_free(&self) -> bool {
        // No tenant comes any more for which a thread would have to be kept free.
        !self.is_closed
            && self.held.len() > 1
            && self.held.iter().filter(|held| held.is_none()).count() <= self.kept_free
    }

    /// Whether a thread is to be woken for a question of that tenant. Not one that is kept free, if another thread is
    /// busy with the tenant: it may not take the question, and the other one looks for more as soon as it is done.
    fn is_for_a_sleeper(&self, tenant: Tenant) -> bool {
        self.sleeping > 0 && !(self.is_kept_free() && self.turns.is_in_flight(tenant))
    }

    /// Where only equal questions are answered together: whether more of them are likely to come. Only while those that
    /// were taken last were several; and only while a single tenant waits, as others would wait for its sake.
    pub(super) fn is_worth_a_wait(&self) -> bool {
        self.was_shared && self.turns.tenants() == 1
    }

    /// The thread of that slot is done; returns whom it has served, and how.
    pub(super) fn give_back(&mut self, place: usize, took: Duration, busy: Duration) -> Vec<Served> {
        let Some(shares) = self.held[place].take() else { return Vec::new() };
        let served = shares.served(took, busy);
        self.turns.charge(shares, took);
        served
    }
}

impl<Question: Send + 'static, Answer: Send + 'static> WorkerPool<Question, Answer> {
    /// Puts a thread on each slot.
    pub(super) fn start(
        settings: LaneSettings,
        metrics: LaneMetrics,
        limit: &Arc<TenantLimit>,
        is_same: Option<IsSame<Question>>,
        answer_all: AnswerAll<Question, Answer>,
    ) -> Arc<Self> {
        let began = Instant::now();
        let queue = Queue {
            turns: Turns::new(),
            held: (0..settings.threads).map(|_| None).collect(),
            kept_free: settings.kept_free,
            sleeping: 0,
            was_shared: false,
            empty_at: began,
            is_closed: false,
        };
        let pool = Arc::new_cyclic(|pool: &Weak<Self>| Self {
            settings,
            metrics,
            queue: Mutex::new(queue),
            called: Condvar::new(),
            answer_all,
            is_same,
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
    pub(super) fn millis(&self, now: Instant) -> u64 {
        u64::try_from(now.saturating_duration_since(self.began).as_millis())
            .unwrap_or(u64::MAX)
            .saturating_add(DEAD + 1)
    }

    pub(super) fn queue(&self) -> MutexGuard<'_, Queue<Question, Answer>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn show(&self, queue: &Queue<Question, Answer>) {
        self.metrics.queue_length.set(i64::try_from(queue.turns.waiting()).unwrap_or(i64::MAX));
        self.metrics.waiting_tenants.set(i64::try_from(queue.turns.tenants()).unwrap_or(i64::MAX));
    }

    /// Has a question wait. When too many do, one is refused: this one, or one of a tenant that has more of them.
    pub(super) fn line_up(&self, tenant: Tenant, mut waiting: Waiting<Question, Answer>, now: Instant) {
        waiting.open = self.membership.note(tenant, now);
        let mut queue = self.queue();
        if queue.turns.waiting() == 0 {
            queue.empty_at = now;
        }
        let most = self.most_waiting(queue.empty_at, now);
        let refused = queue.turns.push(tenant, waiting, most).err();
        self.show(&queue);
        let is_for_a_sleeper = queue.is_for_a_sleeper(tenant);
        drop(queue);
        if is_for_a_sleeper {
            self.called.notify_one();
        }
        if let Some(refused) = refused {
            refused.refuse();
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
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::super::tenants;
    use super::super::turns::Fate;
    use super::*;

    /// The queue of two threads, one of which sleeps.
    fn queue() -> Queue<u8, ()> {
        Queue {
            turns: Turns::new(),
            held: Box::new([None, None]),
            kept_free: 1,
            sleeping: 1,
            was_shared: false,
            empty_at: Instant::now(),
            is_closed: false,
        }
    }

    fn line_up(queue: &mut Queue<u8, ()>, tenant: Tenant) {
        let waiting = Waiting { question: 0, answer: oneshot::channel().0, until: Instant::now(), open: None };
        assert!(queue.turns.push(tenant, waiting, usize::MAX).is_ok());
    }

    /// The thread that does not sleep takes what is next.
    fn take_one(queue: &mut Queue<u8, ()>) {
        let limit = TenantLimit::of_this_machine(None);
        let taken = queue.turns.take(1, false, &limit.watch(), |_, _| Fate::Answer);
        assert_eq!(taken.questions.len(), 1);
        queue.held[0] = Some(taken.shares);
    }

    #[test]
    fn more_are_waited_for_while_questions_are_shared_and_of_one_tenant() {
        let [tenant, other, _] = tenants();
        let mut queue = queue();
        line_up(&mut queue, tenant);
        assert!(!queue.is_worth_a_wait(), "none was shared");
        queue.was_shared = true;
        assert!(queue.is_worth_a_wait());
        line_up(&mut queue, other);
        assert!(!queue.is_worth_a_wait(), "another tenant would wait as well");
    }

    #[test]
    fn the_last_free_thread_sleeps_on_when_its_tenant_is_being_answered() {
        let [tenant, other, _] = tenants();
        let mut queue = queue();
        assert!(queue.is_for_a_sleeper(tenant));
        line_up(&mut queue, tenant);
        take_one(&mut queue);
        assert!(!queue.is_for_a_sleeper(tenant), "it may not take the question");
        assert!(queue.is_for_a_sleeper(other));
        queue.is_closed = true;
        assert!(queue.is_for_a_sleeper(tenant), "nobody comes for whom it would have to be free");
        queue.sleeping = 0;
        assert!(!queue.is_for_a_sleeper(other));
    }
}
