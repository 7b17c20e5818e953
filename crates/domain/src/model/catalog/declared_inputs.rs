//! What bindings are judged by: the inputs of a contract, as far as they are known.

use std::collections::BTreeMap;

use super::InputRole;
use crate::model::text::{InputKind, Metric, RoleName, Unit};

/// What is known of the inputs that a contract declares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredInputs {
    /// The readable roles.
    pub roles: BTreeMap<RoleName, DeclaredInput>,
    /// Whether that is all of them: only then is a role that is not among them unknown.
    pub complete: bool,
}

/// What is known of one input role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredInput {
    /// The kind that fits, when readable.
    pub input_kind: Option<InputKind>,
    /// Whether a job must bind it, when readable.
    pub required: Option<bool>,
    /// What is needed, when readable.
    pub metric: Option<Metric>,
    /// In which unit, if it says so, when readable.
    pub unit: Option<Unit>,
}

impl DeclaredInputs {
    /// All of these.
    pub(super) fn of(roles: &[InputRole]) -> Self {
        let declare = |role: &InputRole| {
            let input = DeclaredInput {
                input_kind: Some(role.input_kind.clone()),
                required: Some(role.required),
                metric: Some(role.metric.clone()),
                unit: role.unit.clone(),
            };
            (role.role.clone(), input)
        };
        Self { roles: roles.iter().map(declare).collect(), complete: true }
    }
}
