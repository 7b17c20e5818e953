//! Whatever is sent again does no harm, and a dry run does nothing.

use serde_json::{Value, json};

use crate::harness::{Model, ORGANISATION_A, Server, errors, example, fresh_id, insert, on_both_databases, path_of};

on_both_databases!(
    each_post_can_be_sent_twice,
    what_is_left_out_is_not_compared,
    roles_and_bindings_are_compared_as_sets,
    each_differing_member_is_told,
    whatever_differs_of_a_setup_is_told_at_once,
    a_defaulted_version_stays_when_a_newer_one_comes_out,
    a_dry_run_answers_like_the_real_call_and_stores_nothing,
    creating_on_the_fly_needs_the_right_to_create,
    a_chosen_id_is_kept,
    references_that_lead_nowhere_are_told,
    what_is_in_use_is_not_deleted,
);

const SOURCES: &str = "/api/v1/sources";
const VERSIONS: &str = "/api/v1/source_versions";
const SETUP: &str = "/api/v1/jobs/setup";

fn each_post_can_be_sent_twice(server: &Server) {
    let client = server.member(ORGANISATION_A);
    let source = example("create-source.json");
    let first = client.post(SOURCES, &source).expect(201);
    let again = client.post(SOURCES, &source);
    assert_eq!(again.expect(200), first);
    assert_eq!((again.header("etag"), again.header("location")), (Some("\"1\""), None));

    let mut version = example("create-source-version.json");
    insert(&mut version, "/source_id", first["id"].clone());
    let first_version = client.post(VERSIONS, &version).expect(201);
    assert_eq!(client.post(VERSIONS, &version).expect(200), first_version);
    // What was answered is a request, too, but for what is computed.
    let mut answered = first_version.clone();
    for computed in ["contract_digest", "created_at", "lifecycle", "managed_by"] {
        answered.as_object_mut().unwrap().remove(computed);
    }
    assert_eq!(client.post(VERSIONS, &answered).expect(200), first_version);

    let mut setup = example("setup-job.json");
    insert(&mut setup, "/source/id", first["id"].clone());
    let first_setup = client.post(SETUP, &setup).expect(201);
    let again = client.post(SETUP, &setup).expect(200);
    assert_eq!(again["job"], first_setup["job"]);
    assert_eq!(again["outcome"]["job"], "reused");
    assert_eq!(server.database().rows(), [1, 1, 1]);
}

fn what_is_left_out_is_not_compared(server: &Server) {
    let client = server.member(ORGANISATION_A);
    let whole = json!({
        "name": "Mildew", "description": "text", "expected_interval_minutes": 60, "retention_hours": 720,
    });
    let source = client.post(SOURCES, &whole).expect(201);
    for part in [
        json!({ "name": "Mildew" }),
        json!({ "name": " mildew " }),
        json!({ "name": "MILDEW", "retention_hours": 720.0 }),
        json!({ "name": "Mildew", "expectedintervalminutes": 60 }),
        json!({ "name": "Mildew", "id": source["id"] }),
    ] {
        assert_eq!(client.post(SOURCES, &part).expect(200), source, "{part}");
    }
    // Null is no omission.
    let problem = client.post(SOURCES, &json!({ "name": "Mildew", "retention_hours": null })).problem(409, "conflict");
    assert_eq!(errors(&problem), [("/retention_hours", "differs")]);

    let model = Model::publish(server, "rust");
    let mut setup = model.setup(ORGANISATION_A, "Job A");
    insert(&mut setup, "/job/active", false);
    let job = client.post(SETUP, &setup).expect(201)["job"].clone();
    let again = client.post(SETUP, &model.setup(ORGANISATION_A, "Job A")).expect(200);
    assert_eq!(again["job"], job, "active was left out the second time");
}

fn roles_and_bindings_are_compared_as_sets(server: &Server) {
    let client = server.member(ORGANISATION_A);
    let model = Model::publish(server, "mildew");
    let mut version = Model::contract();
    insert(&mut version, "/source_id", model.source.as_str());
    insert(&mut version, "/version", "V1.0.0");
    version["input_roles"].as_array_mut().unwrap().reverse();
    let stored = client.post(VERSIONS, &version).expect(200);
    assert_eq!(stored["version"], "1.0.0", "it is stored as it was given first");
    assert_eq!(stored["input_roles"][0]["role"], "temperature");

    let mut setup = model.setup(ORGANISATION_A, "Job A");
    let rain = json!({ "role": "rain", "input_id": fresh_id() });
    setup["role_bindings"].as_array_mut().unwrap().push(rain);
    let job = client.post(SETUP, &setup).expect(201)["job"].clone();
    assert_eq!(job["role_bindings"][1]["input_type"], "station", "taken from the role");
    setup["role_bindings"].as_array_mut().unwrap().reverse();
    assert_eq!(client.post(SETUP, &setup).expect(200)["job"], job);
}

