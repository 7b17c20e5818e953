use serde::Serialize;

use crate::model::text::Unit;

/// How the unit of a value relates to the unit that is asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum UnitFit {
    /// One unit: a value is the same in both.
    Same,
    /// Two units of one dimension.
    Convertible(Conversion),
    /// Units of different dimensions: no conversion gives a value any meaning.
    Incompatible,
    /// The texts differ, and one of them at least cannot be read.
    Unverified,
}

/// How a value is converted: `value_in_to = value_in_from * factor + offset`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Conversion {
    /// Units of the target in one of the source. Finite, above zero, and not subnormal.
    pub factor: f64,
    /// What zero of the source is in the target, in units of the target; zero except between scales of temperature.
    pub offset: f64,
}

impl Conversion {
    /// A value of the source in units of the target.
    #[must_use]
    pub fn apply(&self, value: f64) -> f64 {
        value.mul_add(self.factor, self.offset)
    }
}

/// Compares units by meaning. It needs tables of units, so it is not made here: the crate `prediction-units` does it by
/// those of UCUM.
pub trait Units: Send + Sync {
    /// How the unit of a value, `from`, relates to the unit that is asked for, `to`. Equal texts are the same unit,
    /// whether they can be read or not.
    fn compare(&self, from: &Unit, to: &Unit) -> UnitFit;
}

/// Knows no unit: texts are equal, or they may mean anything.
#[derive(Debug, Clone, Copy, Default)]
pub struct UnreadUnits;

impl Units for UnreadUnits {
    fn compare(&self, from: &Unit, to: &Unit) -> UnitFit {
        if from == to { UnitFit::Same } else { UnitFit::Unverified }
    }
}
