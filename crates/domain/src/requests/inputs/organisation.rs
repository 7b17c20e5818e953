use crate::requests::Sent;

/// What an organisation is called.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OrganisationDraft {
    /// May be repeated, but never changes.
    pub id: Sent<String>,
    /// See [`Organisation::name`](crate::model::Organisation::name).
    pub name: Sent<String>,
}
