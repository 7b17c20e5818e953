use chrono::TimeDelta;
use serde_json::json;

use crate::model::{
    Caller, Contract, Diagnostics, Job, JobId, MAX_DESCRIPTION_CHARS, MAX_SECONDS_AHEAD, Message, PageRequest, Path,
    Permission, Prediction, PredictionsDigest, REPLACEMENT, Revision, Run, RunStatus, SourceVersionId, Timestamp,
    ValueProblem, Violation, ViolationCode, latest_issue,
};
use crate::ports::{InsertNextError, InsertRunError, ReplaceRunError, RunFilter, WriteMode};
use crate::requests::{RunDraft, Sent, Submission, validate_predictions};
use crate::use_cases::lookup::find_job;
use crate::use_cases::{Conflict, MAX_ATTEMPTS, Outcome, Ports, Resource, UseCaseError, Warning, contended};

/// A run that is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct RunReported {
    /// The run.
    pub run: Run,
    /// Whether this report stored it.
    pub outcome: Outcome,
    /// What the caller should know.
    pub warnings: Vec<Warning>,
}

/// Stores the report of a run. The same report again is fine. Another one of a run that was issued at the same time is
/// a conflict, unless the stored one failed and this one succeeded: then it was done over, and the success takes its
/// place.
///
/// It is judged by the contract of the revision that the runner read, also when the job has moved on since.
///
/// A dry run judges the report against what is stored now. It does not count for quotas, and is not judged by them.
pub fn report_run(
    ports: &Ports,
    caller: &Caller,
    job_id: JobId,
    submission: Submission<RunDraft>,
    mode: WriteMode,
) -> Result<RunReported, UseCaseError> {
    caller.require(Permission::PredictionsWrite)?;
    let job = find_job(ports, caller, job_id)?;
    let now = ports.clock.now();
    let Submission { content: draft, mut diagnostics } = submission;

    let issued_at = read_issued_at(&mut diagnostics, &draft.issued_at, now);
    let ran = read_revision(ports, &mut diagnostics, &job, &draft.job_revision)?;
    let contract = match ran {
        Some((_, version_id)) => contract_of(ports, version_id)?,
        None => None,
    };
    let outcome = read_outcome(&mut diagnostics, &draft, contract.as_ref());
    let whole = issued_at.zip(ran).zip(outcome);
    let ((issued_at, (job_revision, source_version_id)), ran) = diagnostics.finish(whole)?;
    let is_revision_said = draft.job_revision.is_present();
    // What was sent may be megabytes, and the store takes its time.
    drop(draft);

    let message = ran.message;
    let run = Run {
        id: ports.ids.run_id(),
        organisation_id: job.organisation_id,
        job_id,
        job_revision,
        source_version_id,
        issued_at: match issued_at {
            IssueTime::Said(time) => time,
            IssueTime::Next => now,
        },
        status: ran.status,
        message: message.as_ref().map(|message| message.text.clone()),
        prediction_count: u32::try_from(ran.predictions.len()).unwrap_or(u32::MAX),
        predictions_digest: PredictionsDigest::of(&ran.predictions),
        received_at: now,
        replaces: None,
        replaced_by: None,
    };
    let (run, outcome) = match (issued_at, mode) {
        (IssueTime::Said(_), WriteMode::Commit) => store(ports, run, &ran.predictions, is_revision_said)?,
        (IssueTime::Said(_), WriteMode::DryRun) => rehearse(ports, run, is_revision_said)?,
        (IssueTime::Next, WriteMode::Commit) => (store_next(ports, run, &ran.predictions)?, Outcome::Created),
        (IssueTime::Next, WriteMode::DryRun) => (run, Outcome::Created),
    };
    let mut warnings = Vec::new();
    if !job.active {
        warnings.push(inactive(&job));
    }
    if matches!(issued_at, IssueTime::Said(_)) {
        warnings.extend(ahead(&run));
    }
    warnings.extend(message.filter(Message::is_changed).map(|message| changed(&message)));
    Ok(RunReported { run, outcome, warnings })
}

