//! Runs with many values are stored, and deleted, in parts, so that others write in between.
//!
//! There is one writer, and a run of ten thousand values keeps it for as long as hundreds of small writes. What others
//! wait for is a part of it. Until the last part is stored the run is not there, and a row says that its values are
//! [unfinished]: nobody reads them. If the process dies, whoever comes next removes them: the same report when it is
//! sent again, or the purge.

mod pace;
mod unfinished;

use std::thread;
use std::time::{Duration, Instant};

use diesel::prelude::*;
use prediction_domain::model::{Prediction, Run};
use prediction_domain::ports::{StoreFailure, WriteMode};

use crate::failure::OrStoreFailure as _;
use crate::part_writers::PartWriter;
use crate::processor::give_way;
use crate::results::insert::Values;
use crate::results::job_key::JobKey;
use crate::store::{Lasts, SqliteStore};
use pace::{LONGEST_PART, Pace};
use unfinished::Unfinished;
pub(super) use unfinished::{find_stale, hidden, remove_stale};

/// A run of no more values is stored at once, though others wait: a part of it would cost more than it is.
const FEW: usize = 256;
/// How many are deleted at once.
const DELETED_AT_ONCE: usize = 64;
/// How long the next part of what is begun waits for its turn: what is stored of it would be for nothing.
const PATIENCE: Duration = Duration::from_secs(5);
/// How soon it is looked again whether another process is done.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Stores a run with its values: all of it or nothing.
///
/// `prepare` looks whether it may be stored, and says when it is issued; from the second part on it is given the run as
/// it was said. `complete` stores the run.
pub(super) fn insert<T, E: From<StoreFailure>>(
    store: &SqliteStore,
    predictions: &[Prediction],
    prepare: impl Fn(&mut SqliteConnection, Option<&Run>) -> Result<Run, E>,
    complete: impl Fn(&mut SqliteConnection, &Run) -> Result<T, E>,
) -> Result<T, E> {
    let values = Values::of(predictions);
    let until = Instant::now() + store.settings().lock_wait;
    loop {
        match try_insert(store, &values, &prepare, &complete)? {
            Attempt::Stored(answer) => return Ok(answer),
            Attempt::Occupied(by, age) => make_way(store, &by, age, until)?,
        }
    }
}

enum Attempt<T> {
    Stored(T),
    /// There are other values that were issued at the same time, and are of no run: since when nobody has gone on.
    Occupied(Unfinished, Duration),
}

enum Part<'a, T> {
    Last(T),
    First(Box<Begun<'a>>),
    Next,
    Occupied(Unfinished, Duration),
}

/// A run of which a part is stored.
struct Begun<'a> {
    run: Run,
    claim: Claim<'a>,
}

fn try_insert<T, E: From<StoreFailure>>(
    store: &SqliteStore,
    values: &Values<'_>,
    prepare: &impl Fn(&mut SqliteConnection, Option<&Run>) -> Result<Run, E>,
    complete: &impl Fn(&mut SqliteConnection, &Run) -> Result<T, E>,
) -> Result<Attempt<T>, E> {
    let mut left = values.statements();
    let is_large = values.len() > LONGEST_PART;
    let may_be_split = values.len() > FEW;
    let mut pace = Pace::new(store, is_large);
    let mut begun: Option<Box<Begun<'_>>> = None;
    loop {
        let patience = if begun.is_some() { PATIENCE } else { store.settings().connection_wait };
        // Nobody is told of a run before its last part, in which it is stored. Of a large one that has no values:
        // others must not read the run before it is on the disk, and wait for that.
        let may_be_last = if begun.is_some() { left.len() == 0 } else { !is_large };
        let lasts = if may_be_last { Lasts::FromNowOn } else { Lasts::WithTheNextWrite };
        let on_disk = if may_be_last { pace.finish() } else { Ok(()) };
        pace.let_others_write();
        let part = store.write_in_turn(patience, lasts, |connection, queue| {
            let mut end = pace.begin(queue);
            let run = prepare(connection, begun.as_ref().map(|begun| &begun.run))?;
            match &begun {
                Some(begun) => begun.claim.values.go_on(connection)?,
                None => {
                    if let Some((by, age)) = unfinished::find_at(connection, &run).or_store_failure()? {
                        return Ok(Part::Occupied(by, age));
                    }
                }
            }
            while let Some(statement) = left.next() {
                statement.execute(connection, &run).or_store_failure()?;
                // One that wants to write may wait for this processor, and is not seen before it has it.
                give_way();
                let is_last = left.len() == 0;
                // Looked at once: a moment later it may have come.
                let is_over = may_be_split && !is_last && end.has_come_after(statement.len(), &pace);
                if begun.is_some() {
                    if is_last || is_over {
                        return Ok(Part::Next);
                    }
                } else if is_over || is_last && is_large {
                    let claim = Claim::of(store, |writer| Unfinished::of(&run, writer));
                    claim.values.begin(connection).or_store_failure()?;
                    return Ok(Part::First(Box::new(Begun { run, claim })));
                }
            }
            if let Some(begun) = &begun {
                on_disk?;
                begun.claim.values.end(connection).or_store_failure()?;
            }
            complete(connection, &run).map(Part::Last)
        });
        match part {
            Ok(Part::Last(answer)) => return Ok(Attempt::Stored(answer)),
            Ok(Part::Occupied(by, age)) => return Ok(Attempt::Occupied(by, age)),
            Ok(Part::First(first)) => {
                begun = Some(first);
                pace.end();
            }
            Ok(Part::Next) => pace.end(),
            Err(error) => {
                if let Some(begun) = begun {
                    // What cannot be removed now is removed by whoever comes next.
                    let _ = begun.claim.remove(store);
                }
                return Err(error);
            }
        }
    }
}

