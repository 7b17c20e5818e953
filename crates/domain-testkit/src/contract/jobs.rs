//! Jobs, what they were, and whether they deliver.

pub(crate) mod batches;
pub(crate) mod chains;
pub(crate) mod judgements;
pub(crate) mod monitoring;
pub(crate) mod revisions;
pub(crate) mod set_up;
pub(crate) mod single_jobs;
