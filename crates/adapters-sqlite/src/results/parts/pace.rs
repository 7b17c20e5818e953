//! When a part ends, and when the next one begins.

use std::thread;
use std::time::{Duration, Instant};

use prediction_domain::ports::StoreFailure;

use crate::log_flusher::LogFlusher;
use crate::store::SqliteStore;
use crate::writer::WriterQueue;

/// How many values a part has at the most, though nobody waits: the disk has to take some 4 KiB for each of them, and
/// whoever comes then waits for that.
pub(super) const LONGEST_PART: usize = 1_024;
/// How many it has at the least if nobody waits: the machine has others to do something for than those who write.
const IDLE_PART: usize = 256;
/// How long a part takes at the least: as long as what a transaction costs besides.
const SHORTEST_PART: Duration = Duration::from_micros(500);
/// How many times as long as it others have, if they write.
const FOR_OTHERS: u32 = 3;
/// How long others have at the most: what took so long was not their doing, but the machine's.
const LONGEST_PAUSE: Duration = Duration::from_millis(50);
/// And over all parts: whoever reports does not wait for ever.
const PAUSES: Duration = Duration::from_secs(1);

/// How the parts of a run follow each other.
pub(super) struct Pace<'a> {
    flusher: LogFlusher<'a>,
    /// Whether it has several parts also when nobody waits.
    is_large: bool,
    last: Option<LastPart>,
    /// How much may be paused yet.
    left: Duration,
}

/// What is known of the part before, or of the one that is under way.
struct LastPart {
    began: Instant,
    /// How long it had waited for its turn.
    waited: Duration,
    /// Which turn it had.
    turn: u64,
    /// Whether others had one since the part before it.
    others_write: bool,
    took: Duration,
}

/// When a part ends that is under way.
pub(super) struct PartEnd<'a> {
    queue: WriterQueue<'a>,
    until: Instant,
    values: usize,
}

impl<'a> Pace<'a> {
    pub(super) fn new(store: &'a SqliteStore, is_large: bool) -> Self {
        Self { flusher: LogFlusher::of(store.file()), is_large, last: None, left: PAUSES }
    }

    /// Lets others write first, if they do.
    pub(super) fn let_others_write(&mut self) {
        if let Some(last) = &self.last {
            let pause = last.pause(Instant::now()).min(self.left);
            self.left -= pause;
            thread::sleep(pause);
        }
    }

    /// A part begins, as this one has its turn.
    pub(super) fn begin<'q>(&mut self, queue: WriterQueue<'q>) -> PartEnd<'q> {
        let (began, waited, turn) = (Instant::now(), queue.waited(), queue.turn());
        let others_write = self.last.as_ref().is_some_and(|last| turn > last.turn + 1);
        // It has its part beside whoever writes much. The first one of a run has not waited for them.
        let rest = if self.last.is_none() { Duration::ZERO } else { waited / FOR_OTHERS };
        self.last = Some(LastPart { began, waited, turn, others_write, took: Duration::ZERO });
        PartEnd { queue, until: began + rest.max(SHORTEST_PART), values: 0 }
    }

    /// It is stored: the disk is to take it beside whoever writes next, whose commit would have to wait for it
    /// otherwise.
    pub(super) fn end(&mut self) {
        if let Some(last) = &mut self.last {
            last.took = last.began.elapsed();
        }
        self.flusher.begin();
    }

    /// Waits until the disk has all parts.
    pub(super) fn finish(&self) -> Result<(), StoreFailure> {
        self.flusher.finish()
    }
}

impl LastPart {
    /// For how long others are let in.
    fn pause(&self, now: Instant) -> Duration {
        if !self.others_write {
            return Duration::ZERO;
        }
        // What it waits for its turn is theirs, too, and what it has waited for the disk since.
        let had = self.waited + now.saturating_duration_since(self.began + self.took);
        (FOR_OTHERS * self.took).min(LONGEST_PAUSE).saturating_sub(had)
    }
}

impl PartEnd<'_> {
    /// After so many values more. What nobody waits for goes on until the disk has the part before: so it seldom waits
    /// for a slow disk, and there is little of which the disk has nothing when somebody comes.
    pub(super) fn has_come_after(&mut self, values: usize, pace: &Pace<'_>) -> bool {
        self.values += values;
        self.values >= LONGEST_PART
            || self.queue.is_waited_for() && Instant::now() >= self.until
            || pace.is_large && self.values >= IDLE_PART && !pace.flusher.is_busy()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn millis(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    /// For how long others are let in after a part, so long after its end.
    fn pause(took: Duration, waited: Duration, others_write: bool, later: Duration) -> Duration {
        let began = Instant::now();
        LastPart { began, waited, turn: 1, others_write, took }.pause(began + took + later)
    }

    #[test]
    fn others_have_three_times_as_long_if_they_write() {
        for (took, waited, later, expected) in [
            (millis(2), millis(0), millis(0), millis(6)),
            (millis(2), millis(4), millis(0), millis(2)),
            (millis(2), millis(0), millis(5), millis(1)),
            (millis(2), millis(4), millis(5), millis(0)),
            (millis(900), millis(0), millis(0), LONGEST_PAUSE),
        ] {
            assert_eq!(pause(took, waited, true, later), expected);
            assert_eq!(pause(took, waited, false, later), Duration::ZERO, "nobody else writes");
        }
    }
}
