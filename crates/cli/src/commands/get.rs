mod columns;
mod kind;

use std::time::Duration;

use clap::Args;
use prediction_client::{Client, Cursors, Method, Parameters};
use prediction_domain::model::Revision;

use self::columns::table;
pub(crate) use self::kind::Kind;
use crate::console::Console;
use crate::failure::Failure;
use crate::names::{Names, is_id, job_path};
use crate::output::{Format, Node, parse_duration, print_value};
use crate::session::{Reach, Session};
use crate::surroundings::Surroundings;

/// The most items of a page.
const PAGE: usize = 200;

/// List things, or show one
#[derive(Debug, Args)]
pub struct Get {
    /// jobs, sources, versions, runs, revisions, inputs or organisations
    kind: Kind,
    /// The name or the id of one; of a version also SOURCE@VERSION. Of runs and revisions: the job, and then the id or
    /// the number of one
    #[arg(num_args = 0..=2)]
    names: Vec<String>,
    /// Only those of this organisation: its name or its id
    #[arg(long, short = 'O', value_name = "NAME")]
    organisation: Option<String>,
    /// Only those of this source: its name or its id
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// Jobs that run this version: SOURCE@VERSION, its id, or what it is called together with --source
    #[arg(long, value_name = "VERSION")]
    version: Option<String>,
    /// Jobs with one of these statuses, separated by commas, such as overdue,failing
    #[arg(long, value_name = "STATUS")]
    health: Option<String>,
    /// Jobs with this input bound: its name or its id
    #[arg(long, value_name = "NAME")]
    input: Option<String>,
    /// Versions in one of these stages, or jobs that run one: active, deprecated, withdrawn, separated by commas
    #[arg(long, value_name = "STAGE")]
    stage: Option<String>,
    /// Only active jobs, or only inactive ones
    #[arg(long, value_name = "BOOL")]
    active: Option<bool>,
    /// Jobs whose inputs do not fit as they are registered now
    #[arg(long)]
    unfit: bool,
    /// Inputs of this kind
    #[arg(long = "input-kind", value_name = "KIND")]
    input_kind: Option<String>,
    /// Inputs that measure this
    #[arg(long, value_name = "METRIC")]
    metric: Option<String>,
    /// Inputs with this in their name
    #[arg(long, short = 'q', value_name = "TEXT")]
    search: Option<String>,
    /// Runs that ended like this: succeeded or failed
    #[arg(long, value_name = "STATUS")]
    status: Option<String>,
    /// Runs issued at this time or later
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Runs issued before this time
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// So many at the most [default: all]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
    /// How the result is printed
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
    /// Go on, and print it again whenever it has changed
    #[arg(long, short = 'w')]
    watch: bool,
    /// How often to look with --watch
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = parse_duration, requires = "watch")]
    every: Duration,
    #[command(flatten)]
    reach: Reach,
}

/// What is asked for.
struct Question {
    path: String,
    parameters: Parameters,
    is_list: bool,
}

pub(crate) fn run(arguments: &Get, console: &mut Console<'_>, around: &Surroundings) -> Result<(), Failure> {
    if arguments.watch && !matches!(arguments.output, Format::Table | Format::Wide) {
        return Err(Failure::Usage("--watch prints tables only".to_owned()));
    }
    check(arguments)?;
    let session = Session::open(&arguments.reach, around)?;
    let question = question(arguments, &Names::new(&session.client))?;
    let mut before = None;
    loop {
        let found = fetch(&session.client, &question, arguments.limit)?;
        if before.as_ref() != Some(&found) {
            if arguments.watch && console.is_terminal {
                // To the first column of the first line, and clear what is below (ECMA-48, CUP and ED).
                console.out.write_all(b"\x1b[H\x1b[2J")?;
            }
            print(arguments, &session.client, &question, &found, console, around)?;
        }
        if !arguments.watch {
            return Ok(());
        }
        console.out.flush()?;
        before = Some(found);
        around.pause.sleep(arguments.every);
    }
}

