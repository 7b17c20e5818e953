use clap::Args;
use prediction_client::{Parameters, printable};
use serde_json::json;

use super::set::Whose;
use super::warn;
use crate::console::Console;
use crate::failure::Failure;
use crate::names::Names;
use crate::session::{Reach, Session};
use crate::surroundings::Surroundings;

/// Make a job what it was at a revision
#[derive(Debug, Args)]
pub struct Restore {
    /// The name or the id of the job
    job: String,
    /// The revision: `prediction get revisions JOB` lists them
    #[arg(long, value_name = "NUMBER")]
    revision: u64,
    #[command(flatten)]
    whose: Whose,
    #[command(flatten)]
    reach: Reach,
}

pub(crate) fn run(arguments: &Restore, console: &mut Console<'_>, around: &Surroundings) -> Result<(), Failure> {
    let session = Session::open(&arguments.reach, around)?;
    let client = &session.client;
    let job = Names::new(client).job(&arguments.job, arguments.whose.organisation.as_deref())?;
    let parameters = if arguments.whose.dry_run { Parameters::new().dry_run() } else { Parameters::new() };
    let restored = client.restore_job(&job.id, &json!({ "revision": arguments.revision }), &parameters)?.value;
    let would = if arguments.whose.dry_run { "would be" } else { "is" };
    console.line(&format!(
        "{}: {would} as it was at revision {} (revision {})",
        printable(restored.job.name.as_str()),
        arguments.revision,
        restored.job.revision
    ))?;
    warn(console, &restored.warnings)
}
