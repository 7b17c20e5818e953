//! Sources, their versions and contracts, as callers describe them.

mod contract;
mod lifecycle;
mod source;
mod source_version;

pub use contract::{InputRoleDraft, OutputRoleDraft, declared_inputs};
pub use lifecycle::LifecycleChangeDraft;
pub(crate) use lifecycle::validate_lifecycle_change;
pub(crate) use source::of_another;
pub use source::{SourceChangeDraft, SourceDraft, SourceSpec};
pub use source_version::{SourceVersionDraft, SourceVersionSpec};
