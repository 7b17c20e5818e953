use clap::Args;
use prediction_client::{Parameters, printable};

use super::set::Whose;
use crate::console::Console;
use crate::failure::Failure;
use crate::names::Names;
use crate::session::{Reach, Session};
use crate::surroundings::Surroundings;

/// Delete jobs, with their runs and predictions
#[derive(Debug, Args)]
pub struct Delete {
    /// Names or ids of jobs
    #[arg(required = true, value_name = "JOB")]
    jobs: Vec<String>,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    whose: Whose,
    #[command(flatten)]
    reach: Reach,
}

pub(crate) fn run(arguments: &Delete, console: &mut Console<'_>, around: &Surroundings) -> Result<(), Failure> {
    if !arguments.yes && !arguments.whose.dry_run && !console.can_ask {
        return Err(Failure::Usage("nobody can be asked here: say --yes to delete".to_owned()));
    }
    let session = Session::open(&arguments.reach, around)?;
    let client = &session.client;
    let names = Names::new(client);
    let organisation = arguments.whose.organisation.as_deref();
    let jobs: Vec<_> = arguments.jobs.iter().map(|job| names.job(job, organisation)).collect::<Result<_, _>>()?;
    if !arguments.yes && !arguments.whose.dry_run {
        let listed: Vec<_> = jobs.iter().map(|job| printable(&job.name)).collect();
        let question = format!("Delete {} with all runs and predictions?", listed.join(", "));
        if !console.agrees(&question)? {
            return Err(Failure::Refused("nothing was deleted".to_owned()));
        }
    }
    for job in &jobs {
        let parameters = if arguments.whose.dry_run { Parameters::new().dry_run() } else { Parameters::new() };
        client.delete_job(&job.id, &parameters)?;
        let done = if arguments.whose.dry_run { "would be deleted" } else { "deleted" };
        console.line(&format!("{}: {done}", printable(&job.name)))?;
    }
    Ok(())
}
