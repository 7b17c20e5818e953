//! Copying the write-ahead log into the database, beside the writer.
//!
//! SQLite does that in the commit that makes the log too long: whoever commits then waits until some ten thousand pages
//! are on the disk, whosever they are. A thread of its own does it here soon after a write, and the writer goes on
//! meanwhile.

use std::cell::LazyCell;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::BigInt;
use parking_lot::FairMutex;

use crate::connect::{Customizer, Use};
use crate::file::DatabaseFile;

/// What is written within this time is copied together: a page that is changed often is copied once.
const PACE: Duration = Duration::from_secs(2);

/// From how many pages on the log is made to begin anew: 256 MiB, and what is written until then. Mostly it does so by
/// itself, at the first write that finds all of it copied and no reader in it; beside those who read and write all the
/// time, there is none.
const LONG: i64 = 65_536;
/// From how many pages on that happens whatever it costs.
const TOO_LONG: i64 = 2 * LONG;
/// How many pages are to be left, to be copied while nobody may write.
const FEW: i64 = 64;
/// How many at the most, where writers are too quick for that.
const BEARABLE: i64 = 1_024;
/// How often it is tried to come that near to the writer. On a disk that copies 1.3 times as quickly as others write,
/// each round has three quarters of the pages of the one before.
const MOST_ROUNDS: usize = 16;
/// How long that waits for its turn.
const TURN_WAIT: Duration = Duration::from_secs(1);
/// And how long then for readers that are in the log.
const READER_WAIT: Duration = Duration::from_millis(50);

/// Whose turn it is to write.
pub(crate) type WriteTurns = Arc<FairMutex<()>>;

/// A thread that copies the log of a file into it, from the first write on.
#[derive(Debug)]
pub(crate) struct Checkpoints {
    file: DatabaseFile,
    turns: WriteTurns,
    calls: Arc<Calls>,
    thread: OnceLock<Option<JoinHandle<()>>>,
}

/// What the thread is told.
#[derive(Debug, Default)]
struct Calls {
    told: Mutex<Told>,
    called: Condvar,
}

#[derive(Debug, Default)]
struct Told {
    has_written: bool,
    is_over: bool,
}

impl Checkpoints {
    pub(crate) fn of(file: &DatabaseFile, turns: &WriteTurns) -> Self {
        Self { file: file.clone(), turns: Arc::clone(turns), calls: Arc::default(), thread: OnceLock::new() }
    }

    /// There may be something to copy.
    pub(crate) fn note_write(&self) {
        self.calls.tell(|told| told.has_written = true);
        self.thread.get_or_init(|| {
            let (file, turns, calls) = (self.file.clone(), Arc::clone(&self.turns), Arc::clone(&self.calls));
            let named = thread::Builder::new().name("checkpoints".to_owned());
            // Where no thread can be started, the writer copies, when the log has become very long.
            named.spawn(move || copy_when_told(&file, &turns, &calls)).ok()
        });
    }
}

/// The last connection that is closed removes the log: it must not be the thread's, some time later.
impl Drop for Checkpoints {
    fn drop(&mut self) {
        self.calls.tell(|told| told.is_over = true);
        if let Some(thread) = self.thread.take().flatten() {
            // It has nothing to lose.
            let _ = thread.join();
        }
    }
}

impl Calls {
    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, what: impl FnOnce(&mut Told)) {
        what(&mut self.told());
        self.called.notify_one();
    }

    /// Waits for a write, and lets others come. False when it is over.
    fn wait(&self) -> bool {
        let idle = |told: &mut Told| !told.has_written && !told.is_over;
        let told = self.called.wait_while(self.told(), idle).unwrap_or_else(PoisonError::into_inner);
        let busy = |told: &mut Told| !told.is_over;
        let (mut told, _) = self.called.wait_timeout_while(told, PACE, busy).unwrap_or_else(PoisonError::into_inner);
        told.has_written = false;
        !told.is_over
    }
}

/// A failure is no news: the next write that needs the disk says so, and nothing is lost meanwhile.
fn copy_when_told(file: &DatabaseFile, turns: &WriteTurns, calls: &Calls) {
    let mut connection = None;
    let database = LazyCell::new(|| file.open_for_ever().ok());
    let wait_for_disk = || {
        if let Some(database) = *database {
            // If the disk has failed, SQLite learns of it when it waits itself.
            let _ = database.sync_data();
        }
    };
    let is_over = || calls.told().is_over;
    while calls.wait() {
        if connection.is_none() {
            connection = connect(file).ok();
        }
        if let Some(copying) = &mut connection
            && copy_near_to_the_writer(copying, turns, wait_for_disk, is_over).is_err()
        {
            connection = None;
        }
    }
}

