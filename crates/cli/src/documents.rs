//! The user's files as one document, and mistakes shown in them.

use std::io::Read as _;
use std::path::PathBuf;

use prediction_client::wire::{Problem, ProblemEntry};
use prediction_domain::model::VersionLabel;
use prediction_manifest::{Expect, Input, Kind, Manifest, Member, Mistake, Shape, Style, Violation, read, render};
use serde_json::{Map, Value};

use crate::console::Console;
use crate::failure::Failure;

/// The columns that mistakes are shown in where nothing says how many there are.
const WIDTH: usize = 100;

/// What a document has.
const MEMBERS: [Member<'_>; 11] = [
    Member { name: "set", kind: Kind::Scalar },
    Member { name: "organisation_id", kind: Kind::Scalar },
    Member { name: "adopt", kind: Kind::Scalar },
    Member { name: "adopt_from", kind: Kind::Scalar },
    Member { name: "prune", kind: Kind::Scalar },
    Member { name: "prune_limit", kind: Kind::Scalar },
    Member { name: "confirm_deletion", kind: Kind::Scalar },
    Member { name: "sources", kind: Kind::List { key: |_, item| text(item, "name") } },
    Member { name: "source_versions", kind: Kind::List { key: |_, item| version_key(item) } },
    Member { name: "inputs", kind: Kind::List { key: |document, item| of_organisation(document, item, "id") } },
    Member { name: "jobs", kind: Kind::List { key: |document, item| of_organisation(document, item, "name") } },
];

fn text(item: &Value, member: &str) -> Option<String> {
    item.get(member)?.as_str().map(str::to_owned)
}

fn version_key(item: &Value) -> Option<String> {
    let source = text(item.get("source")?, "name")?;
    let version = text(item, "version")?;
    // As the service compares them; what it would refuse is its to tell.
    let version = VersionLabel::parse(&version).map_or(version, |label| label.key().to_owned());
    Some(format!("{source} {version}"))
}

fn of_organisation(document: &Map<String, Value>, item: &Value, member: &str) -> Option<String> {
    // The document's organisation is not repeated in each key: it may be as long as the file.
    let common = document.get("organisation_id").and_then(Value::as_str);
    let own = item.get("organisation_id").and_then(Value::as_str).filter(|own| Some(*own) != common);
    Some(format!("{} {}", own.unwrap_or_default(), text(item, member)?))
}

/// Where text is meant that YAML may take for something else.
fn expected(pointer: &str) -> Expect {
    let member = pointer.rsplit('/').next().unwrap_or_default();
    match member {
        // Unlike a role, an input need not measure anything that is known.
        "metric" if pointer == "/inputs/*/metric" => Expect::TextOrNull,
        "set" | "name" | "version" | "role" | "metric" | "kind" | "input_kind" | "id" | "input_id" | "job"
        | "prune" => Expect::Text,
        // In lists of names.
        "*" if pointer.ends_with("/aliases/*") => Expect::Text,
        "description" | "unit" | "adopt_from" | "organisation_id" | "owner_organisation_id" | "input_type" => {
            Expect::TextOrNull
        }
        _ => Expect::Anything,
    }
}

