//! What may be wrong with the URL of a database.

use super::SCHEME;

/// Why a URL names no file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// It is not this adapter's.
    #[error("the database URL does not begin with \"{SCHEME}\"")]
    OtherScheme,
    /// There is nothing behind the scheme.
    #[error("the database URL names no file: write sqlite:predictions.db")]
    NoFile,
    /// `:memory:`: every connection would see a database of its own.
    #[error("a database in memory cannot be shared by several connections: name a file, such as sqlite:predictions.db")]
    InMemory,
    /// `sqlite://name`.
    #[error(
        "the database URL is ambiguous: write sqlite:{path} for a file below the current folder or \
         sqlite:///{path} for an absolute path"
    )]
    Ambiguous {
        /// What stands behind the two slashes.
        path: String,
    },
    /// `?` or `#`: there are no options, and a file of that name was hardly meant.
    #[error("the database URL must be a plain path, without \"?\" and \"#\"")]
    Options,
    /// No file can be called that, or it was hardly meant.
    #[error("the database URL has a line break or another control character in it: remove it")]
    ControlCharacter,
    /// A file of that name was hardly meant.
    #[error("the path in the database URL begins or ends with a space: remove it")]
    Space,
}
