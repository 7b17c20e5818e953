//! A document as the command line has it, and files for it.

use std::fs;
use std::path::Path;

use prediction_manifest::{Expect, Input, ItemKey, Kind, Manifest, Member, Mistake, Shape, Style, read, render};
use serde_json::Value;

const fn scalar(name: &str) -> Member<'_> {
    Member { name, kind: Kind::Scalar }
}

const fn list(name: &str, key: ItemKey) -> Member<'_> {
    Member { name, kind: Kind::List { key } }
}

pub(crate) const SHAPE: Shape<'static> = Shape {
    members: &[
        scalar("set"),
        scalar("organisation_id"),
        scalar("prune"),
        scalar("anything"),
        list("sources", |_, source| Some(source["name"].as_str()?.to_owned())),
        list("inputs", |document, input| {
            let organisation = input["organisation_id"].as_str().or(document.get("organisation_id")?.as_str())?;
            Some(format!("{organisation} {}", input["input_id"].as_str()?))
        }),
        list("jobs", |_, job| Some(job["name"].as_str()?.to_owned())),
    ],
    expect: |path| match path.rsplit('/').next() {
        Some("version" | "name" | "role" | "input_id") => Expect::Text,
        Some("unit") => Expect::TextOrNull,
        _ => Expect::Anything,
    },
};

pub(crate) fn bytes(name: &str, content: impl AsRef<[u8]>) -> Input {
    Input::Bytes { name: name.to_owned(), bytes: content.as_ref().to_owned() }
}

pub(crate) fn read_text(text: &str) -> Result<Manifest, Vec<Mistake>> {
    read(&[bytes("<stdin>", text)], &SHAPE)
}

/// The document of a text without mistakes.
pub(crate) fn document(text: &str) -> Value {
    match read_text(text) {
        Ok(manifest) => manifest.into_document(),
        Err(mistakes) => panic!("{}", plain(&mistakes)),
    }
}

/// The one mistake of a text: its code, what is underlined, and the hint.
pub(crate) fn mistake(text: &str) -> (String, String, Option<String>) {
    let mut mistakes = read_text(text).expect_err(text);
    let mistake = mistakes.pop().unwrap();
    assert!(mistakes.is_empty(), "{text}: more than one: {mistakes:?}, {mistake:?}");
    let place = mistake.place.unwrap();
    (mistake.code.into_owned(), place.text().unwrap_or_default().to_owned(), mistake.hint)
}

pub(crate) fn plain(mistakes: &[Mistake]) -> String {
    render(mistakes, &Style { width: 100, color: false })
}

/// Writes files into a folder.
pub(crate) fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        write(&folder.path().join(name), content);
    }
    folder
}

pub(crate) fn write(path: &Path, content: impl AsRef<[u8]>) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

/// The codes of mistakes, with the ends of the names of their files.
pub(crate) fn codes(mistakes: &[Mistake]) -> Vec<(String, String)> {
    let code = |mistake: &Mistake| {
        let name = mistake.place.as_ref().map_or("", |place| place.file.name());
        (mistake.code.clone().into_owned(), name.rsplit('/').next().unwrap_or_default().to_owned())
    };
    mistakes.iter().map(code).collect()
}
