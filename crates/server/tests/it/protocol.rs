//! HTTP as others speak it: old clients, picky ones, and what stands in headers.

use serde_json::{Value, json};

use crate::harness::{Model, ORGANISATION_A, RawConnection, Server, on_both_databases, path_of};

on_both_databases!(
    a_client_of_an_old_http_is_sent_no_chunks,
    what_is_accepted_is_sent,
    a_body_that_is_as_it_is_is_taken,
);

fn predictions(server: &Server) -> String {
    let job = Model::publish(server, "mildew").job(server, ORGANISATION_A, "Job A");
    server.operator().post(&format!("{}/runs", path_of(&job)), &Model::report("first")).expect(201);
    format!("{}/predictions", path_of(&job))
}

/// Sends the head of a request of HTTP/1.0.
fn old(server: &Server, path: &str, headers: &str) -> RawConnection {
    let token = server.home().token(&["--all-organisations"]);
    let mut connection = RawConnection::open(server.address);
    connection.send(format!("GET {path} HTTP/1.0\r\nAuthorization: Bearer {token}\r\n{headers}\r\n"));
    connection
}

fn a_client_of_an_old_http_is_sent_no_chunks(server: &Server) {
    let path = predictions(server);
    let csv = server.operator().call("GET", &path).header("Accept", "text/csv").send();
    assert_eq!(csv.header("transfer-encoding"), Some("chunked"));
    for connection in ["", "Connection: keep-alive\r\n", "Connection: close\r\n"] {
        let answer = old(server, &path, &format!("Accept: text/csv\r\n{connection}")).whole();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let head = head.to_lowercase();
        assert!(head.starts_with("http/1.0 200"), "{head}");
        for unwanted in ["transfer-encoding", "content-length", "keep-alive"] {
            assert!(!head.contains(unwanted), "{head}");
        }
        assert_eq!(body, csv.text());
    }
    // What has a length ends there, and the connection goes on if that is wanted.
    let mut connection = old(server, &path, "Connection: keep-alive\r\n");
    let (status, body) = connection.answer();
    assert_eq!(status, 200);
    assert_eq!(serde_json::from_str::<Value>(&body).unwrap(), server.operator().get(&path).expect(200));
    connection.send("OPTIONS /health/live HTTP/1.0\r\n\r\n");
    assert!(connection.whole().to_lowercase().starts_with("http/1.0 405"));
    for path in ["/health/live", "/health/ready", "/metrics", "/openapi.json", "/docs/index.html"] {
        let mut connection = RawConnection::open(server.address);
        connection.send(format!("GET {path} HTTP/1.0\r\n\r\n"));
        let answer = connection.whole().to_lowercase();
        assert!(answer.starts_with("http/1.0 200") && !answer.contains("transfer-encoding: chunked"), "{path}");
    }
}

fn what_is_accepted_is_sent(server: &Server) {
    let path = predictions(server);
    for (accept, kind) in [
        ("text/csv", "text/csv"),
        ("text/csv;q=0.5, application/json;q=0.1", "text/csv"),
        ("text/*", "text/csv"),
        ("text/csv;q=0", "application/json"),
        ("text/csv;q=0, */*", "application/json"),
        ("*/*", "application/json"),
        ("application/xml", "application/json"),
        ("nonsense", "application/json"),
    ] {
        let answer = server.operator().call("GET", &path).header("Accept", accept).send();
        assert_eq!(answer.status, 200, "{accept}");
        assert!(answer.header("content-type").unwrap().starts_with(kind), "{accept}");
        assert_eq!(answer.header("vary"), Some("Accept"), "{accept}");
    }
}

fn a_body_that_is_as_it_is_is_taken(server: &Server) {
    let client = server.operator();
    let post = |coding: &str| {
        let call = client.call("POST", "/api/v1/sources").header("Content-Encoding", coding);
        call.json(&json!({ "name": "mildew" })).send()
    };
    post("Identity").expect(201);
    for coding in ["identity", "IDENTITY", "identity, Identity", " identity ,", ""] {
        post(coding).expect(200);
    }
    for coding in ["gzip", "identity, gzip", "GZIP", "x"] {
        post(coding).problem(415, "unsupported_media_type");
    }
}
