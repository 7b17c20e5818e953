//! Statements and transactions, and when they are tried again.

use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

use diesel::PgConnection;
use diesel::result::{Error, QueryResult};
use prediction_domain::ports::{StoreFailure, WriteMode};

use crate::busy_time::waiting;
use crate::constraints::ConstraintViolation;
use crate::failure::{Failure, Kind, is_of_other_server};
use crate::pool::Pool;
use crate::server_connection::ServerConnection;

/// How often a transaction is done again that was ended for the sake of others.
const MOST_CONFLICTS: u32 = 5;
/// How long it waits the first time, and twice as long each time after, so that the others get through.
const FIRST_PAUSE: Duration = Duration::from_millis(1);

/// The database, behind its pool of connections.
#[derive(Clone)]
pub(crate) struct Database {
    pool: Arc<Pool>,
}

/// Why a transaction ended without a result. Whatever it did was undone.
pub(crate) enum Abort<E> {
    /// This is the answer.
    Refused(E),
    /// What it was based on was changed by others in the meantime: from the beginning.
    Retry,
    /// A statement failed.
    Statement(Error),
}

impl<E> Abort<E> {
    /// The same with what the refusal is to the caller.
    pub(crate) fn map<T>(self, refused: impl FnOnce(E) -> T) -> Abort<T> {
        match self {
            Self::Refused(refusal) => Abort::Refused(refused(refusal)),
            Self::Retry => Abort::Retry,
            Self::Statement(error) => Abort::Statement(error),
        }
    }

    /// Begins again when a statement was refused for this reason: it was looked for before, so another writer was
    /// quicker.
    pub(crate) fn again_after(breach: ConstraintViolation) -> impl FnOnce(Error) -> Self {
        move |error| if ConstraintViolation::of(&error) == Some(breach) { Self::Retry } else { Self::Statement(error) }
    }
}

impl<E> From<Error> for Abort<E> {
    fn from(error: Error) -> Self {
        Self::Statement(error)
    }
}

impl<E: From<StoreFailure>> From<StoreFailure> for Abort<E> {
    fn from(failure: StoreFailure) -> Self {
        Self::Refused(failure.into())
    }
}

/// How one attempt at a transaction ended.
enum Attempt<T, E> {
    Done(T),
    Refused(E),
    /// Nothing of it was stored.
    Undone(Option<Error>),
    /// It may have been stored or not: the connection died while it was being committed.
    Uncertain(Error),
}

impl Database {
    pub(crate) fn new(pool: Pool) -> Self {
        Self { pool: Arc::new(pool) }
    }

    pub(crate) fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Whether the tables may be distributed over several servers, which plan some statements in one form only.
    pub(crate) fn is_distributed(&self) -> Result<bool, Failure> {
        if let Some(is_distributed) = self.pool.manager().is_distributed() {
            return Ok(is_distributed);
        }
        // Whoever makes a connection finds it out.
        drop(waiting(|| self.pool.get())?);
        Ok(self.pool.manager().is_distributed().unwrap_or(false))
    }

    /// Runs one statement, in a transaction of its own.
    ///
    /// When the connection turns out to be dead, `work` runs again on another one. The first time may have had its
    /// effect all the same, so it has to be something that may happen twice.
    pub(crate) fn statement<T>(&self, mut work: impl FnMut(&mut PgConnection) -> QueryResult<T>) -> Result<T, Failure> {
        let mut budget = self.budget();
        loop {
            let mut server = waiting(|| self.pool.get())?;
            match server.alone(&mut work) {
                Ok(answer) => return Ok(answer),
                Err(error) => {
                    server.note(&error);
                    drop(server);
                    budget.spend(Some(error))?;
                }
            }
        }
    }

    /// Runs `work` in one transaction, which lasts or not.
    ///
    /// It is run again, from the beginning, when nothing of it can have been stored and there is hope: when its
    /// connection was dead, when it was ended for the sake of another transaction, and when it asks for it.
    pub(crate) fn transaction<T, E: From<StoreFailure>>(
        &self,
        mode: WriteMode,
        mut work: impl FnMut(&mut PgConnection) -> Result<T, Abort<E>>,
    ) -> Result<T, E> {
        let fail = |failure: Failure| E::from(StoreFailure::from(failure));
        let mut budget = self.budget();
        loop {
            let mut server = waiting(|| self.pool.get()).map_err(|error| fail(error.into()))?;
            let attempt = attempt(&mut server, mode, &mut work);
            drop(server);
            match attempt {
                Attempt::Done(value) => return Ok(value),
                Attempt::Refused(refusal) => return Err(refusal),
                Attempt::Uncertain(error) => return Err(fail(error.into())),
                Attempt::Undone(error) => budget.spend(error).map_err(fail)?,
            }
        }
    }

    fn budget(&self) -> RetryBudget {
        // After a restart of the database every connection of the pool may be dead.
        let lost_connections = self.pool.state().max + 1;
        let is_distributed = self.pool.manager().is_distributed() == Some(true);
        RetryBudget { is_distributed, lost_connections, conflicts: MOST_CONFLICTS, pause: FIRST_PAUSE }
    }
}

fn attempt<T, E>(
    server: &mut ServerConnection,
    mode: WriteMode,
    work: &mut impl FnMut(&mut PgConnection) -> Result<T, Abort<E>>,
) -> Attempt<T, E> {
    if let Err(error) = server.begin() {
        server.note(&error);
        return Attempt::Undone(Some(error));
    }
    match (work(server.connection()), mode) {
        (Ok(value), WriteMode::Commit) => match waiting(|| server.commit()) {
            Ok(()) => Attempt::Done(value),
            Err(error) => {
                server.note(&error);
                if Kind::of(&error) == Kind::ConnectionLost {
                    Attempt::Uncertain(error)
                } else {
                    Attempt::Undone(Some(error))
                }
            }
        },
        (Ok(value), WriteMode::DryRun) => {
            server.undo();
            Attempt::Done(value)
        }
        (Err(Abort::Refused(refusal)), _) => {
            server.undo();
            Attempt::Refused(refusal)
        }
        (Err(Abort::Retry), _) => {
            server.undo();
            Attempt::Undone(None)
        }
        (Err(Abort::Statement(error)), _) => {
            server.note(&error);
            server.undo();
            Attempt::Undone(Some(error))
        }
    }
}

/// What is left of the budget with one request.
struct RetryBudget {
    is_distributed: bool,
    lost_connections: u32,
    conflicts: u32,
    pause: Duration,
}

impl RetryBudget {
    /// Waits before the next attempt; gives the failure back when there is to be none. `None` is a conflict, too.
    fn spend(&mut self, error: Option<Error>) -> Result<(), Failure> {
        let error = match error {
            // Another connection to this server leads no further.
            Some(error) if self.is_distributed && is_of_other_server(&error) => {
                return Err(Failure::OtherServer(error));
            }
            error => error,
        };
        let kind = error.as_ref().map_or(Kind::Conflict, Kind::of);
        let left = match kind {
            Kind::ConnectionLost => &mut self.lost_connections,
            Kind::Conflict => &mut self.conflicts,
            _ => return Err(error.map_or(Failure::Contended, Failure::Statement)),
        };
        if *left == 0 {
            return Err(error.map_or(Failure::Contended, Failure::Statement));
        }
        *left -= 1;
        if kind == Kind::Conflict {
            waiting(|| sleep(self.pause));
            self.pause *= 2;
        }
        Ok(())
    }
}
