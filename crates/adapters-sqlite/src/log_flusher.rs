//! Waiting for the disk beside whoever writes, and beside what is written next.

use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle};

use parking_lot::{Condvar, Mutex, MutexGuard};
use prediction_domain::ports::StoreFailure;

use crate::file::DatabaseFile;

/// Has the disk take what is in the write-ahead log, while whoever has written it goes on.
pub(crate) struct LogFlusher<'a> {
    file: &'a DatabaseFile,
    shared: Arc<Shared>,
    /// From the first flush on. None if no thread can be started.
    thread: OnceLock<Option<JoinHandle<()>>>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    has_failed: AtomicBool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    Idle,
    Flushing,
    Over,
}

impl<'a> LogFlusher<'a> {
    pub(crate) fn of(file: &'a DatabaseFile) -> Self {
        Self { file, shared: Arc::default(), thread: OnceLock::new() }
    }

    /// Begins with what is there. Waits until what was there the last time is done.
    pub(crate) fn begin(&self) {
        let thread = self.thread.get_or_init(|| {
            let (file, shared) = (self.file.clone(), Arc::clone(&self.shared));
            thread::Builder::new().name("log".to_owned()).spawn(move || flush_when_told(&file, &shared)).ok()
        });
        if thread.is_some() {
            self.shared.change(&mut self.idle(), State::Flushing);
        } else {
            self.shared.note(&self.file.open_log().and_then(|log| log.sync_data()));
        }
    }

    /// Whether it is not done yet.
    pub(crate) fn is_busy(&self) -> bool {
        *self.shared.state.lock() == State::Flushing
    }

    /// Waits until it is done. Fails if the disk did not take something.
    ///
    /// SQLite need not hear of that: the system tells a failure to each who has the file open, once, and that may be in
    /// another one's commit.
    pub(crate) fn finish(&self) -> Result<(), StoreFailure> {
        drop(self.idle());
        if self.shared.has_failed.load(Ordering::Relaxed) {
            return Err(StoreFailure::Unavailable("the disk did not take the values of a run".into()));
        }
        Ok(())
    }

    fn idle(&self) -> MutexGuard<'_, State> {
        self.shared.wait_while(State::Flushing)
    }
}

impl Drop for LogFlusher<'_> {
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take().flatten() {
            self.shared.change(&mut self.idle(), State::Over);
            // It has nothing to lose.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn wait_while(&self, state: State) -> MutexGuard<'_, State> {
        let mut guard = self.state.lock();
        self.changed.wait_while(&mut guard, |now| *now == state);
        guard
    }

    fn change(&self, state: &mut State, new: State) {
        *state = new;
        self.changed.notify_all();
    }

    fn note(&self, flushed: &io::Result<()>) {
        if flushed.is_err() {
            self.has_failed.store(true, Ordering::Relaxed);
        }
    }
}

fn flush_when_told(file: &DatabaseFile, shared: &Shared) {
    // Open all the time, so that no failure is told to others alone.
    let log = file.open_log();
    while *shared.wait_while(State::Idle) == State::Flushing {
        shared.note(&log.as_ref().map_err(|error| error.kind().into()).and_then(File::sync_data));
        shared.change(&mut shared.state.lock(), State::Idle);
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn it_is_done_in_the_end_and_says_whether_the_disk_has_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("predictions.db");
        let file = DatabaseFile::take_or_create(&path).unwrap();
        for has_log in [false, true] {
            if has_log {
                fs::write(folder.path().join("predictions.db-wal"), b"log").unwrap();
            }
            let flusher = LogFlusher::of(&file);
            flusher.finish().unwrap();
            for _ in 0..3 {
                flusher.begin();
            }
            assert_eq!(flusher.finish().is_ok(), has_log);
            assert!(!flusher.is_busy());
            flusher.begin();
        }
    }
}
