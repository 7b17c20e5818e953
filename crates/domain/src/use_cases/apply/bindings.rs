//! What the jobs of a document have bound.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::chains::Names;
use super::change::Difference;
use super::described_job::DescribedJob;
use super::plan::Planner;
use crate::model::{CheckedBindings, Contract, Diagnostics, Job, Path, RoleBinding, Segment, ValueProblem};
use crate::requests::{BindingDraft, NamedBindingDraft, Sent, validate_bindings};
use crate::use_cases::UseCaseError;
use crate::use_cases::inputs::known::{InputsOfJob, RegisteredInputs, unverified_units};
use crate::use_cases::jobs::change_job::{renamed, report_bindings_at};

impl Planner<'_> {
    /// The bindings that the job is to have; `None` after a violation was reported.
    pub(super) fn judge_bindings(
        &mut self,
        job: &DescribedJob<'_>,
        known: &RegisteredInputs,
    ) -> Result<Option<CheckedBindings>, UseCaseError> {
        let path = job.path.member("role_bindings");
        let contract = job.version.as_ref().map(|version| &version.contract);
        let declared = contract.map(Contract::declared_inputs);
        let changes = job.comes_to_version();
        let there = job.stored.as_ref().map(|stored| &stored.role_bindings).filter(|_| !changes);
        let judge = |apart: &mut Diagnostics, drafts: &[Sent<BindingDraft>]| {
            let checked = validate_bindings(apart, &path, declared, drafts);
            let inputs: InputsOfJob = known.for_bindings(self.ports, job.organisation_id, None, drafts, declared)?;
            let known = inputs.known(self.ports);
            known.judge(apart, &path, declared, drafts, there);
            let units = contract.zip(checked.as_ref()).map(|(contract, checked)| {
                let new =
                    checked.iter().filter(|binding| there.is_none_or(|there| !there.iter().any(|had| had == *binding)));
                unverified_units(&known, contract, new)
            });
            Ok::<_, UseCaseError>((checked, units.unwrap_or_default()))
        };
        let mut apart = Diagnostics::default();
        let (checked, units) = match (&job.bindings, &job.stored) {
            (Some(drafts), _) => {
                let judged = judge(&mut apart, drafts)?;
                self.report_at_names(job, apart);
                judged
            }
            (None, Some(stored)) if changes => {
                let Some(version) = &job.version else { return Ok(None) };
                let from = self.version_by_id(stored.source_version_id)?;
                let kept = renamed(stored, from.as_deref(), version);
                let drafts: Vec<_> = kept.iter().map(|binding| Sent::Given(BindingDraft::from(binding))).collect();
                let judged = judge(&mut apart, &drafts)?;
                let hint = Some("send role_bindings that fit the version");
                let place = job.path.member("source_version");
                let what = "does not fit the bindings that the job has";
                report_bindings_at(&mut self.diagnostics, &place, apart, &drafts, what, hint);
                judged
            }
            (None, Some(stored)) => (Some(stored.role_bindings.clone()), Vec::new()),
            (None, None) => {
                if !matches!(job.draft.role_bindings, Sent::Unreadable) {
                    self.diagnostics.require::<()>(&path, Sent::Absent);
                }
                (None, Vec::new())
            }
        };
        for warning in units {
            self.warn(warning, Some(&job.path));
        }
        Ok(checked)
    }

    /// Mistakes about an output are told where it is named.
    fn report_at_names(&mut self, job: &DescribedJob<'_>, apart: Diagnostics) {
        let Some(violations) = apart.into_violations() else { return };
        self.diagnostics.omit(violations.omitted());
        let list = job.path.member("role_bindings");
        for violation in violations.into_vec() {
            let index = violation.path.segments().iter().rev().find_map(|segment| match segment {
                Segment::Index(index) => Some(*index),
                Segment::Member(_) => None,
            });
            let is_of_id = |index: usize| violation.path == list.index(index).member("input_id");
            let path = match index.filter(|index| is_of_id(*index)) {
                Some(index) => job.place_of_binding(index),
                None => violation.path.clone(),
            };
            // The subject of the sentence is the member, and is put before it again.
            let subject = violation.path.segments().last();
            let subject = match subject {
                Some(Segment::Member(name)) => name.as_ref(),
                _ => "the item",
            };
            let message = violation.message.strip_prefix(subject).map_or(violation.message.as_str(), str::trim_start);
            let problem = ValueProblem {
                code: violation.code,
                message: message.to_owned().into(),
                expected: violation.expected,
                actual: violation.actual,
                hint: violation.hint,
            };
            self.diagnostics.report(path, problem);
        }
    }

    /// In what a job is different, in the words of a document.
    pub(super) fn differences(
        &mut self,
        job: &DescribedJob<'_>,
        stored: &Job,
        wanted: &Job,
        names: &Names,
    ) -> Result<Vec<Difference>, UseCaseError> {
        let mut differences = Vec::new();
        if stored.source_version_id != wanted.source_version_id {
            let before = self.version_by_id(stored.source_version_id)?.map(|version| version.version.clone());
            let after = job.version.as_ref().map(|version| &version.version);
            let path = Path::of("source_version").member("version");
            differences.push(Difference { path, stored: json!(before), wanted: json!(after) });
        }
        if stored.active != wanted.active {
            let path = Path::of("active");
            differences.push(Difference { path, stored: json!(stored.active), wanted: json!(wanted.active) });
        }
        if stored.role_bindings != wanted.role_bindings {
            differences.extend(binding_differences(job, stored, wanted, names));
        }
        Ok(differences)
    }
}

/// Role by role: where the document has the binding, or else at the list.
fn binding_differences(job: &DescribedJob<'_>, stored: &Job, wanted: &Job, names: &Names) -> Vec<Difference> {
    let list = Path::of("role_bindings");
    let by_role = |job: &Job| -> BTreeMap<String, RoleBinding> {
        job.role_bindings.iter().map(|binding| (binding.role.to_string(), binding.clone())).collect()
    };
    let (before, after) = (by_role(stored), by_role(wanted));
    let drafts = job.draft.role_bindings.given().into_iter().flatten().enumerate();
    let sent = |(index, draft): (usize, &'_ Sent<NamedBindingDraft>)| {
        Some((draft.given()?.binding.role.given()?.clone(), index))
    };
    let places: BTreeMap<String, usize> = drafts.filter_map(sent).collect();
    let roles: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let differs = |role: &&String| before.get(*role) != after.get(*role);
    let described = |binding: Option<&RoleBinding>| binding.map_or(Value::Null, |binding| names.described(binding));
    roles
        .into_iter()
        .filter(differs)
        .map(|role| Difference {
            path: places.get(role).map_or_else(|| list.clone(), |index| list.index(*index)),
            stored: described(before.get(role)),
            wanted: described(after.get(role)),
        })
        .collect()
}
