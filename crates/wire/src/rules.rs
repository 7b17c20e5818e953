//! What members of requests and answers are, each kind written down once: its limits are the domain's constants.

use std::borrow::Cow;
use std::marker::PhantomData;

use prediction_domain::model::{
    self, ExpectedIntervalMinutes, MAX_DESCRIPTION_CHARS, MAX_NAME_CHARS, MAX_PREDICTIONS, MAX_WORD_CHARS,
    RetentionHours,
};
use serde_json::Value;
use utoipa::openapi::schema::{AnyOfBuilder, KnownFormat, ObjectBuilder, Schema, SchemaFormat, SchemaType, Type};
use utoipa::openapi::{Deprecated, Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

use crate::texts;

/// What a member is, for its description. What is sent is judged by the domain.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "each is a keyword of a schema")]
pub struct Rule {
    form: Form,
    about: &'static str,
    pub(crate) is_required: bool,
    is_nullable: bool,
    is_deprecated: bool,
    is_read_only: bool,
    default: Option<bool>,
}

#[derive(Debug, Clone, Copy)]
enum Form {
    Uuid,
    Time,
    Text {
        least: usize,
        most: Option<usize>,
        pattern: Option<fn() -> String>,
    },
    Choice(&'static [&'static str]),
    /// A schema of that name.
    Named(&'static str),
    Whole {
        least: i64,
        most: Option<i64>,
        format: KnownForm,
    },
    Number,
    Flag,
}

#[derive(Debug, Clone, Copy)]
enum KnownForm {
    Int32,
    Int64,
}

/// An id.
pub const ID: Rule = Rule::of(Form::Uuid);
/// A time (RFC 3339).
pub const TIME: Rule = Rule::of(Form::Time);
/// The name of a source or a job.
pub const NAME: Rule = text(1, MAX_NAME_CHARS, texts::trimmed);
/// A role, kind, metric or unit.
pub const WORD: Rule = text(1, MAX_WORD_CHARS, texts::word);
/// What a version is called.
pub const LABEL: Rule = text(1, MAX_WORD_CHARS, texts::trimmed);
/// Text for people.
pub const PROSE: Rule = text(0, MAX_DESCRIPTION_CHARS, texts::prose);
/// Text of any length, which is made storable.
pub const ANY_TEXT: Rule = Rule::of(Form::Text { least: 0, most: None, pattern: None });
/// How often something was changed.
pub const REVISION: Rule = Rule::of(Form::Whole { least: 1, most: None, format: KnownForm::Int64 });
/// How often a source's jobs are to deliver.
pub const INTERVAL: Rule =
    Rule::of(Form::Whole { least: 1, most: Some(ExpectedIntervalMinutes::MAX as i64), format: KnownForm::Int32 });
/// How long values are kept.
pub const RETENTION: Rule =
    Rule::of(Form::Whole { least: 1, most: Some(RetentionHours::MAX as i64), format: KnownForm::Int32 });
/// How many there are of something.
pub(crate) const COUNT: Rule = Rule::of(Form::Whole { least: 0, most: None, format: KnownForm::Int64 });
/// A number.
pub const NUMBER: Rule = Rule::of(Form::Number);
/// True or false.
pub const FLAG: Rule = Rule::of(Form::Flag);

const fn text(least: usize, most: usize, pattern: fn() -> String) -> Rule {
    Rule::of(Form::Text { least, most: Some(most), pattern: Some(pattern) })
}

/// What an upgrade would come to.
pub const IMPACT_OUTCOME: Rule = Rule::named("ImpactOutcome");
/// Where a source version is in its life.
pub const STAGE: Rule = Rule::named("LifecycleStage");

/// A whole number between these.
#[expect(clippy::cast_possible_wrap, reason = "limits are far below")]
pub(crate) const fn whole(least: i64, most: usize) -> Rule {
    Rule::of(Form::Whole { least, most: Some(most as i64), format: KnownForm::Int32 })
}

/// What becomes of things that a document does not have any more.
pub(crate) const PRUNE: Rule = Rule::of(Form::Choice(PRUNES));

/// How a run ended.
pub const RUN_STATUS: Rule = Rule::named("RunStatus");

#[expect(clippy::cast_possible_wrap, reason = "far below")]
const MOST_PREDICTIONS: i64 = MAX_PREDICTIONS as i64;

/// The words of all values of an enumeration.
macro_rules! words_of {
    ($enumeration:ty) => {
        &{
            let mut words = [""; <$enumeration>::ALL.len()];
            let mut index = 0;
            while index < words.len() {
                words[index] = <$enumeration>::ALL[index].as_str();
                index += 1;
            }
            words
        }
    };
}

const COMPATIBILITIES: &[&str] = words_of!(model::Compatibility);
const ROLE_CHANGES: &[&str] = words_of!(model::RoleChange);
const IMPACT_OUTCOMES: &[&str] = words_of!(model::ImpactOutcome);
const STAGES: &[&str] = words_of!(model::LifecycleStage);
const INPUT_ACTIONS: &[&str] = words_of!(model::InputAction);
const OUTPUT_ACTIONS: &[&str] = words_of!(model::OutputAction);
const APPLY_ACTIONS: &[&str] = words_of!(model::ApplyAction);
const PRUNES: &[&str] = words_of!(model::Prune);
const RUN_STATUSES: &[&str] = words_of!(model::RunStatus);
const HEALTH_STATUSES: &[&str] = words_of!(model::HealthStatus);

impl Rule {
    const fn of(form: Form) -> Self {
        Self {
            form,
            about: "",
            is_required: false,
            is_nullable: false,
            is_deprecated: false,
            is_read_only: false,
            default: None,
        }
    }

    /// A schema of that name.
    pub(crate) const fn named(name: &'static str) -> Self {
        Self::of(Form::Named(name))
    }

    /// What it says, for people.
    #[must_use]
    pub const fn about(self, about: &'static str) -> Self {
        Self { about, ..self }
    }

    /// It has to be there.
    #[must_use]
    pub const fn required(self) -> Self {
        Self { is_required: true, ..self }
    }

    /// It can be null.
    #[must_use]
    pub const fn nullable(self) -> Self {
        Self { is_nullable: true, ..self }
    }

    /// There is another one to be used instead.
    #[must_use]
    pub const fn deprecated(self) -> Self {
        Self { is_deprecated: true, ..self }
    }

    /// Answers have it, and in requests it has no effect.
    #[must_use]
    pub(crate) const fn read_only(self) -> Self {
        Self { is_read_only: true, ..self }
    }

    /// What it is when it is left out.
    #[must_use]
    pub const fn or(self, default: bool) -> Self {
        Self { default: Some(default), ..self }
    }

    /// The schema.
    #[must_use]
    pub fn schema(&self) -> RefOr<Schema> {
        if let Form::Named(name) = self.form {
            let mut reference = Ref::from_schema_name(name);
            self.about.clone_into(&mut reference.description);
            return RefOr::Ref(reference);
        }
        let (kind, object) = self.form.object();
        let kinds = if self.is_nullable { vec![kind, Type::Null] } else { vec![kind] };
        let kinds = match kinds.as_slice() {
            [kind] => SchemaType::Type(kind.clone()),
            _ => SchemaType::from_iter(kinds),
        };
        let object = object
            .schema_type(kinds)
            .description((!self.about.is_empty()).then_some(self.about))
            .deprecated(self.is_deprecated.then_some(Deprecated::True))
            .default(self.default.map(Value::from));
        let object = if self.is_read_only { object.read_only(true) } else { object };
        RefOr::T(Schema::Object(object.build()))
    }
}

impl Form {
    #[expect(clippy::cast_precision_loss, reason = "limits are far below 2^53")]
    fn object(self) -> (Type, ObjectBuilder) {
        let object = ObjectBuilder::new();
        let known = |format| Some(SchemaFormat::KnownFormat(format));
        match self {
            Self::Uuid => (Type::String, object.format(known(KnownFormat::Uuid))),
            Self::Time => (Type::String, object.format(known(KnownFormat::DateTime))),
            Self::Text { least, most, pattern } => {
                let object = object.min_length((least > 0).then_some(least)).max_length(most);
                (Type::String, object.pattern(pattern.map(|pattern| pattern())))
            }
            Self::Named(_) => (Type::Object, object),
            Self::Choice(words) => (Type::String, object.enum_values(Some(words.iter().copied()))),
            Self::Whole { least, most, format } => {
                let format = match format {
                    KnownForm::Int32 => KnownFormat::Int32,
                    KnownForm::Int64 => KnownFormat::Int64,
                };
                let object = object.format(known(format)).minimum(Some(least as f64));
                (Type::Integer, object.maximum(most.map(|most| most as f64)))
            }
            Self::Number => (Type::Number, object.format(known(KnownFormat::Double))),
            Self::Flag => (Type::Boolean, object),
        }
    }
}

/// Types that stand for a rule where answers are described: they are never values.
macro_rules! stand_ins {
    ($($name:ident = $rule:expr;)+) => {
        $(
            pub(crate) enum $name {}

            impl PartialSchema for $name {
                fn schema() -> RefOr<Schema> {
                    $rule.schema()
                }
            }

            impl ToSchema for $name {}
        )+
    };
}

stand_ins! {
    Id = ID;
    NullableId = ID.nullable();
    Time = TIME;
    NullableTime = TIME.nullable();
    Name = NAME;
    NullableName = NAME.nullable();
    Word = WORD;
    NullableWord = WORD.nullable();
    Label = LABEL;
    NullableProse = PROSE.nullable();
    RevisionNumber = REVISION;
    NullableRevision = REVISION.nullable();
    Count = COUNT;
    NullableInterval = INTERVAL.nullable();
    NullableRetention = RETENTION.nullable();
    NullableSubject = text_of(model::Subject::MAX_CHARS).nullable();
    PredictionCount = Rule::of(Form::Whole { least: 0, most: Some(MOST_PREDICTIONS), format: KnownForm::Int32 });
    RunStatus = Rule::of(Form::Choice(RUN_STATUSES)).about("How a run ended.");
    HealthStatus = Rule::of(Form::Choice(HEALTH_STATUSES)).about(
        "The first that fits. `paused`: not active. `unmonitored`: its source does not say how often it is to deliver. \
         `overdue`: more than an interval and the grace since it delivered or was activated. `failing`: the newest run failed. \
         `late`: more than an interval. `new`: no run yet. `on_time`: otherwise."
    );
    Compatibility = Rule::of(Form::Choice(COMPATIBILITIES)).about(
        "The least first. `identical`: nothing changes. `compatible`: bindings fit as they are, and outputs say at least what they \
         said. `needs_binding`: a role has to be bound, or bound to another input. `breaking`: readers of outputs miss something, or \
         get it in another metric or unit."
    );
    RoleChange = Rule::of(Form::Choice(ROLE_CHANGES)).about("What became of a role.");
    LifecycleStage = Rule::of(Form::Choice(STAGES)).about(
        "`active`: it should be run; so it begins. `deprecated`: jobs should leave it, and a job that comes to it is told so. \
         `withdrawn`: no job comes to it; jobs that run it go on."
    );
    ImpactOutcome = Rule::of(Form::Choice(IMPACT_OUTCOMES)).about(
        "`ready`: an upgrade would succeed without help. `needs_binding`: a role has to be bound first. `breaking`: it would succeed, \
         and readers would miss an output, or get it in another metric or unit. `up_to_date`: the job runs the version already. \
         `blocked`: the version is withdrawn, or lacks an output that other jobs read."
    );
    InputAction = Rule::of(Form::Choice(INPUT_ACTIONS)).about(
        "`kept`: its binding stays. `renamed`: what was bound to its former name is bound to it. `rebound`: it is bound anew, instead \
         of what it would have taken over. `bound`: it is bound for the first time. `dropped`: the version lacks the role, so what \
         was bound to it is no longer read. `unbound`: nothing is bound to it."
    );
    OutputAction = Rule::of(Form::Choice(OUTPUT_ACTIONS)).about(
        "`kept`: it stays, with its id. `added`: it is new. `removed`: the version lacks the role: nothing more is predicted in it."
    );
    ApplyAction = Rule::of(Form::Choice(APPLY_ACTIONS)).about(
        "`create`: it is new. `update`: it is changed. `unchanged`: it is as the document says. `adopt`: it comes to the set, and is \
         changed if it has differences. `pause`: a job that the document does not have any more does not run any more. `delete`: the \
         document does not have it any more, and it is deleted."
    );
    Digest = Rule::of(Form::Text { least: 0, most: None, pattern: Some(texts::digest) });
}

const fn text_of(most: usize) -> Rule {
    Rule::of(Form::Text { least: 0, most: Some(most), pattern: None })
}

/// Stands for one of the words of an enumeration, in an answer: a later release may have more of them, so a reader must
/// not refuse another string. The enumeration keeps its name, for clients that name its words.
pub(crate) struct Open<T>(PhantomData<T>);

impl<T: ToSchema> PartialSchema for Open<T> {
    fn schema() -> RefOr<Schema> {
        let known = RefOr::Ref(Ref::from_schema_name(T::name()));
        let another = ObjectBuilder::new().schema_type(SchemaType::new(Type::String));
        RefOr::T(Schema::from(AnyOfBuilder::new().item(known).item(another).build()))
    }
}

impl<T: ToSchema> ToSchema for Open<T> {
    fn name() -> Cow<'static, str> {
        format!("Open{}", T::name()).into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((T::name().into_owned(), T::schema()));
        T::schemas(schemas);
    }
}

pub(crate) type OpenHealthStatus = Open<HealthStatus>;
pub(crate) type OpenCompatibility = Open<Compatibility>;
pub(crate) type OpenRoleChange = Open<RoleChange>;
pub(crate) type OpenLifecycleStage = Open<LifecycleStage>;
pub(crate) type OpenImpactOutcome = Open<ImpactOutcome>;
pub(crate) type OpenInputAction = Open<InputAction>;
pub(crate) type OpenOutputAction = Open<OutputAction>;
pub(crate) type OpenApplyAction = Open<ApplyAction>;
pub(crate) type OpenRunStatus = Open<RunStatus>;

/// The words of an enumeration that are known.
pub(crate) fn enumeration(words: impl IntoIterator<Item = &'static str>, about: &str) -> RefOr<Schema> {
    let object = ObjectBuilder::new().schema_type(SchemaType::new(Type::String));
    RefOr::T(Schema::Object(object.enum_values(Some(words)).description(Some(about)).build()))
}
