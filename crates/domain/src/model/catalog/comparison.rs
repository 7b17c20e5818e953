//! What changes from one contract to another, and what that asks of the jobs that go from one to the other.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::{Value, json};

use super::contract::{Contract, InputRole, OutputRole};
use crate::model::from_text::words;
use crate::model::inputs::{UnitFit, Units, UnreadUnits};
use crate::model::text::{ComposedRoles, RoleName, Unit};

words! {
    /// What a change of a contract asks of a job that runs it and of those who read its outputs, the least first.
    Compatibility, "is not a compatibility":
    /// Nothing: it is the same.
    Identical = "identical";
    /// Nothing: all bindings fit, and outputs say at least what they said.
    Compatible = "compatible";
    /// A role has to be bound, or bound to another input.
    NeedsBinding = "needs_binding";
    /// Readers of outputs miss something, or get it in another metric or unit.
    Breaking = "breaking";
}

words! {
    /// What became of a role.
    RoleChange, "is not a change":
    /// It is the same.
    Unchanged = "unchanged";
    /// Only the later contract has it.
    Added = "added";
    /// Only the former contract has it.
    Removed = "removed";
    /// The former contract has it by another name, which is one of its aliases.
    Renamed = "renamed";
    /// Something about it is different.
    Changed = "changed";
}

/// A member of a role that is different.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberDifference {
    /// Its name in requests and answers.
    pub member: &'static str,
    /// What it was.
    pub from: Value,
    /// What it is.
    pub to: Value,
}

/// One role in two contracts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleComparison {
    /// Its name.
    pub role: RoleName,
    /// What the former contract calls it, where that is another name.
    pub previous_role: Option<RoleName>,
    /// What became of it.
    pub change: RoleChange,
    /// What that asks for.
    pub compatibility: Compatibility,
    /// In what it is different, but for its name.
    pub differences: Vec<MemberDifference>,
}

/// Two contracts side by side. Roles are in the order of the later contract, and then those that it lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContractComparison {
    /// The most that any role asks for.
    pub compatibility: Compatibility,
    /// The inputs.
    pub input_roles: Vec<RoleComparison>,
    /// The outputs.
    pub output_roles: Vec<RoleComparison>,
}

impl Contract {
    /// What changes for a job that goes from this contract to another one.
    ///
    /// ```
    /// use prediction_domain::model::{Compatibility, Contract, InputRole, OutputRole};
    ///
    /// let contract = |inputs: &[&str]| {
    ///     let inputs = inputs.iter().map(|role| InputRole::required(role, "sensor", "celsius"));
    ///     let outputs = vec![OutputRole::required("risk", "percent")?];
    ///     Ok::<_, Box<dyn std::error::Error>>(Contract::new(inputs.collect::<Result<_, _>>()?, outputs)?)
    /// };
    /// let comparison = contract(&["air"])?.compare(&contract(&["air", "soil"])?);
    /// assert_eq!(comparison.compatibility, Compatibility::NeedsBinding);
    /// assert_eq!(comparison.input_roles[1].role.as_str(), "soil");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn compare(&self, to: &Self) -> ContractComparison {
        self.compare_with(to, &UnreadUnits)
    }

    /// The same, where units of one meaning are one unit, however they are written.
    #[must_use]
    pub fn compare_with(&self, to: &Self, units: &dyn Units) -> ContractComparison {
        let input_roles = compare(self.input_roles(), to.input_roles(), units);
        let output_roles = compare(self.output_roles(), to.output_roles(), units);
        let classes = input_roles.iter().chain(&output_roles).map(|role| role.compatibility);
        ContractComparison { compatibility: worst(classes), input_roles, output_roles }
    }
}

/// Names of roles, among which others are found in whatever form of Unicode.
pub(crate) struct RoleNames<'a> {
    names: BTreeSet<&'a RoleName>,
    composed: ComposedRoles<'a, std::vec::IntoIter<&'a RoleName>>,
}

impl<'a> RoleNames<'a> {
    pub(crate) fn of(names: impl Iterator<Item = &'a RoleName>) -> Self {
        let names: BTreeSet<_> = names.collect();
        let composed = ComposedRoles::among(names.iter().copied().collect::<Vec<_>>().into_iter());
        Self { names, composed }
    }

    /// The name, in this or another form of Unicode.
    pub(crate) fn find(&self, name: &RoleName) -> Option<&'a RoleName> {
        self.names.get(name).copied().or_else(|| self.composed.find(name))
    }

    /// What a role was called: the same, or the first of its aliases that was a role.
    fn previous(&self, role: &impl Role) -> Option<&'a RoleName> {
        std::iter::once(role.name()).chain(role.aliases()).find_map(|name| self.find(name))
    }
}

/// A kind of role, and what its changes ask for.
trait Role {
    /// What a contract without it asks for.
    const REMOVED: Compatibility;

    fn name(&self) -> &RoleName;

    /// Names that it may have had before.
    fn aliases(&self) -> &[RoleName] {
        &[]
    }

    /// What it asks for where it was not before.
    fn added(&self) -> Compatibility;

