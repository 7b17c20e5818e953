//! Having a job run another version.

use serde_json::{Value, json};

use crate::harness::{
    Model, ORGANISATION_A, ORGANISATION_B, Server, errors, fresh_id, insert, on_both_databases, path_of,
};

on_both_databases!(
    an_upgrade_carries_over_what_it_can_and_says_what_it_did,
    a_dry_run_says_what_the_upgrade_does,
    an_upgrade_says_everything_that_is_in_the_way_and_the_plan,
    a_role_that_measures_something_else_is_bound_anew,
    a_mapping_goes_before_names_and_aliases,
    an_upgrade_goes_to_the_newest_version_or_to_the_one_that_is_named,
    an_upgrade_to_what_it_runs_changes_nothing,
    an_upgrade_goes_back_and_outputs_keep_their_ids,
    only_the_revision_that_was_meant_is_upgraded,
    a_change_of_the_version_carries_over_by_alias,
    aliases_are_no_part_of_the_digest_and_never_change,
    aliases_name_what_was_and_nothing_else,
);

/// `temperature` is called `air` from here on, rain is gone, and wind is asked for.
pub(crate) fn renaming_contract(wind_is_required: bool) -> Value {
    json!({
        "input_roles": [
            { "role": "wind", "input_kind": "sensor", "metric": "metres per second", "required": wind_is_required },
            { "role": "air", "aliases": ["temp", "temperature"], "input_kind": "sensor", "metric": "celsius" },
        ],
        "output_roles": [
            { "role": "frost", "metric": "risk", "unit": "%" },
            { "role": "mildew", "metric": "risk", "unit": "%" },
        ],
    })
}

pub(crate) fn upgrade_path(job: &Value) -> String {
    format!("{}/upgrade", path_of(job))
}

/// A job that has everything bound that version 1.0.0 knows.
pub(crate) fn full_job(server: &Server, model: &Model) -> Value {
    let mut setup = model.setup(ORGANISATION_A, "Job A");
    let rain = json!({ "role": "rain", "input_id": fresh_id() });
    setup["role_bindings"].as_array_mut().unwrap().push(rain);
    server.operator().post("/api/v1/jobs/setup", &setup).expect(201)["job"].clone()
}

/// The action and the former name of each role.
fn actions(plan: &Value) -> Vec<(String, String, Option<String>)> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let steps = ["inputs", "outputs"].into_iter().flat_map(|member| plan[member].as_array().unwrap());
    steps
        .map(|step| {
            let previous = step.get("previous_role").and_then(text);
            (text(&step["role"]).unwrap(), text(&step["action"]).unwrap(), previous)
        })
        .collect()
}

fn step(role: &str, action: &str, previous: Option<&str>) -> (String, String, Option<String>) {
    (role.to_owned(), action.to_owned(), previous.map(str::to_owned))
}

fn an_upgrade_carries_over_what_it_can_and_says_what_it_did(server: &Server) {
    let model = Model::publish(server, "mildew");
    let job = full_job(server, &model);
    let client = server.member(ORGANISATION_A);
    client.post(&format!("{}/runs", path_of(&job)), &Model::report("before")).expect(201);
    let newer = model.publish_version(server, "1.1.0", renaming_contract(true));

    let wind = fresh_id();
    let request = json!({ "version": "v1.1.0", "role_bindings": [{ "role": "wind", "input_id": wind }] });
    let answer = client.post(&upgrade_path(&job), &request);
    let upgraded = answer.expect(200);
    assert_eq!(
        actions(&upgraded["plan"]),
        [
            step("wind", "bound", None),
            step("air", "renamed", Some("temperature")),
            step("rain", "dropped", None),
            step("frost", "added", None),
            step("mildew", "kept", None),
        ]
    );
    assert_eq!(upgraded["plan"]["from"], json!({ "id": model.version, "version": "1.0.0" }));
    assert_eq!(upgraded["plan"]["to"], json!({ "id": newer, "version": "1.1.0" }));
    assert_eq!(upgraded["plan"]["compatibility"], "needs_binding");
    assert_eq!(upgraded["warnings"], json!([]));
    let bound = |role: &str, input: &Value| json!({ "role": role, "input_id": input, "input_type": "sensor" });
    let after = &upgraded["job"];
    assert_eq!(after["role_bindings"], json!([bound("wind", &json!(wind)), bound("air", &json!(model.input))]));
    assert_eq!((&after["id"], &after["revision"], &after["source_version_id"]), (&job["id"], &json!(2), &json!(newer)));
    assert_eq!(after["outputs"][1], job["outputs"][0], "the output keeps its id");
    assert_eq!(&client.get(&path_of(&job)).expect(200), after);
    assert_eq!(answer.header("etag"), client.get(&path_of(&job)).header("etag"));
    // What it predicted is still there, and it goes on.
    client
        .post(&format!("{}/runs", path_of(&job)), &{
            let mut report = Model::report("after");
            insert(&mut report, "/issued_at", "2026-06-01T13:00:00Z");
            insert(&mut report, "/predictions/0/at", "2026-06-01T14:00:00Z");
            report["predictions"]
                .as_array_mut()
                .unwrap()
                .push(json!({ "role": "frost", "at": "2026-06-01T14:00:00Z", "value": 1.0 }));
            report
        })
        .expect(201);
    let values = client.get(&format!("{}/predictions?role=mildew", path_of(&job))).expect(200);
    assert_eq!(values["items"].as_array().unwrap().len(), 2);
}

