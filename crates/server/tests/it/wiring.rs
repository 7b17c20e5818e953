//! The directory of inputs, and the jobs that are bound to them.

use serde_json::{Value, json};

use crate::harness::{
    Answer, Home, Model, ORGANISATION_A, ORGANISATION_B, Server, errors, fresh_id, insert, on_both_databases, path_of,
};

on_both_databases!(
    a_setup_is_told_of_every_input_that_does_not_fit,
    an_input_of_another_organisation_is_an_unknown_one,
    every_write_of_a_binding_is_judged,
    what_is_there_is_not_judged_again,
    units_are_compared_by_meaning_and_conversions_are_shown,
    who_changes_an_input_is_told_which_jobs_it_does_not_fit,
    jobs_with_inputs_that_do_not_fit_are_listed,
    a_reader_is_told_of_an_input_that_changed,
    a_unit_that_is_written_in_another_way_is_no_other_unit,
);

const SETUP: &str = "/api/v1/jobs/setup";

/// Three roles: air in °C, humidity in %, and wind without a unit.
fn weather(server: &Server, name: &str) -> Model {
    Model::publish_with(server, name, contract("Mildew."))
}

fn contract(description: &str) -> Value {
    let role = |role: &str, metric: &str, unit: Value, required: bool| json!({ "role": role, "input_kind": "sensor", "metric": metric, "unit": unit, "required": required });
    json!({
        "input_roles": [
            role("air", "temperature", json!("°C"), true),
            role("humidity", "humidity", json!("%"), false),
            role("wind", "wind_speed", json!(null), false),
        ],
        "output_roles": [{ "role": "mildew", "metric": "risk", "description": description }],
    })
}

fn register(server: &Server, organisation: &str, input: &Value) -> (String, Value) {
    let id = fresh_id();
    let mut body = json!({ "organisation_id": organisation, "kind": "sensor", "name": "Sensor" });
    for (name, value) in input.as_object().unwrap() {
        insert(&mut body, &format!("/{name}"), value.clone());
    }
    let told = server.operator().put(&format!("/api/v1/inputs/{id}"), &body).expect(201);
    (id, told)
}

fn setup(model: &Model, name: &str, bound: &[(&str, &str)]) -> Value {
    let bindings: Vec<Value> =
        bound.iter().map(|(role, id)| json!({ "role": role, "input_id": id, "input_type": "sensor" })).collect();
    json!({
        "organisation_id": ORGANISATION_A, "job": { "name": name, "source_version_id": model.version },
        "role_bindings": bindings,
    })
}

fn told_at(answer: &Answer, codes: &[(&str, &str)]) -> Value {
    let problem = answer.problem(422, "invalid");
    assert_eq!(errors(&problem), codes, "{problem}");
    problem
}

