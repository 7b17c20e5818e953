//! An index of a table that is in use.
//!
//! Of a small table it is made in one transaction, like a migration: that takes a moment and waits for no other
//! session. Of a large one it is made while others write (`CREATE INDEX CONCURRENTLY`). Then it cannot be made within a
//! transaction, so nothing can be held for it that other processes see, other than the lock that PostgreSQL itself
//! takes on the table. So one process claims the step, which counts for as long as it takes to get that lock; by the
//! lock the others see that it is at it, and look until the index is there.

use std::thread::sleep;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::result::Error;
use diesel::sql_types::{BigInt, Bool, Text};
use prediction_pg_sqlstate::SqlState;

use super::super::bookkeeping::{self, Bookkeeping, Standing};
use super::super::lock_retry::{GivenUp, LockRetry};
use super::super::{Outcome, Tell};
use crate::failure::Kind;

/// An index that is to be there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Index {
    pub(super) name: &'static str,
    /// Its table, a space, and what is indexed: `CREATE INDEX name ON …`.
    pub(super) on: &'static str,
}

/// How large a table may be for its index to be made at once, in bytes: some hundred or thousand rows.
const SMALL: i64 = 256 * 1024;

/// How often is looked whether another process is ready.
const WATCH: Duration = Duration::from_millis(250);

/// How often it may fail for a reason other than another session.
const MOST_FAILURES: u32 = 3;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Missing,
    /// Another session makes it, or looks after the table (`VACUUM`). Both come to the same: making it now would have
    /// to wait.
    UnderWay,
    /// Another session began to make it, and died.
    Invalid,
    Valid,
}

