//! What can go wrong before the service serves.

use std::fmt::Display;

use crate::connect::PostgresUrl;
use crate::link::LinkError;

/// Why the store is not ready. The message is one sentence for the person who started the process.
#[derive(Debug, thiserror::Error)]
pub enum StartUpError {
    /// No connection could be made.
    #[error("cannot reach PostgreSQL at {address}: {reason}")]
    Unreachable {
        /// Its hosts and ports.
        address: String,
        /// What the server, or the network, said.
        reason: String,
    },
    /// The database cannot be used, or what is before it.
    #[error(transparent)]
    Unfit(#[from] Unfit),
    /// What went wrong could not be told later on.
    #[error(
        "the SQLSTATE of an error of PostgreSQL cannot be read, so this program would not know what goes wrong: it was built with another version of diesel than it was written for"
    )]
    CodesUnreadable,
    /// It could not be told which migrations are applied.
    #[error("cannot tell which migrations are applied: {reason}")]
    MigrationsUnknown {
        /// What the server said.
        reason: String,
    },
    /// The names of sources could not be looked through.
    #[error("cannot look through the names of sources: {reason}")]
    NamesUnknown {
        /// What the server said.
        reason: String,
    },
    /// A migration failed.
    #[error("migration {name} failed and left the schema as it was before: {reason}")]
    MigrationFailed {
        /// The migration.
        name: String,
        /// What the server said.
        reason: String,
    },
    /// A step that belongs to a migration failed. What it did until then is kept, and it is gone on with the next time.
    #[error("the step of a migration to {name} failed: {reason}")]
    StepFailed {
        /// What it was to do.
        name: String,
        /// What the server said.
        reason: String,
    },
}

/// Why a database, or a pooler before it, cannot be used as it is. The message is one sentence for whoever can change that.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// It cannot hold all texts, or does not know what characters are.
    #[error(
        "the database has the encoding {encoding}, in which not all texts can be stored: make one with ENCODING 'UTF8' TEMPLATE template0"
    )]
    Encoding {
        /// Its name.
        encoding: String,
    },
    /// Statements that belong together would be done apart.
    #[error(
        "the connection pooler before the database lets no transactions through: set its pool_mode to \"transaction\" or \"session\""
    )]
    NoTransactions,
    /// Sessions are shared though it was said that they are not.
    #[error(
        "the connection pooler before the database gave a connection another session, and it was said that it does not: use --database-pooling=transaction, or set its pool_mode to \"session\""
    )]
    OtherSession,
}

impl StartUpError {
    pub(crate) fn unreachable(url: &PostgresUrl, error: LinkError) -> Self {
        match error {
            LinkError::Unfit(unfit) => Self::Unfit(unfit),
            error => Self::Unreachable { address: url.address(), reason: in_one_line(&error) },
        }
    }

    pub(crate) fn migrations_unknown(error: impl Display) -> Self {
        Self::MigrationsUnknown { reason: in_one_line(&error) }
    }

    pub(crate) fn names_unknown(error: impl Display) -> Self {
        Self::NamesUnknown { reason: in_one_line(&error) }
    }

    pub(crate) fn migration_failed(name: &str, error: &dyn Display) -> Self {
        Self::MigrationFailed { name: name.to_owned(), reason: in_one_line(error) }
    }

    pub(crate) fn step_failed(name: &str, error: &dyn Display) -> Self {
        Self::StepFailed { name: name.to_owned(), reason: in_one_line(error) }
    }
}

/// The server's messages come in several lines, the later ones indented.
fn in_one_line(message: &dyn Display) -> String {
    message.to_string().lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("; ")
}