fn a_setup_is_told_of_every_input_that_does_not_fit(server: &Server) {
    let model = weather(server, "weather");
    let (gateway, _) = register(server, ORGANISATION_A, &json!({ "kind": "gateway", "name": "Mast" }));
    let (rain, _) = register(server, ORGANISATION_A, &json!({ "metric": "rain", "unit": "mm" }));
    let (pressure, _) = register(server, ORGANISATION_A, &json!({ "metric": "humidity", "unit": "hPa" }));
    let (any, _) = register(server, ORGANISATION_A, &json!({}));
    let rows = server.database().rows();
    let wrong = setup(&model, "Job A", &[("air", &gateway), ("humidity", &pressure), ("wind", &rain)]);
    let problem = told_at(
        &server.operator().post(SETUP, &wrong),
        &[
            ("/role_bindings/0/input_id", "input_kind_mismatch"),
            ("/role_bindings/1/input_id", "unit_incompatible"),
            ("/role_bindings/2/input_id", "metric_mismatch"),
        ],
    );
    let told = |index: usize| (&problem["errors"][index]["expected"], &problem["errors"][index]["actual"]);
    assert_eq!(told(0), (&json!("sensor"), &json!("gateway")));
    assert_eq!(told(1), (&json!("%"), &json!("hPa")));
    assert_eq!(told(2), (&json!("wind_speed"), &json!("rain")));
    let of_kind = "input_id is \"Mast\", an input of another kind than is needed for the role \"air\"";
    assert_eq!(problem["errors"][0]["message"], of_kind);
    // With everything else that is wrong.
    let mut more = wrong.clone();
    insert(&mut more, "/role_bindings/0/role", "ari");
    insert(&mut more, "/job/name", "");
    let problem = server.operator().post(SETUP, &more).problem(422, "invalid");
    let codes: Vec<_> = errors(&problem).into_iter().map(|(_, code)| code.to_owned()).collect();
    for code in ["too_short", "unknown_role", "input_kind_mismatch", "unit_incompatible", "metric_mismatch"] {
        assert!(codes.iter().any(|told| told == code), "{code}: {codes:?}");
    }
    assert_eq!(server.database().rows(), rows);
    // What is not known fits, and so does what is not registered.
    let fits = setup(&model, "Job A", &[("air", &any), ("humidity", &fresh_id())]);
    server.operator().post(&format!("{SETUP}?dry_run=true"), &fits).expect(200);
    let done = server.operator().post(SETUP, &fits).expect(201);
    assert_eq!(done["warnings"], json!([]), "{done}");
}

fn an_input_of_another_organisation_is_an_unknown_one(server: &Server) {
    let model = weather(server, "weather");
    let (theirs, _) = register(server, ORGANISATION_B, &json!({ "kind": "gateway", "metric": "rain", "unit": "mm" }));
    let own = server.member(ORGANISATION_A);
    let done = own.post(SETUP, &setup(&model, "Job A", &[("air", &theirs)])).expect(201);
    let unknown = own.post(SETUP, &setup(&model, "Job B", &[("air", &fresh_id())])).expect(201);
    let shape = |done: &Value| done.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(shape(&done), shape(&unknown));
    let read = own.get(&format!("{}?expand=inputs", path_of(&done["job"]))).expect(200);
    assert_eq!(read["role_bindings"], done["job"]["role_bindings"], "nothing is told of it");
    assert_eq!(own.get("/api/v1/jobs?bindings=unfit").expect(200)["items"], json!([]));
}

fn every_write_of_a_binding_is_judged(server: &Server) {
    let model = weather(server, "weather");
    let operator = server.operator();
    let (good, _) = register(server, ORGANISATION_A, &json!({ "metric": "temperature", "unit": "°C" }));
    let (bad, _) = register(server, ORGANISATION_A, &json!({ "metric": "temperature", "unit": "mm" }));
    let job = operator.post(SETUP, &setup(&model, "Job A", &[("air", &good)])).expect(201)["job"].clone();
    let path = path_of(&job);
    let rebound = json!([{ "role": "air", "input_id": bad, "input_type": "sensor" }]);
    let change = operator.put(&path, &json!({ "role_bindings": rebound }));
    told_at(&change, &[("/role_bindings/0/input_id", "unit_incompatible")]);

    let next = model.publish_version(server, "1.1.0", contract("Mildew, and more."));
    let upgrade = json!({ "source_version_id": next, "role_bindings": rebound });
    let refused = operator.post(&format!("{path}/upgrade"), &upgrade);
    told_at(&refused, &[("/role_bindings/0/input_id", "unit_incompatible")]);
    let change = operator.put(&path, &upgrade);
    told_at(&change, &[("/role_bindings/0/input_id", "unit_incompatible")]);

    // What was bound before may not fit when it is restored.
    let (other, _) = register(server, ORGANISATION_A, &json!({ "metric": "temperature" }));
    let bindings = json!([{ "role": "air", "input_id": other }]);
    operator.put(&path, &json!({ "role_bindings": bindings })).expect(200);
    operator.put(&format!("/api/v1/inputs/{good}"), &json!({ "unit": "hPa" })).expect(200);
    let restored = operator.post(&format!("{path}/restore"), &json!({ "revision": 1 }));
    told_at(&restored, &[("/revision", "unit_incompatible")]);
    operator.put(&format!("/api/v1/inputs/{good}"), &json!({ "unit": "K" })).expect(200);
    operator.post(&format!("{path}/restore"), &json!({ "revision": 1 })).expect(200);
    // What an upgrade carries over was judged when it was bound.
    operator.put(&format!("/api/v1/inputs/{good}"), &json!({ "unit": "hPa" })).expect(200);
    let impact = operator.get(&format!("/api/v1/source_versions/{next}/impact")).expect(200);
    assert_eq!(impact["items"][0]["outcome"], "ready", "{impact}");
    operator.post(&format!("{path}/upgrade"), &json!({ "source_version_id": next })).expect(200);
}

