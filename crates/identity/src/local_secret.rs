//! The secret of the local identity, where a server keeps it: a file in its data folder that only its owner can read.

use std::collections::BTreeSet;
use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind, Read as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use super::local::MIN_SECRET_BYTES;

/// The name of the file in the data folder.
pub const SECRET_FILE: &str = "secret";

/// More than any secret has. Of a longer file no more is read.
const MAX_FILE_BYTES: u64 = 4 * 1024;

/// The fewest different bytes in a secret. Of 32 random bytes about 30 are different; that there are fewer than 12 does
/// not happen in the age of the world.
const MIN_DIFFERENT_BYTES: usize = 12;

/// Why there is no secret to sign with.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// Something else has the name of the folder.
    #[error("the data folder {} is not a folder", .0.display())]
    NotAFolder(PathBuf),
    /// No server has made one there.
    #[error(
        "there is no secret in the data folder {}: name the data folder of the server with --data-dir, or start the server, which \
         makes the secret",
        .0.display()
    )]
    None(PathBuf),
    /// Nobody knows whether it is there.
    #[error("cannot look for the secret {}", .0.display())]
    Hidden(PathBuf, #[source] io::Error),
    /// It is there, and cannot be read.
    #[error("cannot read the secret {}", .0.display())]
    Unreadable(PathBuf, #[source] io::Error),
    /// Its content is something else.
    #[error("the secret {} is not {MIN_SECRET_BYTES} bytes in hexadecimal: delete it to have a new one made", .0.display())]
    NotHexadecimal(PathBuf),
    /// A person wrote it down.
    #[error("the secret {} is not random: delete it to have a new one made", .0.display())]
    NotRandom(PathBuf),
    /// A folder, a pipe or a device.
    #[error("the secret {} is not a file: remove it to have one made", .0.display())]
    NotAFile(PathBuf),
    /// Another user could change it.
    #[error(
        "the secret {} belongs to the user {owner} and not to the service's own, {own}: give it to that user with chown, or delete it \
         to have a new one made",
        path.display()
    )]
    OfAnother {
        /// The file.
        path: PathBuf,
        /// Whose it is.
        owner: u32,
        /// The user of this process.
        own: u32,
    },
    /// Other users can read it.
    #[error("others can read the secret {}: run chmod 600 on it, or delete it to have a new one made", .0.display())]
    Open(PathBuf),
}

/// The secret that a server made in that data folder. Nothing is made here: a token that is signed with a secret of its
/// own is good for no server.
pub fn of_server(folder: &Path) -> Result<Vec<u8>, SecretError> {
    if folder.exists() && !folder.is_dir() {
        return Err(SecretError::NotAFolder(folder.to_owned()));
    }
    let path = folder.join(SECRET_FILE);
    if !is_there(&path)? {
        return Err(SecretError::None(folder.to_owned()));
    }
    read(&path)
}

/// Whether something has the name, if only a link to nowhere.
pub fn is_there(path: &Path) -> Result<bool, SecretError> {
    match fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(SecretError::Hidden(path.to_owned(), error)),
    }
}

/// Reads a secret, unless others could know it.
pub fn read(path: &Path) -> Result<Vec<u8>, SecretError> {
    let cannot = |error| SecretError::Unreadable(path.to_owned(), error);
    // Checked before it is opened: a process that opens a pipe waits until another one opens it for writing.
    check_file(path, &fs::metadata(path).map_err(cannot)?)?;
    let file = File::open(path).map_err(cannot)?;
    check_file(path, &file.metadata().map_err(cannot)?)?;
    let mut text = Vec::new();
    file.take(MAX_FILE_BYTES).read_to_end(&mut text).map_err(cannot)?;
    let text = String::from_utf8(text).unwrap_or_default();
    let secret = unhex(text.trim()).filter(|secret| secret.len() >= MIN_SECRET_BYTES);
    let secret = secret.ok_or_else(|| SecretError::NotHexadecimal(path.to_owned()))?;
    if is_guessable(&secret) { Err(SecretError::NotRandom(path.to_owned())) } else { Ok(secret) }
}

/// A secret is in a file that belongs to the user of this process, and that no other user can read or change.
fn check_file(path: &Path, file: &Metadata) -> Result<(), SecretError> {
    if !file.is_file() {
        return Err(SecretError::NotAFile(path.to_owned()));
    }
    let own = rustix::process::geteuid().as_raw();
    if file.uid() != own {
        return Err(SecretError::OfAnother { path: path.to_owned(), owner: file.uid(), own });
    }
    if file.permissions().mode() & 0o077 != 0 {
        return Err(SecretError::Open(path.to_owned()));
    }
    Ok(())
}

/// Whether a person wrote the secret down instead of having it made: zeros, a word many times over, counting.
#[must_use]
pub fn is_guessable(secret: &[u8]) -> bool {
    let different: BTreeSet<_> = secret.iter().collect();
    let step = |pair: &[u8]| pair[1].wrapping_sub(pair[0]);
    let is_counting = secret.windows(2).map(step).collect::<BTreeSet<_>>().len() == 1;
    different.len() < MIN_DIFFERENT_BYTES || is_counting
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|digit| digit.to_digit(16).and_then(|value| u8::try_from(value).ok())).collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
    Some(digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}
