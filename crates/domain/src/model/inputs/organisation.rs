use crate::model::id::OrganisationId;
use crate::model::text::OrganisationName;

/// A customer, with the name that people know it by, if it has one. It belongs to another system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organisation {
    /// Its identity.
    pub id: OrganisationId,
    /// Its name. Not unique.
    pub name: Option<OrganisationName>,
}
