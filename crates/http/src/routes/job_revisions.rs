//! `/api/v1/jobs/{id}/revisions`

pub(super) mod get;
pub(super) mod list;
