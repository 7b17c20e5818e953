//! Setting up a job: everything of it in one call, or nothing.
//!
//! 1. [`prepare_set_up`] judges what needs no store: permission, organisation, values. It never blocks.
//! 2. [`set_up_jobs`] takes as many prepared setups as wait together. It looks up what they refer to (`catalog`),
//!    judges each against its contract and makes a finished plan of it (`plan`), has all plans stored at once, and
//!    tells each caller what became of theirs (`finish`).
//!
//! A plan rests on what was read. When that is not so any more by the time it is stored (a source of that name was
//! created meanwhile, a version deleted), the store says so, and the setup is planned anew. Within a batch, setups that
//! could see what earlier ones store are kept for the next wave (`wave`).

mod catalog;
mod differences;
mod finish;
mod plan;
mod prepare;
mod resolve;
mod wave;

use serde_json::Value;

use crate::model::{Health, Job, JobId, Scope, Source, SourceVersion};
use crate::ports::{JobSetUp, JobSetUpOutcome, JobSetUpRejected, StoreFailure};
use crate::use_cases::jobs::blocking::tell_blocking;
use crate::use_cases::{MAX_ATTEMPTS, Outcome, Ports, UseCaseError, contended};

use catalog::Catalog;
use finish::finish;
use plan::{Plan, plan};
pub use prepare::{PreparedSetUp, prepare_set_up};
use wave::Wave;

/// A job that is set up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetUpDone {
    /// Its source.
    pub source: Source,
    /// Its version.
    pub source_version: SourceVersion,
    /// The job.
    pub job: Job,
    /// Its health.
    pub health: Health,
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

/// Sets up jobs, as many as wait together. The answers are in the order of the setups, and are the same as if the jobs
/// were set up one after the other.
///
/// On the store in memory of `prediction-domain-testkit`, without a database or a server:
///
/// ```
/// use prediction_domain::model::{Caller, OrganisationId, Permission, Scope};
/// use prediction_domain::ports::WriteMode;
/// use prediction_domain::requests::{
///     BindingDraft, InputRoleDraft, OutputRoleDraft, Sent, SetUpDraft, SetUpJobDraft, SourceDraft, SourceVersionDraft,
/// };
/// use prediction_domain::use_cases::{prepare_set_up, set_up_jobs};
/// use prediction_domain_testkit::{MemoryStore, values};
///
/// let given = |text: &str| Sent::Given(text.to_owned());
/// let grapes = OrganisationId::parse("7f0c2f0e-33a5-4f4b-9a41-3d4a2a6a6d10")?;
/// let input = InputRoleDraft {
///     role: given("temperature"),
///     input_kind: given("sensor"),
///     metric: given("air_temperature"),
///     ..InputRoleDraft::default()
/// };
/// let output = OutputRoleDraft { role: given("risk"), metric: given("mildew_risk"), ..OutputRoleDraft::default() };
/// let draft = SetUpDraft {
///     organisation_id: given(&grapes.to_string()),
///     source: Sent::Given(SourceDraft { name: given("Mildew"), ..SourceDraft::default() }),
///     source_version: Sent::Given(SourceVersionDraft {
///         version: given("1.0.0"),
///         input_roles: Sent::Given(vec![Sent::Given(input)]),
///         output_roles: Sent::Given(vec![Sent::Given(output)]),
///         ..SourceVersionDraft::default()
///     }),
///     job: Sent::Given(SetUpJobDraft { name: given("North slope"), ..SetUpJobDraft::default() }),
///     role_bindings: Sent::Given(vec![Sent::Given(BindingDraft::new(
///         "temperature",
///         "0b5c6a52-5a0e-4e57-9f0a-0a8f5e0a7c11",
///         "sensor",
///     ))]),
/// };
/// let caller = Caller {
///     subject: "operator".to_owned(),
///     scope: Scope::of([grapes]),
///     permissions: [Permission::CatalogCreate, Permission::JobsWrite].into(),
/// };
///
/// let ports = MemoryStore::stores().replica(values::at("2026-06-01T12:00:00Z")).ports;
/// let prepared = prepare_set_up(&caller, draft.into(), WriteMode::Commit)?;
/// let mut answers = set_up_jobs(&ports, &[prepared]);
/// let done = answers.remove(0)?;
/// assert_eq!((done.job.name.as_str(), done.job.revision.as_i64()), ("North slope", 1));
/// assert_eq!(done.job.outputs[0].role.as_str(), "risk");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn set_up_jobs(ports: &Ports, prepared: &[PreparedSetUp]) -> Vec<Result<SetUpDone, UseCaseError>> {
    let mut setups: Vec<SetUp<'_>> = prepared.iter().map(SetUp::new).collect();
    loop {
        let open: Vec<usize> = (0..setups.len()).filter(|index| setups[*index].answer.is_none()).collect();
        if open.is_empty() {
            let mut answers = setups.into_iter().filter_map(|set_up| set_up.answer).collect();
            attach_health(ports, &mut answers);
            return answers;
        }
        // Each wave answers at least one setup, or brings it nearer to giving up.
        advance(ports, &mut setups, &open);
    }
}

