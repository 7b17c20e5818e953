//! How commands end that cannot be carried out.

use serde_json::json;

use crate::canned::{
    JOB, ORGANISATION, Server, VERSION, around, job, page, prediction_into, problem, run_of, told, version,
};

#[test]
fn a_list_without_an_end_is_left() {
    let in_a_circle = |mut answer: serde_json::Value, next: &str| {
        answer["next_cursor"] = json!(next);
        answer
    };
    let circle = |path: &str, answer: &serde_json::Value| {
        ["a", "b", "a"].map(|next| (path.to_owned(), in_a_circle(answer.clone(), next))).to_vec()
    };
    let jobs = page(&[job(JOB, "Job A", &json!({}))]);
    let batch = json!({ "counts": { "upgraded": 1, "unchanged": 0, "refused": 0 }, "results": [] });
    let answers = [
        circle("GET /api/v1/jobs", &jobs),
        circle("GET /api/v1/export", &json!({ "document": { "jobs": [] } })),
        circle("POST /api/v1/jobs/upgrade", &batch),
        circle("GET /api/v1/organisations", &page(&[json!({ "id": ORGANISATION, "name": "A" })])),
        vec![(format!("GET /api/v1/source_versions/{VERSION}"), version())],
    ];
    let server = Server::start_with(|_| answers.concat());
    for arguments in [
        &["get", "jobs"][..],
        &["export"],
        &["upgrade", "--all", "--to", VERSION],
        // By the iterator of the client.
        &["get", "jobs", "-O", "B"],
    ] {
        let ended = told(&server, None, arguments);
        assert_eq!(ended.code, 1, "{arguments:?}: {}", ended.err);
        assert!(ended.err.contains("goes round in a circle"), "{arguments:?}: {}", ended.err);
    }
}

#[test]
fn what_makes_no_sense_is_refused_before_anything_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.yaml");
    std::fs::write(&file, format!("set: a\norganisation_id: {ORGANISATION}\n")).unwrap();
    let file = file.to_str().unwrap();
    let server = Server::start(vec![]);
    for arguments in [
        &["apply", "-f", file, "-o", "csv"][..],
        &["plan", "-f", file, "-o", "csv"],
        &["apply", "-f", file, "--set", "b"],
        &["plan", "-f", file, "-O", "88888888-8888-8888-8888-888888888888"],
        &["diff", JOB, VERSION, "-o", "name"],
        &["diff", JOB, VERSION, "-o", "csv"],
        &["export", "-o", "table"],
        &["status", "-o", "csv"],
        &["predictions", JOB, "-o", "name"],
        &["set", "job", "Job A", "active=true", "active=false"],
        &["wait", "job", "Job A", "--for", "version="],
        &["delete", "Job A"],
        &["get", "jobs", "-w", "-o", "json"],
        &["get", "jobs", "--every", "5s"],
        &["get", "runs", "Job A", "first"],
        &["get", "revisions", "Job A", "first"],
        &["get", "runs"],
        &["get", "sources", "a", "b"],
        // What is not for one thing would be ignored.
        &["get", "jobs", "Job A", "--health", "late"],
        &["get", "jobs", "Job A", "--source", "a"],
        &["get", "jobs", "Job A", "--unfit"],
        &["get", "jobs", "Job A", "--limit", "1"],
        &["get", "sources", "a", "-O", ORGANISATION],
        &["get", "versions", "a@1", "--stage", "active"],
        &["get", "inputs", "a", "--metric", "celsius"],
        &["get", "runs", "Job A", JOB, "--status", "failed"],
        &["get", "runs", "Job A", JOB, "--limit", "1"],
    ] {
        let ended = told(&server, None, arguments);
        assert_eq!(ended.code, 64, "{arguments:?}: {}", ended.err);
        assert_eq!(*server.asked.lock().unwrap(), [""; 0], "{arguments:?}");
    }
}

