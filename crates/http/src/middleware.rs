//! What every request gets: an id, a line in the log, and an answer in one form.

use std::time::{Duration, Instant};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{CACHE_CONTROL, HeaderMap, HeaderName, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use actix_web::http::{ConnectionType, StatusCode, Version};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage as _, web};
use opentelemetry::trace::TraceId;
use uuid::{NoContext, Timestamp, Uuid};

use crate::api::Api;
use crate::expectation::is_head_only;
use crate::pieces::in_pieces;
use crate::problem::{Problem, ProblemCode};
use crate::request::{KnownCaller, form_of_problems};
use crate::routes::RoutePattern;
use crate::traces::RequestSpan;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const MAX_REQUEST_ID: usize = 128;

/// Answers the request, and says so in the log.
pub async fn observe(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let start = Instant::now();
    let request_id = request_id(request.headers());
    let is_api = request.path().starts_with("/api/");
    let traces = request.app_data::<web::Data<Api>>().and_then(|api| api.runtime().traces());
    // A head that is judged before its body is sent is not a request yet.
    let traces = traces.filter(|_| !is_head_only(&request));
    let span = traces.map(|traces| traces.begin(&request, &request_id));

    let answer = next.call(request);
    let answer = match &span {
        Some(span) => span.around(answer).await,
        None => answer.await,
    };
    // The routes answer errors as responses; there is no other middleware that could fail.
    let response = answer?.map_body(|_, body| in_pieces(body.boxed()));
    let mut response = with_request_id(response, &request_id);
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        headers.insert(REQUEST_ID, value);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if is_api {
        // Everything below /api belongs to one caller, and can be kept only to be asked about again.
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    }
    let route = route(&response);
    let duration = start.elapsed();
    let status = response.status().as_u16();
    if let Some(span) = &span {
        span.end(route, status);
    }
    let route = route.unwrap_or("unknown");
    let mut is_stopping = false;
    if let Some(api) = response.request().app_data::<web::Data<Api>>() {
        let method = response.request().method().as_str();
        api.runtime().metrics.answered(method, route, status, duration);
        is_stopping = api.runtime().is_stopping();
    }
    if is_stopping {
        // Another replica is to answer the next request of this client.
        response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
    }
    end_by_closing(&mut response);
    log(&response, &request_id, route, duration, span.as_ref().map(RequestSpan::trace_id));
    Ok(response)
}

/// To a client of HTTP/1.0 no chunks are sent (RFC 9112, section 6.1): where the length is not known, the end of the
/// answer is the end of the connection.
fn end_by_closing(response: &mut ServiceResponse<BoxBody>) {
    if response.request().version() < Version::HTTP_11 && response.response().body().size() == BodySize::Stream {
        let head = response.response_mut().head_mut();
        head.no_chunking(true);
        head.set_connection_type(ConnectionType::Close);
    }
}

/// The caller's id for the request if it is a harmless one, else an id of our own.
fn request_id(headers: &HeaderMap) -> String {
    let given = headers.get(REQUEST_ID).and_then(|id| id.to_str().ok());
    let harmless = |id: &&str| {
        (1..=MAX_REQUEST_ID).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:/+=".contains(&byte))
    };
    given.filter(harmless).map_or_else(fresh_id, str::to_owned)
}

/// Ordered by the millisecond. The order within one, which ids of the domain have, would cost all workers a lock.
fn fresh_id() -> String {
    Uuid::new_v7(Timestamp::now(NoContext)).to_string()
}

/// Writes an error answer again as a problem that carries the request's id, whichever layer made the error.
fn with_request_id(response: ServiceResponse<BoxBody>, request_id: &str) -> ServiceResponse<BoxBody> {
    let status = response.status();
    let form = form_of_problems(response.request().headers());
    let Some(error) = response.response().error() else {
        // Our own routes fail with an error. What answers one by itself is brought into form.
        let is_error = status.is_client_error() || status.is_server_error();
        return if is_error {
            response.into_response(framework_problem(status).respond_as(form, request_id))
        } else {
            response
        };
    };
    let answer = match error.as_error::<Problem>() {
        Some(problem) => {
            if let Some(cause) = problem.cause() {
                log_cause(problem, cause, request_id);
            }
            problem.respond_as(form, request_id)
        }
        None => {
            tracing::warn!(request_id, error = %error, "the framework refused a request");
            framework_problem(status).respond_as(form, request_id)
        }
    };
    response.into_response(answer)
}

fn log_cause(problem: &Problem, cause: &(dyn std::error::Error + Send + Sync + 'static), request_id: &str) {
    let mut chain = cause.to_string();
    let mut next = cause.source();
    while let Some(source) = next {
        chain.push_str(": ");
        chain.push_str(&source.to_string());
        next = source.source();
    }
    if problem.code() == ProblemCode::InternalError {
        tracing::error!(request_id, code = problem.code().as_str(), cause = chain, "a request failed");
    } else {
        tracing::warn!(request_id, code = problem.code().as_str(), cause = chain, "a request was refused");
    }
}

fn framework_problem(status: StatusCode) -> Problem {
    Problem::new(match status {
        StatusCode::NOT_FOUND => ProblemCode::UnknownRoute,
        StatusCode::METHOD_NOT_ALLOWED => ProblemCode::MethodNotAllowed,
        StatusCode::REQUEST_TIMEOUT => ProblemCode::RequestTimeout,
        StatusCode::PAYLOAD_TOO_LARGE => ProblemCode::PayloadTooLarge,
        status if status.is_client_error() => ProblemCode::InvalidPath,
        _ => ProblemCode::InternalError,
    })
}

/// The pattern of the route, not its path: ids belong to customers, and would make a series of measurements each.
fn route(response: &ServiceResponse<BoxBody>) -> Option<&'static str> {
    response.request().app_data::<RoutePattern>().map(|pattern| pattern.0)
}

fn log(
    response: &ServiceResponse<BoxBody>,
    request_id: &str,
    route: &str,
    duration: Duration,
    trace_id: Option<TraceId>,
) {
    let request = response.request();
    let extensions = request.extensions();
    let subject = extensions.get::<KnownCaller>().map(|caller| caller.0.subject.as_str());
    tracing::info!(
        target: "access",
        request_id,
        method = %request.method(),
        route,
        status = response.status().as_u16(),
        duration_ms = duration.as_secs_f64() * 1000.0,
        subject,
        trace_id = trace_id.map(tracing::field::display),
        "answered"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_harmless_request_id_is_taken_over() {
        let read = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(REQUEST_ID, HeaderValue::from_static(value));
            request_id(&headers)
        };
        assert_eq!(read("abc-1.2:3"), "abc-1.2:3");
        for refused in ["", "a b", "a\"b", "{}"] {
            assert_ne!(read(refused), refused);
        }
    }
}
