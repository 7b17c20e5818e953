//! Every operation, described once: the OpenAPI document is made from this list, and tests go through it.

mod catalogue;
mod jobs;
mod runs;

use std::collections::BTreeMap;

use prediction_domain::model::{PageRequest, Permission};
use utoipa::openapi::path::{ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Schema, SchemaFormat, SchemaType, Type};
use utoipa::openapi::{KnownFormat, RefOr, Required};

use super::texts;
use crate::problem::ProblemCode;
use crate::problem::ProblemCode::{
    DeadlineExceeded, InsufficientScope, InternalError, Invalid, InvalidCursor, InvalidHeader, InvalidJson,
    InvalidPath, InvalidQuery, InvalidToken, NotFound, NotReady, Overloaded, PayloadTooLarge, PreconditionFailed,
    RateLimited, RequestTimeout, StoreUnavailable, Unauthorized, UnexpectedBody, UnsupportedMediaType,
};

/// One operation.
pub struct Operation {
    /// The method.
    pub method: &'static str,
    /// The path, with its parameters in braces.
    pub path: &'static str,
    /// Its name for programs.
    pub id: &'static str,
    /// The group that it belongs to.
    pub tag: &'static str,
    /// What it does, in one line.
    pub summary: &'static str,
    /// What else there is to know.
    pub text: &'static str,
    /// Who may call it.
    pub access: Access,
    /// What the query and the headers can say.
    pub parameters: Vec<Parameter>,
    /// What the body is.
    pub request: Option<Request>,
    /// The answers that are no problems: status, text, body.
    pub answers: Vec<(u16, &'static str, Body)>,
    /// The problems that it has by itself, beside those that come with its form.
    pub problems: &'static [ProblemCode],
}

/// Who may call an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everybody.
    Public,
    /// Everybody with a token.
    Token,
    /// Whoever has this scope.
    Scope(Permission),
}

/// A request body.
pub struct Request {
    /// The name of its schema.
    pub schema: &'static str,
    /// Examples: name and JSON text.
    pub examples: &'static [(&'static str, &'static str)],
}