/// Waits until other values that were issued at the same time are of a run, or removes them if nobody goes on with
/// them.
fn make_way(store: &SqliteStore, by: &Unfinished, age: Duration, until: Instant) -> Result<(), StoreFailure> {
    if Instant::now() >= until {
        let cause = "another run that was issued at the same time is being stored or deleted";
        return Err(StoreFailure::Unavailable(cause.into()));
    }
    let writers = store.part_writers();
    if !writers.is_done(&by.writer) {
        if writers.wait_for(&by.writer, until) {
            return Ok(());
        }
        if writers.may_be_active(age) {
            thread::sleep(LOOK_AGAIN);
            return Ok(());
        }
    }
    let own = Claim::of(store, |writer| by.of_writer(writer));
    let is_own =
        store.write(WriteMode::Commit, |connection| by.pass_on(connection, &own.values.writer).or_store_failure())?;
    if is_own { own.remove(store) } else { Ok(()) }
}

/// Values that are of no run, and that this process stores or deletes until it is dropped.
pub(super) struct Claim<'a> {
    values: Unfinished,
    _writer: PartWriter<'a>,
}

impl<'a> Claim<'a> {
    fn of(store: &'a SqliteStore, values: impl FnOnce(String) -> Unfinished) -> Self {
        let writer = store.part_writers().enter();
        Self { values: values(writer.name()), _writer: writer }
    }

    /// Takes the values of a run from it, if there are many: nobody reads them any more, and they are to be
    /// [removed](Claim::remove) when that is committed. None if there are few: then they are deleted.
    pub(super) fn take(
        store: &'a SqliteStore,
        connection: &mut SqliteConnection,
        job: &JobKey,
        issued_at: i64,
    ) -> QueryResult<Option<Self>> {
        let claim = Self::of(store, |writer| Unfinished::of_job(job, issued_at, writer));
        if claim.values.delete_some(connection, DELETED_AT_ONCE)? < DELETED_AT_ONCE {
            return Ok(None);
        }
        claim.values.begin(connection)?;
        Ok(Some(claim))
    }

    /// Removes the values, in parts. If they come back after a power cut, so does what tells of them.
    pub(super) fn remove(&self, store: &SqliteStore) -> Result<(), StoreFailure> {
        let mut pace = Pace::new(store, true);
        loop {
            pace.let_others_write();
            let is_done = store.write_in_turn(PATIENCE, Lasts::WithTheNextWrite, |connection, queue| {
                let mut end = pace.begin(queue);
                self.values.go_on(connection)?;
                while self.values.delete_some(connection, DELETED_AT_ONCE).or_store_failure()? == DELETED_AT_ONCE {
                    give_way();
                    if end.has_come_after(DELETED_AT_ONCE, &pace) {
                        return Ok(false);
                    }
                }
                self.values.end(connection).or_store_failure()?;
                Ok::<_, StoreFailure>(true)
            })?;
            pace.end();
            if is_done {
                return Ok(());
            }
        }
    }
}
