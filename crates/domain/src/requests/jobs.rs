//! Jobs and their bindings, as callers describe them.

mod binding;
mod change;
mod set_up;

pub use binding::{BindingDraft, check_bindings, validate_bindings};
pub use change::JobChangeDraft;
pub use set_up::{SetUpDraft, SetUpJobDraft};
