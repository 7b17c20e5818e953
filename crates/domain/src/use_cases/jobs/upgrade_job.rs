use super::Warning;
use super::readers::warn_of_readers;
use super::store_change::store_change;
use crate::model::{
    Caller, Diagnostics, InputAction, InputStep, Job, JobId, JobWithHealth, Output, OutputAction, OutputStep, Path,
    Permission, RoleBinding, RoleName, SourceVersion, SourceVersionId, UpgradePlan, ValueProblem, VersionLabel,
    VersionReference, ViolationCode,
};
use crate::ports::WriteMode;
use crate::requests::{Precondition, Sent, Submission, UpgradeDraft, UpgradedBindings, validate_upgrade};
use crate::use_cases::inputs::known::{InputsOfJob, unverified_units};
use crate::use_cases::lookup::{
    deprecation, find_monitored_job, unknown_source_version, version_of_other_source, withdrawal,
};
use crate::use_cases::{MAX_ATTEMPTS, Ports, UseCaseError, contended, last_write_wins, require_revision};

/// A job that runs another version now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobUpgraded {
    /// The job.
    pub job: JobWithHealth,
    /// What was done.
    pub plan: UpgradePlan,
    /// What the caller should know.
    pub warnings: Vec<Warning>,
}

/// Has a job run another version of its source. What it has bound is taken along, by the names of roles, by what the
/// request says of names that changed, and by the aliases of roles; the request binds the rest. What results is judged
/// like a setup. Outputs of roles that both versions have keep their ids.
pub fn upgrade_job(
    ports: &Ports,
    caller: &Caller,
    id: JobId,
    submission: &Submission<UpgradeDraft>,
    precondition: &Precondition,
    mode: WriteMode,
) -> Result<JobUpgraded, UseCaseError> {
    caller.require(Permission::JobsWrite)?;
    let sent_revision = &submission.content.revision;
    for _ in 0..MAX_ATTEMPTS {
        let found = find_monitored_job(ports, caller, id)?;
        require_revision(precondition, sent_revision, found.job.revision)?;
        let Upgrade { job, plan, mut warnings } = plan(ports, &found.job, submission)?;
        warnings.extend(warn_of_readers(ports, &found.job, &job)?);
        let last_write_wins = last_write_wins(precondition, sent_revision);
        if let Some(job) = store_change(ports, caller, found, job, last_write_wins, mode)? {
            return Ok(JobUpgraded { job, plan, warnings });
        }
    }
    Err(contended())
}

/// An upgrade that can be carried out.
pub(super) struct Upgrade {
    pub(super) job: Job,
    plan: UpgradePlan,
    warnings: Vec<Warning>,
}

fn plan(ports: &Ports, stored: &Job, submission: &Submission<UpgradeDraft>) -> Result<Upgrade, UseCaseError> {
    let draft = &submission.content;
    let mut diagnostics = submission.diagnostics.clone();
    let Some(to) = choose_version(ports, &mut diagnostics, stored, draft)? else {
        return Err(diagnostics.finish::<Upgrade>(None).map_or_else(UseCaseError::from, |_| contended()));
    };
    let from = if stored.source_version_id == to.id {
        to.clone()
    } else {
        let found = ports.source_versions.find_many(&[stored.source_version_id])?.pop().flatten();
        // A job keeps its version from being deleted: the job was changed since it was read.
        found.ok_or_else(contended)?
    };
    plan_between(ports, stored, draft, diagnostics, &from, &to)
}

/// The upgrade of a job from the version that it runs to another one.
pub(super) fn plan_between(
    ports: &Ports,
    stored: &Job,
    draft: &UpgradeDraft,
    mut diagnostics: Diagnostics,
    from: &SourceVersion,
    to: &SourceVersion,
) -> Result<Upgrade, UseCaseError> {
    // A job that runs it goes on, and knows of it.
    let is_another = from.id != to.id;
    if let Some(problem) = withdrawal(to).filter(|_| is_another) {
        let path = if draft.version.given().is_some() { "version" } else { "source_version_id" };
        diagnostics.report(Path::of(path), problem);
    }
    let units = ports.units.as_ref();
    let upgraded =
        validate_upgrade(&mut diagnostics, draft, &stored.role_bindings, &from.contract, &to.contract, units);
    // What is carried over was judged when it was bound, by a role of the same kind, metric and unit.
    let anew = draft.role_bindings.given().map_or(&[][..], Vec::as_slice);
    let declared = Some(to.contract.declared_inputs());
    let inputs = InputsOfJob::load(ports, stored, anew, declared)?;
    let known = inputs.known(ports);
    known.judge(&mut diagnostics, &Path::of("role_bindings"), declared, anew, None);
    let outputs = if is_another {
        Output::for_contract(&to.contract, &stored.outputs, || ports.ids.output_id())
    } else {
        stored.outputs.clone()
    };
    let plan = UpgradePlan {
        from: reference(from),
        to: reference(to),
        compatibility: from.contract.compare_with(&to.contract, units).compatibility,
        inputs: input_steps(&upgraded),
        outputs: output_steps(&stored.outputs, &outputs),
    };
    let role_bindings = match diagnostics.finish(upgraded.bindings) {
        Ok(role_bindings) => role_bindings,
        Err(violations) => return Err(UseCaseError::NotUpgradable { violations, plan: Box::new(plan) }),
    };
    let job = Job { source_version_id: to.id, role_bindings, outputs, ..stored.clone() };
    let unverified = unverified_units(&known, &to.contract, &job.role_bindings);
    let warnings = deprecation(to).filter(|_| is_another).into_iter().chain(unverified).collect();
    Ok(Upgrade { job, plan, warnings })
}

