use chrono::TimeDelta;

use crate::model::{
    Caller, Job, JobId, JobOutput, MAX_SECONDS_AHEAD, OutputId, Page, PageRequest, Permission, PredictionPosition,
    ReadingPosition, RoleName, Run, RunId, RunPosition, Timestamp,
};
use crate::ports::{Issued, PredictedValue, PredictedValues, PredictionQuery, RunFilter};
use crate::use_cases::jobs::read_outputs::find_output;
use crate::use_cases::lookup::find_job;
use crate::use_cases::{Ports, UseCaseError};

/// A run of a job.
pub fn get_run(ports: &Ports, caller: &Caller, job_id: JobId, id: RunId) -> Result<Run, UseCaseError> {
    caller.require(Permission::PredictionsRead)?;
    let job = find_job(ports, caller, job_id)?;
    ports.runs.find(job.organisation_id, job_id, id)?.ok_or(UseCaseError::NotFound)
}

/// The runs of a job, the last issued first.
pub fn list_runs(
    ports: &Ports,
    caller: &Caller,
    job_id: JobId,
    filter: &RunFilter,
    page: &PageRequest<RunPosition>,
) -> Result<Page<Run, RunPosition>, UseCaseError> {
    caller.require(Permission::PredictionsRead)?;
    let job = find_job(ports, caller, job_id)?;
    // Runs that "known at" leaves out anyway are not looked at.
    let behind = filter.known_at.map(|time| issued_until(time).plus(TimeDelta::microseconds(1)));
    let filter = RunFilter { to: [filter.to, behind].into_iter().flatten().min(), ..filter.clone() };
    Ok(ports.runs.list(job.organisation_id, job_id, &filter, page)?)
}

/// Which values of a job to read. There are two times: when a run was issued, by the clock of its runner, and when it
/// was received, by the clock of the service.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PredictionFilter {
    /// Only values of this role.
    pub role: Option<RoleName>,
    /// Only values about this time or later.
    pub from: Option<Timestamp>,
    /// Only values about a time before this one.
    pub to: Option<Timestamp>,
    /// Only values of runs that were issued at this time or before.
    pub as_of: Option<Timestamp>,
    /// Only values of runs that were received at this time or before.
    pub known_at: Option<Timestamp>,
    /// Exactly the values of this run.
    pub run_id: Option<RunId>,
}

impl PredictionFilter {
    /// The most values on a page.
    pub const MAX_LIMIT: usize = 10_000;
    /// The values on a page when the request does not say how many.
    pub const DEFAULT_LIMIT: usize = 1_000;
    /// About how many bytes the values of a page have at the most, as JSON.
    pub const BUDGET: usize = 3 << 20;
    /// About how many bytes a value has without the name of its role.
    const WEIGHT_OF_VALUE: usize = 200;

    /// By when the values were issued. What was known at a time was issued not much later, which spares looking at what
    /// was issued since.
    fn issued(&self) -> Issued {
        match [self.as_of, self.known_at.map(issued_until)].into_iter().flatten().min() {
            Some(until) => Issued::Until(until),
            None => Issued::AtAnyTime,
        }
    }
}

/// A part of a list of values.
#[derive(Debug, Clone, PartialEq)]
pub struct PredictionPage {
    /// The values, by role and time.
    pub items: Vec<PredictedValue>,
    /// Where the reading goes on; `None` on the last page.
    pub next: Option<ReadingPosition>,
}

/// For each role and time, the value of the run that was issued last among the runs that are asked for. Expired values
/// are not shown.
///
/// Pages of one reading belong together: from the second on, what was stored since the first was read is left out.
pub fn list_predictions(
    ports: &Ports,
    caller: &Caller,
    job_id: JobId,
    filter: &PredictionFilter,
    after: Option<ReadingPosition>,
    limit: usize,
) -> Result<PredictionPage, UseCaseError> {
    caller.require(Permission::PredictionsRead)?;
    let job = find_job(ports, caller, job_id)?;
    predictions_of(ports, &job, filter, after, limit)
}

/// The values of an output: those of its role, of the job that predicts it. The id of the output is enough, as the
/// binding of a job that reads it has it. The role of the filter is not looked at.
pub fn list_output_predictions(
    ports: &Ports,
    caller: &Caller,
    id: OutputId,
    filter: &PredictionFilter,
    after: Option<ReadingPosition>,
    limit: usize,
) -> Result<PredictionPage, UseCaseError> {
    caller.require(Permission::PredictionsRead)?;
    let JobOutput { output, job_id, .. } = find_output(ports, caller, id)?;
    let job = find_job(ports, caller, job_id)?;
    let filter = PredictionFilter { role: Some(output.role), ..filter.clone() };
    predictions_of(ports, &job, &filter, after, limit)
}

fn predictions_of(
    ports: &Ports,
    job: &Job,
    filter: &PredictionFilter,
    after: Option<ReadingPosition>,
    limit: usize,
) -> Result<PredictionPage, UseCaseError> {
    let now = ports.clock.now();
    let job_id = job.id;
    let issued = match filter.run_id {
        Some(id) => {
            let run = ports.runs.find(job.organisation_id, job_id, id)?.ok_or(UseCaseError::NotFound)?;
            if filter.as_of.is_some_and(|time| run.issued_at > time) {
                return Ok(PredictionPage { items: Vec::new(), next: None });
            }
            Issued::At(run.issued_at)
        }
        None => filter.issued(),
    };
    let limit = limit.min(PredictionFilter::MAX_LIMIT);
    let (last_run, after) = after.map(|position| (position.last_run, position.after)).unzip();
    let PredictedValues { values: mut items, last_run } = ports.runs.predictions(&PredictionQuery {
        organisation_id: job.organisation_id,
        job_id,
        role: filter.role.clone(),
        from: filter.from,
        to: filter.to,
        issued,
        issued_after: expired_until(ports, job, now)?,
        known_at: filter.known_at,
        last_run,
        after,
        limit: limit + 1,
    })?;
    let fitting = fitting(&items).min(limit);
    let more = items.len() > fitting;
    items.truncate(fitting);
    let position = |value: &PredictedValue| ReadingPosition {
        last_run,
        after: PredictionPosition { role: value.prediction.role.clone(), at: value.prediction.at },
    };
    let next = if more { items.last().map(position) } else { None };
    Ok(PredictionPage { items, next })
}

/// How many of these values an answer has room for, whatever their roles are called. One at the least.
fn fitting(values: &[PredictedValue]) -> usize {
    let mut weight = 0;
    let is_fitting = |value: &&PredictedValue| {
        weight += PredictionFilter::WEIGHT_OF_VALUE + value.prediction.role.as_str().len();
        weight <= PredictionFilter::BUDGET
    };
    values.iter().take_while(is_fitting).count().max(1)
}

/// No run that was received then or before was issued later than this, since none is taken that is issued too far
/// ahead. Twice as far: the service itself may issue one a little later than its clock says.
fn issued_until(known_at: Timestamp) -> Timestamp {
    known_at.plus(TimeDelta::seconds(2 * MAX_SECONDS_AHEAD))
}

/// What was issued then or before has expired, by what the source says now; `None` when it is kept for ever.
fn expired_until(ports: &Ports, job: &Job, now: Timestamp) -> Result<Option<Timestamp>, UseCaseError> {
    let source = ports.sources.find_many(&[job.source_id])?.pop().flatten();
    let hours = source.and_then(|source| source.retention_hours);
    Ok(hours.map(|hours| now.plus(-hours.as_time())))
}
