//! Whether the inputs that bindings name are what their roles take, as far as the organisation registered them.

use std::collections::BTreeMap;

use super::binding::{BindingDraft, Declared};
use super::known_outputs::{self, KnownOutput};
use super::measured::Measured;
use crate::model::{
    CheckedBindings, Contract, DeclaredInput, DeclaredInputs, Diagnostics, Input, InputId, InputKind, OutputId, Path,
    RoleBinding, RoleName, Unit, UnitFit, Units, ValueProblem, ViolationCode,
};
use crate::requests::Sent;

/// The inputs that bindings of a job are judged by.
pub struct KnownInputs<'a> {
    /// Those that its organisation registered, among others perhaps.
    pub inputs: BTreeMap<InputId, &'a Input>,
    /// How units are compared.
    pub units: &'a dyn Units,
    /// If others are refused: some inputs of each kind, to choose from.
    pub alternatives: Option<&'a BTreeMap<InputKind, Vec<Input>>>,
    /// If bindings name outputs of jobs: those of them that there are in the organisation.
    pub outputs: Option<BTreeMap<OutputId, &'a KnownOutput>>,
}

/// The units of an input and of the role that it is bound to, where both are known and not the same.
#[derive(Debug, Clone, PartialEq)]
pub struct UnitComparison {
    /// Of the input.
    pub from: Unit,
    /// Of the role.
    pub to: Unit,
    /// How values are converted, if they can be.
    pub fit: UnitFit,
}

impl KnownInputs<'_> {
    /// Whether there is nothing to judge by.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.inputs.is_empty() && self.alternatives.is_none() && self.outputs.is_none()
    }

    /// Reports what does not fit of the inputs that these bindings name. What is wrong with bindings by themselves is
    /// [`validate_bindings`](super::validate_bindings)'s to tell. Bindings that a job has already, to the same version,
    /// are not judged again: an input may be changed, and what was read can be sent back.
    pub fn judge(
        &self,
        diagnostics: &mut Diagnostics,
        path: &Path,
        declared: Option<&DeclaredInputs>,
        drafts: &[Sent<BindingDraft>],
        there: Option<&CheckedBindings>,
    ) {
        if self.is_empty() {
            return;
        }
        let declared = declared.map(Declared::of);
        for (index, draft) in drafts.iter().enumerate() {
            let Some(draft) = draft.given() else { continue };
            let Some(id) = draft.input_id.given().and_then(|text| InputId::parse(text).ok()) else { continue };
            let role = draft.role.given().and_then(|text| RoleName::restore(text).ok());
            let role = role.as_ref().and_then(|role| declared.as_ref()?.find(role));
            let is_there = |(role, _): &(&RoleName, &DeclaredInput)| {
                there.into_iter().flatten().any(|binding| binding.role == **role && binding.input_id == id)
            };
            if role.as_ref().is_some_and(is_there) {
                continue;
            }
            let sent_kind = draft.input_type.given().and_then(|text| InputKind::restore(text).ok());
            if let Some(problem) = self.misfit(id, role, sent_kind.as_ref()) {
                diagnostics.report(path.index(index).member("input_id"), problem);
            }
        }
    }

    /// Why a role cannot be bound to an input; `role` and `sent_kind` as far as they are known.
    fn misfit(
        &self,
        id: InputId,
        role: Option<(&RoleName, &DeclaredInput)>,
        sent_kind: Option<&InputKind>,
    ) -> Option<ValueProblem> {
        let kind = role.and_then(|(_, role)| role.input_kind.as_ref()).or(sent_kind);
        if kind.is_some_and(InputKind::is_output) {
            // What is not loaded is not judged.
            let outputs = self.outputs.as_ref()?;
            let id = id.as_output();
            return known_outputs::misfit(id, outputs.get(&id).copied(), role, self.units);
        }
        let Some(input) = self.inputs.get(&id) else {
            return self.alternatives.map(|alternatives| unknown(id, kind, alternatives));
        };
        if let Some(kind) = kind.filter(|kind| input.kind != **kind && !input.kind.is_composed_as(kind)) {
            let of_role = role.map_or_else(String::new, |(name, _)| format!(" for the role \"{name}\""));
            let message = format!("is \"{}\", an input of another kind than is needed{of_role}", input.name);
            let problem = ValueProblem::new(ViolationCode::InputKindMismatch, message);
            return Some(problem.expected(kind.as_str()).actual(input.kind.as_str()));
        }
        let (name, role) = role?;
        let measured = Measured {
            subject: format_args!("is \"{}\"", input.name),
            metric: input.metric.as_ref(),
            unit: input.unit.as_ref(),
            hint_of_unit: "bind an input whose unit measures the same, or correct the unit of the input",
        };
        measured.misfit(name, role, self.units)
    }

    /// Whether a binding of a job fits: whether [`judge`](Self::judge) would report nothing.
    #[must_use]
    pub fn fits(&self, contract: &Contract, binding: &RoleBinding) -> bool {
        let role = contract.declared_inputs().roles.get_key_value(&binding.role);
        self.misfit(binding.input_id, role, Some(&binding.input_type)).is_none()
    }

    /// The output that is bound, if one is.
    #[must_use]
    pub fn output(&self, binding: &RoleBinding) -> Option<&KnownOutput> {
        self.outputs.as_ref()?.get(&binding.output_id()?).copied()
    }

    /// How the values of a bound input come to the unit of its role.
    #[must_use]
    pub fn unit_of(&self, contract: &Contract, binding: &RoleBinding) -> Option<UnitComparison> {
        let to = contract.declared_inputs().roles.get(&binding.role)?.unit.as_ref()?;
        let from = match binding.output_id() {
            Some(id) => self.outputs.as_ref()?.get(&id)?.of_job.output.unit.as_ref()?,
            None => self.inputs.get(&binding.input_id)?.unit.as_ref()?,
        };
        let fit = self.units.compare(from, to);
        (fit != UnitFit::Same).then(|| UnitComparison { from: from.clone(), to: to.clone(), fit })
    }
}

fn unknown(id: InputId, kind: Option<&InputKind>, alternatives: &BTreeMap<InputKind, Vec<Input>>) -> ValueProblem {
    let problem =
        ValueProblem::new(ViolationCode::UnknownInput, "is not an input that the organisation has registered");
    let problem = problem.actual(id.to_string());
    let Some(kind) = kind else { return problem };
    // Of a kind that was not looked for nothing is known.
    let Some(known) = alternatives.get(kind) else { return problem };
    if known.is_empty() {
        return problem.hint(format!("no input of kind \"{kind}\" is registered: register it first"));
    }
    let known: Vec<String> = known.iter().map(|input| format!("{} (\"{}\")", input.id, input.name)).collect();
    problem.hint(format!("registered inputs of kind \"{kind}\": {}", known.join(", ")))
}
