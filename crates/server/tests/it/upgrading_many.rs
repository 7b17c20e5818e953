//! Having many jobs run another version.

use serde_json::{Value, json};

use crate::harness::{
    Client, Model, ORGANISATION_A, ORGANISATION_B, ORGANISATION_C, Server, errors, fresh_id, on_both_databases, path_of,
};
use crate::upgrading::{full_job, renaming_contract};

on_both_databases!(
    each_job_that_can_be_upgraded_is_and_each_other_one_is_told_why,
    an_upgrade_of_many_goes_on_where_it_ended,
    jobs_are_named_by_their_ids_and_foreign_ones_do_not_exist,
    everything_that_is_wrong_with_an_upgrade_of_many_is_told_at_once,
);

const PATH: &str = "/api/v1/jobs/upgrade";

fn outcomes(answer: &Value) -> Vec<&str> {
    answer["results"].as_array().unwrap().iter().map(|result| result["outcome"].as_str().unwrap()).collect()
}

/// The same contract with one more required input, which jobs of version 1.0.0 lack.
fn demanding(server: &Server, model: &Model) -> String {
    model.publish_version(server, "2.0.0", renaming_contract(true))
}

fn each_job_that_can_be_upgraded_is_and_each_other_one_is_told_why(server: &Server) {
    let model = Model::publish(server, "mildew");
    let stuck = full_job(server, &model);
    let ready = model.job(server, ORGANISATION_B, "Job B");
    let foreign = model.job(server, ORGANISATION_C, "Job C");
    let client =
        server.client(server.home().token(&["--organisation", ORGANISATION_A, "--organisation", ORGANISATION_B]));
    let newer = demanding(server, &model);
    let wind = json!({ "role": "wind", "input_id": fresh_id() });
    let there = client.post(&format!("{}/upgrade", path_of(&ready)), &json!({ "role_bindings": [wind] })).expect(200);
    let easy = model.publish_version(server, "2.1.0", {
        let mut contract = renaming_contract(true);
        contract["output_roles"].as_array_mut().unwrap().pop();
        contract
    });

    let request = json!({ "source_version_id": easy, "filter": {} });
    let tried = client.post(&format!("{PATH}?dry_run=true"), &request).expect(200);
    assert_eq!(client.get(&path_of(&ready)).expect(200), there["job"], "nothing was stored");
    let done = client.post(PATH, &request).expect(200);
    assert_eq!(tried, done, "a dry run answers as the request does");
    assert_eq!(outcomes(&done), ["refused", "upgraded"]);
    assert_eq!(done["counts"], json!({ "upgraded": 1, "unchanged": 0, "refused": 1 }));
    let refused = &done["results"][0];
    assert_eq!((&refused["job_id"], &refused["organisation_id"]), (&stuck["id"], &json!(ORGANISATION_A)));
    assert_eq!(errors(&refused["problem"]), [("/role_bindings", "missing_required_role")]);
    assert_eq!(refused["problem"].get("plan"), None);
    assert_eq!((&done["results"][1]["revision"], &done["results"][1]["problem"]), (&json!(3), &json!(null)));
    assert_eq!(client.get(&path_of(&ready)).expect(200)["source_version_id"], easy);
    assert_eq!(client.get(&path_of(&stuck)).expect(200), stuck);
    assert_eq!(
        server.operator().get(&path_of(&foreign)).expect(200),
        foreign,
        "it is not of the token's organisations"
    );

    let again = client.post(PATH, &request).expect(200);
    assert_eq!(outcomes(&again), ["refused", "unchanged"]);
    for (filter, expected) in [
        (json!({ "organisation_id": ORGANISATION_B }), vec!["unchanged"]),
        (json!({ "source_version_id": model.version }), vec!["refused"]),
        (json!({ "source_version_id": newer }), vec![]),
        (json!({ "name": "Job B", "organisation_id": null }), vec!["unchanged"]),
        (json!({ "name": "Job C" }), vec![]),
    ] {
        let answer = client.post(PATH, &json!({ "source_version_id": easy, "filter": filter })).expect(200);
        assert_eq!(outcomes(&answer), expected, "{filter}");
    }
    let outside = json!({ "source_version_id": easy, "filter": { "organisation_id": ORGANISATION_C } });
    client.post(PATH, &outside).problem(403, "organisation_out_of_scope");
}

/// All results, one answer after the other.
fn all_results(client: &Client, mut request: Value) -> Vec<Value> {
    let mut results = Vec::new();
    loop {
        let mut answer = client.post(PATH, &request).expect(200);
        results.extend(answer["results"].as_array().unwrap().iter().cloned());
        request["cursor"] = answer["next_cursor"].take();
        if request["cursor"].is_null() {
            return results;
        }
    }
}

