use chrono::TimeDelta;
use serde_json::json;

use super::delete::find_job;
use super::{Conflict, Outcome, Ports, Refusal, Resource, Warning};
use crate::model::{
    Caller, Contract, Description, Job, JobId, Judge, MAX_SECONDS_AHEAD, Path, Permission, Prediction,
    PredictionsDigest, Revision, Run, RunDraft, RunStatus, Sent, SourceVersionId, Submission, Timestamp, ValueProblem,
    Violation, ViolationCode, judge_predictions,
};
use crate::ports::InsertRunError;

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

/// Stores the report of a run. The same report again is fine; another one of a run that was issued at the same time is a
/// conflict.
///
/// It is judged by the contract of the revision that the runner read, also when the job has moved on since.
pub fn report_run(
    ports: &Ports,
    caller: &Caller,
    job_id: JobId,
    submission: Submission<RunDraft>,
) -> Result<RunReported, Refusal> {
    caller.require(Permission::PredictionsWrite)?;
    let job = find_job(ports, caller, job_id)?;
    let now = ports.clock.now();
    let mut judge = Judge::starting_with(submission.violations);
    let draft = submission.content;

    let issued_at = read_issued_at(&mut judge, &draft.issued_at, now);
    let ran = read_revision(ports, &mut judge, &job, &draft.job_revision)?;
    let contract = match ran {
        Some((_, version_id)) => contract_of(ports, version_id)?,
        None => None,
    };
    let outcome = read_outcome(&mut judge, &draft, contract.as_ref());
    let whole = issued_at.zip(ran).zip(outcome);
    let ((issued_at, (job_revision, source_version_id)), ran) = judge.verdict(whole)?;

    let run = Run {
        id: ports.ids.run_id(),
        organisation_id: job.organisation_id,
        job_id,
        job_revision,
        source_version_id,
        issued_at,
        status: ran.status,
        message: ran.message,
        prediction_count: u32::try_from(ran.predictions.len()).unwrap_or(u32::MAX),
        predictions_digest: PredictionsDigest::of(&ran.predictions),
        received_at: now,
    };
    let warnings = if job.active { Vec::new() } else { vec![inactive(&job)] };
    match ports.runs.insert(&run, &ran.predictions) {
        Ok(()) => Ok(RunReported { run, outcome: Outcome::Created, warnings }),
        Err(InsertRunError::IssuedAtTaken(stored)) => {
            let differences = differences(&draft.job_revision, &run, &stored);
            if differences.is_empty() {
                return Ok(RunReported { run: *stored, outcome: Outcome::Reused, warnings });
            }
            let existing_id = stored.id.as_uuid();
            Err(Refusal::Conflict(Conflict { resource: Resource::Run, existing_id, differences }))
        }
        Err(InsertRunError::JobMissing) => Err(Refusal::NotFound),
        Err(InsertRunError::Store(failure)) => Err(failure.into()),
    }
}

/// What a run came to.
struct Ran {
    status: RunStatus,
    message: Option<Description>,
    predictions: Vec<Prediction>,
}

fn read_issued_at(judge: &mut Judge, sent: &Sent<String>, now: Timestamp) -> Option<Timestamp> {
    let path = Path::of("issued_at");
    let read = judge.read(&path, sent, |text| Timestamp::parse(text));
    if matches!(read, Sent::Absent) {
        return Some(now);
    }
    let issued_at = judge.require(&path, read)?;
    if issued_at > now.plus(TimeDelta::seconds(MAX_SECONDS_AHEAD)) {
        judge.report(
            path,
            ValueProblem::new(ViolationCode::InTheFuture, "is too far ahead of the service's clock")
                .expected(format!("at most {MAX_SECONDS_AHEAD} seconds after {now}"))
                .actual(issued_at.to_string()),
        );
        return None;
    }
    Some(issued_at)
}

