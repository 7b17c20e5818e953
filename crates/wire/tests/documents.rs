//! Answers about documents are read as they are written, and a part of an export is a document that can be applied.

use prediction_wire as wire;
use serde_json::{Value, json};

const ID: &str = "55555555-5555-5555-5555-555555555555";

#[test]
fn a_result_reads_back() {
    let change = |more: Value| {
        let mut change = json!({
            "resource": "job", "key": {"organisation_id": ID, "name": "Weather"}, "id": null, "action": "create",
            "revision": 1, "differences": [], "document": "/jobs/0",
        });
        for (name, value) in more.as_object().unwrap() {
            change[name] = value.clone();
        }
        change
    };
    let differences = json!([
        {"pointer": "/active", "stored": true, "wanted": false},
        {"pointer": "/role_bindings/0", "stored": null, "wanted": {"role": "air", "output": {"job": "A", "role": "t"}}},
    ]);
    let outside = json!({"by": "ada", "at": "2026-06-01T12:00:00.000000Z"});
    let answer = json!({
        "plan_digest": "sha256:0a",
        "counts": {"create": 1, "update": 1, "unchanged": 0, "adopt": 0, "pause": 0, "delete": 1},
        "changes": [
            change(json!({})),
            change(json!({"action": "update", "id": ID, "differences": differences, "changed_outside": outside})),
            change(json!({"action": "adopt", "id": ID, "differences_omitted": true})),
            change(json!({"action": "delete", "id": ID, "revision": null, "document": null, "runs": 7})),
        ],
        "warnings": [{"code": "still_used", "message": "m", "details": {"resource": "source"}}],
    });
    let read: wire::ApplyResult = serde_json::from_value(answer.clone()).unwrap();
    assert_eq!(serde_json::to_value(&read).unwrap(), answer);
    assert_eq!(read.changes[3].runs, Some(7));
}

#[test]
fn an_export_reads_back_and_is_a_document() {
    let document = json!({
        "set": "orchard",
        "sources": [{
            "name": "weather", "owner_organisation_id": null, "description": "d", "expected_interval_minutes": 60,
            "retention_hours": null,
        }],
        "source_versions": [{
            "source": {"name": "weather"}, "version": "1.0.0", "description": null,
            "input_roles": [{
                "role": "air", "aliases": ["t"], "input_kind": "sensor", "metric": "m", "unit": null, "required": true,
                "description": null,
            }],
            "output_roles": [{"role": "air", "metric": "m", "unit": "K", "required": true, "description": null}],
        }],
        "inputs": [
            {"id": ID, "organisation_id": ID, "kind": "sensor", "name": "n", "metric": null, "unit": "K"},
        ],
        "jobs": [{
            "name": "Frost", "organisation_id": ID, "source": {"name": "weather"},
            "source_version": {"version": "1.0.0"}, "active": false,
            "role_bindings": [
                {"role": "air", "input_id": ID, "input_type": "sensor"},
                {"role": "soil", "output": {"job": "Weather", "role": "air"}},
            ],
        }],
    });
    let answer = json!({"document": document, "next_cursor": null});
    let read: wire::Export = serde_json::from_value(answer.clone()).unwrap();
    assert_eq!(serde_json::to_value(&read).unwrap(), answer);

    let text = serde_json::to_vec(&read.document).unwrap();
    let submission = wire::APPLY.decode(&text, 1_000).unwrap();
    assert!(submission.diagnostics.is_clean(), "{:?}", submission.diagnostics);
    let bindings = submission.content.jobs.given().unwrap()[0].given().unwrap().role_bindings.given().unwrap();
    assert_eq!(bindings[1].given().unwrap().output.given().unwrap().job.given().unwrap(), "Weather");
}
