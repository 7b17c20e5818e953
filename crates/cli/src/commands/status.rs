use clap::Args;
use prediction_client::wire::Job;
use prediction_client::{Client, Parameters};
use prediction_domain::model::{HealthStatus, Timestamp};

use crate::console::Console;
use crate::failure::Failure;
use crate::names::Names;
use crate::output::{Cell, Column, Format, Node, Table, ago, duration, one_of, print_value};
use crate::session::{Reach, Session};
use crate::surroundings::Surroundings;

/// The forms that its result can be printed in.
const FORMATS: [Format; 4] = [Format::Table, Format::Wide, Format::Json, Format::Yaml];

/// How many jobs are shown.
const SHOWN: usize = 10;
/// How many are looked through for those that have not delivered for the longest: a page. The API gives overdue jobs
/// first, and those of a status in creation order.
const LOOKED_THROUGH: usize = 200;
const COLUMNS: [Column; 5] = [
    Column::new("JOB", 0),
    Column::new("HEALTH", 0),
    Column::new("SINCE", 1),
    Column::prose("WHY", 2),
    Column::new("ORGANISATION", 3),
];

/// How the jobs are, and which need help most
#[derive(Debug, Args)]
pub struct Status {
    /// Only jobs of this organisation: its name or its id
    #[arg(long, short = 'O', value_name = "NAME")]
    organisation: Option<String>,
    /// Only jobs of this source: its name or its id
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// How the result is printed
    #[arg(short, long, default_value = "table", value_parser = one_of(&FORMATS))]
    output: Format,
    #[command(flatten)]
    reach: Reach,
}

pub(crate) fn run(arguments: &Status, console: &mut Console<'_>, around: &Surroundings) -> Result<(), Failure> {
    let session = Session::open(&arguments.reach, around)?;
    let (client, names) = (&session.client, Names::new(&session.client));
    let organisation = arguments.organisation.as_deref().map(|name| names.organisation(name)).transpose()?;
    let source = arguments.source.as_deref().map(|name| names.source(name)).transpose()?;
    let here = Parameters::new()
        .with_some("organisation_id", organisation)
        .with_some("source_id", source.map(|source| source.id));
    let counts = client.count_jobs_by_health(&here)?;
    let bad = here.with("health", "overdue,failing,late").with("order", "health");
    let bad = bad.with("expand", "organisation").with("limit", LOOKED_THROUGH);
    let all = counts.value.counts;
    if matches!(arguments.output, Format::Json | Format::Yaml) {
        let worst = worst(client.items::<Node>("/api/v1/jobs", &bad).take(LOOKED_THROUGH), |node| {
            // What the API said is printed, and what is typed is ordered by.
            let text = crate::output::pretty(node);
            serde_json::from_str(&text).map_err(|error| Failure::Refused(error.to_string()))
        })?;
        let worst = worst.into_iter().map(|(_, node)| node).collect();
        let counts = Node::of(&counts.answer)?;
        let value = Node::Map(vec![("health".to_owned(), counts), ("worst".to_owned(), Node::List(worst))]);
        return print_value(console, &value, arguments.output == Format::Yaml);
    }
    let numbers = [
        (HealthStatus::OnTime, all.on_time),
        (HealthStatus::New, all.new),
        (HealthStatus::Late, all.late),
        (HealthStatus::Failing, all.failing),
        (HealthStatus::Overdue, all.overdue),
        (HealthStatus::Paused, all.paused),
        (HealthStatus::Unmonitored, all.unmonitored),
    ];
    let total: u64 = numbers.iter().map(|(_, number)| number).sum();
    let parts = numbers.iter().filter(|(_, number)| *number > 0).map(|(status, number)| {
        let text = format!("{number} {}", status.as_str());
        match Cell::state(status.as_str()) {
            Cell::Toned(_, tone) => console.toned(&text, tone),
            _ => text,
        }
    });
    let parts = parts.collect::<Vec<_>>().join(", ");
    let jobs = if total == 1 { "job" } else { "jobs" };
    console.line(&if parts.is_empty() { format!("{total} {jobs}") } else { format!("{total} {jobs}: {parts}") })?;
    let needing = all.overdue + all.failing + all.late;
    if needing == 0 {
        return Ok(());
    }
    let worst = worst(client.every_job(&bad).take(LOOKED_THROUGH), |job: &Job| Ok(job.clone()))?;
    console.line("")?;
    let mut table = Table::new(&COLUMNS);
    let now = around.now();
    for (job, _) in &worst {
        table.rows.push(row(job, client, now));
    }
    table.print(console, now, arguments.output == Format::Wide)?;
    let more = needing.saturating_sub(worst.len() as u64);
    if more > 0 {
        console.line(&format!("and {more} more: prediction get jobs --health overdue,failing,late"))?;
    }
    Ok(())
}

