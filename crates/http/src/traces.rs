//! Spans of requests, by OpenTelemetry's API and its semantic conventions for HTTP.
//!
//! Where they go is the server's business: it gives a tracer, or none. Without one, all that a request does about
//! traces is to find an `Option` empty.
//!
//! **Security invariant:** a span says which route was taken and what came of it. What a caller sends stays out of it:
//! path, query, headers, token and body; but for the id of the request, which the answer shows, and the ids of the
//! caller's trace.

use actix_web::dev::ServiceRequest;
use actix_web::http::header::HeaderMap;
use opentelemetry::global::{BoxedSpan, BoxedTracer};
use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry::trace::{FutureExt as _, Span as _, SpanKind, Status, TraceContextExt as _, TraceId, Tracer as _};
use opentelemetry::{Context, KeyValue};

use crate::lanes::LaneError;
use crate::metrics::known_method;

/// The header of a caller that has a trace (W3C Trace Context, section 3.2).
const TRACEPARENT: &str = "traceparent";

/// Makes the spans of requests.
pub struct Traces {
    tracer: BoxedTracer,
    propagator: Box<dyn TextMapPropagator + Send + Sync>,
}

impl Traces {
    /// Spans are given to the tracer; the propagator reads `traceparent`, and is shown no other header.
    #[must_use]
    pub fn new(tracer: BoxedTracer, propagator: impl TextMapPropagator + Send + Sync + 'static) -> Self {
        Self { tracer, propagator: Box::new(propagator) }
    }

    /// Begins the span of a request, below that of the caller if it names one.
    pub(crate) fn begin(&self, request: &ServiceRequest, request_id: &str) -> RequestSpan {
        let parent = self.propagator.extract_with_context(&Context::new(), &Traceparent::of(request.headers()));
        let method = known_method(request.method().as_str());
        // These attributes are for the sampler; the name and the rest come with the answer.
        let attributes = [
            KeyValue::new("http.request.method", method.unwrap_or("_OTHER")),
            // The service itself speaks nothing else. Whether TLS ends before it, only the caller could say.
            KeyValue::new("url.scheme", "http"),
            KeyValue::new("request_id", request_id.to_owned()),
        ];
        let name = method.unwrap_or("HTTP");
        let builder = self.tracer.span_builder(name).with_kind(SpanKind::Server).with_attributes(attributes);
        let span = self.tracer.build_with_context(builder, &parent);
        RequestSpan { name, context: parent.with_span(span) }
    }

    /// Begins the span of waiting for a lane's answer, below that of the request that is being answered.
    fn begin_lane(&self, name: &'static str) -> BoxedSpan {
        self.tracer.start(name)
    }
}

/// The span of a request. It ends when it is told to, or else when it is dropped, as it is for clients that go.
pub(crate) struct RequestSpan {
    name: &'static str,
    context: Context,
}

impl RequestSpan {
    /// The trace that it belongs to.
    pub(crate) fn trace_id(&self) -> TraceId {
        self.context.span().span_context().trace_id()
    }

    /// Spans that begin within the future are below this one.
    pub(crate) fn around<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + use<F> {
        future.with_context(self.context.clone())
    }

    /// Ends it with what came of the request. `route` is a pattern; there is none if no route was taken.
    pub(crate) fn end(&self, route: Option<&'static str>, status: u16) {
        let span = self.context.span();
        if let Some(route) = route {
            span.update_name(format!("{} {route}", self.name));
            span.set_attribute(KeyValue::new("http.route", route));
        }
        span.set_attribute(KeyValue::new("http.response.status_code", i64::from(status)));
        if status >= 500 {
            span.set_attribute(KeyValue::new("error.type", status.to_string()));
            span.set_status(Status::error(""));
        }
        span.end();
    }
}

/// The span of waiting for a lane's answer, if there are spans.
pub(crate) struct LaneSpan(Option<BoxedSpan>);

impl LaneSpan {
    /// Begins it. The name is that of the lane, behind `lane`.
    pub(crate) fn begin(traces: Option<&Traces>, name: &'static str) -> Self {
        Self(traces.map(|traces| traces.begin_lane(name)))
    }

    /// Ends it with the answer, which is passed on.
    pub(crate) fn end<Answer>(self, answer: Result<Answer, LaneError>) -> Result<Answer, LaneError> {
        if let (Some(mut span), Err(error)) = (self.0, &answer) {
            span.set_status(Status::error(error.to_string()));
        }
        answer
    }
}

/// What the propagator sees of the headers: `traceparent`, if there is one and not several.
struct Traceparent<'request>(Option<&'request str>);

impl<'request> Traceparent<'request> {
    fn of(headers: &'request HeaderMap) -> Self {
        let mut values = headers.get_all(TRACEPARENT);
        let first = values.next().and_then(|value| value.to_str().ok());
        Self(first.filter(|_| values.next().is_none()))
    }
}

impl Extractor for Traceparent<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.filter(|_| key.eq_ignore_ascii_case(TRACEPARENT))
    }

    fn keys(&self) -> Vec<&str> {
        self.0.iter().map(|_| TRACEPARENT).collect()
    }
}
