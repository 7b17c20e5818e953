//! Units of measurement compared by meaning: whether two texts name one unit, or units that convert into each other.
//!
//! UCUM (the Unified Code for Units of Measure, version 2.2) says what units there are and what they are worth; the
//! crate `octofhir-ucum` has its tables. This crate reads what people write instead of UCUM's codes (`°C`, `W/m²`,
//! `m s-1`, `kWh`, `% RH`), and turns it into those codes. It reads neither files nor the network.
//!
//! A unit is compared, not a quantity: `W` and `VA` are the same unit, as are `N.m` and `J`, `Hz` and `Bq`.
//!
//! What could mean two things is not read, rather than guessed: `gal` (American or imperial), `ppt` (a thousandth or a
//! trillionth), `C` (coulombs or degrees), `kt` (knots or kilotonnes), `W/m²·K` (UCUM multiplies by kelvins, most who
//! write it divide).

mod dimension;
mod reader;
mod spellings;

use octofhir_ucum::Number;
use prediction_domain::model::{self, Conversion, UnitFit, Units};

pub use dimension::Dimension;

/// The most characters of a unit that is read. A longer text is unreadable.
pub const MAX_CHARS: usize = 64;

/// How far a factor may be from 1, and an offset from 0, to be no conversion at all.
const ROUNDING: f64 = 1e-12;

/// The largest factor of a conversion; the smallest is its inverse, so that what converts there converts back.
const MOST: f64 = 1e300;

/// Compares units by UCUM's tables.
#[derive(Debug, Clone, Copy, Default)]
pub struct UcumUnits;

impl Units for UcumUnits {
    fn compare(&self, from: &model::Unit, to: &model::Unit) -> UnitFit {
        compare(from.as_str(), to.as_str())
    }
}

/// How the unit of a value, `from`, relates to the unit that is asked for, `to`.
///
/// Texts that are equal without the white space around them are the same unit, whether they can be read or not.
#[must_use]
pub fn compare(from: &str, to: &str) -> UnitFit {
    if from.trim() == to.trim() {
        return UnitFit::Same;
    }
    match (Unit::parse(from), Unit::parse(to)) {
        (Some(from), Some(to)) => from.fit(&to),
        _ => UnitFit::Unverified,
    }
}

/// A unit that was read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Unit {
    dimension: Dimension,
    /// What one of the unit is in base units (UCUM §28). Decimal with 28 digits, so that factors come out as they are
    /// written in books: `hPa` is exactly `mbar`.
    factor: Number,
    /// What zero of the unit is in base units: 273.15 K for `°C` (UCUM §22.4).
    offset: Number,
}

impl Unit {
    /// Reads a unit. `None` if the text is not a unit, if it could mean two units, or if it is longer than
    /// [`MAX_CHARS`].
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        reader::read(text).filter(|unit| is_usable(unit.factor.to_f64()))
    }

    /// What kind of thing the unit measures. Units convert into each other if it is equal.
    #[must_use]
    pub fn dimension(&self) -> Dimension {
        self.dimension
    }

    /// How a value in this unit relates to the other unit. [`UnitFit::Unverified`] if the factor would not fit in a
    /// double.
    #[must_use]
    pub fn fit(&self, to: &Self) -> UnitFit {
        if self.dimension != to.dimension {
            return UnitFit::Incompatible;
        }
        match self.conversion(to) {
            Some(Conversion { factor, offset }) if (factor - 1.0).abs() <= ROUNDING && offset.abs() <= ROUNDING => {
                UnitFit::Same
            }
            Some(conversion) => UnitFit::Convertible(conversion),
            None => UnitFit::Unverified,
        }
    }

    fn conversion(&self, to: &Self) -> Option<Conversion> {
        let factor = self.factor.checked_div(to.factor)?.to_f64();
        let offset = self.offset.checked_sub(to.offset)?.checked_div(to.factor)?.to_f64();
        is_usable(factor).then_some(Conversion { factor, offset })
    }

    /// The unit one, of numbers.
    fn one() -> Self {
        Self::number(Number::ONE)
    }

    fn number(factor: Number) -> Self {
        Self { dimension: Dimension::NUMBER, factor, offset: Number::ZERO }
    }

    /// A unit on a scale of its own, such as a logarithm of a power.
    fn own(name: &'static str) -> Self {
        Self { dimension: Dimension::own(name), ..Self::one() }
    }

    /// This unit times `other` to the power of `exponent`. A scale of temperature counts as its interval there:
    /// `W/m²/°C` is per difference of a degree.
    fn times(self, other: Self, exponent: i8) -> Option<Self> {
        let dimension = self.dimension.times(other.dimension, exponent)?;
        // Ten degrees Celsius as a unit: UCUM §22.3 has a meaning for it, and nobody writes it.
        let is_scale = |unit: &Self| !unit.offset.is_zero() && unit.dimension == dimension;
        if is_scale(&self) || is_scale(&other) {
            return None;
        }
        let factor = self.factor.checked_mul(other.factor.checked_powi(i32::from(exponent))?)?;
        Some(Self { dimension, factor, offset: Number::ZERO })
    }
}

fn is_usable(factor: f64) -> bool {
    (1.0 / MOST..=MOST).contains(&factor)
}