fn an_upgrade_of_many_goes_on_where_it_ended(server: &Server) {
    let model = Model::publish(server, "mildew");
    let jobs: Vec<Value> = (0..25).map(|number| model.job(server, ORGANISATION_A, &format!("Job {number}"))).collect();
    let ids: Vec<&Value> = jobs.iter().map(|job| &job["id"]).collect();
    let newer = model.publish_version(server, "1.1.0", renaming_contract(false));
    let client = server.member(ORGANISATION_A);
    for selection in [json!({ "filter": {} }), json!({ "jobs": ids })] {
        for limit in [Some(7), Some(25), Some(1000), None] {
            let mut request = selection.clone();
            request["source_version_id"] = json!(newer);
            request["limit"] = json!(limit);
            let results = all_results(&client, request);
            let found: Vec<&Value> = results.iter().map(|result| &result["job_id"]).collect();
            assert_eq!(found, ids, "{limit:?}");
        }
    }
    for job in &jobs {
        assert_eq!(client.get(&path_of(job)).expect(200)["revision"], 2, "each was upgraded once");
    }

    let first = client.post(PATH, &json!({ "source_version_id": newer, "filter": {}, "limit": 2 })).expect(200);
    for other in [
        json!({ "source_version_id": newer, "filter": { "name": "Job 1" }, "cursor": first["next_cursor"] }),
        json!({ "source_version_id": newer, "jobs": ids, "cursor": first["next_cursor"] }),
        json!({ "source_version_id": model.version, "filter": {}, "cursor": first["next_cursor"] }),
        json!({ "source_version_id": newer, "filter": {}, "cursor": "nonsense" }),
    ] {
        client.post(PATH, &other).problem(400, "invalid_cursor");
    }
}

fn jobs_are_named_by_their_ids_and_foreign_ones_do_not_exist(server: &Server) {
    let model = Model::publish(server, "mildew");
    let other = Model::publish(server, "rust");
    let own = model.job(server, ORGANISATION_A, "Job A");
    let of_other = other.job(server, ORGANISATION_A, "Job O");
    let foreign = model.job(server, ORGANISATION_B, "Job B");
    let newer = model.publish_version(server, "1.1.0", renaming_contract(false));
    let ids = json!([foreign["id"], own["id"], fresh_id(), of_other["id"], own["id"]]);
    let done =
        server.member(ORGANISATION_A).post(PATH, &json!({ "source_version_id": newer, "jobs": ids })).expect(200);
    assert_eq!(outcomes(&done), ["refused", "upgraded", "refused", "refused", "unchanged"]);
    let code = |index: usize| &done["results"][index]["problem"]["code"];
    assert_eq!((code(0), code(2), code(3)), (&json!("not_found"), &json!("not_found"), &json!("invalid")));
    assert_eq!(errors(&done["results"][3]["problem"]), [("/source_version_id", "source_version_of_other_source")]);
    assert_eq!(server.operator().get(&path_of(&foreign)).expect(200), foreign);
}

fn everything_that_is_wrong_with_an_upgrade_of_many_is_told_at_once(server: &Server) {
    let model = Model::publish(server, "mildew");
    let client = server.member(ORGANISATION_A);
    let too_many: Vec<String> = (0..1001).map(|_| fresh_id()).collect();
    for (request, expected) in [
        (json!({}), vec![("/jobs", "missing_member"), ("/source_version_id", "missing_member")]),
        (
            json!({ "source_version_id": fresh_id(), "jobs": ["x", null], "limit": 0, "limt": 1 }),
            vec![
                ("/jobs/0", "invalid_uuid"),
                ("/jobs/1", "wrong_type"),
                ("/limit", "out_of_range"),
                ("/limt", "unknown_member"),
                ("/source_version_id", "unknown_source_version"),
            ],
        ),
        (
            json!({ "source_version_id": model.version, "filter": { "name": "", "organisation_id": 7, "x": 1 }, "limit": 1001 }),
            vec![
                ("/filter/name", "too_short"),
                ("/filter/organisation_id", "wrong_type"),
                ("/filter/x", "unknown_member"),
                ("/limit", "out_of_range"),
            ],
        ),
        (
            json!({ "source_version_id": model.version, "filter": {}, "jobs": [] }),
            vec![("/filter", "not_allowed_here")],
        ),
        (json!({ "source_version_id": model.version, "jobs": too_many }), vec![("/jobs", "too_many_items")]),
        (
            json!({ "source_version_id": model.version, "filter": { "source_version_id": fresh_id() } }),
            vec![("/filter/source_version_id", "unknown_source_version")],
        ),
    ] {
        let problem = client.post(PATH, &request).problem(422, "invalid");
        assert_eq!(errors(&problem), expected, "{request}");
    }
}
