//! The folder with what a server keeps beside its database: the secret of the local identity.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

const SECRET_BYTES: usize = 32;
const SECRET_FILE: &str = "secret";

/// Makes the folder unless it is there, readable for nobody else.
pub(crate) fn prepare(folder: &Path) -> anyhow::Result<()> {
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
    if !path.try_exists().with_context(|| format!("cannot look for the secret {}", path.display()))? {
        create(folder, &path)?;
    }
    read(&path)
}

/// Where the embedded database is unless another is named.
pub(crate) fn default_database(folder: &Path) -> PathBuf {
    folder.join("prediction-api.db")
}

/// Writes a new secret whole, then gives it its name, so that nobody reads half of it. Of several processes that do this
/// at once the first wins, and all read the same.
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
    let text = fs::read_to_string(path).with_context(|| format!("cannot read the secret {}", path.display()))?;
    let mode =
        fs::metadata(path).with_context(|| format!("cannot read the secret {}", path.display()))?.permissions().mode();
    if mode & 0o077 != 0 {
        bail!(
            "others can read the secret {}: run chmod 600 on it, or delete it to have a new one made",
            path.display()
        );
    }
    let Some(secret) = unhex(text.trim()).filter(|secret| secret.len() >= SECRET_BYTES) else {
        bail!(
            "the secret {} is not {SECRET_BYTES} bytes in hexadecimal: delete it to have a new one made",
            path.display()
        );
    };
    Ok(secret)
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
        for (text, mode, message) in
            [("abcd\n", 0o600, "not 32 bytes"), ("nonsense", 0o600, "not 32 bytes"), ("", 0o644, "others can read")]
        {
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let error = secret(folder.path()).unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
    }
}
