//! Sources and their versions.

pub(crate) mod name_keys;
pub(crate) mod source_versions;
pub(crate) mod sources;
