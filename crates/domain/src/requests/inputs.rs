//! Inputs and organisations, as callers describe them.

mod input;
mod organisation;

pub(crate) use input::InputSpec;
pub use input::{IMPORTED_INPUTS, ImportDraft, InputDraft};
pub use organisation::OrganisationDraft;
