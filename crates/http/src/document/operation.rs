//! An operation as it is described: in the OpenAPI document, and for tests that go through all of them.

use std::collections::BTreeMap;

use prediction_domain::model::Permission;
use prediction_wire::Described;
use utoipa::openapi::path::ParameterIn;

use super::parameter::{Parameter, if_none_match};
use crate::problem::ProblemCode;
use crate::problem::ProblemCode::{
    DeadlineExceeded, InsufficientScope, InternalError, Invalid, InvalidCursor, InvalidHeader, InvalidJson,
    InvalidPath, InvalidQuery, InvalidToken, NotFound, Overloaded, PayloadTooLarge, PreconditionFailed, RateLimited,
    RequestTimeout, StoreUnavailable, Unauthorized, UnexpectedBody, UnsupportedMediaType,
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
    /// The callers that may use it.
    pub access: Access,
    /// What the query and the headers can say.
    pub parameters: Vec<Parameter>,
    /// What the body is.
    pub request: Option<Request>,
    /// The answers that are no problems: status, text, body.
    pub answers: Vec<(u16, &'static str, Body)>,
    /// The problems that it has by itself, beside those that come with its form.
    pub problems: &'static [ProblemCode],
    /// Methods that the resource does not have, with a problem that says why: a resource that never changes has no PUT.
    pub refused_methods: Option<(&'static [&'static str], ProblemCode)>,
    /// Whether what the id in the path names may be unknown to the service.
    pub takes_any_id: bool,
}

/// The callers that may use an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Every client.
    Public,
    /// Every caller with a token.
    Token,
    /// A caller with this scope.
    Scope(Permission),
    /// A caller with at least one of these scopes: what is needed depends on the request.
    AnyScope(&'static [Permission]),
}

/// Examples: name and JSON text.
pub type Examples = &'static [(&'static str, &'static str)];

/// A request body.
pub struct Request {
    /// What it is decoded by, and described.
    pub shape: &'static dyn Described,
    /// Examples.
    pub examples: Examples,
}

/// An answer's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    /// No bytes.
    None,
    /// One thing of this schema, with its entity tag.
    One(&'static str),
    /// One thing of this schema, which has no entity tag: it is made of many.
    Untagged(&'static str),
    /// A page of things of this schema.
    Page(&'static str),
    /// A page of things of this schema; or rows of CSV, with what these are.
    PageOrCsv(&'static str, &'static str),
    /// Text of this media type.
    Text(&'static str),
    /// An object that is described elsewhere.
    AnyObject,
}

impl Body {
    /// The schema of the items, and the name of that of the page.
    pub(super) fn page(self) -> Option<(&'static str, String)> {
        match self {
            Self::Page(item) | Self::PageOrCsv(item, _) => {
                Some((item, format!("{}Page", item.strip_suffix("Item").unwrap_or(item))))
            }
            Self::None | Self::One(_) | Self::Untagged(_) | Self::Text(_) | Self::AnyObject => None,
        }
    }
}

/// What operations are grouped by.
pub(crate) mod tags {
    pub(crate) const SOURCES: &str = "sources";
    pub(crate) const SOURCE_VERSIONS: &str = "source versions";
    pub(crate) const INPUTS: &str = "inputs";
    pub(crate) const JOBS: &str = "jobs";
    pub(crate) const RUNS: &str = "runs";
    pub(crate) const DOCUMENTS: &str = "documents";
    pub(crate) const SYSTEM: &str = "system";

    /// Every tag, and what it stands for.
    pub(crate) const ALL: [(&str, &str); 7] = [
        (SOURCES, "Predictive models, shared by all organisations."),
        (SOURCE_VERSIONS, "Immutable contracts of sources."),
        (INPUTS, "What jobs are bound to, and whose it is."),
        (JOBS, "Versions configured to run for an organisation."),
        (RUNS, "What jobs did, and what they predicted."),
        (DOCUMENTS, "Many things at once, described by what they are to be."),
        (SYSTEM, "Health, and this description."),
    ];
}

/// How a description is put together.
impl Operation {
    pub(crate) fn get(path: &'static str, id: &'static str) -> Self {
        Self::of("GET", path, id)
    }

    pub(crate) fn post(path: &'static str, id: &'static str) -> Self {
        Self::of("POST", path, id)
    }

    pub(crate) fn put(path: &'static str, id: &'static str) -> Self {
        Self::of("PUT", path, id)
    }

    pub(crate) fn delete(path: &'static str, id: &'static str) -> Self {
        Self::of("DELETE", path, id)
    }

    fn of(method: &'static str, path: &'static str, id: &'static str) -> Self {
        Self {
            method,
            path,
            id,
            tag: tags::SYSTEM,
            summary: "",
            text: "",
            access: Access::Public,
            parameters: Vec::new(),
            request: None,
            answers: Vec::new(),
            problems: &[],
            refused_methods: None,
            takes_any_id: false,
        }
    }

    pub(crate) fn tag(self, tag: &'static str) -> Self {
        Self { tag, ..self }
    }

    pub(crate) fn summary(self, summary: &'static str) -> Self {
        Self { summary, ..self }
    }

    pub(crate) fn text(self, text: &'static str) -> Self {
        Self { text, ..self }
    }

    pub(crate) fn access(self, access: Access) -> Self {
        Self { access, ..self }
    }

    pub(crate) fn parameters(mut self, parameters: Vec<Parameter>) -> Self {
        self.parameters.extend(parameters);
        self
    }

    pub(crate) fn request(self, shape: &'static dyn Described, examples: Examples) -> Self {
        Self { request: Some(Request { shape, examples }), ..self }
    }

    /// A page has an entity tag, so nothing but that is sent to who has the page already.
    pub(crate) fn answer(mut self, status: u16, text: &'static str, body: Body) -> Self {
        self.answers.push((status, text, body));
        if body.page().is_some() {
            self.parameters.push(if_none_match());
            self.answers.push((304, "The page has not changed", Body::None));
        }
        self
    }

    pub(crate) fn problems(self, problems: &'static [ProblemCode]) -> Self {
        Self { problems, ..self }
    }

    pub(crate) fn takes_any_id(self) -> Self {
        Self { takes_any_id: true, ..self }
    }

    pub(crate) fn refused_methods(self, methods: &'static [&'static str], problem: ProblemCode) -> Self {
        Self { refused_methods: Some((methods, problem)), ..self }
    }
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
            Access::AnyScope(permissions) => {
                let permissions: Vec<String> = permissions.iter().map(|permission| format!("`{permission}`")).collect();
                format!("Needs at least one of the scopes {}.", permissions.join(", "))
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
        if matches!(self.access, Access::Scope(_) | Access::AnyScope(_)) {
            problems.push(InsufficientScope);
        }
        if self.path.contains("{id}") {
            problems.push(InvalidPath);
        }
        if self.path.contains("{id}") && !self.takes_any_id {
            problems.push(NotFound);
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
            by_status.entry(problem.status()).or_default().push(problem);
        }
        for problems in by_status.values_mut() {
            problems.sort_unstable();
        }
        by_status
    }

    /// Whether an answer of that status carries an entity tag.
    #[must_use]
    pub fn has_entity_tag(&self, status: u16) -> bool {
        let has_one = self.answers.iter().any(|(status, _, body)| *status == 304 || matches!(body, Body::One(_)));
        has_one && matches!(status, 200 | 201 | 304)
    }
}