fn what_is_there_is_not_judged_again(server: &Server) {
    let model = weather(server, "weather");
    let operator = server.operator();
    let (air, _) = register(server, ORGANISATION_A, &json!({ "metric": "temperature", "unit": "°C" }));
    let setup = setup(&model, "Job A", &[("air", &air)]);
    let job = operator.post(SETUP, &setup).expect(201)["job"].clone();
    operator.put(&format!("/api/v1/inputs/{air}"), &json!({ "unit": "mm" })).expect(200);
    // The setup again, and what was read, with another name.
    assert_eq!(operator.post(SETUP, &setup).expect(200)["job"]["id"], job["id"]);
    let mut read = operator.get(&format!("{}?expand=inputs", path_of(&job))).expect(200);
    insert(&mut read, "/name", "Job B");
    assert_eq!(operator.put(&path_of(&job), &read).expect(200)["name"], "Job B");
    // Whoever binds it to another role is told.
    let more = json!([{ "role": "air", "input_id": air }, { "role": "humidity", "input_id": air }]);
    let change = operator.put(&path_of(&job), &json!({ "role_bindings": more }));
    told_at(&change, &[("/role_bindings/1/input_id", "metric_mismatch")]);
}

fn units_are_compared_by_meaning_and_conversions_are_shown(server: &Server) {
    let model = weather(server, "weather");
    let operator = server.operator();
    let register_unit =
        |unit: Value| register(server, ORGANISATION_A, &json!({ "metric": "temperature", "unit": unit })).0;
    for (name, unit, conversion) in [
        ("same", json!("degC"), json!(null)),
        ("kelvin", json!("K"), json!({ "from": "K", "to": "°C", "factor": 1.0, "offset": -273.15 })),
        ("unknown", json!(null), json!(null)),
        ("unread", json!("grads"), json!({ "from": "grads", "to": "°C", "factor": null, "offset": null })),
    ] {
        let setup = setup(&model, name, &[("air", &register_unit(unit))]);
        let done = operator.post(SETUP, &setup).expect(201);
        let expected = if name == "unread" { json!(["unit_unverified"]) } else { json!([]) };
        let codes: Vec<_> = done["warnings"]
            .as_array()
            .unwrap()
            .iter()
            .map(|warning| &warning["code"])
            .filter(|code| *code != "version_defaulted")
            .collect();
        assert_eq!(json!(codes), expected, "{name}");
        let job = operator.get(&format!("{}?expand=inputs", path_of(&done["job"]))).expect(200);
        let binding = &job["role_bindings"][0];
        assert_eq!(binding["conversion"], conversion, "{name}");
        assert_eq!(
            binding["input"],
            operator.get(&format!("/api/v1/inputs/{}", binding["input_id"].as_str().unwrap())).expect(200)
        );
        let plain = operator.get(&path_of(&done["job"])).expect(200);
        assert!(plain["role_bindings"][0].get("input").is_none(), "{plain}");
    }
    let listed = operator.get("/api/v1/jobs?name=kelvin&expand=inputs,source").expect(200);
    assert_eq!(listed["items"][0]["role_bindings"][0]["conversion"]["offset"], -273.15);
}

