//! Sources and their versions.

pub(crate) mod lifecycles;
pub(crate) mod source_versions;
pub(crate) mod sources;
pub(crate) mod sources_in_use;