fn each_differing_member_is_told(server: &Server) {
    let client = server.member(ORGANISATION_A);
    let source = client.post(SOURCES, &json!({ "name": "mildew", "retention_hours": 720 })).expect(201);
    let other = json!({ "name": "Mildew", "description": "d", "expected_interval_minutes": 5, "retention_hours": 721 });
    let problem = client.post(SOURCES, &other).problem(409, "conflict");
    assert_eq!(problem["existing_id"], source["id"]);
    assert_eq!(problem["resource"], "source");
    let told = errors(&problem);
    assert_eq!(told.len(), 3);
    for member in ["/description", "/expected_interval_minutes", "/retention_hours"] {
        assert!(told.contains(&(member, "differs")), "{problem:#}");
    }
    let hours = problem["errors"].as_array().unwrap().iter().find(|entry| entry["pointer"] == "/retention_hours");
    assert_eq!((&hours.unwrap()["expected"], &hours.unwrap()["actual"]), (&json!(720), &json!(721)));
    assert_eq!(client.get(SOURCES).expect(200)["items"], json!([source]));

    let model = Model::publish(server, "rust");
    let job = model.job(server, ORGANISATION_A, "Job A");
    let other_version = model.publish_version(server, "2.0.0", Model::contract());
    let mut setup = model.setup(ORGANISATION_A, "Job A");
    insert(&mut setup, "/job/active", false);
    insert(&mut setup, "/job/source_version_id", other_version.as_str());
    insert(&mut setup, "/role_bindings/0/input_id", fresh_id());
    let problem = client.post(SETUP, &setup).problem(409, "conflict");
    assert_eq!(problem["existing_id"], job["id"]);
    let mut told = errors(&problem);
    told.sort_unstable();
    assert_eq!(
        told,
        [("/job/active", "differs"), ("/job/source_version_id", "differs"), ("/role_bindings", "differs")]
    );
    assert_eq!(client.get(&path_of(&job)).expect(200), job);
}

/// Each of the three that a setup has may differ from what is stored, in any combination.
fn whatever_differs_of_a_setup_is_told_at_once(server: &Server) {
    let client = server.operator();
    let setup = example("setup-job-with-everything.json");
    let stored = client.post(SETUP, &setup).expect(201);
    let changes: [(&str, Value, &str); 6] = [
        ("/job/active", json!(false), "/job/active"),
        ("/role_bindings/0/input_id", json!(fresh_id()), "/role_bindings"),
        ("/source/description", json!("another"), "/source/description"),
        ("/source/retention_hours", json!(7), "/source/retention_hours"),
        ("/source_version/description", json!("another"), "/source_version/description"),
        ("/source_version/output_roles/0/unit", json!("K"), "/source_version/output_roles"),
    ];
    for chosen in 1..1_u32 << changes.len() {
        let chosen =
            changes.iter().enumerate().filter(|(place, _)| chosen & (1 << place) != 0).map(|(_, change)| change);
        let mut other = setup.clone();
        let mut expected = Vec::new();
        for (pointer, value, told) in chosen {
            insert(&mut other, pointer, value.clone());
            expected.push(*told);
        }
        let problem = client.post(SETUP, &other).problem(409, "conflict");
        let told = errors(&problem);
        assert!(told.iter().all(|(_, code)| *code == "differs"), "{problem}");
        let told: Vec<&str> = told.iter().map(|(pointer, _)| *pointer).collect();
        // A list is told as a whole, or by the role that differs.
        assert_eq!(told.len(), expected.len(), "{problem}");
        assert!(
            told.iter().zip(&expected).all(|(told, expected)| told.starts_with(expected)),
            "{expected:?}: {problem}"
        );
        let first = ["job", "source", "source_version"];
        let first = first.map(|kind| (kind, format!("/{kind}/")));
        let clashing = ["source", "source_version", "job"].into_iter().find(|kind| {
            let prefix = &first.iter().find(|(name, _)| name == kind).unwrap().1;
            expected.iter().any(|pointer| pointer.starts_with(prefix.as_str()))
                || *kind == "job" && expected.contains(&"/role_bindings")
        });
        assert_eq!(problem["resource"].as_str(), clashing, "{problem}");
        assert_eq!(problem["existing_id"], stored[clashing.unwrap()]["id"], "{problem}");
    }
    assert_eq!(client.post(SETUP, &setup).expect(200)["outcome"]["job"], "reused");
}

