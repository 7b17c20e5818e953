//! Judges the health of jobs ahead of those who ask for it, on a thread of its own, so that it never stands before a request.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use prediction_domain::ports::{Judged, StoreFailure};
use prediction_domain::use_cases::HealthJudge;

/// How often it looks for what has ended.
const EVERY: Duration = Duration::from_secs(1);
/// The same after it failed: a database that takes no writes is no worse for it, and those who ask judge themselves.
const AFTER_FAILURE: Duration = Duration::from_secs(30);

/// A thread that judges until it is told to stop.
pub(crate) struct JudgingThread {
    stop: Sender<()>,
    thread: JoinHandle<()>,
}

impl JudgingThread {
    /// Starts it. `batch` is how many jobs are judged at once.
    pub(crate) fn start(judge: HealthJudge, batch: usize) -> anyhow::Result<Self> {
        let (stop, stopped) = channel();
        let thread = thread::Builder::new()
            .name("judging".to_owned())
            .spawn(move || run(&judge, batch, &stopped))
            .context("cannot start a thread")?;
        Ok(Self { stop, thread })
    }

    /// Ends it after the batch that it is at.
    pub(crate) fn stop(self) {
        // If it has ended already, nobody listens.
        let _ = self.stop.send(());
        if self.thread.join().is_err() {
            tracing::error!("judging health ahead panicked");
        }
    }
}

fn run(judge: &HealthJudge, batch: usize, stopped: &Receiver<()>) {
    let mut has_failed = false;
    loop {
        let began = Instant::now();
        let pause = match guarded(|| judge.step(batch)) {
            // After a batch it rests for as long as that took: the database is there for others first.
            Ok(Judged { is_unfinished: true, .. }) => began.elapsed(),
            Ok(_) => {
                has_failed = false;
                EVERY
            }
            Err(failure) => {
                if !has_failed {
                    let causes: Vec<String> = anyhow::Chain::new(&failure).map(ToString::to_string).collect();
                    tracing::warn!(
                        cause = causes.join(": "),
                        "the health of jobs could not be judged ahead; lists by health cost more"
                    );
                }
                has_failed = true;
                AFTER_FAILURE
            }
        };
        if !matches!(stopped.recv_timeout(pause), Err(RecvTimeoutError::Timeout)) {
            break;
        }
    }
}

/// A panic is a failure, too.
fn guarded(work: impl FnOnce() -> Result<Judged, StoreFailure>) -> Result<Judged, StoreFailure> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(StoreFailure::Internal("judging panicked".into())))
}
