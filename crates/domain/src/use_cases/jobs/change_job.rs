use std::collections::BTreeMap;

use super::Warning;
use super::readers::warn_of_readers;
use super::store_change::store_change;
use crate::model::{
    Caller, CarryOver, CheckedBindings, Contract, Diagnostics, Health, Job, JobId, JobName, JobWithHealth,
    OrganisationId, Output, Path, Permission, RoleBinding, Segment, SourceId, SourceVersion, SourceVersionId,
    ValueProblem,
};
use crate::ports::WriteMode;
use crate::requests::{BindingDraft, JobChangeDraft, Precondition, Sent, Submission, validate_bindings};
use crate::use_cases::inputs::known::{InputsOfJob, unverified_units};
use crate::use_cases::lookup::{
    deprecation, find_monitored_job, never_changes, unknown_source_version, version_of_other_source, withdrawal,
};
use crate::use_cases::{MAX_ATTEMPTS, Ports, UseCaseError, contended, last_write_wins, require_revision};

/// A job as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobChanged {
    /// The job.
    pub job: Job,
    /// Its health.
    pub health: Health,
    /// What the caller should know.
    pub warnings: Vec<Warning>,
}

/// Changes a job: its name, whether it is active, its version and its bindings. What results is judged like a setup.
/// Outputs of roles that both versions have keep their ids. What changes nothing leaves the revision.
pub fn change_job(
    ports: &Ports,
    caller: &Caller,
    id: JobId,
    submission: &Submission<JobChangeDraft>,
    precondition: &Precondition,
    mode: WriteMode,
) -> Result<JobChanged, UseCaseError> {
    caller.require(Permission::JobsWrite)?;
    let sent_revision = &submission.content.revision;
    for _ in 0..MAX_ATTEMPTS {
        let found = find_monitored_job(ports, caller, id)?;
        require_revision(precondition, sent_revision, found.job.revision)?;
        let (changed, mut warnings) = change(ports, &found.job, submission)?;
        warnings.extend(warn_of_readers(ports, &found.job, &changed)?);
        let last_write_wins = last_write_wins(precondition, sent_revision);
        if let Some(JobWithHealth { job, health }) = store_change(ports, caller, found, changed, last_write_wins, mode)?
        {
            return Ok(JobChanged { job, health, warnings });
        }
    }
    Err(contended())
}

fn change(
    ports: &Ports,
    stored: &Job,
    submission: &Submission<JobChangeDraft>,
) -> Result<(Job, Vec<Warning>), UseCaseError> {
    let root = Path::root();
    let draft = &submission.content;
    let mut diagnostics = submission.diagnostics.clone();
    let diagnostics = &mut diagnostics;

    never_changes(diagnostics, &root.member("id"), &draft.id, stored.id, JobId::parse);
    let organisation_path = root.member("organisation_id");
    let organisation_id = stored.organisation_id;
    never_changes(diagnostics, &organisation_path, &draft.organisation_id, organisation_id, OrganisationId::parse);
    never_changes(diagnostics, &root.member("source_id"), &draft.source_id, stored.source_id, SourceId::parse);
    let name = diagnostics.read(&root.member("name"), &draft.name, |text| JobName::parse(text));
    let name = diagnostics.not_null(&root.member("name"), name);
    let active = diagnostics.not_null(&root.member("active"), draft.active.clone());

    let version = change_version(ports, diagnostics, stored, draft)?;
    let contract = version.as_ref().map(|version| &version.contract);
    let version_changes = version.as_ref().is_some_and(|version| version.id != stored.source_version_id);
    let mut judge = Judge { ports, stored, contract, version_changes, warnings: Vec::new() };
    let bindings = match &draft.role_bindings {
        Sent::Given(drafts) => judge.sent(diagnostics, drafts)?,
        Sent::Null => judge.sent(diagnostics, &[])?,
        Sent::Unreadable => None,
        Sent::Absent if version_changes => match &version {
            Some(version) => {
                let from = if has_aliases(version) {
                    ports.source_versions.find_many(&[stored.source_version_id])?.pop().flatten()
                } else {
                    None
                };
                let kept = renamed(stored, from.as_ref(), version);
                judge.kept(diagnostics, &kept)?
            }
            None => None,
        },
        Sent::Absent => Some(stored.role_bindings.clone()),
    };
    let units = judge.warnings;

    let outputs = match contract {
        Some(contract) if version_changes => Output::for_contract(contract, &stored.outputs, || ports.ids.output_id()),
        _ => stored.outputs.clone(),
    };
    let deprecated = version.as_ref().filter(|_| version_changes).and_then(deprecation);
    let warnings = deprecated.into_iter().chain(units).collect();
    let changed = bindings.zip(version).map(|(role_bindings, version)| Job {
        name: name.unwrap_or_else(|| stored.name.clone()),
        active: active.unwrap_or(stored.active),
        source_version_id: version.id,
        role_bindings,
        outputs,
        ..stored.clone()
    });
    Ok((std::mem::take(diagnostics).finish(changed)?, warnings))
}