fn a_defaulted_version_stays_when_a_newer_one_comes_out(server: &Server) {
    let client = server.member(ORGANISATION_A);
    let model = Model::publish(server, "mildew");
    let mut setup = model.setup(ORGANISATION_A, "Job A");
    insert(&mut setup, "/job", json!({ "name": "Job A", "source_id": model.source }));
    let first = client.post(SETUP, &setup).expect(201);
    let warned = |answer: &Value, version: &str, id: &str| {
        assert_eq!(answer["warnings"][0]["code"], "version_defaulted");
        assert_eq!(answer["warnings"][0]["details"], json!({ "source_version_id": id, "version": version }));
        assert!(answer["warnings"][0]["message"].as_str().unwrap().contains(version));
    };
    warned(&first, "1.0.0", &model.version);

    let newer = model.publish_version(server, "2.0.0", Model::contract());
    let again = client.post(SETUP, &setup).expect(200);
    assert_eq!(again["job"], first["job"]);
    warned(&again, "1.0.0", &model.version);

    insert(&mut setup, "/job/name", "Job B");
    let other = client.post(SETUP, &setup).expect(201);
    assert_eq!(other["job"]["source_version_id"], newer);
    warned(&other, "2.0.0", &newer);
}

fn a_dry_run_answers_like_the_real_call_and_stores_nothing(server: &Server) {
    let client = server.member(ORGANISATION_A);
    let setup = example("setup-job-with-everything.json");
    let dry_run = client.post("/api/v1/jobs/setup?dry_run=true", &setup);
    let body = dry_run.expect(200);
    assert_eq!(body["outcome"], json!({ "source": "created", "source_version": "created", "job": "created" }));
    assert_eq!(dry_run.header("location"), None, "there is nothing there");
    assert_eq!(server.database().rows(), [0, 0, 0]);

    let model = Model::publish(server, "mildew");
    let job = model.job(server, ORGANISATION_A, "Job A");
    let rows = server.database().rows();
    let dry = |path: &str| format!("{path}?dry_run=true");
    let changed = client.put(&dry(&path_of(&job)), &json!({ "name": "B", "active": false })).expect(200);
    assert_eq!((&changed["name"], &changed["active"], &changed["revision"]), (&json!("B"), &json!(false), &json!(2)));
    assert_eq!(client.delete(&dry(&path_of(&job))).expect(200), job);
    assert_eq!(client.get(&path_of(&job)).expect(200), job);

    let source_path = model.source_path();
    let source = client.get(&source_path).expect(200);
    assert_eq!(client.put(&dry(&source_path), &json!({ "retention_hours": 1 })).expect(200)["retention_hours"], 1);
    client.delete(&dry(&source_path)).problem(409, "in_use");
    client.delete(&dry(&model.version_path())).problem(409, "in_use");
    assert_eq!(client.get(&source_path).expect(200), source);

    // Refused like the real call.
    client.put(&dry(&path_of(&job)), &json!({ "revision": 9 })).problem(412, "precondition_failed");
    let mut other = model.setup(ORGANISATION_A, "Job A");
    insert(&mut other, "/job/active", false);
    client.post("/api/v1/jobs/setup?dry_run=true", &other).problem(409, "conflict");
    client.post("/api/v1/jobs/setup?dry_run=true", &json!({})).problem(422, "invalid");
    assert_eq!(server.database().rows(), rows);
    insert(&mut other, "/job/name", "Job B");
    client.post("/api/v1/jobs/setup?dry_run=false", &other).expect(201);
}

fn creating_on_the_fly_needs_the_right_to_create(server: &Server) {
    let user = server.scoped(ORGANISATION_A, "jobs:write");
    let mut setup = example("setup-job-with-everything.json");
    for path in [SETUP, "/api/v1/jobs/setup?dry_run=true"] {
        let problem = user.post(path, &setup).problem(403, "insufficient_scope");
        assert_eq!(problem["required_scope"], "catalog:create");
    }
    assert_eq!(server.database().rows(), [0, 0, 0]);

    // Any caller may describe what is there.
    server.member(ORGANISATION_A).post(SETUP, &setup).expect(201);
    insert(&mut setup, "/job/name", "Job B");
    assert_eq!(user.post(SETUP, &setup).expect(201)["outcome"]["source"], "reused");

    // A version of a source that is there is still something new.
    insert(&mut setup, "/source_version/version", "2.0.0");
    insert(&mut setup, "/job/name", "Job C");
    user.post(SETUP, &setup).problem(403, "insufficient_scope");
    assert_eq!(server.database().rows(), [1, 1, 2]);
}

