//! What a database or a pooler lacks.

/// Why a database, or a pooler before it, cannot be used as it is. The message is one sentence for the operator.
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

/// Another session than the one that was promised.
#[derive(Debug, thiserror::Error)]
#[error("{}", Unfit::OtherSession)]
pub(crate) struct OtherSession;
