//! `/api/v1/inputs`

pub(super) mod delete;
pub(super) mod get;
pub(super) mod import;
pub(super) mod list;
pub(super) mod put;
pub(super) mod uses;

use crate::document::{Parameter, id_filter};

/// Describes `organisation_id`, where an id alone may mean several inputs.
fn whose() -> Parameter {
    id_filter(
        "organisation_id",
        "Whose input is meant. Needed only if several of the token's organisations have one with that id.",
    )
}
