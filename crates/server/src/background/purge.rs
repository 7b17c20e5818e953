//! Deletes what has expired, so that it never stands before a request.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use prediction_domain::ports::{Purged, StoreFailure};
use prediction_domain::use_cases::{PurgeStep, Purger, SweptHistory};
use prediction_http::Runtime;

use super::pace::Pace;
use super::{BackgroundWork, causes};

/// How often to look how far the purge is behind.
const LOOK_EVERY: Duration = Duration::from_secs(15);

/// Looks for what has expired at once, and then again each time that so long has passed. When it ends, it gives its
/// lease back.
pub(crate) struct Purge {
    purger: Purger,
    /// How many values and runs are deleted at once.
    batch: usize,
    runtime: Arc<Runtime>,
    every: Duration,
    round: Round,
    pace: Pace,
    looked: Option<Instant>,
}

impl Purge {
    pub(crate) fn new(purger: Purger, batch: usize, runtime: Arc<Runtime>, every: Duration) -> Self {
        Self { purger, batch, runtime, every, round: Round::default(), pace: Pace::new(), looked: None }
    }
}

impl BackgroundWork for Purge {
    const NAME: &'static str = "purge";

    fn step(&mut self) -> Duration {
        let began = Instant::now();
        let step = told(|| self.purger.step(self.batch));
        self.runtime.note_purge(&step);
        let swept = told(|| self.purger.sweep(self.batch));
        self.runtime.note_sweep(&swept);
        let goes_on = add(&mut self.round, step.ok(), swept.ok());
        // After a batch it rests for about as long as that took: the database is there for others first.
        let rest = if goes_on { self.pace.rest_after(began.elapsed()) } else { self.every };
        if !goes_on || self.looked.is_none_or(|looked| looked.elapsed() >= LOOK_EVERY) {
            self.looked = Some(Instant::now());
            if let Ok(backlog) = told(|| self.purger.oldest_expired()) {
                self.runtime.note_oldest_expired(backlog.map(|backlog| backlog.since));
                self.pace.observe(backlog.map_or(Duration::ZERO, |backlog| backlog.age), Instant::now());
            }
        }
        rest
    }

    fn rest_after_panic(&self) -> Duration {
        self.every
    }

    fn end(self) {
        if let Err(failure) = self.purger.stop() {
            tracing::warn!(cause = causes(&failure), "the lease of the purge ends by itself");
        }
    }
}

/// Does something that may fail, and tells that. A panic is a failure, too: it keeps nothing else of the step from
/// being done, and shows among the metrics.
fn told<T>(work: impl FnOnce() -> Result<T, StoreFailure>) -> Result<T, StoreFailure> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(StoreFailure::Internal("work in the background panicked".into())))
        .inspect_err(|failure| tracing::warn!(cause = causes(failure), "what has expired could not be deleted"))
}

/// What was deleted from one look to the next.
#[derive(Default)]
struct Round {
    purged: Purged,
    swept: SweptHistory,
}

/// Adds a step to what was deleted in this round, and tells that when it is over. Gives whether it goes on.
fn add(round: &mut Round, step: Option<PurgeStep>, swept: Option<SweptHistory>) -> bool {
    let mut goes_on = false;
    if let Some(PurgeStep::Purged(purged)) = step {
        round.purged.values += purged.values;
        round.purged.runs += purged.runs;
        goes_on |= purged.is_unfinished;
    }
    if let Some(swept) = swept {
        round.swept.runs += swept.runs;
        round.swept.revisions += swept.revisions;
        goes_on |= swept.is_unfinished;
    }
    if goes_on {
        return true;
    }
    let Round { purged: Purged { values, runs, .. }, swept } = std::mem::take(round);
    if values + runs > 0 {
        tracing::info!(values, runs, "what had expired or belonged to deleted jobs was deleted");
    }
    if swept.runs + swept.revisions > 0 {
        tracing::info!(runs = swept.runs, revisions = swept.revisions, "history that is not to be kept was deleted");
    }
    false
}
