//! Traces: what a collector gets, what it never gets, and that no request waits for one.

use std::net::TcpListener;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value as AnyValue;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use prost::Message as _;
use serde_json::{Value, json};

use crate::harness::{Collector, Home, Model, ORGANISATION_A, RawConnection, Sent, Server, path_of, raw_request};

/// Stands in whatever a caller sends, and in nothing that is exported.
const MARKER: &str = "marker-5b1f0c77";
const SUBJECT: &str = "subject-of-the-token";
const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const NO_ID: [u8; 0] = [];
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";
/// Longer than anything here takes, and shorter than it would take to wait for collectors that do not answer.
const BOUND: Duration = Duration::from_secs(10);

#[test]
fn lanes_are_below_the_request() {
    for home in Home::both() {
        let (collector, server) = traced(&home);
        let model = Model::publish(&server, "traced");
        let job = model.job(&server, ORGANISATION_A, "traced");
        server.operator().get(&path_of(&job)).expect(200);
        server.operator().get("/api/v1/jobs").expect(200);
        let spans = spans_until_the_end(server, &collector);
        for (request, lane) in [
            ("POST /api/v1/sources", "lane writes"),
            ("POST /api/v1/source_versions", "lane writes"),
            ("POST /api/v1/jobs/setup", "lane setups"),
            ("GET /api/v1/jobs/{id}", "lane job-reads"),
            ("GET /api/v1/jobs", "lane reads"),
        ] {
            let request = one(&spans, |span| span.name == request);
            let lane = one(&spans, |span| span.name == lane && span.parent_span_id == request.span_id);
            assert_eq!((lane.kind(), &lane.trace_id), (SpanKind::Internal, &request.trace_id));
            assert!(request.start_time_unix_nano <= lane.start_time_unix_nano);
            assert!(lane.end_time_unix_nano <= request.end_time_unix_nano);
            assert_eq!(request.parent_span_id, NO_ID, "the caller had no trace");
        }
    }
}

#[test]
fn what_the_service_fails_at_is_marked() {
    for home in Home::both() {
        let (collector, server) = traced(&home);
        server.anonymous().get("/api/v1/sources").problem(401, "unauthorized");
        home.database.hide_tables();
        server.operator().post("/api/v1/sources", &json!({ "name": MARKER })).problem(500, "internal_error");
        let spans = spans_until_the_end(server, &collector);
        let with_status = |status| {
            one(&spans, |span| attribute(&span.attributes, "http.response.status_code") == Some(json!(status)))
        };
        let failed = with_status(500);
        assert_eq!(failed.status.as_ref().unwrap().code(), StatusCode::Error);
        assert_eq!(attribute(&failed.attributes, "error.type"), Some(json!("500")));
        let refused = with_status(401);
        assert!(refused.status.as_ref().is_none_or(|status| status.code() == StatusCode::Unset), "{refused:?}");
        assert_eq!(attribute(&refused.attributes, "error.type"), None);
    }
}

