//! Errors that no handler makes: they have the form of all others.

use actix_web::error::PayloadError;
use actix_web::http::StatusCode;
use actix_web::web::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
use serde_json::json;

use crate::service::{Answer, BoxedPayloadStream, ORGANISATION, Request, Service};

const BODY_LIMIT: usize = 1024 * 1024;

#[track_caller]
fn assert_problem(answer: &Answer, status: StatusCode, code: &str) {
    assert_eq!((answer.status, answer.code()), (status, code), "{}", answer.body);
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    assert_eq!(answer.header("x-request-id"), Some("the-request"));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(answer.body["request_id"], "the-request");
    assert_eq!(answer.body["status"], status.as_u16());
    assert_eq!(answer.body["type"], format!("/problems/{code}"));
    for member in ["title", "detail"] {
        assert!(answer.body[member].as_str().is_some_and(|text| !text.is_empty()), "{}", answer.body);
    }
}

#[actix_web::test]
async fn what_is_not_there_is_an_unknown_route() {
    let service = Service::in_memory();
    for path in [
        "/nowhere",
        "/api",
        "/api/v1",
        "/api/v1/source",
        "/api/v1/sources/",
        "/api/v1/sources/a/b",
        "/api/v2/sources",
        "/docs/nothing.js",
        "/problems/a/b",
        "/%00",
        "/api/v1/jobs//",
    ] {
        for method in ["GET", "POST", "DELETE", "OPTIONS", "BREW"] {
            let answer = service.send(Request::new(method, path)).await;
            assert_problem(&answer, StatusCode::NOT_FOUND, "unknown_route");
        }
    }
    let answer = service.send(Request::new("GET", "/problems/no_such_problem")).await;
    assert_problem(&answer, StatusCode::NOT_FOUND, "not_found");
}

#[actix_web::test]
async fn what_stands_in_a_path_is_an_id_or_the_path_is_not_valid() {
    let service = Service::in_memory();
    for id in ["x", "%20", "%FF", "%2F", "00000000-0000-0000-0000-000000000000", "77777777777777777777777777777777"] {
        for (method, path) in [
            ("GET", "sources"),
            ("PUT", "sources"),
            ("DELETE", "source_versions"),
            ("GET", "jobs"),
            ("PUT", "jobs"),
            ("DELETE", "jobs"),
        ] {
            let request = Request::new(method, format!("/api/v1/{path}/{id}"));
            let request = if method == "GET" { request } else { request.json(&json!({})) };
            let answer = service.send(request).await;
            assert_problem(&answer, StatusCode::BAD_REQUEST, "invalid_path");
        }
    }
}

