//! Where source versions are in their lives, and what that means for jobs.

use serde_json::{Value, json};

use crate::harness::{
    Model, ORGANISATION_A, ORGANISATION_B, Server, errors, fresh_id, insert, on_both_databases, path_of,
};

on_both_databases!(
    a_version_begins_active_and_its_life_is_changed_by_its_owner,
    a_version_under_the_id_of_another_one_has_another_tag,
    everything_that_is_wrong_with_a_lifecycle_is_told_at_once,
    a_job_that_comes_to_a_deprecated_version_is_told_so,
    no_job_comes_to_a_withdrawn_version_and_those_that_run_it_go_on,
    where_no_version_is_named_an_active_one_is_taken_or_else_a_deprecated_one,
    versions_and_jobs_are_listed_by_stage,
    a_reader_is_told_of_the_version_beside_a_job_that_changed,
    the_metric_counts_jobs_by_the_stage_of_their_version,
);

fn path_to(version: &str) -> String {
    format!("/api/v1/source_versions/{version}/lifecycle")
}

fn set_stage(server: &Server, version: &str, stage: &str) -> Value {
    server.operator().put(&path_to(version), &json!({ "stage": stage })).expect(200)
}

fn a_version_begins_active_and_its_life_is_changed_by_its_owner(server: &Server) {
    let model = Model::publish(server, "mildew");
    let next = model.publish_version(server, "1.1.0", Model::contract());
    let owner = server.member(ORGANISATION_A);
    let path = path_to(&model.version);
    let began = json!({
        "stage": "active", "reason": null, "replaced_by": null, "end_of_life_at": null, "revision": 1,
        "changed_at": null, "changed_by": null,
    });
    let read = server.member(ORGANISATION_B).get(&path);
    assert_eq!((read.expect(200), read.header("etag")), (began.clone(), Some("\"1\"")));
    assert_eq!(owner.get(&model.version_path()).expect(200)["lifecycle"], began);

    let change = json!({
        "stage": "deprecated", "reason": "1.1.0 is better", "replaced_by": next,
        "end_of_life_at": "2027-06-01T00:00:00Z",
    });
    let tried = owner.put(&format!("{path}?dry_run=true"), &change).expect(200);
    assert_eq!(owner.get(&path).expect(200), began, "nothing was stored");
    let answer = owner.put(&path, &change);
    let changed = answer.expect(200);
    assert_eq!((&tried["stage"], &tried["revision"]), (&changed["stage"], &json!(2)));
    assert_eq!(answer.header("etag"), Some("\"2\""));
    for member in ["stage", "reason", "replaced_by"] {
        assert_eq!((member, &changed[member]), (member, &change[member]));
    }
    assert_eq!(changed["end_of_life_at"], "2027-06-01T00:00:00.000000Z");
    assert!(changed["changed_at"].is_string() && changed["changed_by"].is_string(), "{changed}");
    let version = owner.get(&model.version_path());
    assert_eq!(version.expect(200)["lifecycle"], changed);
    let tag = version.header("etag").unwrap();
    assert!(tag.starts_with("\"2+"), "{tag}");
    let before = owner.call("GET", &model.version_path()).header("If-None-Match", &tag.replacen('2', "1", 1)).send();
    assert_eq!(before.status, 200, "what a reader has is old");
    let mut published = Model::contract();
    insert(&mut published, "/source_id", model.source.as_str());
    insert(&mut published, "/version", "1.0.0");
    assert_eq!(owner.post("/api/v1/source_versions", &published).header("etag"), Some(tag));
    let old = owner.call("DELETE", &model.version_path()).query("dry_run=true").header("If-Match", "\"1\"").send();
    old.problem(412, "precondition_failed");
    let current = owner.call("DELETE", &model.version_path()).query("dry_run=true").header("If-Match", tag).send();
    assert_eq!((current.status, current.header("etag")), (200, Some(tag)));

    // The same again, and what was answered, change nothing.
    assert_eq!(owner.put(&path, &change).expect(200), changed);
    assert_eq!(owner.put(&path, &changed).expect(200), changed);
    owner.put(&path, &json!({ "stage": "withdrawn", "revision": 1 })).problem(412, "precondition_failed");
    let stale = owner.call("PUT", &path).header("If-Match", "\"1\"").json(&json!({ "stage": "withdrawn" })).send();
    stale.problem(412, "precondition_failed");
    // What is left out stays, but a version that is active again has no end.
    assert_eq!(owner.put(&path, &json!({ "stage": "withdrawn" })).expect(200)["replaced_by"], json!(next));
    let again = owner.put(&path, &json!({ "stage": "active", "reason": null })).expect(200);
    assert_eq!(
        (&again["replaced_by"], &again["end_of_life_at"], &again["revision"]),
        (&json!(null), &json!(null), &json!(4))
    );

    server.member(ORGANISATION_B).put(&path, &change).problem(403, "not_the_owner");
    server.scoped(ORGANISATION_A, "catalog:create").put(&path, &change).problem(403, "insufficient_scope");
    owner.put(&path_to(&fresh_id()), &change).problem(404, "not_found");
    let contract = owner.get(&model.version_path()).expect(200);
    assert_eq!(contract["version"], "1.0.0", "the version is what it was");
}

