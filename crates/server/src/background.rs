//! Work that no request waits for: each kind has a thread of its own.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::Context as _;
use prediction_domain::ports::StoreFailure;

/// A thread that works until it is told to stop.
pub(crate) struct BackgroundThread {
    name: &'static str,
    stop: Sender<()>,
    thread: JoinHandle<()>,
}

/// Told to a thread that is to end.
pub(crate) struct Stopped(Receiver<()>);

impl BackgroundThread {
    /// Starts the work, which is to end soon after it was stopped.
    pub(crate) fn start(name: &'static str, work: impl FnOnce(&Stopped) + Send + 'static) -> anyhow::Result<Self> {
        let (stop, stopped) = channel();
        let thread = thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || work(&Stopped(stopped)))
            .context("cannot start a thread")?;
        Ok(Self { name, stop, thread })
    }

    /// Ends the work, and waits until it has ended.
    pub(crate) fn stop(self) {
        // A thread that has ended already does not listen.
        let _ = self.stop.send(());
        if self.thread.join().is_err() {
            tracing::error!(thread = self.name, "a thread in the background panicked");
        }
    }
}

impl Stopped {
    /// Rests for so long, or until the work is to end. Gives whether it goes on.
    pub(crate) fn rest(&self, pause: Duration) -> bool {
        matches!(self.0.recv_timeout(pause), Err(RecvTimeoutError::Timeout))
    }
}

/// Does something that may fail; a panic is a failure, too.
pub(crate) fn guarded<T>(work: impl FnOnce() -> Result<T, StoreFailure>) -> Result<T, StoreFailure> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(StoreFailure::Internal("work in the background panicked".into())))
}

/// A failure with its causes, for the log.
pub(crate) fn causes(failure: &StoreFailure) -> String {
    anyhow::Chain::new(failure).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