fn a_dry_run_says_what_the_upgrade_does(server: &Server) {
    let model = Model::publish(server, "mildew");
    let job = full_job(server, &model);
    model.publish_version(server, "1.1.0", renaming_contract(false));
    let client = server.member(ORGANISATION_A);
    let tried = client.post(&format!("{}?dry_run=true", upgrade_path(&job)), &json!({})).expect(200);
    assert_eq!(client.get(&path_of(&job)).expect(200), job, "nothing was stored");
    let done = client.post(&upgrade_path(&job), &json!({})).expect(200);
    // But for the time, and the id of the output that is new.
    let alike = |answer: &Value| {
        let mut answer = answer.clone();
        answer["job"]["updated_at"].take();
        answer["job"]["outputs"][0]["id"].take();
        answer["plan"]["outputs"][0]["id"].take();
        answer
    };
    assert_eq!(alike(&tried), alike(&done));
}

fn an_upgrade_says_everything_that_is_in_the_way_and_the_plan(server: &Server) {
    let model = Model::publish(server, "mildew");
    let other = Model::publish(server, "rust");
    let job = full_job(server, &model);
    model.publish_version(server, "1.1.0", renaming_contract(true));
    let client = server.member(ORGANISATION_A);
    let path = upgrade_path(&job);

    let problem = client.post(&path, &json!({})).problem(422, "invalid");
    assert_eq!(errors(&problem), [("/role_bindings", "missing_required_role")]);
    assert_eq!(
        actions(&problem["plan"]),
        [
            step("wind", "unbound", None),
            step("air", "renamed", Some("temperature")),
            step("rain", "dropped", None),
            step("frost", "added", None),
            step("mildew", "kept", None),
        ]
    );

    let request = json!({
        "source_version_id": other.version,
        "version": "7.0.0",
        "revision": "one",
        "wind": 1,
    });
    let problem = client.post(&path, &request).problem(422, "invalid");
    assert_eq!(
        errors(&problem),
        [
            ("/revision", "wrong_type"),
            ("/source_version_id", "source_version_of_other_source"),
            ("/version", "unknown_source_version"),
            ("/wind", "unknown_member"),
        ]
    );
    assert_eq!(problem.get("plan"), None, "there is no version to plan for");

    let request = json!({
        "role_bindings": [
            { "role": "sun", "input_id": fresh_id() },
            { "role": "wind", "input_id": fresh_id(), "input_type": "station" },
        ],
        "role_mapping": { "humidity": "air", "rain": "snow", "temperature": "wind", "temprature": 1 },
    });
    let problem = client.post(&path, &request).problem(422, "invalid");
    assert_eq!(
        errors(&problem),
        [
            ("/role_bindings/0/role", "unknown_role"),
            ("/role_bindings/1/input_type", "input_kind_mismatch"),
            ("/role_mapping/humidity", "unknown_role"),
            ("/role_mapping/rain", "unknown_role"),
            ("/role_mapping/temperature", "disagrees"),
            ("/role_mapping/temprature", "wrong_type"),
            ("/role_mapping/temprature", "unknown_role"),
        ]
    );
    let hint = problem["errors"]
        .as_array()
        .unwrap()
        .iter()
        .find_map(|entry| entry["hint"].as_str().filter(|hint| hint.contains("temperature")));
    assert_eq!(hint, Some("did you mean \"temperature\"?"));
    let request = json!({ "role_mapping": { "rain": "air", "temperature": "air" } });
    let problem = client.post(&path, &request).problem(422, "invalid");
    assert!(errors(&problem).contains(&("/role_mapping/temperature", "duplicate_role")), "{problem}");

    for (version, code) in
        [(json!(fresh_id()), "unknown_source_version"), (json!("1.1.0"), "invalid_uuid"), (json!(7), "wrong_type")]
    {
        let problem = client.post(&path, &json!({ "source_version_id": version })).problem(422, "invalid");
        assert_eq!(errors(&problem), [("/source_version_id", code)]);
    }
    let request = json!({ "source_version_id": model.version, "version": "1.1.0" });
    assert_eq!(errors(&client.post(&path, &request).problem(422, "invalid")), [("/version", "disagrees")]);
    server.member(ORGANISATION_B).post(&path, &json!({})).problem(404, "not_found");
    assert_eq!(client.get(&path_of(&job)).expect(200), job, "nothing was stored");
}

