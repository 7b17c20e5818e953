//! Setting up a job: everything of it in one call, or nothing.
//!
//! 1. [`prepare_set_up`] judges what needs no store: permission, organisation, values. It never blocks.
//! 2. [`set_up_jobs`] takes as many prepared setups as wait together. It looks up what they refer to (`catalogue`),
//!    judges each against its contract and makes a finished plan of it (`plan`), has all plans stored at once, and tells
//!    each caller what became of theirs (`conclude`).
//!
//! A plan rests on what was read. When that is not so any more by the time it is stored (a source of that name was
//! created meanwhile, a version deleted), the store says so, and the setup is planned anew.

mod catalogue;
mod conclude;
mod plan;
mod prepare;
mod resolve;

use serde_json::Value;

use super::{MAX_ATTEMPTS, Outcome, Ports, Refusal, contended};
use crate::model::{BindingDraft, Job, Sent, Source, SourceDraft, SourceVersion, SourceVersionDraft};
use crate::ports::{JobSetUp, JobSetUpRejected};

use catalogue::Catalogue;
use conclude::conclude;
use plan::{Plan, plan};
pub use prepare::{PreparedSetUp, prepare_set_up};

/// A setup as somebody describes it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SetUpDraft {
    /// Whose job it is.
    pub organisation_id: Sent<String>,
    /// The source: a reference by id, or a description to find or create it by.
    pub source: Sent<SourceDraft>,
    /// The version of that source, likewise. When nothing says which, the one that was published last.
    pub source_version: Sent<SourceVersionDraft>,
    /// The job itself.
    pub job: Sent<SetUpJobDraft>,
    /// The version's input roles, bound to inputs.
    pub role_bindings: Sent<Vec<Sent<BindingDraft>>>,
}

/// The job in a [`SetUpDraft`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SetUpJobDraft {
    /// See [`Job::name`].
    pub name: Sent<String>,
    /// See [`Job::active`]; true when left out.
    pub active: Sent<bool>,
    /// Instead of [`SetUpDraft::source`].
    pub source_id: Sent<String>,
    /// Instead of [`SetUpDraft::source_version`].
    pub source_version_id: Sent<String>,
    /// May repeat [`SetUpDraft::organisation_id`], and nothing else.
    pub organisation_id: Sent<String>,
}

/// A job that is set up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetUpDone {
    /// Its source.
    pub source: Source,
    /// Its version.
    pub source_version: SourceVersion,
    /// The job.
    pub job: Job,
    /// Which of the three were created.
    pub outcomes: Outcomes,
    /// What the caller should know.
    pub warnings: Vec<Warning>,
}

/// What became of each part of a setup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcomes {
    /// The source.
    pub source: Outcome,
    /// The version.
    pub source_version: Outcome,
    /// The job.
    pub job: Outcome,
}

/// Something that was done and may not have been meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// What kind of thing: stable, for programs.
    pub code: &'static str,
    /// What, for people.
    pub message: String,
    /// What it is about.
    pub details: Value,
}

/// Sets up jobs, as many as wait together. The answers are in the order of the setups, and those that setting up one
/// after the other would give.
#[must_use]
pub fn set_up_jobs(ports: &Ports, prepared: &[PreparedSetUp]) -> Vec<Result<SetUpDone, Refusal>> {
    let mut answers: Vec<Option<Result<SetUpDone, Refusal>>> = prepared.iter().map(|_| None).collect();
    for _ in 0..MAX_ATTEMPTS {
        let open: Vec<usize> = (0..answers.len()).filter(|index| answers[*index].is_none()).collect();
        if open.is_empty() {
            break;
        }
        attempt(ports, prepared, &open, &mut answers);
    }
    answers.into_iter().map(|answer| answer.unwrap_or_else(|| Err(contended()))).collect()
}

/// Answers those of the open setups that are not overtaken by somebody else's write.
fn attempt(
    ports: &Ports,
    prepared: &[PreparedSetUp],
    open: &[usize],
    answers: &mut [Option<Result<SetUpDone, Refusal>>],
) {
    let catalogue = match Catalogue::load(ports, open.iter().map(|index| &prepared[*index])) {
        Ok(catalogue) => catalogue,
        Err(failure) => {
            for index in open {
                answers[*index] = Some(Err(failure.shared().into()));
            }
            return;
        }
    };
    let mut planned: Vec<(usize, Plan)> = Vec::with_capacity(open.len());
    for index in open {
        match plan(ports, &catalogue, &prepared[*index]) {
            Ok(plan) => planned.push((*index, plan)),
            Err(refusal) => answers[*index] = Some(Err(refusal)),
        }
    }
    let set_ups: Vec<JobSetUp> = planned.iter().map(|(_, plan)| plan.set_up.clone()).collect();
    let outcomes = if set_ups.is_empty() { Vec::new() } else { ports.jobs.set_up_many(&set_ups) };
    for ((index, plan), outcome) in planned.into_iter().zip(outcomes) {
        answers[index] = match outcome {
            Ok(outcome) => Some(conclude(&prepared[index], plan, outcome)),
            Err(JobSetUpRejected::Store(failure)) => Some(Err(failure.into())),
            Err(
                JobSetUpRejected::SourceTaken | JobSetUpRejected::VersionTaken | JobSetUpRejected::ReferenceMissing,
            ) => None,
        };
    }
}
