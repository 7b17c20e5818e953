use crate::model::id::{InputId, OrganisationId};
use crate::model::management::Management;
use crate::model::revision::Revision;
use crate::model::text::{InputKind, InputName, Metric, Unit};
use crate::model::timestamp::Timestamp;

/// A thing that can be bound to an input role, as its organisation registered it. It belongs to another system, which
/// gave it its id.
///
/// Each organisation has a directory of its own: two may each register an input with the same id, and neither learns of
/// the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// Its identity within its organisation.
    pub id: InputId,
    /// Whose it is. Never changes.
    pub organisation_id: OrganisationId,
    /// What it is, such as a sensor: see [`InputRole::input_kind`](crate::model::InputRole::input_kind).
    pub kind: InputKind,
    /// What people call it. Not unique.
    pub name: InputName,
    /// What it measures; `None`: not known.
    pub metric: Option<Metric>,
    /// In which unit; `None`: not known.
    pub unit: Option<Unit>,
    /// How often it was changed.
    pub revision: Revision,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// What keeps it, if it is not kept by hand.
    pub management: Option<Management>,
}

impl Input {
    /// Where it is in the list of inputs.
    #[must_use]
    pub fn position(&self) -> InputPosition {
        InputPosition { organisation_id: self.organisation_id, id: self.id }
    }
}

/// A place in the list of inputs, which is ordered by organisation and id: behind this one, whether it is there or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InputPosition {
    /// The organisation.
    pub organisation_id: OrganisationId,
    /// The input.
    pub id: InputId,
}

impl From<InputPosition> for (OrganisationId, InputId) {
    fn from(position: InputPosition) -> Self {
        (position.organisation_id, position.id)
    }
}
