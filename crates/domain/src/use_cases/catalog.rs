//! Sources and their versions.

mod change_lifecycle;
mod change_source;
mod compare_source_versions;
mod create_source;
mod delete_source;
mod delete_source_version;
mod publish_source_version;
mod read_catalog;

pub use change_lifecycle::change_lifecycle;
pub(in crate::use_cases) use change_source::count_expiring;
pub use change_source::{SourceChanged, change_source};
pub use compare_source_versions::{ComparedVersions, compare_source_versions};
pub use create_source::create_source;
pub(in crate::use_cases) use create_source::owner_of_new;
pub use delete_source::delete_source;
pub use delete_source_version::delete_source_version;
pub use publish_source_version::publish_source_version;
pub use read_catalog::{get_source, get_source_version, list_source_version_heads, list_source_versions, list_sources};
