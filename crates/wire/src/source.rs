use prediction_domain::model::{
    self, Description, ExpectedIntervalMinutes, OrganisationId, RetentionHours, Revision, SetName, SourceId,
    SourceName, Timestamp, ValueProblem, ViolationCode,
};
use prediction_domain::requests::{Sent, SourceChangeDraft, SourceDraft};
use prediction_domain::use_cases::SourceChanged;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::fields::{Fields, ReadOnly, Shape};
use crate::rules::{self, FLAG, ID, INTERVAL, NAME, PROSE, RETENTION, REVISION, TIME, WORD};

/// A runnable prediction model, shared by all organisations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Source {
    /// Its identity.
    #[schema(value_type = rules::Id, inline)]
    pub id: SourceId,
    /// Whose it is: the organisation that changes it, deletes it and publishes its versions; null: the platform. All
    /// may use it.
    #[schema(value_type = rules::NullableId, inline)]
    pub owner_organisation_id: Option<OrganisationId>,
    /// Unique on the platform, compared without case.
    #[schema(value_type = rules::Name, inline)]
    pub name: SourceName,
    /// What it predicts, for people.
    #[schema(value_type = rules::NullableProse, inline)]
    pub description: Option<Description>,
    /// How often its jobs are expected to deliver; null: they are not monitored.
    #[schema(value_type = rules::NullableInterval, inline)]
    pub expected_interval_minutes: Option<ExpectedIntervalMinutes>,
    /// How long its predictions are kept; null: for ever.
    #[schema(value_type = rules::NullableRetention, inline)]
    pub retention_hours: Option<RetentionHours>,
    /// How often it was changed, the creation included.
    #[schema(value_type = rules::RevisionNumber, inline)]
    pub revision: Revision,
    /// When it was created.
    #[schema(value_type = rules::Time, inline)]
    pub created_at: Timestamp,
    /// When it was last changed.
    #[schema(value_type = rules::Time, inline)]
    pub updated_at: Timestamp,
    /// The set of things that keeps it; null: it is kept by hand.
    #[serde(default)]
    #[schema(value_type = rules::NullableWord, inline)]
    pub managed_by: Option<SetName>,
}

impl From<model::Source> for Source {
    fn from(source: model::Source) -> Self {
        Self {
            id: source.id,
            owner_organisation_id: source.owner_organisation_id,
            name: source.name,
            description: source.description,
            expected_interval_minutes: source.expected_interval_minutes,
            retention_hours: source.retention_hours,
            revision: source.revision,
            created_at: source.created_at,
            updated_at: source.updated_at,
            managed_by: source.management.map(|management| management.set),
        }
    }
}

/// A source as it is after a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UpdatedSource {
    /// The source.
    #[serde(flatten)]
    pub source: Source,
    /// What can be read no more with the shorter retention; left out when that is nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub deletes: Option<ValueCount>,
}

/// How many values, as far as they were counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ValueCount {
    /// At most 10,000.
    #[schema(minimum = 0)]
    pub values: u64,
    /// Whose values they are, of whatever organisations. At most 1,000.
    #[schema(minimum = 0)]
    pub jobs: u64,
    /// Whether there may be more of either.
    pub at_least: bool,
}

impl From<SourceChanged> for UpdatedSource {
    fn from(changed: SourceChanged) -> Self {
        let model::ValueCount { values, jobs, is_at_least } = changed.deletes;
        let deletes = ValueCount { values, jobs, at_least: is_at_least };
        let source = changed.source.into();
        Self { source, deletes: (!changed.deletes.is_none()).then_some(deletes) }
    }
}

/// A source, to be created or found.
pub static CREATE_SOURCE: Shape<SourceDraft> = Shape {
    name: "CreateSourceRequest",
    about: "A source, to be created or found.",
    members: |fields| {
        let id = fields.text("id", ID.nullable().about("Its identity, when you want to choose it."));
        SourceDraft { id, ..members(fields) }
    },
};