#[actix_web::test]
async fn bodies_that_cannot_be_read_are_refused_for_what_they_are() {
    let service = Service::in_memory();
    let post = |content_type: &'static str, body: &[u8]| {
        let request = Request { body: Some(body.to_vec()), ..Request::new("POST", "/api/v1/sources") };
        service.send(request.header("content-type", content_type))
    };
    for body in [&b""[..], b"{", b"{}{}", b"nonsense", b"\xff", b"\"\\ud800\"", b"\xef\xbb\xbf{}"] {
        let answer = post("application/json", body).await;
        assert_problem(&answer, StatusCode::BAD_REQUEST, "invalid_json");
    }
    for body in ["null", "[]", "\"text\"", "7", "true", "[{}]"] {
        let answer = post("application/json; charset=utf-8", body.as_bytes()).await;
        assert_problem(&answer, StatusCode::UNPROCESSABLE_ENTITY, "invalid");
        assert_eq!(answer.body["errors"].as_array().unwrap().len(), 1);
        assert_eq!(answer.body["errors"][0]["pointer"], "");
    }
    for content_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "nonsense",
        "application/json; charset=latin1",
        "application/merge-patch+json",
    ] {
        let answer = post(content_type, br#"{"name": "mildew"}"#).await;
        assert_problem(&answer, StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type");
    }
    let encoded = Request::new("POST", "/api/v1/sources").json(&json!({"name": "mildew"}));
    let answer = service.send(encoded.header("content-encoding", "gzip")).await;
    assert_problem(&answer, StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type");
}

#[actix_web::test]
async fn a_body_of_more_than_a_mebibyte_is_too_large_announced_or_not() {
    let service = Service::in_memory();
    let of_size = |size: usize| {
        let body = format!(r#"{{"name": "{}"}}"#, "x".repeat(size - r#"{"name": ""}"#.len()));
        assert_eq!(body.len(), size);
        Request { body: Some(body.into_bytes()), ..Request::new("POST", "/api/v1/sources") }
            .header("content-type", "application/json")
    };
    for size in [BODY_LIMIT + 1, 2 * BODY_LIMIT] {
        let announced = of_size(size).header("content-length", size.to_string());
        for request in [of_size(size), announced] {
            let answer = service.send(request).await;
            assert_problem(&answer, StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large");
        }
    }
    let lied = of_size(100).header("content-length", (BODY_LIMIT + 1).to_string());
    assert_problem(&service.send(lied).await, StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large");
    let answer = service.send(of_size(BODY_LIMIT)).await;
    assert_problem(&answer, StatusCode::UNPROCESSABLE_ENTITY, "invalid");
    assert_eq!(answer.body["errors"][0]["code"], "too_long", "the limit itself is read");
}

#[actix_web::test]
async fn headers_that_cannot_be_read_are_refused() {
    let service = Service::in_memory();
    let path = format!("/api/v1/sources/{ORGANISATION}");
    for value in ["3", "", "\"3", "w/\"3\"", "\"1\" \"2\"", "*, *"] {
        let answer = service.send(Request::new("DELETE", &*path).header("if-match", value)).await;
        assert_problem(&answer, StatusCode::BAD_REQUEST, "invalid_header");
    }
}

#[actix_web::test]
async fn queries_are_judged_whole() {
    let service = Service::in_memory();
    let path =
        "/api/v1/jobs?limit=0&activ=true&active=1&name=&source_id=x&cursor=x&expand=sources&input_id=x&input_id=x";
    let answer = service.send(Request::new("GET", path)).await;
    assert_problem(&answer, StatusCode::BAD_REQUEST, "invalid_query");
    let errors = answer.body["errors"].as_array().unwrap();
    let mut told: Vec<_> =
        errors.iter().map(|error| (error["parameter"].as_str().unwrap(), error["code"].as_str().unwrap())).collect();
    told.sort_unstable();
    assert_eq!(
        told,
        [
            ("activ", "unknown_member"),
            ("active", "wrong_type"),
            ("cursor", "wrong_type"),
            ("expand", "out_of_range"),
            ("input_id", "duplicate_member"),
            ("limit", "out_of_range"),
            ("name", "too_short"),
            ("source_id", "invalid_uuid"),
        ]
    );
    for path in ["/api/v1/jobs?limit=201", "/api/v1/jobs?limit=-1", "/api/v1/jobs?limit=abc", "/api/v1/sources?limit="]
    {
        assert_problem(&service.send(Request::new("GET", path)).await, StatusCode::BAD_REQUEST, "invalid_query");
    }
    for path in ["/api/v1/jobs?cursor=", "/api/v1/sources?cursor=AAAA", "/api/v1/source_versions?cursor=%F0%9F%8C%BE"] {
        assert_problem(&service.send(Request::new("GET", path)).await, StatusCode::BAD_REQUEST, "invalid_cursor");
    }
    // Where there is no query at all, it is refused as well.
    let path = format!("/api/v1/sources/{ORGANISATION}?dry_run=true");
    let answer = service.send(Request::new("GET", path)).await;
    assert_problem(&answer, StatusCode::BAD_REQUEST, "invalid_query");
}

#[actix_web::test]
async fn a_request_id_is_made_when_there_is_no_harmless_one() {
    let service = Service::in_memory();
    let id = |answer: &Answer| {
        let id = answer.header("x-request-id").unwrap().to_owned();
        assert_eq!(answer.body["request_id"], id);
        id
    };
    let mut seen = std::collections::BTreeSet::new();
    for refused in ["", " ", "a b", "\"quoted\"", "<script>", &"x".repeat(129)] {
        let answer = service.send(Request::new("GET", "/nowhere").header("x-request-id", refused)).await;
        assert!(uuid::Uuid::parse_str(&id(&answer)).is_ok());
        assert!(seen.insert(id(&answer)), "each request has an id of its own");
    }
    let longest = "x".repeat(128);
    for taken in ["abc-1.2:3", "dGVzdA==", &longest] {
        let answer = service.send(Request::new("GET", "/nowhere").header("x-request-id", taken)).await;
        assert_eq!(id(&answer), taken);
    }
}

/// A body that begins, and then waits for ever or breaks off.
fn beginning(rest: impl Stream<Item = Result<Bytes, PayloadError>> + 'static) -> BoxedPayloadStream {
    stream::once(async { Ok(Bytes::from_static(br#"{"name": "#)) }).chain(rest).boxed_local()
}

#[actix_web::test]
async fn a_body_that_does_not_come_is_not_waited_for_for_ever() {
    let service = Service::in_memory();
    let post = || Request::new("POST", "/api/v1/sources").header("content-type", "application/json");
    tokio::time::pause();
    let answer = service.send_body(post(), beginning(stream::pending())).await;
    tokio::time::resume();
    assert_problem(&answer, StatusCode::REQUEST_TIMEOUT, "request_timeout");

    let broken = beginning(stream::once(async { Err(PayloadError::Incomplete(None)) }));
    assert_problem(&service.send_body(post(), broken).await, StatusCode::BAD_REQUEST, "invalid_json");
}

#[actix_web::test]
async fn a_body_that_never_ends_is_refused_when_it_is_too_large() {
    let service = Service::in_memory();
    let request = Request::new("POST", "/api/v1/sources").header("content-type", "application/json");
    let endless = stream::repeat_with(|| Ok(Bytes::from(vec![b' '; 65_536]))).boxed_local();
    let answer = service.send_body(request, endless).await;
    assert_problem(&answer, StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large");
}
