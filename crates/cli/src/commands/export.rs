use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use clap::Args;
use prediction_client::{Client, Cursors, Parameters};
use prediction_manifest::to_yaml_in_order;
use serde_json::{Map, Value, json};

use crate::console::Console;
use crate::failure::Failure;
use crate::files::{Readers, write_whole};
use crate::names::{Names, is_id};
use crate::output::{Format, Node, one_of, pretty};
use crate::progress::Progress;
use crate::session::{Reach, Session};
use crate::surroundings::Surroundings;

/// The forms that its result can be printed in.
const FORMATS: [Format; 2] = [Format::Yaml, Format::Json];

/// The order of members in files: what a thing is called comes first.
const ORDER: [&str; 16] = [
    "set",
    "organisation_id",
    "sources",
    "source_versions",
    "inputs",
    "jobs",
    "id",
    "name",
    "role",
    "source",
    "version",
    "source_version",
    "owner_organisation_id",
    "description",
    "active",
    "input_roles",
];

/// What the file is called that has sources and versions.
const CATALOG: &str = "sources";

/// Print what is stored as a document for `apply`, or write it into files
#[derive(Debug, Args)]
pub struct Export {
    /// Write files into this folder: sources.yaml, and one for each organisation
    #[arg(short, long, value_name = "DIR")]
    directory: Option<PathBuf>,
    /// Replace files that are there, and remove those of an earlier export that this one has nothing for
    #[arg(long)]
    force: bool,
    /// Only what this set keeps
    #[arg(long, value_name = "NAME")]
    set: Option<String>,
    /// Only this source with its versions and jobs: its name or its id
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// Only what is this organisation's: its name or its id
    #[arg(long, short = 'O', value_name = "NAME")]
    organisation: Option<String>,
    /// How the document is printed
    #[arg(short, long, default_value = "yaml", value_parser = one_of(&FORMATS))]
    output: Format,
    #[command(flatten)]
    reach: Reach,
}

impl Export {
    pub(crate) fn writes_files(&self) -> bool {
        self.directory.is_some()
    }
}

pub(crate) fn run(arguments: &Export, console: &mut Console<'_>, around: &Surroundings) -> Result<(), Failure> {
    let is_json = arguments.output == Format::Json;
    let session = Session::open(&arguments.reach, around)?;
    let client = &session.client;
    let names = Names::new(client);
    let source = arguments.source.as_deref().map(|name| names.source(name)).transpose()?;
    let organisation = arguments.organisation.as_deref().map(|name| names.organisation(name)).transpose()?;
    let parameters = Parameters::new()
        .with_some("set", arguments.set.as_ref())
        .with_some("source_id", source.map(|source| source.id))
        .with_some("organisation_id", organisation.as_ref())
        .with("limit", 200);
    let document = fetch(client, &parameters, console)?;
    let text = |document: &Value| {
        if is_json { pretty(&Node::from(document)) } else { to_yaml_in_order(document, &ORDER) }
    };
    let Some(directory) = &arguments.directory else {
        console.out.write_all(text(&Value::Object(document)).as_bytes())?;
        return Ok(());
    };
    let ending = if is_json { "json" } else { "yaml" };
    let files: Vec<(PathBuf, Value)> =
        split(document).into_iter().map(|(name, part)| (directory.join(format!("{name}.{ending}")), part)).collect();
    let stale = stale(directory, &files, organisation.as_deref())?;
    if !arguments.force {
        if let Some((path, _)) = files.iter().find(|(path, _)| path.exists()) {
            return Err(Failure::Refused(format!("{} is there already; --force replaces it", path.display())));
        }
        if let Some(path) = stale.first() {
            return Err(Failure::Refused(format!(
                "{} is of an earlier export, and would be read with this one; --force removes it",
                path.display()
            )));
        }
    }
    let failed = |what: &str, path: &Path, error: &std::io::Error| {
        Failure::Refused(format!("cannot {what} {}: {error}", path.display()))
    };
    fs::create_dir_all(directory).map_err(|error| failed("make", directory, &error))?;
    for (path, part) in files {
        write_whole(&path, text(&part).as_bytes(), Readers::All)?;
        console.line(&path.display().to_string())?;
    }
    for path in stale {
        fs::remove_file(&path).map_err(|error| failed("remove", &path, &error))?;
        console.note(&format!("{}: removed, nothing of it is there any more", path.display()))?;
    }
    Ok(())
}

