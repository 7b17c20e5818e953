//! Source versions: immutable contracts of a source.

use super::contract::{Contract, ContractDigest};
use super::lifecycle::Lifecycle;
use crate::model::id::{SourceId, SourceVersionId};
use crate::model::text::{Description, SetName, VersionLabel};
use crate::model::timestamp::Timestamp;

/// A published version of a source. It never changes, but for where it is in its life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceVersion {
    /// Its identity.
    pub id: SourceVersionId,
    /// The source that it is a version of.
    pub source_id: SourceId,
    /// What it is called, unique in its source.
    pub version: VersionLabel,
    /// Release notes.
    pub description: Option<Description>,
    /// What it needs and gives.
    pub contract: Contract,
    /// When it was published.
    pub created_at: Timestamp,
    /// Whether it should be run.
    pub lifecycle: Lifecycle,
    /// The set of things that it belongs to, if it is kept by a document: nothing else can be changed about it.
    pub managed_by: Option<SetName>,
}

/// A source version without its roles, which may be many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceVersionHead {
    /// See [`SourceVersion::id`].
    pub id: SourceVersionId,
    /// See [`SourceVersion::source_id`].
    pub source_id: SourceId,
    /// See [`SourceVersion::version`].
    pub version: VersionLabel,
    /// See [`SourceVersion::description`].
    pub description: Option<Description>,
    /// See [`Contract::digest`].
    pub contract_digest: ContractDigest,
    /// See [`SourceVersion::created_at`].
    pub created_at: Timestamp,
    /// See [`SourceVersion::lifecycle`].
    pub lifecycle: Lifecycle,
    /// See [`SourceVersion::managed_by`].
    pub managed_by: Option<SetName>,
}

impl From<SourceVersion> for SourceVersionHead {
    fn from(version: SourceVersion) -> Self {
        Self {
            id: version.id,
            source_id: version.source_id,
            version: version.version,
            description: version.description,
            contract_digest: version.contract.digest().clone(),
            created_at: version.created_at,
            lifecycle: version.lifecycle,
            managed_by: version.managed_by,
        }
    }
}
