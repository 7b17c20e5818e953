//! What a failed statement means to the caller of a port.

use std::fmt;

use diesel::result::{DatabaseErrorKind, Error};
use prediction_domain::ports::StoreFailure;
use prediction_pg_sqlstate::SqlState;

use crate::constraints::ConstraintViolation;
use crate::unfit::OtherSession;

/// Why there is no answer from the database.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// All connections of the pool are busy, or none can be made.
    #[error("no connection to the database: {0}")]
    NoConnection(#[from] r2d2::Error),
    /// A statement failed.
    #[error("{}", Told(.0))]
    Statement(#[from] Error),
    /// A statement on distributed tables failed, since another server that has some of the rows is not there.
    #[error("{}", Told(.0))]
    OtherServer(Error),
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
    ConstraintViolation(ConstraintViolation),
    /// What is stored cannot be read.
    Unreadable,
    /// The server lacks something (room on its disk, memory, connections) or is in no state for it: later perhaps.
    OutOfResources,
    /// None of these.
    Unforeseen,
}

impl Kind {
    pub(crate) fn of(error: &Error) -> Self {
        if let Some(breach) = ConstraintViolation::of(error) {
            return Self::ConstraintViolation(breach);
        }
        match error {
            Error::DatabaseError(DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand, _)
            | Error::BrokenTransactionManager
            | Error::AlreadyInTransaction
            | Error::NotInTransaction
            | Error::RollbackErrorOnCommit { .. } => Self::ConnectionLost,
            Error::DatabaseError(..) => SqlState::of(error).map_or(Self::Unforeseen, Self::of_code),
            Error::QueryBuilderError(cause) if cause.is::<OtherSession>() => Self::OutOfResources,
            Error::DeserializationError(_) => Self::Unreadable,
            _ => Self::Unforeseen,
        }
    }

    /// By nothing but the SQLSTATE: messages are in the language of the server (`lc_messages`).
    #[expect(clippy::match_same_arms, reason = "each has its reason")]
    fn of_code(code: SqlState) -> Self {
        match code.as_str() {
            // A statement that the server knows no more, or knows already: this is not the session in which it was
            // prepared.
            "26000" | "42P05" => Self::ConnectionLost,
            // A transaction that may only read: a standby, or a server that was told to take no writes.
            "25006" => Self::ConnectionLost,
            // Ended from outside, or since nothing was asked for a long time.
            "57P01" | "57P02" | "57P03" | "57P04" | "57P05" | "25P03" => Self::ConnectionLost,
            "55P03" => Self::LockTimeout,
            "57014" => Self::StatementTimeout,
            _ => match code.class() {
                "08" => Self::ConnectionLost,
                "40" => Self::Conflict,
                "53" | "55" | "57" | "58" => Self::OutOfResources,
                _ => Self::Unforeseen,
            },
        }
    }
}

/// Whether the server failed, where tables are distributed, because it has no connection to another one. The
/// connection to it is well, and so is what it has itself.
pub(crate) fn is_of_other_server(error: &Error) -> bool {
    // A pooler in between would say 08P01, of its own server.
    SqlState::of(error).is_some_and(|code| ["08000", "08001", "08003", "08004", "08006"].contains(&code.as_str()))
}

/// An error as it is told: what it is called in every language stands behind the message.
pub(crate) struct Told<'a>(pub(crate) &'a Error);

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match SqlState::of(self.0) {
            Some(code) => write!(f, "{} (SQLSTATE {code})", self.0),
            None => self.0.fmt(f),
        }
    }
}

impl Failure {
    pub(crate) fn kind(&self) -> Option<Kind> {
        match self {
            Self::NoConnection(_) | Self::OtherServer(_) | Self::Contended => None,
            Self::Statement(error) => Some(Kind::of(error)),
        }
    }

    /// Whether the server takes no writes at all: it is a standby, was told so, or its disk is full.
    fn is_not_writable(&self) -> bool {
        match self {
            Self::NoConnection(_) | Self::OtherServer(_) | Self::Contended => false,
            Self::Statement(error) => {
                SqlState::of(error).is_some_and(|code| ["25006", "53100"].contains(&code.as_str()))
            }
        }
    }
}

impl From<Failure> for StoreFailure {
    fn from(failure: Failure) -> Self {
        if failure.is_not_writable() {
            return Self::NotWritable(failure.into());
        }
        if matches!(failure, Failure::OtherServer(_)) {
            return Self::PartlyUnavailable(failure.into());
        }
        match failure.kind() {
            None
            | Some(
                Kind::ConnectionLost
                | Kind::Conflict
                | Kind::LockTimeout
                | Kind::StatementTimeout
                | Kind::OutOfResources,
            ) => Self::Unavailable(failure.into()),
            Some(Kind::Unreadable) => Self::Corrupt(failure.into()),
            Some(Kind::ConstraintViolation(_) | Kind::Unforeseen) => Self::Internal(failure.into()),
        }
    }
}
