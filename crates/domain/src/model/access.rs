//! Who is calling, and what that caller may do and see.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use super::id::OrganisationId;

/// What a caller may do. Reading the catalogue (sources and source versions) needs no permission but being known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Permission {
    /// Create, change and delete sources and source versions.
    CatalogWrite,
    /// Read jobs of the caller's organisations.
    JobsRead,
    /// Set up, change and delete jobs of the caller's organisations.
    JobsWrite,
}

impl Permission {
    /// Every permission there is.
    pub const ALL: [Self; 3] = [Self::CatalogWrite, Self::JobsRead, Self::JobsWrite];

    /// Its name as an OAuth 2.0 scope (RFC 6749, section 3.3).
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CatalogWrite => "catalog:write",
            Self::JobsRead => "jobs:read",
            Self::JobsWrite => "jobs:write",
        }
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
}

/// Somebody who has been identified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Who: the subject of the token, for the log.
    pub subject: String,
    /// What they may do.
    pub permissions: BTreeSet<Permission>,
    /// What they may see.
    pub scope: Scope,
}

impl Caller {
    /// Refuses unless the caller has the permission.
    pub fn require(&self, permission: Permission) -> Result<(), AccessDenied> {
        if self.permissions.contains(&permission) {
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
}