#[test]
fn what_tells_which_one_is_meant_combines_with_a_name() {
    let one = job(JOB, "Job A", &json!({}));
    let job_path = format!("GET /api/v1/jobs/{JOB}");
    let input = format!("GET /api/v1/inputs/{JOB}");
    let runs = format!("{job_path}/runs");
    let answers = vec![
        (job_path.clone(), one),
        (input, json!({ "id": JOB, "name": "a" })),
        (runs, page(&[run_of("2026-06-01T11:30:00Z", "succeeded", None)])),
    ];
    let server = Server::start_with(|_| answers);
    assert_eq!(told(&server, None, &["get", "jobs", JOB, "-O", ORGANISATION, "-o", "name"]).out, "Job A\n");
    let other = told(&server, None, &["get", "jobs", JOB, "-O", VERSION, "-o", "name"]);
    assert_eq!(other.code, 1, "it is a job of another organisation: {}", other.err);
    assert_eq!(told(&server, None, &["get", "inputs", JOB, "-O", ORGANISATION, "-o", "name"]).out, "a\n");
    let asked = server.asked.lock().unwrap().last().cloned().unwrap();
    assert_eq!(asked, format!("GET /api/v1/inputs/{JOB}?organisation_id={ORGANISATION}"));
    assert_eq!(told(&server, None, &["get", "runs", JOB, "--status", "failed", "--limit", "1"]).code, 0);
}

#[test]
fn a_version_is_found_as_the_service_compares_versions() {
    let labelled = |label: &str| {
        let mut version = version();
        version["version"] = json!(label);
        version
    };
    let source = json!({
        "id": crate::canned::SOURCE, "owner_organisation_id": null, "name": "s", "description": null,
        "expected_interval_minutes": null, "retention_hours": null, "revision": 1,
        "created_at": "2026-05-01T12:00:00Z", "updated_at": "2026-05-01T12:00:00Z",
    });
    let versions = ["vintage", "v1.10.0+a", "2.0"].map(labelled);
    let server = Server::start_with(|_| {
        vec![
            ("GET /api/v1/sources".to_owned(), page(&[source])),
            ("GET /api/v1/source_versions".to_owned(), page(&versions)),
            (format!("GET /api/v1/source_versions/{VERSION}"), versions[0].clone()),
        ]
    });
    let found = |label: &str| told(&server, None, &["get", "versions", &format!("s@{label}"), "-o", "name"]).code;
    for label in ["vintage", "1.10.0+a", "v1.10.0+a", "V1.10.0+a", "v2.0"] {
        assert_eq!(found(label), 0, "{label}");
    }
    for label in ["intage", "1.10.0", "1.10.0+A", "vv2.0", "2"] {
        assert_eq!(found(label), 1, "{label}");
    }
}

#[test]
fn a_status_tells_what_would_help() {
    let list = |more: serde_json::Value| {
        Server::start(vec![("GET /api/v1/jobs", page_to(&["b"])), ("GET /api/v1/jobs", more)])
    };
    let refused = problem(401, "invalid_token");
    for (more, code) in [
        (refused.clone(), 4),
        (problem(503, "overloaded"), 3),
        (problem(502, "bad_gateway"), 3),
        (problem(500, "internal"), 1),
        (problem(403, "forbidden"), 1),
    ] {
        let ended = told(&list(more), None, &["get", "jobs", "--deadline", "1s"]);
        assert_eq!(ended.code, code, "in the middle of a list: {}", ended.err);
    }
    // A server that speaks no TLS.
    let server = Server::start(vec![]);
    let mut out = Vec::new();
    let url = server.url.replace("http:", "https:");
    let (code, err) = prediction_into(&mut out, &around(None), None, &["status", "--url", &url, "--deadline", "1s"]);
    assert_eq!(code, 3, "{err}");
}

fn page_to(next: &[&str]) -> serde_json::Value {
    json!({ "items": [job(JOB, "Job A", &json!({}))], "next_cursor": next[0] })
}

#[test]
fn only_the_service_says_that_a_job_is_deleted() {
    let path = format!("GET /api/v1/jobs/{JOB}");
    let wait = |gone| {
        let server = Server::start(vec![(path.as_str(), job(JOB, "Job A", &json!({}))), (path.as_str(), gone)]);
        told(&server, None, &["wait", "job", JOB, "--for", "deleted"])
    };
    assert_eq!(wait(problem(404, "not_found")).out, "Job A: deleted\n");
    assert_eq!(wait(problem(404, "no_such_route")).code, 1, "a proxy that has lost its way");
}
