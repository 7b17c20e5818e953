//! `/api/v1/outputs`

pub(super) mod get;
pub(super) mod predictions;
