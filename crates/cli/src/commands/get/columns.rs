//! Which columns the tables of lists have.

use std::collections::HashMap;

use prediction_client::{Client, Parameters};
use prediction_domain::model::Timestamp;

use super::kind::Kind;
use crate::failure::Failure;
use crate::output::{Cell, Column, Node, Table};

/// What a cell shows of an item.
#[derive(Clone, Copy)]
enum Shown {
    Text(&'static str),
    /// The first that is there.
    Either(&'static str, &'static str),
    State(&'static str),
    Number(&'static str),
    Minutes(&'static str),
    Hours(&'static str),
    Time(&'static str),
    /// The name of the source, which a version only has the id of.
    SourceName,
}

type Line = (&'static str, u8, Shown);

const WIDE: u8 = Column::WIDE;

const JOBS: &[Line] = &[
    ("NAME", 0, Shown::Text("name")),
    ("HEALTH", 0, Shown::State("health/status")),
    ("LAST RUN", 1, Shown::Time("health/last_run_at")),
    ("SOURCE", 3, Shown::Either("source/name", "source_id")),
    ("VERSION", 2, Shown::Either("source_version/version", "source_version_id")),
    ("ORGANISATION", 4, Shown::Either("organisation/name", "organisation_id")),
    ("ACTIVE", WIDE, Shown::Text("active")),
    ("NEXT RUN", WIDE, Shown::Time("health/next_expected_at")),
    ("FAILURES", WIDE, Shown::Number("health/consecutive_failures")),
    ("REVISION", WIDE, Shown::Number("revision")),
    ("CHANGED", WIDE, Shown::Time("updated_at")),
    ("ID", WIDE, Shown::Text("id")),
];
const SOURCES: &[Line] = &[
    ("NAME", 0, Shown::Text("name")),
    ("EVERY", 1, Shown::Minutes("expected_interval_minutes")),
    ("KEPT", 2, Shown::Hours("retention_hours")),
    ("DESCRIPTION", 3, Shown::Text("description")),
    ("OWNER", WIDE, Shown::Text("owner_organisation_id")),
    ("REVISION", WIDE, Shown::Number("revision")),
    ("CHANGED", WIDE, Shown::Time("updated_at")),
    ("ID", WIDE, Shown::Text("id")),
];
const VERSIONS: &[Line] = &[
    ("SOURCE", 0, Shown::SourceName),
    ("VERSION", 0, Shown::Text("version")),
    ("STAGE", 1, Shown::State("lifecycle/stage")),
    ("PUBLISHED", 2, Shown::Time("created_at")),
    ("DESCRIPTION", 3, Shown::Text("description")),
    ("END OF LIFE", WIDE, Shown::Time("lifecycle/end_of_life_at")),
    ("REPLACED BY", WIDE, Shown::Text("lifecycle/replaced_by")),
    ("ID", WIDE, Shown::Text("id")),
];
const RUNS: &[Line] = &[
    ("ISSUED", 0, Shown::Time("issued_at")),
    ("STATUS", 0, Shown::State("status")),
    ("VALUES", 1, Shown::Number("prediction_count")),
    ("REVISION", 2, Shown::Number("job_revision")),
    ("MESSAGE", 3, Shown::Text("message")),
    ("RECEIVED", WIDE, Shown::Time("received_at")),
    ("REPLACED BY", WIDE, Shown::Text("replaced_by")),
    ("ID", WIDE, Shown::Text("id")),
];
const REVISIONS: &[Line] = &[
    ("REVISION", 0, Shown::Number("revision")),
    ("CHANGED", 0, Shown::Time("changed_at")),
    ("BY", 1, Shown::Text("changed_by")),
    ("ACTIVE", 2, Shown::Text("active")),
    ("NAME", 3, Shown::Text("name")),
    ("VERSION ID", WIDE, Shown::Text("source_version_id")),
];
const INPUTS: &[Line] = &[
    ("NAME", 0, Shown::Text("name")),
    ("METRIC", 1, Shown::Text("metric")),
    ("UNIT", 2, Shown::Text("unit")),
    ("KIND", 3, Shown::Text("kind")),
    ("ID", 4, Shown::Text("id")),
    ("ORGANISATION", WIDE, Shown::Text("organisation_id")),
    ("REVISION", WIDE, Shown::Number("revision")),
    ("CHANGED", WIDE, Shown::Time("updated_at")),
];
const ORGANISATIONS: &[Line] = &[("NAME", 0, Shown::Text("name")), ("ID", 1, Shown::Text("id"))];

pub(super) fn table(kind: Kind, items: &[Node], client: &Client) -> Result<Table, Failure> {
    let lines = match kind {
        Kind::Jobs => JOBS,
        Kind::Sources => SOURCES,
        Kind::Versions => VERSIONS,
        Kind::Runs => RUNS,
        Kind::Revisions => REVISIONS,
        Kind::Inputs => INPUTS,
        Kind::Organisations => ORGANISATIONS,
    };
    let sources = if kind == Kind::Versions { sources(items, client)? } else { HashMap::new() };
    let column = |(name, rank, _): &Line| match *name {
        "DESCRIPTION" | "MESSAGE" => Column::prose(name, *rank),
        name => Column::new(name, *rank),
    };
    let columns: Vec<_> = lines.iter().map(column).collect();
    let mut table = Table::new(&columns);
    table.rows =
        items.iter().map(|item| lines.iter().map(|(_, _, shown)| cell(item, *shown, &sources)).collect()).collect();
    Ok(table)
}

fn cell(item: &Node, shown: Shown, sources: &HashMap<String, String>) -> Cell {
    let plain = |path: &str| item.at(path).and_then(Node::plain);
    match shown {
        Shown::Text(path) => Cell::text(plain(path)),
        Shown::Either(first, second) => Cell::text(plain(first).or_else(|| plain(second))),
        Shown::State(path) => plain(path).map_or(Cell::None, |word| Cell::state(&word)),
        Shown::Number(path) => plain(path).map_or(Cell::None, Cell::Number),
        Shown::Minutes(path) => Cell::text(plain(path).map(|number| format!("{number} min"))),
        Shown::Hours(path) => Cell::text(plain(path).map(|number| format!("{number} h"))),
        Shown::Time(path) => match item.text(path).map(|text| (Timestamp::parse(text), text)) {
            Some((Ok(time), _)) => Cell::Time(time),
            Some((Err(_), text)) => Cell::Text(text.to_owned()),
            None => Cell::None,
        },
        Shown::SourceName => {
            let id = item.text("source_id").unwrap_or_default();
            Cell::Text(sources.get(id).cloned().unwrap_or_else(|| id.to_owned()))
        }
    }
}

/// The names of the sources of versions, by their ids.
fn sources(items: &[Node], client: &Client) -> Result<HashMap<String, String>, Failure> {
    let mut ids: Vec<&str> = items.iter().filter_map(|item| item.text("source_id")).collect();
    ids.sort_unstable();
    ids.dedup();
    let mut names = HashMap::new();
    if let [id] = ids.as_slice() {
        names.insert((*id).to_owned(), client.get_source(id, &Parameters::new())?.value.name.to_string());
    } else if !ids.is_empty() {
        for source in client.every_source(&Parameters::new().with("limit", super::PAGE)) {
            let source = source?;
            names.insert(source.id.to_string(), source.name.to_string());
        }
    }
    Ok(names)
}
