//! Every route, in one screen. `openapi::operations` describes the same ones, and a test compares them.

mod around;
mod job_revisions;
mod jobs;
mod predictions;
mod runs;
mod source_versions;
mod sources;

use std::io;

use actix_web::http::header::{self, HeaderName};
use actix_web::http::{Method, StatusCode};
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpResponse, Resource, Route, guard};
use prediction_domain::ports::Effect;
use serde::Serialize;

use crate::problem::{Problem, ProblemCode};
use crate::request::Call;
use crate::wire::list::List;

/// Adds all routes to an application that has an [`Api`](crate::Api) as `web::Data`.
pub fn configure(config: &mut ServiceConfig) {
    config
        .configure(configure_health)
        .service(resource("/metrics", &[Method::GET]).route(get().to(around::metrics)))
        .configure(configure_public);
}

/// The routes of those who run the service: health and metrics.
pub fn configure_internal(config: &mut ServiceConfig) {
    config
        .configure(configure_health)
        .service(resource("/metrics", &[Method::GET]).route(get().to(around::internal_metrics)))
        .default_service(web::to(async || Err::<HttpResponse, _>(Problem::new(ProblemCode::UnknownRoute))));
}

/// Who sends requests, or restarts the process, is never refused for what a neighbour at the same address does: what is asked here costs
/// next to nothing, however often.
fn configure_health(config: &mut ServiceConfig) {
    config
        .service(resource("/health/live", &[Method::GET]).route(get().to(around::live)))
        .service(resource("/health/ready", &[Method::GET]).route(get().to(around::ready)));
}

/// The routes of everybody else.
pub fn configure_public(config: &mut ServiceConfig) {
    config
        .service(
            resource("/api/v1/sources", &[Method::GET, Method::POST])
                .route(get().to(sources::list::handle))
                .route(web::post().to(sources::create::handle)),
        )
        .service(
            resource("/api/v1/sources/{id}", &[Method::GET, Method::PUT, Method::DELETE])
                .route(get().to(sources::get::handle))
                .route(web::put().to(sources::change::handle))
                .route(web::delete().to(sources::delete::handle)),
        )
        .service(
            resource("/api/v1/source_versions", &[Method::GET, Method::POST])
                .route(get().to(source_versions::list::handle))
                .route(web::post().to(source_versions::create::handle)),
        )
        .service(
            resource("/api/v1/source_versions/{id}", &[Method::GET, Method::DELETE])
                .route(get().to(source_versions::get::handle))
                .route(web::put().to(source_versions::refuse_change))
                .route(web::patch().to(source_versions::refuse_change))
                .route(web::delete().to(source_versions::delete::handle)),
        )
        .service(resource("/api/v1/jobs", &[Method::GET]).route(get().to(jobs::list::handle)))
        .service(resource("/api/v1/jobs/setup", &[Method::POST]).route(web::post().to(jobs::set_up::handle)))
        .service(resource("/api/v1/jobs/health", &[Method::GET]).route(get().to(jobs::health::handle)))
        .service(
            resource("/api/v1/jobs/{id}", &[Method::GET, Method::PUT, Method::DELETE])
                .route(get().to(jobs::get::handle))
                .route(web::put().to(jobs::change::handle))
                .route(web::delete().to(jobs::delete::handle)),
        )
        .service(resource("/api/v1/jobs/{id}/revisions", &[Method::GET]).route(get().to(job_revisions::list::handle)))
        .service(
            resource("/api/v1/jobs/{id}/revisions/{revision}", &[Method::GET])
                .route(get().to(job_revisions::get::handle)),
        )
        .service(
            resource("/api/v1/jobs/{id}/runs", &[Method::GET, Method::POST])
                .route(get().to(runs::list::handle))
                .route(web::post().to(runs::report::handle)),
        )
        .service(
            resource("/api/v1/jobs/{id}/runs/{run_id}", &[Method::GET, Method::DELETE])
                .route(get().to(runs::get::handle))
                .route(web::delete().to(runs::delete::handle)),
        )
        .service(resource("/api/v1/jobs/{id}/predictions", &[Method::GET]).route(get().to(predictions::list::handle)))
        .service(resource("/openapi.json", &[Method::GET]).route(get().to(around::openapi)))
        .service(resource("/problems", &[Method::GET]).route(get().to(around::problems)))
        .service(resource("/problems/{code}", &[Method::GET]).route(get().to(around::problem)))
        .service(resource("/", &[Method::GET]).route(get().to(around::to_docs)))
        .service(resource("/docs", &[Method::GET]).route(get().to(around::to_docs)))
        .service(web::resource("/docs/{file:.*}").app_data(RoutePattern("/docs/{file:.*}")).to(around::docs))
        .default_service(web::to(around::unknown));
}

