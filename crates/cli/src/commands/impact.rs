use clap::Args;
use prediction_client::{Parameters, encoded};

use crate::console::Console;
use crate::failure::Failure;
use crate::names::Names;
use crate::output::{Cell, Column, Format, Node, Table, print_value};
use crate::session::{Reach, Session};
use crate::surroundings::Surroundings;

/// Judge what an upgrade to a version would do to the jobs of its source
#[derive(Debug, Args)]
pub struct Impact {
    /// SOURCE@VERSION, its id, or what it is called together with --source
    version: String,
    /// The source: its name or its id
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// Only jobs of this organisation: its name or its id
    #[arg(long, short = 'O', value_name = "NAME")]
    organisation: Option<String>,
    /// List only jobs of this outcome: ready, breaking, blocked and so on
    #[arg(long, value_name = "OUTCOME")]
    outcome: Option<String>,
    /// How the result is printed
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
    #[command(flatten)]
    reach: Reach,
}

pub(crate) fn run(arguments: &Impact, console: &mut Console<'_>, around: &Surroundings) -> Result<(), Failure> {
    let session = Session::open(&arguments.reach, around)?;
    let client = &session.client;
    let names = Names::new(client);
    let version = names.version(&arguments.version, arguments.source.as_deref())?;
    let organisation = arguments.organisation.as_deref().map(|name| names.organisation(name)).transpose()?;
    let parameters = Parameters::new()
        .with_some("organisation_id", organisation)
        .with_some("outcome", arguments.outcome.as_ref())
        .with("limit", 200);
    let first = client.judge_impact(&version.id, &parameters)?;
    let path = format!("/api/v1/source_versions/{}/impact", encoded(&version.id));
    let jobs = client.items::<Node>(&path, &parameters).collect::<Result<Vec<_>, _>>()?;
    match arguments.output {
        Format::Json | Format::Yaml => {
            let counts = Node::of(&first.answer)?.get("counts").cloned().unwrap_or(Node::Null);
            let members = vec![("counts".to_owned(), counts), ("items".to_owned(), Node::List(jobs))];
            return print_value(console, &Node::Map(members), arguments.output == Format::Yaml);
        }
        Format::Name => {
            for job in &jobs {
                console.line(&prediction_client::printable(job.text("name").unwrap_or_default()))?;
            }
            return Ok(());
        }
        Format::Table | Format::Wide | Format::Csv => {}
    }
    let table = table(&jobs);
    if arguments.output == Format::Csv {
        return table.print_csv(console);
    }
    if let Some(counts) = first.value.counts {
        let all = [
            ("ready", counts.ready),
            ("needs_binding", counts.needs_binding),
            ("breaking", counts.breaking),
            ("blocked", counts.blocked),
            ("up_to_date", counts.up_to_date),
        ];
        let parts: Vec<_> =
            all.iter().filter(|(_, number)| *number > 0).map(|(name, number)| format!("{number} {name}")).collect();
        let none = "no job runs another version".to_owned();
        console.line(&if parts.is_empty() { none } else { parts.join(", ") })?;
    }
    if jobs.is_empty() {
        return Ok(());
    }
    console.line("")?;
    table.print(console, around.now(), arguments.output == Format::Wide)
}

fn table(jobs: &[Node]) -> Table {
    let columns = [
        Column::new("JOB", 0),
        Column::new("OUTCOME", 0),
        Column::new("TO BE BOUND", 1),
        Column::new("DROPPED", 3),
        Column::new("CHANGED OUTPUTS", 2),
        Column::new("OUTPUTS IN USE", Column::WIDE),
        Column::new("ORGANISATION ID", Column::WIDE),
        Column::new("ID", Column::WIDE),
    ];
    let mut table = Table::new(&columns);
    for job in jobs {
        let plain = |name: &str| job.get(name).and_then(Node::plain).filter(|text| !text.is_empty());
        table.rows.push(vec![
            Cell::text(plain("name")),
            plain("outcome").map_or(Cell::None, |word| Cell::state(&word)),
            Cell::text(plain("missing_roles")),
            Cell::text(plain("dropped_roles")),
            Cell::text(plain("changed_outputs")),
            Cell::text(plain("outputs_in_use")),
            Cell::text(plain("organisation_id")),
            Cell::text(plain("job_id")),
        ]);
    }
    table
}