fn a_version_under_the_id_of_another_one_has_another_tag(server: &Server) {
    let model = Model::publish(server, "mildew");
    let client = server.member(ORGANISATION_A);
    let mut next = Model::contract();
    let id = fresh_id();
    for (member, value) in [("/source_id", model.source.as_str()), ("/version", "1.1.0"), ("/id", id.as_str())] {
        insert(&mut next, member, value);
    }
    client.post("/api/v1/source_versions", &next).expect(201);
    let path = format!("/api/v1/source_versions/{id}");
    let comparison = format!("{path}/comparison?with={}", model.version);
    let tags = [&path, &comparison].map(|path| client.get(path).header("etag").unwrap().to_owned());
    client.delete(&path).expect(204);
    next["output_roles"].as_array_mut().unwrap().push(json!({ "role": "frost", "metric": "risk" }));
    client.post("/api/v1/source_versions", &next).expect(201);
    for (path, tag) in [&path, &comparison].into_iter().zip(&tags) {
        assert_eq!(client.call("GET", path).header("If-None-Match", tag).send().status, 200, "{path}");
    }
}

fn everything_that_is_wrong_with_a_lifecycle_is_told_at_once(server: &Server) {
    let model = Model::publish(server, "mildew");
    let other = Model::publish(server, "rust");
    let owner = server.member(ORGANISATION_A);
    let path = path_to(&model.version);
    for (change, expected) in [
        (
            json!({ "stage": "retired", "reason": 7, "replaced_by": "next", "end_of_life_at": "soon", "stgae": 1 }),
            vec![
                ("/end_of_life_at", "invalid_time"),
                ("/reason", "wrong_type"),
                ("/replaced_by", "invalid_uuid"),
                ("/stage", "unknown_word"),
                ("/stgae", "unknown_member"),
            ],
        ),
        (json!({ "stage": null }), vec![("/stage", "wrong_type")]),
        (
            json!({ "stage": "retired", "reason": 7, "replaced_by": fresh_id() }),
            vec![("/reason", "wrong_type"), ("/replaced_by", "unknown_source_version"), ("/stage", "unknown_word")],
        ),
        (
            json!({ "replaced_by": other.version, "end_of_life_at": "2027-06-01T00:00:00Z" }),
            vec![("/end_of_life_at", "not_allowed_here"), ("/replaced_by", "not_allowed_here")],
        ),
        (
            json!({ "stage": "deprecated", "replaced_by": other.version }),
            vec![("/replaced_by", "source_version_of_other_source")],
        ),
        (json!({ "stage": "deprecated", "replaced_by": model.version }), vec![("/replaced_by", "disagrees")]),
        (json!({ "stage": "deprecated", "replaced_by": fresh_id() }), vec![("/replaced_by", "unknown_source_version")]),
    ] {
        let problem = owner.put(&path, &change).problem(422, "invalid");
        assert_eq!(errors(&problem), expected, "{change}");
    }
    assert_eq!(owner.get(&path).expect(200)["revision"], 1);
}

