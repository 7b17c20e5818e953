//! Looks now and then after what nobody else would notice in time: whether the database takes writes, and whether the clock jumps.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use actix_web::web;
use anyhow::Context as _;
use prediction_domain::use_cases::ClockWatch;
use prediction_http::Api;

/// How often it looks. What it writes is next to nothing, but the disk is waited for.
const EVERY: Duration = Duration::from_secs(10);
/// The same while the database takes no writes: each time, all connections are made anew, in case another server does.
const WITHOUT_WRITES_EVERY: Duration = Duration::from_secs(30);

/// A thread that looks until it is told to stop.
pub(crate) struct WatchThread {
    stop: Sender<()>,
    thread: JoinHandle<()>,
}

impl WatchThread {
    /// Starts it. It looks at once.
    pub(crate) fn start(api: web::Data<Api>, clock: Arc<ClockWatch>) -> anyhow::Result<Self> {
        let (stop, stopped) = channel();
        let thread = thread::Builder::new()
            .name("watch".to_owned())
            .spawn(move || watch(&api, &clock, &stopped))
            .context("cannot start a thread")?;
        Ok(Self { stop, thread })
    }

    pub(crate) fn stop(self) {
        // If it has ended already, nobody listens.
        let _ = self.stop.send(());
        if self.thread.join().is_err() {
            tracing::error!("the watch panicked");
        }
    }
}

fn watch(api: &Api, clock: &ClockWatch, stopped: &Receiver<()>) {
    let (mut was_writable, mut was_believed) = (true, true);
    loop {
        let is_writable = api.try_write();
        if is_writable != was_writable {
            if is_writable {
                tracing::info!("the database takes writes again");
            } else {
                tracing::error!("the database takes no writes: it is read-only or full");
            }
            was_writable = is_writable;
        }
        let seconds = clock.deviation().num_seconds();
        if (seconds == 0) != was_believed {
            was_believed = seconds == 0;
            if was_believed {
                tracing::info!("the clock is believed again");
            } else {
                tracing::error!(seconds, "the clock has jumped ahead of the time that has passed, or back");
            }
        }
        let pause = if is_writable { EVERY } else { WITHOUT_WRITES_EVERY };
        if !matches!(stopped.recv_timeout(pause), Err(RecvTimeoutError::Timeout)) {
            break;
        }
    }
}
