//! What can go wrong before the service serves.

use std::fmt::Display;

use diesel::PgConnection;
use diesel::connection::SimpleConnection as _;
use prediction_pg_sqlstate::SqlState;

use crate::connect::PostgresUrl;
use crate::server_connection::ServerConnectionError;
use crate::unfit::Unfit;

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
    /// The tables cannot be distributed as things are. Nothing was done.
    #[error("the tables cannot be distributed: {}", .wrong.join("; "))]
    NotDistributable {
        /// Everything that is wrong, and what to do about it.
        wrong: Vec<String>,
    },
    /// Distributing the tables failed.
    #[error(
        "distributing the tables failed, and each is where it was before: {reason}; run it again when that is put right"
    )]
    DistributionFailed {
        /// What the server said.
        reason: String,
    },
    /// The tables are distributed, but something is missing of them.
    #[error(
        "the tables are distributed, but not whole: {}; do not serve before they are made again on the table, here",
        .missing.join("; ")
    )]
    Incomplete {
        /// What is missing where.
        missing: Vec<String>,
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

/// Has the server make an error with a code that no other error has, and reads it.
pub(crate) fn check_codes(connection: &mut PgConnection) -> Result<(), StartUpError> {
    let raised = connection.batch_execute(
        "DO $$ BEGIN RAISE EXCEPTION 'prediction-api tries whether it can read the code of an error' \
         USING ERRCODE = 'UX123'; END $$",
    );
    match raised {
        Err(error) if SqlState::of(&error) == SqlState::parse("UX123") => Ok(()),
        _ => Err(StartUpError::CodesUnreadable),
    }
}

impl StartUpError {
    pub(crate) fn unreachable(url: &PostgresUrl, error: ServerConnectionError) -> Self {
        match error {
            ServerConnectionError::Unfit(unfit) => Self::Unfit(unfit),
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

    pub(crate) fn distribution_failed(error: impl Display) -> Self {
        Self::DistributionFailed { reason: in_one_line(&error) }
    }

    pub(crate) fn step_failed(name: &str, error: &dyn Display) -> Self {
        Self::StepFailed { name: name.to_owned(), reason: in_one_line(error) }
    }
}

/// The server's messages come in several lines, the later ones indented.
fn in_one_line(message: &dyn Display) -> String {
    message.to_string().lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("; ")
}
