use super::Warning;
use super::change_job::{JobChanged, report_bindings_at};
use super::readers::warn_of_readers;
use super::store_change::store_change;
use crate::model::{
    Caller, Diagnostics, Job, JobId, JobWithHealth, Path, Permission, Revision, ValueProblem, ViolationCode,
};
use crate::ports::WriteMode;
use crate::requests::{BindingDraft, Precondition, RestoreDraft, Sent, Submission, validate_bindings};
use crate::use_cases::inputs::known::{InputsOfJob, unverified_units};
use crate::use_cases::lookup::{deprecation, find_monitored_job, find_revision, withdrawal};
use crate::use_cases::{MAX_ATTEMPTS, Ports, UseCaseError, contended, require_revision};

/// Makes what a job was at one of its revisions its next revision: its name, whether it is active, its version, its
/// bindings and its outputs with their ids. It is judged like any change.
pub fn restore_job(
    ports: &Ports,
    caller: &Caller,
    id: JobId,
    submission: &Submission<RestoreDraft>,
    precondition: &Precondition,
    mode: WriteMode,
) -> Result<JobChanged, UseCaseError> {
    caller.require(Permission::JobsWrite)?;
    for _ in 0..MAX_ATTEMPTS {
        let found = find_monitored_job(ports, caller, id)?;
        require_revision(precondition, &Sent::Absent, found.job.revision)?;
        let (job, mut warnings) = as_it_was(ports, &found.job, submission)?;
        warnings.extend(warn_of_readers(ports, &found.job, &job)?);
        let last_write_wins = matches!(precondition, Precondition::None);
        if let Some(JobWithHealth { job, health }) = store_change(ports, caller, found, job, last_write_wins, mode)? {
            return Ok(JobChanged { job, health, warnings });
        }
    }
    Err(contended())
}

fn as_it_was(
    ports: &Ports,
    stored: &Job,
    submission: &Submission<RestoreDraft>,
) -> Result<(Job, Vec<Warning>), UseCaseError> {
    let mut diagnostics = submission.diagnostics.clone();
    let path = Path::of("revision");
    let number = diagnostics.require(&path, submission.content.revision.clone());
    let revision = number.and_then(|number| i64::try_from(number).ok()).and_then(Revision::new);
    let kept = match revision {
        Some(revision) => find_revision(ports, stored, revision)?,
        None => None,
    };
    if let (Some(number), None) = (number, &kept) {
        let problem = ValueProblem::new(ViolationCode::UnknownRevision, "is not a revision of the job that is kept");
        let problem = problem.expected(format!("1 to {}", stored.revision)).actual(number.to_string());
        diagnostics.report(path.clone(), problem);
    }
    let Some(kept) = kept else { return Ok(diagnostics.finish(None)?) };
    let version = ports.source_versions.find_many(&[kept.source_version_id])?.pop().flatten();
    // A revision keeps its version from being deleted: it was purged since it was read.
    let version = version.ok_or_else(contended)?;
    let is_another = version.id != stored.source_version_id;
    if let Some(problem) = withdrawal(&version).filter(|_| is_another) {
        diagnostics.report(path.clone(), problem);
    }
    let drafts: Vec<_> = kept.role_bindings.iter().map(|binding| Sent::Given(BindingDraft::from(binding))).collect();
    let declared = version.contract.declared_inputs();
    let mut apart = Diagnostics::default();
    let bindings = Path::of("role_bindings");
    let checked = validate_bindings(&mut apart, &bindings, Some(declared), &drafts);
    let inputs = InputsOfJob::load(ports, stored, &drafts, Some(declared))?;
    let known = inputs.known(ports);
    let there = Some(&stored.role_bindings).filter(|_| !is_another);
    known.judge(&mut apart, &bindings, Some(declared), &drafts, there);
    report_bindings_at(&mut diagnostics, &path, apart, &drafts, "had bindings that do not fit now", None);
    let role_bindings = diagnostics.finish(checked)?;
    let units = unverified_units(&known, &version.contract, &role_bindings);
    let warnings = deprecation(&version).filter(|_| is_another).into_iter().chain(units).collect();
    let job = Job {
        source_version_id: version.id,
        name: kept.name,
        active: kept.active,
        role_bindings,
        outputs: kept.outputs,
        ..stored.clone()
    };
    Ok((job, warnings))
}
