//! Every route. Each verb has a file, with its description and its handler: the routes and the OpenAPI document are
//! made from one list.

mod console;
mod docs;
mod documents;
mod inputs;
mod job_revisions;
mod jobs;
mod lifecycles;
mod organisations;
mod outputs;
mod predictions;
mod runs;
mod source_versions;
mod sources;
mod system;

use std::io;
use std::sync::{Arc, OnceLock};

use actix_web::body::MessageBody;
use actix_web::http::header::{self, HeaderName};
use actix_web::http::{Method, StatusCode};
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpResponse, Resource, Route, guard};
use prediction_domain::model::Caller;
use prediction_domain::ports::WriteMode;
use prediction_domain::use_cases::{Ports, UseCaseError};
use serde::Serialize;

use crate::document::{self, Operation};
use crate::lanes::Done;
use crate::problem::{Problem, ProblemCode};
use crate::request::{Call, page_tag};
use crate::shared_pages::WrittenPage;
use prediction_wire as wire;

pub use self::console::{Console, ConsoleSignIn};

/// Every endpoint of the API, in the order in which a path is looked for: fixed segments before `{…}`.
const ENDPOINTS: [Endpoint; 50] = [
    sources::list::ENDPOINT,
    sources::create::ENDPOINT,
    sources::get::ENDPOINT,
    sources::change::ENDPOINT,
    sources::delete::ENDPOINT,
    source_versions::list::ENDPOINT,
    source_versions::create::ENDPOINT,
    source_versions::get::ENDPOINT,
    source_versions::compare::ENDPOINT,
    source_versions::impact::ENDPOINT,
    source_versions::candidates::ENDPOINT,
    source_versions::setup_schema::ENDPOINT,
    lifecycles::get::ENDPOINT,
    lifecycles::change::ENDPOINT,
    source_versions::delete::ENDPOINT,
    organisations::list::ENDPOINT,
    organisations::get::ENDPOINT,
    organisations::name::ENDPOINT,
    inputs::import::ENDPOINT,
    inputs::list::ENDPOINT,
    inputs::get::ENDPOINT,
    inputs::put::ENDPOINT,
    inputs::delete::ENDPOINT,
    inputs::uses::ENDPOINT,
    jobs::set_up::ENDPOINT,
    jobs::upgrade_many::ENDPOINT,
    jobs::list::ENDPOINT,
    jobs::health::ENDPOINT,
    jobs::get::ENDPOINT,
    jobs::lineage::ENDPOINT,
    jobs::change::ENDPOINT,
    jobs::delete::ENDPOINT,
    jobs::upgrade::ENDPOINT,
    jobs::restore::ENDPOINT,
    job_revisions::list::ENDPOINT,
    job_revisions::get::ENDPOINT,
    job_revisions::compare::ENDPOINT,
    runs::report::ENDPOINT,
    runs::list::ENDPOINT,
    runs::get::ENDPOINT,
    runs::delete::ENDPOINT,
    outputs::get::ENDPOINT,
    outputs::predictions::ENDPOINT,
    predictions::list::ENDPOINT,
    predictions::trace::ENDPOINT,
    documents::apply::ENDPOINT,
    documents::export::ENDPOINT,
    system::OPENAPI,
    system::PROBLEMS,
    system::PROBLEM,
];

/// What the operator asks, and what restarts the process: health and metrics.
const SYSTEM_ENDPOINTS: [Endpoint; 3] = [system::LIVE, system::READY, system::METRICS];

/// An operation, and what answers it.
#[derive(Clone, Copy)]
struct Endpoint {
    describe: fn() -> Operation,
    handler: fn(Route) -> Route,
}

/// Every operation of the service.
#[must_use]
pub fn operations() -> Vec<Operation> {
    ENDPOINTS.iter().chain(&SYSTEM_ENDPOINTS).map(|endpoint| (endpoint.describe)()).collect()
}

/// The OpenAPI document as JSON text, as it is served and committed.
#[must_use]
pub fn document_json() -> &'static str {
    static JSON: OnceLock<String> = OnceLock::new();
    JSON.get_or_init(|| {
        let document = document::document(&operations());
        let mut json = document.to_pretty_json().unwrap_or_else(|_| unreachable!("the document is plain data"));
        json.push('\n');
        json
    })
}

/// Adds all routes to an application that has an [`Api`](crate::Api) as `web::Data`.
pub fn configure(config: &mut ServiceConfig) {
    add(config, &SYSTEM_ENDPOINTS);
    configure_public(config);
}

/// The routes of the operator: health and metrics. Requests of other clients do not keep them from being answered.
pub fn configure_internal(config: &mut ServiceConfig) {
    add(config, &[system::LIVE, system::READY, system::INTERNAL_METRICS]);
    config.default_service(web::to(async || Err::<HttpResponse, _>(Problem::new(ProblemCode::UnknownRoute))));
}

/// The routes of all callers.
pub fn configure_public(config: &mut ServiceConfig) {
    add(config, &ENDPOINTS);
    // Without a description: pages for people, which lead to the descriptions.
    let page = |path| resource(path, vec![Method::GET]).route(get().to(system::to_docs));
    config
        .service(page("/"))
        .service(page("/docs"))
        .service(web::resource("/docs/{file:.*}").app_data(RoutePattern("/docs/{file:.*}")).to(docs::docs))
        .default_service(web::to(system::unknown));
}

