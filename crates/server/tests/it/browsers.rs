//! Pages of other origins, and compressed answers: off, unless the operator wants them.

use serde_json::json;

use crate::harness::{Answer, Home, Model, ORGANISATION_A, RawConnection, Server, path_of};

const APP: &str = "https://app.example";

fn preflight(server: &Server, origin: &str, method: &str, headers: &str) -> Answer {
    let call = server.anonymous().call("OPTIONS", "/api/v1/jobs").header("Origin", origin);
    call.header("Access-Control-Request-Method", method).header("Access-Control-Request-Headers", headers).send()
}

#[test]
fn pages_of_other_origins_are_not_let_in_unless_they_are_named() {
    let home = Home::on_sqlite();
    let server = Server::start(&home);
    assert_eq!(preflight(&server, APP, "GET", "authorization").status, 405);
    let answer = server.operator().call("GET", "/api/v1/jobs").header("Origin", APP).send();
    assert!(answer.headers.keys().all(|name| !name.as_str().starts_with("access-control")), "{answer:?}");

    let server = Server::start_with(&home, &["--cors-origin", APP, "--cors-origin", "http://localhost:3000"]);
    for origin in [APP, "http://localhost:3000"] {
        for method in ["GET", "POST", "PUT", "DELETE"] {
            // Without a token: browsers send none.
            let answer = preflight(&server, origin, method, "authorization,content-type,if-match,x-request-id");
            assert_eq!(
                (answer.status, answer.header("access-control-allow-origin")),
                (200, Some(origin)),
                "{answer:?}"
            );
            assert_eq!(answer.header("access-control-allow-credentials"), None);
            assert!(answer.header("vary").unwrap().to_lowercase().contains("origin"));
        }
        let answer = server.operator().call("GET", "/api/v1/jobs").header("Origin", origin).send();
        answer.expect(200);
        assert_eq!(answer.header("access-control-allow-origin"), Some(origin));
        assert!(answer.header("access-control-expose-headers").unwrap().to_lowercase().contains("etag"));
        // A page has to be able to read why it is refused.
        let answer = server.anonymous().call("GET", "/api/v1/jobs").header("Origin", origin).send();
        answer.problem(401, "unauthorized");
        assert_eq!(answer.header("access-control-allow-origin"), Some(origin));
    }
    for (origin, method, headers) in [
        ("https://evil.example", "GET", "authorization"),
        ("https://app.example.evil.example", "GET", "authorization"),
        ("null", "GET", "authorization"),
        (APP, "PATCH", "authorization"),
        (APP, "GET", "x-other"),
    ] {
        let answer = preflight(&server, origin, method, headers);
        assert_eq!(answer.status, 400, "{origin} {method} {headers}");
    }
    let answer = server.operator().call("GET", "/api/v1/jobs").header("Origin", "https://evil.example").send();
    assert_eq!(answer.header("access-control-allow-origin"), None);

    let server = Server::start_with(&home, &["--cors-origin", "*"]);
    let answer = preflight(&server, "https://other.example", "PUT", "authorization");
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, Some("*")), "{answer:?}");
    assert_eq!(answer.header("access-control-allow-credentials"), None);
}

/// The head of the answer to a GET of a client that accepts these codings, in small letters.
fn head(server: &Server, path: &str, accept: &str) -> String {
    let token = server.home().token(&["--all-organisations"]);
    let mut connection = RawConnection::open(server.address);
    connection.send(format!(
        "GET {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\nAccept-Encoding: {accept}\r\nConnection: close\r\n\r\n"
    ));
    let answer = connection.whole_bytes();
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap();
    String::from_utf8(answer[..end].to_vec()).unwrap().to_lowercase()
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

#[test]
fn answers_are_compressed_for_clients_that_want_it_and_their_tags_still_lock() {
    let home = Home::on_sqlite();
    let plain = Server::start(&home);
    let model = Model::publish(&plain, "mildew");
    let client = plain.operator();
    client.put(&model.source_path(), &json!({ "description": "x".repeat(2_000) })).expect(200);
    let job = path_of(&model.job(&plain, ORGANISATION_A, "Job A"));
    client.post(&format!("{job}/runs"), &Model::report("first")).expect(201);
    let source = model.source_path();
    assert_eq!(header(&head(&plain, &source, "gzip, br"), "content-encoding"), None);
    assert_eq!(header(&head(&plain, &source, "gzip, br"), "etag"), Some("\"2\""));

    let server = Server::start_with(&home, &["--compress"]);
    for (accept, coding) in [
        ("gzip", Some("gzip")),
        ("br", Some("br")),
        ("gzip, deflate, br", Some("br")),
        ("gzip;q=1, br;q=0.5", Some("gzip")),
        // Anything will do, so what is quickest.
        ("*", None),
        ("identity", None),
        ("gzip;q=0", None),
        ("zstd", None),
        ("", None),
    ] {
        let head = head(&server, &source, accept);
        assert!(head.starts_with("http/1.1 200"), "{head}");
        assert_eq!(header(&head, "content-encoding"), coding, "{accept}");
        let tag = coding.map_or("\"2\"".to_owned(), |coding| format!("\"2+{coding}\""));
        assert_eq!(header(&head, "etag"), Some(tag.as_str()), "{accept}");
        assert!(header(&head, "vary").unwrap().contains("accept-encoding"), "{head}");
        // The tag is good for asking again, and as a lock.
        let call = server.operator().call("GET", &source).header("If-None-Match", &tag).send();
        assert_eq!((call.status, call.header("etag")), (304, Some(tag.as_str())), "{accept}");
        let call = server.operator().call("PUT", &source).query("dry_run=true").header("If-Match", &tag);
        call.json(&json!({ "expected_interval_minutes": 1 })).send().expect(200);
    }
    // What is small, and what shows what was sent.
    for path in [&*job, &format!("/api/v1/jobs?{}=1", "y".repeat(3_000)), "/health/live"] {
        assert_eq!(header(&head(&server, path, "gzip, br"), "content-encoding"), None, "{path}");
    }
    let mut other = model.setup(ORGANISATION_A, "Job B");
    other["source"] = json!({ "id": model.source, "description": "z".repeat(3_000) });
    let call = server.operator().call("POST", "/api/v1/jobs/setup").header("Accept-Encoding", "gzip").json(&other);
    assert_eq!(call.send().header("content-encoding"), None);
    assert_eq!(header(&head(&server, "/openapi.json", "gzip"), "content-encoding"), Some("gzip"));
    // A body that a client can read.
    let read = server.operator().call("GET", &format!("{job}/predictions")).header("Accept", "text/csv");
    let csv = client.call("GET", &format!("{job}/predictions")).header("Accept", "text/csv").send().text();
    assert_eq!(read.header("Accept-Encoding", "identity").send().text(), csv);
}