    /// Members that are different, each with what that asks for.
    fn differences(&self, to: &Self, units: &dyn Units) -> Vec<(MemberDifference, Compatibility)>;
}

impl Role for InputRole {
    /// Its binding is dropped.
    const REMOVED: Compatibility = Compatibility::Compatible;

    fn name(&self) -> &RoleName {
        &self.role
    }

    fn aliases(&self) -> &[RoleName] {
        &self.aliases
    }

    fn added(&self) -> Compatibility {
        if self.required { Compatibility::NeedsBinding } else { Compatibility::Compatible }
    }

    fn differences(&self, to: &Self, units: &dyn Units) -> Vec<(MemberDifference, Compatibility)> {
        let required = if to.required { Compatibility::NeedsBinding } else { Compatibility::Compatible };
        [
            different("input_kind", &self.input_kind, &to.input_kind, Compatibility::NeedsBinding),
            different("metric", &self.metric, &to.metric, Compatibility::NeedsBinding),
            different(
                "unit",
                &self.unit,
                &to.unit,
                of_units(self.unit.as_ref(), to.unit.as_ref(), units, Compatibility::NeedsBinding),
            ),
            different("required", &self.required, &to.required, required),
            different("description", &self.description, &to.description, Compatibility::Compatible),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

impl Role for OutputRole {
    const REMOVED: Compatibility = Compatibility::Breaking;

    fn name(&self) -> &RoleName {
        &self.role
    }

    fn added(&self) -> Compatibility {
        Compatibility::Compatible
    }

    fn differences(&self, to: &Self, units: &dyn Units) -> Vec<(MemberDifference, Compatibility)> {
        // An output that is no longer given by every run leaves gaps.
        let required = if to.required { Compatibility::Compatible } else { Compatibility::Breaking };
        [
            different("metric", &self.metric, &to.metric, Compatibility::Breaking),
            different(
                "unit",
                &self.unit,
                &to.unit,
                of_units(self.unit.as_ref(), to.unit.as_ref(), units, Compatibility::Breaking),
            ),
            different("required", &self.required, &to.required, required),
            different("description", &self.description, &to.description, Compatibility::Compatible),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// What another unit asks for: nothing, if it is only written in another way.
fn of_units(from: Option<&Unit>, to: Option<&Unit>, units: &dyn Units, another: Compatibility) -> Compatibility {
    if are_one(from, to, units) { Compatibility::Compatible } else { another }
}

/// Whether two units are one, however they are written.
pub(crate) fn are_one(from: Option<&Unit>, to: Option<&Unit>, units: &dyn Units) -> bool {
    match (from, to) {
        (Some(from), Some(to)) => units.compare(from, to) == UnitFit::Same,
        (from, to) => from == to,
    }
}

fn different<T: PartialEq + Serialize>(
    member: &'static str,
    from: &T,
    to: &T,
    compatibility: Compatibility,
) -> Option<(MemberDifference, Compatibility)> {
    (from != to).then(|| (MemberDifference { member, from: json!(from), to: json!(to) }, compatibility))
}

fn compare<R: Role>(from: &[R], to: &[R], units: &dyn Units) -> Vec<RoleComparison> {
    let former: BTreeMap<&RoleName, &R> = from.iter().map(|role| (role.name(), role)).collect();
    let later: BTreeMap<&RoleName, &R> = to.iter().map(|role| (role.name(), role)).collect();
    let names = RoleNames::of(from.iter().map(Role::name));
    let mut renamed: BTreeSet<&RoleName> = BTreeSet::new();
    let mut compared: Vec<RoleComparison> = to
        .iter()
        .map(|role| {
            let Some(before) = names.previous(role).and_then(|name| former.get(name)) else {
                return whole(role, RoleChange::Added, role.added());
            };
            let (differences, classes): (Vec<_>, Vec<_>) = before.differences(role, units).into_iter().unzip();
            let previous_role = Some(before.name()).filter(|previous| *previous != role.name());
            renamed.extend(previous_role);
            let (change, least) = match previous_role {
                // Its binding is carried over, and that is said.
                Some(_) => (RoleChange::Renamed, Compatibility::Compatible),
                None if differences.is_empty() => (RoleChange::Unchanged, Compatibility::Identical),
                None => (RoleChange::Changed, Compatibility::Compatible),
            };
            let compatibility = least.max(worst(classes));
            let previous_role = previous_role.cloned();
            RoleComparison { role: role.name().clone(), previous_role, change, compatibility, differences }
        })
        .collect();
    let gone = from.iter().filter(|role| !later.contains_key(role.name()) && !renamed.contains(role.name()));
    compared.extend(gone.map(|role| whole(role, RoleChange::Removed, R::REMOVED)));
    compared
}

fn whole<R: Role>(role: &R, change: RoleChange, compatibility: Compatibility) -> RoleComparison {
    RoleComparison { role: role.name().clone(), previous_role: None, change, compatibility, differences: Vec::new() }
}

fn worst(classes: impl IntoIterator<Item = Compatibility>) -> Compatibility {
    classes.into_iter().max().unwrap_or(Compatibility::Identical)
}
