//! `/api/v1/jobs/{id}/runs`

pub(super) mod delete;
pub(super) mod get;
pub(super) mod list;
pub(super) mod report;
