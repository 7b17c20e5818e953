//! Sources and their versions.

mod source_versions;
mod sources;
