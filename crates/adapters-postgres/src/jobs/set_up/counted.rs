//! Carrying out plans whose organisations may have only so many jobs.

use std::collections::{BTreeSet, HashMap};

use diesel::{PgConnection, RunQueryDsl as _};
use prediction_domain::model::Job;
use prediction_domain::ports::{JobSetUp, JobSetUpOutcome, JobSetUpRejected, StoreFailure, WriteMode};
use uuid::Uuid;

use super::super::by_name::JobsByName;
use super::super::insert::InsertJobs;
use super::alone::{Answer, set_up_alone};
use crate::database::{Abort, Database};
use crate::failure::Kind;
use crate::quotas;
use crate::rows::JobRow;

/// How often plans are looked at anew, since others have taken the room that there was.
const MOST_OVERTAKEN: usize = 64;

/// Why plans were not carried out together.
enum NotTogether {
    /// Others stored jobs meanwhile, so that there are too many now.
    Overtaken,
    /// The jobs of these organisations are not counted yet.
    Uncounted(Vec<Uuid>),
    /// One of them made a statement fail for all.
    OneIsWrong,
    Failed(StoreFailure),
}

impl From<StoreFailure> for NotTogether {
    fn from(failure: StoreFailure) -> Self {
        Self::Failed(failure)
    }
}

/// Carries out plain plans in one transaction.
///
/// Which of them there is room for is known from how many jobs there are when it begins, and judged again when their
/// rows are stored: from then on no other transaction changes the number until this one ends. It is short and waits for
/// nothing.
pub(super) fn set_up_together(database: &Database, run: &[JobSetUp]) -> Vec<Answer> {
    for _ in 0..MOST_OVERTAKEN {
        match database.transaction(WriteMode::Commit, |connection| attempt(connection, run)) {
            Ok(answers) => return answers,
            Err(NotTogether::Overtaken) => {}
            Err(NotTogether::Uncounted(organisations)) => {
                if let Err(failure) = quotas::begin(database, organisations) {
                    return all_failed(run, &failure);
                }
            }
            Err(NotTogether::OneIsWrong) => return run.iter().map(|plan| set_up_alone(database, plan)).collect(),
            Err(NotTogether::Failed(failure)) => return all_failed(run, &failure),
        }
    }
    all_failed(run, &StoreFailure::Unavailable("others set up jobs again and again".into()))
}

fn all_failed(run: &[JobSetUp], failure: &StoreFailure) -> Vec<Answer> {
    run.iter().map(|_| Err(failure.clone().into())).collect()
}

fn attempt(connection: &mut PgConnection, run: &[JobSetUp]) -> Result<Vec<Answer>, Abort<NotTogether>> {
    let limited = run.iter().filter(|plan| plan.most_jobs.is_some());
    let organisations: BTreeSet<Uuid> = limited.map(|plan| plan.job.organisation_id.as_uuid()).collect();
    let organisations: Vec<Uuid> = organisations.into_iter().collect();
    let mut counts = quotas::job_counts(connection, &organisations)?;
    let uncounted: Vec<Uuid> = organisations.iter().copied().filter(|id| !counts.contains_key(id)).collect();
    if !uncounted.is_empty() {
        return Err(Abort::Refused(NotTogether::Uncounted(uncounted)));
    }
    let stored: Vec<JobRow> = JobsByName::new(run.iter().map(|plan| &plan.job)).load(connection)?;
    let mut stored: HashMap<(Uuid, &str), Job> = stored
        .iter()
        .map(|row| Ok(((row.organisation_id, row.name.as_str()), Job::try_from(row.clone())?)))
        .collect::<Result<_, StoreFailure>>()?;

    let mut limits: HashMap<Uuid, u64> = HashMap::new();
    let mut planned: Vec<&Job> = Vec::new();
    let mut answers: Vec<Answer> = Vec::with_capacity(run.len());
    for plan in run {
        let job = &plan.job;
        let organisation = job.organisation_id.as_uuid();
        if let Some(taken) = stored.get(&(organisation, job.name.as_str())) {
            answers.push(Ok(JobSetUpOutcome::NameTaken(Box::new(taken.clone()))));
            continue;
        }
        if let Some(count) = counts.get_mut(&organisation) {
            if let Some(limit) = plan.most_jobs {
                if !quotas::has_room(limit, *count + 1) {
                    let exceeded = quotas::too_many_jobs(limit, *count);
                    answers.push(Err(JobSetUpRejected::QuotaExceeded(exceeded)));
                    continue;
                }
                limits.entry(organisation).and_modify(|lowest| *lowest = limit.min(*lowest)).or_insert(limit);
            }
            *count += 1;
        }
        stored.insert((organisation, job.name.as_str()), job.clone());
        planned.push(job);
        answers.push(Ok(JobSetUpOutcome::Created));
    }
    if planned.is_empty() {
        return Ok(answers);
    }
    let created: Vec<(Uuid, Uuid)> =
        InsertJobs::new(planned.iter().copied()).load(connection).map_err(|error| match Kind::of(&error) {
            Kind::ConstraintViolation(_) | Kind::LockTimeout | Kind::Unforeseen => {
                Abort::Refused(NotTogether::OneIsWrong)
            }
            _ => Abort::Statement(error),
        })?;
    if created.len() < planned.len() {
        // Another caller has taken a name meanwhile.
        return Err(Abort::Retry);
    }
    let stored = quotas::job_counts(connection, &organisations)?;
    // As many as was planned, or so few that it does not matter.
    let is_as_planned = |(organisation, limit): (&Uuid, &u64)| {
        let count = stored.get(organisation).copied().unwrap_or(i64::MAX);
        counts.get(organisation).is_some_and(|planned| count <= *planned) || quotas::has_room(*limit, count)
    };
    if limits.iter().all(is_as_planned) { Ok(answers) } else { Err(Abort::Refused(NotTogether::Overtaken)) }
}
