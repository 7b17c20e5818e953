//! The folder with what a server keeps beside its database: the secret of the local identity.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use prediction_identity::local_secret::{self, SECRET_FILE};

const SECRET_BYTES: usize = 32;

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
    if !local_secret::is_there(&path)? {
        create(folder, &path)?;
    }
    Ok(local_secret::read(&path)?)
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

fn random<const BYTES: usize>() -> anyhow::Result<[u8; BYTES]> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("the system gives no random numbers: {error}"))?;
    Ok(bytes)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use prediction_identity::local_secret::{is_guessable, of_server};

    use super::*;

    fn secret_of_server(folder: &Path) -> anyhow::Result<Vec<u8>> {
        Ok(of_server(folder)?)
    }

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
