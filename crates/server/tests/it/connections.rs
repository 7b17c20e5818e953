//! Connections: how many there can be, who is answered where, and what is told before a body is sent.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use serde_json::{Value, json};

use crate::harness::{Client, Home, RawConnection, Server, on_both_databases, raw_request};

on_both_databases!(a_client_that_asks_before_the_body_is_told_the_final_status);

/// Sends the head of a request that wants to be told before it sends its body, and gives what is told.
fn expect(server: &Server, method: &str, path: &str, token: &str, headers: &[&str]) -> (u16, Value, RawConnection) {
    let mut connection = RawConnection::open(server.address);
    connection.send(raw_request(method, path, token, &[&["Expect: 100-continue"], headers].concat()));
    let (status, body) = connection.answer();
    (status, serde_json::from_str(&body).unwrap_or_default(), connection)
}

fn a_client_that_asks_before_the_body_is_told_the_final_status(server: &Server) {
    let token = server.home().token(&["--all-organisations"]);
    let (json, length) = ("Content-Type: application/json", "Content-Length: 20");
    let id = crate::harness::fresh_id();
    for (method, path, token, headers, expected) in [
        ("POST", "/api/v1/sources", "nonsense", &[json, length][..], (401, "invalid_token")),
        ("POST", "/api/v1/sources", &*token, &[json, "Content-Length: 2000000"], (413, "payload_too_large")),
        ("POST", "/api/v1/sources", &*token, &["Content-Type: text/plain", length], (415, "unsupported_media_type")),
        ("POST", "/api/v1/sources?x=1", &*token, &[json, length], (400, "invalid_query")),
        ("POST", "/api/v1/jobs/x/runs", &*token, &[json, length], (400, "invalid_path")),
        ("POST", "/api/v1/nowhere", &*token, &[json, length], (404, "unknown_route")),
        ("PATCH", "/api/v1/sources", &*token, &[json, length], (405, "method_not_allowed")),
        ("DELETE", &*format!("/api/v1/jobs/{id}"), "nonsense", &[json, length], (401, "invalid_token")),
    ] {
        let (status, problem, mut connection) = expect(server, method, path, token, headers);
        assert_eq!((status, problem["code"].as_str()), (expected.0, Some(expected.1)), "{method} {path}");
        assert!(problem["request_id"].is_string());
        // The body that is not sent would be taken for the next request.
        assert_eq!(connection.rest(), "");
    }

    // What is wanted is asked for, and answered once.
    let body = json!({"name": "mildew"}).to_string();
    let length = format!("Content-Length: {}", body.len());
    let (status, _, mut connection) = expect(server, "POST", "/api/v1/sources", &token, &[json, &length]);
    assert_eq!(status, 100);
    connection.send(&body);
    assert_eq!(connection.answer().0, 201);
    let sources = server.operator().get("/api/v1/sources").expect(200);
    assert_eq!(sources["items"].as_array().unwrap().len(), 1);
    // The connection goes on.
    connection.send(raw_request("GET", "/health/live", &token, &[]));
    assert_eq!(connection.answer().0, 200);
}

/// A request that waits for its body counts once.
#[test]
fn a_head_that_was_judged_does_not_count_once_more() {
    let server = Server::start_with(&Home::on_sqlite(), &["--limit-per-peer", "1"]);
    let token = server.home().token(&["--all-organisations"]);
    let body = json!({"name": "mildew"}).to_string();
    let headers = ["Content-Type: application/json", &*format!("Content-Length: {}", body.len())];
    let (status, _, mut connection) = expect(&server, "POST", "/api/v1/sources", &token, &headers);
    assert_eq!(status, 100);
    connection.send(&body);
    assert_eq!(connection.answer().0, 201);
}

/// Opens a connection that stays open, and gives it if the server let it in.
fn connected(address: SocketAddr) -> Option<TcpStream> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).unwrap();
    match &answer {
        b"HTTP/1.1 200" => Some(stream),
        b"HTTP/1.1 503" => {
            let mut rest = String::new();
            stream.read_to_string(&mut rest).unwrap();
            assert!(rest.contains("retry-after: 1") && rest.contains("\"code\":\"overloaded\""), "{rest}");
            None
        }
        other => panic!("{}", String::from_utf8_lossy(other)),
    }
}

#[test]
fn connections_beyond_what_there_can_be_are_told_so() {
    let options = ["--max-connections", "3", "--listen-internal", "127.0.0.1:0"];
    let server = Server::start_with(&Home::on_sqlite(), &options);
    let internal = internal_address(&server);
    let metrics = Client::new(internal, None);
    // Health is on the other listener.
    let path = |address| {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(b"GET /openapi.json HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").unwrap();
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).unwrap();
        (answer[9..].to_vec(), stream)
    };
    let open: Vec<_> = (0..3).map(|_| path(server.address)).collect();
    assert!(open.iter().all(|(status, _)| status == b"200"));
    assert_eq!(path(server.address).0, b"503");
    let metrics = metrics.get("/metrics");
    assert!(
        metrics.text().contains("prediction_http_connections_ended_total{reason=\"too_many\"} 1"),
        "{}",
        metrics.text()
    );
    drop(open);
    // The server notices that they are gone, sooner or later.
    while path(server.address).0 != b"200" {}
}

#[test]
fn one_peer_has_no_more_than_its_part() {
    let server = Server::start_with(&Home::on_sqlite(), &["--max-connections-per-peer", "2"]);
    let open: Vec<_> = (0..2).map(|_| connected(server.address).unwrap()).collect();
    assert!(connected(server.address).is_none());
    drop(open);
    while connected(server.address).is_none() {}
}

fn internal_address(server: &Server) -> SocketAddr {
    let line = server.output().wait_for(|line| line["message"] == "listening for health and metrics").unwrap();
    line["address"].as_str().unwrap().parse().unwrap()
}

#[test]
fn health_and_metrics_can_be_on_a_listener_of_their_own() {
    let server = Server::start_with(&Home::on_sqlite(), &["--listen-internal", "127.0.0.1:0"]);
    let internal = Client::new(internal_address(&server), None);
    for path in ["/health/live", "/health/ready", "/metrics"] {
        server.anonymous().get(path).problem(404, "unknown_route");
        for _ in 0..3 {
            let answer = internal.get(path);
            assert_eq!(answer.status, 200, "{path}");
        }
        assert_eq!(internal.post(path, &json!({})).status, 405);
    }
    for path in ["/", "/docs/", "/openapi.json", "/problems", "/api/v1/sources"] {
        internal.get(path).problem(404, "unknown_route");
    }
}

#[test]
fn a_listener_that_cannot_be_had_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (status, complaint) = Home::on_sqlite().spawn(&["--listen-internal", &address]).wait();
    assert_eq!(status.code(), Some(1));
    assert!(complaint.contains(&address) && complaint.contains("--listen-internal"), "{complaint}");
}
