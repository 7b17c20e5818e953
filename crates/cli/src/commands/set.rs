use clap::Args;
use prediction_client::wire::UpdatedJob;
use prediction_client::{Client, Parameters, printable};
use serde_json::{Map, Value, json};

use super::describe::differences;
use super::warn;
use crate::console::Console;
use crate::failure::Failure;
use crate::names::{Named, Names};
use crate::session::{Reach, Session};
use crate::surroundings::Surroundings;

/// Change a job
#[derive(Debug, Args)]
pub struct Set {
    /// job
    #[arg(value_parser = ["job"])]
    kind: String,
    /// Its name or its id
    name: String,
    /// What it is to be: active=false, version=1.1.0, name="Job A"
    #[arg(required = true, value_name = "MEMBER=VALUE", value_parser = assignment)]
    changes: Vec<(Member, String)>,
    #[command(flatten)]
    whose: Whose,
    #[command(flatten)]
    reach: Reach,
}

/// Which job is meant, and whether the change is kept.
#[derive(Debug, Args)]
pub(crate) struct Whose {
    /// The organisation that it is of: its name or its id
    #[arg(long, short = 'O', value_name = "NAME")]
    pub(super) organisation: Option<String>,
    /// Say what would be done, and do nothing
    #[arg(long)]
    pub(super) dry_run: bool,
}

/// Which jobs are to rest, or to run again.
#[derive(Debug, Args)]
pub struct Activation {
    /// Names or ids of jobs
    #[arg(required = true, value_name = "JOB")]
    jobs: Vec<String>,
    #[command(flatten)]
    whose: Whose,
    #[command(flatten)]
    reach: Reach,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Member {
    Active,
    Version,
    Name,
}

impl Member {
    fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Version => "version",
            Self::Name => "name",
        }
    }
}

fn assignment(text: &str) -> Result<(Member, String), String> {
    let (name, value) = text.split_once('=').ok_or("a member, = and its value are needed, such as active=false")?;
    let member = match name {
        "active" if matches!(value, "true" | "false") => Member::Active,
        "active" => return Err("active is true or false".to_owned()),
        "version" => Member::Version,
        "name" => Member::Name,
        _ => return Err(format!("\"{}\" cannot be set; there are active, name and version", printable(name))),
    };
    Ok((member, value.to_owned()))
}

pub(crate) fn run(arguments: &Set, console: &mut Console<'_>, around: &Surroundings) -> Result<(), Failure> {
    for (place, (member, _)) in arguments.changes.iter().enumerate() {
        if arguments.changes[..place].iter().any(|(other, _)| other == member) {
            return Err(Failure::Usage(format!("{} is set twice", member.name())));
        }
    }
    let session = Session::open(&arguments.reach, around)?;
    let client = &session.client;
    let names = Names::new(client);
    let job = names.job(&arguments.name, arguments.whose.organisation.as_deref())?;
    let mut body = Map::new();
    for (member, value) in &arguments.changes {
        let (name, value) = match member {
            Member::Active => ("active", json!(value == "true")),
            Member::Name => ("name", json!(value)),
            Member::Version => {
                let source = client.get_job(&job.id, &Parameters::new())?.value.source_id.to_string();
                ("source_version_id", json!(names.version(value, Some(&source))?.id))
            }
        };
        body.insert(name.to_owned(), value);
    }
    change(client, &job, &Value::Object(body), arguments.whose.dry_run, console)
}

/// Pauses jobs, or lets them run again.
pub(crate) fn activate(
    arguments: &Activation,
    active: bool,
    console: &mut Console<'_>,
    around: &Surroundings,
) -> Result<(), Failure> {
    let Activation { jobs, whose, reach } = arguments;
    let session = Session::open(reach, around)?;
    let names = Names::new(&session.client);
    // All are known before one is changed.
    let found: Vec<_> =
        jobs.iter().map(|job| names.job(job, whose.organisation.as_deref())).collect::<Result<_, _>>()?;
    for job in &found {
        change(&session.client, job, &json!({ "active": active }), whose.dry_run, console)?;
    }
    Ok(())
}

fn change(client: &Client, job: &Named, body: &Value, dry_run: bool, console: &mut Console<'_>) -> Result<(), Failure> {
    let before = client.get_job(&job.id, &Parameters::new())?.value.revision;
    let parameters = if dry_run { Parameters::new().dry_run() } else { Parameters::new() };
    let UpdatedJob { job: after, warnings } = client.change_job(&job.id, body, &parameters)?.value;
    let name = printable(after.name.as_str());
    if after.revision == before {
        console.line(&format!("{name}: unchanged"))?;
    } else if dry_run {
        console.line(&format!("{name}: would be changed (revision {})", after.revision))?;
    } else {
        console.line(&format!("{name}: changed (revision {})", after.revision))?;
        let compared =
            client.compare_job_revisions(&job.id, after.revision, &Parameters::new().with("with", before))?;
        differences(&compared.value, console)?;
    }
    warn(console, &warnings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assignment_is_of_a_member_that_can_be_set() {
        assert_eq!(assignment("active=false"), Ok((Member::Active, "false".to_owned())));
        assert_eq!(assignment("name=a=b"), Ok((Member::Name, "a=b".to_owned())));
        for refused in ["active", "active=no", "id=1", "=1"] {
            assert!(assignment(refused).is_err(), "{refused}");
        }
    }
}
