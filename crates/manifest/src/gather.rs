//! From files and folders to texts.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;

use crate::file::{File, Format, Place};
use crate::mistake::{Mistake, Mistakes};
use crate::{Input, MAX_BYTES, MAX_DEPTH, MAX_FILES};

/// Reads all files. What is not to be parsed has no format. `None` if there are too many bytes or files to go on.
pub(crate) fn gather(inputs: &[Input], mistakes: &mut Mistakes) -> Option<Vec<(Arc<File>, Option<Format>)>> {
    let mut gathering =
        Gathering { files: Vec::new(), seen: HashSet::new(), looked_at: 0, found: 0, bytes: 0, mistakes };
    for input in inputs {
        match input {
            Input::Path(path) => gathering.path(path)?,
            Input::Bytes { name, bytes } => gathering.bytes(name.clone(), bytes.clone(), None)?,
        }
    }
    let files = gathering.files;
    if inputs.is_empty() {
        mistakes.push(Mistake::new("no_files", "no file is named"));
    }
    Some(files)
}

struct Gathering<'m> {
    files: Vec<(Arc<File>, Option<Format>)>,
    /// Files and folders that were read, without symbolic links.
    seen: HashSet<PathBuf>,
    looked_at: usize,
    /// How many files there were to read, also those that were read before or could not be read.
    found: usize,
    bytes: usize,
    mistakes: &'m mut Mistakes,
}

impl Gathering<'_> {
    /// A file or folder that the user named.
    fn path(&mut self, path: &Path) -> Option<()> {
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => {
                let before = self.found;
                self.folder(path, &mut Vec::new())?;
                if self.found == before {
                    let hint = "its files end in .yaml, .yml or .json; hidden ones are skipped";
                    self.refuse(path, Mistake::new("no_files", "the folder has no file to read").hint(hint));
                }
                Some(())
            }
            Ok(_) => self.file(path),
            Err(error) => {
                self.refuse_unreadable(path, &error);
                Some(())
            }
        }
    }

    /// A folder; `around` are the folders that it was found in.
    fn folder(&mut self, path: &Path, around: &mut Vec<PathBuf>) -> Option<()> {
        let real = match fs::canonicalize(path) {
            Ok(real) => real,
            Err(error) => {
                self.refuse_unreadable(path, &error);
                return Some(());
            }
        };
        if around.contains(&real) {
            self.refuse(path, Mistake::new("folder_in_itself", "the folder is a link to one that it is in"));
            return Some(());
        }
        if around.len() >= MAX_DEPTH {
            self.refuse(path, Mistake::new("too_deep", format!("more than {MAX_DEPTH} folders are in each other")));
            return Some(());
        }
        if !self.seen.insert(real.clone()) {
            self.found += 1;
            return Some(());
        }
        let entries = fs::read_dir(path).and_then(|entries| {
            // One more than are looked at tells that there are too many.
            entries.take(MAX_FILES + 1).map(|entry| Ok(entry?.file_name())).collect::<io::Result<Vec<_>>>()
        });
        let mut names = match entries {
            Ok(names) => names,
            Err(error) => {
                self.refuse_unreadable(path, &error);
                return Some(());
            }
        };
        names.sort();
        around.push(real);
        for name in names {
            self.looked_at += 1;
            if self.looked_at > MAX_FILES {
                let message = format!("the folders have more than {MAX_FILES} files");
                self.refuse(path, Mistake::new("too_many_files", message));
                return None;
            }
            if name.as_encoded_bytes().starts_with(b".") {
                continue;
            }
            let path = path.join(&name);
            match fs::metadata(&path) {
                Ok(metadata) if metadata.is_dir() => self.folder(&path, around)?,
                Ok(metadata) if metadata.is_file() && format_of(&path).is_some() => self.file(&path)?,
                Err(error) if format_of(&path).is_some() => self.refuse_unreadable(&path, &error),
                _ => (),
            }
        }
        around.pop();
        Some(())
    }

    fn file(&mut self, path: &Path) -> Option<()> {
        self.found += 1;
        // A pipe has no other name.
        let real = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        if !self.seen.insert(real) {
            return Some(());
        }
        let mut bytes = Vec::new();
        let outcome = fs::File::open(path).and_then(|file| file.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes));
        match outcome {
            Ok(_) => self.bytes(path.display().to_string(), bytes, format_of(path)),
            Err(error) => {
                self.refuse_unreadable(path, &error);
                Some(())
            }
        }
    }

    fn bytes(&mut self, name: String, mut bytes: Vec<u8>, format: Option<Format>) -> Option<()> {
        if bytes.len() > MAX_BYTES {
            let mistake = Mistake::new("too_large", format!("the file has more than {} MiB", MAX_BYTES >> 20));
            self.refuse(Path::new(&name), mistake);
            return Some(());
        }
        self.bytes += bytes.len();
        if self.bytes > MAX_BYTES {
            let message = format!("the files up to this one have more than {} MiB together", MAX_BYTES >> 20);
            self.refuse(Path::new(&name), Mistake::new("too_large", message));
            return None;
        }
        if bytes.starts_with("\u{feff}".as_bytes()) {
            bytes.drain(.."\u{feff}".len());
        }
        let order = self.files.len();
        match String::from_utf8(bytes) {
            Ok(text) => {
                let format = if format == Some(Format::Json) { Format::Json } else { guess(&text) };
                self.files.push((Arc::new(File::new(order, name, Some(text))), Some(format)));
            }
            Err(error) => {
                let at = error.utf8_error().valid_up_to();
                let byte = error.as_bytes().get(at).copied().unwrap_or_default();
                let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
                let end = at + text[at..].chars().next().map_or(0, char::len_utf8);
                let file = Arc::new(File::new(order, name, Some(text)));
                let message = format!("the byte 0x{byte:02X}, number {} of the file, is not UTF-8", at + 1);
                let mistake = Mistake::new("not_utf8", message).at(Place::new(&file, at..end));
                self.mistakes.push(mistake.hint("save the file as UTF-8"));
                self.files.push((file, None));
            }
        }
        Some(())
    }

    fn refuse_unreadable(&mut self, path: &Path, error: &io::Error) {
        let message = if error.kind() == io::ErrorKind::NotFound {
            "there is no such file or folder".to_owned()
        } else {
            format!("cannot be read: {error}")
        };
        self.refuse(path, Mistake::new("unreadable", message));
    }

    fn refuse(&mut self, path: &Path, mistake: Mistake) {
        self.found += 1;
        let file = Arc::new(File::new(self.files.len(), path.display().to_string(), None));
        self.mistakes.push(mistake.at(Place::of_file(&file)));
        self.files.push((file, None));
    }
}

fn format_of(path: &Path) -> Option<Format> {
    let extension = path.extension().and_then(OsStr::to_str)?;
    if extension.eq_ignore_ascii_case("json") {
        Some(Format::Json)
    } else if extension.eq_ignore_ascii_case("yaml") || extension.eq_ignore_ascii_case("yml") {
        Some(Format::Yaml)
    } else {
        None
    }
}

/// JSON has escape sequences that YAML has not. What is JSON means the same in YAML otherwise, so that a file for YAML
/// may hold what a program wrote as JSON.
fn guess(text: &str) -> Format {
    let may_be_json = text.trim_start().starts_with('{');
    if may_be_json && serde_json::from_str::<Value>(text).is_ok() { Format::Json } else { Format::Yaml }
}
