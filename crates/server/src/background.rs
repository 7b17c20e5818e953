//! Work that no request waits for: each kind has a thread of its own.

mod judging;
mod pace;
mod purge;
mod watch;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::Context as _;
use prediction_domain::ports::StoreFailure;

pub(crate) use judging::Judging;
pub(crate) use purge::Purge;
pub(crate) use watch::Watch;

/// Work that is done again and again in the background.
pub(crate) trait BackgroundWork: Send + 'static {
    /// The name of its thread.
    const NAME: &'static str;

    /// Does a part of it, and tells how long to rest until the next one. Ends soon: a stop waits for it.
    fn step(&mut self) -> Duration;

    /// The rest after a step that panicked.
    fn rest_after_panic(&self) -> Duration;

    /// Puts in order what is to be left in order.
    fn end(self);
}

/// A thread that does some work until it is told to stop.
pub(crate) struct BackgroundWorker {
    name: &'static str,
    stop: Sender<()>,
    thread: JoinHandle<()>,
}

impl BackgroundWorker {
    /// Starts the thread. The first step is done at once.
    pub(crate) fn start<Work: BackgroundWork>(work: Work) -> anyhow::Result<Self> {
        let (stop, stopped) = channel();
        let thread = thread::Builder::new()
            .name(Work::NAME.to_owned())
            .spawn(move || run(work, |rest| matches!(stopped.recv_timeout(rest), Err(RecvTimeoutError::Timeout))))
            .context("cannot start a thread")?;
        Ok(Self { name: Work::NAME, stop, thread })
    }

    /// Ends the work after the step that it is at, and waits until it has ended.
    pub(crate) fn stop(self) {
        // A thread that has ended already does not listen.
        let _ = self.stop.send(());
        if self.thread.join().is_err() {
            tracing::error!(thread = self.name, "a thread in the background panicked");
        }
    }
}

/// Does one step after the other, as long as `rests` tells that the work goes on.
fn run<Work: BackgroundWork>(mut work: Work, mut rests: impl FnMut(Duration) -> bool) {
    loop {
        let rest = catch_unwind(AssertUnwindSafe(|| work.step())).unwrap_or_else(|_| {
            tracing::error!(thread = Work::NAME, "work in the background panicked; it goes on");
            work.rest_after_panic()
        });
        if !rests(rest) {
            break;
        }
    }
    work.end();
}

/// A failure with its causes, for the log.
fn causes(failure: &StoreFailure) -> String {
    anyhow::Chain::new(failure).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::Receiver;

    use super::*;

    /// Tells what is called; the second step panics.
    struct Told {
        calls: Sender<&'static str>,
        steps: u32,
    }

    impl BackgroundWork for Told {
        const NAME: &'static str = "told";

        fn step(&mut self) -> Duration {
            self.steps += 1;
            let _ = self.calls.send("step");
            assert_ne!(self.steps, 2, "the second step panics");
            Duration::from_secs(u64::from(self.steps))
        }

        fn rest_after_panic(&self) -> Duration {
            Duration::from_mins(1)
        }

        fn end(self) {
            let _ = self.calls.send("end");
        }
    }

    fn told() -> (Told, Receiver<&'static str>) {
        let (calls, told) = channel();
        (Told { calls, steps: 0 }, told)
    }

    #[test]
    fn each_step_is_followed_by_its_rest_and_the_last_one_by_the_end() {
        let (work, calls) = told();
        let mut rests = Vec::new();
        run(work, |rest| {
            rests.push(rest.as_secs());
            rests.len() < 3
        });
        assert_eq!(rests, [1, 60, 3], "a panic in a step is followed by a rest of its own");
        assert_eq!(calls.iter().collect::<Vec<_>>(), ["step", "step", "step", "end"]);
    }

    #[test]
    fn a_stop_does_not_wait_for_the_rest() {
        let (work, calls) = told();
        let worker = BackgroundWorker::start(work).unwrap();
        assert_eq!(calls.recv().unwrap(), "step");
        worker.stop();
        assert_eq!(calls.iter().last(), Some("end"));
    }
}