#[test]
fn a_span_tells_the_route_and_nothing_that_the_caller_sent() {
    let home = Home::on_sqlite();
    let (collector, server) = traced(&home);
    let token = home.token(&["--all-organisations", "--scope", "catalog:write jobs:read", "--subject", SUBJECT]);
    let client = server.client(token.as_str());
    let traceparent = format!("00-{TRACE}-{PARENT}-01");
    let created = client
        .call("POST", "/api/v1/sources")
        .header("X-Request-Id", "given.by:caller")
        .header("traceparent", &traceparent)
        .header("tracestate", &format!("vendor={MARKER}"))
        .header("baggage", &format!("key={MARKER}"))
        .json(&json!({ "name": MARKER }))
        .send()
        .expect(201);
    let id = created["id"].as_str().unwrap();
    client.get(&format!("/api/v1/sources/{id}")).expect(200);
    client.get(&format!("/api/v1/sources?name={MARKER}")).expect(200);
    client.call("GET", &format!("/{MARKER}/{id}")).header("User-Agent", MARKER).send().problem(404, "unknown_route");
    let mut connection = RawConnection::open(server.address);
    connection.send(raw_request(MARKER, "/api/v1/sources", MARKER, &[]));
    assert_eq!(connection.answer().0, 405);
    drop(connection);

    let log = server.output().clone();
    let spans = spans_until_the_end(server, &collector);
    let requests: Vec<&Span> = spans.iter().filter(|span| span.kind() == SpanKind::Server).collect();
    let names: Vec<&str> = requests.iter().map(|span| span.name.as_str()).collect();
    assert_eq!(
        names,
        ["POST /api/v1/sources", "GET /api/v1/sources/{id}", "GET /api/v1/sources", "GET", "HTTP /api/v1/sources"]
    );
    let attributes: Vec<Value> = requests[0].attributes.iter().map(|pair| json!([pair.key, value(pair)])).collect();
    for expected in [
        json!(["http.request.method", "POST"]),
        json!(["http.route", "/api/v1/sources"]),
        json!(["http.response.status_code", 201]),
        json!(["url.scheme", "http"]),
        json!(["request_id", "given.by:caller"]),
    ] {
        assert!(attributes.contains(&expected), "{expected} is missing: {attributes:?}");
    }
    assert_eq!(attributes.len(), 5, "{attributes:?}");
    assert_eq!((hex(&requests[0].trace_id), hex(&requests[0].parent_span_id)), (TRACE.to_owned(), PARENT.to_owned()));
    assert_eq!(attribute(&requests[3].attributes, "http.route"), None);
    assert_eq!(attribute(&requests[4].attributes, "http.request.method"), Some(json!("_OTHER")));
    // The line in the log leads to the trace.
    for request in requests {
        let id = attribute(&request.attributes, "request_id").unwrap();
        let line = log.wait_for(|line| line["target"] == "access" && line["request_id"] == id).unwrap();
        assert_eq!(line["trace_id"], hex(&request.trace_id));
    }
    let signature = token.rsplit('.').next().unwrap();
    for sent in collector.requests() {
        let bytes = [sent.head.as_bytes(), &sent.body].concat();
        for never in [MARKER, &token, signature, "Bearer", id, SUBJECT] {
            assert!(!bytes.windows(never.len()).any(|window| window == never.as_bytes()), "{never} was sent");
        }
    }
}

#[test]
fn a_trace_of_the_caller_is_gone_on_with_if_it_is_one() {
    let home = Home::on_sqlite();
    let (collector, server) = traced(&home);
    let ask = |headers: &[&str]| {
        let call = server.anonymous().call("GET", "/health/live");
        let call = headers.iter().fold(call, |call, value| call.header("traceparent", value));
        let answer = call.send();
        answer.expect(200);
        answer.header("x-request-id").unwrap().to_owned()
    };
    let good = format!("00-{TRACE}-{PARENT}-01");
    let refused = [
        ask(&[&good, &good]),
        ask(&[&format!("00-{TRACE}-{PARENT}")]),
        ask(&[&format!("00-{}-{PARENT}-01", "0".repeat(32))]),
        ask(&[&format!("00-{TRACE}-{}-01", "0".repeat(16))]),
        ask(&[&format!("ff-{TRACE}-{PARENT}-01")]),
        ask(&[MARKER]),
    ];
    // The caller has one, and does not want it to be kept.
    let unsampled = ask(&[&format!("00-{TRACE}-{PARENT}-00")]);
    let line = server.output().wait_for(|line| line["request_id"] == unsampled.as_str()).unwrap();
    assert_eq!(line["trace_id"], TRACE);
    let spans = spans_until_the_end(server, &collector);
    assert_eq!(spans.len(), refused.len());
    for (span, id) in spans.iter().zip(refused) {
        assert_eq!(attribute(&span.attributes, "request_id"), Some(json!(id)));
        assert_eq!(span.parent_span_id, NO_ID);
        assert_ne!(hex(&span.trace_id), TRACE);
    }
}

#[test]
fn the_environment_names_the_service() {
    for (environment, name, place) in [
        (&[][..], "prediction-api", None),
        (&[("OTEL_SERVICE_NAME", "vineyards")], "vineyards", None),
        (&[("OTEL_RESOURCE_ATTRIBUTES", "service.name=orchards,place=south")], "orchards", Some(json!("south"))),
    ] {
        let home = Home::on_sqlite();
        let collector = Collector::start();
        let url = collector.url();
        let server = Server::start_in(&home, &[&[(ENDPOINT, url.as_str())], environment].concat());
        server.anonymous().get("/health/live").expect(200);
        assert_eq!(end(server).code(), Some(0));
        let sent = exports(&collector);
        let resource = sent[0].resource_spans[0].resource.as_ref().unwrap();
        assert_eq!(attribute(&resource.attributes, "service.name"), Some(json!(name)));
        assert_eq!(attribute(&resource.attributes, "service.version"), Some(json!(env!("CARGO_PKG_VERSION"))));
        assert_eq!(attribute(&resource.attributes, "place"), place);
        let scope = sent[0].resource_spans[0].scope_spans[0].scope.as_ref().unwrap();
        assert_eq!(scope.name, "prediction-api");
    }
}