fn who_changes_an_input_is_told_which_jobs_it_does_not_fit(server: &Server) {
    let model = weather(server, "weather");
    let operator = server.operator();
    let id = fresh_id();
    let path = format!("/api/v1/inputs/{id}");
    let job = operator.post(SETUP, &setup(&model, "Job A", &[("air", &id)])).expect(201)["job"].clone();
    operator.post(SETUP, &setup(&model, "Job B", &[("air", &fresh_id()), ("wind", &id)])).expect(201);
    let told = json!({
        "organisation_id": ORGANISATION_A, "kind": "sensor", "name": "Mast", "metric": "wind_speed", "unit": "m/s",
    });
    for query in ["?dry_run=true", ""] {
        let answer = operator.put(&format!("{path}{query}"), &told).expect(201);
        let details = json!({
            "input_id": id, "jobs": 1, "at_least": false, "bindings": [{ "job_id": job["id"], "role": "air" }],
        });
        assert_eq!(answer["warnings"][0]["code"], "bindings_unfit", "{answer}");
        assert_eq!(answer["warnings"][0]["details"], details);
    }
    // Neither a new name nor the same again unfits anything.
    for change in [json!({ "name": "West" }), json!({ "name": "West" })] {
        assert!(operator.put(&path, &change).expect(200).get("warnings").is_none());
    }
    let item = json!({ "id": id, "organisation_id": ORGANISATION_A, "metric": "temperature", "unit": "mm" });
    let imported = operator.post("/api/v1/inputs/import", &json!({ "items": [item] })).expect(200);
    assert_eq!(imported["warnings"][0]["details"]["jobs"], 2, "{imported}");
}

fn jobs_with_inputs_that_do_not_fit_are_listed(server: &Server) {
    let model = weather(server, "weather");
    let operator = server.operator();
    let (air, _) = register(server, ORGANISATION_A, &json!({ "metric": "temperature", "unit": "°C" }));
    let jobs: Vec<Value> = (0..7)
        .map(|number| {
            let input = if number % 2 == 0 { air.clone() } else { fresh_id() };
            let setup = setup(&model, &format!("Job {number}"), &[("air", &input)]);
            operator.post(SETUP, &setup).expect(201)["job"]["id"].clone()
        })
        .collect();
    let unfit = "/api/v1/jobs?bindings=unfit";
    assert_eq!(operator.get(unfit).expect(200), json!({ "items": [], "next_cursor": null }));
    operator.put(&format!("/api/v1/inputs/{air}"), &json!({ "unit": "hPa" })).expect(200);
    let expected: Vec<_> = jobs.iter().step_by(2).collect();
    for limit in [1, 2, 3, 4, 50] {
        let mut found = Vec::new();
        let mut query = format!("{unfit}&limit={limit}");
        loop {
            let page = operator.get(&query).expect(200);
            found.extend(page["items"].as_array().unwrap().iter().map(|job| job["id"].clone()));
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            query = format!("{unfit}&limit={limit}&cursor={cursor}");
        }
        assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{limit}");
    }
    assert_eq!(server.member(ORGANISATION_B).get(unfit).expect(200)["items"], json!([]));
    operator.get("/api/v1/jobs?bindings=fit").problem(400, "invalid_query");
}

fn a_reader_is_told_of_an_input_that_changed(server: &Server) {
    let model = weather(server, "weather");
    let operator = server.operator();
    let (air, _) = register(server, ORGANISATION_A, &json!({ "metric": "temperature", "unit": "°C" }));
    let job = operator.post(SETUP, &setup(&model, "Job A", &[("air", &air)])).expect(201)["job"].clone();
    let path = format!("{}?expand=inputs", path_of(&job));
    let read = operator.get(&path);
    let tag = read.header("etag").unwrap().to_owned();
    let again = || operator.call("GET", &path).header("If-None-Match", &tag).send();
    assert_eq!(again().status, 304);
    operator.put(&format!("/api/v1/inputs/{air}"), &json!({ "unit": "K" })).expect(200);
    let changed = again().expect(200);
    assert_eq!(changed["role_bindings"][0]["conversion"]["factor"], 1.0);
    // The job itself is as it was, and its tag still lets a writer in.
    assert_eq!(changed["revision"], 1);
    let put = operator.call("PUT", &path_of(&job)).header("If-Match", &tag).json(&json!({ "active": false })).send();
    put.expect(200);
}

