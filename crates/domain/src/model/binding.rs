//! The checking engine: whether a set of bindings satisfies a contract, and everything that keeps it from doing so.

use std::collections::{BTreeSet, btree_map};

use serde::Serialize;

use super::contract::{Contract, DeclaredInput, DeclaredInputs};
use super::draft::Sent;
use super::id::InputId;
use super::text::{ComposedRoles, InputKind, RoleName};
use super::violation::{Diagnostics, ListLimit, Path, ValueProblem, ViolationCode, Violations};

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

/// A binding as a caller describes it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BindingDraft {
    /// See [`RoleBinding::role`].
    pub role: Sent<String>,
    /// See [`RoleBinding::input_id`].
    pub input_id: Sent<String>,
    /// See [`RoleBinding::input_type`]; taken from the role when left out.
    pub input_type: Sent<String>,
}

impl BindingDraft {
    /// A draft with every member given.
    pub fn new(role: impl Into<String>, input_id: impl Into<String>, input_type: impl Into<String>) -> Self {
        Self {
            role: Sent::Given(role.into()),
            input_id: Sent::Given(input_id.into()),
            input_type: Sent::Given(input_type.into()),
        }
    }
}

impl From<&RoleBinding> for BindingDraft {
    fn from(binding: &RoleBinding) -> Self {
        Self::new(binding.role.as_str(), binding.input_id.to_string(), binding.input_type.as_str())
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

    /// The bindings in the order in which they were given.
    pub fn iter(&self) -> impl Iterator<Item = &RoleBinding> {
        self.0.iter()
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

/// Judges bindings against a contract: either they satisfy it, or everything that is wrong is told, with paths from
/// `role_bindings`.
pub fn check_bindings(contract: &Contract, bindings: &[BindingDraft]) -> Result<CheckedBindings, Violations> {
    let mut diagnostics = Diagnostics::default();
    let drafts: Vec<_> = bindings.iter().cloned().map(Sent::Given).collect();
    let checked =
        validate_bindings(&mut diagnostics, &Path::of("role_bindings"), Some(contract.declared_inputs()), &drafts);
    diagnostics.finish(checked)
}

/// The engine. Without `declared`, only what needs no contract is judged.
pub fn validate_bindings(
    diagnostics: &mut Diagnostics,
    path: &Path,
    declared: Option<&DeclaredInputs>,
    drafts: &[Sent<BindingDraft>],
) -> Option<CheckedBindings> {
    if let Some(too_many) = BINDINGS.exceeded_by(drafts.len()) {
        diagnostics.report(path.clone(), too_many);
        return None;
    }
    let declared = declared.map(Declared::of);
    let mut bound = BTreeSet::new();
    let bindings: Vec<Option<RoleBinding>> = drafts
        .iter()
        .enumerate()
        .map(|(index, draft)| {
            let path = path.index(index);
            let draft = diagnostics.require(&path, draft.as_ref())?;
            validate_binding(diagnostics, &path, declared.as_ref(), draft, &mut bound)
        })
        .collect();
    if let Some(declared) = declared {
        report_unbound(diagnostics, path, declared.inputs, &bound);
    }
    let bindings: Option<Vec<RoleBinding>> = bindings.into_iter().collect();
    if diagnostics.is_clean() { bindings.map(CheckedBindings) } else { None }
}

/// The declared inputs, with an index that finds inputs whose role is written in another form.
struct Declared<'a> {
    inputs: &'a DeclaredInputs,
    composed: ComposedRoles<'a, btree_map::Keys<'a, RoleName, DeclaredInput>>,
}

impl<'a> Declared<'a> {
    fn of(inputs: &'a DeclaredInputs) -> Self {
        Self { inputs, composed: ComposedRoles::among(inputs.roles.keys()) }
    }
}

fn validate_binding(
    diagnostics: &mut Diagnostics,
    path: &Path,
    declared: Option<&Declared<'_>>,
    draft: &BindingDraft,
    bound: &mut BTreeSet<RoleName>,
) -> Option<RoleBinding> {
    let role_path = path.member("role");
    let type_path = path.member("input_type");
    let id_path = path.member("input_id");

    let role = diagnostics.read(&role_path, &draft.role, |text| RoleName::restore(text));
    let role = diagnostics.require(&role_path, role);
    let input_id = diagnostics.read(&id_path, &draft.input_id, |text| InputId::parse(text));
    let input_id = diagnostics.require(&id_path, input_id);
    let input_type = diagnostics.read(&type_path, &draft.input_type, |text| InputKind::restore(text));

    let role = role?;
    let role = match declared {
        Some(declared) if !declared.inputs.roles.contains_key(&role) => {
            declared.composed.find(&role).cloned().unwrap_or(role)
        }
        _ => role,
    };
    let declared = declared.map(|declared| declared.inputs);
    let is_second = !bound.insert(role.clone());
    if is_second {
        diagnostics.report(
            role_path.clone(),
            ValueProblem::new(ViolationCode::DuplicateRole, "is bound twice").actual(role.as_str()),
        );
    }
    let input = declared.and_then(|declared| declared.roles.get(&role));
    if let Some(declared) = declared
        && declared.complete
        && input.is_none()
        && !is_second
    {
        diagnostics.report_unknown_role(role_path, &role, || declared.roles.keys().map(RoleName::as_str), "input");
    }
    let kind = input.and_then(|input| input.input_kind.as_ref());
    let input_type = match (input_type, kind) {
        (Sent::Given(actual), Some(expected)) if actual == *expected || actual.is_composed_as(expected) => {
            Some(expected.clone())
        }
        (Sent::Given(actual), Some(expected)) => {
            diagnostics.report(
                type_path,
                ValueProblem::new(
                    ViolationCode::InputKindMismatch,
                    format!("is not the kind that the role \"{role}\" takes"),
                )
                .expected(expected.as_str())
                .actual(actual.as_str()),
            );
            None
        }
        (Sent::Given(actual), _) => Some(actual),
        (Sent::Absent | Sent::Null, kind) => kind.cloned(),
        (Sent::Unreadable, _) => None,
    };
    Some(RoleBinding { role, input_id: input_id?, input_type: input_type? })
}

fn report_unbound(diagnostics: &mut Diagnostics, path: &Path, declared: &DeclaredInputs, bound: &BTreeSet<RoleName>) {
    for (role, input) in &declared.roles {
        if input.required == Some(true) && !bound.contains(role) {
            let problem = ValueProblem::new(
                ViolationCode::MissingRequiredRole,
                format!("does not bind the required role \"{role}\""),
            )
            .expected(role.as_str());
            let problem = match &input.input_kind {
                Some(kind) => problem.hint(format!("bind an input of kind \"{kind}\" to it")),
                None => problem,
            };
            diagnostics.report(path.clone(), problem);
        }
    }
}
