use prediction_domain::model::{self, Description, LifecycleStage, Revision, SourceVersionId, Subject, Timestamp};
use prediction_domain::requests::LifecycleChangeDraft;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::fields::{ReadOnly, Shape};
use crate::rules::{self, ANY_TEXT, ID, PROSE, REVISION, STAGE, TIME};

/// Where a source version is in its life. It begins active. Its contract never changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Lifecycle {
    /// Whether it should be run.
    #[schema(value_type = rules::OpenLifecycleStage, inline)]
    pub stage: LifecycleStage,
    /// Why, for people.
    #[schema(value_type = rules::NullableProse, inline)]
    pub reason: Option<Description>,
    /// The version of the same source that should be run instead.
    #[schema(value_type = rules::NullableId, inline)]
    pub replaced_by: Option<SourceVersionId>,
    /// When it will not be supported any more. The service does nothing then.
    #[schema(value_type = rules::NullableTime, inline)]
    pub end_of_life_at: Option<Timestamp>,
    /// How often this was changed, the publication included.
    #[schema(value_type = rules::RevisionNumber, inline)]
    pub revision: Revision,
    /// When this was last changed; null: never.
    #[schema(value_type = rules::NullableTime, inline)]
    pub changed_at: Option<Timestamp>,
    /// The author of the last change.
    #[schema(value_type = rules::NullableSubject, inline)]
    pub changed_by: Option<Subject>,
}

impl From<model::Lifecycle> for Lifecycle {
    fn from(lifecycle: model::Lifecycle) -> Self {
        let model::Lifecycle { stage, reason, replaced_by, end_of_life_at, revision, changed_at, changed_by } =
            lifecycle;
        Self { stage, reason, replaced_by, end_of_life_at, revision, changed_at, changed_by }
    }
}

/// Changes to the lifecycle of a source version.
pub static UPDATE_LIFECYCLE: Shape<LifecycleChangeDraft> = Shape {
    name: "UpdateLifecycleRequest",
    about: "Changes to the lifecycle of a source version. What is left out stays; what GET returned can be sent back.",
    members: |fields| {
        const ENDS: &str = "null clears it. A version that is active has none: with that stage, it is cleared.";
        fields.read_only("changed_at", ReadOnly::Value(TIME));
        fields.read_only("changed_by", ReadOnly::Value(ANY_TEXT));
        LifecycleChangeDraft {
            stage: fields.text("stage", STAGE),
            reason: fields.text("reason", PROSE.nullable().about("null clears it.")),
            replaced_by: fields.text("replaced_by", ID.nullable().about(ENDS)),
            end_of_life_at: fields.text("end_of_life_at", TIME.nullable().about(ENDS)),
            revision: fields
                .whole_number("revision", REVISION.nullable().about("Only this revision is changed, like If-Match.")),
        }
    },
};
