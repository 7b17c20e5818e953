//! Requests in the log: their ids, those that break off, and words that must not be in the log.

use serde_json::{Value, json};

use crate::harness::{Model, ORGANISATION_A, RawConnection, Server, insert, on_both_databases, path_of, raw_request};

on_both_databases!(
    a_request_that_breaks_off_has_a_line_and_no_body_in_it,
    words_in_requests_are_not_logged,
    a_request_id_is_taken_over_or_made,
);

/// The access lines, once there are so many of them.
fn access_lines(server: &Server, count: usize) -> Vec<Value> {
    let lines = server.output().wait_until(|lines| {
        let lines = lines.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let lines: Vec<Value> = lines.filter(|line| line["target"] == "access").collect();
        (lines.len() >= count).then_some(lines)
    });
    let lines = lines.unwrap();
    assert_eq!(lines.len(), count);
    lines
}

fn a_request_that_breaks_off_has_a_line_and_no_body_in_it(server: &Server) {
    let token = server.home().token(&["--all-organisations"]);
    let headers = ["Content-Type: application/json", "Content-Length: 99", "Expect: 100-continue"];
    let mut connection = RawConnection::open(server.address);
    connection.send(raw_request("POST", "/api/v1/sources", &token, &headers));
    assert_eq!(connection.answer().0, 100, "the body is being read");
    connection.send("a-secret-word");
    drop(connection);
    let lines = access_lines(server, 1);
    assert_eq!(lines[0]["route"], "/api/v1/sources");
    let log = format!("{}{}", server.output().text(), server.complaints().text());
    for secret in ["a-secret-word", token.as_str()] {
        assert!(!log.contains(secret), "{log}");
    }
}

fn words_in_requests_are_not_logged(server: &Server) {
    const WORD: &str = "a-secret-word";
    let model = Model::publish(server, &format!("source {WORD}"));
    let client = server.operator();
    let job = model.job(server, ORGANISATION_A, &format!("job {WORD}"));
    let mut setup = model.setup(ORGANISATION_A, &format!("job {WORD}"));
    insert(&mut setup, "/job/active", false);
    client.post("/api/v1/jobs/setup", &setup).problem(409, "conflict");
    client.put(&path_of(&job), &json!({ "name": WORD })).expect(200);
    let typed = client.call("POST", "/api/v1/sources").body(&format!("text/{WORD}"), WORD);
    typed.send().problem(415, "unsupported_media_type");
    client.get(&format!("/api/v1/jobs?{WORD}={WORD}")).problem(400, "invalid_query");
    client.get(&format!("/{WORD}")).problem(404, "unknown_route");
    server.client(WORD).get("/api/v1/jobs").problem(401, "invalid_token");
    access_lines(server, 9);
    let log = format!("{}{}", server.output().text(), server.complaints().text());
    assert!(!log.contains(WORD), "{log}");
}

fn a_request_id_is_taken_over_or_made(server: &Server) {
    let client = server.anonymous();
    for given in ["abc-123", "a", &"x".repeat(128), "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"] {
        let answer = client.call("GET", "/api/v1/jobs").header("X-Request-Id", given).send();
        assert_eq!(answer.problem(401, "unauthorized")["request_id"], given);
    }
    for refused in ["two words", "quote\"d", &"x".repeat(129), "{}"] {
        let answer = client.call("GET", "/api/v1/jobs").header("X-Request-Id", refused).send();
        let made = answer.problem(401, "unauthorized")["request_id"].clone();
        assert!(uuid::Uuid::parse_str(made.as_str().unwrap()).is_ok(), "{made}");
    }
    let ids: std::collections::BTreeSet<String> =
        (0..5).map(|_| client.get("/health/live").header("x-request-id").unwrap().to_owned()).collect();
    assert_eq!(ids.len(), 5);
    access_lines(server, 13);
}