/// A filter that does not belong to the kind would be ignored, and the list would say something else than was asked.
fn check(arguments: &Get) -> Result<(), Failure> {
    let given = [
        ("--organisation", arguments.organisation.is_some()),
        ("--source", arguments.source.is_some()),
        ("--version", arguments.version.is_some()),
        ("--health", arguments.health.is_some()),
        ("--input", arguments.input.is_some()),
        ("--stage", arguments.stage.is_some()),
        ("--active", arguments.active.is_some()),
        ("--unfit", arguments.unfit),
        ("--input-kind", arguments.input_kind.is_some()),
        ("--metric", arguments.metric.is_some()),
        ("--search", arguments.search.is_some()),
        ("--status", arguments.status.is_some()),
        ("--from", arguments.from.is_some()),
        ("--to", arguments.to.is_some()),
    ];
    let kind = arguments.kind;
    let one = usize::from(kind.is_of_a_job());
    let is_list = arguments.names.len() <= one;
    let filters = if is_list { kind.filters() } else { kind.filters_of_one() };
    let what = if is_list { kind.plural().to_owned() } else { format!("one of the {}", kind.plural()) };
    for (option, _) in given.iter().filter(|(_, is_given)| *is_given) {
        if !filters.contains(option) {
            let known = if filters.is_empty() { "none".to_owned() } else { filters.join(", ") };
            return Err(Failure::Usage(format!("{option} is not for {what}; there are {known}")));
        }
    }
    if !is_list && arguments.limit.is_some() {
        return Err(Failure::Usage(format!("--limit is not for {what}")));
    }
    if arguments.names.len() > one + 1 {
        return Err(Failure::Usage(format!("one name is enough for {}", kind.plural())));
    }
    if kind.is_of_a_job() && arguments.names.is_empty() {
        return Err(Failure::Usage(format!("say of which job: prediction get {} JOB", kind.plural())));
    }
    match (kind, arguments.names.get(1)) {
        (Kind::Runs, Some(id)) if !is_id(id) => Err(Failure::Usage(format!("\"{id}\" is not the id of a run"))),
        (Kind::Revisions, Some(number)) if number.parse().ok().and_then(Revision::new).is_none() => {
            Err(Failure::Usage(format!("\"{number}\" is not the number of a revision")))
        }
        _ => Ok(()),
    }
}

fn question(arguments: &Get, names: &Names<'_>) -> Result<Question, Failure> {
    let is_for_people = matches!(arguments.output, Format::Table | Format::Wide | Format::Csv);
    let organisation = arguments.organisation.as_deref();
    let name = arguments.names.first().map(String::as_str);
    let root = arguments.kind.root();
    let one = |id: &str, parameters| Question { path: format!("{root}/{id}"), parameters, is_list: false };
    let list = |parameters| Question { path: root.to_owned(), parameters, is_list: true };
    let expand = |parameters: Parameters| {
        if is_for_people { parameters.with("expand", "source,source_version,organisation") } else { parameters }
    };
    let organisation_id = || organisation.map(|organisation| names.organisation(organisation)).transpose();
    let none = Parameters::new;
    Ok(match (arguments.kind, name) {
        (Kind::Jobs, Some(name)) => one(&names.job(name, organisation)?.id, expand(none())),
        (Kind::Jobs, None) => list(expand(jobs(arguments, names)?)),
        (Kind::Sources, Some(name)) => one(&names.source(name)?.id, none()),
        (Kind::Sources, None) => list(none().with_some("owner_organisation_id", organisation_id()?)),
        (Kind::Versions, Some(name)) => one(&names.version(name, arguments.source.as_deref())?.id, none()),
        (Kind::Versions, None) => {
            let source = arguments.source.as_deref().map(|source| names.source(source)).transpose()?;
            let source = source.map(|source| source.id);
            list(none().with_some("source_id", source).with_some("stage", arguments.stage.as_ref()))
        }
        (Kind::Inputs, Some(name)) => {
            // Several organisations may have an input with that id.
            let parameters = none().with_some("organisation_id", organisation_id()?);
            one(&names.input(name, organisation)?.id, parameters)
        }
        (Kind::Inputs, None) => list(
            none()
                .with_some("organisation_id", organisation_id()?)
                .with_some("kind", arguments.input_kind.as_ref())
                .with_some("metric", arguments.metric.as_ref())
                .with_some("q", arguments.search.as_ref()),
        ),
        (Kind::Organisations, Some(name)) => one(&names.organisation(name)?, none()),
        (Kind::Organisations, None) => list(none()),
        (Kind::Runs | Kind::Revisions, name) => {
            let job = names.job(name.unwrap_or_default(), organisation)?;
            let part = if arguments.kind == Kind::Runs { "runs" } else { "revisions" };
            let path = format!("{}/{part}", job_path(&job.id));
            match arguments.names.get(1) {
                Some(id) => {
                    let path = format!("{path}/{}", prediction_client::encoded(id));
                    Question { path, parameters: none(), is_list: false }
                }
                None => {
                    let parameters = none()
                        .with_some("status", arguments.status.as_ref())
                        .with_some("from", arguments.from.as_ref())
                        .with_some("to", arguments.to.as_ref());
                    Question { path, parameters, is_list: true }
                }
            }
        }
    })
}

