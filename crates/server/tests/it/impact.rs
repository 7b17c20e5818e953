//! What an upgrade would do, before it is done.

use serde_json::{Value, json};

use crate::harness::{Model, ORGANISATION_A, ORGANISATION_B, Server, fresh_id, on_both_databases, path_of};
use crate::upgrading::{full_job, renaming_contract};

on_both_databases!(an_impact_tells_each_job_what_it_lacks, an_impact_is_of_jobs_that_the_token_may_read,);

fn an_impact_tells_each_job_what_it_lacks(server: &Server) {
    let model = Model::publish(server, "mildew");
    let stuck = full_job(server, &model);
    let plain = model.job(server, ORGANISATION_A, "Job B");
    let wind = model.publish_version(server, "1.1.0", renaming_contract(true));
    let gone = model.publish_version(server, "2.0.0", {
        let mut contract = renaming_contract(false);
        contract["output_roles"].as_array_mut().unwrap().pop();
        contract
    });
    let client = server.member(ORGANISATION_A);
    let impact = |version: &str, query: &str| client.get(&format!("/api/v1/source_versions/{version}/impact?{query}"));

    let told = impact(&wind, "").expect(200);
    let counts = |needs: u64, breaking: u64, done: u64| json!({ "ready": 0, "needs_binding": needs, "breaking": breaking, "up_to_date": done, "blocked": 0 });
    assert_eq!((&told["counts"], &told["next_cursor"]), (&counts(2, 0, 0), &json!(null)));
    assert_eq!(
        told["items"][0],
        json!({
            "job_id": stuck["id"], "organisation_id": ORGANISATION_A, "name": "Job A",
            "source_version_id": model.version, "outcome": "needs_binding", "missing_roles": ["wind"],
            "dropped_roles": ["rain"], "changed_outputs": [], "outputs_in_use": [],
        })
    );
    let told = impact(&gone, "outcome=breaking").expect(200);
    assert_eq!(told["counts"], counts(0, 2, 0));
    assert_eq!(told["items"][1]["changed_outputs"], json!(["mildew"]));

    let request = json!({ "source_version_id": wind, "role_bindings": [{ "role": "wind", "input_id": fresh_id() }] });
    client.post(&format!("{}/upgrade", path_of(&plain)), &request).expect(200);
    let told = impact(&wind, "limit=1").expect(200);
    assert_eq!((&told["counts"], told["items"].as_array().unwrap().len()), (&counts(1, 0, 1), 1));
    assert_eq!(impact(&wind, "outcome=ready").expect(200)["items"], json!([]));
    for (query, code) in
        [("outcome=fine", "unknown_word"), ("organisation_id=x", "invalid_uuid"), ("outcom=x", "unknown_member")]
    {
        let problem = impact(&wind, query).problem(400, "invalid_query");
        assert_eq!(problem["errors"][0]["code"], code, "{query}");
    }
    impact(&fresh_id(), "").problem(404, "not_found");
}

fn an_impact_is_of_jobs_that_the_token_may_read(server: &Server) {
    let model = Model::publish(server, "mildew");
    let own = model.job(server, ORGANISATION_A, "Job A");
    model.job(server, ORGANISATION_B, "Job B");
    let newer = model.publish_version(server, "1.1.0", Model::contract());
    let path = format!("/api/v1/source_versions/{newer}/impact");
    let told = server.scoped(ORGANISATION_A, "jobs:read").get(&path).expect(200);
    assert_eq!((&told["counts"]["ready"], &told["items"][0]["job_id"]), (&json!(1), &own["id"]));
    assert_eq!(told["items"].as_array().map(Vec::len), Some(1));
    server
        .member(ORGANISATION_A)
        .get(&format!("{path}?organisation_id={ORGANISATION_B}"))
        .problem(403, "organisation_out_of_scope");
    server.scoped(ORGANISATION_A, "jobs:write").get(&path).problem(403, "insufficient_scope");
    server.anonymous().get(&path).problem(401, "unauthorized");
    let all: Value = server.operator().get(&path).expect(200);
    assert_eq!(all["counts"]["ready"], 2);
}
