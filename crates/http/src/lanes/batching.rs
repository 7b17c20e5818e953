//! How a thread takes what waits, and answers it together.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::PoisonError;
use std::thread;
use std::time::{Duration, Instant};

use super::Waiting;
use super::pool::WorkerPool;
use super::turns::Taken;

/// How often at most a thread lets others come first, where only equal questions are answered together.
const MOST_WAITS: usize = 5;
/// How soon a thread looks again that finds nothing it may answer, though something waits: places are given up, and
/// others go, in other lanes.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

impl<Question: Send + 'static, Answer: Send + 'static> WorkerPool<Question, Answer> {
    /// Waits for one question and takes those that wait beside it. `None` when the lane was dropped, or the slot was
    /// lost.
    pub(super) fn next_batch(&self, place: usize, generation: u32) -> Option<Vec<Waiting<Question, Answer>>> {
        let most = self.settings.batch;
        let mut queue = self.queue();
        let (mut waits, mut seen) = (if most > 1 { 1 } else { MOST_WAITS }, 0);
        while self.slots[place].belongs_to(generation) {
            if !queue.turns.can_take(queue.is_kept_free(), &self.membership) {
                if queue.is_closed && queue.turns.waiting() == 0 {
                    break;
                }
                queue.sleeping += 1;
                queue = if queue.turns.waiting() == 0 {
                    self.called.wait(queue).unwrap_or_else(PoisonError::into_inner)
                } else {
                    let at = queue.turns.can_take_at(&self.membership);
                    if at.is_some() {
                        // Who pauses waits for others, and not since there is too much to do.
                        queue.empty_at = Instant::now();
                    }
                    let soon = at.map_or(LOOK_AGAIN, |at| at.saturating_duration_since(Instant::now()).min(LOOK_AGAIN));
                    self.called.wait_timeout(queue, soon).unwrap_or_else(PoisonError::into_inner).0
                };
                queue.sleeping -= 1;
            } else if waits > 0 && (most > 1 || queue.is_worth_a_wait()) {
                // On a busy machine the thread that woke this one has more to send: its questions come first, and the
                // batch is larger for it. On an idle machine no other thread wants the processor, and this returns at
                // once.
                let waiting = queue.turns.waiting();
                waits = if waiting > seen { waits - 1 } else { 0 };
                seen = waiting;
                drop(queue);
                thread::yield_now();
                queue = self.queue();
            } else {
                let now = Instant::now();
                let is_kept_free = queue.is_kept_free();
                let judge = |waiting: &_, behind| self.judge(waiting, behind, now);
                let mut taken = queue.turns.take(most, is_kept_free, &self.membership, judge);
                if let Some(is_same) = self.is_same {
                    let is_same = |one: &Waiting<_, _>, other: &Waiting<_, _>| is_same(&one.question, &other.question);
                    queue.turns.join(&mut taken, is_same, |waiting| waiting.is_of_use(now));
                    queue.was_shared = taken.questions.len() > 1;
                }
                let Taken { questions, dropped, shares } = taken;
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
                    refused.refuse();
                }
                if !questions.is_empty() {
                    return Some(questions);
                }
                queue = self.queue();
            }
        }
        None
    }

    pub(super) fn answer(&self, batch: Vec<Waiting<Question, Answer>>, now: Instant) {
        let (questions, callers): (Vec<_>, Vec<_>) = batch
            .into_iter()
            .map(|waiting| {
                self.metrics.waits.observe(self.waited(&waiting, now).as_secs_f64());
                (waiting.question, (waiting.open, waiting.answer))
            })
            .unzip();
        #[expect(clippy::cast_precision_loss, reason = "a batch is small")]
        self.metrics.batch_sizes.observe(questions.len() as f64);
        // A panic costs these callers their answers, not the lane its thread.
        let Ok(answers) = catch_unwind(AssertUnwindSafe(|| (self.answer_all)(questions))) else {
            tracing::error!(lane = self.settings.name, "the work of a lane panicked");
            return;
        };
        for ((open, caller), answer) in callers.into_iter().zip(answers) {
            // Who asks for the next thing then asks for one after the other.
            drop(open);
            // A caller that has gone does not need the answer.
            let _ = caller.send(Some(answer));
        }
    }
}