/// Which jobs are asked for.
fn jobs(arguments: &Get, names: &Names<'_>) -> Result<Parameters, Failure> {
    let organisation = arguments.organisation.as_deref();
    let source = arguments.source.as_deref();
    let version = arguments.version.as_deref().map(|version| names.version(version, source)).transpose()?;
    let source = source.map(|source| names.source(source)).transpose()?;
    let input = arguments.input.as_deref().map(|input| names.input(input, organisation)).transpose()?;
    let organisation = organisation.map(|organisation| names.organisation(organisation)).transpose()?;
    Ok(Parameters::new()
        .with_some("organisation_id", organisation)
        .with_some("source_id", source.map(|source| source.id))
        .with_some("source_version_id", version.map(|version| version.id))
        .with_some("version_stage", arguments.stage.as_ref())
        .with_some("active", arguments.active)
        .with_some("input_id", input.map(|input| input.id))
        .with_some("health", arguments.health.as_ref())
        .with_some("bindings", arguments.unfit.then_some("unfit")))
}

/// One thing, or `{"items": […], "next_cursor": …}` of all pages.
fn fetch(client: &Client, question: &Question, limit: Option<u32>) -> Result<Node, Failure> {
    let ask = |parameters: &Parameters| -> Result<Node, Failure> {
        let query = parameters.pairs();
        Ok(Node::of(&client.send(Method::GET, &question.path, &query, None, &[])?)?)
    };
    if !question.is_list {
        return ask(&question.parameters);
    }
    let mut left = limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    let mut items = Vec::new();
    let mut cursor: Option<String> = None;
    let mut followed = Cursors::default();
    loop {
        let parameters = question.parameters.clone().with("limit", left.min(PAGE)).with_some("cursor", cursor.as_ref());
        let page = ask(&parameters)?;
        let next = page.text("next_cursor").map(str::to_owned);
        followed.follow(next.as_deref())?;
        let found = page.get("items").map(Node::items).unwrap_or_default();
        left = left.saturating_sub(found.len());
        items.extend_from_slice(found);
        if next.is_none() || left == 0 {
            let next = next.map_or(Node::Null, Node::Text);
            return Ok(Node::Map(vec![("items".to_owned(), Node::List(items)), ("next_cursor".to_owned(), next)]));
        }
        cursor = next;
    }
}

fn print(
    arguments: &Get,
    client: &Client,
    question: &Question,
    found: &Node,
    console: &mut Console<'_>,
    around: &Surroundings,
) -> Result<(), Failure> {
    let items = if question.is_list {
        found.get("items").map(Node::items).unwrap_or_default()
    } else {
        std::slice::from_ref(found)
    };
    match arguments.output {
        Format::Json => return print_value(console, found, false),
        Format::Yaml => return print_value(console, found, true),
        Format::Name => {
            for item in items {
                let name = item.at(arguments.kind.name()).and_then(Node::plain);
                let name = name.or_else(|| item.text("id").map(str::to_owned)).unwrap_or_default();
                console.line(&prediction_client::printable(&name))?;
            }
            return Ok(());
        }
        Format::Table | Format::Wide | Format::Csv => {}
    }
    let table = table(arguments.kind, items, client)?;
    match arguments.output {
        Format::Csv => table.print_csv(console),
        _ if items.is_empty() => Ok(console.note(&format!("There are no {}.", arguments.kind.plural()))?),
        output => table.print(console, around.now(), output == Format::Wide),
    }
}
