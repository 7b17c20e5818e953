//! The one connection that writes, and whose turn it is to use it.

use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use diesel::connection::{AnsiTransactionManager, SimpleConnection as _, TransactionManager as _};
use diesel::prelude::*;
use diesel::r2d2::Pool;
use parking_lot::FairMutexGuard;
use prediction_domain::ports::StoreFailure;

use crate::busy_time::Writing;
use crate::checkpoints::{Checkpoints, WriteTurns};
use crate::connect::Use;
use crate::failure::store_failure;
use crate::file::DatabaseFile;
use crate::pool::{Manager, Pooled, open, take};
use crate::settings::Settings;
use crate::start_up::StartUpError;

/// SQLite lets one connection write at a time. That there is only one makes writers of this process queue up in order,
/// where SQLite would let them try again and again.
#[derive(Debug)]
pub(crate) struct Writer {
    connection: Pool<Manager>,
    /// Who gives it back and asks for it again is behind those who wait. The pool does not see to that.
    turns: WriteTurns,
    /// How many wait for their turn.
    waiting: AtomicUsize,
    /// How many turns there were.
    taken: AtomicU64,
    checkpoints: Checkpoints,
}

impl Writer {
    pub(crate) fn open(file: &DatabaseFile, settings: &Settings) -> Result<Self, StartUpError> {
        let turns = WriteTurns::default();
        Ok(Self {
            connection: open(file, settings, Use::Write, 1)?,
            waiting: AtomicUsize::new(0),
            taken: AtomicU64::new(0),
            checkpoints: Checkpoints::of(file, &turns),
            turns,
        })
    }

    /// Waits so long at the most.
    pub(crate) fn take(&self, patience: Duration) -> Result<Turn<'_>, StoreFailure> {
        let came = Instant::now();
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let guard = self.turns.try_lock_for(patience);
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        let Some(guard) = guard else {
            return Err(StoreFailure::Unavailable("others write for too long".into()));
        };
        let number = self.taken.fetch_add(1, Ordering::Relaxed);
        Ok(Turn {
            connection: take(&self.connection)?,
            _guard: guard,
            _writing: Writing::begin(),
            writer: self,
            number,
            waited: came.elapsed(),
        })
    }

    pub(crate) fn connections(&self) -> &Pool<Manager> {
        &self.connection
    }
}

/// The connection that writes, until it is dropped.
pub(crate) struct Turn<'a> {
    // Fields are dropped in this order: the connection is back before another one has the turn.
    connection: Pooled,
    _guard: FairMutexGuard<'a, ()>,
    _writing: Writing,
    writer: &'a Writer,
    number: u64,
    waited: Duration,
}

impl<'a> Turn<'a> {
    pub(crate) fn queue(&self) -> WriterQueue<'a> {
        WriterQueue { writer: self.writer, turn: self.number, waited: self.waited }
    }

    /// Does work whose commit lasts only from the next commit on.
    ///
    /// A connection that cannot be set back is closed: what others commit on it would not last either.
    pub(crate) fn without_waiting_for_disk<T>(
        &mut self,
        work: impl FnOnce(&mut SqliteConnection) -> T,
    ) -> Result<T, StoreFailure> {
        self.connection.batch_execute("PRAGMA synchronous = NORMAL").map_err(store_failure)?;
        let done = work(&mut self.connection);
        if let Err(error) = self.connection.batch_execute("PRAGMA synchronous = FULL") {
            AnsiTransactionManager::transaction_manager_status_mut(&mut *self.connection).set_in_error();
            return Err(store_failure(error));
        }
        Ok(done)
    }
}

/// Those who wait for the end of a turn, as whoever has it sees them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WriterQueue<'a> {
    writer: &'a Writer,
    turn: u64,
    waited: Duration,
}

impl WriterQueue<'_> {
    /// Whether there are any.
    pub(crate) fn is_waited_for(&self) -> bool {
        self.writer.waiting.load(Ordering::Relaxed) > 0
    }

    /// Counts turns.
    pub(crate) fn turn(&self) -> u64 {
        self.turn
    }

    /// How long it waited for its turn.
    pub(crate) fn waited(&self) -> Duration {
        self.waited
    }
}

impl Deref for Turn<'_> {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        &self.connection
    }
}

impl DerefMut for Turn<'_> {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        &mut self.connection
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.writer.checkpoints.note_write();
    }
}

#[cfg(test)]
mod tests {
    use diesel::sql_query;
    use diesel::sql_types::Integer;

    use super::*;

    const FULL: i32 = 2;

    #[test]
    fn a_connection_that_cannot_be_set_back_is_not_used_again() {
        let folder = tempfile::tempdir().unwrap();
        let file = DatabaseFile::take_or_create(&folder.path().join("predictions.db")).unwrap();
        let settings = Settings::default();
        let writer = Writer::open(&file, &settings).unwrap();
        let mut turn = writer.take(settings.lock_wait).unwrap();
        assert_eq!(synchronous(&mut turn), FULL);
        // In a transaction, SQLite does not let it be changed.
        turn.without_waiting_for_disk(|connection| connection.batch_execute("BEGIN").unwrap()).unwrap_err();
        assert_ne!(synchronous(&mut turn), FULL);
        drop(turn);
        assert_eq!(synchronous(&mut writer.take(settings.lock_wait).unwrap()), FULL);
    }

    fn synchronous(connection: &mut SqliteConnection) -> i32 {
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = Integer)]
            synchronous: i32,
        }
        sql_query("PRAGMA synchronous").get_result::<Row>(connection).unwrap().synchronous
    }
}