/// All that describes a source but its id.
pub(crate) fn members(fields: &mut Fields<'_>) -> SourceDraft {
    SourceDraft {
        id: Sent::Absent,
        owner_organisation_id: fields.text(
            "owner_organisation_id",
            ID.nullable().about(
                "Whose it is to be. A token of one organisation can leave it out; with a token for all organisations it is the \
                 platform's then.",
            ),
        ),
        name: fields.text("name", NAME.required().about("Unique on the platform, compared without case.")),
        description: fields.text("description", PROSE.nullable().about("What it predicts, for people.")),
        expected_interval_minutes: interval(fields, "How often its jobs are expected to deliver."),
        retention_hours: fields
            .whole_number("retention_hours", RETENTION.nullable().about("How long its predictions are kept.")),
    }
}

/// The source of a setup.
pub(crate) static SETUP_SOURCE: Shape<SourceDraft> = Shape {
    name: "JobSetupSource",
    about: "The source of a setup.",
    members: |fields| SourceDraft {
        id: fields.text("id", ID.nullable()),
        owner_organisation_id: fields.text(
            "owner_organisation_id",
            ID.nullable().about(
                "Whose it is. Left out, a name is that of a source of the setup's organisation or of the platform.",
            ),
        ),
        name: fields.text("name", NAME.nullable()),
        description: fields.text("description", PROSE.nullable()),
        expected_interval_minutes: interval(fields, ""),
        retention_hours: fields.whole_number("retention_hours", RETENTION.nullable()),
    },
};

/// Changes to a source.
pub static UPDATE_SOURCE: Shape<SourceChangeDraft> = Shape {
    name: "UpdateSourceRequest",
    about: "Changes to a source. What is left out stays; what GET returned can be sent back.",
    members: |fields| {
        const CLEARS: &str = "null clears it.";
        fields.read_only("created_at", ReadOnly::Value(TIME));
        fields.read_only("updated_at", ReadOnly::Value(TIME));
        fields.read_only("managed_by", ReadOnly::Value(WORD.nullable()));
        fields.read_only("deletes", ReadOnly::One("ValueCount"));
        let source = SourceDraft {
            id: fields.text("id", ID.about("May be repeated, but never changes.")),
            owner_organisation_id: fields.text(
                "owner_organisation_id",
                ID.nullable().about(
                    "May be repeated. A token for all organisations can hand the source to another owner; null is the platform.",
                ),
            ),
            name: fields.text("name", NAME),
            description: fields.text("description", PROSE.nullable().about(CLEARS)),
            expected_interval_minutes: interval(fields, CLEARS),
            retention_hours: fields.whole_number("retention_hours", RETENTION.nullable().about(CLEARS)),
        };
        SourceChangeDraft {
            source,
            revision: fields
                .whole_number("revision", REVISION.nullable().about("Only this revision is changed, like If-Match.")),
            confirm_deletion: fields
                .flag("confirm_deletion", FLAG.or(false).about("Confirms that a shorter retention may delete values.")),
        }
    },
};

/// The tutorial's first edition spelt the member `expectedintervalminutes`, and programs were written by it.
fn interval(fields: &mut Fields<'_>, about: &'static str) -> Sent<i128> {
    let sent = fields.whole_number("expected_interval_minutes", INTERVAL.nullable().about(about));
    let old = INTERVAL.nullable().deprecated().about("An older spelling of `expected_interval_minutes`.");
    let other = fields.whole_number("expectedintervalminutes", old);
    if !other.is_present() {
        return sent;
    }
    if sent.is_present() && sent != other {
        fields.report(
            "expectedintervalminutes",
            ValueProblem::new(ViolationCode::Disagrees, "disagrees with expected_interval_minutes")
                .hint("send expected_interval_minutes alone"),
        );
        return Sent::Unreadable;
    }
    other
}