/// All pages, as one document.
fn fetch(client: &Client, parameters: &Parameters, console: &Console<'_>) -> Result<Map<String, Value>, Failure> {
    let progress = Progress::start(console, "Exporting", "things");
    let mut document = Map::new();
    let mut page = parameters.clone();
    let mut followed = Cursors::default();
    loop {
        let found = client.export(&page)?.value;
        progress.add(add(&mut document, serde_json::to_value(found.document).unwrap_or_default()));
        match found.next_cursor {
            Some(cursor) => {
                followed.follow(Some(&cursor))?;
                page = parameters.clone().with("cursor", cursor);
            }
            None => return Ok(document),
        }
    }
}

/// Files of an earlier export that this one has nothing for, or has in the other form: together with its files they
/// would be another document. Known are they by their names, which are those of organisations: a file that has another
/// name is the user's. An export of one organisation says nothing about files of others.
fn stale(directory: &Path, files: &[(PathBuf, Value)], organisation: Option<&str>) -> Result<Vec<PathBuf>, Failure> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries.collect::<Result<Vec<_>, _>>()?,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Failure::Refused(format!("cannot read {}: {error}", directory.display()))),
    };
    let is_stale = |path: &PathBuf| {
        let part = |part: Option<&OsStr>| part.and_then(OsStr::to_str).unwrap_or_default().to_owned();
        let (name, ending) = (part(path.file_stem()), part(path.extension()));
        let is_exported = (name == CATALOG || is_id(&name)) && ["yaml", "json"].contains(&ending.as_str());
        let is_written = files.iter().any(|(written, _)| written == path);
        let is_covered = organisation.is_none_or(|organisation| organisation.eq_ignore_ascii_case(&name))
            || files.iter().any(|(written, _)| written.file_stem() == path.file_stem());
        is_exported && !is_written && is_covered && path.is_file()
    };
    let mut stale: Vec<_> = entries.into_iter().map(|entry| entry.path()).filter(is_stale).collect();
    stale.sort();
    Ok(stale)
}

/// Puts a page behind those before it, and counts what it has.
fn add(document: &mut Map<String, Value>, page: Value) -> usize {
    let Value::Object(page) = page else { return 0 };
    let count = page.values().filter_map(Value::as_array).map(Vec::len).sum();
    for (member, value) in page {
        match (document.get_mut(&member), value) {
            (Some(Value::Array(items)), Value::Array(more)) => items.extend(more),
            (None, value) => drop(document.insert(member, value)),
            _ => {}
        }
    }
    count
}

/// The catalogue by itself, and what is of each organisation, without saying whose it is with each thing.
fn split(mut document: Map<String, Value>) -> BTreeMap<String, Value> {
    let mut of_organisation: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    for list in ["inputs", "jobs"] {
        let Some(Value::Array(items)) = document.remove(list) else { continue };
        for item in items {
            let organisation = item.get("organisation_id").and_then(Value::as_str).unwrap_or_default().to_owned();
            let part = of_organisation.entry(organisation).or_default();
            if let Value::Array(items) = part.entry(list).or_insert_with(|| json!([])) {
                items.push(item);
            }
        }
    }
    let mut files: BTreeMap<String, Value> =
        of_organisation.into_iter().map(|(name, part)| (name, Value::Object(part))).collect();
    if !document.is_empty() {
        files.insert(CATALOG.to_owned(), Value::Object(document));
    }
    files
}
