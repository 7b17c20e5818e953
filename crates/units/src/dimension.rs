//! What kinds of things units measure.

/// The powers of base quantities that a unit is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Dimension {
    /// Of UCUM's base units (§28), in the order of its tables.
    base: [i8; 7],
    /// Moles. UCUM counts them as numbers, so that `mol` would convert into `%`; nobody who asks means that.
    moles: i8,
    /// Bits and bytes: also numbers to UCUM.
    bits: i8,
    /// The scale of a unit that converts into no other, such as `pH`.
    own: Option<&'static str>,
}

impl Dimension {
    /// That of numbers and shares.
    pub(crate) const NUMBER: Self = Self { base: [0; 7], moles: 0, bits: 0, own: None };

    pub(crate) fn new(base: [i8; 7], moles: i8, bits: i8) -> Self {
        Self { base, moles, bits, own: None }
    }

    pub(crate) fn own(name: &'static str) -> Self {
        Self { own: Some(name), ..Self::NUMBER }
    }

    /// `None` if a power does not fit, or if one of the two is a scale of its own, which takes part in no product
    /// (UCUM §22.1).
    pub(crate) fn times(self, other: Self, exponent: i8) -> Option<Self> {
        if self.own.is_some() || other.own.is_some() {
            return None;
        }
        let add = |to: i8, power: i8| to.checked_add(power.checked_mul(exponent)?);
        let mut base = self.base;
        for (to, power) in base.iter_mut().zip(other.base) {
            *to = add(*to, power)?;
        }
        Some(Self { base, moles: add(self.moles, other.moles)?, bits: add(self.bits, other.bits)?, own: None })
    }
}
