//! The folder with what a server keeps beside its database: the secret of the local identity.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

const SECRET_BYTES: usize = 32;
const SECRET_FILE: &str = "secret";

/// More than any secret has. Of a longer file no more is read.
const MAX_FILE_BYTES: u64 = 4 * 1024;

/// The fewest different bytes in a secret. Of 32 random bytes about 30 are different; that there are fewer than 12 does
/// not happen in the age of the world.
const MIN_DIFFERENT_BYTES: usize = 12;

/// Makes the folder unless it is there, readable for no other user.
pub(crate) fn prepare(folder: &Path) -> anyhow::Result<()> {
    if folder.as_os_str().as_encoded_bytes().iter().any(u8::is_ascii_control) {
        bail!("the name of the data folder has a line break or another control character in it: remove it");
    }
    if folder.exists() && !folder.is_dir() {
        bail!("the data folder {} is not a folder", folder.display());
    }
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.with_context(|| format!("cannot make the data folder {}", folder.display()))
}

/// The secret of the local identity: made at first use, and the same from then on.
pub(crate) fn secret(folder: &Path) -> anyhow::Result<Vec<u8>> {
    prepare(folder)?;
    let path = folder.join(SECRET_FILE);
    if !is_there(&path)? {
        create(folder, &path)?;
    }
    read(&path)
}

/// The secret that a server made. Nothing is made here: a token that is signed with a secret of its own is good for no
/// server.
pub(crate) fn secret_of_server(folder: &Path) -> anyhow::Result<Vec<u8>> {
    if folder.exists() && !folder.is_dir() {
        bail!("the data folder {} is not a folder", folder.display());
    }
    let path = folder.join(SECRET_FILE);
    if !is_there(&path)? {
        bail!(
            "there is no secret in the data folder {}: name the data folder of the server with --data-dir, or start the server, \
             which makes the secret",
            folder.display()
        );
    }
    read(&path)
}

/// Whether something has the name, if only a link to nowhere.
fn is_there(path: &Path) -> anyhow::Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error).with_context(|| format!("cannot look for the secret {}", path.display())),
    }
}

/// Where the embedded database is unless another is named.
pub(crate) fn default_database(folder: &Path) -> PathBuf {
    folder.join("prediction-api.db")
}

/// Writes a new secret whole, then gives it its name, so that no process reads half of it. Of several processes that do
/// this at once the first wins, and all read the same.
fn create(folder: &Path, path: &Path) -> anyhow::Result<()> {
    let secret: [u8; SECRET_BYTES] = random()?;
    // A name of its own for each draft: process ids repeat, in containers that share a volume.
    let draft = folder.join(format!("{SECRET_FILE}.{}", hex(&random::<8>()?)));
    let write = || -> std::io::Result<()> {
        let mut file: File = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
        file.write_all(format!("{}\n", hex(&secret)).as_bytes())?;
        file.sync_all()?;
        match fs::hard_link(&draft, path) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
            _ => Ok(()),
        }
    };
    let written = write();
    let _ = fs::remove_file(&draft);
    written.with_context(|| format!("cannot write the secret {}", path.display()))
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let cannot = || format!("cannot read the secret {}", path.display());
    // Checked before it is opened: a process that opens a pipe waits until another one opens it for writing.
    check_file(path, &fs::metadata(path).with_context(cannot)?)?;
    let file = File::open(path).with_context(cannot)?;
    check_file(path, &file.metadata().with_context(cannot)?)?;
    let mut text = Vec::new();
    file.take(MAX_FILE_BYTES).read_to_end(&mut text).with_context(cannot)?;
    let text = String::from_utf8(text).unwrap_or_default();
    let Some(secret) = unhex(text.trim()).filter(|secret| secret.len() >= SECRET_BYTES) else {
        bail!(
            "the secret {} is not {SECRET_BYTES} bytes in hexadecimal: delete it to have a new one made",
            path.display()
        );
    };
    if is_guessable(&secret) {
        bail!("the secret {} is not random: delete it to have a new one made", path.display());
    }
    Ok(secret)
}

/// A secret is in a file that belongs to the user of this process, and that no other user can read or change.
fn check_file(path: &Path, file: &Metadata) -> anyhow::Result<()> {
    if !file.is_file() {
        bail!("the secret {} is not a file: remove it to have one made", path.display());
    }
    let own = rustix::process::geteuid().as_raw();
    if file.uid() != own {
        bail!(
            "the secret {} belongs to the user {} and not to the service's own, {own}: give it to that user with chown, or delete it \
             to have a new one made",
            path.display(),
            file.uid()
        );
    }
    if file.permissions().mode() & 0o077 != 0 {
        bail!(
            "others can read the secret {}: run chmod 600 on it, or delete it to have a new one made",
            path.display()
        );
    }
    Ok(())
}