/// Stores a run that is issued now.
fn store_next(ports: &Ports, run: Run, predictions: &[Prediction]) -> Result<Run, UseCaseError> {
    let allowance = ports.allowance_of_report(&run);
    match ports.runs.insert_next(&run, latest_issue(run.issued_at), predictions, allowance) {
        Ok(issued_at) => Ok(Run { issued_at, ..run }),
        Err(InsertNextError::JobMissing) => Err(UseCaseError::NotFound),
        Err(InsertNextError::QuotaExceeded(exceeded)) => Err(ports.exceeded_today(exceeded, allowance)),
        Err(InsertNextError::Store(failure)) => Err(failure.into()),
    }
}

/// Stores a run that was issued at a time that the runner said.
fn store(
    ports: &Ports,
    mut run: Run,
    predictions: &[Prediction],
    is_revision_said: bool,
) -> Result<(Run, Outcome), UseCaseError> {
    let allowance = ports.allowance_of_report(&run);
    for _ in 0..MAX_ATTEMPTS {
        let stored = match ports.runs.insert(&run, predictions, allowance) {
            Ok(()) => return Ok((run, Outcome::Created)),
            Err(InsertRunError::IssuedAtTaken(stored)) => *stored,
            Err(InsertRunError::JobMissing) => return Err(UseCaseError::NotFound),
            Err(InsertRunError::QuotaExceeded(exceeded)) => return Err(ports.exceeded_today(exceeded, allowance)),
            Err(InsertRunError::Store(failure)) => return Err(failure.into()),
        };
        if let Some(same) = judge(ports, &run, &stored, is_revision_said)? {
            return Ok((same, Outcome::Reused));
        }
        run.replaces = Some(stored.id);
        match ports.runs.replace(&run, predictions, allowance) {
            Ok(()) => return Ok((run, Outcome::Created)),
            // Another request was quicker: what is there now?
            Err(ReplaceRunError::Gone) => run.replaces = None,
            Err(ReplaceRunError::JobMissing) => return Err(UseCaseError::NotFound),
            Err(ReplaceRunError::QuotaExceeded(exceeded)) => return Err(ports.exceeded_today(exceeded, allowance)),
            Err(ReplaceRunError::Store(failure)) => return Err(failure.into()),
        }
    }
    Err(contended())
}

/// What [`store`] would do.
fn rehearse(ports: &Ports, mut run: Run, is_revision_said: bool) -> Result<(Run, Outcome), UseCaseError> {
    let (from, to) = (Some(run.issued_at), Some(run.issued_at.plus(TimeDelta::microseconds(1))));
    let page = PageRequest::new(1, None).unwrap_or_else(|| unreachable!("a valid limit"));
    let found =
        ports.runs.list(run.organisation_id, run.job_id, &RunFilter { from, to, ..RunFilter::default() }, &page)?;
    let Some(stored) = found.items.into_iter().next() else { return Ok((run, Outcome::Created)) };
    if let Some(same) = judge(ports, &run, &stored, is_revision_said)? {
        return Ok((same, Outcome::Reused));
    }
    run.replaces = Some(stored.id);
    Ok((run, Outcome::Created))
}

/// The run that is stored already and is the one that is reported; `None` if that one takes the place of the stored one
/// that was issued at the same time.
fn judge(ports: &Ports, run: &Run, stored: &Run, is_revision_said: bool) -> Result<Option<Run>, UseCaseError> {
    let differences = differences(is_revision_said, run, stored);
    if differences.is_empty() {
        return Ok(Some(stored.clone()));
    }
    if (stored.status, run.status) == (RunStatus::Failed, RunStatus::Succeeded) {
        return Ok(None);
    }
    match replaced(ports, run, stored, is_revision_said)? {
        Some(same) => Ok(Some(same)),
        None => {
            let existing_id = stored.id.as_uuid();
            Err(UseCaseError::Conflict(Conflict { resource: Resource::Run, existing_id, differences }))
        }
    }
}

