//! The log: one line for each request, and nothing in it that must not be there.

use serde_json::{Value, json};

use crate::harness::{Answer, Home, Server, fresh_id};

/// In the bodies of requests; bodies are not logged.
const MARKER: &str = "marker-5b1f0c77";
const SOURCES: &str = "/api/v1/sources";
const SOURCE: &str = "/api/v1/sources/{id}";
const SUBJECT: &str = "subject-of-the-token";

/// What a line has to say about a request.
struct Expected {
    request_id: String,
    method: &'static str,
    route: &'static str,
    status: u16,
    has_subject: bool,
}

#[test]
fn every_request_has_one_line_on_sqlite() {
    every_request_has_one_line(Server::start(&Home::on_sqlite()));
}

#[test]
fn every_request_has_one_line_on_postgres() {
    every_request_has_one_line(Server::start(&Home::on_postgres()));
}

fn every_request_has_one_line(server: Server) {
    let arguments = ["--all-organisations", "--scope", "catalog:write jobs:read jobs:write", "--subject", SUBJECT];
    let token = server.home().token(&arguments);
    let known = server.client(token.as_str());
    let anonymous = server.anonymous();
    let mut expected = Vec::new();
    let mut note = |answer: &Answer, method, route, status, has_subject| {
        assert_eq!(answer.status, status, "{method} {route}: {}", answer.text());
        let request_id = answer.header("x-request-id").unwrap().to_owned();
        expected.push(Expected { request_id, method, route, status, has_subject });
    };
    note(&anonymous.get("/health/live"), "GET", "/health/live", 200, false);
    note(&anonymous.call("HEAD", "/openapi.json").send(), "HEAD", "/openapi.json", 200, false);
    note(&anonymous.get("/nothing/here"), "GET", "unknown", 404, false);
    note(&anonymous.delete(SOURCES), "DELETE", SOURCES, 405, false);
    note(&anonymous.post(SOURCES, &json!({ "name": MARKER })), "POST", SOURCES, 401, false);
    let created =
        known.call("POST", SOURCES).header("X-Request-Id", "given.by:caller").json(&json!({ "name": MARKER }));
    let created = created.send();
    assert_eq!(created.header("x-request-id"), Some("given.by:caller"));
    note(&created, "POST", SOURCES, 201, true);
    let path = format!("{SOURCES}/{}", created.json()["id"].as_str().unwrap());
    note(&known.get(&path), "GET", SOURCE, 200, true);
    note(&known.get(&format!("{SOURCES}/{}", fresh_id())), "GET", SOURCE, 404, true);
    note(&known.get(&format!("{SOURCES}?name={MARKER}")), "GET", SOURCES, 200, true);
    note(&known.post(SOURCES, &json!({ "name": [MARKER], MARKER: 1 })), "POST", SOURCES, 422, true);
    let broken = known.call("POST", SOURCES).body("application/json", format!("{{\"name\": {MARKER}"));
    note(&broken.send(), "POST", SOURCES, 400, true);
    let setup = json!({ "organisation_id": fresh_id(), "job": { "name": MARKER, "source_version_id": fresh_id() } });
    note(&known.post("/api/v1/jobs/setup", &setup), "POST", "/api/v1/jobs/setup", 422, true);
    let forged = format!("{token}{MARKER}");
    note(&anonymous.call("GET", &path).token(&forged).send(), "GET", SOURCE, 401, false);
    server.database().hide_tables();
    note(&known.post(SOURCES, &json!({ "name": format!("other {MARKER}") })), "POST", SOURCES, 500, true);

    let running = server.into_running();
    let log = running.output().clone();
    let complaints = running.complaints().clone();
    running.signal("TERM");
    assert!(running.wait().success());
    let log = log.whole();

    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let access: Vec<&Value> = lines.iter().filter(|line| line["target"] == "access").collect();
    assert_eq!(access.len(), expected.len(), "{log}");
    for expected in &expected {
        let mut lines = access.iter().filter(|line| line["request_id"] == expected.request_id.as_str());
        let line = lines.next().unwrap_or_else(|| panic!("no line for {}: {log}", expected.request_id));
        assert!(lines.next().is_none(), "two lines for {}: {log}", expected.request_id);
        assert_eq!(line["method"], expected.method, "{line}");
        assert_eq!(line["route"], expected.route, "{line}");
        assert_eq!(line["status"], expected.status, "{line}");
        assert!(line["duration_ms"].as_f64().is_some_and(|duration| duration > 0.0), "{line}");
        assert_eq!(line["subject"].as_str(), expected.has_subject.then_some(SUBJECT), "{line}");
    }

    let signature = token.rsplit('.').next().unwrap();
    for written in [log, complaints.whole()] {
        for secret in [MARKER, &token, signature, "Bearer"] {
            assert!(!written.contains(secret), "{secret} is in the log: {written}");
        }
    }
}
