//! What a person sees.

use serde_json::{Value, json};

use crate::canned::{JOB, Server, VERSION, job, page, prediction, run_of};

const OTHER: &str = "33333333-3333-3333-3333-333333333333";
const NEXT: &str = "cccccccc-cccc-cccc-cccc-cccccccccccc";

fn jobs() -> Vec<Value> {
    vec![
        job(JOB, "Job A", &json!({ "last_run_at": "2026-06-01T11:30:00Z" })),
        job(
            "12121212-1212-1212-1212-121212121212",
            "Frost warning, north field",
            &json!({ "status": "failing", "last_run_at": "2026-06-01T11:00:00Z", "consecutive_failures": 3,
                     "last_success_at": "2026-06-01T08:00:00Z" }),
        ),
        // A name that would clear the screen and turn the rest around.
        job(OTHER, "\u{202e}evil\u{1b}[2J", &json!({ "status": "overdue", "overdue_since": "2026-05-30T12:00:00Z" })),
    ]
}

fn counts() -> Value {
    json!({ "counts": { "paused": 1, "unmonitored": 0, "overdue": 1, "failing": 1, "late": 0, "new": 0, "on_time": 12 },
            "judged_at": "2026-06-01T12:00:00Z" })
}

#[test]
fn the_status_shows_what_needs_help() {
    let mut bad: Vec<Value> = jobs().into_iter().skip(1).collect();
    // What the service stores has no control characters; a service that answers some is not believed.
    bad[1]["name"] = json!("\u{202e}evil");
    let server = Server::start(vec![
        ("GET /api/v1/jobs/health", counts()),
        ("GET /api/v1/jobs", page(&bad)),
        (
            "GET /api/v1/jobs/12121212-1212-1212-1212-121212121212/runs",
            page(&[run_of("2026-06-01T11:00:00Z", "failed", Some("the weather station\ndid not answer"))]),
        ),
    ]);
    insta::assert_snapshot!("status_100", prediction(&server, Some(100), &["status"]).out);
    insta::assert_snapshot!("status_40", prediction(&server, Some(40), &["status"]).out);
    let json: Value = serde_json::from_str(&prediction(&server, None, &["status", "-o", "json"]).out).unwrap();
    assert_eq!(json["health"], counts());
    assert_eq!(json["worst"][0], bad[1], "the overdue one first");
}

#[test]
fn jobs_fit_the_terminal() {
    let server = Server::start(vec![("GET /api/v1/jobs", page(&jobs()))]);
    insta::assert_snapshot!("jobs_100", prediction(&server, Some(100), &["get", "jobs"]).out);
    insta::assert_snapshot!("jobs_40", prediction(&server, Some(40), &["get", "jobs"]).out);
    insta::assert_snapshot!("jobs_wide", prediction(&server, Some(40), &["get", "jobs", "-o", "wide"]).out);
    insta::assert_snapshot!("jobs_csv", prediction(&server, None, &["get", "jobs", "-o", "csv"]).out.escape_debug());
    insta::assert_snapshot!("jobs_name", prediction(&server, Some(80), &["get", "jobs", "-o", "name"]).out);
    for format in ["json", "yaml"] {
        let printed = prediction(&server, Some(80), &["get", "jobs", "-o", format]).out;
        assert!(!printed.contains(['\u{1b}', '\u{202e}']), "{printed:?}");
        assert!(printed.contains("\\u202eevil\\u001b[2J"), "{printed}");
    }
    let json: Value = serde_json::from_str(&prediction(&server, None, &["get", "jobs", "-o", "json"]).out).unwrap();
    assert_eq!(json, page(&jobs()));
}

#[test]
fn a_job_is_described_on_a_screen() {
    let path = |rest: &str| format!("GET /api/v1/jobs/{JOB}{rest}");
    let revision = json!({
        "job_id": JOB, "revision": 2, "source_version_id": VERSION, "name": "Job A", "active": true,
        "role_bindings": [], "outputs": [], "changed_at": "2026-05-31T12:00:00Z", "changed_by": "ada",
    });
    let reference =
        |number: u8| json!({ "revision": number, "changed_at": "2026-05-31T12:00:00Z", "changed_by": "ada" });
    let compared = json!({
        "from": reference(1), "to": reference(2),
        "differences": [{ "member": "active", "role": null, "from": false, "to": true }],
    });
    let runs =
        [run_of("2026-06-01T11:30:00Z", "succeeded", None), run_of("2026-06-01T10:30:00Z", "failed", Some("no data"))];
    let answers = [
        (path(""), jobs()[0].clone()),
        ("GET /api/v1/jobs".to_owned(), page(&jobs()[..1])),
        (path("/runs"), page(&runs)),
        (path("/revisions/2"), revision),
        (path("/revisions/2/comparison"), compared),
    ];
    let server = Server::start_with(|_| answers.into());
    insta::assert_snapshot!("describe_80", prediction(&server, Some(80), &["describe", "job", "Job A"]).out);
    insta::assert_snapshot!("describe_40", prediction(&server, Some(40), &["describe", "job", "Job A"]).out);
}

#[test]
fn versions_are_compared_and_their_impact_is_judged() {
    let reference = |id: &str, version: &str| json!({ "id": id, "version": version });
    let comparison = json!({
        "from": reference(VERSION, "1.0.0"), "to": reference(NEXT, "1.1.0"), "compatibility": "needs_binding",
        "input_roles": [
            { "role": "air_temperature", "previous_role": "temperature", "change": "changed",
              "compatibility": "compatible", "differences": [{ "member": "unit", "from": null, "to": "°C" }] },
            { "role": "wind", "previous_role": null, "change": "added", "compatibility": "needs_binding", "differences": [] },
        ],
        "output_roles": [],
    });
    let impact = json!({
        "counts": { "ready": 0, "needs_binding": 1, "breaking": 0, "up_to_date": 2, "blocked": 0 },
        "items": [{ "job_id": JOB, "organisation_id": crate::canned::ORGANISATION, "name": "Job A",
                    "source_version_id": VERSION, "outcome": "needs_binding", "missing_roles": ["wind", "rain"],
                    "dropped_roles": [], "changed_outputs": [], "outputs_in_use": [] }],
        "next_cursor": null,
    });
    let mut next = crate::canned::version();
    next["id"] = json!(NEXT);
    next["version"] = json!("1.1.0");
    let answers = [
        (format!("GET /api/v1/source_versions/{VERSION}"), crate::canned::version()),
        (format!("GET /api/v1/source_versions/{NEXT}"), next),
        (format!("GET /api/v1/source_versions/{NEXT}/comparison"), comparison),
        (format!("GET /api/v1/source_versions/{NEXT}/impact"), impact),
    ];
    let server = Server::start_with(|_| answers.into());
    insta::assert_snapshot!("diff", prediction(&server, Some(80), &["diff", VERSION, NEXT]).out);
    insta::assert_snapshot!("impact", prediction(&server, Some(80), &["impact", NEXT]).out);
}
