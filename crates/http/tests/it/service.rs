//! The routes as an actix-web test service, on ports of the test's choosing.

use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

use actix_web::body::to_bytes;
use actix_web::dev::{Payload, ServiceResponse};
use actix_web::error::PayloadError;
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::from_fn;
use actix_web::{App, test, web};
use chrono::TimeDelta;
use futures_util::future::{BoxFuture, FutureExt as _, LocalBoxFuture, ready};
use futures_util::stream::LocalBoxStream;
use prediction_domain::model::{Caller, Job, MonitoredJob, Monitoring, Permission, Scope, Timestamp};
use prediction_domain::ports::{Clock as _, MockStore, StoreHealth, StorePorts};
use prediction_domain::use_cases::{ClockWatch, Ports};
use prediction_domain_testkit::{FixedClock, MemoryStore, SequentialIds};
use prediction_http::{Api, Runtime};
use prediction_identity::{TokenRejected, TokenVerifier, ValidTime, Verified};
use serde_json::Value;
use tokio::sync::OnceCell;

/// The body of a request, piece by piece.
pub(crate) type BoxedPayloadStream = LocalBoxStream<'static, Result<web::Bytes, PayloadError>>;

/// Whose organisation the token `customer` is for.
pub(crate) const ORGANISATION: &str = "77777777-7777-7777-7777-777777777777";

/// `operator` may do and see everything, `customer` and `colleague` only what is their organisation's, of which
/// `watcher` sees the jobs; `stranger` only what has no owner, and `reader` may do nothing.
struct Tokens;

impl TokenVerifier for Tokens {
    fn verify<'a>(&'a self, token: &'a str) -> BoxFuture<'a, Result<Verified, TokenRejected>> {
        let organisation = prediction_domain::model::OrganisationId::parse(ORGANISATION).unwrap();
        let (permissions, scope) = match token {
            "operator" => (BTreeSet::from(Permission::ALL), Scope::Platform),
            "customer" | "colleague" => (BTreeSet::from(Permission::ALL), Scope::of([organisation])),
            "watcher" => (BTreeSet::from([Permission::JobsRead]), Scope::of([organisation])),
            "stranger" => (BTreeSet::from(Permission::ALL), Scope::of([])),
            "reader" => (BTreeSet::new(), Scope::of([organisation])),
            "keyless" => return Box::pin(ready(Err(TokenRejected::KeysUnavailable))),
            "expired" => return Box::pin(ready(Err(TokenRejected::Expired))),
            _ => return Box::pin(ready(Err(TokenRejected::NotAcceptable("it is not one of this test's")))),
        };
        let caller = Arc::new(Caller { subject: token.to_owned(), permissions, scope });
        let [from, until] = [0, i64::from(u32::MAX) * 1_000_000].map(|micros| Timestamp::from_micros(micros).unwrap());
        Box::pin(ready(Ok(Verified { caller, valid: ValidTime { from, until } })))
    }
}

/// A service on mocks: a call that was not expected fails the test.
pub(crate) fn service_of(mocks: MockStore) -> Service {
    let clock = Arc::new(start_of_clock());
    let store = StorePorts::from(mocks);
    let ports = Ports::of_store(&store, clock.clone(), Arc::new(SequentialIds::default()));
    Service::new(ports, store.health, clock)
}

/// 2027-01-15T08:00:00Z.
fn start_of_clock() -> FixedClock {
    FixedClock::at(Timestamp::from_micros(1_800_000_000_000_000).unwrap())
}

/// The job, with a source that promises nothing, before its first run.
pub(crate) fn monitored(job: &Job) -> MonitoredJob {
    MonitoredJob { job: job.clone(), monitoring: Monitoring::default() }
}

/// The routes.
pub(crate) struct Service {
    api: web::Data<Api>,
    clock: Arc<FixedClock>,
    app: OnceCell<BoxedApp>,
}

type BoxedApp = Box<dyn Fn(test::TestRequest, Option<BoxedPayloadStream>) -> LocalBoxFuture<'static, ServiceResponse>>;

/// An answer, read whole.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The revision in the entity tag of a job, in front of what its health adds to it.
    pub(crate) fn tagged_revision(&self) -> Option<&str> {
        Some(self.header("etag")?.strip_prefix('"')?.split_once('+')?.0)
    }

    pub(crate) fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }
}

