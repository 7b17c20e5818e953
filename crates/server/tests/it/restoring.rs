//! What a job was: making it that again, comparing it, and what a value rests on.

use serde_json::{Value, json};

use crate::harness::{Client, Model, ORGANISATION_A, ORGANISATION_B, Server, errors, on_both_databases, path_of};
use crate::upgrading::{full_job, renaming_contract, upgrade_path};

on_both_databases!(
    a_job_is_made_what_it_was,
    what_was_is_refused_where_it_cannot_be_now,
    revisions_are_compared_role_by_role,
    a_value_is_traced_to_what_it_rests_on,
);

fn a_job_is_made_what_it_was(server: &Server) {
    let model = Model::publish(server, "mildew");
    let job = full_job(server, &model);
    let client = server.member(ORGANISATION_A);
    model.publish_version(server, "1.1.0", renaming_contract(false));
    client.post(&upgrade_path(&job), &json!({})).expect(200);
    client.put(&path_of(&job), &json!({ "name": "Another", "active": false })).expect(200);

    let path = format!("{}/restore", path_of(&job));
    let tried = client.post(&format!("{path}?dry_run=true"), &json!({ "revision": 1 })).expect(200);
    let restored = client.post(&path, &json!({ "revision": 1 })).expect(200);
    for member in ["source_version_id", "name", "active", "role_bindings", "outputs", "created_at"] {
        assert_eq!((member, &restored[member]), (member, &job[member]));
        assert_eq!((member, &tried[member]), (member, &job[member]));
    }
    assert_eq!(restored["revision"], 4);
    // It is that already.
    assert_eq!(client.post(&path, &json!({ "revision": 1 })).expect(200), restored);
    assert_eq!(client.post(&path, &json!({ "revision": 4 })).expect(200), restored);
    let revisions = client.get(&format!("{}/revisions", path_of(&job))).expect(200);
    assert_eq!(revisions["items"].as_array().unwrap().len(), 4);
}

fn what_was_is_refused_where_it_cannot_be_now(server: &Server) {
    let model = Model::publish(server, "mildew");
    let job = model.job(server, ORGANISATION_A, "Job A");
    let client = server.member(ORGANISATION_A);
    client.put(&path_of(&job), &json!({ "name": "Another" })).expect(200);
    let other = model.job(server, ORGANISATION_A, "Job A");
    let path = format!("{}/restore", path_of(&job));
    let problem = client.post(&path, &json!({ "revision": 1 })).problem(409, "conflict");
    assert_eq!(problem["existing_id"], other["id"]);
    for (revision, code) in [
        (json!(3), "unknown_revision"),
        (json!(0), "unknown_revision"),
        (json!(-1), "unknown_revision"),
        (json!(1e30), "unknown_revision"),
        (json!(1.5), "wrong_type"),
        (json!("1"), "wrong_type"),
        (json!(null), "wrong_type"),
    ] {
        let problem = client.post(&path, &json!({ "revision": revision })).problem(422, "invalid");
        assert_eq!(errors(&problem), [("/revision", code)], "{revision}");
    }
    assert_eq!(errors(&client.post(&path, &json!({})).problem(422, "invalid")), [("/revision", "missing_member")]);
    server.member(ORGANISATION_B).post(&path, &json!({ "revision": 1 })).problem(404, "not_found");
    assert_eq!(client.get(&path_of(&job)).expect(200)["revision"], 2);
}

