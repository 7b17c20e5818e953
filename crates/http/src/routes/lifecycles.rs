//! `/api/v1/source_versions/{id}/lifecycle`

pub(super) mod change;
pub(super) mod get;