#[test]
fn without_the_option_nothing_is_sent() {
    let home = Home::on_sqlite();
    let collector = Collector::start();
    let elsewhere = format!("{}/v1/traces", collector.url());
    // As OpenTelemetry has it, empty is absent; what else it reads from the environment begins nothing.
    for environment in [
        &[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", elsewhere.as_str())][..],
        &[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", elsewhere.as_str()), (ENDPOINT, "")],
    ] {
        let server = Server::start_in(&home, environment);
        let call = server.anonymous().call("GET", "/health/live");
        call.header("traceparent", &format!("00-{TRACE}-{PARENT}-01")).send().expect(200);
        let line = server.output().wait_for(|line| line["target"] == "access").unwrap();
        assert_eq!(line["trace_id"], Value::Null);
        assert_eq!(end(server).code(), Some(0));
    }
    assert_eq!(collector.requests().len(), 0);
}

#[test]
fn no_request_waits_for_a_collector() {
    // One takes connections and never answers; where the other was, nothing listens.
    let frozen = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let away = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
    for (address, is_frozen) in [(frozen.local_addr().unwrap(), true), (away, false)] {
        let home = Home::on_sqlite();
        let url = format!("http://{address}");
        // So small that the queue is full at once.
        let environment =
            [(ENDPOINT, url.as_str()), ("OTEL_BSP_MAX_QUEUE_SIZE", "8"), ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "2")];
        let server = Server::start_in(&home, &environment);
        let began = Instant::now();
        for _ in 0..100 {
            server.anonymous().get("/health/live").expect(200);
        }
        let log = server.output().clone();
        if !is_frozen {
            let told = log.wait_for(|line| line["message"] == "traces could not be sent").unwrap();
            assert!(told["cause"].as_str().is_some_and(|cause| cause.contains("refused")), "{told}");
        }
        assert_eq!(end(server).code(), Some(0));
        assert!(began.elapsed() < BOUND, "{:?}", began.elapsed());
        let log = log.whole();
        assert!(log.matches("traces could not be sent").count() <= 1, "{log}");
        assert!(!log.contains("panicked"), "{log}");
    }
}

/// A server that sends to a collector.
fn traced(home: &Arc<Home>) -> (Collector, Server) {
    let collector = Collector::start();
    let server = Server::start_in(home, &[(ENDPOINT, &collector.url())]);
    (collector, server)
}

/// Ends a server as an operator would.
fn end(server: Server) -> ExitStatus {
    server.signal("TERM");
    server.into_running().wait()
}

/// All spans of a server, in the order of their beginning.
fn spans_until_the_end(server: Server, collector: &Collector) -> Vec<Span> {
    assert_eq!(end(server).code(), Some(0));
    let exports = exports(collector).into_iter().flat_map(|export| export.resource_spans);
    let mut spans: Vec<Span> = exports.flat_map(|of| of.scope_spans).flat_map(|of| of.spans).collect();
    spans.sort_by_key(|span| span.start_time_unix_nano);
    spans
}

/// What a collector got, decoded.
fn exports(collector: &Collector) -> Vec<ExportTraceServiceRequest> {
    let decode = |sent: Sent| {
        assert!(sent.head.starts_with("POST /v1/traces HTTP/1.1\r\n"), "{}", sent.head);
        assert!(sent.head.to_lowercase().contains("content-type: application/x-protobuf\r\n"), "{}", sent.head);
        ExportTraceServiceRequest::decode(sent.body.as_slice()).unwrap()
    };
    collector.requests().into_iter().map(decode).collect()
}

/// The span that fits, of which there is one.
#[track_caller]
fn one(spans: &[Span], fits: impl Fn(&Span) -> bool) -> &Span {
    let found: Vec<&Span> = spans.iter().filter(|span| fits(span)).collect();
    assert_eq!(found.len(), 1, "{spans:#?}");
    found[0]
}

fn attribute(attributes: &[KeyValue], key: &str) -> Option<Value> {
    attributes.iter().find(|pair| pair.key == key).map(value)
}

fn value(pair: &KeyValue) -> Value {
    match pair.value.as_ref().and_then(|value| value.value.as_ref()) {
        Some(AnyValue::StringValue(text)) => json!(text),
        Some(AnyValue::IntValue(number)) => json!(number),
        other => panic!("{} is {other:?}", pair.key),
    }
}

fn hex(id: &[u8]) -> String {
    id.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}
