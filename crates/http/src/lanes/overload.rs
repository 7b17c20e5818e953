//! Which questions are refused when more is asked than can be answered.

use std::time::{Duration, Instant};

use super::Waiting;
use super::pool::WorkerPool;
use super::turns::{Behind, Fate};

impl<Question: Send + 'static, Answer: Send + 'static> WorkerPool<Question, Answer> {
    /// How many questions may wait: many in a burst, and few when the queue has not been empty for longer.
    pub(super) fn most_waiting(&self, empty_at: Instant, now: Instant) -> usize {
        let is_burst = now.saturating_duration_since(empty_at) < self.settings.burst;
        if is_burst { self.settings.queue } else { self.settings.steady.min(self.settings.queue) }
    }

    pub(super) fn judge(&self, waiting: &Waiting<Question, Answer>, behind: Behind, now: Instant) -> Fate {
        if !waiting.is_of_use(now) {
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

    pub(super) fn waited(&self, waiting: &Waiting<Question, Answer>, now: Instant) -> Duration {
        self.settings.deadline.saturating_sub(waiting.until.saturating_duration_since(now))
    }
}
