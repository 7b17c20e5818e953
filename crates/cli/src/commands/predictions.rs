use std::io::{BufRead as _, BufReader};

use clap::Args;
use prediction_client::{ClientError, Parameters, printable};
use prediction_domain::model::Timestamp;

use crate::console::Console;
use crate::failure::Failure;
use crate::names::{Names, job_path};
use crate::output::{Cell, Column, Format, Node, Table, exact, one_of, print_value};
use crate::session::{Reach, Session};
use crate::surroundings::Surroundings;

/// The forms that its result can be printed in.
const FORMATS: [Format; 5] = [Format::Table, Format::Wide, Format::Json, Format::Yaml, Format::Csv];

/// The most values of a page.
const PAGE: u32 = 10_000;

/// Read what a job predicts
#[derive(Debug, Args)]
pub struct Predictions {
    /// The name or the id of the job
    job: String,
    /// The organisation that it is of: its name or its id
    #[arg(long, short = 'O', value_name = "NAME")]
    organisation: Option<String>,
    /// Only values of this output role
    #[arg(long, value_name = "ROLE")]
    role: Option<String>,
    /// Only values about this time or later
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Only values about a time before this one
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// Only values of runs issued at this time or before
    #[arg(long, value_name = "TIME")]
    as_of: Option<String>,
    /// Only values that the service had received by this time
    #[arg(long, value_name = "TIME")]
    known_at: Option<String>,
    /// Exactly the values of this run
    #[arg(long, value_name = "ID")]
    run: Option<String>,
    /// So many at the most [default: all]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
    /// How the result is printed
    #[arg(short, long, default_value = "table", value_parser = one_of(&FORMATS))]
    output: Format,
    #[command(flatten)]
    reach: Reach,
}

pub(crate) fn run(arguments: &Predictions, console: &mut Console<'_>, around: &Surroundings) -> Result<(), Failure> {
    let session = Session::open(&arguments.reach, around)?;
    let client = &session.client;
    let id = Names::new(client).job(&arguments.job, arguments.organisation.as_deref())?.id;
    let parameters = Parameters::new()
        .with_some("role", arguments.role.as_ref())
        .with_some("from", arguments.from.as_ref())
        .with_some("to", arguments.to.as_ref())
        .with_some("as_of", arguments.as_of.as_ref())
        .with_some("known_at", arguments.known_at.as_ref())
        .with_some("run_id", arguments.run.as_ref());
    let most = arguments.limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    if arguments.output == Format::Csv {
        return csv(client.predictions_csv(&id, &parameters)?, most, console);
    }
    let parameters = parameters.with("limit", arguments.limit.unwrap_or(PAGE).min(PAGE));
    let path = format!("{}/predictions", job_path(&id));
    let values = client.items::<Node>(&path, &parameters).take(most).collect::<Result<Vec<_>, _>>()?;
    if matches!(arguments.output, Format::Json | Format::Yaml) {
        let value = Node::Map(vec![("items".to_owned(), Node::List(values))]);
        return print_value(console, &value, arguments.output == Format::Yaml);
    }
    let columns = [
        Column::new("ROLE", 0),
        Column::new("AT", 0),
        Column::new("VALUE", 0),
        Column::new("ISSUED", 1),
        Column::new("RUN ID", Column::WIDE),
    ];
    let mut table = Table::new(&columns);
    for value in &values {
        let plain = |name: &str| value.get(name).and_then(Node::plain);
        let issued = value.text("issued_at").and_then(|time| Timestamp::parse(time).ok());
        table.rows.push(vec![
            Cell::text(plain("role")),
            // What a value is about is not rounded: a chart is drawn by it.
            Cell::text(value.text("at").map(|at| Timestamp::parse(at).map_or_else(|_| at.to_owned(), exact))),
            plain("value").map_or(Cell::None, Cell::Number),
            issued.map_or(Cell::None, Cell::Time),
            Cell::text(plain("run_id")),
        ]);
    }
    if values.is_empty() {
        return Ok(console.note("There are no values.")?);
    }
    table.print(console, around.now(), arguments.output == Format::Wide)
}

/// CSV is passed on as it comes, so that no number of rows is too large.
fn csv(stream: prediction_client::Stream, most: usize, console: &mut Console<'_>) -> Result<(), Failure> {
    let mut lines = BufReader::new(stream);
    let mut line = Vec::new();
    let mut count = 0;
    // The first line has the names.
    while count <= most {
        line.clear();
        // What broke off is no answer.
        let read = lines.read_until(b'\n', &mut line).map_err(|error| ClientError::Unreachable {
            attempts: 1,
            cause: error.to_string(),
            is_uncertain: false,
        })?;
        if read == 0 {
            break;
        }
        if console.is_terminal {
            console.line(&printable(String::from_utf8_lossy(&line).trim_end()))?;
        } else {
            console.out.write_all(&line)?;
        }
        count += 1;
    }
    Ok(())
}