fn a_job_that_comes_to_a_deprecated_version_is_told_so(server: &Server) {
    let model = Model::publish(server, "mildew");
    let next = model.publish_version(server, "1.1.0", Model::contract());
    let job = model.job(server, ORGANISATION_A, "Job A");
    let change = json!({ "stage": "deprecated", "reason": "wrong below zero", "replaced_by": model.version });
    server.operator().put(&path_to(&next), &change).expect(200);
    let client = server.member(ORGANISATION_A);
    let warned = |warnings: &Value| {
        let warning = warnings.as_array().unwrap().iter().find(|warning| warning["code"] == "version_deprecated");
        let warning = warning.unwrap_or_else(|| panic!("{warnings}"));
        assert_eq!(warning["message"], "version 1.1.0 is deprecated: wrong below zero");
        assert_eq!(
            warning["details"],
            json!({
                "source_version_id": next, "version": "1.1.0", "reason": "wrong below zero",
                "replaced_by": model.version, "end_of_life_at": null,
            })
        );
    };
    let mut setup = model.setup(ORGANISATION_A, "Job B");
    insert(&mut setup, "/job/source_version_id", next.as_str());
    warned(&client.post("/api/v1/jobs/setup", &setup).expect(201)["warnings"]);
    let upgrade = format!("{}/upgrade", path_of(&job));
    let request = json!({ "source_version_id": next });
    warned(&client.post(&format!("{upgrade}?dry_run=true"), &request).expect(200)["warnings"]);
    let changed = client.put(&path_of(&job), &request).expect(200);
    warned(&changed["warnings"]);
    // What was answered can be sent back; a job that runs it already is told nothing.
    assert_eq!(client.post(&upgrade, &request).expect(200)["warnings"], json!([]));
    assert_eq!(client.put(&path_of(&job), &changed).expect(200).get("warnings"), None);
    client.put(&path_of(&job), &json!({ "source_version_id": model.version })).expect(200);
    warned(&client.post(&format!("{}/restore", path_of(&job)), &json!({ "revision": 2 })).expect(200)["warnings"]);
}

