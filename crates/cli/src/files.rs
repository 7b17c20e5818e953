//! Files that are written whole or not at all.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// Who may read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Readers {
    /// Its owner only.
    Owner,
    /// Whom the file that is replaced allowed, else whom the user's mask allows.
    All,
}

/// Writes a file beside its place, and gives it its name when it is complete: whoever reads meanwhile sees the file
/// before or this one, and so does whoever looks after a failure. A link goes on leading to the file. A pipe or a
/// device, which has no place beside it, is written into.
pub(crate) fn write_whole(path: &Path, content: &[u8], readers: Readers) -> Result<(), Failure> {
    write(path, content, readers).map_err(|error| Failure::Refused(format!("cannot write {}: {error}", path.display())))
}

fn write(path: &Path, content: &[u8], readers: Readers) -> io::Result<()> {
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let before = fs::metadata(&path).ok();
    if before.as_ref().is_some_and(|before| !before.is_file()) {
        return OpenOptions::new().write(true).open(&path)?.write_all(content);
    }
    let mode = if readers == Readers::Owner { 0o600 } else { 0o666 };
    let (name, mut target) = draft(&path, mode)?;
    let mut fill = || -> io::Result<()> {
        if let Some(before) = before.as_ref().filter(|_| readers == Readers::All) {
            target.set_permissions(before.permissions())?;
        }
        target.write_all(content)?;
        target.sync_all()?;
        fs::rename(&name, &path)
    };
    fill().inspect_err(|_| {
        // What went wrong first is told.
        let _ = fs::remove_file(&name);
    })
}

/// A new file in the same folder. Its name begins with a dot: it is no file of the user's.
fn draft(path: &Path, mode: u32) -> io::Result<(PathBuf, File)> {
    const ATTEMPTS: u32 = 100;
    let name = path.file_name().ok_or(ErrorKind::InvalidInput)?;
    let mut number = 0;
    loop {
        let mut draft = OsString::from(".");
        draft.push(name);
        draft.push(format!(".{}-{number}", std::process::id()));
        let draft = path.with_file_name(draft);
        match OpenOptions::new().write(true).create_new(true).mode(mode).open(&draft) {
            // A process of the same number was killed here.
            Err(error) if error.kind() == ErrorKind::AlreadyExists && number < ATTEMPTS => number += 1,
            opened => return opened.map(|file| (draft, file)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_replaced_whole_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        // What a process left that was killed.
        fs::write(folder.path().join(format!(".a.{}-0", std::process::id())), "half").unwrap();
        write_whole(&path, b"one", Readers::All).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let open = File::open(&path).unwrap();
        write_whole(&path, b"two", Readers::All).unwrap();
        assert_eq!(io::read_to_string(open).unwrap(), "one", "a reader goes on with the file that it opened");
        assert_eq!(fs::read_to_string(&path).unwrap(), "two");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(names(folder.path()).len(), 2);
    }

    #[test]
    fn a_secret_is_its_owner_s_also_where_others_could_read_before() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, "one").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        write_whole(&path, b"two", Readers::Owner).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_link_stays_and_a_device_is_written_into() {
        let folder = tempfile::tempdir().unwrap();
        let (target, link) = (folder.path().join("target"), folder.path().join("link"));
        fs::write(&target, "one").unwrap();
        symlink(&target, &link).unwrap();
        write_whole(&link, b"two", Readers::All).unwrap();
        assert_eq!(fs::read_to_string(&target).unwrap(), "two");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        write_whole(Path::new("/dev/null"), b"two", Readers::All).unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
    }

    #[test]
    fn a_failure_leaves_what_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::create_dir(&path).unwrap();
        assert!(write_whole(&path, b"two", Readers::All).is_err(), "it is a folder");
        assert!(write_whole(&folder.path().join("none/b"), b"two", Readers::All).is_err());
        assert_eq!(names(folder.path()), ["a"]);
    }
}
