use prediction_domain::model::{
    Description, ExpectedIntervalMinutes, OrganisationId, RetentionHours, Revision, Sent, Source, SourceChangeDraft,
    SourceDraft, SourceId, SourceName, Timestamp, ValueCount, ValueProblem, ViolationCode,
};
use prediction_domain::use_cases::SourceChanged;
use serde::Serialize;
use utoipa::ToSchema;

use super::fields::Fields;

/// A runnable prediction model, shared by all organisations.
#[derive(Serialize, ToSchema)]
#[schema(as = Source)]
pub(crate) struct SourceBody {
    #[schema(value_type = uuid::Uuid)]
    id: SourceId,
    /// Whose it is: the organisation that changes it, deletes it and publishes its versions; null: the platform. All may use it.
    #[schema(value_type = Option<uuid::Uuid>)]
    owner_organisation_id: Option<OrganisationId>,
    /// Unique on the platform, compared without case.
    #[schema(value_type = String, min_length = 1, max_length = 200)]
    name: SourceName,
    #[schema(value_type = Option<String>, max_length = 10_000)]
    description: Option<Description>,
    /// How often its jobs are expected to deliver; null: nobody watches.
    #[schema(value_type = Option<i32>, minimum = 1, maximum = 5_256_000)]
    expected_interval_minutes: Option<ExpectedIntervalMinutes>,
    /// How long its predictions are kept; null: for ever.
    #[schema(value_type = Option<i32>, minimum = 1, maximum = 87_600)]
    retention_hours: Option<RetentionHours>,
    /// How often it was changed, the creation included.
    #[schema(value_type = i64, minimum = 1)]
    revision: Revision,
    #[schema(value_type = chrono::DateTime<chrono::Utc>)]
    created_at: Timestamp,
    #[schema(value_type = chrono::DateTime<chrono::Utc>)]
    updated_at: Timestamp,
}

impl From<Source> for SourceBody {
    fn from(source: Source) -> Self {
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
        }
    }
}

/// A source as it is after a change.
#[derive(Serialize, ToSchema)]
#[schema(as = SourceChanged)]
pub(crate) struct SourceChangedBody {
    #[serde(flatten)]
    source: SourceBody,
    /// What can be read no more with the shorter retention; left out when that is nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    deletes: Option<ValueCountBody>,
}

/// How many values, as far as they were counted.
#[derive(Serialize, ToSchema)]
#[schema(as = ValueCount)]
pub(crate) struct ValueCountBody {
    /// At most 10,000.
    #[schema(minimum = 0)]
    values: u64,
    /// Whose values they are, of whatever organisations. At most 1,000.
    #[schema(minimum = 0)]
    jobs: u64,
    /// Whether there may be more of either.
    at_least: bool,
}

impl From<SourceChanged> for SourceChangedBody {
    fn from(changed: SourceChanged) -> Self {
        let ValueCount { values, jobs, is_at_least } = changed.deletes;
        let deletes = ValueCountBody { values, jobs, at_least: is_at_least };
        let source = changed.source.into();
        Self { source, deletes: (!changed.deletes.is_none()).then_some(deletes) }
    }
}

pub(crate) fn decode_source(fields: &mut Fields<'_>) -> SourceDraft {
    SourceDraft {
        id: fields.text("id"),
        owner_organisation_id: fields.text("owner_organisation_id"),
        name: fields.text("name"),
        description: fields.text("description"),
        expected_interval_minutes: decode_interval(fields),
        retention_hours: fields.whole_number("retention_hours"),
    }
}

pub(crate) fn decode_source_change(fields: &mut Fields<'_>) -> SourceChangeDraft {
    fields.computed(&["created_at", "updated_at", "deletes"]);
    SourceChangeDraft {
        source: decode_source(fields),
        revision: fields.whole_number("revision"),
        confirm_deletion: fields.flag("confirm_deletion"),
    }
}

/// The tutorial's first edition spelt the member `expectedintervalminutes`, and programs were written by it.
fn decode_interval(fields: &mut Fields<'_>) -> Sent<i128> {
    let sent = fields.whole_number("expected_interval_minutes");
    let other = fields.whole_number("expectedintervalminutes");
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

/// A source, to be created or found.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes in the OpenAPI document what decode_source reads")]
pub(crate) struct NewSource {
    /// Its identity, when you want to choose it.
    id: Option<uuid::Uuid>,
    /// Whose it is to be. A token of one organisation can leave it out; with a token for all organisations it is the platform's
    /// then.
    owner_organisation_id: Option<uuid::Uuid>,
    /// Unique on the platform, compared without case.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// What it predicts, for people.
    #[schema(max_length = 10_000)]
    description: Option<String>,
    /// How often its jobs are expected to deliver.
    #[schema(minimum = 1, maximum = 5_256_000)]
    expected_interval_minutes: Option<i32>,
    /// An older spelling of `expected_interval_minutes`.
    #[schema(minimum = 1, maximum = 5_256_000, deprecated)]
    expectedintervalminutes: Option<i32>,
    /// How long its predictions are kept.
    #[schema(minimum = 1, maximum = 87_600)]
    retention_hours: Option<i32>,
}

/// Changes to a source. What is left out stays; what GET returned can be sent back.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes in the OpenAPI document what decode_source_change reads")]
pub(crate) struct SourceChange {
    /// May be repeated, but never changes.
    #[schema(nullable = false)]
    id: Option<uuid::Uuid>,
    /// May be repeated. A token for all organisations can hand the source to another owner; null is the platform.
    owner_organisation_id: Option<uuid::Uuid>,
    #[schema(min_length = 1, max_length = 200, nullable = false)]
    name: Option<String>,
    /// null clears it.
    #[schema(max_length = 10_000)]
    description: Option<String>,
    /// null clears it.
    #[schema(minimum = 1, maximum = 5_256_000)]
    expected_interval_minutes: Option<i32>,
    /// An older spelling of `expected_interval_minutes`.
    #[schema(minimum = 1, maximum = 5_256_000, deprecated)]
    expectedintervalminutes: Option<i32>,
    /// null clears it.
    #[schema(minimum = 1, maximum = 87_600)]
    retention_hours: Option<i32>,
    /// Only this revision is changed, like If-Match.
    #[schema(minimum = 1)]
    revision: Option<i64>,
    /// That values are deleted by a shorter retention is meant.
    #[schema(nullable = false, default = false)]
    confirm_deletion: Option<bool>,
    /// Ignored.
    deletes: Option<serde_json::Value>,
    /// Ignored.
    created_at: Option<serde_json::Value>,
    /// Ignored.
    updated_at: Option<serde_json::Value>,
}