fn revisions_are_compared_role_by_role(server: &Server) {
    let model = Model::publish(server, "mildew");
    let job = full_job(server, &model);
    let client = server.member(ORGANISATION_A);
    let newer = model.publish_version(server, "1.1.0", renaming_contract(false));
    client.post(&upgrade_path(&job), &json!({})).expect(200);
    client.put(&path_of(&job), &json!({ "name": "Another" })).expect(200);
    let compare = |client: &Client, revision: &str, query: &str| {
        client.get(&format!("{}/revisions/{revision}/comparison{query}", path_of(&job)))
    };
    let entry = |member: &str, role: Option<&str>, from: Value, to: Value| json!({ "member": member, "role": role, "from": from, "to": to });

    let renamed = compare(&client, "3", "").expect(200);
    assert_eq!(renamed["differences"], json!([entry("name", None, json!("Job A"), json!("Another"))]));
    assert_eq!((&renamed["from"]["revision"], &renamed["to"]["revision"]), (&json!(2), &json!(3)));
    let upgraded = compare(&client, "2", "?with=1").expect(200);
    let now = client.get(&format!("{}/revisions/2", path_of(&job))).expect(200);
    assert_eq!(
        upgraded["differences"],
        json!([
            entry("source_version_id", None, json!(model.version), json!(newer)),
            entry("role_bindings", Some("air"), json!(null), now["role_bindings"][0].clone()),
            entry("role_bindings", Some("temperature"), job["role_bindings"][0].clone(), json!(null)),
            entry("role_bindings", Some("rain"), job["role_bindings"][1].clone(), json!(null)),
            entry("outputs", Some("frost"), json!(null), now["outputs"][0].clone()),
        ])
    );
    assert_eq!(compare(&client, "2", "?with=2").expect(200)["differences"], json!([]));
    assert_eq!(compare(&client, "1", "?with=3").expect(200)["differences"].as_array().unwrap().len(), 6);

    for (revision, query, status, code, parameter) in [
        ("1", "", 422, "invalid", Some(("with", "unknown_revision"))),
        ("2", "?with=9", 422, "invalid", Some(("with", "unknown_revision"))),
        ("2", "?with=x", 400, "invalid_query", Some(("with", "out_of_range"))),
        ("2", "?wiht=1", 400, "invalid_query", Some(("wiht", "unknown_member"))),
        ("9", "", 404, "not_found", None),
    ] {
        let problem = compare(&client, revision, query).problem(status, code);
        let told = problem["errors"]
            .as_array()
            .map(|errors| (errors[0]["parameter"].as_str().unwrap(), errors[0]["code"].as_str().unwrap()));
        assert_eq!(told, parameter, "{revision}{query}");
    }
    compare(&server.member(ORGANISATION_B), "2", "").problem(404, "not_found");
}

fn a_value_is_traced_to_what_it_rests_on(server: &Server) {
    let model = Model::publish(server, "mildew");
    let job = full_job(server, &model);
    let client = server.member(ORGANISATION_A);
    let run = client.post(&format!("{}/runs", path_of(&job)), &Model::report("first")).expect(201);
    client.put(&path_of(&job), &json!({ "name": "Another" })).expect(200);
    let second = json!({
        "issued_at": "2026-06-01T12:30:00Z",
        "status": "succeeded",
        "predictions": [{ "role": "mildew", "at": "2026-06-01T13:00:00Z", "value": 99 }],
    });
    client.post(&format!("{}/runs", path_of(&job)), &second).expect(201);

    let trace = |query: &str| client.get(&format!("{}/provenance?{query}", path_of(&job)));
    let newest = trace("role=mildew&at=2026-06-01T13:00:00Z").expect(200);
    assert_eq!((&newest["value"]["value"], &newest["job_revision"]["revision"]), (&json!(99.0), &json!(2)));
    let first = trace("role=mildew&at=2026-06-01T13:00:00Z&as_of=2026-06-01T12:00:00Z").expect(200);
    assert_eq!((&first["value"]["value"], &first["value"]["run_id"]), (&json!(12.5), &run["id"]));
    assert_eq!(
        first["run"],
        client.get(&format!("{}/runs/{}", path_of(&job), run["id"].as_str().unwrap())).expect(200)
    );
    assert_eq!(first["job_revision"], client.get(&format!("{}/revisions/1", path_of(&job))).expect(200));
    assert_eq!(first["source_version"], client.get(&model.version_path()).expect(200));

    trace("role=mildew&at=2026-06-01T13:00:01Z").problem(404, "not_found");
    trace("role=mould&at=2026-06-01T13:00:00Z").problem(404, "not_found");
    let problem = trace("at=today").problem(400, "invalid_query");
    let told: Vec<_> =
        problem["errors"].as_array().unwrap().iter().map(|entry| (&entry["parameter"], &entry["code"])).collect();
    assert_eq!(told, [(&json!("role"), &json!("missing_member")), (&json!("at"), &json!("invalid_time"))]);
    let path = format!("{}/provenance?role=mildew&at=2026-06-01T13:00:00Z", path_of(&job));
    server.member(ORGANISATION_B).get(&path).problem(404, "not_found");
    for scope in ["jobs:read", "predictions:read"] {
        server.scoped(ORGANISATION_A, scope).get(&path).problem(403, "insufficient_scope");
    }
    server.scoped(ORGANISATION_A, "jobs:read predictions:read").get(&path).expect(200);
}
