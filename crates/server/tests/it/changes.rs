//! Reading and changing what is there: entity tags, revisions, and what a PUT leaves, clears and refuses.

use serde_json::{Value, json};

use crate::harness::{
    Answer, Client, Model, ORGANISATION_A, ORGANISATION_B, Server, errors, fresh_id, insert, on_both_databases, path_of,
};

on_both_databases!(
    a_reader_who_has_it_already_is_told_so,
    an_expanded_job_has_a_tag_of_its_own,
    a_write_of_an_old_revision_is_refused,
    a_revision_in_the_body_is_a_lock,
    a_revision_in_the_body_of_a_deletion_is_a_lock,
    a_body_that_would_have_no_effect_is_refused,
    a_weak_tag_is_told_why_it_matches_nothing,
    what_get_returned_can_be_put_back,
    what_is_left_out_stays_and_null_clears,
    members_that_never_change_are_refused,
    another_version_keeps_the_outputs_that_both_have,
    bindings_have_to_fit_the_version,
    a_job_keeps_to_its_source,
    a_name_that_is_taken_is_a_conflict,
    every_problem_of_a_change_is_told_at_once,
);

fn tagged(client: &Client, method: &str, path: &str, header: (&str, &str), body: Option<&Value>) -> Answer {
    let call = client.call(method, path).header(header.0, header.1);
    match body {
        Some(body) => call.json(body).send(),
        None => call.send(),
    }
}

fn a_reader_who_has_it_already_is_told_so(server: &Server) {
    let model = Model::publish(server, "mildew");
    let job = model.job(server, ORGANISATION_A, "Job A");
    let client = server.member(ORGANISATION_A);
    for path in [path_of(&job), model.source_path(), model.version_path()] {
        let tag = client.get(&path).header("etag").unwrap().to_owned();
        // The tag of a job also tells its health, that of a version when it was published.
        assert!(tag == "\"1\"" || path != model.source_path() && tag.starts_with("\"1+"), "{path}: {tag}");
        for same in [&*tag, "*", &format!("W/{tag}"), &format!("\"0\", {tag}")] {
            let answer = tagged(&client, "GET", &path, ("If-None-Match", same), None);
            assert_eq!((answer.status, answer.body.len()), (304, 0), "{path} {same}");
            assert_eq!(answer.header("etag"), Some(tag.as_str()));
            assert_eq!(tagged(&client, "HEAD", &path, ("If-None-Match", same), None).status, 304);
        }
        let answer = tagged(&client, "GET", &path, ("If-None-Match", "\"2\""), None);
        assert_eq!(answer.status, 200);
    }
    let changed = client.put(&path_of(&job), &json!({ "active": false }));
    let tag = changed.header("etag").unwrap();
    assert!(tag.starts_with("\"2+"), "{tag}");
    assert_eq!(tagged(&client, "GET", &path_of(&job), ("If-None-Match", tag), None).status, 304);
    assert_eq!(tagged(&client, "GET", &path_of(&job), ("If-None-Match", "\"1\""), None).expect(200), changed.json());
}

fn an_expanded_job_has_a_tag_of_its_own(server: &Server) {
    let model = Model::publish(server, "mildew");
    let job = model.job(server, ORGANISATION_A, "Job A");
    let client = server.member(ORGANISATION_A);
    let path = format!("{}?expand=source,source_version", path_of(&job));
    let expanded = client.get(&path);
    let tag = expanded.header("etag").unwrap().to_owned();
    assert!(tag.starts_with("\"1+") && tag.ends_with("+1+v1\""), "{tag}");
    let plain = client.get(&path_of(&job)).header("etag").unwrap().to_owned();
    let body = expanded.expect(200);
    assert_eq!(body["source"], client.get(&model.source_path()).expect(200));
    assert_eq!(body["source_version"], client.get(&model.version_path()).expect(200));
    assert_eq!(tagged(&client, "GET", &path, ("If-None-Match", &tag), None).status, 304);
    assert_eq!(tagged(&client, "GET", &path_of(&job), ("If-None-Match", &tag), None).status, 200);
    let page = client.get("/api/v1/jobs?expand=source,source_version").expect(200);
    assert_eq!(page["items"], json!([body]));
    let only_version = client.get(&format!("{}?expand=source_version", path_of(&job)));
    let of_version = format!("{}+v1\"", plain.trim_end_matches('"'));
    assert_eq!(only_version.header("etag"), Some(&*of_version), "of a version, its lifecycle changes");
    assert!(only_version.json().get("source").is_none());

    // The reader sees that the source changed, and the writer may still send the tag back.
    client.put(&model.source_path(), &json!({ "retention_hours": 5 })).expect(200);
    let answer = tagged(&client, "GET", &path, ("If-None-Match", &tag), None);
    assert_eq!(answer.status, 200);
    assert!(answer.header("etag").unwrap().ends_with("+2+v1\""), "{:?}", answer.header("etag"));
    tagged(&client, "PUT", &path_of(&job), ("If-Match", &tag), Some(&json!({ "active": false }))).expect(200);
    let problem =
        tagged(&client, "DELETE", &path_of(&job), ("If-Match", &tag), None).problem(412, "precondition_failed");
    assert_eq!(problem["current_revision"], 2);
}

