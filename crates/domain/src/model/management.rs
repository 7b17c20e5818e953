use super::revision::Revision;
use super::text::SetName;

/// Which set of things one belongs to that are kept by a document, and what the document made of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Management {
    /// What the set is called.
    pub set: SetName,
    /// The revision that the document made or saw last. At another one, it was changed by hand since.
    pub revision: Revision,
}
