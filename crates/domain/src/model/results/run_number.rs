use super::run::PredictionPosition;

/// The place of a run among those of its job, in the order in which they were stored; no clock has a say in it.
///
/// A store gives out a number only when all lower numbers can be read. So a caller who remembers the last number can
/// tell later which runs there were at that moment: the runs up to it. A run that was stored before runs had numbers is
/// one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunNumber(i64);

impl RunNumber {
    /// Before the first run.
    pub const NONE: Self = Self(0);

    /// `None` when it is negative.
    #[must_use]
    pub fn new(number: i64) -> Option<Self> {
        (number >= 0).then_some(Self(number))
    }

    /// The number itself.
    #[must_use]
    pub fn as_i64(self) -> i64 {
        self.0
    }

    /// The number after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// Where a reading of values goes on, and what it was about when it began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadingPosition {
    /// The last run of the job when the reading began: what was stored later is no part of it.
    pub last_run: RunNumber,
    /// Behind this value.
    pub after: PredictionPosition,
}