/// The pattern of the route that a request took. `HttpRequest::match_pattern` would look for the route once more.
pub(crate) struct RoutePattern(pub(crate) &'static str);

/// What a handler gives.
type Answer = Result<HttpResponse, Problem>;

/// A resource that tells which methods it has.
fn resource(path: &'static str, methods: &'static [Method]) -> Resource {
    let mut allowed = methods.to_vec();
    if methods.contains(&Method::GET) {
        allowed.push(Method::HEAD);
    }
    web::resource(path).app_data(RoutePattern(path)).default_service(web::to(move || {
        let problem = Problem::method_not_allowed(&allowed);
        async move { Err::<HttpResponse, _>(problem) }
    }))
}

/// GET, and HEAD with it (RFC 9110, section 9.3.2).
fn get() -> Route {
    Route::new().guard(guard::Any(guard::Get()).or(guard::Head()))
}

/// A single resource, with its entity tag.
async fn single(call: &Call, status: StatusCode, entity_tag: &str, body: impl Serialize + Send + 'static) -> Answer {
    let mut response = json(call, status, TYPICAL_BODY, body).await?;
    insert(&mut response, crate::request::ETAG, entity_tag);
    Ok(response)
}

/// What most single resources fit into, in bytes.
const TYPICAL_BODY: usize = 1_024;

/// A body in JSON, of about that many bytes: a buffer that has to grow step by step is copied at each. One that turns out to be long is
/// written where no connection waits for it.
async fn json(call: &Call, status: StatusCode, about: usize, body: impl Serialize + Send + 'static) -> Answer {
    let failed = |error| Problem::new(ProblemCode::InternalError).caused_by(error);
    let mut beginning = Beginning::of(about);
    let bytes = match serde_json::to_writer(&mut beginning, &body) {
        Ok(()) => beginning.bytes,
        Err(error) if !error.is_io() => return Err(failed(error)),
        Err(_) => {
            drop(beginning);
            let written = call.api().compute(move || serde_json::to_vec(&body)).await;
            // What was done is done: only the answer is missing.
            written.map_err(|_| Problem::unavailable(ProblemCode::DeadlineExceeded))?.map_err(failed)?
        }
    };
    Ok(HttpResponse::build(status).content_type(header::ContentType::json()).body(bytes))
}

/// The first bytes of a body, as many as are written at once, where requests are answered.
struct Beginning {
    bytes: Vec<u8>,
}

impl Beginning {
    const MOST: usize = 64 * 1024;

    fn of(about: usize) -> Self {
        Self { bytes: Vec::with_capacity(about.min(Self::MOST)) }
    }
}

impl io::Write for Beginning {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > Self::MOST {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A page of a list.
async fn page<T: Serialize + Send + 'static>(call: &Call, list: List<T>) -> Answer {
    json(call, StatusCode::OK, TYPICAL_BODY * (list.items.len() + 1), list).await
}

/// A single resource that was read: nothing but its tag when the reader has it already.
async fn fresh(call: &Call, entity_tag: &str, body: impl Serialize + Send + 'static) -> Answer {
    if call.freshness()?.has(entity_tag) {
        return Ok(HttpResponse::NotModified().insert_header((crate::request::ETAG, entity_tag)).finish());
    }
    single(call, StatusCode::OK, entity_tag, body).await
}

/// A resource that was created.
async fn created(call: &Call, location: &str, entity_tag: &str, body: impl Serialize + Send + 'static) -> Answer {
    let mut response = single(call, StatusCode::CREATED, entity_tag, body).await?;
    insert(&mut response, header::LOCATION, location);
    Ok(response)
}

fn insert(response: &mut HttpResponse, name: HeaderName, value: &str) {
    if let Ok(value) = header::HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

/// A resource that was deleted; a rehearsal shows what would have been.
async fn deleted(call: &Call, effect: Effect, entity_tag: &str, body: impl Serialize + Send + 'static) -> Answer {
    match effect {
        Effect::Commit => Ok(HttpResponse::NoContent().finish()),
        Effect::Rehearse => single(call, StatusCode::OK, entity_tag, body).await,
    }
}
