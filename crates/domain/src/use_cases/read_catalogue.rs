//! Reading sources and source versions: open to everybody who has been identified, so no permission is asked for.

use super::{Ports, Refusal};
use crate::model::{Page, PageRequest, Source, SourceId, SourceVersion, SourceVersionHead, SourceVersionId};
use crate::ports::{SourceFilter, SourceVersionFilter};

/// One source.
pub fn get_source(ports: &Ports, id: SourceId) -> Result<Source, Refusal> {
    ports.sources.find_many(&[id])?.pop().flatten().ok_or(Refusal::NotFound)
}

/// Sources in creation order.
pub fn list_sources(ports: &Ports, filter: &SourceFilter, page: &PageRequest) -> Result<Page<Source>, Refusal> {
    Ok(ports.sources.list(filter, page)?)
}

/// One source version.
pub fn get_source_version(ports: &Ports, id: SourceVersionId) -> Result<SourceVersion, Refusal> {
    ports.source_versions.find_many(&[id])?.pop().flatten().ok_or(Refusal::NotFound)
}

/// Source versions in creation order.
pub fn list_source_versions(
    ports: &Ports,
    filter: &SourceVersionFilter,
    page: &PageRequest,
) -> Result<Page<SourceVersion>, Refusal> {
    Ok(ports.source_versions.list(filter, page)?)
}

/// Source versions in creation order, without their roles.
pub fn list_source_version_heads(
    ports: &Ports,
    filter: &SourceVersionFilter,
    page: &PageRequest,
) -> Result<Page<SourceVersionHead>, Refusal> {
    Ok(ports.source_versions.list_heads(filter, page)?)
}
