//! `/api/v1/jobs/{id}/predictions`

pub(super) mod csv;
pub(super) mod list;
pub(super) mod predicted;
pub(super) mod trace;