impl Index {
    fn table(self) -> &'static str {
        self.on.split(' ').next().unwrap_or_default()
    }

    /// Makes it unless it is there, and writes down that it is.
    pub(super) fn make(
        self,
        connection: &mut PgConnection,
        retry: &LockRetry,
        tell: Tell<'_>,
        step: &str,
    ) -> Result<Outcome, GivenUp> {
        let at_once = retry.try_again(tell, step, || self.make_at_once(connection, retry, step).into())?;
        match at_once {
            Some(outcome) => Ok(outcome),
            None => self.make_beside_writers(connection, retry, tell, step),
        }
    }

    /// Makes it in one transaction, unless the table is large.
    fn make_at_once(
        self,
        connection: &mut PgConnection,
        retry: &LockRetry,
        step: &str,
    ) -> QueryResult<Option<Outcome>> {
        connection.build_transaction().read_committed().run(|connection| {
            connection.batch_execute("SET LOCAL statement_timeout = 0")?;
            connection.batch_execute(&retry.lock_timeout())?;
            let Standing::Unfinished(_) = bookkeeping::take_step(connection, step)? else {
                return Ok(Some(Outcome::WasThere));
            };
            if self.is_large(connection)? {
                return Ok(None);
            }
            self.lock_table(connection)?;
            let found = self.is_valid(connection)?;
            if found == Some(false) {
                self.drop(connection)?;
            }
            if found != Some(true) {
                connection.batch_execute(&format!("CREATE INDEX {} ON {}", self.name, self.on))?;
            }
            bookkeeping::finish_step(connection, step)?;
            Ok(Some(Outcome::Applied))
        })
    }

    fn make_beside_writers(
        self,
        connection: &mut PgConnection,
        retry: &LockRetry,
        tell: Tell<'_>,
        step: &str,
    ) -> Result<Outcome, GivenUp> {
        let begun = Instant::now();
        let mut told = begun;
        let mut failures = 0;
        loop {
            if told.elapsed() > Duration::from_secs(10) {
                tell(&format!("step of a migration: {step}: another process is at it, or at the table"));
                told = Instant::now();
            }
            let made = match self.state(connection).map_err(GivenUp::Failed)? {
                State::Valid => break,
                State::UnderWay => {
                    sleep(WATCH);
                    continue;
                }
                State::Invalid => self.throw_away(connection, retry),
                State::Missing if !claimed(connection, retry, tell, step)? => {
                    // Another process was ready, and a later step has disposed of the index since.
                    if is_finished(connection, step).map_err(GivenUp::Failed)? {
                        return Ok(Outcome::WasThere);
                    }
                    sleep(WATCH);
                    continue;
                }
                State::Missing => {
                    connection.batch_execute(&format!("CREATE INDEX CONCURRENTLY {} ON {}", self.name, self.on))
                }
            };
            let Err(error) = made else { continue };
            // A quicker session is at it, or was. Nothing is tried again before it was looked at again: after a
            // deadlock an index may be there that is not valid.
            if !is_meeting(&error) {
                failures += 1;
                if failures == MOST_FAILURES {
                    return Err(GivenUp::Failed(error));
                }
            } else if begun.elapsed() > retry.give_up_after {
                return Err(GivenUp::Hindered { error, waited: begun.elapsed() });
            }
            tell(&format!(
                "{step}: others are in the way ({error}); it is looked at again in {} ms",
                WATCH.as_millis()
            ));
            sleep(WATCH);
        }
        let is_first = retry.try_again(tell, step, || bookkeeping::finish_step(connection, step).into())?;
        Ok(if is_first { Outcome::Applied } else { Outcome::WasThere })
    }

    /// What a session that died has left. The table is held for the moment in which it is made sure that no session
    /// makes the index anew: otherwise a valid one could be thrown away, after it was written down that it is there.
    fn throw_away(self, connection: &mut PgConnection, retry: &LockRetry) -> QueryResult<()> {
        connection.build_transaction().read_committed().run(|connection| {
            connection.batch_execute(&retry.lock_timeout())?;
            self.lock_table(connection)?;
            if self.is_valid(connection)? == Some(false) { self.drop(connection) } else { Ok(()) }
        })
    }

    fn lock_table(self, connection: &mut PgConnection) -> QueryResult<()> {
        connection.batch_execute(&format!("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE", self.table()))
    }

    fn drop(self, connection: &mut PgConnection) -> QueryResult<()> {
        connection.batch_execute(&format!("DROP INDEX {}", self.name))
    }

    fn is_large(self, connection: &mut PgConnection) -> QueryResult<bool> {
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = Bool)]
            is_large: bool,
        }
        let row: Row = diesel::sql_query("SELECT pg_relation_size($1::regclass) > $2 AS is_large")
            .bind::<Text, _>(self.table())
            .bind::<BigInt, _>(SMALL)
            .get_result(connection)?;
        Ok(row.is_large)
    }

    fn state(self, connection: &mut PgConnection) -> QueryResult<State> {
        // Locks are told as they are, and an index as it was when the statement began. So the lock is looked at first:
        // who holds it no more has ended what the next statement sees.
        let is_under_way = self.is_locked(connection)?;
        Ok(match self.is_valid(connection)? {
            Some(true) => State::Valid,
            _ if is_under_way => State::UnderWay,
            Some(false) => State::Invalid,
            None => State::Missing,
        })
    }

    /// Whether a session makes an index of the table. Nothing else takes such a lock for long.
    fn is_locked(self, connection: &mut PgConnection) -> QueryResult<bool> {
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = Bool)]
            is_locked: bool,
        }
        let row: Row = diesel::sql_query(
            "SELECT EXISTS (
                SELECT FROM pg_locks
                WHERE database = (SELECT oid FROM pg_database WHERE datname = current_database())
                    AND relation = to_regclass($1) AND mode = 'ShareUpdateExclusiveLock'
            ) AS is_locked",
        )
        .bind::<Text, _>(self.table())
        .get_result(connection)?;
        Ok(row.is_locked)
    }

    fn is_valid(self, connection: &mut PgConnection) -> QueryResult<Option<bool>> {
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = Bool)]
            indisvalid: bool,
        }
        let row = diesel::sql_query("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass($1)")
            .bind::<Text, _>(self.name)
            .get_result::<Row>(connection)
            .optional()?;
        Ok(row.map(|row| row.indisvalid))
    }
}

/// Processes that start together come to each step together. If they all began, PostgreSQL would find after a second
/// that each waits for the other.
fn claimed(connection: &mut PgConnection, retry: &LockRetry, tell: Tell<'_>, step: &str) -> Result<bool, GivenUp> {
    retry.try_again(tell, step, || bookkeeping::claim_step(connection, step).into())
}

fn is_finished(connection: &mut PgConnection, step: &str) -> QueryResult<bool> {
    Ok(!Bookkeeping::read(connection)?.is_unfinished(step))
}

/// Whether it went wrong since another process is, or was, at the same: each waits for the other, or finds the index
/// made, or gone.
fn is_meeting(error: &Error) -> bool {
    matches!(Kind::of(error), Kind::LockTimeout | Kind::Conflict)
        || SqlState::of(error).is_some_and(|code| ["42P07", "42704"].contains(&code.as_str()))
}
