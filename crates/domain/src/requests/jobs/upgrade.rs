//! Upgrades of a job, as callers describe them.

use std::collections::{BTreeMap, BTreeSet};

use super::binding::{BindingDraft, validate_bindings};
use crate::model::{
    BINDINGS, CarryOver, CheckedBindings, Contract, Diagnostics, InputRole, ListLimit, Path, RoleBinding, RoleName,
    RoleNames, Units, ValueProblem, ViolationCode, are_one,
};
use crate::requests::Sent;

/// The most roles that are mapped, as requests are told.
pub const MAPPED_ROLES: ListLimit = ListLimit { most: BINDINGS.most, items: "roles", hint: None };

/// An upgrade of a job as a caller describes it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UpgradeDraft {
    /// The version to go to; with neither this nor `version`, the newest one.
    pub source_version_id: Sent<String>,
    /// What it is called.
    pub version: Sent<String>,
    /// The roles that are to be bound anew; `null` is none.
    pub role_bindings: Sent<Vec<Sent<BindingDraft>>>,
    /// What roles are called that have another name now: the former name, and the later one.
    pub role_mapping: Sent<Vec<(String, Sent<String>)>>,
    /// The revision that is to be upgraded, and no other.
    pub revision: Sent<i128>,
}

/// The bindings that a job has after an upgrade, and where each comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UpgradedBindings<'a> {
    /// The input roles of the contract, each with what it would take over and with what is bound to it.
    pub(crate) roles: Vec<(&'a InputRole, Option<&'a RoleBinding>, Option<RoleBinding>)>,
    /// What no role takes over.
    pub(crate) dropped: Vec<&'a RoleBinding>,
    /// All that is bound, if nothing is wrong with it.
    pub(crate) bindings: Option<CheckedBindings>,
}

/// Judges what a job has bound, and what is to be bound anew, by the contract that it goes to.
pub(crate) fn validate_upgrade<'a>(
    diagnostics: &mut Diagnostics,
    draft: &UpgradeDraft,
    bound: &'a CheckedBindings,
    from: &Contract,
    to: &'a Contract,
    units: &dyn Units,
) -> UpgradedBindings<'a> {
    let before = diagnostics.violation_count();
    let path = Path::of("role_bindings");
    let drafts = draft.role_bindings.given().map_or(&[][..], Vec::as_slice);
    let names = RoleNames::of(to.input_roles().iter().map(|role| &role.role));
    let role_of = |draft: &Sent<BindingDraft>| {
        let role = RoleName::restore(draft.given()?.role.given()?).ok()?;
        names.find(&role).cloned()
    };
    let anew: BTreeSet<RoleName> = drafts.iter().filter_map(role_of).collect();
    let mapping = validate_mapping(diagnostics, &draft.role_mapping, bound, to, &anew);
    let CarryOver { roles, dropped } = CarryOver::of(bound, from, to, &mapping);

    let mut declared = to.declared_inputs().clone();
    for (role, binding) in &roles {
        let Some(binding) = binding.filter(|_| !anew.contains(&role.role)) else { continue };
        // It is not missing: it was carried over, or it is said why not.
        if let Some(input) = declared.roles.get_mut(&role.role) {
            input.required = Some(false);
        }
        if let Some(problem) = misfit(role, binding, from, units) {
            diagnostics.report(path.clone(), problem);
        }
    }
    let bound_anew = validate_bindings(diagnostics, &path, Some(&declared), drafts);
    let roles: Vec<_> = roles
        .into_iter()
        .map(|(role, carried)| {
            let anew = bound_anew.as_ref().and_then(|bound| bound.iter().find(|binding| binding.role == role.role));
            let kept = carried.map(|binding| RoleBinding { role: role.role.clone(), ..binding.clone() });
            (role, carried, anew.cloned().or(kept))
        })
        .collect();
    let is_clean = diagnostics.violation_count() == before;
    let bindings = bound_anew
        .filter(|_| is_clean)
        .map(|_| CheckedBindings::of_checked(roles.iter().filter_map(|(_, _, binding)| binding.clone()).collect()));
    UpgradedBindings { roles, dropped, bindings }
}

/// What is in the way of an upgrade that binds nothing anew, and what it would drop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UpgradeOutlook {
    /// Roles that have to be bound first.
    pub(crate) missing: Vec<RoleName>,
    /// Roles whose bindings no role takes over.
    pub(crate) dropped: Vec<RoleName>,
}

