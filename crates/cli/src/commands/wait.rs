use std::time::Duration;

use clap::Args;
use prediction_client::wire::Job;
use prediction_client::{Parameters, printable};
use prediction_domain::model::{HealthStatus, Revision, VersionLabel};

use crate::console::Console;
use crate::failure::Failure;
use crate::names::Names;
use crate::output::{duration, parse_duration};
use crate::session::{Reach, Session};
use crate::surroundings::Surroundings;

/// Wait until a job is as it should be
#[derive(Debug, Args)]
pub struct Wait {
    /// job
    #[arg(value_parser = ["job"])]
    kind: String,
    /// Its name or its id
    name: String,
    #[arg(
        long = "for",
        help = "health=on_time (or several statuses with commas), active=true, version=1.1.0, revision=3 (or later), or deleted",
        value_name = "CONDITION",
        value_parser = condition
    )]
    condition: Condition,
    /// How long to wait; over means 1
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = parse_duration)]
    timeout: Duration,
    /// How often to look
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = parse_duration)]
    every: Duration,
    /// The organisation that it is of: its name or its id
    #[arg(long, short = 'O', value_name = "NAME")]
    organisation: Option<String>,
    #[command(flatten)]
    reach: Reach,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Condition {
    Health(Vec<HealthStatus>),
    Active(bool),
    Version(VersionLabel),
    Revision(Revision),
    Deleted,
}

fn condition(text: &str) -> Result<Condition, String> {
    let (name, value) = text.split_once('=').unwrap_or((text, ""));
    match (name, value) {
        ("health", statuses) => {
            let parse = |word: &str| {
                HealthStatus::parse(word).map_err(|_| {
                    let known: Vec<_> = HealthStatus::ALL.iter().map(|status| status.as_str()).collect();
                    format!("\"{}\" is no status; there are {}", printable(word), known.join(", "))
                })
            };
            statuses.split(',').map(parse).collect::<Result<_, _>>().map(Condition::Health)
        }
        ("active", "true") => Ok(Condition::Active(true)),
        ("active", "false") => Ok(Condition::Active(false)),
        ("version", label) => VersionLabel::parse(label)
            .map(Condition::Version)
            .map_err(|_| format!("\"{}\" is no version", printable(label))),
        ("revision", number) => {
            let revision = number.parse().ok().and_then(Revision::new);
            revision.map(Condition::Revision).ok_or_else(|| "a revision is a whole number of at least 1".to_owned())
        }
        ("deleted", "") => Ok(Condition::Deleted),
        _ => Err("it is health=…, active=…, version=…, revision=… or deleted".to_owned()),
    }
}

pub(crate) fn run(arguments: &Wait, console: &mut Console<'_>, around: &Surroundings) -> Result<(), Failure> {
    let session = Session::open(&arguments.reach, around)?;
    let client = &session.client;
    let named = Names::new(client).job(&arguments.name, arguments.organisation.as_deref())?;
    let name = printable(&named.name);
    let expand = Parameters::new().with("expand", "source_version");
    let end = around.pause.passed().saturating_add(arguments.timeout);
    loop {
        let state = match client.get_job(&named.id, &expand) {
            Ok(reply) => {
                let state = state(&reply.value);
                if is_met(&arguments.condition, &reply.value) {
                    return Ok(console.line(&format!("{name}: {state}"))?);
                }
                state
            }
            Err(error) if error.is_not_found() && arguments.condition == Condition::Deleted => {
                return Ok(console.line(&format!("{name}: deleted"))?);
            }
            Err(error) if error.is_not_found() => {
                return Err(Failure::Refused(format!("{name} was deleted meanwhile")));
            }
            Err(error) => return Err(error.into()),
        };
        if around.pause.passed().saturating_add(arguments.every) > end {
            let time = duration(arguments.timeout);
            return Err(Failure::Refused(format!("{name} is not as it should be after {time}: {state}")));
        }
        around.pause.sleep(arguments.every);
    }
}

fn is_met(condition: &Condition, job: &Job) -> bool {
    match condition {
        Condition::Health(statuses) => statuses.contains(&job.health.status),
        Condition::Active(active) => job.active == *active,
        Condition::Version(label) => {
            job.source_version.as_ref().is_some_and(|version| version.version.key() == label.key())
        }
        Condition::Revision(number) => job.revision >= *number,
        Condition::Deleted => false,
    }
}

fn state(job: &Job) -> String {
    let version = job.source_version.as_ref().map(|version| version.version.to_string()).unwrap_or_default();
    format!("{}, version {}, revision {}", job.health.status.as_str(), printable(&version), job.revision)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_is_one_of_a_few() {
        assert_eq!(
            condition("health=on_time,new"),
            Ok(Condition::Health(vec![HealthStatus::OnTime, HealthStatus::New]))
        );
        assert_eq!(condition("revision=3"), Ok(Condition::Revision(Revision::new(3).unwrap())));
        assert_eq!(condition("deleted"), Ok(Condition::Deleted));
        for refused in ["", "health=", "health=good", "active", "active=no", "version=", "revision=x", "deleted=1"] {
            assert!(condition(refused).is_err(), "{refused}");
        }
    }
}
