//! The checking engine: whether a set of bindings satisfies a contract, and everything that keeps it from doing so.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::model::id::{InputId, OutputId};
use crate::model::text::{InputKind, RoleName};
use crate::model::violation::{ListLimit, ValueProblem, ViolationCode};

/// The most bindings of one job.
pub const MAX_BINDINGS: usize = 200;
/// The same, as requests are told.
pub const BINDINGS: ListLimit = ListLimit { most: MAX_BINDINGS, items: "bindings", hint: None };

/// One input role of a job's version, bound to a concrete input.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct RoleBinding {
    /// The input role.
    pub role: RoleName,
    /// The input. One input may serve several roles.
    pub input_id: InputId,
    /// The kind of the input, equal to the role's.
    pub input_type: InputKind,
}

impl RoleBinding {
    /// The output that is bound, if it is one.
    #[must_use]
    pub fn output_id(&self) -> Option<OutputId> {
        self.input_type.is_output().then(|| self.input_id.as_output())
    }
}

/// Bindings that satisfy a contract: no role twice, every required role bound, every input of the kind its role takes.
#[derive(Debug, Clone, Default)]
pub struct CheckedBindings(Vec<RoleBinding>);

impl CheckedBindings {
    /// Takes bindings that were checked before they were stored. Only what can be told without the contract is checked
    /// again: no role twice, not too many.
    pub fn restored(bindings: Vec<RoleBinding>) -> Result<Self, ValueProblem> {
        if let Some(twice) = second_of_a_role(&bindings) {
            return Err(
                ValueProblem::new(ViolationCode::DuplicateRole, "binds a role twice").actual(twice.role.as_str())
            );
        }
        if let Some(too_many) = BINDINGS.exceeded_by(bindings.len()) {
            return Err(too_many);
        }
        Ok(Self(bindings))
    }

    /// Takes bindings that the engine has judged.
    pub(crate) fn of_checked(bindings: Vec<RoleBinding>) -> Self {
        Self(bindings)
    }

    /// The bindings in the order in which they were given.
    pub fn iter(&self) -> impl Iterator<Item = &RoleBinding> {
        self.0.iter()
    }

    /// The outputs of other jobs that are bound, each once.
    #[must_use]
    pub fn outputs(&self) -> BTreeSet<OutputId> {
        self.iter().filter_map(RoleBinding::output_id).collect()
    }

    /// Whether an output of another job is bound.
    #[must_use]
    pub fn have_outputs(&self) -> bool {
        self.iter().any(|binding| binding.output_id().is_some())
    }

    /// The bindings in the order in which they were given.
    #[must_use]
    pub fn into_vec(self) -> Vec<RoleBinding> {
        self.0
    }

    /// The bindings in the order in which they were given.
    #[must_use]
    pub fn as_slice(&self) -> &[RoleBinding] {
        &self.0
    }
}

impl<'a> IntoIterator for &'a CheckedBindings {
    type Item = &'a RoleBinding;
    type IntoIter = std::slice::Iter<'a, RoleBinding>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

/// The first binding whose role was bound before.
fn second_of_a_role(bindings: &[RoleBinding]) -> Option<&RoleBinding> {
    /// Up to so many, comparing all with all is quicker than a set.
    const FEW: usize = 16;
    if bindings.len() <= FEW {
        let is_bound_before = |index: usize| bindings[..index].iter().any(|other| other.role == bindings[index].role);
        return (0..bindings.len()).find(|index| is_bound_before(*index)).map(|index| &bindings[index]);
    }
    let mut roles = BTreeSet::new();
    bindings.iter().find(|binding| !roles.insert(&binding.role))
}

/// As sets: the order means nothing.
impl PartialEq for CheckedBindings {
    fn eq(&self, other: &Self) -> bool {
        self.0.iter().collect::<BTreeSet<_>>() == other.0.iter().collect::<BTreeSet<_>>()
    }
}

impl Eq for CheckedBindings {}