fn no_job_comes_to_a_withdrawn_version_and_those_that_run_it_go_on(server: &Server) {
    let model = Model::publish(server, "mildew");
    let next = model.publish_version(server, "1.1.0", Model::contract());
    let (before, after) = (model.job(server, ORGANISATION_A, "Job A"), model.job(server, ORGANISATION_A, "Job B"));
    let client = server.member(ORGANISATION_A);
    client.put(&path_of(&before), &json!({ "source_version_id": next })).expect(200);
    let withdrawal = json!({ "stage": "withdrawn", "reason": "wrong below zero", "replaced_by": model.version });
    server.operator().put(&path_to(&next), &withdrawal).expect(200);

    let mut setup = model.setup(ORGANISATION_A, "Job C");
    insert(&mut setup, "/job/source_version_id", next.as_str());
    let problem = client.post("/api/v1/jobs/setup", &setup).problem(422, "invalid");
    assert_eq!(errors(&problem), [("/job/source_version_id", "version_withdrawn")]);
    assert_eq!(problem["errors"][0]["hint"], format!("it is replaced by source version {}", model.version));
    assert!(problem["errors"][0]["message"].as_str().unwrap().contains("wrong below zero"), "{problem}");
    let described = json!({
        "organisation_id": ORGANISATION_A, "source": { "id": model.source }, "source_version": { "version": "1.1.0" },
        "job": { "name": "Job C" }, "role_bindings": [{ "role": "temperature", "input_id": model.input }],
    });
    let problem = client.post("/api/v1/jobs/setup", &described).problem(422, "invalid");
    assert_eq!(errors(&problem), [("/source_version", "version_withdrawn")]);

    let request = json!({ "source_version_id": next });
    let problem = client.put(&path_of(&after), &request).problem(422, "invalid");
    assert_eq!(errors(&problem), [("/source_version_id", "version_withdrawn")]);
    let problem = client.post(&format!("{}/upgrade", path_of(&after)), &request).problem(422, "invalid");
    assert_eq!(errors(&problem), [("/source_version_id", "version_withdrawn")]);
    let problem = client.post(&format!("{}/upgrade", path_of(&after)), &json!({ "version": "1.1.0" }));
    assert_eq!(errors(&problem.problem(422, "invalid")), [("/version", "version_withdrawn")]);
    let many = json!({ "source_version_id": next, "jobs": [after["id"], before["id"]] });
    let many = client.post("/api/v1/jobs/upgrade", &many).expect(200);
    assert_eq!(errors(&many["results"][0]["problem"]), [("/source_version_id", "version_withdrawn")]);
    assert_eq!(many["results"][1]["outcome"], "unchanged");

    // A job that runs it goes on, and can be changed otherwise; its setup can be sent again.
    let report = client.post(&format!("{}/runs", path_of(&before)), &Model::report("it goes on"));
    assert_eq!(report.expect(201)["source_version_id"], json!(next));
    client.put(&path_of(&before), &json!({ "active": false, "source_version_id": next })).expect(200);
    insert(&mut setup, "/job/name", "Job A");
    insert(&mut setup, "/job/active", false);
    assert_eq!(client.post("/api/v1/jobs/setup", &setup).expect(200)["outcome"]["job"], "reused");
    // It can leave, and then not come back.
    client.put(&path_of(&before), &json!({ "source_version_id": model.version })).expect(200);
    let problem = client.post(&format!("{}/restore", path_of(&before)), &json!({ "revision": 2 }));
    assert_eq!(errors(&problem.problem(422, "invalid")), [("/revision", "version_withdrawn")]);
    set_stage(server, &next, "active");
    client.post(&format!("{}/restore", path_of(&before)), &json!({ "revision": 2 })).expect(200);
}

fn where_no_version_is_named_an_active_one_is_taken_or_else_a_deprecated_one(server: &Server) {
    let model = Model::publish(server, "mildew");
    let next = model.publish_version(server, "1.1.0", Model::contract());
    let client = server.member(ORGANISATION_A);
    let set_up = |name: &str| {
        let mut setup = model.setup(ORGANISATION_A, name);
        insert(&mut setup, "/job", json!({ "name": name, "source_id": model.source }));
        client.post("/api/v1/jobs/setup", &setup)
    };
    let codes = |answer: &Value| -> Vec<String> {
        answer["warnings"]
            .as_array()
            .unwrap()
            .iter()
            .map(|warning| warning["code"].as_str().unwrap().to_owned())
            .collect()
    };
    set_stage(server, &next, "deprecated");
    let taken = set_up("Job A").expect(201);
    assert_eq!(
        (&taken["job"]["source_version_id"], codes(&taken)),
        (&json!(model.version), vec!["version_defaulted".to_owned()])
    );
    set_stage(server, &model.version, "withdrawn");
    let taken = set_up("Job B").expect(201);
    assert_eq!(taken["job"]["source_version_id"], json!(next));
    assert_eq!(codes(&taken), ["version_defaulted", "version_deprecated"]);
    let upgrade = format!("{}/upgrade", path_of(&taken["job"]));
    assert_eq!(client.post(&upgrade, &json!({})).expect(200)["job"]["source_version_id"], json!(next));
    set_stage(server, &next, "withdrawn");
    assert_eq!(errors(&set_up("Job C").problem(422, "invalid")), [("/source_version", "source_without_version")]);
    let problem = client.post(&upgrade, &json!({})).problem(422, "invalid");
    assert_eq!(errors(&problem), [("/source_version_id", "source_without_version")]);
    // The job that is there is found all the same.
    assert_eq!(set_up("Job B").expect(200)["outcome"]["job"], "reused");
}