fn a_write_of_an_old_revision_is_refused(server: &Server) {
    let model = Model::publish(server, "mildew");
    let job = model.job(server, ORGANISATION_A, "Job A");
    let client = server.member(ORGANISATION_A);
    for (path, change) in
        [(path_of(&job), json!({ "active": false })), (model.source_path(), json!({ "retention_hours": 3 }))]
    {
        for tag in ["\"7\"", "\"other\"", "W/\"1\""] {
            let problem =
                tagged(&client, "PUT", &path, ("If-Match", tag), Some(&change)).problem(412, "precondition_failed");
            assert_eq!(problem["current_revision"], 1);
        }
        tagged(&client, "PUT", &path, ("If-Match", "\"1\""), Some(&change)).expect(200);
        tagged(&client, "PUT", &path, ("If-Match", "\"1\""), Some(&change)).problem(412, "precondition_failed");
        tagged(&client, "PUT", &path, ("If-Match", "*"), Some(&change)).expect(200);
    }
    tagged(&client, "DELETE", &path_of(&job), ("If-Match", "\"1\""), None).problem(412, "precondition_failed");
    assert_eq!(server.database().rows(), [1, 1, 1]);
    tagged(&client, "DELETE", &path_of(&job), ("If-Match", "\"1\", \"2\""), None).expect(204);
    tagged(&client, "DELETE", &model.version_path(), ("If-Match", "\"2\""), None).problem(412, "precondition_failed");
    tagged(&client, "DELETE", &model.version_path(), ("If-Match", "\"1\""), None).expect(204);
    tagged(&client, "DELETE", &model.source_path(), ("If-Match", "\"1\""), None).problem(412, "precondition_failed");
    tagged(&client, "DELETE", &model.source_path(), ("If-Match", "\"2\""), None).expect(204);
}

fn a_revision_in_the_body_is_a_lock(server: &Server) {
    let model = Model::publish(server, "mildew");
    let job = model.job(server, ORGANISATION_A, "Job A");
    let client = server.member(ORGANISATION_A);
    for path in [path_of(&job), model.source_path()] {
        for revision in [json!(2), json!(0), json!(-1), json!(1e30)] {
            let problem =
                client.put(&path, &json!({ "name": "new", "revision": revision })).problem(412, "precondition_failed");
            assert_eq!(problem["current_revision"], 1);
        }
        assert_eq!(client.put(&path, &json!({ "name": "new", "revision": 1 })).expect(200)["revision"], 2);
        client.put(&path, &json!({ "name": "newer", "revision": 1 })).problem(412, "precondition_failed");
        let problem = client.put(&path, &json!({ "revision": "2" })).problem(422, "invalid");
        assert_eq!(errors(&problem), [("/revision", "wrong_type")]);
        // Both locks have to fit.
        let answer = tagged(&client, "PUT", &path, ("If-Match", "\"2\""), Some(&json!({ "revision": 1 })));
        answer.problem(412, "precondition_failed");
    }
}

/// Sends a deletion with a body.
fn delete(client: &Client, path: &str, body: &Value) -> Answer {
    client.call("DELETE", path).json(body).send()
}