/// A setup on the way to its answer.
struct SetUp<'a> {
    prepared: &'a PreparedSetUp,
    answer: Option<Result<SetUpDone, UseCaseError>>,
    /// How often the write of another request outdated its plan.
    overtaken: usize,
    /// The job that was found under its name when the last plan was to be stored. The next plan knows it.
    known_job: Option<JobId>,
}

impl<'a> SetUp<'a> {
    fn new(prepared: &'a PreparedSetUp) -> Self {
        Self { prepared, answer: None, overtaken: 0, known_job: None }
    }

    /// Takes what became of the plan; without an answer, it is to be planned anew.
    fn finish(&mut self, plan: Plan, outcome: Result<JobSetUpOutcome, JobSetUpRejected>) {
        match outcome {
            // The job came after the reading, perhaps with the very source and version that were missed.
            Ok(JobSetUpOutcome::NameTaken(job))
                if plan.rests_on_absence && plan.known_job.or(self.known_job) != Some(job.id) =>
            {
                self.known_job = Some(job.id);
                self.retry_or_give_up();
            }
            Ok(outcome) => self.answer = Some(finish(self.prepared, plan, outcome)),
            Err(JobSetUpRejected::Store(failure)) => self.answer = Some(Err(failure.into())),
            Err(JobSetUpRejected::QuotaExceeded(exceeded)) => {
                self.answer = Some(Err(UseCaseError::QuotaExceeded { exceeded, wait: None }));
            }
            Err(
                JobSetUpRejected::SourceTaken
                | JobSetUpRejected::VersionTaken
                | JobSetUpRejected::ReferenceMissing
                | JobSetUpRejected::OutputMissing,
            ) => self.retry_or_give_up(),
        }
    }

    fn retry_or_give_up(&mut self) {
        self.overtaken += 1;
        if self.overtaken == MAX_ATTEMPTS {
            self.answer = Some(Err(contended()));
        }
    }
}

/// Plans and stores as many of the open setups as do not depend on each other, from the first on.
fn advance(ports: &Ports, setups: &mut [SetUp<'_>], open: &[usize]) {
    let catalog = match Catalog::load(ports, open.iter().map(|index| setups[*index].prepared)) {
        Ok(catalog) => catalog,
        Err(failure) => {
            for index in open {
                setups[*index].answer = Some(Err(failure.clone().into()));
            }
            return;
        }
    };
    let mut wave = Wave::default();
    for index in open {
        let set_up = &mut setups[*index];
        match plan(ports, &catalog, set_up.prepared) {
            Ok(plan) if wave.changes(set_up.prepared, &plan) => break,
            Ok(plan) => wave.add(*index, plan),
            Err(_) if wave.may_help(set_up.prepared) => break,
            Err(refusal) => set_up.answer = Some(Err(refusal)),
        }
    }
    let plans = wave.into_plans();
    if plans.is_empty() {
        return;
    }
    let finished: Vec<JobSetUp> = plans.iter().map(|(_, plan)| plan.set_up.clone()).collect();
    let mut outcomes = ports.jobs.set_up_many(&finished).into_iter();
    for (index, plan) in plans {
        let outcome =
            outcomes.next().unwrap_or_else(|| Err(StoreFailure::Internal("a plan was not answered".into()).into()));
        setups[index].finish(plan, outcome);
    }
}

/// Judges the health of the jobs that were there already by the runs that they have had.
fn attach_health(ports: &Ports, answers: &mut Vec<Result<SetUpDone, UseCaseError>>) {
    let mut reused: Vec<&mut Result<SetUpDone, UseCaseError>> = Vec::new();
    let mut wanted: Vec<(Scope, JobId)> = Vec::new();
    for answer in answers {
        if let Ok(SetUpDone { job, outcomes: Outcomes { job: Outcome::Reused, .. }, .. }) = answer {
            wanted.push((Scope::of([job.organisation_id]), job.id));
            reused.push(answer);
        }
    }
    if wanted.is_empty() {
        return;
    }
    let now = ports.clock.now();
    let judged = ports.jobs.find_monitored(&wanted).and_then(|found| {
        let mut judged: Vec<_> = found.into_iter().map(|found| found.map(|found| found.judged_at(now))).collect();
        tell_blocking(ports, judged.iter_mut().flatten(), now)?;
        Ok(judged)
    });
    match judged {
        Ok(judged) => {
            for (answer, judged) in reused.into_iter().zip(judged) {
                // A job that was deleted since then is told as it was.
                if let (Ok(done), Some(judged)) = (answer, judged) {
                    done.health = judged.health;
                }
            }
        }
        Err(failure) => reused.into_iter().for_each(|answer| *answer = Err(failure.clone().into())),
    }
}