/// The run that the stored one replaces, if it is the one that is reported: the report of a failure that comes again,
/// late.
fn replaced(ports: &Ports, run: &Run, stored: &Run, is_revision_said: bool) -> Result<Option<Run>, UseCaseError> {
    let Some(id) = stored.replaces.filter(|_| run.status == RunStatus::Failed) else { return Ok(None) };
    let replaced = ports.runs.find(run.organisation_id, run.job_id, id)?;
    Ok(replaced.filter(|replaced| differences(is_revision_said, run, replaced).is_empty()))
}

/// What a run came to.
struct Ran {
    status: RunStatus,
    message: Option<Message>,
    predictions: Vec<Prediction>,
}

/// When a run was issued.
#[derive(Clone, Copy)]
enum IssueTime {
    /// At this time, by what the runner says.
    Said(Timestamp),
    /// The runner leaves it to the service.
    Next,
}

/// `None` after a violation was reported.
fn read_issued_at(diagnostics: &mut Diagnostics, sent: &Sent<String>, now: Timestamp) -> Option<IssueTime> {
    let path = Path::of("issued_at");
    let read = diagnostics.read(&path, sent, |text| Timestamp::parse(text));
    if matches!(read, Sent::Absent) {
        return Some(IssueTime::Next);
    }
    let issued_at = diagnostics.require(&path, read)?;
    if issued_at > latest_issue(now) {
        diagnostics.report(
            path,
            ValueProblem::new(ViolationCode::InTheFuture, "is too far ahead of the service's clock")
                .expected(format!("at most {MAX_SECONDS_AHEAD} seconds after {now}"))
                .actual(issued_at.to_string()),
        );
        return None;
    }
    Some(IssueTime::Said(issued_at))
}

/// The revision that ran, and its version; `None` after a violation was reported.
fn read_revision(
    ports: &Ports,
    diagnostics: &mut Diagnostics,
    job: &Job,
    sent: &Sent<i128>,
) -> Result<Option<(Revision, SourceVersionId)>, UseCaseError> {
    let path = Path::of("job_revision");
    if matches!(sent, Sent::Absent) {
        return Ok(Some((job.revision, job.source_version_id)));
    }
    let Some(number) = diagnostics.require(&path, sent.clone()) else { return Ok(None) };
    let revision = i64::try_from(number).ok().and_then(Revision::new);
    if revision == Some(job.revision) {
        return Ok(Some((job.revision, job.source_version_id)));
    }
    let kept = match revision.filter(|revision| *revision < job.revision) {
        Some(revision) => ports.jobs.revision(job.organisation_id, job.id, revision)?,
        None => None,
    };
    if kept.is_none() {
        diagnostics.report(
            path,
            ValueProblem::new(ViolationCode::UnknownRevision, "is not a revision of the job that is known")
                .expected(format!("a revision up to {}", job.revision))
                .actual(number.to_string()),
        );
    }
    Ok(kept.map(|kept| (kept.revision, kept.source_version_id)))
}

/// What the outputs are judged by; `None` when the version went with its job in the meantime.
fn contract_of(ports: &Ports, version_id: SourceVersionId) -> Result<Option<Contract>, UseCaseError> {
    Ok(ports.source_versions.find_many(&[version_id])?.pop().flatten().map(|version| version.contract))
}