fn connect(file: &DatabaseFile) -> Result<SqliteConnection, Box<dyn std::error::Error>> {
    let mut connection = SqliteConnection::establish(&file.uri())?;
    Customizer { purpose: Use::Copy, lock_wait: READER_WAIT }.set_up(&mut connection)?;
    Ok(connection)
}

/// Copies what is there. When the log has become long, it is copied to its end while nobody writes.
fn copy_near_to_the_writer(
    connection: &mut SqliteConnection,
    turns: &WriteTurns,
    wait_for_disk: impl Fn(),
    is_over: impl Fn() -> bool,
) -> QueryResult<()> {
    let copy = || {
        let log: Log = diesel::sql_query("PRAGMA wal_checkpoint(PASSIVE)").get_result(connection)?;
        if log.pages >= LONG {
            // SQLite itself waits only at the end of the log: for all that was copied since it was there last.
            wait_for_disk();
        }
        QueryResult::Ok(log)
    };
    if approach(copy, is_over)?
        && let Some(_turn) = turns.try_lock_for(TURN_WAIT)
    {
        diesel::sql_query("PRAGMA wal_checkpoint(RESTART)").execute(connection)?;
    }
    Ok(())
}

/// Copies a long log until little is left of it, and tells whether the rest is to be copied while nobody writes.
///
/// What is written during a round is left for the next one. SQLite does not tell how much that is: it counts what was
/// in the log when the round began. So what a round had to copy stands for what the next one will find.
fn approach<E>(mut copy: impl FnMut() -> Result<Log, E>, is_over: impl Fn() -> bool) -> Result<bool, E> {
    let mut log = copy()?;
    let mut left = log.pages;
    for _ in 1..MOST_ROUNDS {
        if log.pages < LONG || left <= FEW {
            break;
        }
        if is_over() {
            return Ok(false);
        }
        let before = log.copied;
        log = copy()?;
        left = log.pages - before;
    }
    Ok(log.pages >= LONG && (left <= BEARABLE || log.pages >= TOO_LONG))
}

/// The log, after what no reader needs as it was before has been copied.
#[derive(Debug, QueryableByName)]
struct Log {
    #[diesel(sql_type = BigInt, column_name = log)]
    pages: i64,
    #[diesel(sql_type = BigInt, column_name = checkpointed)]
    copied: i64,
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    /// A log to which others write all the time, and a disk. Times are in milliseconds.
    struct Machine {
        written: i64,
        copied: i64,
        /// Pages in a millisecond.
        writes: f64,
        copies: f64,
        /// What a round takes besides.
        fixed: f64,
        rounds: usize,
    }

    impl Machine {
        /// After the two seconds in which nothing was copied.
        fn new(pages: i64, writes: f64, copies: f64) -> Self {
            let waiting = pages_in(2_000.0, writes);
            Self { written: pages, copied: pages - waiting, writes, copies, fixed: 10.0, rounds: 0 }
        }

        fn left(&self) -> i64 {
            self.written - self.copied
        }

        fn copy(&mut self) -> Log {
            let found = self.written;
            let takes = self.fixed + f64::from(i32::try_from(self.left()).unwrap()) / self.copies;
            self.copied = found;
            self.written += pages_in(takes, self.writes);
            self.rounds += 1;
            Log { pages: found, copied: found }
        }

        fn approach(&mut self) -> bool {
            approach(|| Ok::<_, Infallible>(self.copy()), || false).unwrap()
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "a test's numbers are small")]
    fn pages_in(milliseconds: f64, speed: f64) -> i64 {
        (milliseconds * speed) as i64
    }

    #[test]
    fn little_is_left_for_the_writer_to_wait_for() {
        for writes in [0.0, 0.1, 1.2] {
            for ratio in [1.3, 2.0, 100.0] {
                let mut machine = Machine::new(LONG, writes, ratio * writes.max(0.1));
                assert!(machine.approach());
                assert!(machine.left() <= 2 * FEW, "{writes} {ratio}: {} pages are left", machine.left());
            }
        }
    }

    #[test]
    fn nobody_waits_for_a_log_that_is_short() {
        let mut machine = Machine::new(LONG - 1, 0.0, 1.0);
        assert!(!machine.approach());
        assert_eq!(machine.rounds, 1);
    }

    #[test]
    fn whoever_stops_the_program_waits_for_one_round() {
        let mut machine = Machine::new(TOO_LONG, 1.2, 10.0);
        assert!(!approach(|| Ok::<_, Infallible>(machine.copy()), || true).unwrap());
        assert_eq!(machine.rounds, 1);
    }

    #[test]
    fn a_log_to_which_others_write_too_quickly_grows_up_to_a_bound() {
        let mut machine = Machine::new(LONG, 0.6, 0.55);
        assert!(!machine.approach(), "{} pages are left", machine.left());
        assert_eq!(machine.rounds, MOST_ROUNDS);
        assert!(Machine::new(TOO_LONG, 0.6, 0.55).approach());
    }
}