/// Reads files and folders; `-` is what is piped in.
pub(crate) fn read_files(paths: &[PathBuf], console: &mut Console<'_>) -> Result<Manifest, Failure> {
    let mut inputs = Vec::new();
    for path in paths {
        if path.as_os_str() == "-" {
            let mut bytes = Vec::new();
            (&mut console.input).take(prediction_manifest::MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
            inputs.push(Input::Bytes { name: "<stdin>".to_owned(), bytes });
        } else {
            inputs.push(Input::Path(path.clone()));
        }
    }
    let shape = Shape { members: &MEMBERS, expect: expected };
    match read(&inputs, &shape) {
        Ok(manifest) => Ok(manifest),
        Err(mistakes) => {
            show(&mistakes, console)?;
            Err(Failure::Told)
        }
    }
}

fn show(mistakes: &[Mistake], console: &mut Console<'_>) -> Result<(), Failure> {
    let terminal = console.err_terminal;
    let style = Style {
        width: terminal.and_then(|terminal| terminal.width).unwrap_or(WIDTH),
        color: terminal.is_some_and(|terminal| terminal.colour),
    };
    console.err.write_all(render(mistakes, &style).as_bytes())?;
    Ok(())
}

/// Shows what a service finds wrong with a document in the files that it is made of.
pub(crate) fn show_problem(manifest: &Manifest, problem: &Problem, console: &mut Console<'_>) -> Result<(), Failure> {
    let mistake = |entry: &ProblemEntry| {
        manifest.mistake(&Violation {
            pointer: entry.pointer.clone(),
            code: entry.code.clone(),
            message: entry.message.clone(),
            hint: entry.hint.clone(),
            expected: entry.expected.clone(),
            actual: entry.actual.clone(),
        })
    };
    let mistakes: Vec<Mistake> = problem.errors.iter().map(mistake).collect();
    show(&mistakes, console)?;
    if problem.errors_omitted > 0 {
        console.note(&format!("and {} more", problem.errors_omitted))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = include_str!("../../../docs/openapi.json");

    /// The pointers of all texts in a schema, with whether null is possible there.
    fn texts(schema: &Value, all: &Value, pointer: &str, found: &mut Vec<(String, bool)>) {
        let parts = ["oneOf", "anyOf", "allOf"].iter().filter_map(|word| schema[*word].as_array()).flatten();
        for part in parts.filter(|part| part["type"] != "null") {
            texts(part, all, pointer, found);
        }
        if let Some(name) = schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next()) {
            texts(&all[name], all, pointer, found);
        }
        for (name, member) in schema["properties"].as_object().into_iter().flatten() {
            texts(member, all, &format!("{pointer}/{name}"), found);
        }
        if schema["items"].is_object() {
            texts(&schema["items"], all, &format!("{pointer}/*"), found);
        }
        let is = |word: &str| {
            let kind = &schema["type"];
            *kind == word || kind.as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind == word))
        };
        if is("string") {
            found.push((pointer.to_owned(), is("null")));
        }
    }

    #[test]
    fn texts_are_expected_where_the_service_takes_them_and_null_where_it_takes_null() {
        let document: Value = serde_json::from_str(DOCUMENT).unwrap();
        let schemas = &document["components"]["schemas"];
        for (schema, least) in [("ApplyRequest", 25), ("ExportedDocument", 25)] {
            let mut found = Vec::new();
            texts(&schemas[schema], schemas, "", &mut found);
            assert!(found.len() > least, "{found:?}");
            for (pointer, is_nullable) in found {
                // It is no member of a file.
                if pointer == "/expect_plan" {
                    continue;
                }
                let expect = expected(&pointer);
                assert_ne!(expect, Expect::Anything, "{schema}: {pointer}");
                // An export may say less than can be applied.
                let is_text_or_null = expect == Expect::TextOrNull;
                assert!(is_text_or_null || !is_nullable, "{schema}: null at {pointer}");
                assert!(is_nullable || !is_text_or_null || schema == "ExportedDocument", "{schema}: {pointer}");
            }
        }
    }

    #[test]
    fn an_item_is_known_as_the_service_knows_it() {
        let document = |organisation: &str| Map::from_iter([("organisation_id".to_owned(), organisation.into())]);
        let job = |organisation: Value| serde_json::json!({ "name": "a", "organisation_id": organisation });
        let key = |item: &Value| of_organisation(&document("x"), item, "name");
        assert_eq!(key(&job("x".into())), key(&job(Value::Null)));
        assert_ne!(key(&job("x".into())), key(&job("y".into())));
        let version =
            |version: &str| version_key(&serde_json::json!({ "source": { "name": "s" }, "version": version }));
        assert_eq!(version("v1.0.0"), version("1.0.0"));
        assert_ne!(version("vintage"), version("intage"));
    }

    #[test]
    fn the_organisation_of_a_document_is_not_kept_with_each_of_its_items() {
        let document = Map::from_iter([("organisation_id".to_owned(), "x".repeat(1 << 20).into())]);
        let key = of_organisation(&document, &serde_json::json!({ "name": "a" }), "name").unwrap();
        assert!(key.len() < 10, "a hundred thousand of them would be a hundred gigabytes");
    }
}