fn a_role_that_measures_something_else_is_bound_anew(server: &Server) {
    let model = Model::publish(server, "mildew");
    let job = full_job(server, &model);
    let mut contract = Model::contract();
    insert(&mut contract, "/input_roles/0/metric", "kelvin");
    insert(&mut contract, "/input_roles/1/input_kind", "sensor");
    model.publish_version(server, "2.0.0", contract);
    let client = server.member(ORGANISATION_A);
    let problem = client.post(&upgrade_path(&job), &json!({})).problem(422, "invalid");
    assert_eq!(errors(&problem), [("/role_bindings", "role_changed"), ("/role_bindings", "input_kind_mismatch")]);
    assert_eq!(problem["errors"][0]["expected"], json!({ "metric": "kelvin", "unit": null }));
    assert_eq!(problem["errors"][0]["actual"], json!({ "metric": "celsius", "unit": null }));
    // The same input, if that is what is meant.
    let request = json!({ "role_bindings": [
        { "role": "temperature", "input_id": model.input },
        { "role": "rain", "input_id": fresh_id() },
    ] });
    let upgraded = client.post(&upgrade_path(&job), &request).expect(200);
    assert_eq!(upgraded["plan"]["inputs"][0]["action"], "kept");
    assert_eq!(upgraded["plan"]["inputs"][1]["action"], "rebound");
}

fn a_mapping_goes_before_names_and_aliases(server: &Server) {
    let model = Model::publish(server, "mildew");
    let job = full_job(server, &model);
    let contract = json!({
        "input_roles": [
            { "role": "temperature", "input_kind": "station", "metric": "millimetres", "required": false },
            { "role": "soil", "input_kind": "sensor", "metric": "celsius" },
            { "role": "air", "aliases": ["rain"], "input_kind": "station", "metric": "millimetres", "required": false },
        ],
        "output_roles": [{ "role": "mildew", "metric": "risk", "unit": "%" }],
    });
    model.publish_version(server, "2.0.0", contract);
    let request = json!({ "role_mapping": { "temperature": "soil", "rain": "temperature" } });
    let upgraded = server.member(ORGANISATION_A).post(&upgrade_path(&job), &request).expect(200);
    assert_eq!(
        actions(&upgraded["plan"]),
        [
            step("temperature", "renamed", Some("rain")),
            step("soil", "renamed", Some("temperature")),
            step("air", "unbound", None),
            step("mildew", "kept", None),
        ]
    );
}

fn an_upgrade_goes_to_the_newest_version_or_to_the_one_that_is_named(server: &Server) {
    let model = Model::publish(server, "mildew");
    let middle = model.publish_version(server, "1.1.0", renaming_contract(false));
    let newest = model.publish_version(server, "1.2.0", renaming_contract(false));
    let client = server.member(ORGANISATION_A);
    for (name, request, version) in [
        ("A", json!({}), &newest),
        ("B", json!({ "version": "1.1.0" }), &middle),
        ("C", json!({ "source_version_id": middle }), &middle),
        (
            "D",
            json!({ "source_version_id": middle, "version": "v1.1.0", "role_bindings": null, "role_mapping": null }),
            &middle,
        ),
    ] {
        let job = model.job(server, ORGANISATION_A, name);
        let upgraded = client.post(&upgrade_path(&job), &request).expect(200);
        assert_eq!(&upgraded["job"]["source_version_id"], version, "{name}");
    }
}

fn an_upgrade_to_what_it_runs_changes_nothing(server: &Server) {
    let model = Model::publish(server, "mildew");
    let job = full_job(server, &model);
    let upgraded = server.member(ORGANISATION_A).post(&upgrade_path(&job), &json!({})).expect(200);
    assert_eq!(upgraded["job"], job);
    assert_eq!(upgraded["plan"]["compatibility"], "identical");
    assert_eq!(
        actions(&upgraded["plan"]),
        [step("temperature", "kept", None), step("rain", "kept", None), step("mildew", "kept", None)]
    );
}

fn an_upgrade_goes_back_and_outputs_keep_their_ids(server: &Server) {
    let model = Model::publish(server, "mildew");
    let job = model.job(server, ORGANISATION_A, "Job A");
    let client = server.member(ORGANISATION_A);
    model.publish_version(server, "1.1.0", renaming_contract(false));
    client.post(&upgrade_path(&job), &json!({})).expect(200);
    let request = json!({ "version": "1.0.0", "role_mapping": { "air": "temperature" } });
    let back = client.post(&upgrade_path(&job), &request).expect(200);
    assert_eq!(back["plan"]["compatibility"], "breaking");
    assert_eq!((&back["job"]["role_bindings"], &back["job"]["outputs"]), (&job["role_bindings"], &job["outputs"]));
    assert_eq!(back["job"]["revision"], 3);
}

