use super::delete::find_job;
use super::{Ports, Refusal};
use crate::model::{
    Caller, Job, JobId, Page, PageRequest, Permission, PredictionPosition, RoleName, Run, RunId, RunPosition, Timestamp,
};
use crate::ports::{Issued, PredictedValue, PredictionQuery, RunFilter};

/// A run of a job.
pub fn get_run(ports: &Ports, caller: &Caller, job_id: JobId, id: RunId) -> Result<Run, Refusal> {
    caller.require(Permission::PredictionsRead)?;
    let job = find_job(ports, caller, job_id)?;
    ports.runs.find(job.organisation_id, job_id, id)?.ok_or(Refusal::NotFound)
}

/// The runs of a job, the last issued first.
pub fn list_runs(
    ports: &Ports,
    caller: &Caller,
    job_id: JobId,
    filter: &RunFilter,
    page: &PageRequest<RunPosition>,
) -> Result<Page<Run, RunPosition>, Refusal> {
    caller.require(Permission::PredictionsRead)?;
    let job = find_job(ports, caller, job_id)?;
    Ok(ports.runs.list(job.organisation_id, job_id, filter, page)?)
}

/// Which values of a job to read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PredictionFilter {
    /// Only those of that role.
    pub role: Option<RoleName>,
    /// Only those about then or later.
    pub from: Option<Timestamp>,
    /// Only those about a time before then.
    pub to: Option<Timestamp>,
    /// What was known then, instead of now.
    pub as_of: Option<Timestamp>,
    /// Exactly those of that run.
    pub run_id: Option<RunId>,
}

impl PredictionFilter {
    /// The most values on a page.
    pub const MAX_LIMIT: usize = 10_000;
    /// The values on a page when nobody says how many.
    pub const DEFAULT_LIMIT: usize = 1_000;
}

/// A part of a list of values.
#[derive(Debug, Clone, PartialEq)]
pub struct PredictionPage {
    /// The values, by role and time.
    pub items: Vec<PredictedValue>,
    /// Where the next page starts; `None` on the last one.
    pub next: Option<PredictionPosition>,
}

/// For each role and time, the value that was known at a time: the one of the run that was issued last until then. What
/// has expired is not shown.
pub fn list_predictions(
    ports: &Ports,
    caller: &Caller,
    job_id: JobId,
    filter: &PredictionFilter,
    after: Option<PredictionPosition>,
    limit: usize,
) -> Result<PredictionPage, Refusal> {
    caller.require(Permission::PredictionsRead)?;
    let job = find_job(ports, caller, job_id)?;
    let now = ports.clock.now();
    let issued = match filter.run_id {
        Some(id) => Issued::At(ports.runs.find(job.organisation_id, job_id, id)?.ok_or(Refusal::NotFound)?.issued_at),
        None => Issued::Until(filter.as_of.unwrap_or(now)),
    };
    let limit = limit.min(PredictionFilter::MAX_LIMIT);
    let mut items = ports.runs.predictions(&PredictionQuery {
        organisation_id: job.organisation_id,
        job_id,
        role: filter.role.clone(),
        from: filter.from,
        to: filter.to,
        issued,
        issued_after: expired_until(ports, &job, now)?,
        after,
        limit: limit + 1,
    })?;
    let more = items.len() > limit;
    items.truncate(limit);
    let position =
        |value: &PredictedValue| PredictionPosition { role: value.prediction.role.clone(), at: value.prediction.at };
    let next = if more { items.last().map(position) } else { None };
    Ok(PredictionPage { items, next })
}

/// What was issued then or before has expired, by what the source says now; `None` when it is kept for ever.
fn expired_until(ports: &Ports, job: &Job, now: Timestamp) -> Result<Option<Timestamp>, Refusal> {
    let source = ports.sources.find_many(&[job.source_id])?.pop().flatten();
    let hours = source.and_then(|source| source.retention_hours);
    Ok(hours.map(|hours| now.plus(-hours.as_time())))
}
