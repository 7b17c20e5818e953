//! How commands end that cannot be carried out.

use serde_json::json;

use crate::canned::{ORGANISATION, Server, VERSION, around, job, page, prediction_into};

/// The status and what was told.
fn ended(server: &Server, arguments: &[&str]) -> (u8, String) {
    let mut out = Vec::new();
    prediction_into(&mut out, &around(None), None, &[arguments, &["--url", &server.url]].concat())
}

#[test]
fn a_list_without_an_end_is_left() {
    let in_a_circle = |mut answer: serde_json::Value, next: &str| {
        answer["next_cursor"] = json!(next);
        answer
    };
    let circle = |path: &str, answer: &serde_json::Value| {
        ["a", "b", "a"].map(|next| (path.to_owned(), in_a_circle(answer.clone(), next))).to_vec()
    };
    let jobs = page(&[job(crate::canned::JOB, "Job A", &json!({}))]);
    let batch = json!({ "counts": { "upgraded": 1, "unchanged": 0, "refused": 0 }, "results": [] });
    let answers = [
        circle("GET /api/v1/jobs", &jobs),
        circle("GET /api/v1/export", &json!({ "document": { "jobs": [] } })),
        circle("POST /api/v1/jobs/upgrade", &batch),
        circle("GET /api/v1/organisations", &page(&[json!({ "id": ORGANISATION, "name": "A" })])),
        vec![(format!("GET /api/v1/source_versions/{VERSION}"), crate::canned::version())],
    ];
    let server = Server::start_with(|_| answers.concat());
    for arguments in [
        &["get", "jobs"][..],
        &["export"],
        &["upgrade", "--all", "--to", VERSION],
        // By the iterator of the client.
        &["get", "jobs", "-O", "B"],
    ] {
        let (code, told) = ended(&server, arguments);
        assert_eq!(code, 1, "{arguments:?}: {told}");
        assert!(told.contains("goes round in a circle"), "{arguments:?}: {told}");
    }
}
