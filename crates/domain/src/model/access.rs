//! The caller, and what that caller may do and see.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize};
use smol_str::SmolStr;

use super::catalog::Source;
use super::id::{OrganisationId, SourceId};

/// What a caller may do. Reading the catalog (sources and source versions) needs no permission but being known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Permission {
    /// Create sources, and publish versions of the caller's own.
    CatalogCreate,
    /// That, and change and delete the caller's own sources and their versions.
    CatalogWrite,
    /// Read the directory of inputs of the caller's organisations.
    InputsRead,
    /// Register, change and delete inputs of the caller's organisations, and name the organisations.
    InputsWrite,
    /// Read jobs of the caller's organisations.
    JobsRead,
    /// Set up, change and delete jobs of the caller's organisations.
    JobsWrite,
    /// Read runs and predictions of the caller's organisations.
    PredictionsRead,
    /// Report runs, with what they predict, for jobs of the caller's organisations.
    PredictionsWrite,
}

impl Permission {
    /// Every permission there is.
    pub const ALL: [Self; 8] = [
        Self::CatalogCreate,
        Self::CatalogWrite,
        Self::InputsRead,
        Self::InputsWrite,
        Self::JobsRead,
        Self::JobsWrite,
        Self::PredictionsRead,
        Self::PredictionsWrite,
    ];

    /// Its name as an OAuth 2.0 scope (RFC 6749, section 3.3).
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CatalogCreate => "catalog:create",
            Self::CatalogWrite => "catalog:write",
            Self::InputsRead => "inputs:read",
            Self::InputsWrite => "inputs:write",
            Self::JobsRead => "jobs:read",
            Self::JobsWrite => "jobs:write",
            Self::PredictionsRead => "predictions:read",
            Self::PredictionsWrite => "predictions:write",
        }
    }

    /// Whether it allows everything that the other one does.
    #[must_use]
    pub fn includes(self, other: Self) -> bool {
        self == other || (self == Self::CatalogWrite && other == Self::CatalogCreate)
    }

    /// The permission of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|permission| permission.as_str() == name)
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whose data can be seen. Every question about jobs carries one, so that an unscoped question cannot be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// These organisations, and no others.
    Organisations(Arc<BTreeSet<OrganisationId>>),
    /// All of them: platform operators and runners.
    Platform,
}

impl Scope {
    /// The scope of these organisations.
    pub fn of(organisations: impl IntoIterator<Item = OrganisationId>) -> Self {
        Self::Organisations(Arc::new(organisations.into_iter().collect()))
    }

    /// Whether data of this organisation can be seen.
    #[must_use]
    pub fn contains(&self, organisation: OrganisationId) -> bool {
        match self {
            Self::Organisations(organisations) => organisations.contains(&organisation),
            Self::Platform => true,
        }
    }

    /// Refuses unless the source is the caller's own.
    pub fn require_own(&self, source: &Source, right: OwnersRight) -> Result<(), AccessDenied> {
        let owner_organisation_id = source.owner_organisation_id;
        if self.owns(owner_organisation_id) {
            Ok(())
        } else {
            Err(AccessDenied::NotTheOwner { source_id: source.id, owner_organisation_id, right })
        }
    }

    /// Whether a source of that owner is the caller's own. Those of the platform, which have none, are its operators'
    /// alone, and so is everything else.
    #[must_use]
    pub fn owns(&self, owner: Option<OrganisationId>) -> bool {
        match self {
            Self::Organisations(organisations) => owner.is_some_and(|owner| organisations.contains(&owner)),
            Self::Platform => true,
        }
    }
}

/// The author of a change: the subject of a token (RFC 7519, section 4.1.2), as far as it can be kept. Of a longer
/// subject, the first [`Subject::MAX_CHARS`] characters are kept; control characters are replaced.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Subject(SmolStr);

impl Subject {
    /// The most characters that are kept.
    pub const MAX_CHARS: usize = 255;

    /// Keeps what can be kept of a text.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let kept = |c: char| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c };
        Self(text.chars().take(Self::MAX_CHARS).map(kept).collect())
    }

    /// The text as kept.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Subject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self::of(&text))
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An identified caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The subject of the token, for the log.
    pub subject: String,
    /// What they may do.
    pub permissions: BTreeSet<Permission>,
    /// What they may see.
    pub scope: Scope,
}

impl Caller {
    /// The caller as the author of a change.
    #[must_use]
    pub fn to_subject(&self) -> Subject {
        Subject::of(&self.subject)
    }

    /// Refuses unless the caller has the permission.
    pub fn require(&self, permission: Permission) -> Result<(), AccessDenied> {
        if self.permissions.iter().any(|held| held.includes(permission)) {
            Ok(())
        } else {
            Err(AccessDenied::InsufficientScope { required: permission })
        }
    }

    /// Refuses unless the caller may see that organisation's data.
    pub fn require_organisation(&self, organisation_id: OrganisationId) -> Result<(), AccessDenied> {
        if self.scope.contains(organisation_id) {
            Ok(())
        } else {
            Err(AccessDenied::OrganisationOutOfScope { organisation_id })
        }
    }

    /// Refuses unless the source is the caller's own.
    pub fn require_own(&self, source: &Source, right: OwnersRight) -> Result<(), AccessDenied> {
        self.scope.require_own(source, right)
    }
}

/// What only the owner of a source may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnersRight {
    /// Change it.
    Change,
    /// Delete it, or a version of it.
    Delete,
    /// Publish a version of it.
    Publish,
}

/// The caller is known, and may not do this.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AccessDenied {
    /// A permission is missing.
    #[error("the permission {required} is needed")]
    InsufficientScope {
        /// The missing one.
        required: Permission,
    },
    /// An organisation was named that is not the caller's.
    #[error("organisation {organisation_id} is not one of the caller's")]
    OrganisationOutOfScope {
        /// The one that was named.
        organisation_id: OrganisationId,
    },
    /// An organisation is needed, and the caller has none.
    #[error("the caller has no organisation")]
    NoOrganisation,
    /// The source belongs to another organisation.
    #[error("source {source_id} is not the caller's own")]
    NotTheOwner {
        /// Which one.
        source_id: SourceId,
        /// Whose it is; `None`: the platform's.
        owner_organisation_id: Option<OrganisationId>,
        /// What only they may do.
        right: OwnersRight,
    },
    /// Only for the platform's operators: a source of the platform was to be created.
    #[error("only the platform creates sources of the platform")]
    NotThePlatform,
}