fn a_revision_in_the_body_of_a_deletion_is_a_lock(server: &Server) {
    let model = Model::publish(server, "mildew");
    let job = model.job(server, ORGANISATION_A, "Job A");
    let client = server.operator();
    let path = path_of(&job);
    let empty = client.post("/api/v1/sources", &json!({ "name": "empty" })).expect(201);
    let paths = [path.clone(), format!("/api/v1/sources/{}", empty["id"].as_str().unwrap()), model.version_path()];
    for path in &paths {
        for stale in [json!(99), json!(2), json!(0), json!(-1), json!(1e300), json!(9_223_372_036_854_775_807_i64)] {
            let problem = delete(&client, path, &json!({ "revision": stale })).problem(412, "precondition_failed");
            assert_eq!(problem["current_revision"], 1, "{path} {stale}");
        }
        // Both have to be right.
        for (tag, revision) in [("\"2\"", 1), ("\"1\"", 2)] {
            let call = client.call("DELETE", path).header("If-Match", tag).json(&json!({ "revision": revision }));
            call.send().problem(412, "precondition_failed");
        }
        for (body, pointer, code) in [
            (json!({ "revision": "1" }), "/revision", "wrong_type"),
            (json!({ "revision": 1.5 }), "/revision", "wrong_type"),
            (json!({ "revison": 1 }), "/revison", "unknown_member"),
            (json!([1]), "", "wrong_type"),
        ] {
            let problem = delete(&client, path, &body).problem(422, "invalid");
            assert_eq!(errors(&problem), [(pointer, code)], "{path}");
        }
        client.call("DELETE", path).body("application/json", "{").send().problem(400, "invalid_json");
        client.call("DELETE", path).body("text/plain", "{}").send().problem(415, "unsupported_media_type");
        let reader = server.scoped(ORGANISATION_A, "jobs:read");
        reader.call("DELETE", path).body("text/plain", "x").send().problem(403, "insufficient_scope");
        delete(&reader, path, &json!({ "revison": 1 })).problem(403, "insufficient_scope");
        client.get(path).expect(200);
    }
    let shown = client.call("DELETE", &path).query("dry_run=true").json(&json!({ "revision": 1 })).send().expect(200);
    assert_eq!(shown["id"], job["id"]);
    for path in paths {
        let call = client.call("DELETE", &path).header("If-Match", "\"1\"").json(&json!({ "revision": 1.0 }));
        call.send().expect(204);
    }
    // What says nothing locks nothing.
    for body in [json!({}), json!({ "revision": null })] {
        let job = model_job(server);
        delete(&client, &job, &body).expect(204);
    }
}

fn model_job(server: &Server) -> String {
    let name = fresh_id();
    path_of(&Model::publish(server, &name).job(server, ORGANISATION_A, &name))
}

fn a_body_that_would_have_no_effect_is_refused(server: &Server) {
    let client = server.operator();
    let path = model_job(server);
    for path in [path.as_str(), "/api/v1/jobs", "/api/v1/sources?limit=1"] {
        for body in ["{}", "x", "{\"revision\": 1}"] {
            client.call("GET", path).body("application/json", body).send().problem(400, "unexpected_body");
            assert_eq!(client.call("HEAD", path).body("text/plain", body).send().status, 400, "{path}");
        }
        // A type, and nothing of it.
        client.call("GET", path).body("application/json", "").send().expect(200);
    }
    server.anonymous().call("GET", &path).body("text/plain", "x").send().problem(401, "unauthorized");
}

fn a_weak_tag_is_told_why_it_matches_nothing(server: &Server) {
    let client = server.operator();
    let path = model_job(server);
    let tag = client.get(&path).header("etag").unwrap().to_owned();
    for weak in [format!("W/{tag}"), "W/\"1\"".to_owned(), "W/\"1\", W/\"2\"".to_owned()] {
        for (method, body) in [("PUT", json!({ "active": false })), ("DELETE", json!({}))] {
            let call = client.call(method, &path).header("If-Match", &weak).json(&body);
            let problem = call.send().problem(412, "precondition_failed");
            assert_eq!(problem["current_revision"], 1);
            assert!(problem["detail"].as_str().unwrap().contains("weak entity tags"), "{problem}");
        }
    }
    let stale =
        client.call("DELETE", &path).header("If-Match", "W/\"1\", \"2\"").send().problem(412, "precondition_failed");
    assert!(!stale["detail"].as_str().unwrap().contains("weak"), "{stale}");
    client.call("DELETE", &path).header("If-Match", &format!("W/\"7\", {tag}")).send().expect(204);
}

fn what_get_returned_can_be_put_back(server: &Server) {
    let model = Model::publish(server, "mildew");
    let job = model.job(server, ORGANISATION_A, "Job A");
    let client = server.member(ORGANISATION_A);
    for query in ["", "?expand=source", "?expand=source_version", "?expand=source,source_version"] {
        let returned = client.get(&format!("{}{query}", path_of(&job))).expect(200);
        assert_eq!(client.put(&path_of(&job), &returned).expect(200), job, "{query}");
    }
    let source = client.get(&model.source_path()).expect(200);
    assert_eq!(client.put(&model.source_path(), &source).expect(200), source);
    assert_eq!(client.put(&model.source_path(), &json!({})).expect(200), source);
    assert_eq!(client.get(&path_of(&job)).expect(200), job, "not even the time of the change is another");

    // The same in other words changes nothing either.
    let mut reordered = job.clone();
    insert(&mut reordered, "/name", format!("  {} ", job["name"].as_str().unwrap()));
    reordered["role_bindings"].as_array_mut().unwrap().reverse();
    assert_eq!(client.put(&path_of(&job), &reordered).expect(200)["revision"], 1);
}

