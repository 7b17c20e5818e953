use prediction_domain::model::{
    self, InputId, InputKind, InputName, JobId, JobName, Metric, OrganisationId, Revision, RoleName, SetName,
    Timestamp, Unit,
};
use prediction_domain::requests::{IMPORTED_INPUTS, ImportDraft, InputDraft, Sent};
use prediction_domain::use_cases::{self, InputPut, InputsImported};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::fields::{Fields, List, ReadOnly, Shape};
use crate::rules::{self, ID, NAME, REVISION, TIME, WORD};
use crate::warning::Warning;

/// A thing that can be bound to an input role, as its organisation registered it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Input {
    /// Its identity in the system that it belongs to. Two organisations may each have an input with the same id.
    #[schema(value_type = rules::Id, inline)]
    pub id: InputId,
    /// Whose it is.
    #[schema(value_type = rules::Id, inline)]
    pub organisation_id: OrganisationId,
    /// What it is, such as a sensor: the `input_kind` of the roles that it can be bound to.
    #[schema(value_type = rules::Word, inline)]
    pub kind: InputKind,
    /// What people call it. Not unique.
    #[schema(value_type = rules::Name, inline)]
    pub name: InputName,
    /// What it measures; null: not known.
    #[schema(value_type = rules::NullableWord, inline)]
    pub metric: Option<Metric>,
    /// In which unit; null: not known.
    #[schema(value_type = rules::NullableWord, inline)]
    pub unit: Option<Unit>,
    /// How often it was changed, the creation included.
    #[schema(value_type = rules::RevisionNumber, inline)]
    pub revision: Revision,
    /// When it was registered.
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

impl From<model::Input> for Input {
    fn from(input: model::Input) -> Self {
        let model::Input {
            id,
            organisation_id,
            kind,
            name,
            metric,
            unit,
            revision,
            created_at,
            updated_at,
            management,
        } = input;
        let managed_by = management.map(|management| management.set);
        Self { id, organisation_id, kind, name, metric, unit, revision, created_at, updated_at, managed_by }
    }
}

/// What became of an input that was put.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum InputOutcome {
    /// It is new.
    Created,
    /// It was there, and is changed.
    Changed,
    /// It was there like that.
    Unchanged,
}

/// Stands for an outcome where answers are described.
type OpenInputOutcome = rules::Open<InputOutcome>;

impl From<use_cases::InputOutcome> for InputOutcome {
    fn from(outcome: use_cases::InputOutcome) -> Self {
        match outcome {
            use_cases::InputOutcome::Created => Self::Created,
            use_cases::InputOutcome::Changed => Self::Changed,
            use_cases::InputOutcome::Unchanged => Self::Unchanged,
        }
    }
}

/// What became of an import.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct InputImport {
    /// How many inputs there are of each outcome.
    pub counts: InputImportCounts,
    /// What became of each input, in the order of the request.
    pub results: Vec<InputImportResult>,
    /// What was done and may not have been meant; left out when that is nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub warnings: Vec<Warning>,
}

/// How many inputs there are of each outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InputImportCounts {
    /// They are new.
    #[schema(value_type = rules::Count, inline)]
    pub created: u64,
    /// They were there, and are changed.
    #[schema(value_type = rules::Count, inline)]
    pub changed: u64,
    /// They were there like that.
    #[schema(value_type = rules::Count, inline)]
    pub unchanged: u64,
}

/// What became of one input of an import.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InputImportResult {
    /// The input.
    #[schema(value_type = rules::Id, inline)]
    pub id: InputId,
    /// Whose it is.
    #[schema(value_type = rules::Id, inline)]
    pub organisation_id: OrganisationId,
    /// What became of it.
    #[schema(value_type = OpenInputOutcome, inline)]
    pub outcome: InputOutcome,
    /// Its revision now.
    #[schema(value_type = rules::RevisionNumber, inline)]
    pub revision: Revision,
}