/// Whether a person wrote the secret down instead of having it made: zeros, a word many times over, counting.
fn is_guessable(secret: &[u8]) -> bool {
    let different: BTreeSet<_> = secret.iter().collect();
    let step = |pair: &[u8]| pair[1].wrapping_sub(pair[0]);
    let is_counting = secret.windows(2).map(step).collect::<BTreeSet<_>>().len() == 1;
    different.len() < MIN_DIFFERENT_BYTES || is_counting
}

fn random<const BYTES: usize>() -> anyhow::Result<[u8; BYTES]> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("the system gives no random numbers: {error}"))?;
    Ok(bytes)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|digit| digit.to_digit(16).and_then(|value| u8::try_from(value).ok())).collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
    Some(digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_is_made_once_and_for_its_owner() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("a/b");
        let first = secret(&data).unwrap();
        assert_eq!(first.len(), SECRET_BYTES);
        assert_eq!(secret(&data).unwrap(), first);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&data.join(SECRET_FILE)), 0o600);
        assert_eq!(mode(&data), 0o700);
        assert_eq!(fs::read_dir(&data).unwrap().count(), 1, "no draft is left");
    }

    #[test]
    fn processes_that_start_together_share_one_secret() {
        let folder = tempfile::tempdir().unwrap();
        let secrets: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| secret(folder.path()).unwrap())).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(secrets.windows(2).all(|pair| pair[0] == pair[1]));
    }

    #[test]
    fn a_short_a_garbled_and_an_open_secret_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(SECRET_FILE);
        let counting = hex(&(0..32).collect::<Vec<_>>());
        for (text, mode, message) in [
            ("abcd\n", 0o600, "not 32 bytes"),
            ("nonsense", 0o600, "not 32 bytes"),
            ("", 0o644, "others can read"),
            (&"00".repeat(32), 0o600, "not random"),
            (&"ff".repeat(64), 0o600, "not random"),
            (&"0123456789abcdef".repeat(4), 0o600, "not random"),
            (&counting, 0o600, "not random"),
            (&"ab".repeat(5_000), 0o600, "not random"),
        ] {
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            for read in [secret, secret_of_server] {
                let error = read(folder.path()).unwrap_err().to_string();
                assert!(error.contains(message), "{error}");
            }
        }
    }

    #[test]
    fn a_random_secret_is_never_called_guessable() {
        for _ in 0..10_000 {
            assert!(!is_guessable(&random::<SECRET_BYTES>().unwrap()));
        }
    }

    #[test]
    fn what_is_no_file_of_its_own_is_no_secret() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(SECRET_FILE);
        let refused = |message: &str| {
            for read in [secret, secret_of_server] {
                let error = format!("{:#}", read(folder.path()).unwrap_err());
                assert!(error.contains(message), "{message}: {error}");
            }
        };
        fs::create_dir(&path).unwrap();
        refused("is not a file");
        fs::remove_dir(&path).unwrap();
        // No process writes into the pipe, so a process that opened it would wait.
        assert!(std::process::Command::new("mkfifo").args(["-m", "600"]).arg(&path).status().unwrap().success());
        refused("is not a file");
        fs::remove_file(&path).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(&path).unwrap();
        refused("is not a file");
        fs::remove_file(&path).unwrap();
        for (target, message) in [("/dev/zero", "is not a file"), ("/proc/self/nothing", "cannot read the secret")] {
            std::os::unix::fs::symlink(target, &path).unwrap();
            refused(message);
            fs::remove_file(&path).unwrap();
        }
        if rustix::process::geteuid().is_root() {
            fs::write(&path, hex(&random::<SECRET_BYTES>().unwrap())).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            std::os::unix::fs::chown(&path, Some(65_534), None).unwrap();
            refused("belongs to the user 65534");
        }
    }

    #[test]
    fn a_command_that_only_asks_for_the_secret_makes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        for data in [folder.path().to_owned(), folder.path().join("a/b")] {
            let error = secret_of_server(&data).unwrap_err().to_string();
            assert!(error.contains(&format!("no secret in the data folder {}", data.display())), "{error}");
            assert!(error.contains("--data-dir"), "{error}");
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
