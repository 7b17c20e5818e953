//! How long a migration waits for locks of others.

use std::thread::sleep;
use std::time::{Duration, Instant};

use diesel::result::Error;

use super::Tell;
use crate::failure::Kind;

/// How long a migration waits for locks of others, such as a backup that reads the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LockRetry {
    /// How long it waits for a lock at a time. All other sessions wait behind it meanwhile, so it is short.
    pub lock_wait: Duration,
    /// How long it tries again before it gives up.
    pub give_up_after: Duration,
    /// How long it leaves others alone after the first attempt; more each time.
    pub first_pause: Duration,
    /// The longest time that it leaves others alone.
    pub longest_pause: Duration,
}

impl Default for LockRetry {
    fn default() -> Self {
        Self {
            lock_wait: Duration::from_millis(500),
            give_up_after: Duration::from_mins(10),
            first_pause: Duration::from_millis(500),
            longest_pause: Duration::from_secs(15),
        }
    }
}

/// How an attempt ended. Whatever it did was undone, unless it is done.
pub(crate) enum Trial<T> {
    Done(T),
    /// Another session holds the lock.
    Hindered(Error),
    Failed(Error),
}

impl<T> From<Result<T, Error>> for Trial<T> {
    fn from(result: Result<T, Error>) -> Self {
        match result {
            Ok(value) => Self::Done(value),
            Err(error) if matches!(Kind::of(&error), Kind::LockTimeout | Kind::Conflict) => Self::Hindered(error),
            Err(error) => Self::Failed(error),
        }
    }
}

/// Why something was given up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GivenUp {
    #[error(transparent)]
    Failed(Error),
    #[error("others were in the way for {} s ({error})", .waited.as_secs())]
    Hindered { error: Error, waited: Duration },
}

impl LockRetry {
    /// For a statement of its own, within a transaction.
    pub(crate) fn lock_timeout(&self) -> String {
        format!("SET LOCAL lock_timeout = {}", self.lock_wait.as_millis().max(1))
    }

    /// Attempts it until it is done, with growing pauses in between, in which others get through.
    pub(crate) fn try_again<T>(
        &self,
        tell: Tell<'_>,
        what: &str,
        mut attempt: impl FnMut() -> Trial<T>,
    ) -> Result<T, GivenUp> {
        let begun = Instant::now();
        let mut pause = self.first_pause;
        loop {
            let error = match attempt() {
                Trial::Done(value) => return Ok(value),
                Trial::Failed(error) => return Err(GivenUp::Failed(error)),
                Trial::Hindered(error) => error,
            };
            let waited = begun.elapsed();
            if waited + pause > self.give_up_after {
                return Err(GivenUp::Hindered { error, waited });
            }
            tell(&format!(
                "{what}: others are in the way ({error}); it is tried again in {} ms, and given up in {} s",
                pause.as_millis(),
                self.give_up_after.saturating_sub(waited).as_secs()
            ));
            sleep(pause);
            pause = (pause * 2).min(self.longest_pause);
        }
    }
}
