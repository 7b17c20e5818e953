//! Carrying out plans: many by one statement where that gives the same answers, else one after the other.

mod alone;
mod counted;

use std::collections::{HashMap, HashSet};
use std::slice;

use diesel::RunQueryDsl as _;
use prediction_domain::model::Job;
use prediction_domain::ports::{JobSetUp, JobSetUpOutcome, JobSetUpRejected, StoreFailure, WriteMode};
use uuid::Uuid;

use super::by_name::JobsByName;
use super::insert::InsertJobs;
use super::set_up::alone::{Answer, set_up_alone};
use crate::constraints::ConstraintViolation;
use crate::database::Database;
use crate::failure::{Failure, Kind};
use crate::rows::JobRow;

pub(super) fn set_up_many(database: &Database, plans: &[JobSetUp]) -> Vec<Answer> {
    let runs = plans.chunk_by(|plan, next| is_plain(plan) && is_plain(next));
    runs.flat_map(|run| match run {
        [plan] if !is_plain(plan) => vec![set_up_alone(database, plan)],
        run if run.iter().any(|plan| plan.most_jobs.is_some()) => counted::set_up_together(database, run),
        run => set_up_together(database, run),
    })
    .collect()
}

/// Whether a plan is nothing but one job that reads no outputs, so that it can share a statement with others.
fn is_plain(plan: &JobSetUp) -> bool {
    plan.new_source.is_none()
        && plan.new_version.is_none()
        && plan.mode == WriteMode::Commit
        && !plan.job.role_bindings.have_outputs()
}

/// Carries out plain plans by one statement: one round trip and one commit for all of them.
fn set_up_together(database: &Database, run: &[JobSetUp]) -> Vec<Answer> {
    let insert = InsertJobs::new(run.iter().map(|plan| &plan.job));
    let mut attempts = 0;
    let inserted = database.statement(|connection| {
        attempts += 1;
        insert.clone().load::<(Uuid, Uuid)>(connection)
    });
    match inserted {
        Ok(created) => answer(database, run, created.into_iter().collect(), attempts > 1),
        Err(failure) => match (failure.kind(), run) {
            (Some(Kind::ConstraintViolation(ConstraintViolation::VersionOfJob)), [_]) => {
                vec![Err(JobSetUpRejected::ReferenceMissing)]
            }
            // One of them made the statement fail for all.
            (
                Some(Kind::ConstraintViolation(_) | Kind::LockTimeout | Kind::Conflict | Kind::Unforeseen),
                [_, _, ..],
            ) => run.iter().flat_map(|plan| set_up_together(database, slice::from_ref(plan))).collect(),
            _ => {
                let failure = StoreFailure::from(failure);
                run.iter().map(|_| Err(failure.clone().into())).collect()
            }
        },
    }
}

/// Answers each plan of a run that was stored, except those whose names were taken.
///
/// When the statement was `repeated` because its connection had died, the first time may have stored them all the same.
/// A job that is stored with the id of its plan is from there, since ids of plans are fresh.
fn answer(database: &Database, run: &[JobSetUp], mut created: HashSet<(Uuid, Uuid)>, repeated: bool) -> Vec<Answer> {
    let key = |job: &Job| (job.organisation_id.as_uuid(), job.id.as_uuid());
    // Of two equal plans, the first created the job.
    let is_created: Vec<bool> = run.iter().map(|plan| created.remove(&key(&plan.job))).collect();
    if is_created.iter().all(|is_created| *is_created) {
        return run.iter().map(|_| Ok(JobSetUpOutcome::Created)).collect();
    }
    let others = || run.iter().zip(&is_created).filter(|(_, is_created)| !**is_created).map(|(plan, _)| &plan.job);
    let find = JobsByName::new(others());
    let stored = match database.statement(|connection| find.clone().load::<JobRow>(connection)) {
        Ok(rows) => rows,
        Err(failure) => return only_created(&is_created, failure),
    };
    let stored: HashMap<(Uuid, &str), &JobRow> =
        stored.iter().map(|row| ((row.organisation_id, row.name.as_str()), row)).collect();
    let planned = run.iter().zip(&is_created).filter(|(_, is_created)| **is_created).map(|(plan, _)| key(&plan.job));
    let mut ours: HashSet<(Uuid, Uuid)> = planned.collect();
    if repeated {
        ours.extend(stored.values().map(|row| (row.organisation_id, row.id)));
    }

    let judge = |plan: &JobSetUp| {
        let job = &plan.job;
        if ours.remove(&key(job)) {
            return Ok(JobSetUpOutcome::Created);
        }
        match stored.get(&(job.organisation_id.as_uuid(), job.name.as_str())) {
            Some(row) => Ok(JobSetUpOutcome::NameTaken(Box::new(Job::try_from((*row).clone())?))),
            // It was deleted or renamed a moment ago.
            None => set_up_alone(database, plan),
        }
    };
    run.iter().map(judge).collect()
}

fn only_created(is_created: &[bool], failure: Failure) -> Vec<Answer> {
    let failure = StoreFailure::from(failure);
    let answer = |is_created: &bool| {
        if *is_created { Ok(JobSetUpOutcome::Created) } else { Err(failure.clone().into()) }
    };
    is_created.iter().map(answer).collect()
}