fn a_chosen_id_is_kept(server: &Server) {
    let client = server.member(ORGANISATION_A);
    let (source, version) = (fresh_id(), fresh_id());
    let mut setup = example("setup-job-with-everything.json");
    insert(&mut setup, "/source/id", source.as_str());
    insert(&mut setup, "/source_version/id", version.as_str());
    let first = client.post(SETUP, &setup).expect(201);
    assert_eq!((&first["source"]["id"], &first["source_version"]["id"]), (&json!(source), &json!(version)));
    assert_eq!(client.post(SETUP, &setup).expect(200)["job"], first["job"]);

    // The id of one and the name of another.
    insert(&mut setup, "/source/id", fresh_id());
    let problem = client.post(SETUP, &setup).problem(409, "conflict");
    assert!(errors(&problem).contains(&("/source/id", "differs")), "{problem:#}");
    let problem = client.post(SOURCES, &json!({ "id": source, "name": "another" })).problem(409, "conflict");
    assert_eq!(errors(&problem), [("/name", "differs")]);
    assert_eq!(server.database().rows(), [1, 1, 1]);
}

fn references_that_lead_nowhere_are_told(server: &Server) {
    let client = server.member(ORGANISATION_A);
    let model = Model::publish(server, "mildew");
    let other = Model::publish(server, "rust");
    let bare = client.post(SOURCES, &json!({ "name": "without versions" })).expect(201);
    let refused = |job: Value, source: Value| {
        let mut setup = model.setup(ORGANISATION_A, "Job A");
        insert(&mut setup, "/job", job);
        insert(&mut setup, "/source", source);
        client.post(SETUP, &setup).problem(422, "invalid")
    };
    let missing = fresh_id();
    for (job, source, expected) in [
        (json!({ "name": "A" }), json!({ "id": missing }), ("/source/id", "unknown_source")),
        (json!({ "name": "A", "source_id": missing }), json!(null), ("/job/source_id", "unknown_source")),
        (
            json!({ "name": "A", "source_version_id": missing }),
            json!({ "id": model.source }),
            ("/job/source_version_id", "unknown_source_version"),
        ),
        (
            json!({ "name": "A", "source_version_id": other.version }),
            json!({ "id": model.source }),
            ("/job/source_version_id", "source_version_of_other_source"),
        ),
        (json!({ "name": "A" }), json!({ "id": bare["id"] }), ("/source_version", "source_without_version")),
        (json!({ "name": "A" }), json!(null), ("/source", "missing_member")),
    ] {
        let problem = refused(job, source);
        assert_eq!(errors(&problem), [expected], "{problem:#}");
    }
    let mut version = Model::contract();
    insert(&mut version, "/source_id", missing);
    insert(&mut version, "/version", "");
    let problem = client.post(VERSIONS, &version).problem(422, "invalid");
    assert_eq!(errors(&problem), [("/source_id", "unknown_source"), ("/version", "too_short")]);
    assert_eq!(server.database().rows(), [3, 2, 0]);
}

fn what_is_in_use_is_not_deleted(server: &Server) {
    let model = Model::publish(server, "mildew");
    let job = model.job(server, ORGANISATION_A, "Job A");
    model.job(server, crate::harness::ORGANISATION_B, "Job B");
    let member = server.member(ORGANISATION_A);
    let problem = member.delete(&model.source_path()).problem(409, "in_use");
    assert_eq!(problem["source_versions"], 1);
    let problem = member.delete(&model.version_path()).problem(409, "in_use");
    assert_eq!((&problem["jobs"], &problem["job_ids"]), (&json!(2), &json!([job["id"]])), "only those of the caller");
    let librarian = server.scoped(ORGANISATION_A, "catalog:write");
    let problem = librarian.delete(&model.version_path()).problem(409, "in_use");
    assert_eq!(problem["job_ids"], json!([]), "who may not read jobs learns none of their ids");

    for page in server.operator().get("/api/v1/jobs").expect(200)["items"].as_array().unwrap() {
        server.operator().delete(&path_of(page)).expect(204);
    }
    member.delete(&model.version_path()).expect(204);
    member.delete(&model.version_path()).problem(404, "not_found");
    member.delete(&model.source_path()).expect(204);
    assert_eq!(server.database().rows(), [0, 0, 0]);
}