fn a_unit_that_is_written_in_another_way_is_no_other_unit(server: &Server) {
    let model = weather(server, "weather");
    let operator = server.operator();
    let job = operator.post(SETUP, &setup(&model, "Job A", &[("air", &fresh_id())])).expect(201)["job"].clone();
    let version = |label: &str, unit: &str| {
        let mut contract = contract("Mildew.");
        insert(&mut contract, "/input_roles/0/unit", unit);
        model.publish_version(server, label, contract)
    };
    for (label, unit, class, outcome) in
        [("2", "K", "needs_binding", "needs_binding"), ("3", "degC", "compatible", "ready")]
    {
        let to = version(label, unit);
        let path = format!("/api/v1/source_versions/{to}");
        let compared = operator.get(&format!("{path}/comparison?with={}", model.version)).expect(200);
        assert_eq!(compared["input_roles"][0]["differences"][0]["member"], "unit", "{compared}");
        assert_eq!((&compared["compatibility"], unit), (&json!(class), unit));
        assert_eq!(operator.get(&format!("{path}/impact")).expect(200)["items"][0]["outcome"], outcome);
        let upgrade = operator.post(&format!("{}/upgrade", path_of(&job)), &json!({ "source_version_id": to }));
        if outcome == "ready" {
            assert_eq!(upgrade.expect(200)["plan"]["compatibility"], class);
        } else {
            told_at(&upgrade, &[("/role_bindings", "role_changed")]);
        }
    }
}

#[test]
fn where_inputs_have_to_be_known_others_are_refused() {
    let server = Server::start_with(&Home::on_sqlite(), &["--require-known-inputs"]);
    let model = weather(&server, "weather");
    let own = server.member(ORGANISATION_A);
    let unknown = fresh_id();
    let refused = own.post(SETUP, &setup(&model, "Job A", &[("air", &unknown)]));
    let problem = told_at(&refused, &[("/role_bindings/0/input_id", "unknown_input")]);
    assert_eq!(problem["errors"][0]["hint"], "no input of kind \"sensor\" is registered: register it first");
    let (theirs, _) = register(&server, ORGANISATION_B, &json!({ "name": "Theirs" }));
    let (air, _) = register(&server, ORGANISATION_A, &json!({ "name": "Ost" }));
    for id in [&unknown, &theirs] {
        let refused = own.post(SETUP, &setup(&model, "Job A", &[("air", id)]));
        let problem = told_at(&refused, &[("/role_bindings/0/input_id", "unknown_input")]);
        assert_eq!(problem["errors"][0]["hint"], format!("registered inputs of kind \"sensor\": {air} (\"Ost\")"));
    }
    let (wind, _) = register(&server, ORGANISATION_A, &json!({ "name": "West" }));
    let both = setup(&model, "Job A", &[("air", &air), ("wind", &wind)]);
    let job = own.post(SETUP, &both).expect(201)["job"].clone();
    // A warning about one input says nothing about those beside it.
    let path = format!("/api/v1/inputs/{air}");
    assert!(own.put(&path, &json!({ "metric": "temperature" })).expect(200).get("warnings").is_none());
    let warned = own.put(&path, &json!({ "metric": "rain" })).expect(200);
    assert_eq!(warned["warnings"][0]["details"]["bindings"], json!([{ "job_id": job["id"], "role": "air" }]));
    let change = own.put(&path_of(&job), &json!({ "role_bindings": [{ "role": "air", "input_id": unknown }] }));
    told_at(&change, &[("/role_bindings/0/input_id", "unknown_input")]);
}
