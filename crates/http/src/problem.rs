//! Every error answer: problem details (RFC 9457) with a stable code, and all that is wrong with a request at once.

mod use_case_error;

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::{ALLOW, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpResponse, ResponseError};
use prediction_domain::model::{MAX_VIOLATIONS, Violation};
use prediction_domain::use_cases::UseCaseError;
use prediction_identity::TokenRejected;
use prediction_wire::{self as wire, BodyError, PROBLEM_MEDIA_TYPE, ProblemEntry, ProblemMember};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::lanes::LaneError;
use crate::request::bearer::BearerError;

pub use prediction_wire::ProblemCode;

/// How JSON is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// As short as it can be, for programs.
    Compact,
    /// In lines, for people.
    Indented,
}

/// An error answer.
#[derive(Debug, Clone)]
pub struct Problem {
    code: ProblemCode,
    body: Box<wire::Problem>,
    headers: Vec<(HeaderName, HeaderValue)>,
    /// What went wrong inside, for the log only.
    cause: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl Problem {
    /// A problem with its general text as the detail.
    #[must_use]
    pub fn new(code: ProblemCode) -> Self {
        let body = wire::Problem {
            r#type: code.type_uri().to_owned(),
            title: code.title().to_owned(),
            status: code.status(),
            detail: code.meaning().to_owned(),
            code: code.as_str().to_owned(),
            request_id: None,
            errors: Vec::new(),
            errors_omitted: 0,
            members: Map::new(),
        };
        Self { code, body: Box::new(body), headers: Vec::new(), cause: None }
    }

    /// Which problem it is.
    #[must_use]
    pub fn code(&self) -> ProblemCode {
        self.code
    }

    /// What went wrong inside, for the log only.
    #[must_use]
    pub fn cause(&self) -> Option<&(dyn std::error::Error + Send + Sync + 'static)> {
        self.cause.as_deref()
    }

    /// Says what happened this time.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.body.detail = detail.into();
        self
    }

    /// Adds everything that is wrong with the body: the first entries, and how many more there are. Entries end where
    /// they are many or have become long, so that no answer is much longer than that.
    #[must_use]
    pub(crate) fn violations<'a>(mut self, violations: impl IntoIterator<Item = &'a Violation>) -> Self {
        let mut room = MOST_BYTES_OF_ERRORS;
        for violation in violations {
            // One is always told, however long.
            if self.body.errors.len() >= MAX_VIOLATIONS || room == 0 {
                self.body.errors_omitted += 1;
                continue;
            }
            let entry = ProblemEntry::from(violation);
            room = room.saturating_sub(length_of(&entry));
            self.body.errors.push(entry);
        }
        self
    }

    /// Adds everything that is wrong with the query.
    #[must_use]
    pub(crate) fn parameters(mut self, errors: Vec<ProblemEntry>) -> Self {
        self.body.errors.extend(errors);
        self
    }

    /// The same of a request without a body: what is wrong with a member is wrong with the parameter of that name.
    #[must_use]
    pub(crate) fn about_parameters(mut self) -> Self {
        for entry in &mut self.body.errors {
            let name = entry.pointer.take().map(|pointer| pointer.trim_start_matches('/').to_owned());
            entry.parameter = entry.parameter.take().or(name);
        }
        self
    }

    /// Says that there are more entries than are told.
    #[must_use]
    pub(crate) fn omitting(mut self, errors: usize) -> Self {
        self.body.errors_omitted += errors as u64;
        self
    }

    /// Adds a member of its own.
    #[must_use]
    pub(crate) fn member(mut self, member: ProblemMember, value: impl Into<Value>) -> Self {
        self.body.members.insert(member.as_str().to_owned(), value.into());
        self
    }

    /// The same without that member.
    #[must_use]
    pub(crate) fn without(mut self, member: ProblemMember) -> Self {
        self.body.members.remove(member.as_str());
        self
    }

    /// The problem as part of another answer. What went wrong inside stays here.
    #[must_use]
    pub(crate) fn into_body(self) -> wire::Problem {
        *self.body
    }

    pub(crate) fn caused_by(mut self, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.cause = Some(Arc::from(cause.into()));
        self
    }

    pub(crate) fn header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((name, value));
        }
        self
    }

    /// A method that this resource does not have.
    #[must_use]
    pub(crate) fn method_not_allowed(allowed: &[Method]) -> Self {
        let problem = Self::new(ProblemCode::MethodNotAllowed);
        problem.detail(format!("this resource allows only {}", names(allowed))).allowing(allowed)
    }

    /// Tells the methods that the resource has (RFC 9110, section 15.5.6).
    pub(crate) fn allowing(self, allowed: &[Method]) -> Self {
        self.header(ALLOW, &names(allowed))
    }

    /// The body of the answer, with the id of the request that it answers.
    #[must_use]
    pub fn to_json(&self, request_id: Option<&str>) -> Vec<u8> {
        // Texts, numbers and lists of them are always JSON.
        serde_json::to_vec(&self.answering(request_id)).unwrap_or_default()
    }

    /// The same in lines, for people.
    fn to_indented_json(&self, request_id: Option<&str>) -> Vec<u8> {
        let mut lines = serde_json::to_vec_pretty(&self.answering(request_id)).unwrap_or_default();
        lines.push(b'\n');
        lines
    }

    fn answering(&self, request_id: Option<&str>) -> wire::Problem {
        wire::Problem { request_id: request_id.map(str::to_owned), ..(*self.body).clone() }
    }

    /// The answer, with the id of the request that it answers.
    #[must_use]
    pub fn respond(&self, request_id: Option<&str>) -> HttpResponse {
        self.respond_with(self.to_json(request_id))
    }

    /// The answer to a client that wants it in this form.
    pub(crate) fn respond_as(&self, form: Form, request_id: &str) -> HttpResponse {
        match form {
            Form::Compact => self.respond(Some(request_id)),
            Form::Indented => self.respond_with(self.to_indented_json(Some(request_id))),
        }
    }

    fn respond_with(&self, body: Vec<u8>) -> HttpResponse {
        let mut response = HttpResponse::build(self.status());
        response.insert_header((CONTENT_TYPE, PROBLEM_MEDIA_TYPE));
        for (name, value) in &self.headers {
            response.append_header((name.clone(), value.clone()));
        }
        response.body(body)
    }

    fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

