//! Which bindings a job takes along when it goes to another version.

use std::collections::{BTreeMap, BTreeSet};

use super::binding::{CheckedBindings, RoleBinding};
use crate::model::catalog::{Contract, InputRole, RoleNames};
use crate::model::text::RoleName;

/// What becomes of each binding of a job that goes to another contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CarryOver<'a> {
    /// The input roles of the contract, in its order, each with the binding that it takes over.
    pub(crate) roles: Vec<(&'a InputRole, Option<&'a RoleBinding>)>,
    /// Bindings that no role takes over, in their order.
    pub(crate) dropped: Vec<&'a RoleBinding>,
}

impl<'a> CarryOver<'a> {
    /// A role takes over what was bound to the role that `mapping` names for it (later name to former name); else what
    /// was bound to the role of its name; else, if the former contract has no role of its name, what was bound to the
    /// first of its aliases. What the mapping gives to one role, no other role takes.
    pub(crate) fn of(
        bindings: &'a CheckedBindings,
        from: &Contract,
        to: &'a Contract,
        mapping: &BTreeMap<RoleName, RoleName>,
    ) -> Self {
        let moved: BTreeSet<&RoleName> = mapping.values().collect();
        let staying = bindings.iter().map(|binding| &binding.role).filter(|role| !moved.contains(role));
        let staying = RoleNames::of(staying);
        let declared = RoleNames::of(from.input_roles().iter().map(|role| &role.role));
        let by_role: BTreeMap<&RoleName, &RoleBinding> =
            bindings.iter().map(|binding| (&binding.role, binding)).collect();
        let former = |role: &InputRole| match mapping.get(&role.role) {
            Some(former) => by_role.get(former).copied(),
            None => {
                let of_its_name = staying.find(&role.role);
                let is_new = of_its_name.is_none() && declared.find(&role.role).is_none();
                let mut aliases = role.aliases.iter().filter(|_| is_new);
                let found = of_its_name.or_else(|| aliases.find_map(|alias| staying.find(alias)));
                found.and_then(|name| by_role.get(name).copied())
            }
        };
        let roles: Vec<_> = to.input_roles().iter().map(|role| (role, former(role))).collect();
        let taken: BTreeSet<&RoleName> =
            roles.iter().filter_map(|(_, binding)| binding.map(|binding| &binding.role)).collect();
        let dropped = bindings.iter().filter(|binding| !taken.contains(&binding.role)).collect();
        Self { roles, dropped }
    }
}
