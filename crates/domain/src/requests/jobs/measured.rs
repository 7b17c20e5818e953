//! Whether an input, or an output of another job, measures what a role takes.

use std::fmt::Arguments;

use crate::model::{DeclaredInput, Metric, RoleName, Unit, UnitFit, Units, ValueProblem, ViolationCode};

/// What is to be bound, as far as it is known.
pub(super) struct Measured<'a> {
    /// What a sentence begins with: `is "Roof"`.
    pub(super) subject: Arguments<'a>,
    pub(super) metric: Option<&'a Metric>,
    pub(super) unit: Option<&'a Unit>,
    /// What to do about a unit that cannot be converted.
    pub(super) hint_of_unit: &'static str,
}

impl Measured<'_> {
    /// Why a role cannot be bound to it.
    pub(super) fn misfit(&self, name: &RoleName, role: &DeclaredInput, units: &dyn Units) -> Option<ValueProblem> {
        let subject = self.subject;
        if let (Some(expected), Some(actual)) = (&role.metric, self.metric)
            && expected != actual
        {
            let message = format!("{subject}, which measures something else than is needed for the role \"{name}\"");
            let problem = ValueProblem::new(ViolationCode::MetricMismatch, message);
            return Some(problem.expected(expected.as_str()).actual(actual.as_str()));
        }
        let (Some(expected), Some(actual)) = (&role.unit, self.unit) else { return None };
        if units.compare(actual, expected) != UnitFit::Incompatible {
            return None;
        }
        let message = format!("{subject}, whose unit cannot be converted into the one for the role \"{name}\"");
        let problem = ValueProblem::new(ViolationCode::UnitIncompatible, message);
        let problem = problem.expected(expected.as_str()).actual(actual.as_str());
        Some(problem.hint(self.hint_of_unit))
    }
}
