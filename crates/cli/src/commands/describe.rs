use clap::{Args, ValueEnum};
use prediction_client::wire::{Job, JobRevisionComparison, RoleBinding, Run};
use prediction_client::{Client, ClientError, Parameters, printable};
use prediction_domain::model::{Contract, InputRole, Revision, Timestamp, Unit};
use serde_json::Value;

use super::contract;
use super::status::why;
use crate::console::{Console, Tone};
use crate::failure::Failure;
use crate::names::Names;
use crate::output::{Cell, Column, Table, ago, exact};
use crate::session::{Reach, Session};
use crate::surroundings::Surroundings;

/// How many runs are shown.
const RUNS: usize = 5;

/// Show all about one thing on one screen
#[derive(Debug, Args)]
pub struct Describe {
    /// job
    kind: DescribedKind,
    /// Its name or its id
    name: String,
    /// The organisation that it is of: its name or its id
    #[arg(long, short = 'O', value_name = "NAME")]
    organisation: Option<String>,
    #[command(flatten)]
    reach: Reach,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum DescribedKind {
    /// A version that runs for an organisation
    #[value(alias = "jobs")]
    Job,
}

pub(crate) fn run(arguments: &Describe, console: &mut Console<'_>, around: &Surroundings) -> Result<(), Failure> {
    let DescribedKind::Job = arguments.kind;
    let session = Session::open(&arguments.reach, around)?;
    let client = &session.client;
    let id = Names::new(client).job(&arguments.name, arguments.organisation.as_deref())?.id;
    let expand = Parameters::new().with("expand", "source,source_version,organisation,inputs");
    let job = client.get_job(&id, &expand)?.value;
    let now = around.now();
    head(&job, client, console, now)?;
    if let Some(version) = &job.source_version {
        let contract = contract(version)?;
        bindings(&job, &contract, console, now)?;
        outputs(&job, &contract, console, now)?;
    }
    let newest = client.list_runs(&id, &Parameters::new().with("limit", RUNS)).map(|page| page.value.items);
    runs(newest, console, now)?;
    last_change(&job, client, console, now)
}

fn head(job: &Job, client: &Client, console: &mut Console<'_>, now: Timestamp) -> Result<(), Failure> {
    let health = &job.health;
    let state = match Cell::state(health.status.as_str()) {
        Cell::Toned(word, tone) => console.toned(&word, tone),
        _ => health.status.as_str().to_owned(),
    };
    let why = why(job, client, now);
    let why = if why.is_empty() { state } else { format!("{state} ({})", printable(&why)) };
    let time = |time: Option<Timestamp>| {
        time.map_or_else(|| "-".to_owned(), |time| format!("{} ({})", ago(time, now), exact(time)))
    };
    let organisation = job.organisation.as_ref().and_then(|organisation| organisation.name.as_ref());
    let organisation = match organisation {
        Some(name) => format!("{} ({})", printable(name.as_str()), job.organisation_id),
        None => job.organisation_id.to_string(),
    };
    let source = job.source.as_ref().map_or_else(|| job.source_id.to_string(), |source| source.name.to_string());
    let version = job.source_version.as_ref().map_or_else(
        || job.source_version_id.to_string(),
        |version| {
            let word = version.lifecycle.stage.as_str();
            let reason = version.lifecycle.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
            format!("{} ({word}{reason})", version.version)
        },
    );
    let lines = [
        ("Job", printable(job.name.as_str())),
        ("Id", job.id.to_string()),
        ("Organisation", organisation),
        ("Source", printable(&source)),
        ("Version", printable(&version)),
        ("Active", if job.active { "yes" } else { "no" }.to_owned()),
        ("Health", why),
        ("Last run", time(health.last_run_at)),
        ("Last success", time(health.last_success_at)),
        ("Next run", time(health.next_expected_at)),
    ];
    for (name, value) in lines {
        let name = console.toned(&format!("{name:<13}"), Tone::Faint);
        console.line(&format!("{name} {value}"))?;
    }
    Ok(())
}

fn section(name: &str, console: &mut Console<'_>) -> Result<(), Failure> {
    let name = console.toned(name, Tone::Heading);
    Ok(console.line(&format!("\n{name}"))?)
}

/// What is bound, against what the contract asks for.
fn bindings(job: &Job, contract: &Contract, console: &mut Console<'_>, now: Timestamp) -> Result<(), Failure> {
    section("Inputs", console)?;
    let columns =
        [Column::new("ROLE", 0), Column::new("BOUND TO", 0), Column::new("NEEDS", 1), Column::new("REGISTERED AS", 2)];
    let mut table = Table::new(&columns);
    for role in contract.input_roles() {
        let binding = job.role_bindings.iter().find(|binding| binding.role == role.role);
        table.rows.push(vec![
            Cell::Text(role.role.to_string()),
            bound(binding, role),
            Cell::Text(measure(role.metric.as_str(), role.unit.as_ref())),
            registered(binding),
        ]);
    }
    if table.rows.is_empty() {
        console.line("none")?;
        return Ok(());
    }
    table.print(console, now, false)
}

fn bound(binding: Option<&RoleBinding>, role: &InputRole) -> Cell {
    match binding {
        Some(RoleBinding { input: Some(input), .. }) => Cell::Text(input.name.to_string()),
        Some(RoleBinding { output: Some(output), .. }) => Cell::Text(format!("{} of {}", output.role, output.job_name)),
        Some(binding) => Cell::Text(binding.input_id.to_string()),
        None if role.required => Cell::Toned("missing".to_owned(), Tone::Bad),
        None => Cell::Toned("nothing (optional)".to_owned(), Tone::Faint),
    }
}

fn registered(binding: Option<&RoleBinding>) -> Cell {
    let Some(binding) = binding else { return Cell::None };
    if let Some(input) = &binding.input {
        let metric = input.metric.as_ref().map_or("-", |metric| metric.as_str());
        return Cell::Text(measure(metric, input.unit.as_ref()));
    }
    if let Some(output) = &binding.output {
        return Cell::Text(measure(output.metric.as_str(), output.unit.as_ref()));
    }
    Cell::Toned("not registered".to_owned(), Tone::Faint)
}

fn measure(metric: &str, unit: Option<&Unit>) -> String {
    unit.map_or_else(|| metric.to_owned(), |unit| format!("{metric} ({unit})"))
}

fn outputs(job: &Job, contract: &Contract, console: &mut Console<'_>, now: Timestamp) -> Result<(), Failure> {
    section("Outputs", console)?;
    let columns = [Column::new("ROLE", 0), Column::new("PREDICTS", 1), Column::new("FILED UNDER", 2)];
    let mut table = Table::new(&columns);
    for role in contract.output_roles() {
        let output = job.outputs.iter().find(|output| output.role == role.role);
        table.rows.push(vec![
            Cell::Text(role.role.to_string()),
            Cell::Text(measure(role.metric.as_str(), role.unit.as_ref())),
            Cell::text(output.map(|output| output.id.to_string())),
        ]);
    }
    table.print(console, now, false)
}

fn runs(found: Result<Vec<Run>, ClientError>, console: &mut Console<'_>, now: Timestamp) -> Result<(), Failure> {
    section("Last runs", console)?;
    let runs = match found {
        Ok(runs) => runs,
        // Who may see jobs need not see predictions.
        Err(error) if error.status() == Some(403) => return Ok(console.line(&error.to_string())?),
        Err(error) => return Err(error.into()),
    };
    let columns =
        [Column::new("ISSUED", 0), Column::new("STATUS", 0), Column::new("VALUES", 1), Column::prose("MESSAGE", 2)];
    let mut table = Table::new(&columns);
    for run in &runs {
        table.rows.push(vec![
            Cell::Time(run.issued_at),
            Cell::state(run.status.as_str()),
            Cell::Number(run.prediction_count.to_string()),
            Cell::text(run.message.as_ref().map(ToString::to_string)),
        ]);
    }
    if table.rows.is_empty() {
        return Ok(console.line("none")?);
    }
    table.print(console, now, false)
}

/// Who changed what last.
fn last_change(job: &Job, client: &Client, console: &mut Console<'_>, now: Timestamp) -> Result<(), Failure> {
    section("Last change", console)?;
    let revision = client.get_job_revision(job.id, job.revision, &Parameters::new())?.value;
    let by = revision.changed_by.as_ref().map(|by| format!(" by {}", printable(by.as_str()))).unwrap_or_default();
    let what = if job.revision == Revision::FIRST { "set up" } else { "changed" };
    console.line(&format!(
        "revision {}, {what} {} ({}){by}",
        job.revision,
        ago(revision.changed_at, now),
        exact(revision.changed_at)
    ))?;
    if job.revision == Revision::FIRST {
        return Ok(());
    }
    match client.compare_job_revisions(job.id, job.revision, &Parameters::new()) {
        Ok(compared) => differences(&compared.value, console),
        // The one before is not kept any more.
        Err(error) if error.is_not_found() => Ok(()),
        Err(error) => Err(error.into()),
    }
}

pub(super) fn differences(compared: &JobRevisionComparison, console: &mut Console<'_>) -> Result<(), Failure> {
    let shown = |value: &Value| printable(&value.to_string());
    for difference in &compared.differences {
        let role = difference.role.as_ref().map(|role| format!(" of {}", printable(role.as_str()))).unwrap_or_default();
        let member = printable(&difference.member);
        console.line(&format!("  {member}{role}: {} -> {}", shown(&difference.from), shown(&difference.to)))?;
    }
    Ok(())
}
