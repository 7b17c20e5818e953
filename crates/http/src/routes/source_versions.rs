//! `/api/v1/source_versions`

pub(super) mod candidates;
pub(super) mod compare;
pub(super) mod create;
pub(super) mod delete;
pub(super) mod get;
pub(super) mod impact;
pub(super) mod list;
pub(super) mod setup_schema;