/// The jobs that need help most, with what they were read from.
fn worst<T>(
    jobs: impl Iterator<Item = Result<T, prediction_client::ClientError>>,
    read: impl Fn(&T) -> Result<Job, Failure>,
) -> Result<Vec<(Job, T)>, Failure> {
    let mut found = Vec::new();
    for item in jobs {
        let item = item?;
        found.push((read(&item)?, item));
    }
    found.sort_by_key(|(job, _)| urgency(job));
    found.truncate(SHOWN);
    Ok(found)
}

/// Overdue before failing before late; then the longest.
fn urgency(job: &Job) -> (u8, Option<Timestamp>, u64) {
    let health = &job.health;
    match health.status {
        HealthStatus::Overdue => (0, health.overdue_since, 0),
        HealthStatus::Failing => (1, health.last_success_at, u64::MAX - health.consecutive_failures),
        _ => (2, health.next_expected_at, 0),
    }
}

fn row(job: &Job, client: &Client, now: Timestamp) -> Vec<Cell> {
    let health = &job.health;
    let since = match health.status {
        HealthStatus::Overdue => health.overdue_since,
        HealthStatus::Failing => health.last_success_at,
        _ => health.next_expected_at,
    };
    let since = since.map(|since| {
        let seconds = (now.as_datetime() - since.as_datetime()).num_seconds().max(0);
        duration(std::time::Duration::from_secs(seconds.unsigned_abs()))
    });
    let organisation = job.organisation.as_ref().and_then(|organisation| organisation.name.as_ref());
    vec![
        Cell::Text(job.name.to_string()),
        Cell::state(health.status.as_str()),
        Cell::text(since),
        Cell::Text(why(job, client, now)),
        Cell::Text(organisation.map_or_else(|| job.organisation_id.to_string(), ToString::to_string)),
    ]
}

/// What is behind a job's health, in a few words.
pub(super) fn why(job: &Job, client: &Client, now: Timestamp) -> String {
    let health = &job.health;
    if !health.blocked_by.is_empty() {
        let jobs = if health.blocked_by.len() == 1 { "job" } else { "jobs" };
        return format!("waits for {} {jobs} upstream", health.blocked_by.len());
    }
    match health.status {
        HealthStatus::Failing => {
            let times = health.consecutive_failures;
            let failed = Parameters::new().with("status", "failed").with("limit", 1);
            // The runner's words are only a help: without them the status is worth as much.
            let message = client.list_runs(job.id, &failed).ok().and_then(|page| {
                let newest = page.value.items.into_iter().next()?;
                newest.message.map(|message| message.to_string())
            });
            let count =
                if times == 1 { "the last run failed".to_owned() } else { format!("{times} runs in a row failed") };
            message.map_or(count.clone(), |message| format!("{count}: {message}"))
        }
        HealthStatus::Overdue | HealthStatus::Late => match health.last_success_at {
            Some(success) => format!("last success {}", ago(success, now)),
            None => "no run has succeeded yet".to_owned(),
        },
        _ => String::new(),
    }
}
