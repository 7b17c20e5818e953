use clap::Args;
use prediction_client::wire::RoleComparison;
use prediction_client::{Parameters, printable};

use crate::console::{Console, Tone};
use crate::failure::Failure;
use crate::names::Names;
use crate::output::{Format, Node, one_of, print_value};
use crate::session::{Reach, Session};
use crate::surroundings::Surroundings;

/// The forms that its result can be printed in.
const FORMATS: [Format; 3] = [Format::Table, Format::Json, Format::Yaml];

/// Show what changes from one version to another of the same source
#[derive(Debug, Args)]
pub struct Diff {
    /// SOURCE@VERSION, its id, or what it is called together with --source
    from: String,
    /// The other version; of the same source, so that what it is called is enough
    to: String,
    /// The source: its name or its id
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// How the result is printed
    #[arg(short, long, default_value = "table", value_parser = one_of(&FORMATS))]
    output: Format,
    #[command(flatten)]
    reach: Reach,
}

pub(crate) fn run(arguments: &Diff, console: &mut Console<'_>, around: &Surroundings) -> Result<(), Failure> {
    let session = Session::open(&arguments.reach, around)?;
    let client = &session.client;
    let names = Names::new(client);
    let from = names.version(&arguments.from, arguments.source.as_deref())?;
    let source = client.get_source_version(&from.id, &Parameters::new())?.value.source_id.to_string();
    let to = names.version(&arguments.to, Some(&source))?;
    let reply = client.compare_source_versions(&to.id, &Parameters::new().with("with", &from.id))?;
    if matches!(arguments.output, Format::Json | Format::Yaml) {
        return print_value(console, &Node::of(&reply.answer)?, arguments.output == Format::Yaml);
    }
    let compared = reply.value;
    let (from, to) = (printable(compared.from.version.as_str()), printable(compared.to.version.as_str()));
    console.line(&format!("{from} -> {to}: {}", compared.compatibility.as_str()))?;
    for (name, roles) in [("inputs", &compared.input_roles), ("outputs", &compared.output_roles)] {
        for role in roles.iter().filter(|role| role.change.as_str() != "unchanged") {
            print(name, role, console)?;
        }
    }
    Ok(())
}

fn print(part: &str, role: &RoleComparison, console: &mut Console<'_>) -> Result<(), Failure> {
    let (sign, tone) = match role.change.as_str() {
        "added" => ("+", Tone::Good),
        "removed" => ("-", Tone::Bad),
        _ => ("~", Tone::Doubtful),
    };
    let before = role.previous_role.as_ref().map(|name| format!(" (was {})", printable(name.as_str())));
    let text = format!("{sign} {part} {}{}", printable(role.role.as_str()), before.unwrap_or_default());
    let text = console.toned(&text, tone);
    console.line(&format!("{text}: {}", role.compatibility.as_str()))?;
    for difference in &role.differences {
        let member = printable(&difference.member);
        let (from, to) = (printable(&difference.from.to_string()), printable(&difference.to.to_string()));
        console.line(&format!("    {member}: {from} -> {to}"))?;
    }
    Ok(())
}