fn only_the_revision_that_was_meant_is_upgraded(server: &Server) {
    let model = Model::publish(server, "mildew");
    let job = model.job(server, ORGANISATION_A, "Job A");
    model.publish_version(server, "1.1.0", renaming_contract(false));
    let client = server.member(ORGANISATION_A);
    for (path, request) in
        [(upgrade_path(&job), json!({})), (format!("{}/restore", path_of(&job)), json!({ "revision": 1 }))]
    {
        let refused = client.call("POST", &path).header("If-Match", "\"7\"").json(&request).send();
        assert_eq!(refused.problem(412, "precondition_failed")["current_revision"], 1);
    }
    client.post(&upgrade_path(&job), &json!({ "revision": 7 })).problem(412, "precondition_failed");
    let done =
        client.call("POST", &upgrade_path(&job)).header("If-Match", "\"1\"").json(&json!({ "revision": 1 })).send();
    assert_eq!(done.expect(200)["job"]["revision"], 2);
}

fn a_change_of_the_version_carries_over_by_alias(server: &Server) {
    let model = Model::publish(server, "mildew");
    let (plain, full) = (model.job(server, ORGANISATION_A, "Plain"), full_job(server, &model));
    let newer = model.publish_version(server, "1.1.0", renaming_contract(false));
    let client = server.member(ORGANISATION_A);
    let change = json!({ "source_version_id": newer });
    let changed = client.put(&path_of(&plain), &change).expect(200);
    let air = json!([{ "role": "air", "input_id": model.input, "input_type": "sensor" }]);
    assert_eq!(changed["role_bindings"], air);
    // A change drops nothing that it was not told to.
    let problem = client.put(&path_of(&full), &change).problem(422, "invalid");
    assert_eq!(errors(&problem), [("/source_version_id", "unknown_role")]);
}

fn aliases_are_no_part_of_the_digest_and_never_change(server: &Server) {
    let model = Model::publish(server, "mildew");
    let with = renaming_contract(true);
    let mut without = with.clone();
    without["input_roles"][1].as_object_mut().unwrap().remove("aliases");
    let client = server.operator();
    let path = |id: &str| format!("/api/v1/source_versions/{id}");
    let one = client.get(&path(&model.publish_version(server, "1.1.0", with.clone()))).expect(200);
    let two = client.get(&path(&model.publish_version(server, "1.2.0", without.clone()))).expect(200);
    assert_eq!(one["contract_digest"], two["contract_digest"]);
    assert_eq!(
        (&one["input_roles"][1]["aliases"], &two["input_roles"][1]["aliases"]),
        (&json!(["temp", "temperature"]), &json!([]))
    );

    insert(&mut without, "/source_id", model.source.as_str());
    insert(&mut without, "/version", "1.1.0");
    let problem = client.post("/api/v1/source_versions", &without).problem(409, "conflict");
    assert_eq!(errors(&problem), [("/input_roles/1", "differs")]);
    let mut again = with;
    insert(&mut again, "/source_id", model.source.as_str());
    insert(&mut again, "/version", "1.1.0");
    client.post("/api/v1/source_versions", &again).expect(200);
}

fn aliases_name_what_was_and_nothing_else(server: &Server) {
    let model = Model::publish(server, "mildew");
    let mut contract = renaming_contract(true);
    insert(&mut contract, "/source_id", model.source.as_str());
    insert(&mut contract, "/version", "1.1.0");
    let many: Vec<String> = (0..11).map(|number| format!("alias {number}")).collect();
    insert(&mut contract, "/input_roles/0/aliases", many);
    insert(&mut contract, "/input_roles/1/aliases", json!(["wind", "old", "old", "", 7, null]));
    contract["input_roles"].as_array_mut().unwrap().push(json!({
        "role": "dew", "aliases": ["old"], "input_kind": "sensor", "metric": "", "required": false
    }));
    contract["output_roles"][0]["aliases"] = json!(["x"]);
    let problem = server.operator().post("/api/v1/source_versions", &contract).problem(422, "invalid");
    assert_eq!(
        errors(&problem),
        [
            ("/input_roles/0/aliases", "too_many_items"),
            ("/input_roles/1/aliases/0", "duplicate_alias"),
            ("/input_roles/1/aliases/2", "duplicate_alias"),
            ("/input_roles/1/aliases/3", "too_short"),
            ("/input_roles/1/aliases/4", "wrong_type"),
            ("/input_roles/1/aliases/5", "wrong_type"),
            ("/input_roles/2/aliases/0", "duplicate_alias"),
            ("/input_roles/2/metric", "too_short"),
            ("/output_roles/0/aliases", "unknown_member"),
        ]
    );
}
