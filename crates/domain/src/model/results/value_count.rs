//! Counting values, without counting for ever.

/// How many values there are, as far as they were counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ValueCount {
    /// So many values.
    pub values: u64,
    /// Of so many jobs, of any organisation.
    pub jobs: u64,
    /// Whether there may be more of either.
    pub is_at_least: bool,
}

impl ValueCount {
    /// Whether there is certainly none.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.values == 0 && !self.is_at_least
    }
}