/// The revision that ran, and its version; `None` after a violation was reported.
fn read_revision(
    ports: &Ports,
    judge: &mut Judge,
    job: &Job,
    sent: &Sent<i128>,
) -> Result<Option<(Revision, SourceVersionId)>, Refusal> {
    let path = Path::of("job_revision");
    if matches!(sent, Sent::Absent) {
        return Ok(Some((job.revision, job.source_version_id)));
    }
    let Some(number) = judge.require(&path, sent.clone()) else { return Ok(None) };
    let revision = i64::try_from(number).ok().and_then(Revision::new);
    if revision == Some(job.revision) {
        return Ok(Some((job.revision, job.source_version_id)));
    }
    let kept = match revision.filter(|revision| *revision < job.revision) {
        Some(revision) => ports.jobs.revision(job.organisation_id, job.id, revision)?,
        None => None,
    };
    if kept.is_none() {
        judge.report(
            path,
            ValueProblem::new(ViolationCode::UnknownRevision, "is not a revision of the job that is known")
                .expected(format!("a revision up to {}", job.revision))
                .actual(number.to_string()),
        );
    }
    Ok(kept.map(|kept| (kept.revision, kept.source_version_id)))
}

/// What the outputs are judged by; `None` when the version went with its job in the meantime.
fn contract_of(ports: &Ports, version_id: SourceVersionId) -> Result<Option<Contract>, Refusal> {
    Ok(ports.source_versions.find_many(&[version_id])?.pop().flatten().map(|version| version.contract))
}

fn read_outcome(judge: &mut Judge, draft: &RunDraft, contract: Option<&Contract>) -> Option<Ran> {
    let (status_path, message_path, path) = (Path::of("status"), Path::of("message"), Path::of("predictions"));
    let status = judge.read(&status_path, &draft.status, |text| RunStatus::parse(text));
    let status = judge.require(&status_path, status);
    let message = judge.read(&message_path, &draft.message, |text| Description::parse(text));
    if status == Some(RunStatus::Failed) && matches!(&message, Sent::Absent | Sent::Null) {
        judge.report(
            message_path,
            ValueProblem::new(ViolationCode::MissingMember, "is missing").hint("say why the run failed"),
        );
    }
    let drafts = draft.predictions.given().map_or(&[][..], Vec::as_slice);
    let predictions = match (status, &draft.predictions) {
        (Some(RunStatus::Failed), _) => {
            if !drafts.is_empty() {
                judge.report(
                    path,
                    ValueProblem::new(ViolationCode::NotAllowedHere, "cannot come from a run that failed")
                        .expected("no values")
                        .actual(format!("{} values", drafts.len())),
                );
            }
            Vec::new()
        }
        (_, Sent::Unreadable) => return None,
        // Whether there have to be values cannot be told; what is wrong with those that there are can.
        (None, _) if drafts.is_empty() => return None,
        (None | Some(RunStatus::Succeeded), _) => judge_predictions(judge, &path, contract, drafts)?,
    };
    Some(Ran { status: status?, message: message.into_option(), predictions })
}

/// In what a report is another one than the stored run. A revision that was not said is not compared.
fn differences(sent_revision: &Sent<i128>, reported: &Run, stored: &Run) -> Vec<Violation> {
    let mut differences = Vec::new();
    let mut differs = |member: &'static str, problem: ValueProblem| differences.push(problem.at(Path::of(member)));
    let problem = || ValueProblem::new(ViolationCode::Differs, "is not what the run that was issued then has");
    if reported.status != stored.status {
        differs("status", problem().expected(stored.status.as_str()).actual(reported.status.as_str()));
    }
    if sent_revision.is_present() && reported.job_revision != stored.job_revision {
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

fn inactive(job: &Job) -> Warning {
    Warning {
        code: "job_inactive",
        message: "the job is not active, so it should not be run".to_owned(),
        details: json!({ "job_id": job.id }),
    }
}
