//! Error answers: problem details (RFC 9457).

mod code;
mod member;

use prediction_domain::model::{ValueProblem, Violation};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

pub use code::ProblemCode;
pub use member::ProblemMember;

/// The media type of problem details.
pub const PROBLEM_MEDIA_TYPE: &str = "application/problem+json";

/// An error answer: problem details (RFC 9457). Some problems have members of their own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// A reference to the text about this problem, on this service.
    #[schema(format = "uri-reference")]
    pub r#type: String,
    /// What kind of problem it is, for people.
    pub title: String,
    /// The status of the answer.
    #[schema(minimum = 400, maximum = 599)]
    pub status: u16,
    /// What happened this time.
    pub detail: String,
    /// Machine-readable error code. There may be more of them in later releases.
    #[schema(value_type = code::OpenProblemCode, inline)]
    pub code: String,
    /// What the log of the service knows the request by.
    #[serde(default)]
    #[schema(required)]
    pub request_id: Option<String>,
    /// Everything that is wrong with the request.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false, max_items = 200)]
    pub errors: Vec<ProblemEntry>,
    /// How many more things are wrong with the request than `errors` lists. Only there when it lists not all: it has
    /// the first ones, by their places.
    #[serde(default, skip_serializing_if = "is_zero")]
    #[schema(required = false, minimum = 1)]
    pub errors_omitted: u64,
    /// The members that only this problem has: see [`ProblemMember`].
    #[serde(flatten)]
    #[schema(ignore)]
    pub members: Map<String, Value>,
}

/// One thing that is wrong with a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ProblemEntry {
    /// Where in the body: a JSON pointer (RFC 6901).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub pointer: Option<String>,
    /// Or which query parameter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub parameter: Option<String>,
    /// Machine-readable error code. There may be more of them in later releases.
    #[schema(value_type = code::OpenEntryCode, inline)]
    pub code: String,
    /// What is wrong, for people.
    pub message: String,
    /// What would have been right, or what is stored.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub expected: Option<Value>,
    /// The value received.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub actual: Option<Value>,
    /// What may have been meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub hint: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// `null` is a value, too.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

impl From<&Violation> for ProblemEntry {
    fn from(violation: &Violation) -> Self {
        Self {
            pointer: Some(violation.path.to_json_pointer()),
            parameter: None,
            code: violation.code.as_str().to_owned(),
            message: violation.message.clone(),
            expected: violation.expected.clone(),
            actual: violation.actual.clone(),
            hint: violation.hint.clone(),
        }
    }
}

impl ProblemEntry {
    /// What is wrong with a parameter of the query.
    #[must_use]
    pub fn of_parameter(parameter: &str, problem: &ValueProblem) -> Self {
        Self {
            pointer: None,
            parameter: Some(parameter.to_owned()),
            code: problem.code.as_str().to_owned(),
            message: format!("{parameter} {}", problem.message),
            expected: problem.expected.clone(),
            actual: problem.actual.clone(),
            hint: problem.hint.clone(),
        }
    }
}
