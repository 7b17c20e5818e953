//! What is told of inputs and organisations, as callers describe it.

mod input;
mod organisation;

pub(crate) use input::InputSpec;
pub use input::{IMPORTED_INPUTS, ImportDraft, InputDraft};
pub use organisation::OrganisationDraft;
