//! `/api/v1/organisations`

pub(super) mod get;
pub(super) mod list;
pub(super) mod name;
