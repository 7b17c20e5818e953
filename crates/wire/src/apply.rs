use prediction_domain::model::{self, ApplyAction, ListLimit, MAX_APPLIED, Revision};
use prediction_domain::requests::{
    APPLIED_THINGS, ApplyDraft, BindingDraft, DescribedJobDraft, DescribedVersionDraft, InputDraft, NamedBindingDraft,
    OutputNameDraft, Sent, SourceDraft, SourceNameDraft, VersionNameDraft,
};
use prediction_domain::use_cases::{self, Applied, AppliedChange};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::fields::{List, Part, Shape};
use crate::input;
use crate::rules::{self, ANY_TEXT, FLAG, ID, LABEL, NAME, PRUNE, WORD, whole};
use crate::source;
use crate::source_version;
use crate::warning::Warning;

/// What becomes of everything in a document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ApplyResult {
    /// Says what is done, and nothing about when and where. Sent as `expect_plan`, this is done and nothing else.
    pub plan_digest: String,
    /// How many things there are of each action.
    pub counts: ApplyCounts,
    /// Each thing: those of the document in its order, then what is removed.
    pub changes: Vec<ApplyChange>,
    /// What was done and may not have been meant; left out when that is nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub warnings: Vec<Warning>,
}

/// How many things there are of each action.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ApplyCounts {
    /// They are new.
    #[schema(value_type = rules::Count, inline)]
    pub create: u64,
    /// They are changed.
    #[schema(value_type = rules::Count, inline)]
    pub update: u64,
    /// They are as the document says.
    #[schema(value_type = rules::Count, inline)]
    pub unchanged: u64,
    /// They come to this set.
    #[schema(value_type = rules::Count, inline)]
    pub adopt: u64,
    /// They do not run any more.
    #[schema(value_type = rules::Count, inline)]
    pub pause: u64,
    /// They are deleted.
    #[schema(value_type = rules::Count, inline)]
    pub delete: u64,
}

/// What becomes of one thing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ApplyChange {
    /// What kind of thing: `source`, `source_version`, `input` or `job`.
    pub resource: String,
    /// What it is called: the members by which documents name it.
    #[schema(value_type = HashMap<String, Value>)]
    pub key: Value,
    /// Its identity; null in a dry run for what is new.
    #[schema(value_type = rules::NullableId, inline)]
    pub id: Option<Uuid>,
    /// What becomes of it.
    #[schema(value_type = rules::OpenApplyAction, inline)]
    pub action: ApplyAction,
    /// The revision that it has then; null if it has none, or is deleted.
    #[schema(value_type = rules::NullableRevision, inline)]
    pub revision: Option<Revision>,
    /// In what it is different now. What is new has none.
    pub differences: Vec<ApplyDifference>,
    /// Whether there are more differences than the answer has room for.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    pub differences_omitted: bool,
    /// Where it is in the document: a JSON pointer; null for what is removed.
    pub document: Option<String>,
    /// Who changed it by hand since the document was applied last; left out if that did not happen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub changed_outside: Option<ChangedOutside>,
    /// How many runs are deleted with a job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<rules::Count>, inline, nullable = false)]
    pub runs: Option<u64>,
}

/// A member that is stored with another value than it is to have.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ApplyDifference {
    /// Where, within the thing: a JSON pointer.
    pub pointer: String,
    /// What is stored; null: nothing.
    pub stored: Value,
    /// What is to be stored; null: nothing.
    pub wanted: Value,
}

/// That something was changed by hand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChangedOutside {
    /// By whom; null where that is not known.
    #[schema(value_type = rules::NullableSubject, inline)]
    pub by: Option<model::Subject>,
    /// When it was changed last.
    #[schema(value_type = rules::Time, inline)]
    pub at: model::Timestamp,
}

impl From<Applied> for ApplyResult {
    fn from(applied: Applied) -> Self {
        let mut counts = ApplyCounts::default();
        let changes: Vec<ApplyChange> = applied.changes.into_iter().map(ApplyChange::from).collect();
        for change in &changes {
            let count = match change.action {
                ApplyAction::Create => &mut counts.create,
                ApplyAction::Update => &mut counts.update,
                ApplyAction::Adopt => &mut counts.adopt,
                ApplyAction::Pause => &mut counts.pause,
                ApplyAction::Delete => &mut counts.delete,
                _ => &mut counts.unchanged,
            };
            *count += 1;
        }
        let warnings = applied.warnings.into_iter().map(Warning::from).collect();
        Self { plan_digest: applied.plan_digest, counts, changes, warnings }
    }
}

impl From<AppliedChange> for ApplyChange {
    fn from(change: AppliedChange) -> Self {
        let difference = |difference: use_cases::Difference| ApplyDifference {
            pointer: difference.path.to_json_pointer(),
            stored: difference.stored,
            wanted: difference.wanted,
        };
        Self {
            resource: change.key.resource().as_str().to_owned(),
            key: change.key.to_json(),
            id: change.id,
            action: change.action,
            revision: change.revision,
            differences: change.differences.into_iter().map(difference).collect(),
            differences_omitted: change.differences_omitted,
            document: change.place.map(|place| place.to_json_pointer()),
            changed_outside: change
                .changed_outside
                .map(|use_cases::ChangedOutside { by, at }| ChangedOutside { by, at }),
            runs: change.runs,
        }
    }
}

