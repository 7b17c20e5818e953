//! Copying the write-ahead log into the database, beside the writer.
//!
//! SQLite does that in the commit that makes the log too long: whoever commits then waits until some ten thousand pages
//! are on the disk, whosever they are. A thread of its own does it here soon after a write, and the writer goes on
//! meanwhile.

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
/// How many pages at the most are to be left, to be copied while nobody may write.
const FEW: i64 = 256;
/// How often it is tried to come that near to the writer.
const MOST_ROUNDS: usize = 4;
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
    while calls.wait() {
        if connection.is_none() {
            connection = connect(file).ok();
        }
        if let Some(copying) = &mut connection
            && copy_near_to_the_writer(copying, turns).is_err()
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
fn copy_near_to_the_writer(connection: &mut SqliteConnection, turns: &WriteTurns) -> QueryResult<()> {
    for _ in 0..MOST_ROUNDS {
        let log: Log = diesel::sql_query("PRAGMA wal_checkpoint(PASSIVE)").get_result(connection)?;
        if log.pages < LONG {
            return Ok(());
        }
        if log.pages - log.copied <= FEW {
            break;
        }
    }
    if let Some(_turn) = turns.try_lock_for(TURN_WAIT) {
        diesel::sql_query("PRAGMA wal_checkpoint(RESTART)").execute(connection)?;
    }
    Ok(())
}

/// The log, after what no reader needs as it was before has been copied.
#[derive(Debug, QueryableByName)]
struct Log {
    #[diesel(sql_type = BigInt, column_name = log)]
    pages: i64,
    #[diesel(sql_type = BigInt, column_name = checkpointed)]
    copied: i64,
}