/// A request to be sent.
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) token: Option<&'static str>,
    /// They replace those of the same name that every request has.
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Option<Vec<u8>>,
}

impl Request {
    pub(crate) fn new(method: &str, path: impl Into<String>) -> Self {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        Self { method, path: path.into(), token: Some("operator"), headers: Vec::new(), body: None }
    }

    pub(crate) fn token(self, token: Option<&'static str>) -> Self {
        Self { token, ..self }
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        Self { body: Some(body.to_string().into_bytes()), ..self }
    }
}

impl Service {
    fn new(ports: Ports, health: Arc<dyn StoreHealth>, clock: Arc<FixedClock>) -> Self {
        let watch = ClockWatch::begin(clock.clone(), clock.clone());
        let runtime = Runtime::new(health).with_clock_watch(Arc::new(watch));
        let api = Api::start(ports, runtime, Arc::new(Tokens));
        Self { api: web::Data::new(api), clock, app: OnceCell::new() }
    }

    /// On an empty in-memory store.
    pub(crate) fn in_memory() -> Self {
        let [service] = Self::replicas([0]);
        service
    }

    /// On one in-memory store, with clocks that are so many seconds ahead.
    pub(crate) fn replicas<const COUNT: usize>(seconds_ahead: [i64; COUNT]) -> [Self; COUNT] {
        let stores = MemoryStore::stores();
        let ids = Arc::new(SequentialIds::default());
        seconds_ahead.map(|seconds| {
            let clock = Arc::new(start_of_clock());
            clock.set(clock.now().plus(TimeDelta::seconds(seconds)));
            let ports = Ports::of_store(&stores, clock.clone(), ids.clone());
            Self::new(ports, stores.health.clone(), clock)
        })
    }

    pub(crate) fn runtime(&self) -> &Runtime {
        self.api.runtime()
    }

    /// The clock of a service on an in-memory store.
    pub(crate) fn clock(&self) -> &FixedClock {
        &self.clock
    }

    pub(crate) async fn send(&self, request: Request) -> Answer {
        self.dispatch(request, None).await
    }

    /// Sends a request whose body comes as it likes.
    pub(crate) async fn send_body(&self, request: Request, body: BoxedPayloadStream) -> Answer {
        self.dispatch(request, Some(body)).await
    }

    /// The application, made once: finding routes is prepared for, which takes its time.
    async fn app(&self) -> &BoxedApp {
        let make = || async {
            let app = test::init_service(
                App::new()
                    .app_data(self.api.clone())
                    .wrap(from_fn(prediction_http::middleware::observe))
                    .configure(prediction_http::configure),
            )
            .await;
            let app = Rc::new(app);
            let call = move |request: test::TestRequest, body: Option<BoxedPayloadStream>| {
                let app = Rc::clone(&app);
                let mut request = request.to_request();
                if let Some(body) = body {
                    request = request.replace_payload(Payload::Stream { payload: body }).0;
                }
                async move { test::call_service(&*app, request).await }.boxed_local()
            };
            Box::new(call) as BoxedApp
        };
        self.app.get_or_init(make).await
    }

    /// Sends a request, and leaves the body of the answer to be read piece by piece.
    pub(crate) async fn open(&self, request: Request) -> ServiceResponse {
        self.call(request, None).await
    }

    async fn call(&self, request: Request, body: Option<BoxedPayloadStream>) -> ServiceResponse {
        let mut call = test::TestRequest::default()
            .method(request.method)
            .uri(&request.path)
            .insert_header(("X-Request-Id", "the-request"));
        if let Some(token) = request.token {
            call = call.insert_header(("Authorization", format!("Bearer {token}")));
        }
        if let Some(body) = request.body {
            call = call.insert_header(("Content-Type", "application/json")).set_payload(body);
        }
        for header in request.headers {
            call = call.insert_header(header);
        }
        self.app().await(call, body).await
    }

    async fn dispatch(&self, request: Request, body: Option<BoxedPayloadStream>) -> Answer {
        let response = self.call(request, body).await;
        let status = response.status();
        let mut headers: Vec<(String, String)> = response
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect();
        // They come in an order of chance.
        headers.sort_unstable();
        let bytes = to_bytes(response.into_body()).await.unwrap_or_default();
        let body = serde_json::from_slice(&bytes)
            .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&bytes).into_owned()));
        Answer { status, headers, body }
    }
}
