use prediction_domain::model::{self, OrganisationId, OrganisationName};
use prediction_domain::requests::OrganisationDraft;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::fields::Shape;
use crate::rules::{self, ID, NAME};

/// A customer, with the name that people know it by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Organisation {
    /// Its identity in the system that it belongs to.
    #[schema(value_type = rules::Id, inline)]
    pub id: OrganisationId,
    /// Its name, for people; null: it has none. Not unique.
    #[schema(value_type = rules::NullableName, inline)]
    pub name: Option<OrganisationName>,
}

impl From<model::Organisation> for Organisation {
    fn from(model::Organisation { id, name }: model::Organisation) -> Self {
        Self { id, name }
    }
}

/// What an organisation is called.
pub static NAME_ORGANISATION: Shape<OrganisationDraft> = Shape {
    name: "NameOrganisationRequest",
    about: "What an organisation is called.",
    members: |fields| OrganisationDraft {
        id: fields.text("id", ID.about("May be repeated, but never changes.")),
        name: fields.text("name", NAME.required().nullable().about("null takes the name away.")),
    },
};
