use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use clap::Args;
use prediction_client::{Cursors, Parameters, printable};
use prediction_manifest::to_yaml_in_order;
use serde_json::{Map, Value, json};

use crate::console::Console;
use crate::failure::Failure;
use crate::names::Names;
use crate::output::Format;
use crate::session::{Reach, Session};
use crate::surroundings::Surroundings;

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

/// Print what is stored as a document for `apply`, or write it into files
#[derive(Debug, Args)]
pub struct Export {
    /// Write files into this folder: sources.yaml, and one for each organisation
    #[arg(short, long, value_name = "DIR")]
    directory: Option<PathBuf>,
    /// Replace files that are there
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
    /// How the document is printed: yaml or json
    #[arg(short, long, value_enum, default_value = "yaml")]
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
    let is_json = match arguments.output {
        Format::Json => true,
        Format::Yaml => false,
        _ => return Err(Failure::Usage("a document is printed as yaml or json".to_owned())),
    };
    let session = Session::open(&arguments.reach, around)?;
    let client = &session.client;
    let names = Names::new(client);
    let source = arguments.source.as_deref().map(|name| names.source(name)).transpose()?;
    let organisation = arguments.organisation.as_deref().map(|name| names.organisation(name)).transpose()?;
    let parameters = Parameters::new()
        .with_some("set", arguments.set.as_ref())
        .with_some("source_id", source.map(|source| source.id))
        .with_some("organisation_id", organisation)
        .with("limit", 200);
    let mut document = Map::new();
    let mut page = parameters.clone();
    let mut followed = Cursors::default();
    loop {
        let found = client.export(&page)?.value;
        add(&mut document, serde_json::to_value(found.document).unwrap_or_default());
        match found.next_cursor {
            Some(cursor) => {
                followed.follow(Some(&cursor))?;
                page = parameters.clone().with("cursor", cursor);
            }
            None => break,
        }
    }
    let Some(directory) = &arguments.directory else {
        let document = Value::Object(document);
        let text = if is_json { format!("{document:#}\n") } else { to_yaml_in_order(&document, &ORDER) };
        console.out.write_all(text.as_bytes())?;
        return Ok(());
    };
    let ending = if is_json { "json" } else { "yaml" };
    let files: Vec<(PathBuf, Value)> =
        split(document).into_iter().map(|(name, part)| (directory.join(format!("{name}.{ending}")), part)).collect();
    let there = files.iter().find(|(path, _)| path.exists()).filter(|_| !arguments.force);
    if let Some((path, _)) = there {
        return Err(Failure::Refused(format!("{} is there already; --force replaces it", path.display())));
    }
    let failed = |path: &PathBuf, error: &std::io::Error| {
        Failure::Refused(format!("cannot write {}: {}", path.display(), printable(&error.to_string())))
    };
    fs::create_dir_all(directory).map_err(|error| failed(directory, &error))?;
    for (path, part) in files {
        let text = if is_json { format!("{part:#}\n") } else { to_yaml_in_order(&part, &ORDER) };
        fs::write(&path, text).map_err(|error| failed(&path, &error))?;
        console.line(&path.display().to_string())?;
    }
    Ok(())
}

/// Puts a page behind those before it.
fn add(document: &mut Map<String, Value>, page: Value) {
    let Value::Object(page) = page else { return };
    for (member, value) in page {
        match (document.get_mut(&member), value) {
            (Some(Value::Array(items)), Value::Array(more)) => items.extend(more),
            (None, value) => drop(document.insert(member, value)),
            _ => {}
        }
    }
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
        files.insert("sources".to_owned(), Value::Object(document));
    }
    files
}