fn versions_and_jobs_are_listed_by_stage(server: &Server) {
    let model = Model::publish(server, "mildew");
    let next = model.publish_version(server, "1.1.0", Model::contract());
    let last = model.publish_version(server, "1.2.0", Model::contract());
    let client = server.member(ORGANISATION_A);
    let mut jobs = Vec::new();
    for (name, version) in [("A", &model.version), ("B", &next), ("C", &last)] {
        let mut setup = model.setup(ORGANISATION_A, name);
        insert(&mut setup, "/job/source_version_id", version.as_str());
        jobs.push(client.post("/api/v1/jobs/setup", &setup).expect(201)["job"]["id"].clone());
    }
    set_stage(server, &model.version, "withdrawn");
    set_stage(server, &next, "deprecated");
    let ids = |path: &str| -> Vec<Value> {
        let page = client.get(path).expect(200);
        page["items"].as_array().unwrap().iter().map(|item| item["id"].clone()).collect()
    };
    let versions = [json!(model.version), json!(next), json!(last)];
    for (stages, expected) in [
        ("active", vec![2]),
        ("deprecated", vec![1]),
        ("withdrawn", vec![0]),
        ("deprecated,withdrawn", vec![0, 1]),
        ("active,withdrawn", vec![0, 2]),
        ("active,deprecated,withdrawn", vec![0, 1, 2]),
    ] {
        let of = |all: &[Value]| expected.iter().map(|index| all[*index].clone()).collect::<Vec<_>>();
        let path = format!("/api/v1/source_versions?source_id={}&stage={stages}", model.source);
        assert_eq!(ids(&path), of(&versions), "{stages}");
        assert_eq!(ids(&format!("/api/v1/jobs?version_stage={stages}")), of(&jobs), "{stages}");
    }
    for path in ["/api/v1/source_versions?stage=retired", "/api/v1/jobs?version_stage=retired"] {
        let problem = client.get(path).problem(400, "invalid_query");
        assert_eq!(problem["errors"][0]["code"], "unknown_word", "{path}");
    }
}

fn a_reader_is_told_of_the_version_beside_a_job_that_changed(server: &Server) {
    let model = Model::publish(server, "mildew");
    let job = model.job(server, ORGANISATION_A, "Job A");
    let client = server.member(ORGANISATION_A);
    let path = format!("{}?expand=source_version", path_of(&job));
    let tag = client.get(&path).header("etag").unwrap().to_owned();
    assert_eq!(client.call("GET", &path).header("If-None-Match", &tag).send().status, 304);
    set_stage(server, &model.version, "deprecated");
    let shown = client.call("GET", &path).header("If-None-Match", &tag).send().expect(200);
    assert_eq!(shown["source_version"]["lifecycle"]["stage"], "deprecated");
}

fn the_metric_counts_jobs_by_the_stage_of_their_version(server: &Server) {
    let model = Model::publish(server, "mildew");
    model.job(server, ORGANISATION_A, "Job A");
    model.job(server, ORGANISATION_B, "Job B");
    set_stage(server, &model.version, "deprecated");
    let text = server.anonymous().get("/metrics").text();
    for line in [
        "prediction_jobs_by_version_stage{stage=\"active\"} 0",
        "prediction_jobs_by_version_stage{stage=\"deprecated\"} 2",
        "prediction_jobs_by_version_stage{stage=\"withdrawn\"} 0",
    ] {
        assert!(text.lines().any(|other| other == line), "{line}: {text}");
    }
}
