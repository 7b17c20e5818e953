//! The user's files as one document, and mistakes shown in them.

use std::io::Read as _;
use std::path::PathBuf;

use prediction_client::wire::{Problem, ProblemEntry};
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
    Some(format!("{source} {}", text(item, "version")?))
}

fn of_organisation(document: &Map<String, Value>, item: &Value, member: &str) -> Option<String> {
    let own = text(item, "organisation_id");
    let organisation = own.or_else(|| document.get("organisation_id")?.as_str().map(str::to_owned));
    Some(format!("{} {}", organisation.unwrap_or_default(), text(item, member)?))
}

/// Where text is meant that YAML may take for something else.
fn expected(pointer: &str) -> Expect {
    let member = pointer.rsplit('/').next().unwrap_or_default();
    match member {
        "set" | "name" | "version" | "role" | "metric" | "kind" | "input_kind" | "id" | "input_id" | "job"
        | "adopt_from" | "prune" => Expect::Text,
        // In lists of names.
        "*" if pointer.ends_with("/aliases/*") => Expect::Text,
        "description" | "unit" | "organisation_id" | "owner_organisation_id" | "input_type" => Expect::TextOrNull,
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