/// The version that the job is to run; `None` after a violation was reported.
fn choose_version(
    ports: &Ports,
    diagnostics: &mut Diagnostics,
    stored: &Job,
    draft: &UpgradeDraft,
) -> Result<Option<SourceVersion>, UseCaseError> {
    let (id_path, label_path) = (Path::of("source_version_id"), Path::of("version"));
    let id = diagnostics.read(&id_path, &draft.source_version_id, |text| SourceVersionId::parse(text));
    let label = diagnostics.read(&label_path, &draft.version, |text| VersionLabel::parse(text));
    let is_unreadable = matches!(id, Sent::Unreadable) || matches!(label, Sent::Unreadable);
    let (id, label) = (id.into_option(), label.into_option());
    let by_id = match id {
        None => None,
        Some(id) => {
            let found = ports.source_versions.find_many(&[id])?.pop().flatten();
            match found {
                None => diagnostics.report(id_path.clone(), unknown_source_version(id)),
                Some(ref version) if version.source_id != stored.source_id => {
                    let message = "belongs to another source, and the source of a job never changes";
                    let owner = version.source_id;
                    diagnostics
                        .report(id_path.clone(), version_of_other_source(message, Some(stored.source_id), owner));
                }
                Some(_) => {}
            }
            found.filter(|version| version.source_id == stored.source_id)
        }
    };
    let by_label = match &label {
        None => None,
        Some(label) => {
            let found = ports.source_versions.find_by_label(stored.source_id, label)?;
            match (&found, &by_id) {
                (None, _) => diagnostics.report(label_path, unknown_version(label)),
                (Some(found), Some(other)) if found.id != other.id => {
                    let problem = ValueProblem::new(ViolationCode::Disagrees, "is not what that version is called");
                    let problem = problem.expected(other.version.as_str()).actual(label.as_str());
                    diagnostics.report(label_path, problem);
                }
                _ => {}
            }
            found
        }
    };
    if is_unreadable || id.is_some() || label.is_some() {
        return Ok(by_id.or(by_label));
    }
    let newest = ports.source_versions.newest(stored.source_id)?;
    if newest.is_none() {
        let problem =
            ValueProblem::new(ViolationCode::SourceWithoutVersion, "is missing, and all versions are withdrawn");
        diagnostics.report(id_path, problem);
    }
    Ok(newest)
}

fn unknown_version(label: &VersionLabel) -> ValueProblem {
    ValueProblem::new(ViolationCode::UnknownSourceVersion, "is not a version of the source of the job")
        .actual(label.as_str())
}

fn reference(version: &SourceVersion) -> VersionReference {
    VersionReference { id: version.id, version: version.version.clone() }
}

fn input_steps(upgraded: &UpgradedBindings<'_>) -> Vec<InputStep> {
    let kept = |role: &RoleName, carried: &RoleBinding| RoleBinding { role: role.clone(), ..carried.clone() };
    let of_roles = upgraded.roles.iter().map(|(role, carried, binding)| {
        let previous_role = carried.map(|carried| carried.role.clone()).filter(|previous| *previous != role.role);
        let action = match (carried, binding) {
            (None, None) => InputAction::Unbound,
            (None, Some(_)) => InputAction::Bound,
            (Some(carried), Some(binding)) if *binding != kept(&role.role, carried) => InputAction::Rebound,
            (Some(_), _) if previous_role.is_some() => InputAction::Renamed,
            (Some(_), _) => InputAction::Kept,
        };
        InputStep { role: role.role.clone(), action, previous_role, binding: binding.clone() }
    });
    let dropped = upgraded.dropped.iter().map(|binding| InputStep {
        role: binding.role.clone(),
        action: InputAction::Dropped,
        previous_role: None,
        binding: Some((*binding).clone()),
    });
    of_roles.chain(dropped).collect()
}

fn output_steps(before: &[Output], after: &[Output]) -> Vec<OutputStep> {
    let step = |output: &Output, action| OutputStep { role: output.role.clone(), action, id: output.id };
    let has = |outputs: &[Output], output: &Output| outputs.iter().any(|other| other.role == output.role);
    let of_later = after
        .iter()
        .map(|output| step(output, if has(before, output) { OutputAction::Kept } else { OutputAction::Added }));
    let gone = before.iter().filter(|output| !has(after, output));
    of_later.chain(gone.map(|output| step(output, OutputAction::Removed))).collect()
}
