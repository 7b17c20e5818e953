//! `/api/v1/jobs/{id}/predictions`

mod csv;
pub(super) mod list;
pub(super) mod trace;
