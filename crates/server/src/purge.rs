//! Deletes what has expired, on a thread of its own, so that it never stands before a request.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use actix_web::web;
use anyhow::Context as _;
use prediction_domain::ports::Purged;
use prediction_domain::use_cases::{PurgeStep, Purger};
use prediction_http::Api;

/// How long the purge rests after a batch, in times of what the batch took (docs/performance.md).
const REST: f64 = 0.9;

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
    let mut round = Purged::default();
    loop {
        let began = Instant::now();
        // After a batch it rests for about as long as that took: the database is there for others first.
        let pause = match catch_unwind(AssertUnwindSafe(|| purger.step(batch))) {
            Ok(Ok(step)) => {
                api.note_purge(step);
                if add(&mut round, step) { began.elapsed().mul_f64(REST) } else { every }
            }
            Ok(Err(failure)) => {
                let failure = anyhow::Error::from(failure);
                tracing::warn!(cause = format!("{failure:#}"), "what has expired could not be deleted");
                every
            }
            Err(_) => {
                tracing::error!("deleting what has expired panicked");
                every
            }
        };
        if !matches!(stopped.recv_timeout(pause), Err(RecvTimeoutError::Timeout)) {
            break;
        }
    }
    if let Err(failure) = purger.stop() {
        let failure = anyhow::Error::from(failure);
        tracing::warn!(cause = format!("{failure:#}"), "the lease of the purge ends by itself");
    }
}

/// Adds a step to what was deleted in this round, and tells that when it is over. Gives whether it goes on.
fn add(round: &mut Purged, step: PurgeStep) -> bool {
    if let PurgeStep::Purged(purged) = step {
        round.values += purged.values;
        round.runs += purged.runs;
        if purged.is_unfinished {
            return true;
        }
    }
    let Purged { values, runs, .. } = std::mem::take(round);
    if values + runs > 0 {
        tracing::info!(values, runs, "what had expired or belonged to deleted jobs was deleted");
    }
    false
}