/// The version that the job is to run; `None` after a violation was reported.
fn change_version(
    ports: &Ports,
    diagnostics: &mut Diagnostics,
    stored: &Job,
    draft: &JobChangeDraft,
) -> Result<Option<SourceVersion>, UseCaseError> {
    let path = Path::of("source_version_id");
    let read = diagnostics.read(&path, &draft.source_version_id, |text| SourceVersionId::parse(text));
    let unreadable = matches!(read, Sent::Unreadable | Sent::Null);
    let id = diagnostics.not_null(&path, read);
    if unreadable {
        return Ok(None);
    }
    let id = id.unwrap_or(stored.source_version_id);
    let Some(version) = ports.source_versions.find_many(&[id])?.pop().flatten() else {
        diagnostics.report(path, unknown_source_version(id));
        return Ok(None);
    };
    if version.source_id != stored.source_id {
        let message = "belongs to another source, and the source of a job never changes";
        diagnostics.report(path, version_of_other_source(message, Some(stored.source_id), version.source_id));
        return Ok(None);
    }
    // A job that runs it goes on.
    if let Some(problem) = withdrawal(&version).filter(|_| version.id != stored.source_version_id) {
        diagnostics.report(path, problem);
    }
    Ok(Some(version))
}

/// The bindings that stay, by the names that their roles have in another version.
pub(in crate::use_cases) fn renamed(
    stored: &Job,
    from: Option<&SourceVersion>,
    to: &SourceVersion,
) -> Vec<RoleBinding> {
    let Some(from) = from.filter(|_| has_aliases(to)) else { return stored.role_bindings.as_slice().to_vec() };
    let CarryOver { roles, dropped } =
        CarryOver::of(&stored.role_bindings, &from.contract, &to.contract, &BTreeMap::new());
    let carried = roles
        .into_iter()
        .filter_map(|(role, binding)| Some(RoleBinding { role: role.role.clone(), ..binding?.clone() }));
    carried.chain(dropped.into_iter().cloned()).collect()
}

fn has_aliases(version: &SourceVersion) -> bool {
    version.contract.input_roles().iter().any(|role| !role.aliases.is_empty())
}

/// Judges bindings by the contract of the version that the job is to run, and by what is known of their inputs.
struct Judge<'a> {
    ports: &'a Ports,
    stored: &'a Job,
    contract: Option<&'a Contract>,
    version_changes: bool,
    warnings: Vec<Warning>,
}

impl Judge<'_> {
    fn sent(
        &mut self,
        diagnostics: &mut Diagnostics,
        drafts: &[Sent<BindingDraft>],
    ) -> Result<Option<CheckedBindings>, UseCaseError> {
        let path = Path::of("role_bindings");
        let declared = self.contract.map(Contract::declared_inputs);
        let checked = validate_bindings(diagnostics, &path, declared, drafts);
        let inputs = InputsOfJob::load(self.ports, self.stored, drafts, declared)?;
        let known = inputs.known(self.ports);
        let there = Some(&self.stored.role_bindings).filter(|_| !self.version_changes);
        known.judge(diagnostics, &path, declared, drafts, there);
        if let (Some(contract), Some(checked)) = (self.contract, &checked) {
            let new =
                checked.iter().filter(|binding| there.is_none_or(|there| !there.iter().any(|had| had == *binding)));
            self.warnings = unverified_units(&known, contract, new);
        }
        Ok(checked)
    }

    /// Judges the bindings that stay against another version. They are not in the request, so what is wrong with them
    /// is reported where the request says which version it shall be.
    fn kept(
        &mut self,
        diagnostics: &mut Diagnostics,
        kept: &[RoleBinding],
    ) -> Result<Option<CheckedBindings>, UseCaseError> {
        let drafts: Vec<_> = kept.iter().map(|binding| Sent::Given(BindingDraft::from(binding))).collect();
        let mut apart = Diagnostics::default();
        let checked = self.sent(&mut apart, &drafts)?;
        let hint = Some("send role_bindings that fit the version");
        let path = Path::of("source_version_id");
        report_bindings_at(diagnostics, &path, apart, &drafts, "does not fit the bindings that the job has", hint);
        Ok(checked)
    }
}

/// Reports what is wrong with bindings that are not in the request where it says how they come about. They are the
/// items of a list that was judged by itself.
pub(in crate::use_cases) fn report_bindings_at(
    diagnostics: &mut Diagnostics,
    path: &Path,
    apart: Diagnostics,
    drafts: &[Sent<BindingDraft>],
    what: &str,
    hint: Option<&str>,
) {
    let Some(violations) = apart.into_violations() else { return };
    diagnostics.omit(violations.omitted());
    for violation in violations.into_vec() {
        let place = violation.path.segments().iter().find_map(|segment| match segment {
            Segment::Index(index) => drafts.get(*index),
            Segment::Member(_) => None,
        });
        let role = place.and_then(|draft| draft.given()?.role.given());
        let of_role = role.map(|role| format!(" (role \"{role}\")")).unwrap_or_default();
        let problem = ValueProblem {
            code: violation.code,
            message: format!("{what}: {}{of_role}", violation.message).into(),
            expected: violation.expected,
            actual: violation.actual,
            hint: violation.hint.or_else(|| hint.map(ToOwned::to_owned)),
        };
        diagnostics.report(path.clone(), problem);
    }
}
