//! The configuration files of a user, read as one JSON document that knows where each of its values stands.
//!
//! [`read`] takes files and folders, in YAML and JSON. A file may hold several YAML documents, and an empty file is an
//! empty document. All of them become one: lists are put one behind the other, a scalar stands in one file, or is the
//! same in several. All mistakes are told at once, over all files. [`render`] shows them as a compiler does. When a
//! service judges the document and answers with JSON pointers into it, [`Manifest::locate`] finds the place in the
//! user's file again. [`to_yaml`] writes a document such that it reads back as the same one.
//!
//! # What a plain text of YAML is
//!
//! YAML 1.2 says it, by its core schema, also in a file that claims to be YAML 1.1. Nothing that the user wrote changes
//! in silence:
//!
//! - `yes`, `no`, `on`, `off` are texts, as are times (`12:30`) and dates.
//! - `true`, `True`, `TRUE` and the same of `false` are booleans. `null`, `Null`, `NULL`, `~` and nothing are null.
//! - `5`, `+5`, `0x1F`, `0o17`, `1.5`, `.5`, `1e3` are numbers. Integers are kept if 64 bits hold them, with a sign or
//!   without; other numbers are the nearest double.
//! - Refused is what other programs read differently, or what JSON cannot hold: `0777` (777, or octal 511), `1_000`
//!   (text, or 1000), larger integers, numbers beyond doubles, `.inf` and `.nan`.
//! - Where the caller wants text ([`Expect::Text`]), a number, a boolean, null or a date without quotes is refused,
//!   since `version: 1.10` is the number 1.1.
//!
//! # What is refused of YAML
//!
//! Anchors and aliases, since a few lines of them can stand for gigabytes, and a place would be in two places; tags;
//! merge keys; keys that are not texts; keys that stand twice; control characters, which a quoted text can hold as
//! escape sequences; more than [`MAX_DEPTH`] lists and objects in each other.
//!
//! JSON files, and other files that hold JSON, are read by JSON's own rules, which differ from YAML's (`\ud83d\ude00`,
//! tabs).

mod escape;
mod file;
mod gather;
mod json;
mod manifest;
mod merge;
mod mistake;
mod nearest;
mod node;
mod render;
mod scalar;
mod shape;
mod texts;
mod write;
mod yaml;

use std::path::PathBuf;
use std::sync::Arc;

pub use file::{File, Place};
pub use manifest::{Located, Manifest};
pub use mistake::{Mistake, Note, Violation};
pub use render::{Style, render};
pub use shape::{Expect, ItemKey, Kind, Member, Shape};
pub use write::{to_yaml, to_yaml_in_order};

use file::Format;
use mistake::Mistakes;

/// The most bytes of a file, and of all files together.
pub const MAX_BYTES: usize = 4 << 20;

/// How many lists and objects can be nested in each other.
pub const MAX_DEPTH: usize = 127;

/// The most mistakes that are told of one file. The others are counted.
pub const MAX_MISTAKES: usize = 100;

/// The most files and folders that are looked at.
pub const MAX_FILES: usize = 10_000;

/// What to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A file, or a folder with all that is in it: files whose names end in `.yaml`, `.yml` or `.json`, in the order of
    /// names, also those in folders. Hidden files and folders are skipped. A file that is named twice is read once.
    Path(PathBuf),
    /// What was read from elsewhere, such as `<stdin>`.
    Bytes {
        /// What it is called in messages.
        name: String,
        /// Its content: JSON if it is JSON, else YAML.
        bytes: Vec<u8>,
    },
}

/// Reads files as one document.
///
/// ```
/// use prediction_manifest::{Expect, Input, Kind, Member, Shape, read};
///
/// let jobs = Kind::List { key: |_, job| Some(job["name"].as_str()?.to_owned()) };
/// let shape = Shape {
///     members: &[Member { name: "set", kind: Kind::Scalar }, Member { name: "jobs", kind: jobs }],
///     expect: |path| if path.ends_with("/name") { Expect::Text } else { Expect::Anything },
/// };
/// let stdin = |text: &str| Input::Bytes { name: "<stdin>".to_owned(), bytes: text.into() };
///
/// let manifest = read(&[stdin("set: farm\njobs:\n  - name: rain\n")], &shape).unwrap();
/// assert_eq!(manifest.document()["jobs"][0]["name"], "rain");
/// assert_eq!(manifest.locate("/jobs/0/name").place.line(), Some(3));
///
/// let mistakes = read(&[stdin("set: farm\njobs:\n  - name: 1.10\n")], &shape).unwrap_err();
/// assert_eq!(mistakes[0].hint.as_deref(), Some("quote it: \"1.10\""));
/// ```
///
/// # Errors
///
/// All mistakes, in the order of the files and of their places.
pub fn read(inputs: &[Input], shape: &Shape<'_>) -> Result<Manifest, Vec<Mistake>> {
    let mut mistakes = Mistakes::default();
    let Some(files) = gather::gather(inputs, &mut mistakes) else {
        return Err(mistakes.into_sorted());
    };
    let mut roots = Vec::new();
    for (file, format) in &files {
        match format {
            Some(Format::Yaml) => roots.extend(yaml::parse(file, &mut mistakes)),
            Some(Format::Json) => roots.extend(json::parse(file, &mut mistakes)),
            None => (),
        }
    }
    let files: Vec<Arc<File>> = files.into_iter().map(|(file, _)| file).collect();
    let root = merge::merge(&files, roots, shape, &mut mistakes);
    let mistakes = mistakes.into_sorted();
    if mistakes.is_empty() { Ok(Manifest::new(files, root)) } else { Err(mistakes) }
}
