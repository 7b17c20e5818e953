//! Runs, what they predict, and what of it is kept.

pub(crate) mod kept_history;
pub(crate) mod readings;
pub(crate) mod reporting;
pub(crate) mod retention;
pub(crate) mod runs;
