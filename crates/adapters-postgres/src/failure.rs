//! What a failed statement means to the caller of a port.

use std::sync::Arc;

use diesel::result::{DatabaseErrorKind, Error};
use prediction_domain::ports::StoreFailure;

use crate::constraints::Breach;

/// Why there is no answer from the database.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// All connections of the pool are busy, or none can be made.
    #[error("no connection to the database: {0}")]
    NoConnection(#[from] r2d2::Error),
    /// A statement failed.
    #[error(transparent)]
    Statement(#[from] Error),
    /// Others got in the way each time.
    #[error("the same rows were changed by others again and again")]
    Contended,
}

/// What is to be done about a failed statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The connection is dead, or leads to a server that takes no writes (any more): take another one.
    ConnectionLost,
    /// The transaction was ended for the sake of another one: do it again.
    Conflict,
    /// It waited too long for the lock of another transaction.
    LockTimeout,
    /// It took too long.
    StatementTimeout,
    /// A constraint refused it.
    Breach(Breach),
    /// What is stored cannot be read.
    Unreadable,
    /// None of these.
    Unforeseen,
}

impl Kind {
    pub(crate) fn of(error: &Error) -> Self {
        if let Some(breach) = Breach::of(error) {
            return Self::Breach(breach);
        }
        match error {
            Error::DatabaseError(
                DatabaseErrorKind::ClosedConnection
                | DatabaseErrorKind::UnableToSendCommand
                | DatabaseErrorKind::ReadOnlyTransaction,
                _,
            )
            | Error::BrokenTransactionManager
            | Error::AlreadyInTransaction
            | Error::NotInTransaction
            | Error::RollbackErrorOnCommit { .. } => Self::ConnectionLost,
            Error::DatabaseError(DatabaseErrorKind::SerializationFailure, _) => Self::Conflict,
            Error::DatabaseError(DatabaseErrorKind::Unknown, information) => Self::of_message(information.message()),
            Error::DeserializationError(_) => Self::Unreadable,
            _ => Self::Unforeseen,
        }
    }

    /// Some kinds can be told only by their message: diesel does not hand on the SQLSTATE. A server that speaks another
    /// language than English (`lc_messages`) makes them unforeseen, which costs a retry but nothing else.
    fn of_message(message: &str) -> Self {
        if message.starts_with("terminating connection") {
            Self::ConnectionLost
        } else if message == "deadlock detected" {
            Self::Conflict
        } else if message == "canceling statement due to lock timeout" {
            Self::LockTimeout
        } else if message == "canceling statement due to statement timeout" {
            Self::StatementTimeout
        } else {
            Self::Unforeseen
        }
    }
}

impl Failure {
    pub(crate) fn kind(&self) -> Option<Kind> {
        match self {
            Self::NoConnection(_) | Self::Contended => None,
            Self::Statement(error) => Some(Kind::of(error)),
        }
    }

    /// The failure of each of several requests that were answered together.
    pub(crate) fn shared(self: &Arc<Self>) -> StoreFailure {
        store_failure(self.kind(), Box::new(Arc::clone(self)))
    }
}

impl From<Failure> for StoreFailure {
    fn from(failure: Failure) -> Self {
        store_failure(failure.kind(), Box::new(failure))
    }
}

fn store_failure(kind: Option<Kind>, cause: Box<dyn std::error::Error + Send + Sync>) -> StoreFailure {
    match kind {
        None | Some(Kind::ConnectionLost | Kind::Conflict | Kind::LockTimeout | Kind::StatementTimeout) => {
            StoreFailure::Unavailable(cause)
        }
        Some(Kind::Unreadable) => StoreFailure::Corrupt(cause),
        Some(Kind::Breach(_) | Kind::Unforeseen) => StoreFailure::Internal(cause),
    }
}