fn read_outcome(diagnostics: &mut Diagnostics, draft: &RunDraft, contract: Option<&Contract>) -> Option<Ran> {
    let (status_path, message_path, path) = (Path::of("status"), Path::of("message"), Path::of("predictions"));
    let status = diagnostics.read(&status_path, &draft.status, |text| RunStatus::parse(text));
    let status = diagnostics.require(&status_path, status);
    let read_message = if status == Some(RunStatus::Failed) { Message::of_failure } else { Message::of };
    let message = diagnostics.read(&message_path, &draft.message, |text| read_message(text));
    if status == Some(RunStatus::Failed) && matches!(&message, Sent::Absent | Sent::Null) {
        diagnostics.report(
            message_path,
            ValueProblem::new(ViolationCode::MissingMember, "is missing").hint("say why the run failed"),
        );
    }
    let drafts = draft.predictions.given().map_or(&[][..], Vec::as_slice);
    let predictions = match (status, &draft.predictions) {
        (Some(RunStatus::Failed), _) => {
            if !drafts.is_empty() {
                diagnostics.report(
                    path,
                    ValueProblem::new(ViolationCode::NotAllowedHere, "cannot come from a run that failed")
                        .expected("no values")
                        .actual(format!("{} values", drafts.len())),
                );
            }
            Vec::new()
        }
        (_, Sent::Unreadable) => return None,
        // Whether there have to be values cannot be told. What is wrong with the values that were sent can.
        (None, _) if drafts.is_empty() => return None,
        (None | Some(RunStatus::Succeeded), _) => validate_predictions(diagnostics, &path, contract, drafts)?,
    };
    Some(Ran { status: status?, message: message.into_option(), predictions })
}

/// In what a report is another one than the stored run. A revision that was not said is not compared.
fn differences(is_revision_said: bool, reported: &Run, stored: &Run) -> Vec<Violation> {
    let mut differences = Vec::new();
    let mut differs = |member: &'static str, problem: ValueProblem| differences.push(problem.at(Path::of(member)));
    let problem = || ValueProblem::new(ViolationCode::Differs, "is not what the run that was issued then has");
    if reported.status != stored.status {
        differs("status", problem().expected(stored.status.as_str()).actual(reported.status.as_str()));
    }
    if is_revision_said && reported.job_revision != stored.job_revision {
        let (stored, reported) = (stored.job_revision.as_i64(), reported.job_revision.as_i64());
        differs("job_revision", problem().expected(stored).actual(reported));
    }
    if reported.message != stored.message {
        differs("message", problem().expected(json!(stored.message)).actual(json!(reported.message)));
    }
    if reported.predictions_digest != stored.predictions_digest {
        let count = |run: &Run| format!("{} values", run.prediction_count);
        differs("predictions", problem().expected(count(stored)).actual(count(reported)));
    }
    differences
}

/// From how many microseconds on a runner is told that its clock is ahead: less is on the way, or what clocks differ by
/// anyway.
const TOLD_AHEAD: i64 = 1_000_000;

/// The warning that a run was issued after its report came, as told by the two clocks.
fn ahead(run: &Run) -> Option<Warning> {
    let micros = run.issued_at.as_micros().saturating_sub(run.received_at.as_micros());
    (micros >= TOLD_AHEAD).then(|| Warning {
        code: "issued_at_ahead",
        message: "issued_at is ahead of the service's clock: is the runner's clock right?".to_owned(),
        details: json!({
            "issued_at": run.issued_at,
            "received_at": run.received_at,
            "ahead_seconds": micros / 1_000_000,
        }),
    })
}

/// The warning that the message is not stored as it was sent.
fn changed(message: &Message) -> Warning {
    Warning {
        code: "message_changed",
        message: format!(
            "control characters in the message were replaced by U+{:04X}, and what is beyond {MAX_DESCRIPTION_CHARS} \
             characters was cut off",
            u32::from(REPLACEMENT)
        ),
        details: json!({ "replaced_characters": message.replaced, "cut_characters": message.cut }),
    }
}

fn inactive(job: &Job) -> Warning {
    Warning {
        code: "job_inactive",
        message: "the job is not active, so it should not be run".to_owned(),
        details: json!({ "job_id": job.id }),
    }
}
