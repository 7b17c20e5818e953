//! Runs as runners report them.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{
    ComposedRoles, Contract, Diagnostics, PREDICTIONS, Path, Prediction, RoleName, Timestamp, ValueProblem,
    ViolationCode,
};
use crate::requests::Sent;

/// A run as a runner reports it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RunDraft {
    /// See [`Run::issued_at`](crate::model::Run::issued_at); now, when left out.
    pub issued_at: Sent<String>,
    /// See [`Run::status`](crate::model::Run::status).
    pub status: Sent<String>,
    /// See [`Run::job_revision`](crate::model::Run::job_revision); the current one, when left out.
    pub job_revision: Sent<i128>,
    /// See [`Run::message`](crate::model::Run::message).
    pub message: Sent<String>,
    /// What it predicted.
    pub predictions: Sent<Vec<Sent<PredictionDraft>>>,
}

/// A value as a runner reports it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PredictionDraft {
    /// See [`Prediction::role`].
    pub role: Sent<String>,
    /// See [`Prediction::at`].
    pub at: Sent<String>,
    /// See [`Prediction::value`].
    pub value: Sent<f64>,
}

/// Judges the values of a run that succeeded: each of a role of the contract, none twice, and every required output
/// role with at least one. Without a contract, only what needs none is judged.
pub fn validate_predictions(
    diagnostics: &mut Diagnostics,
    path: &Path,
    contract: Option<&Contract>,
    drafts: &[Sent<PredictionDraft>],
) -> Option<Vec<Prediction>> {
    if let Some(too_many) = PREDICTIONS.exceeded_by(drafts.len()) {
        diagnostics.report(path.clone(), too_many);
        return None;
    }
    diagnostics.section(|diagnostics| Some(read_predictions(diagnostics, path, contract, drafts)))
}

/// The values that can be read.
fn read_predictions(
    diagnostics: &mut Diagnostics,
    path: &Path,
    contract: Option<&Contract>,
    drafts: &[Sent<PredictionDraft>],
) -> Vec<Prediction> {
    let outputs = contract.map(Outputs::of);
    let mut places = BTreeMap::new();
    let mut unreadable_roles = false;
    let mut predictions = Vec::with_capacity(drafts.len());
    for (index, draft) in drafts.iter().enumerate() {
        let path = path.index(index);
        let draft = diagnostics.require(&path, draft.as_ref());
        let Some(draft) = draft else {
            unreadable_roles = true;
            continue;
        };
        let (role_path, at_path, value_path) = (path.member("role"), path.member("at"), path.member("value"));
        let role = diagnostics.read(&role_path, &draft.role, |text| RoleName::restore(text));
        let role = diagnostics.require(&role_path, role);
        let at = diagnostics.read(&at_path, &draft.at, |text| Timestamp::parse(text));
        let at = diagnostics.require(&at_path, at);
        let value = diagnostics.require(&value_path, draft.value.clone());
        unreadable_roles |= role.is_none();
        let (Some(role), at) = (role, at) else { continue };
        let role = match &outputs {
            Some(outputs) if !outputs.names.contains(&role) => {
                outputs.composed.find(&role).cloned().unwrap_or_else(|| {
                    let names = || outputs.names.iter().map(|name| name.as_str());
                    diagnostics.report_unknown_role(role_path, &role, names, "output");
                    role
                })
            }
            _ => role,
        };
        let Some(at) = at else {
            // What its time is cannot be told, but there is a value of that role.
            places.entry((role, None)).or_insert(index);
            continue;
        };
        if let Some(first) = places.insert((role.clone(), Some(at)), index) {
            diagnostics.report(
                path,
                ValueProblem::new(ViolationCode::DuplicateValue, "is of the same role and time as another one")
                    .actual(format!("{role} at {at}, as in item {first}")),
            );
        }
        if let Some(value) = value {
            predictions.push(Prediction::new(role, at, value));
        }
    }
    if let Some(contract) = contract
        && !unreadable_roles
    {
        let given: BTreeSet<&RoleName> = places.keys().map(|(role, _)| role).collect();
        for role in contract.output_roles().iter().filter(|role| role.required && !given.contains(&role.role)) {
            let problem = format!("has no value of the required role \"{}\"", role.role);
            diagnostics.report(
                path.clone(),
                ValueProblem::new(ViolationCode::MissingRequiredRole, problem).expected(role.role.as_str()),
            );
        }
    }
    predictions
}

/// The output roles of a contract, to find names among.
struct Outputs<'a, Roles> {
    names: BTreeSet<&'a RoleName>,
    composed: ComposedRoles<'a, Roles>,
}

impl<'a> Outputs<'a, std::vec::IntoIter<&'a RoleName>> {
    fn of(contract: &'a Contract) -> Self {
        let roles: Vec<&RoleName> = contract.output_roles().iter().map(|output| &output.role).collect();
        Self { names: roles.iter().copied().collect(), composed: ComposedRoles::among(roles.into_iter()) }
    }
}
