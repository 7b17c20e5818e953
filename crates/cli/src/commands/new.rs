use clap::Args;
use prediction_client::wire::{Source, SourceVersion};
use prediction_client::{Client, Parameters, printable};
use prediction_domain::model::{Contract, InputRole};

use super::contract;
use crate::console::Console;
use crate::failure::Failure;
use crate::names::Names;
use crate::output::scalar;
use crate::session::{Reach, Session};
use crate::surroundings::Surroundings;

/// How many inputs are named that would do.
const CANDIDATES: usize = 5;

/// Print a file to begin with, for `prediction apply`
#[derive(Debug, Args)]
pub struct New {
    /// job
    #[arg(value_parser = ["job"])]
    kind: String,
    /// The source that the job runs: its name or its id
    #[arg(long, value_name = "NAME")]
    source: String,
    /// The version [default: the active one that was published last]
    #[arg(long, value_name = "VERSION")]
    version: Option<String>,
    /// What the job is to be called
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Whose job it is: its name or its id. Then inputs that would do are named, too
    #[arg(long, short = 'O', value_name = "NAME")]
    organisation: Option<String>,
    #[command(flatten)]
    reach: Reach,
}

pub(crate) fn run(arguments: &New, console: &mut Console<'_>, around: &Surroundings) -> Result<(), Failure> {
    let session = Session::open(&arguments.reach, around)?;
    let client = &session.client;
    let names = Names::new(client);
    let source = names.source(&arguments.source)?;
    let source = client.get_source(&source.id, &Parameters::new())?.value;
    let version = match &arguments.version {
        Some(version) => names.version(version, Some(&source.id.to_string()))?.id,
        None => newest(client, &source)?,
    };
    let version = client.get_source_version(&version, &Parameters::new())?.value;
    let organisation = arguments.organisation.as_deref().map(|name| names.organisation(name)).transpose()?;
    let contract = contract(&version)?;
    let mut known = Vec::new();
    for role in contract.input_roles() {
        known.push(match &organisation {
            Some(organisation) => candidates(client, &version, organisation, role)?,
            None => Vec::new(),
        });
    }
    let text = skeleton(arguments.name.as_deref(), organisation.as_deref(), &source, (&version, &contract), &known);
    console.out.write_all(text.as_bytes())?;
    Ok(())
}

/// The version that a setup would take: the active one that was published last.
fn newest(client: &Client, source: &Source) -> Result<String, Failure> {
    let active = Parameters::new().with("source_id", source.id).with("stage", "active");
    let mut newest = None;
    for version in client.every_source_version(&active) {
        newest = Some(version?.id.to_string());
    }
    let name = printable(source.name.as_str());
    newest.ok_or_else(|| Failure::Refused(format!("{name} has no active version: name one with --version")))
}