/// The same judgement as [`validate_upgrade`], of a request that says nothing but the version.
pub(crate) fn upgrade_outlook(
    bound: &CheckedBindings,
    from: &Contract,
    to: &Contract,
    units: &dyn Units,
) -> UpgradeOutlook {
    let CarryOver { roles, dropped } = CarryOver::of(bound, from, to, &BTreeMap::new());
    let is_missing = |(role, binding): &(&InputRole, Option<&RoleBinding>)| match binding {
        None => role.required,
        Some(binding) => misfit(role, binding, from, units).is_some(),
    };
    UpgradeOutlook {
        missing: roles.into_iter().filter(is_missing).map(|(role, _)| role.role.clone()).collect(),
        dropped: dropped.into_iter().map(|binding| binding.role.clone()).collect(),
    }
}

/// Why a role cannot take over a binding. A role that measures something else may fit the same input, but that is not
/// for the service to say.
fn misfit(role: &InputRole, binding: &RoleBinding, from: &Contract, units: &dyn Units) -> Option<ValueProblem> {
    let name = &role.role;
    if binding.input_type != role.input_kind && !binding.input_type.is_composed_as(&role.input_kind) {
        let message = format!("lacks an input for the role \"{name}\": the one that is bound is of another kind");
        let problem = ValueProblem::new(ViolationCode::InputKindMismatch, message);
        let problem = problem.expected(role.input_kind.as_str()).actual(binding.input_type.as_str());
        return Some(problem.hint(format!("bind an input of kind \"{}\" to it", role.input_kind)));
    }
    let former = from.input_roles().iter().find(|former| former.role == binding.role)?;
    if former.metric == role.metric && are_one(former.unit.as_ref(), role.unit.as_ref(), units) {
        return None;
    }
    let measures = |role: &InputRole| serde_json::json!({ "metric": role.metric, "unit": role.unit });
    let message = format!("lacks an input for the role \"{name}\": it is measured in another way now");
    let problem = ValueProblem::new(ViolationCode::RoleChanged, message).expected(measures(role));
    Some(problem.actual(measures(former)).hint("bind an input to it, the same one if it fits"))
}

/// Reads which roles have another name now: the former name by the later one.
fn validate_mapping(
    diagnostics: &mut Diagnostics,
    sent: &Sent<Vec<(String, Sent<String>)>>,
    bound: &CheckedBindings,
    to: &Contract,
    anew: &BTreeSet<RoleName>,
) -> BTreeMap<RoleName, RoleName> {
    let path = Path::of("role_mapping");
    let mut mapping = BTreeMap::new();
    let Some(entries) = sent.given() else { return mapping };
    if let Some(too_many) = MAPPED_ROLES.exceeded_by(entries.len()) {
        diagnostics.report(path, too_many);
        return mapping;
    }
    let bound_names = RoleNames::of(bound.iter().map(|binding| &binding.role));
    let names = RoleNames::of(to.input_roles().iter().map(|role| &role.role));
    for (former, later) in entries {
        let path = path.member(former.clone());
        let found = RoleName::restore(former).ok().and_then(|name| bound_names.find(&name));
        if found.is_none() {
            let problem = ValueProblem::new(ViolationCode::UnknownRole, "is not a role that the job has bound");
            let bound = || bound.iter().map(|binding| binding.role.as_str());
            let problem = problem.actual(former.as_str()).expected(bound().collect::<Vec<_>>());
            let problem = match diagnostics.nearest(former, bound()) {
                Some(near) => problem.hint(format!("did you mean \"{near}\"?")),
                None => problem,
            };
            diagnostics.report(path.clone(), problem);
        }
        let later = diagnostics.read(&path, later, |text| RoleName::restore(text));
        let Some(later) = diagnostics.require(&path, later) else { continue };
        let Some(later) = names.find(&later).cloned() else {
            let roles = || to.input_roles().iter().map(|role| role.role.as_str());
            diagnostics.report_unknown_role(path, &later, roles, "input");
            continue;
        };
        if anew.contains(&later) {
            let problem = ValueProblem::new(ViolationCode::Disagrees, "names a role that role_bindings binds");
            diagnostics.report(path, problem.actual(later.as_str()));
            continue;
        }
        if mapping.contains_key(&later) {
            let problem = ValueProblem::new(ViolationCode::DuplicateRole, "names a role that is named already");
            diagnostics.report(path, problem.actual(later.as_str()));
            continue;
        }
        if let Some(former) = found {
            mapping.insert(later, former.clone());
        }
    }
    mapping
}
