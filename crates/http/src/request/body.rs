use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap};
use actix_web::web::BytesMut;
use actix_web::{HttpMessage as _, HttpRequest};
use futures_util::StreamExt as _;
use prediction_domain::model::{Path, ValueProblem, Violation, ViolationCode, Violations};

use crate::problem::{Problem, ProblemCode};
use crate::strict_json::{self, Json};

/// The most bytes of most request bodies.
pub(crate) const BODY_LIMIT: usize = 1024 * 1024;
/// The most bytes that need no [room](crate::api::Api::room) to be read.
const SMALL_BODY: usize = 64 * 1024;
/// How long a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// A request body that is said to be JSON, as it came.
pub(crate) struct Body(BytesMut);

/// A request body that is JSON.
#[derive(Debug)]
pub(crate) struct ParsedBody<'a> {
    pub(crate) value: Json<'a>,
    /// What is wrong with its form: members that stand twice.
    pub(crate) violations: Vec<Violation>,
}

/// Reads a body that is said to be JSON: so many bytes at the most, in limited time.
pub(crate) async fn read(request: &HttpRequest, payload: &mut Payload, limit: usize) -> Result<Body, Problem> {
    require_json(request)?;
    receive(request, payload, limit).await.map(Body)
}

/// Reads a body where there need not be one; what is there is said to be JSON.
pub(crate) async fn read_if_any(
    request: &HttpRequest,
    payload: &mut Payload,
    limit: usize,
) -> Result<Option<Body>, Problem> {
    let bytes = receive(request, payload, limit).await?;
    if bytes.is_empty() {
        return Ok(None);
    }
    require_json(request)?;
    Ok(Some(Body(bytes)))
}

/// Whether there is nothing in the body. It is read only as far as that takes.
pub(crate) async fn is_empty(request: &HttpRequest, payload: &mut Payload) -> Result<bool, Problem> {
    match receive(request, payload, 0).await {
        Ok(_) => Ok(true),
        Err(problem) if problem.code() == ProblemCode::PayloadTooLarge => Ok(false),
        Err(problem) => Err(problem),
    }
}

async fn receive(request: &HttpRequest, payload: &mut Payload, limit: usize) -> Result<BytesMut, Problem> {
    let announced = request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limit as u64) {
        return Err(Problem::new(ProblemCode::PayloadTooLarge));
    }
    // A body that says how long it is fits from the start: growing takes twice the memory for a while.
    let length = announced.and_then(|length| usize::try_from(length).ok()).unwrap_or_default();
    tokio::time::timeout(BODY_TIMEOUT, collect(payload, BytesMut::with_capacity(length), limit))
        .await
        .map_err(|_| Problem::new(ProblemCode::RequestTimeout))?
}

impl Body {
    /// What becomes of a body is many times as large.
    pub(crate) fn is_small(&self) -> bool {
        self.0.len() <= SMALL_BODY
    }

    /// Refuses what is not JSON.
    pub(crate) fn parse(&self) -> Result<ParsedBody<'_>, Problem> {
        if self.0.is_empty() {
            return Err(Problem::new(ProblemCode::InvalidJson).detail("the request body is empty"));
        }
        let parsed = strict_json::parse(&self.0)
            .map_err(|error| Problem::new(ProblemCode::InvalidJson).detail(format!("the body is not JSON: {error}")))?;
        Ok(ParsedBody { value: parsed.value, violations: parsed.duplicates.into_iter().map(duplicate).collect() })
    }

    /// The refusal of a body that is JSON, but not an object.
    pub(crate) fn not_an_object(violation: Violation) -> Problem {
        prediction_domain::use_cases::Refusal::Invalid(Violations::from(violation)).into()
    }
}

fn duplicate(path: Path) -> Violation {
    ValueProblem::new(ViolationCode::DuplicateMember, "stands more than once in its object").at(path)
}

fn require_json(request: &HttpRequest) -> Result<(), Problem> {
    let unsupported = |detail: &str| Err(Problem::new(ProblemCode::UnsupportedMediaType).detail(detail));
    let headers: &HeaderMap = request.headers();
    // A list, without regard to case (RFC 9110, section 8.4).
    let codings = headers.get_all(CONTENT_ENCODING).flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    let mut codings = codings.map(<[u8]>::trim_ascii).filter(|coding| !coding.is_empty());
    if codings.any(|coding| !coding.eq_ignore_ascii_case(b"identity")) {
        return unsupported("the body has a Content-Encoding; send it as it is");
    }
    if !headers.contains_key(CONTENT_TYPE) {
        return unsupported("the request has no Content-Type; send application/json");
    }
    match request.mime_type() {
        Ok(Some(mime)) if mime.essence_str() == "application/json" => {
            let utf8 = mime.get_param("charset").is_none_or(|charset| charset.as_str().eq_ignore_ascii_case("utf-8"));
            if utf8 { Ok(()) } else { unsupported("the body is not in UTF-8") }
        }
        Ok(Some(mime)) => unsupported(&format!("the body is {}; send application/json", mime.essence_str())),
        _ => unsupported("the Content-Type cannot be read; send application/json"),
    }
}

async fn collect(payload: &mut Payload, mut bytes: BytesMut, limit: usize) -> Result<BytesMut, Problem> {
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| {
            Problem::new(ProblemCode::InvalidJson).detail("the request body did not arrive whole").caused_by(error)
        })?;
        if bytes.len() + chunk.len() > limit {
            return Err(Problem::new(ProblemCode::PayloadTooLarge));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}