fn candidates(
    client: &Client,
    version: &SourceVersion,
    organisation: &str,
    role: &InputRole,
) -> Result<Vec<(String, String)>, Failure> {
    let parameters = Parameters::new()
        .with("organisation_id", organisation)
        .with("role", role.role.as_str())
        .with("limit", CANDIDATES);
    match client.list_candidates(version.id, &parameters) {
        Ok(reply) => Ok(reply
            .value
            .items
            .into_iter()
            .filter_map(|candidate| {
                let input = candidate.input.map(|input| (input.id.to_string(), input.name.to_string()));
                let output = candidate.output.map(|output| (output.id.to_string(), output.job_name.to_string()));
                input.or(output)
            })
            .collect()),
        // The token may be good for jobs only; the skeleton is as good without.
        Err(error) if error.status() == Some(403) => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}

/// The document, with what the contract says in comments.
fn skeleton(
    name: Option<&str>,
    organisation: Option<&str>,
    source: &Source,
    (version, contract): (&SourceVersion, &Contract),
    known: &[Vec<(String, String)>],
) -> String {
    let mut text = String::new();
    let mut line = |line: String| {
        text.push_str(&line);
        text.push('\n');
    };
    let about = source.description.as_ref().map(|about| format!(": {}", printable(about.as_str()))).unwrap_or_default();
    line(format!("# {}{about}", printable(source.name.as_str())));
    match organisation {
        Some(organisation) => line(format!("organisation_id: {}", scalar(organisation))),
        None => {
            line("# Whose job it is: prediction get organisations".to_owned());
            line("organisation_id: \"\"".to_owned());
        }
    }
    line("jobs:".to_owned());
    line(format!("  - name: {}", name.map_or_else(|| "\"\" # unique in its organisation".to_owned(), scalar)));
    line("    source:".to_owned());
    line(format!("      name: {}", scalar(source.name.as_str())));
    line("    source_version:".to_owned());
    line(format!("      version: {}", scalar(version.version.as_str())));
    line("    active: true".to_owned());
    if contract.input_roles().is_empty() {
        line("    role_bindings: []".to_owned());
        return text;
    }
    line("    role_bindings:".to_owned());
    for (role, known) in contract.input_roles().iter().zip(known) {
        let unit = role.unit.as_ref().map(|unit| format!(" in {}", printable(unit.as_str()))).unwrap_or_default();
        let need = if role.required { "needed" } else { "can be left out" };
        let kind = printable(role.input_kind.as_str());
        let metric = printable(role.metric.as_str());
        line(format!("      # {kind}, {metric}{unit}; {need}"));
        if let Some(about) = &role.description {
            line(format!("      # {}", printable(about.as_str())));
        }
        for (id, name) in known {
            line(format!("      # {}: {}", printable(id), printable(name)));
        }
        let only = if let [(id, _)] = known.as_slice() { id.as_str() } else { "" };
        let mark = if role.required { "" } else { "# " };
        line(format!("      {mark}- role: {}", scalar(role.role.as_str())));
        // An id may begin with a digit, and is a text all the same.
        line(format!("      {mark}  input_id: \"{}\"", printable(only)));
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn source() -> Source {
        serde_json::from_value(json!({
            "id": "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa", "owner_organisation_id": null, "name": "frost-predictor",
            "description": "Warns of\nfrost", "expected_interval_minutes": 60, "retention_hours": null, "revision": 1,
            "created_at": "2026-06-01T12:00:00Z", "updated_at": "2026-06-01T12:00:00Z",
        }))
        .unwrap()
    }

    fn version() -> SourceVersion {
        let role = |name: &str, required| {
            json!({ "role": name, "aliases": [], "input_kind": "sensor", "metric": "celsius", "unit": "°C",
                    "required": required, "description": null })
        };
        let answer = json!({
            "id": "bbbbbbbb-bbbb-bbbb-bbbb-bbbbbbbbbbbb", "source_id": "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa",
            "version": "1.10", "description": null, "created_at": "2026-06-01T12:00:00Z",
            "input_roles": [role("temperature", true), role("dew_point", false)],
            "output_roles": [{ "role": "frost", "metric": "risk", "unit": null, "required": true, "description": null }],
            "contract_digest": "sha256:0000000000000000000000000000000000000000000000000000000000000000",
            "lifecycle": { "stage": "active", "reason": null, "replaced_by": null, "end_of_life_at": null, "revision": 1,
                           "changed_at": null, "changed_by": null },
        });
        serde_json::from_value(answer).unwrap()
    }

    #[test]
    fn a_skeleton_says_what_the_contract_asks_for() {
        let version = version();
        let known = [vec![("5555".to_owned(), "Vineyard 5\u{202e}".to_owned())], Vec::new()];
        insta::assert_snapshot!(skeleton(Some("Job: A"), None, &source(), (&version, &contract(&version).unwrap()), &known), @r#"
        # frost-predictor: Warns of\u{a}frost
        # Whose job it is: prediction get organisations
        organisation_id: ""
        jobs:
          - name: "Job: A"
            source:
              name: frost-predictor
            source_version:
              version: "1.10"
            active: true
            role_bindings:
              # sensor, celsius in °C; needed
              # 5555: Vineyard 5\u{202e}
              - role: temperature
                input_id: "5555"
              # sensor, celsius in °C; can be left out
              # - role: dew_point
              #   input_id: ""
        "#);
    }
}
