//! The database file: made for its owner alone, and the lock beside it.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use crate::start_up::StartUpError;

/// A database file that exists.
#[derive(Debug, Clone)]
pub(crate) struct DatabaseFile {
    /// Without symbolic links, so that all who use the file meet at the same lock.
    path: PathBuf,
    identity: Identity,
}

impl DatabaseFile {
    /// Takes the file at the path, or makes an empty one, which is an empty database.
    pub(crate) fn take_or_create(path: &Path) -> Result<Self, StartUpError> {
        let folder = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        if path.is_dir() {
            return Err(StartUpError::IsFolder { path: path.to_owned() });
        }
        if !folder.is_dir() {
            return Err(StartUpError::FolderMissing { folder: folder.to_owned() });
        }
        if fs::metadata(path).is_ok_and(|file| !file.is_file()) {
            return Err(StartUpError::NotRegular { path: path.to_owned() });
        }
        let failed = |error| StartUpError::of_io(path, folder, error);
        let file = open_for_owner(path).map_err(failed)?;
        let identity = Identity::of(&file.metadata().map_err(failed)?);
        Ok(Self { path: fs::canonicalize(path).map_err(failed)?, identity })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The name by which SQLite opens the file: an absolute `file:` URI. `mode=rw`, so that a connection made later
    /// never creates an empty database in the place of one that was moved away.
    pub(crate) fn uri(&self) -> String {
        let mut uri = "file:".to_owned();
        for byte in self.path.as_os_str().as_encoded_bytes() {
            if byte.is_ascii_alphanumeric() || b"/-._~".contains(byte) {
                uri.push(char::from(*byte));
            } else {
                let _ = write!(uri, "%{byte:02X}");
            }
        }
        uri.push_str("?mode=rw");
        uri
    }

    /// Waits until no other process prepares or migrates the database; it ends with the value, or with the process.
    pub(crate) fn lock(&self) -> Result<File, StartUpError> {
        let lock_path = self.beside(".lock");
        let folder = self.path.parent().unwrap_or(Path::new("/"));
        let failed = |error| StartUpError::of_io(&lock_path, folder, error);
        let lock = open_for_owner(&lock_path).map_err(failed)?;
        lock.lock().map_err(failed)?;
        Ok(lock)
    }

    /// The write-ahead log, to wait for the disk. There are no locks on it that the process could lose.
    pub(crate) fn open_log(&self) -> io::Result<File> {
        File::open(self.beside("-wal"))
    }

    /// The database, to wait for the disk.
    ///
    /// It stays open until the process ends: when it is closed, the process loses the locks that SQLite has on it.
    pub(crate) fn open_for_ever(&self) -> io::Result<&'static File> {
        Ok(Box::leak(Box::new(File::open(&self.path)?)))
    }

    /// The file of the same name with that end.
    fn beside(&self, end: &str) -> PathBuf {
        let mut path = OsString::from(&self.path);
        path.push(end);
        path.into()
    }

    /// Fails when the file was deleted or replaced: connections would go on with the old one, unnoticed.
    pub(crate) fn verify_in_place(&self) -> io::Result<()> {
        let found = Identity::of(&fs::metadata(&self.path)?);
        if found == self.identity {
            Ok(())
        } else {
            Err(io::Error::other(format!("the file {} was replaced: restart the program", self.path.display())))
        }
    }
}

/// Opens or creates a file that only its owner can read. SQLite gives `-wal` and `-shm` the mode of the database.
fn open_for_owner(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Tells one file from another of the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Identity {
    #[cfg(unix)]
    device: u64,
    #[cfg(unix)]
    inode: u64,
}

impl Identity {
    #[cfg(unix)]
    fn of(metadata: &fs::Metadata) -> Self {
        use std::os::unix::fs::MetadataExt as _;
        Self { device: metadata.dev(), inode: metadata.ino() }
    }

    /// Elsewhere a file that is open can be neither deleted nor replaced.
    #[cfg(not(unix))]
    fn of(_: &fs::Metadata) -> Self {
        Self {}
    }
}