/// Adds the endpoints, those of one path as one resource, which knows the methods that it has.
fn add(config: &mut ServiceConfig, endpoints: &[Endpoint]) {
    let mut by_path: Vec<(&'static str, Vec<(Operation, Endpoint)>)> = Vec::new();
    for endpoint in endpoints {
        let operation = (endpoint.describe)();
        match by_path.iter_mut().find(|(known, _)| *known == operation.path) {
            Some((_, of_path)) => of_path.push((operation, *endpoint)),
            None => by_path.push((operation.path, vec![(operation, *endpoint)])),
        }
    }
    for (path, of_path) in by_path {
        let methods: Vec<Method> = of_path.iter().map(|(operation, _)| method(operation.method)).collect();
        let mut resource = resource(path, methods.clone());
        for (operation, endpoint) in of_path {
            let method_of_route = method(operation.method);
            let route = if method_of_route == Method::GET { get() } else { web::method(method_of_route) };
            resource = resource.route((endpoint.handler)(route));
            let Some((refused, code)) = operation.refused_methods else { continue };
            for name in refused {
                let methods = with_head(methods.clone());
                let refuse = move || {
                    let problem = Problem::new(code).allowing(&methods);
                    async move { Err::<HttpResponse, _>(problem) }
                };
                resource = resource.route(web::method(method(name)).to(refuse));
            }
        }
        config.service(resource);
    }
}

/// The method of that name.
fn method(name: &str) -> Method {
    Method::from_bytes(name.as_bytes()).unwrap_or_else(|_| unreachable!("a method of an operation"))
}

/// A resource that can be read also answers HEAD.
fn with_head(mut allowed: Vec<Method>) -> Vec<Method> {
    if allowed.contains(&Method::GET) {
        allowed.push(Method::HEAD);
    }
    allowed
}

/// The pattern of the route that a request took. `HttpRequest::match_pattern` would look for the route once more.
pub(crate) struct RoutePattern(pub(crate) &'static str);

/// What a handler gives.
type Answer = Result<HttpResponse, Problem>;

/// A resource that tells which methods it has.
fn resource(path: &'static str, allowed: Vec<Method>) -> Resource {
    let allowed = with_head(allowed);
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

/// A body in JSON, of about that many bytes: a buffer that has to grow step by step is copied at each. One that turns
/// out to be long is written where no connection waits for it.
async fn json(call: &Call, status: StatusCode, about: usize, body: impl Serialize + Send + 'static) -> Answer {
    Ok(response(status, written(call, about, body).await?))
}

fn response(status: StatusCode, body: impl MessageBody + 'static) -> HttpResponse {
    HttpResponse::build(status).content_type(header::ContentType::json()).body(body)
}

async fn written(call: &Call, about: usize, body: impl Serialize + Send + 'static) -> Result<Vec<u8>, Problem> {
    let mut beginning = Beginning::of(about);
    match serde_json::to_writer(&mut beginning, &body) {
        Ok(()) => Ok(beginning.bytes),
        Err(error) if !error.is_io() => Err(not_written(error)),
        Err(_) => {
            drop(beginning);
            let written = call.service().compute(move || serde_json::to_vec(&body)).await;
            // What was done is done: only the answer is missing.
            written.map_err(|_| Problem::unavailable(ProblemCode::DeadlineExceeded))?.map_err(not_written)
        }
    }
}

fn not_written(error: serde_json::Error) -> Problem {
    Problem::new(ProblemCode::InternalError).caused_by(error)
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

/// A page of a list: nothing but its tag when the reader has it already. It saves sending, not reading: no list has a
/// revision, and to count one up would let writers of a customer wait for each other.
async fn page<T: Serialize + Send + 'static>(call: &Call, list: wire::Page<T>) -> Answer {
    let body = written(call, about(&list), list).await?;
    let tag = page_tag(&body);
    answer_page(call, body, &tag)
}

/// How many bytes a page has, about.
fn about<T>(list: &wire::Page<T>) -> usize {
    TYPICAL_BODY * (list.items.len() + 1)
}

fn answer_page(call: &Call, body: impl MessageBody + 'static, tag: &str) -> Answer {
    if call.freshness()?.has(tag) {
        return Ok(unchanged(tag));
    }
    let mut response = response(StatusCode::OK, body);
    insert(&mut response, crate::request::ETAG, tag);
    Ok(response)
}

/// The same of a page that those share who ask for it together. `read` must give what any caller with the same rights
/// gets who asks for the same: it may look at nothing else of this one.
async fn shared_page<T: Serialize + Send + 'static>(
    call: &Call,
    caller: Arc<Caller>,
    read: impl FnOnce(&Ports, &Caller) -> Result<wire::Page<T>, UseCaseError> + Send + 'static,
) -> Answer {
    let question = call.page_question(&caller);
    let read = move |ports: &Ports| read(ports, &caller);
    let write = |list: wire::Page<T>| {
        let mut body = Vec::with_capacity(about(&list));
        serde_json::to_writer(&mut body, &list).map_err(not_written)?;
        Ok(WrittenPage { tag: page_tag(&body).into(), body: body.into() })
    };
    match call.service().read_page(question, read, write).await? {
        Done::Own(list) => page(call, list).await,
        Done::Shared(WrittenPage { body, tag }) => answer_page(call, body, &tag),
    }
}

fn unchanged(entity_tag: &str) -> HttpResponse {
    HttpResponse::NotModified().insert_header((crate::request::ETAG, entity_tag)).finish()
}

/// A single resource that was read: nothing but its tag when the reader has it already.
async fn fresh(call: &Call, entity_tag: &str, body: impl Serialize + Send + 'static) -> Answer {
    if call.freshness()?.has(entity_tag) {
        return Ok(unchanged(entity_tag));
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

/// A resource that was deleted; a dry run shows what would have been.
async fn deleted(call: &Call, mode: WriteMode, entity_tag: &str, body: impl Serialize + Send + 'static) -> Answer {
    match mode {
        WriteMode::Commit => Ok(HttpResponse::NoContent().finish()),
        WriteMode::DryRun => single(call, StatusCode::OK, entity_tag, body).await,
    }
}
