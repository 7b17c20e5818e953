//! The checking engine: whether a set of bindings satisfies a contract, and everything that keeps it from doing so.

use std::collections::{BTreeSet, btree_map};

use crate::model::{
    BINDINGS, CheckedBindings, ComposedRoles, Contract, DeclaredInput, DeclaredInputs, Diagnostics, InputId, InputKind,
    Path, RoleBinding, RoleName, ValueProblem, ViolationCode, Violations,
};
use crate::requests::Sent;

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
    let bindings = diagnostics.section(|diagnostics| {
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
        if let Some(declared) = &declared {
            report_unbound(diagnostics, path, declared.inputs, &bound);
        }
        bindings.into_iter().collect()
    });
    bindings.map(CheckedBindings::of_checked)
}

/// The declared inputs, with an index that finds inputs whose role is written in another form.
pub(super) struct Declared<'a> {
    inputs: &'a DeclaredInputs,
    composed: ComposedRoles<'a, btree_map::Keys<'a, RoleName, DeclaredInput>>,
}

impl<'a> Declared<'a> {
    pub(super) fn of(inputs: &'a DeclaredInputs) -> Self {
        Self { inputs, composed: ComposedRoles::among(inputs.roles.keys()) }
    }

    /// The role of that name, or of one that is the same in NFC.
    pub(super) fn find(&self, role: &RoleName) -> Option<(&'a RoleName, &'a DeclaredInput)> {
        let known = self.inputs.roles.get_key_value(role);
        known.or_else(|| self.inputs.roles.get_key_value(self.composed.find(role)?))
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
    let found = declared.and_then(|declared| declared.find(&role));
    let role = found.map_or(role, |(known, _)| known.clone());
    let declared = declared.map(|declared| declared.inputs);
    let is_second = !bound.insert(role.clone());
    if is_second {
        diagnostics.report(
            role_path.clone(),
            ValueProblem::new(ViolationCode::DuplicateRole, "is bound twice").actual(role.as_str()),
        );
    }
    let input = found.map(|(_, input)| input);
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
