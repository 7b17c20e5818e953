//! Reading the body of a request, which costs memory: only for a caller that has the permission for the operation, and
//! never more than there is.

use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap};
use actix_web::web::BytesMut;
use actix_web::{HttpMessage as _, HttpRequest};
use futures_util::StreamExt as _;
use prediction_domain::requests::Submission;
use prediction_domain::use_cases::UseCaseError;
use prediction_wire::Shape;
use tokio::time::{Instant, timeout_at};

use crate::api::ServiceForTenant;
use crate::body_budget::{Held, Reservation, SMALL_BODY};
use crate::expectation::body_is_wanted;
use crate::problem::{Problem, ProblemCode};

/// How large a body may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BodyLimits {
    /// The most bytes.
    pub(crate) bytes: usize,
    /// The most JSON values of any kind: objects, lists, and what is in them. Several times as many as any request
    /// needs, so that what is wrong with one is told by its place.
    pub(crate) values: usize,
}

/// Of most bodies. The one that needs the most values is a job with its version beside it, as it was read: some 5,000.
pub(crate) const BODY: BodyLimits = BodyLimits { bytes: 1024 * 1024, values: 25_000 };
/// Of the report of a run: as many values as it may have are 40,000. Of a document: a thousand jobs with fifteen
/// bindings each are 90,000.
pub(crate) const REPORT: BodyLimits = BodyLimits { bytes: 4 * 1024 * 1024, values: 100_000 };

/// How long a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);
/// How long nothing may arrive of a large one: it keeps others waiting.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// What is reserved for a small body when it begins.
const FIRST_BYTES: usize = 4 * 1024;

/// The most bytes of a body that are dealt with at once, where they arrive. For a larger one, others
/// would wait.
const AT_ONCE: usize = 4 * 1024;

/// A request body that is said to be JSON, as it came.
pub(crate) struct Body {
    bytes: BytesMut,
    limits: BodyLimits,
    reservation: Option<Reservation>,
}

impl Body {
    /// Decodes it. Anything that is wrong with it is carried along in the submission, unless it is no object at all.
    pub(crate) async fn decode<T: Send + 'static>(
        self,
        api: &ServiceForTenant,
        shape: &'static Shape<T>,
    ) -> Result<Held<Submission<T>>, Problem> {
        self.decode_and(api, shape, Ok).await
    }

    /// The same, and does what else takes no store.
    pub(crate) async fn decode_and<T: Send + 'static, U: Send + 'static>(
        self,
        api: &ServiceForTenant,
        shape: &'static Shape<T>,
        then: impl FnOnce(Submission<T>) -> Result<U, UseCaseError> + Send + 'static,
    ) -> Result<Held<U>, Problem> {
        let Self { bytes, limits, reservation } = self;
        let is_small = bytes.len() <= AT_ONCE;
        let work = move || {
            let submission = shape.decode(&bytes, limits.values)?;
            drop(bytes);
            // The work goes on also when the client does not wait for it any more, and so does the reservation.
            Ok::<_, Problem>(Held::new(then(submission)?, reservation))
        };
        if is_small { work() } else { api.compute(work).await? }
    }
}

/// Reads a body that is said to be JSON.
pub(super) async fn read(
    api: &ServiceForTenant,
    request: &HttpRequest,
    payload: &mut Payload,
    limits: BodyLimits,
) -> Result<Body, Problem> {
    require_json(request)?;
    receive(api, request, payload, limits).await
}

/// Reads a body where there need not be one; what is there is said to be JSON.
pub(super) async fn read_if_any(
    api: &ServiceForTenant,
    request: &HttpRequest,
    payload: &mut Payload,
    limits: BodyLimits,
) -> Result<Option<Body>, Problem> {
    let body = receive(api, request, payload, limits).await?;
    if body.bytes.is_empty() {
        return Ok(None);
    }
    require_json(request)?;
    Ok(Some(body))
}

/// Refuses a body. Nothing of it is kept.
pub(super) async fn refuse(request: &HttpRequest, payload: &mut Payload) -> Result<(), Problem> {
    let refused = || Problem::new(ProblemCode::UnexpectedBody);
    if announced(request).is_some_and(|length| length > 0) {
        return Err(refused());
    }
    let end = Instant::now() + BODY_TIMEOUT;
    while let Some(chunk) = next_chunk(payload, end).await? {
        if !chunk.is_empty() {
            return Err(refused());
        }
    }
    Ok(())
}

async fn receive(
    api: &ServiceForTenant,
    request: &HttpRequest,
    payload: &mut Payload,
    limits: BodyLimits,
) -> Result<Body, Problem> {
    let announced = announced(request);
    if announced.is_some_and(|length| length > limits.bytes as u64) {
        return Err(Problem::new(ProblemCode::PayloadTooLarge));
    }
    body_is_wanted(request).await;
    let announced = announced.and_then(|length| usize::try_from(length).ok());
    let mut bytes = BytesMut::new();
    let mut reservation: Option<Reservation> = None;
    let mut end = Instant::now() + BODY_TIMEOUT;
    loop {
        let is_large = reservation.as_ref().is_some_and(|reservation| reservation.bytes() > SMALL_BODY);
        let pause_end = if is_large { Instant::now() + LONGEST_PAUSE } else { end };
        let Some(chunk) = next_chunk(payload, end.min(pause_end)).await? else { break };
        let length = bytes.len() + chunk.len();
        if length > limits.bytes {
            return Err(Problem::new(ProblemCode::PayloadTooLarge));
        }
        let reserved = reservation.as_ref().map_or(0, Reservation::bytes);
        if length > reserved {
            // All of it that there will be, once it has begun to come: bodies that each have a part and wait for the
            // rest would wait for each other. But not for what dribbles: many such bodies would keep others waiting
            // with nothing in them.
            let unknown = if length <= SMALL_BODY { SMALL_BODY } else { limits.bytes };
            let whole = announced.unwrap_or(unknown).max(length);
            let is_beginning = reserved == 0 && whole <= SMALL_BODY;
            let wanted = if is_beginning { length.max(FIRST_BYTES).min(whole) } else { whole };
            let began = Instant::now();
            reservation = Some(api.reserve_for_body(wanted).await?);
            // A body that says how long it is fits from the start: growing takes twice the memory for a while.
            bytes.reserve(wanted - bytes.len());
            end += began.elapsed();
        }
        bytes.extend_from_slice(&chunk);
    }
    if let Some(reservation) = &mut reservation {
        reservation.shrink_to(bytes.len());
    }
    Ok(Body { bytes, limits, reservation })
}

fn announced(request: &HttpRequest) -> Option<u64> {
    request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok())
}

async fn next_chunk(payload: &mut Payload, end: Instant) -> Result<Option<actix_web::web::Bytes>, Problem> {
    let chunk = timeout_at(end, payload.next()).await.map_err(|_| Problem::new(ProblemCode::RequestTimeout))?;
    chunk.transpose().map_err(|error| {
        Problem::new(ProblemCode::InvalidJson).detail("the request body did not arrive whole").caused_by(error)
    })
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