fn what_is_left_out_stays_and_null_clears(server: &Server) {
    let client = server.member(ORGANISATION_A);
    let whole = json!({ "name": "m", "description": "d", "expected_interval_minutes": 5, "retention_hours": 7 });
    let source = client.post("/api/v1/sources", &whole).expect(201);
    let path = format!("/api/v1/sources/{}", source["id"].as_str().unwrap());
    let changed = client.put(&path, &json!({ "description": null, "expectedintervalminutes": null })).expect(200);
    assert_eq!(
        (&changed["name"], &changed["description"], &changed["expected_interval_minutes"], &changed["retention_hours"]),
        (&json!("m"), &json!(null), &json!(null), &json!(7))
    );
    assert_eq!(changed["created_at"], source["created_at"]);
    assert!(changed["updated_at"].as_str() >= source["updated_at"].as_str());
    let problem = client.put(&path, &json!({ "name": null })).problem(422, "invalid");
    assert_eq!(errors(&problem), [("/name", "wrong_type")]);

    let model = Model::publish(server, "optional inputs");
    let free = model.publish_version(
        server,
        "2.0.0",
        json!({
            "input_roles": [{ "role": "rain", "input_kind": "station", "metric": "mm", "required": false }],
            "output_roles": [{ "role": "mildew", "metric": "risk" }],
        }),
    );
    for empty in [json!(null), json!([])] {
        let setup = json!({
            "organisation_id": ORGANISATION_A,
            "job": { "name": format!("cleared by {empty}"), "source_version_id": free },
            "role_bindings": [{ "role": "rain", "input_id": fresh_id() }],
        });
        let job = client.post("/api/v1/jobs/setup", &setup).expect(201)["job"].clone();
        assert_eq!(
            client.put(&path_of(&job), &json!({ "active": false })).expect(200)["role_bindings"],
            job["role_bindings"]
        );
        assert_eq!(
            client.put(&path_of(&job), &json!({ "role_bindings": empty })).expect(200)["role_bindings"],
            json!([])
        );
    }
}

fn members_that_never_change_are_refused(server: &Server) {
    let model = Model::publish(server, "mildew");
    let other = Model::publish(server, "rust");
    let job = model.job(server, ORGANISATION_A, "Job A");
    let client = server.operator();
    let change = json!({
        "id": fresh_id(), "organisation_id": ORGANISATION_B, "source_id": other.source, "name": "B",
        "created_at": "whatever", "outputs": 7, "health": null, "source": [], "source_version": "x",
    });
    let problem = client.put(&path_of(&job), &change).problem(422, "invalid");
    assert_eq!(
        errors(&problem),
        [("/id", "immutable_field"), ("/organisation_id", "immutable_field"), ("/source_id", "immutable_field")]
    );
    assert_eq!(problem["errors"][1]["expected"], ORGANISATION_A);
    assert_eq!(problem["errors"][1]["actual"], ORGANISATION_B);
    assert_eq!(client.get(&path_of(&job)).expect(200), job);
    let problem = client.put(&model.source_path(), &json!({ "id": fresh_id() })).problem(422, "invalid");
    assert_eq!(errors(&problem), [("/id", "immutable_field")]);
}

fn another_version_keeps_the_outputs_that_both_have(server: &Server) {
    let model = Model::publish(server, "mildew");
    let job = model.job(server, ORGANISATION_A, "Job A");
    let client = server.member(ORGANISATION_A);
    let newer = model.publish_version(server, "2.0.0", Model::larger_contract());
    let bindings = json!([
        { "role": "temperature", "input_id": model.input, "input_type": "sensor" },
        { "role": "wind", "input_id": model.input, "input_type": "sensor" },
    ]);
    let change = json!({ "source_version_id": newer, "role_bindings": bindings });
    let changed = client.put(&path_of(&job), &change).expect(200);
    assert_eq!(changed["role_bindings"], bindings);
    let output = |job: &Value, role: &str| {
        let outputs = job["outputs"].as_array().unwrap();
        outputs.iter().find(|output| output["role"] == role).map(|output| output["id"].clone())
    };
    assert_eq!(output(&changed, "mildew"), output(&job, "mildew"));
    assert!(output(&changed, "frost").is_some());
    assert_eq!(changed["outputs"].as_array().unwrap().len(), 2);
    assert_eq!(client.get(&path_of(&job)).expect(200), changed);

    let back = json!({ "source_version_id": model.version, "role_bindings": job["role_bindings"] });
    let back = client.put(&path_of(&job), &back).expect(200);
    assert_eq!((&back["outputs"], &back["revision"]), (&job["outputs"], &json!(3)));
}

