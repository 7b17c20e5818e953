//! What an operator reads when a store cannot be opened: one plain sentence each, with what to do.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};

/// Why a store could not be opened or migrated.
#[derive(Debug, thiserror::Error)]
pub enum StartUpError {
    /// The folder of the file is not there.
    #[error("the folder {} of the database does not exist: create it or choose another path", .folder.display())]
    FolderMissing {
        /// The folder.
        folder: PathBuf,
    },
    /// SQLite keeps files beside the database, so the folder has to be writable too.
    #[error("the folder {} of the database is not writable: give this user the right to write to it", .folder.display())]
    FolderNotWritable {
        /// The folder.
        folder: PathBuf,
    },
    /// The path names a folder.
    #[error("{} is a folder: name a file in it as the database", .path.display())]
    IsFolder {
        /// The path.
        path: PathBuf,
    },
    /// The path names a device, a pipe or the like.
    #[error("{} is not a regular file: name another one as the database", .path.display())]
    NotRegular {
        /// The path.
        path: PathBuf,
    },
    /// The file is there, but not for this user.
    #[error("the database {} cannot be read and written: give this user the right to do so", .path.display())]
    NotAccessible {
        /// The file.
        path: PathBuf,
    },
    /// The file holds something else.
    #[error("the file {} is not an SQLite database: move it away or choose another path", .path.display())]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// There is no room left.
    #[error("the disk of the database {} is full: make room on it", .path.display())]
    DiskFull {
        /// The file.
        path: PathBuf,
    },
    /// Another program does not let go of the file.
    #[error("the database {} is locked by another program: end that program", .path.display())]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// SQLite cannot keep its write-ahead log there, as on some network file systems.
    #[error("the file system of the database {} does not support write-ahead logging: choose a local disk", .path.display())]
    NoWriteAheadLog {
        /// The file.
        path: PathBuf,
    },
    /// A migration failed; the schema is as it was before it.
    #[error("the migration {migration} could not be applied to the database {}", .path.display())]
    Migration {
        /// The name of the migration.
        migration: String,
        /// The file.
        path: PathBuf,
        /// What went wrong.
        source: Box<dyn Error + Send + Sync>,
    },
    /// Something unforeseen.
    #[error("the database {} cannot be opened", .path.display())]
    Other {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        source: Box<dyn Error + Send + Sync>,
    },
}

impl StartUpError {
    /// What the operating system said while `path`, a file in `folder`, was created or opened.
    pub(crate) fn of_io(path: &Path, folder: &Path, error: io::Error) -> Self {
        let path = path.to_owned();
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Self::FolderMissing { folder: folder.to_owned() },
            io::ErrorKind::IsADirectory => Self::IsFolder { path },
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem if path.exists() => {
                Self::NotAccessible { path }
            }
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Self::FolderNotWritable { folder: folder.to_owned() }
            }
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull { path },
            _ => Self::Other { path, source: error.into() },
        }
    }

    /// What SQLite said while `path` was opened: it is recognised by the text of the result code, which diesel does not
    /// hand on.
    pub(crate) fn of_sqlite(path: &Path, error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        let source = error.into();
        let path = path.to_owned();
        match SqliteComplaint::of(&source.to_string()) {
            Some(SqliteComplaint::NotADatabase) => Self::NotADatabase { path },
            Some(SqliteComplaint::Full) => Self::DiskFull { path },
            Some(SqliteComplaint::Locked) => Self::Locked { path },
            Some(SqliteComplaint::CannotOpen | SqliteComplaint::ReadOnly) => Self::NotAccessible { path },
            Some(SqliteComplaint::Malformed | SqliteComplaint::InputOutput) | None => Self::Other { path, source },
        }
    }
}

/// The result codes of SQLite that mean the state of the file or the disk, not of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SqliteComplaint {
    CannotOpen,
    Full,
    InputOutput,
    Locked,
    Malformed,
    NotADatabase,
    ReadOnly,
}

impl SqliteComplaint {
    /// The texts of `sqlite3_errstr`, which have been the same since SQLite 3.0. Tested against real failures.
    const TEXTS: [(&'static str, Self); 8] = [
        ("unable to open database file", Self::CannotOpen),
        ("database or disk is full", Self::Full),
        ("disk I/O error", Self::InputOutput),
        ("database is locked", Self::Locked),
        ("database table is locked", Self::Locked),
        ("database disk image is malformed", Self::Malformed),
        ("file is not a database", Self::NotADatabase),
        ("attempt to write a readonly database", Self::ReadOnly),
    ];

    pub(crate) fn of(message: &str) -> Option<Self> {
        Self::TEXTS.iter().find(|(text, _)| message.contains(text)).map(|(_, complaint)| *complaint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tests may run as root, whom no permission stops, and without a full disk at hand: so what the operating system
    /// would say is put in here.
    #[test]
    fn what_the_operating_system_says_becomes_a_sentence() {
        let sentence = |kind: io::ErrorKind| {
            StartUpError::of_io(Path::new("/none/predictions.db"), Path::new("/none"), kind.into()).to_string()
        };
        assert_eq!(
            sentence(io::ErrorKind::NotFound),
            "the folder /none of the database does not exist: create it or choose another path"
        );
        for kind in [io::ErrorKind::PermissionDenied, io::ErrorKind::ReadOnlyFilesystem] {
            assert_eq!(
                sentence(kind),
                "the folder /none of the database is not writable: give this user the right to write to it"
            );
        }
        assert_eq!(
            sentence(io::ErrorKind::StorageFull),
            "the disk of the database /none/predictions.db is full: make room on it"
        );
        assert_eq!(
            sentence(io::ErrorKind::IsADirectory),
            "/none/predictions.db is a folder: name a file in it as the database"
        );
    }
}