static SOURCE_NAME: Shape<SourceNameDraft> = Shape {
    name: "SourceName",
    about: "A source, by its name.",
    members: |fields| SourceNameDraft {
        name: fields.text("name", NAME.required().about("Of a source of the document, or of one that is there.")),
        owner_organisation_id: fields.text(
            "owner_organisation_id",
            ID.nullable().about(
                "Whose it is; null: the platform's. A new job that runs a source of another organisation says it, here \
                 or under `sources`.",
            ),
        ),
    },
};

static VERSION_NAME: Shape<VersionNameDraft> = Shape {
    name: "SourceVersionName",
    about: "A version of the job's source, by its name.",
    members: |fields| VersionNameDraft { version: fields.text("version", LABEL.required()) },
};

static OUTPUT_NAME: Shape<OutputNameDraft> = Shape {
    name: "OutputName",
    about: "An output, by its job and role.",
    members: |fields| OutputNameDraft {
        job: fields
            .text("job", NAME.required().about("A job of the same organisation, in the document or there already.")),
        role: fields.text("role", WORD.required().about("The output role.")),
    },
};

static NAMED_BINDING: Shape<NamedBindingDraft> = Shape {
    name: "NamedRoleBinding",
    about: "An input role of the version, bound to an input by its id, or to an output by its job and role.",
    members: |fields| {
        let binding = BindingDraft {
            role: fields.text("role", WORD.required()),
            input_id: fields.text("input_id", ID.about("The input. Either this or `output`.")),
            input_type: fields.text("input_type", WORD.nullable().about("The role's `input_kind` when left out.")),
        };
        NamedBindingDraft {
            binding,
            output: fields.object("output", Part::OPTIONAL.about("Instead of `input_id`."), &OUTPUT_NAME),
        }
    },
};

static DESCRIBED_SOURCE: Shape<SourceDraft> = Shape {
    name: "DescribedSource",
    about: "A source, known by its name. What is left out of one that is there stays.",
    members: |fields| SourceDraft { id: Sent::Absent, ..source::members(fields) },
};

static DESCRIBED_VERSION: Shape<DescribedVersionDraft> = Shape {
    name: "DescribedSourceVersion",
    about: "A source version, known by its source and version. One that is there has to be as it is described.",
    members: |fields| DescribedVersionDraft {
        source: fields.object("source", Part::REQUIRED, &SOURCE_NAME),
        version: source_version::members(fields, LABEL.required()),
    },
};

static DESCRIBED_INPUT: Shape<InputDraft> = Shape {
    name: "DescribedInput",
    about: "An input, known by its organisation and id. What is left out of one that is there stays.",
    members: |fields| {
        let id = fields.text("id", ID.required().about("Its identity in the system that it belongs to."));
        InputDraft { id, ..input::members(fields) }
    },
};

static DESCRIBED_JOB: Shape<DescribedJobDraft> = Shape {
    name: "DescribedJob",
    about: "A job, known by its organisation and name. What is left out of one that is there stays.",
    members: |fields| DescribedJobDraft {
        organisation_id: fields
            .text("organisation_id", ID.nullable().about("Whose job it is; that of the document when left out.")),
        name: fields.text("name", NAME.required().about("Unique in its organisation.")),
        active: fields.flag("active", FLAG.about("Whether runners should run it. A new job runs when it is left out.")),
        source: fields.object("source", Part::OPTIONAL.about("A new job needs it. It never changes."), &SOURCE_NAME),
        source_version: fields.object("source_version", Part::OPTIONAL.about("A new job needs it."), &VERSION_NAME),
        role_bindings: fields.objects(
            "role_bindings",
            List::of(&model::BINDINGS).nullable().about("All bindings. A new job needs them."),
            &NAMED_BINDING,
        ),
    },
};

/// As many things as there are in a whole document.
static THINGS: &ListLimit = &APPLIED_THINGS;

/// Everything that a set of things is to be.
pub static APPLY: Shape<ApplyDraft> = Shape {
    name: "ApplyRequest",
    about: "Everything that a set of things is to be. Things are known by their natural keys, and refer to each other by them; what \
            is left out of a thing that is there stays as it is.",
    members: |fields| ApplyDraft {
        set: fields.text(
            "set",
            WORD.required().about("What the set is called that keeps these things: they are `managed_by` it."),
        ),
        organisation_id: fields.text(
            "organisation_id",
            ID.nullable().about(
                "Whose inputs and jobs they are that do not say it. A token of one organisation can leave it out.",
            ),
        ),
        expect_plan: fields.text(
            "expect_plan",
            ANY_TEXT
                .nullable()
                .about("The `plan_digest` of the plan that was looked at: another one is not carried out."),
        ),
        adopt: fields.flag(
            "adopt",
            FLAG.or(false).about("Whether things that are there and that no set keeps come to this set."),
        ),
        adopt_from: fields
            .text("adopt_from", WORD.nullable().about("Another set: things that it keeps come to this one.")),
        prune: fields.text("prune", PRUNE.about("What becomes of things of the set that are not in the document.")),
        prune_limit: fields.whole_number(
            "prune_limit",
            whole(0, MAX_APPLIED)
                .about("How many things are removed at the most; 10 when left out, and none by an empty document."),
        ),
        confirm_deletion: fields
            .flag("confirm_deletion", FLAG.or(false).about("Confirms that shorter retentions may delete values.")),
        sources: fields.objects("sources", List::of(THINGS).nullable(), &DESCRIBED_SOURCE),
        source_versions: fields.objects("source_versions", List::of(THINGS).nullable(), &DESCRIBED_VERSION),
        inputs: fields.objects("inputs", List::of(THINGS).nullable(), &DESCRIBED_INPUT),
        jobs: fields.objects("jobs", List::of(THINGS).nullable(), &DESCRIBED_JOB),
    },
};
