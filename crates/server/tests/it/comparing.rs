//! Two versions of a source side by side, on both databases.

use serde_json::{Value, json};

use crate::harness::{Model, ORGANISATION_B, Server, on_both_databases};

const VERSIONS: &str = "/api/v1/source_versions";

/// A version with one required input and one output more; gives its id.
fn publish_next(server: &Server, model: &Model) -> String {
    let mut contract = Model::contract();
    let outputs = contract["output_roles"].as_array_mut().unwrap();
    outputs.push(json!({ "role": "confidence", "metric": "confidence", "unit": "percent" }));
    let inputs = contract["input_roles"].as_array_mut().unwrap();
    inputs.push(json!({ "role": "wetness", "input_kind": "sensor", "metric": "wetness" }));
    model.publish_version(server, "2.0.0", contract)
}

fn a_comparison_names_what_changes(server: &Server) {
    let model = Model::publish(server, "compared");
    let next = publish_next(server, &model);
    let path = format!("{VERSIONS}/{next}/comparison");
    let reader = server.scoped(ORGANISATION_B, "");
    let forward = reader.get(&format!("{path}?with={}", model.version)).expect(200);
    assert_eq!(forward["from"]["id"], json!(model.version));
    assert_eq!(forward["to"], json!({ "id": next, "version": "2.0.0" }));
    assert_eq!(forward["compatibility"], "needs_binding");
    let last = |roles: &Value| roles.as_array().unwrap().last().unwrap().clone();
    assert_eq!(
        last(&forward["input_roles"]),
        json!({ "role": "wetness", "previous_role": null, "change": "added", "compatibility": "needs_binding", "differences": [] })
    );
    assert_eq!(
        last(&forward["output_roles"]),
        json!({ "role": "confidence", "previous_role": null, "change": "added", "compatibility": "compatible", "differences": [] })
    );

    let back = format!("{}/comparison?with={next}", model.version_path());
    assert_eq!(reader.get(&back).expect(200)["compatibility"], "breaking");
    let same = format!("{}/comparison?with={}", model.version_path(), model.version);
    assert_eq!(reader.get(&same).expect(200)["compatibility"], "identical");
}

fn what_cannot_be_compared_is_refused(server: &Server) {
    let model = Model::publish(server, "compared");
    let other = Model::publish(server, "another");
    let nowhere = "0b5c6a52-5a0e-4e57-9f0a-0a8f5e0a7c11";
    let path = format!("{}/comparison", model.version_path());
    for (with, code) in
        [(other.version.as_str(), "source_version_of_other_source"), (nowhere, "unknown_source_version")]
    {
        let problem = server.operator().get(&format!("{path}?with={with}")).problem(422, "invalid");
        let entry = &problem["errors"][0];
        assert_eq!((&entry["parameter"], &entry["code"]), (&json!("with"), &json!(code)));
        assert_eq!(entry.get("pointer"), None);
        if code == "source_version_of_other_source" {
            // As a setup and a change of a job tell it.
            assert_eq!(entry["expected"], json!({ "source_id": model.source }));
            assert_eq!(entry["actual"], json!({ "source_id": other.source }));
        }
    }
    let problem = server.operator().get(&path).problem(400, "invalid_query");
    assert_eq!(
        (&problem["errors"][0]["parameter"], &problem["errors"][0]["code"]),
        (&json!("with"), &json!("missing_member"))
    );
    let path = format!("{VERSIONS}/{nowhere}/comparison?with={}", model.version);
    server.operator().get(&path).problem(404, "not_found");
}

on_both_databases! {
    a_comparison_names_what_changes,
    what_cannot_be_compared_is_refused,
}