/// How many bytes of entries there are about at the most, until one is the last. A single one may show a description,
/// or the bindings of a job, as stored and as sent.
const MOST_BYTES_OF_ERRORS: usize = 256 * 1024;

/// How long a value is as JSON.
fn length_of(value: &impl Serialize) -> usize {
    struct Length(usize);
    impl std::io::Write for Length {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut length = Length(0);
    let _ = serde_json::to_writer(&mut length, value);
    length.0
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code.as_str(), self.body.detail)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status()
    }

    /// Without the request's id; `crate::middleware` writes the answer again, with it.
    fn error_response(&self) -> HttpResponse {
        self.respond(None)
    }
}

impl From<BearerError> for Problem {
    fn from(error: BearerError) -> Self {
        Self::new(ProblemCode::Unauthorized)
            .detail(error.to_string())
            .header(WWW_AUTHENTICATE, &error.challenge().to_string())
    }
}

impl From<TokenRejected> for Problem {
    fn from(rejected: TokenRejected) -> Self {
        match rejected.challenge() {
            Some(challenge) => Self::new(ProblemCode::InvalidToken)
                .detail(rejected.to_string())
                .header(WWW_AUTHENTICATE, &challenge.to_string()),
            None => match rejected {
                TokenRejected::KeyNotKnownYet { seconds } => Self::new(ProblemCode::KeysUnavailable)
                    .detail(rejected.to_string())
                    .header(RETRY_AFTER, &seconds.max(1).to_string()),
                _ => Self::unavailable(ProblemCode::KeysUnavailable),
            },
        }
    }
}

impl From<BodyError> for Problem {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::Invalid(violations) => UseCaseError::Invalid(violations).into(),
            BodyError::Empty | BodyError::NotJson(_) => Self::new(ProblemCode::InvalidJson).detail(error.to_string()),
        }
    }
}

impl From<LaneError> for Problem {
    fn from(error: LaneError) -> Self {
        match error {
            LaneError::Full => Self::unavailable(ProblemCode::Overloaded),
            LaneError::TimedOut => Self::unavailable(ProblemCode::DeadlineExceeded),
            LaneError::Stuck => Self::unavailable(ProblemCode::StoreUnavailable).caused_by(error),
            LaneError::Lost => Self::new(ProblemCode::InternalError).caused_by(error),
        }
    }
}

impl Problem {
    /// Too many requests, and how long to wait before the next one: in whole seconds (RFC 9110, section 10.2.3), so
    /// that it is not too early.
    pub(crate) fn rate_limited(wait: Duration) -> Self {
        Self::new(ProblemCode::RateLimited).retry_after(wait)
    }

    fn retry_after(self, wait: Duration) -> Self {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        self.header(RETRY_AFTER, &seconds.max(1).to_string())
    }

    /// Something that passes: the caller is told when to try again.
    pub(crate) fn unavailable(code: ProblemCode) -> Self {
        Self::new(code).header(RETRY_AFTER, "1")
    }
}

fn names(methods: &[Method]) -> String {
    methods.iter().map(Method::as_str).collect::<Vec<_>>().join(", ")
}