fn bindings_have_to_fit_the_version(server: &Server) {
    let model = Model::publish(server, "mildew");
    let job = model.job(server, ORGANISATION_A, "Job A");
    let client = server.member(ORGANISATION_A);
    let newer = model.publish_version(server, "2.0.0", Model::larger_contract());
    // The bindings that the job has do not bind the wind.
    let problem = client.put(&path_of(&job), &json!({ "source_version_id": newer })).problem(422, "invalid");
    assert_eq!(errors(&problem), [("/source_version_id", "missing_required_role")]);
    assert_eq!(problem["errors"][0]["expected"], "wind");

    let change = json!({ "source_version_id": newer, "role_bindings": [
        { "role": "temperature", "input_id": model.input, "input_type": "station" },
        { "role": "rain", "input_id": model.input },
    ] });
    let problem = client.put(&path_of(&job), &change).problem(422, "invalid");
    assert_eq!(
        errors(&problem),
        [
            ("/role_bindings", "missing_required_role"),
            ("/role_bindings/0/input_type", "input_kind_mismatch"),
            ("/role_bindings/1/role", "unknown_role"),
        ]
    );
    let problem = client.put(&path_of(&job), &json!({ "role_bindings": [] })).problem(422, "invalid");
    assert_eq!(errors(&problem), [("/role_bindings", "missing_required_role")]);
    assert_eq!(client.get(&path_of(&job)).expect(200), job);
}

fn a_job_keeps_to_its_source(server: &Server) {
    let model = Model::publish(server, "mildew");
    let other = Model::publish(server, "rust");
    let job = model.job(server, ORGANISATION_A, "Job A");
    let client = server.member(ORGANISATION_A);
    for (version, code) in [
        (json!(other.version), "source_version_of_other_source"),
        (json!(fresh_id()), "unknown_source_version"),
        (json!(null), "wrong_type"),
        (json!("1.0.0"), "invalid_uuid"),
    ] {
        let problem = client.put(&path_of(&job), &json!({ "source_version_id": version })).problem(422, "invalid");
        assert_eq!(errors(&problem), [("/source_version_id", code)]);
    }
    assert_eq!(client.get(&path_of(&job)).expect(200), job);
}

fn a_name_that_is_taken_is_a_conflict(server: &Server) {
    let model = Model::publish(server, "mildew");
    let other = Model::publish(server, "rust");
    let job = model.job(server, ORGANISATION_A, "Job A");
    let second = model.job(server, ORGANISATION_A, "Job B");
    model.job(server, ORGANISATION_B, "Job C");
    let client = server.member(ORGANISATION_A);
    let problem = client.put(&path_of(&second), &json!({ "name": "Job A" })).problem(409, "conflict");
    assert_eq!((&problem["existing_id"], errors(&problem)), (&job["id"], vec![("/name", "taken")]));
    let problem = client.put(&other.source_path(), &json!({ "name": "MILDEW" })).problem(409, "conflict");
    assert_eq!((&problem["existing_id"], errors(&problem)), (&json!(model.source), vec![("/name", "taken")]));
    // Names of jobs are those of their organisation, and a source may change the case of its own.
    assert_eq!(client.put(&path_of(&second), &json!({ "name": "Job C" })).expect(200)["name"], "Job C");
    assert_eq!(client.put(&model.source_path(), &json!({ "name": "Mildew" })).expect(200)["name"], "Mildew");
}

fn every_problem_of_a_change_is_told_at_once(server: &Server) {
    let model = Model::publish(server, "mildew");
    let job = model.job(server, ORGANISATION_A, "Job A");
    let change = json!({
        "id": fresh_id(), "name": " ", "active": null, "activ": true, "source_version_id": "x",
        "role_bindings": [{ "role": "temperature", "input_id": 1 }, { "input_id": model.input }], "created_at": 5,
    });
    let client = server.member(ORGANISATION_A);
    let problem = client.put(&path_of(&job), &change).problem(422, "invalid");
    assert_eq!(
        errors(&problem),
        [
            ("/activ", "unknown_member"),
            ("/active", "wrong_type"),
            ("/id", "immutable_field"),
            ("/name", "too_short"),
            ("/role_bindings/0/input_id", "wrong_type"),
            ("/role_bindings/1/role", "missing_member"),
            ("/source_version_id", "invalid_uuid"),
        ]
    );
    assert_eq!(client.get(&path_of(&job)).expect(200), job);
}