/// An answer's body.
pub enum Body {
    /// There is none.
    None,
    /// One thing of this schema.
    One(&'static str),
    /// A page of things of this schema.
    List(&'static str),
    /// Something of this media type.
    Other(&'static str),
}

/// A parameter in the query, or a header.
pub struct Parameter {
    name: &'static str,
    place: ParameterIn,
    text: &'static str,
    schema: RefOr<Schema>,
}

impl Operation {
    /// The text, and the scope that is needed.
    pub(super) fn description(&self) -> String {
        let scope = match self.access {
            Access::Public => "Needs no token.".to_owned(),
            Access::Token => "Needs a token, and no scope.".to_owned(),
            Access::Scope(permission) => {
                let more =
                    Permission::ALL.into_iter().filter(|other| *other != permission && other.includes(permission));
                let more: Vec<String> = more.map(|other| format!(" (`{other}` includes it)")).collect();
                format!("Needs the scope `{permission}`{}.", more.concat())
            }
        };
        if self.text.is_empty() { scope } else { format!("{}\n\n{scope}", self.text) }
    }

    /// The path with its parameters filled in: this id wherever there is one, the first revision, and a code.
    #[must_use]
    pub fn path_to(&self, id: &str) -> String {
        let path = self.path.replace("{id}", id).replace("{run_id}", id);
        path.replace("{revision}", "1").replace("{code}", "conflict")
    }

    /// Whether a token is needed.
    #[must_use]
    pub fn needs_token(&self) -> bool {
        self.access != Access::Public
    }

    /// Every problem that the operation can have, by status.
    #[must_use]
    pub fn problems_by_status(&self) -> BTreeMap<u16, Vec<ProblemCode>> {
        let mut problems: Vec<ProblemCode> = self.problems.to_vec();
        if self.needs_token() {
            problems.extend([
                Unauthorized,
                InvalidToken,
                InvalidQuery,
                RateLimited,
                InternalError,
                Overloaded,
                DeadlineExceeded,
                StoreUnavailable,
            ]);
        }
        if self.needs_token() && self.method == "GET" {
            problems.push(UnexpectedBody);
        }
        if matches!(self.access, Access::Scope(_)) {
            problems.push(InsufficientScope);
        }
        if self.path.contains("{id}") {
            problems.extend([InvalidPath, NotFound]);
        }
        if self.parameters.iter().any(|parameter| parameter.place == ParameterIn::Header) {
            problems.push(InvalidHeader);
        }
        if self.parameters.iter().any(|parameter| parameter.name == "cursor") {
            problems.push(InvalidCursor);
        }
        if self.request.is_some() {
            problems.extend([InvalidJson, RequestTimeout, PayloadTooLarge, UnsupportedMediaType, Invalid]);
        }
        if self.parameters.iter().any(|parameter| parameter.name == "If-Match") {
            problems.push(PreconditionFailed);
        }
        let mut by_status: BTreeMap<u16, Vec<ProblemCode>> = BTreeMap::new();
        for problem in problems {
            by_status.entry(problem.status().as_u16()).or_default().push(problem);
        }
        for problems in by_status.values_mut() {
            problems.sort_unstable();
        }
        by_status
    }

    /// Whether an answer of that status carries an entity tag.
    pub(super) fn has_entity_tag(&self, status: u16) -> bool {
        let single = self
            .answers
            .iter()
            .any(|(_, _, body)| matches!(body, Body::One(name) if !["Health", "JobHealthCounts"].contains(name)));
        single && matches!(status, 200 | 201 | 304)
    }
}

impl Parameter {
    pub(super) fn describe(&self) -> utoipa::openapi::path::Parameter {
        ParameterBuilder::new()
            .name(self.name)
            .parameter_in(self.place.clone())
            .required(Required::False)
            .description(Some(self.text))
            .schema(Some(self.schema.clone()))
            .build()
    }

    pub(super) fn uuid_schema() -> RefOr<Schema> {
        let uuid = SchemaFormat::KnownFormat(KnownFormat::Uuid);
        text_schema(ObjectBuilder::new().format(Some(uuid)))
    }
}

fn text_schema(builder: ObjectBuilder) -> RefOr<Schema> {
    RefOr::T(Schema::from(builder.schema_type(SchemaType::new(Type::String)).build()))
}

fn query(name: &'static str, text: &'static str, schema: RefOr<Schema>) -> Parameter {
    Parameter { name, place: ParameterIn::Query, text, schema }
}

fn id_filter(name: &'static str, text: &'static str) -> Parameter {
    query(name, text, Parameter::uuid_schema())
}

fn name_filter(text: &'static str) -> Parameter {
    let name = ObjectBuilder::new().min_length(Some(1)).max_length(Some(200)).pattern(Some(texts::trimmed()));
    query("name", text, text_schema(name))
}

fn flag(name: &'static str, text: &'static str) -> Parameter {
    let schema = ObjectBuilder::new().schema_type(SchemaType::new(Type::Boolean)).build();
    query(name, text, RefOr::T(Schema::from(schema)))
}

fn expand() -> Parameter {
    let text = "What to show whole beside its id: source, source_version, or both with a comma.";
    let values = ["source", "source_version", "source,source_version", "source_version,source"];
    query("expand", text, text_schema(ObjectBuilder::new().enum_values(Some(values))))
}

fn dry_run() -> Parameter {
    flag("dry_run", "Do and judge everything, answer as if it were done, and store nothing.")
}

fn if_match() -> Parameter {
    Parameter {
        name: "If-Match",
        place: ParameterIn::Header,
        text: "Only if it still has this entity tag.",
        schema: entity_tags(),
    }
}

fn if_none_match() -> Parameter {
    Parameter {
        name: "If-None-Match",
        place: ParameterIn::Header,
        text: "Only if it has another entity tag by now.",
        schema: entity_tags(),
    }
}

/// `*`, or a list of entity tags.
fn entity_tags() -> RefOr<Schema> {
    let any = ObjectBuilder::new().enum_values(Some(["*"]));
    let tags = ObjectBuilder::new().pattern(Some(texts::entity_tags()));
    let either = OneOfBuilder::new().item(text_schema(any)).item(text_schema(tags)).examples(["\"3\""]);
    RefOr::T(Schema::from(either.build()))
}

fn time_filter(name: &'static str, text: &'static str) -> Parameter {
    let time = SchemaFormat::KnownFormat(KnownFormat::DateTime);
    query(name, text, text_schema(ObjectBuilder::new().format(Some(time))))
}

fn paged(filters: Vec<Parameter>) -> Vec<Parameter> {
    paged_by(filters, PageRequest::MAX_LIMIT.into(), PageRequest::DEFAULT_LIMIT.into())
}

fn paged_by(mut filters: Vec<Parameter>, most: usize, default: usize) -> Vec<Parameter> {
    let limit = ObjectBuilder::new()
        .schema_type(SchemaType::new(Type::Integer))
        .minimum(Some(1))
        .maximum(Some(most))
        .default(Some(default.into()))
        .build();
    filters.push(query(
        "limit",
        "How many items at the most. A page of large items has fewer.",
        RefOr::T(Schema::from(limit)),
    ));
    filters.push(query("cursor", "The next_cursor of the page before.", text_schema(ObjectBuilder::new())));
    filters
}

const JOBS: &str = "jobs";
const AROUND: &str = "around";
const JOBS_READ: Access = Access::Scope(Permission::JobsRead);
const JOBS_WRITE: Access = Access::Scope(Permission::JobsWrite);

const DELETION: Request = Request { schema: "Deletion", examples: &[] };

/// Every operation of the service.
#[must_use]
pub fn operations() -> Vec<Operation> {
    let mut operations = catalogue::operations();
    operations.extend(jobs::operations());
    operations.extend(runs::operations());
    operations.extend(operations_around());
    operations
}

fn operations_around() -> Vec<Operation> {
    let public = |path, id, summary, answers, problems| Operation {
        method: "GET",
        path,
        id,
        tag: AROUND,
        summary,
        text: "",
        access: Access::Public,
        parameters: vec![],
        request: None,
        answers,
        problems,
    };
    vec![
        public("/health/live", "live", "The process runs", vec![(200, "It does", Body::One("Health"))], &[]),
        public(
            "/health/ready",
            "ready",
            "The service can do its work",
            vec![(200, "It can", Body::One("Health"))],
            &[NotReady],
        ),
        public(
            "/metrics",
            "metrics",
            "What the service measures, for Prometheus",
            vec![(200, "Metrics", Body::Other("text/plain"))],
            &[RateLimited],
        ),
        public(
            "/openapi.json",
            "openapi",
            "This document",
            vec![(200, "The document", Body::Other("application/json"))],
            &[RateLimited],
        ),
        public(
            "/problems",
            "list_problems",
            "The texts about all problems",
            vec![(200, "A page for people", Body::Other("text/html"))],
            &[RateLimited],
        ),
        public(
            "/problems/{code}",
            "get_problem",
            "The text about a problem",
            vec![(200, "A page for people", Body::Other("text/html"))],
            &[NotFound, RateLimited],
        ),
    ]
}
