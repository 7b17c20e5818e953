//! The tutorial's requests, as printed.

use serde_json::json;

use crate::harness::{ORGANISATION_A, Server, example, fresh_id, insert, on_both_databases};

on_both_databases!(
    the_steps_lead_from_a_source_to_a_job_and_back,
    the_printed_setup_names_the_role_temp_and_the_whole_source,
    everything_can_be_described_in_one_setup,
    a_setup_without_a_token_is_refused,
);

fn the_steps_lead_from_a_source_to_a_job_and_back(server: &Server) {
    let user = server.member(ORGANISATION_A);

    let answer = user.post("/api/v1/sources", &example("create-source.json"));
    let source = answer.expect(201);
    let source_path = format!("/api/v1/sources/{}", source["id"].as_str().unwrap());
    assert_eq!(answer.header("location"), Some(source_path.as_str()));
    assert_eq!(source["name"], "frost-predictor");
    assert_eq!(source["expected_interval_minutes"], 60);
    assert_eq!(source["retention_hours"], 720);
    assert_eq!(user.get(&source_path).expect(200), source, "what was answered is what is stored");

    let answer = user.post("/api/v1/source_versions", &example("create-source-version.json"));
    let version = answer.expect(201);
    let version_path = answer.header("location").unwrap();
    assert_eq!(version["output_roles"][0]["unit"], "°C");
    assert_eq!(user.get(version_path).expect(200), version);

    let setup = example("setup-job.json");
    let answer = user.post("/api/v1/jobs/setup", &setup);
    let set_up = answer.expect(201);
    let job = &set_up["job"];
    let job_path = answer.header("location").unwrap();
    assert_eq!(set_up["source"], source);
    assert_eq!(set_up["source_version"], version);
    assert_eq!(set_up["outcome"], json!({ "source": "reused", "source_version": "reused", "job": "created" }));
    assert_eq!(set_up["warnings"][0]["code"], "version_defaulted");
    assert_eq!(set_up["warnings"][0]["details"]["source_version_id"], version["id"]);
    assert_eq!(job["organisation_id"], ORGANISATION_A);
    assert_eq!(job["source_id"], source["id"]);
    assert_eq!(job["source_version_id"], version["id"]);
    assert_eq!(job["name"], "Frost warning");
    assert_eq!(job["active"], true);
    assert_eq!(job["role_bindings"], setup["role_bindings"]);
    assert_eq!(job["outputs"][0]["role"], "prediction");

    assert_eq!(user.get("/api/v1/jobs").expect(200), json!({ "items": [job], "next_cursor": null }));
    assert_eq!(user.get(job_path).expect(200), *job);

    let changed = user.put(job_path, &example("change-job.json")).expect(200);
    assert_eq!(changed["name"], "Frost warning, north field");
    assert_eq!(changed["active"], false);
    assert_eq!(changed["revision"], 2);
    assert_eq!(user.get(job_path).expect(200), changed);
    let changed = user.put(&source_path, &example("change-source.json")).expect(200);
    assert_eq!((&changed["retention_hours"], &changed["revision"]), (&json!(null), &json!(2)));

    assert!(user.delete(job_path).expect(204).is_null());
    user.delete(job_path).problem(404, "not_found");
    user.get(job_path).problem(404, "not_found");
    assert_eq!(user.get("/api/v1/jobs").expect(200), json!({ "items": [], "next_cursor": null }));
}

fn the_printed_setup_names_the_role_temp_and_the_whole_source(server: &Server) {
    let user = server.member(ORGANISATION_A);
    let source = user.post("/api/v1/sources", &example("create-source.json")).expect(201);
    let version = json!({
        "source_id": source["id"],
        "version": "v1.0.0",
        "description": "Release notes",
        "input_roles": [{ "role": "temp", "input_kind": "sensor", "metric": "celsius", "required": true }],
        "output_roles": [{ "role": "prediction", "metric": "celsius", "unit": "°C", "required": true }],
    });
    user.post("/api/v1/source_versions", &version).expect(201);

    let printed = json!({
        "organisation_id": ORGANISATION_A,
        "source": example("create-source.json"),
        "job": { "name": "Job A" },
        "role_bindings": [{ "role": "temp", "input_id": fresh_id(), "input_type": "sensor" }],
    });
    let first = user.post("/api/v1/jobs/setup", &printed).expect(201);
    assert_eq!(first["source"]["id"], source["id"]);

    let mut as_in_the_list_of_members = printed.clone();
    insert(&mut as_in_the_list_of_members, "/job/organisation_id", json!(null));
    insert(&mut as_in_the_list_of_members, "/job/active", true);
    let second = user.post("/api/v1/jobs/setup", &as_in_the_list_of_members).expect(200);
    assert_eq!(second["job"], first["job"]);
}

fn everything_can_be_described_in_one_setup(server: &Server) {
    let user = server.member(ORGANISATION_A);
    let setup = example("setup-job-with-everything.json");
    let first = user.post("/api/v1/jobs/setup", &setup).expect(201);
    assert_eq!(first["outcome"], json!({ "source": "created", "source_version": "created", "job": "created" }));
    assert_eq!(first["warnings"], json!([]));
    let second = user.post("/api/v1/jobs/setup", &setup).expect(200);
    assert_eq!(second["outcome"], json!({ "source": "reused", "source_version": "reused", "job": "reused" }));
    for part in ["source", "source_version", "job"] {
        assert_eq!(second[part], first[part]);
    }
    assert_eq!(server.database().rows(), [1, 1, 1]);
}

fn a_setup_without_a_token_is_refused(server: &Server) {
    let answer = server.anonymous().post("/api/v1/jobs/setup", &example("setup-job-with-everything.json"));
    answer.problem(401, "unauthorized");
    assert_eq!(answer.header("www-authenticate"), Some("Bearer realm=\"prediction-api\""));
    assert_eq!(server.database().rows(), [0, 0, 0]);
}
