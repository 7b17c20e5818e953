//! Sources, their versions and contracts, as callers describe them.

mod contract;
mod source;
mod source_version;

pub use contract::{InputRoleDraft, OutputRoleDraft, declared_inputs};
pub use source::{SourceChangeDraft, SourceDraft, SourceSpec};
pub use source_version::{SourceVersionDraft, SourceVersionSpec};
