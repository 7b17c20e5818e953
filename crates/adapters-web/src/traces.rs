//! Traces, sent to an OpenTelemetry collector (OTLP over HTTP) if one is named.
//!
//! Spans that have ended wait in a queue with a bound; a thread of the SDK sends them in batches. Requests neither wait
//! for it nor fail with it: what finds the queue full, or cannot be sent, is lost.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use opentelemetry::global::BoxedTracer;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{ExporterBuildError, Protocol, RetryPolicy, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use ureq::Agent;
use ureq::http::Uri;

use crate::client;

/// What the service is called in traces unless the environment says otherwise (`OTEL_SERVICE_NAME`).
const SERVICE_NAME: &str = "prediction-api";
/// How long sending a batch may take.
const TIME_OUT: Duration = Duration::from_secs(5);
/// How long the last spans may take when the service stops.
const LONGEST_STOP: Duration = Duration::from_secs(3);
/// How often it is said that batches are lost.
const LOSSES_TOLD_EVERY: Duration = Duration::from_mins(1);
/// What is read of a collector's answer.
const LONGEST_ANSWER: u64 = 64 * 1024;

/// What sends spans, until it is stopped.
#[derive(Debug)]
pub struct TraceExport(SdkTracerProvider);

/// Why traces cannot be sent there.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    /// It is no address of a collector.
    #[error("a URL such as http://localhost:4318 is needed, without user or query")]
    NotAnEndpoint,
    /// The exporter does not take it.
    #[error("cannot send traces: {0}")]
    Exporter(#[from] ExporterBuildError),
}

impl TraceExport {
    /// Starts it. Nothing is sent before there is a span, so the collector may come later, and go.
    pub fn start(endpoint: &str) -> Result<Self, EndpointError> {
        let url = traces_url(endpoint).ok_or(EndpointError::NotAnEndpoint)?;
        let exporter = opentelemetry_otlp::SpanExporter::builder()
            .with_http()
            .with_http_client(Collector::new())
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(&url)
            .with_timeout(TIME_OUT)
            // No retries: meanwhile the queue would fill up, and an operator who stops the service would wait.
            .with_retry_policy(RetryPolicy::disabled())
            .build()?;
        tracing::info!(url, "traces are sent");
        Ok(Self(SdkTracerProvider::builder().with_resource(resource()).with_batch_exporter(exporter).build()))
    }

    /// What makes the spans.
    #[must_use]
    pub fn tracer(&self) -> BoxedTracer {
        let scope = InstrumentationScope::builder(SERVICE_NAME).with_version(env!("CARGO_PKG_VERSION")).build();
        BoxedTracer::new(Box::new(self.0.tracer_with_scope(scope)))
    }

    /// What reads the trace of a caller (W3C Trace Context).
    #[must_use]
    pub fn propagator(&self) -> TraceContextPropagator {
        TraceContextPropagator::new()
    }

    /// Sends what is left, for a while.
    pub fn stop(self) {
        if let Err(error) = self.0.shutdown_with_timeout(LONGEST_STOP) {
            tracing::warn!(cause = %error, "the last traces may be lost");
        }
    }
}

/// Where a collector takes traces, below its own address (OpenTelemetry Protocol Exporter, "Endpoint URLs for
/// OTLP/HTTP").
fn traces_url(endpoint: &str) -> Option<String> {
    let uri: Uri = endpoint.parse().ok()?;
    let authority = uri.authority()?;
    let is_plain = !authority.as_str().contains('@') && uri.query().is_none() && !endpoint.contains('#');
    let is_http = matches!(uri.scheme_str(), Some("http" | "https")) && !authority.host().is_empty();
    (is_http && is_plain).then(|| format!("{}/v1/traces", endpoint.trim_end_matches('/')))
}

/// What the spans are of. The environment goes before what the service says of itself (`OTEL_RESOURCE_ATTRIBUTES`).
fn resource() -> Resource {
    let said = Resource::builder().build();
    let is_named = said
        .get(&"service.name".into())
        .is_some_and(|name| !name.as_str().is_empty() && !name.as_str().starts_with("unknown_service"));
    let builder = Resource::builder().with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")));
    if is_named { builder.build() } else { builder.with_service_name(SERVICE_NAME).build() }
}

/// A collector, spoken to by the client that fetches keys, too. It blocks, on the thread that does nothing but send.
#[derive(Debug)]
struct Collector {
    agent: Agent,
    losses: Mutex<Losses>,
}

impl Collector {
    fn new() -> Self {
        let config = client::config().timeout_global(Some(TIME_OUT)).build();
        Self { agent: config.into(), losses: Mutex::default() }
    }

    /// Sends a batch. An answer that is no success is an error.
    fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, ureq::Error> {
        let (head, body) = request.into_parts();
        let (head, mut body) = self.agent.run(Request::from_parts(head, &*body))?.into_parts();
        let body = body.with_config().limit(LONGEST_ANSWER).read_to_vec()?;
        Ok(Response::from_parts(head, body.into()))
    }
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        self.send(request).map_err(|error| {
            // The SDK would say it each time, and not why.
            let mut losses = self.losses.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(batches) = losses.add_batch(Instant::now()) {
                tracing::warn!(batches, cause = %error, "traces could not be sent");
            }
            error.into()
        })
    }
}

/// How many batches were lost since that was told.
#[derive(Debug, Default)]
struct Losses {
    batches: usize,
    told: Option<Instant>,
}

impl Losses {
    /// Adds one, and gives how many there are when it is time to tell.
    fn add_batch(&mut self, now: Instant) -> Option<usize> {
        self.batches += 1;
        if self.told.is_some_and(|told| now.duration_since(told) < LOSSES_TOLD_EVERY) {
            return None;
        }
        self.told = Some(now);
        Some(std::mem::take(&mut self.batches))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traces_have_a_place_below_the_endpoint() {
        for (endpoint, url) in [
            ("http://localhost:4318", "http://localhost:4318/v1/traces"),
            ("http://localhost:4318/", "http://localhost:4318/v1/traces"),
            ("https://collector.example/otlp", "https://collector.example/otlp/v1/traces"),
        ] {
            assert_eq!(traces_url(endpoint).as_deref(), Some(url));
        }
        for refused in [
            "localhost:4318",
            "localhost",
            "/v1/traces",
            "grpc://localhost:4317",
            "http://",
            "http://user:password@localhost:4318",
            "http://localhost:4318?token=a",
            "http://localhost:4318#a",
        ] {
            assert_eq!(traces_url(refused), None, "{refused}");
        }
    }

    #[test]
    fn losses_are_told_at_once_and_then_once_in_a_while() {
        let start = Instant::now();
        let mut losses = Losses::default();
        assert_eq!(losses.add_batch(start), Some(1));
        assert_eq!(losses.add_batch(start), None);
        assert_eq!(losses.add_batch(start + LOSSES_TOLD_EVERY / 2), None);
        assert_eq!(losses.add_batch(start + LOSSES_TOLD_EVERY), Some(3));
        assert_eq!(losses.add_batch(start + LOSSES_TOLD_EVERY), None);
    }
}
