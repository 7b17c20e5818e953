//! Reading sources and source versions: open to every identified caller, so no permission is asked for.

use crate::model::{Page, PageRequest, Source, SourceId, SourceVersion, SourceVersionHead, SourceVersionId};
use crate::ports::{SourceFilter, SourceVersionFilter};
use crate::use_cases::{Ports, UseCaseError};

/// One source.
pub fn get_source(ports: &Ports, id: SourceId) -> Result<Source, UseCaseError> {
    ports.sources.find_many(&[id])?.pop().flatten().ok_or(UseCaseError::NotFound)
}

/// Sources in creation order.
pub fn list_sources(ports: &Ports, filter: &SourceFilter, page: &PageRequest) -> Result<Page<Source>, UseCaseError> {
    Ok(ports.sources.list(filter, page)?)
}

/// One source version.
pub fn get_source_version(ports: &Ports, id: SourceVersionId) -> Result<SourceVersion, UseCaseError> {
    ports.source_versions.find_many(&[id])?.pop().flatten().ok_or(UseCaseError::NotFound)
}

/// Source versions in creation order.
pub fn list_source_versions(
    ports: &Ports,
    filter: &SourceVersionFilter,
    page: &PageRequest,
) -> Result<Page<SourceVersion>, UseCaseError> {
    Ok(ports.source_versions.list(filter, page)?)
}

/// Source versions in creation order, without their roles.
pub fn list_source_version_heads(
    ports: &Ports,
    filter: &SourceVersionFilter,
    page: &PageRequest,
) -> Result<Page<SourceVersionHead>, UseCaseError> {
    Ok(ports.source_versions.list_heads(filter, page)?)
}