impl From<InputsImported> for InputImport {
    fn from(InputsImported { inputs, warnings }: InputsImported) -> Self {
        let mut counts = InputImportCounts::default();
        let result = |input: use_cases::ImportedInput| {
            let outcome = InputOutcome::from(input.outcome);
            match outcome {
                InputOutcome::Created => counts.created += 1,
                InputOutcome::Changed => counts.changed += 1,
                InputOutcome::Unchanged => counts.unchanged += 1,
            }
            InputImportResult {
                id: input.id,
                organisation_id: input.organisation_id,
                outcome,
                revision: input.revision,
            }
        };
        let results = inputs.into_iter().map(result).collect();
        Self { counts, results, warnings: warnings.into_iter().map(Warning::from).collect() }
    }
}

/// A job that has an input bound.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InputUse {
    /// The job.
    #[schema(value_type = rules::Id, inline)]
    pub job_id: JobId,
    /// The organisation that it runs for.
    #[schema(value_type = rules::Id, inline)]
    pub organisation_id: OrganisationId,
    /// What it is called.
    #[schema(value_type = rules::Name, inline)]
    pub name: JobName,
    /// Whether runners should run it.
    pub active: bool,
    /// The roles that the input is bound to.
    #[schema(value_type = Vec<rules::Word>)]
    pub roles: Vec<RoleName>,
}

impl From<use_cases::InputUse> for InputUse {
    fn from(found: use_cases::InputUse) -> Self {
        let use_cases::InputUse { job_id, organisation_id, name, active, roles } = found;
        Self { job_id, organisation_id, name, active, roles }
    }
}

/// An input to be registered or changed.
pub static PUT_INPUT: Shape<InputDraft> = Shape {
    name: "PutInputRequest",
    about: "An input to be registered or changed. What is left out of one that is there stays; what GET returned can be sent back.",
    members: |fields| {
        fields.read_only("created_at", ReadOnly::Value(TIME));
        fields.read_only("updated_at", ReadOnly::Value(TIME));
        fields.read_only("managed_by", ReadOnly::Value(WORD.nullable()));
        fields.read_only("warnings", ReadOnly::List("Warning"));
        let id = fields.text("id", ID.about("May be repeated, but never changes."));
        draft(fields, id)
    },
};

static IMPORTED_INPUT: Shape<InputDraft> = Shape {
    name: "ImportedInput",
    about: "One input of many, to be registered or changed. What is left out of one that is there stays.",
    members: |fields| {
        fields.read_only("created_at", ReadOnly::Value(TIME));
        fields.read_only("updated_at", ReadOnly::Value(TIME));
        fields.read_only("managed_by", ReadOnly::Value(WORD.nullable()));
        let id = fields.text("id", ID.required().about("Its identity in the system that it belongs to."));
        draft(fields, id)
    },
};

/// Many inputs, to be registered or changed.
pub static IMPORT_INPUTS: Shape<ImportDraft> = Shape {
    name: "ImportInputsRequest",
    about: "Many inputs, to be registered or changed: all of it is stored or nothing.",
    members: |fields| ImportDraft {
        items: fields.objects("items", List::of(&IMPORTED_INPUTS).required(), &IMPORTED_INPUT),
    },
};

fn draft(fields: &mut Fields<'_>, id: Sent<String>) -> InputDraft {
    let revision =
        fields.whole_number("revision", REVISION.nullable().about("Only this revision is changed, like If-Match."));
    InputDraft { id, revision, ..members(fields) }
}

/// All that describes an input but its id.
pub(crate) fn members(fields: &mut Fields<'_>) -> InputDraft {
    InputDraft {
        id: Sent::Absent,
        organisation_id: fields.text(
            "organisation_id",
            ID.nullable().about("Whose it is. Never changes. A token of one organisation can leave it out."),
        ),
        kind: fields.text("kind", WORD.about("What it is, such as sensor. A new input needs it.")),
        name: fields.text("name", NAME.about("What people call it. A new input needs it.")),
        metric: fields.text("metric", WORD.nullable().about("What it measures; null: not known.")),
        unit: fields.text("unit", WORD.nullable().about("In which unit; null: not known.")),
        revision: Sent::Absent,
    }
}

/// An input as it is after a change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct UpdatedInput {
    /// The input.
    #[serde(flatten)]
    pub input: Input,
    /// What was done and may not have been meant; left out when that is nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub warnings: Vec<Warning>,
}

impl From<InputPut> for UpdatedInput {
    fn from(put: InputPut) -> Self {
        Self { input: put.input.into(), warnings: put.warnings.into_iter().map(Warning::from).collect() }
    }
}
