//! Deletes what has expired, on a thread of its own, so that it never stands before a request.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use actix_web::web;
use anyhow::Context as _;
use prediction_domain::ports::{Purged, StoreFailure};
use prediction_domain::use_cases::{PurgeStep, Purger, SweptHistory};
use prediction_http::Api;

mod pace;

use self::pace::Pace;

/// How often to look how far the purge is behind.
const LOOK_EVERY: Duration = Duration::from_secs(15);

/// A thread that deletes until it is told to stop.
pub(crate) struct PurgeThread {
    stop: Sender<()>,
    thread: JoinHandle<()>,
}

impl PurgeThread {
    /// Starts it. It looks for what has expired at once, and then again each time that so long has passed.
    /// `batch` is how many values and runs are deleted at once.
    pub(crate) fn start(purger: Purger, batch: usize, api: web::Data<Api>, every: Duration) -> anyhow::Result<Self> {
        let (stop, stopped) = channel();
        let thread = thread::Builder::new()
            .name("purge".to_owned())
            .spawn(move || purge(purger, batch, &api, every, &stopped))
            .context("cannot start a thread")?;
        Ok(Self { stop, thread })
    }

    /// Ends it after the batch that it is at, and gives its lease back.
    pub(crate) fn stop(self) {
        // If it has ended already, nobody listens.
        let _ = self.stop.send(());
        if self.thread.join().is_err() {
            tracing::error!("the purge panicked");
        }
    }
}

fn purge(mut purger: Purger, batch: usize, api: &Api, every: Duration, stopped: &Receiver<()>) {
    let mut round = Round::default();
    let mut pace = Pace::new();
    let mut looked: Option<Instant> = None;
    loop {
        let began = Instant::now();
        let step = guarded(|| purger.step(batch));
        api.note_purge(&step);
        let goes_on = step.is_ok_and(|step| add(&mut round, step));
        // After a batch it rests for about as long as that took: the database is there for others first.
        let pause = if goes_on { pace.rest_after(began.elapsed()) } else { every };
        if !goes_on || looked.is_none_or(|looked| looked.elapsed() >= LOOK_EVERY) {
            looked = Some(Instant::now());
            if let Ok(backlog) = guarded(|| purger.oldest_expired()) {
                api.note_oldest_expired(backlog.map(|backlog| backlog.since));
                pace.observe(backlog.map_or(Duration::ZERO, |backlog| backlog.age), Instant::now());
            }
        }
        if !matches!(stopped.recv_timeout(pause), Err(RecvTimeoutError::Timeout)) {
            break;
        }
    }
    if let Err(failure) = purger.stop() {
        let failure = anyhow::Error::from(failure);
        tracing::warn!(cause = format!("{failure:#}"), "the lease of the purge ends by itself");
    }
}

/// Does something that may fail, or panic, and tells that.
fn guarded<T>(work: impl FnOnce() -> Result<T, StoreFailure>) -> Result<T, StoreFailure> {
    let done = catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(StoreFailure::Internal("deleting what has expired panicked".into())));
    done.inspect_err(|failure| {
        let causes: Vec<String> = anyhow::Chain::new(failure).map(ToString::to_string).collect();
        tracing::warn!(cause = causes.join(": "), "what has expired could not be deleted");
    })
}

/// What was deleted from one look to the next.
#[derive(Default)]
struct Round {
    purged: Purged,
    swept: SweptHistory,
}

/// Adds a step to what was deleted in this round, and tells that when it is over. Gives whether it goes on.
fn add(round: &mut Round, step: PurgeStep) -> bool {
    if let PurgeStep::Purged(purged, swept) = step {
        round.purged.values += purged.values;
        round.purged.runs += purged.runs;
        round.swept.runs += swept.runs;
        round.swept.revisions += swept.revisions;
        if purged.is_unfinished || swept.is_unfinished {
            return true;
        }
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
