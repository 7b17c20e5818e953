use clap::{ArgGroup, Args};
use prediction_client::wire::{JobUpgradeResult, UpgradeOutcome, UpgradePlan};
use prediction_client::{Client, Cursors, Parameters, printable};
use serde_json::{Map, Value, json};

use super::warn;
use crate::console::Console;
use crate::failure::Failure;
use crate::names::{Named, Names};
use crate::output::{Cell, Column, Table};
use crate::progress::Progress;
use crate::session::{Reach, Session};
use crate::surroundings::Surroundings;

/// How many jobs are upgraded by a request.
const BATCH: u32 = 100;

/// Let a job, or all jobs of a source, run another version
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("which").required(true).args(["job", "all"])))]
pub struct Upgrade {
    /// The name or the id of the job
    job: Option<String>,
    /// All jobs of the source
    #[arg(long)]
    all: bool,
    /// The version: what it is called, SOURCE@VERSION or its id
    #[arg(long, value_name = "VERSION")]
    to: String,
    /// With --all: the source, its name or its id
    #[arg(long, value_name = "NAME", conflicts_with = "job")]
    source: Option<String>,
    /// What to bind to a role, as ROLE=ID; can be given several times
    #[arg(long, value_name = "ROLE=ID", value_parser = binding, conflicts_with = "all")]
    bind: Vec<(String, String)>,
    /// The organisation: its name or its id
    #[arg(long, short = 'O', value_name = "NAME")]
    organisation: Option<String>,
    /// Say what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    reach: Reach,
}

fn binding(text: &str) -> Result<(String, String), String> {
    let (role, id) = text.split_once('=').ok_or("a role, = and the id of an input are needed")?;
    Ok((role.to_owned(), id.to_owned()))
}

pub(crate) fn run(arguments: &Upgrade, console: &mut Console<'_>, around: &Surroundings) -> Result<(), Failure> {
    let session = Session::open(&arguments.reach, around)?;
    let client = &session.client;
    let names = Names::new(client);
    match &arguments.job {
        Some(job) => {
            let job = names.job(job, arguments.organisation.as_deref())?;
            let source = client.get_job(&job.id, &Parameters::new())?.value.source_id.to_string();
            let version = names.version(&arguments.to, Some(&source))?;
            one(arguments, client, &job, &version, console, around)
        }
        None => {
            let version = names.version(&arguments.to, arguments.source.as_deref())?;
            let organisation = arguments.organisation.as_deref().map(|name| names.organisation(name)).transpose()?;
            all(arguments, client, &version, organisation.as_deref(), console, around)
        }
    }
}

fn parameters(arguments: &Upgrade) -> Parameters {
    if arguments.dry_run { Parameters::new().dry_run() } else { Parameters::new() }
}

fn one(
    arguments: &Upgrade,
    client: &Client,
    job: &Named,
    version: &Named,
    console: &mut Console<'_>,
    around: &Surroundings,
) -> Result<(), Failure> {
    let mut body = Map::new();
    body.insert("source_version_id".to_owned(), json!(version.id));
    if !arguments.bind.is_empty() {
        let bindings = arguments.bind.iter().map(|(role, id)| json!({ "role": role, "input_id": id }));
        body.insert("role_bindings".to_owned(), Value::Array(bindings.collect()));
    }
    let upgraded = client.upgrade_job(&job.id, &Value::Object(body), &parameters(arguments))?.value;
    let (from, to) = (&upgraded.plan.from.version, &upgraded.plan.to.version);
    let would = if arguments.dry_run { "would run" } else { "runs" };
    let name = printable(&job.name);
    if upgraded.plan.from.id == upgraded.plan.to.id {
        console.line(&format!("{name}: {would} {} already", printable(to.as_str())))?;
    } else {
        let (from, to) = (printable(from.as_str()), printable(to.as_str()));
        console.line(&format!("{name}: {would} {to} instead of {from}"))?;
    }
    plan(&upgraded.plan).print(console, around.now(), false)?;
    warn(console, &upgraded.warnings)
}

/// What becomes of each role.
fn plan(plan: &UpgradePlan) -> Table {
    let columns =
        [Column::new("ROLE", 0), Column::new("ACTION", 0), Column::new("BEFORE", 1), Column::new("BOUND TO", 2)];
    let mut table = Table::new(&columns);
    for input in &plan.inputs {
        table.rows.push(vec![
            Cell::Text(input.role.to_string()),
            Cell::Text(input.action.as_str().to_owned()),
            Cell::text(input.previous_role.as_ref().map(ToString::to_string)),
            Cell::text(input.binding.as_ref().map(|binding| binding.input_id.to_string())),
        ]);
    }
    for output in &plan.outputs {
        let action = format!("{} (output)", output.action.as_str());
        table.rows.push(vec![Cell::Text(output.role.to_string()), Cell::Text(action), Cell::None, Cell::None]);
    }
    table
}

fn all(
    arguments: &Upgrade,
    client: &Client,
    version: &Named,
    organisation: Option<&str>,
    console: &mut Console<'_>,
    around: &Surroundings,
) -> Result<(), Failure> {
    let mut body = json!({ "source_version_id": version.id, "filter": {}, "limit": BATCH });
    if let Some(organisation) = organisation {
        body["filter"]["organisation_id"] = json!(organisation);
    }
    let mut counts = [0; 3];
    let mut refused = Vec::new();
    let mut followed = Cursors::default();
    let progress = Progress::start(console, if arguments.dry_run { "Judging" } else { "Upgrading" }, "jobs");
    loop {
        let batch = client.upgrade_jobs(&body, &parameters(arguments))?.value;
        counts[0] += batch.counts.upgraded;
        counts[1] += batch.counts.unchanged;
        counts[2] += batch.counts.refused;
        progress.add(batch.results.len());
        refused.extend(batch.results.into_iter().filter(|result| result.outcome == UpgradeOutcome::Refused));
        match batch.next_cursor {
            Some(cursor) => {
                followed.follow(Some(&cursor))?;
                body["cursor"] = json!(cursor);
            }
            None => break,
        }
    }
    drop(progress);
    let [upgraded, unchanged, failed] = counts;
    let would = if arguments.dry_run { "would be upgraded" } else { "upgraded" };
    console.line(&format!(
        "{}: {upgraded} {would}, {unchanged} ran it already, {failed} refused",
        printable(&version.name)
    ))?;
    if refused.is_empty() {
        return Ok(());
    }
    console.line("")?;
    refusals(&refused, client)?.print(console, around.now(), false)?;
    console.out.flush()?;
    Err(Failure::Refused(format!("{failed} of {} jobs are as they were", upgraded + unchanged + failed)))
}

fn refusals(refused: &[JobUpgradeResult], client: &Client) -> Result<Table, Failure> {
    const NAMED: usize = 20;
    let mut table = Table::new(&[Column::new("JOB", 0), Column::prose("WHY", 0)]);
    for (place, result) in refused.iter().enumerate() {
        // A name is a request; of very many jobs the ids are enough.
        let name = if place < NAMED {
            client.get_job(result.job_id, &Parameters::new())?.value.name.to_string()
        } else {
            result.job_id.to_string()
        };
        let why = result.problem.as_ref().map(|problem| {
            problem.errors.first().map_or_else(|| problem.detail.clone(), |entry| entry.message.clone())
        });
        table.rows.push(vec![Cell::Text(name), Cell::text(why)]);
    }
    Ok(table)
}
