//! Jobs that read outputs of others.

use serde_json::{Value, json};

use crate::harness::{
    Answer, Model, ORGANISATION_A, ORGANISATION_B, Server, errors, fresh_id, insert, on_both_databases, path_of,
};

on_both_databases!(
    an_output_is_bound_by_its_id_and_read_by_it_alone,
    everything_that_is_wrong_with_outputs_is_told_at_once,
    a_cycle_is_told_with_the_names_on_its_way,
    a_long_cycle_names_all_that_are_on_it,
    an_output_of_another_organisation_is_an_unknown_one,
    what_is_read_is_not_taken_away,
    who_changes_what_is_read_is_warned,
    the_lineage_shows_what_a_job_rests_on_and_what_rests_on_it,
    a_lineage_that_is_cut_says_so,
    a_job_that_waits_for_others_says_for_which,
    outputs_are_candidates_for_a_role_that_takes_outputs,
    an_upgrade_that_takes_an_output_away_is_foreseen,
);

const SETUP: &str = "/api/v1/jobs/setup";

/// Reads up to three outputs, and predicts one thing in °C.
fn stage(server: &Server, name: &str) -> Model {
    Model::publish_with(server, name, contract(&[("warmth", "°C")]))
}

fn contract(outputs: &[(&str, &str)]) -> Value {
    let reads = |role: &str, unit: Value| json!({ "role": role, "input_kind": "output", "metric": "temperature", "unit": unit, "required": false });
    let outputs: Vec<Value> =
        outputs.iter().map(|(role, unit)| json!({ "role": role, "metric": "temperature", "unit": unit })).collect();
    json!({
        "input_roles": [reads("air", json!("°C")), reads("soil", json!("K")), reads("any", json!(null))],
        "output_roles": outputs,
    })
}

fn setup(model: &Model, organisation: &str, name: &str, bound: &[(&str, &Value)]) -> Value {
    json!({
        "organisation_id": organisation, "job": { "name": name, "source_version_id": model.version },
        "role_bindings": bindings(bound),
    })
}

fn bindings(bound: &[(&str, &Value)]) -> Value {
    let binding = |(role, id): &(&str, &Value)| json!({ "role": role, "input_id": id, "input_type": "output" });
    bound.iter().map(binding).collect()
}

fn job(server: &Server, model: &Model, name: &str, bound: &[(&str, &Value)]) -> Value {
    server.operator().post(SETUP, &setup(model, ORGANISATION_A, name, bound)).expect(201)["job"].clone()
}

/// The id of its first output.
fn output(job: &Value) -> &Value {
    &job["outputs"][0]["id"]
}

fn bind(server: &Server, job: &Value, bound: &[(&str, &Value)]) -> Answer {
    server.operator().put(&path_of(job), &json!({ "role_bindings": bindings(bound) }))
}

/// Each reads the one before.
fn chain(server: &Server, model: &Model, count: usize) -> Vec<Value> {
    let mut jobs: Vec<Value> = Vec::new();
    for number in 0..count {
        let before: Vec<(&str, &Value)> = jobs.last().map(|job| ("air", output(job))).into_iter().collect();
        let next = job(server, model, &format!("Stage {number}"), &before);
        jobs.push(next);
    }
    jobs
}

fn told_at(answer: &Answer, codes: &[(&str, &str)]) -> Value {
    let problem = answer.problem(422, "invalid");
    assert_eq!(errors(&problem), codes, "{problem}");
    problem
}

fn an_output_is_bound_by_its_id_and_read_by_it_alone(server: &Server) {
    let model = stage(server, "stage");
    let upstream = job(server, &model, "Weather", &[]);
    let id = output(&upstream).as_str().unwrap();
    // Without an input_type, it is taken from the role.
    let mut setup =
        setup(&model, ORGANISATION_A, "Wetness", &[("air", output(&upstream)), ("soil", output(&upstream))]);
    insert(&mut setup, "/role_bindings/0/input_type", json!(null));
    let operator = server.operator();
    operator.post(&format!("{SETUP}?dry_run=true"), &setup).expect(200);
    let reader = operator.post(SETUP, &setup).expect(201)["job"].clone();
    assert_eq!(operator.post(SETUP, &setup).expect(200)["job"]["id"], reader["id"], "it is there already");

    let own = server.scoped(ORGANISATION_A, "jobs:read predictions:read");
    let found = own.get(&format!("/api/v1/outputs/{id}")).expect(200);
    let expected = json!({
        "id": id, "organisation_id": ORGANISATION_A, "job_id": upstream["id"], "job_name": "Weather",
        "source_version_id": model.version, "role": "warmth", "metric": "temperature", "unit": "°C",
    });
    assert_eq!(found, expected);
    let shown = own.get(&format!("{}?expand=inputs", path_of(&reader))).expect(200);
    let [air, soil] = [&shown["role_bindings"][0], &shown["role_bindings"][1]];
    assert_eq!((&air["output"], air.get("conversion"), air.get("input")), (&expected, None, None), "{shown}");
    assert_eq!(soil["conversion"], json!({ "from": "°C", "to": "K", "factor": 1.0, "offset": 273.15 }));
    let uses = own.get(&format!("/api/v1/inputs/{id}/jobs")).expect(200);
    assert_eq!(uses["items"][0]["roles"], json!(["air", "soil"]));

    let values = |hour: u32| json!([{ "role": "warmth", "at": format!("2026-06-01T{hour}:00:00Z"), "value": hour }]);
    for hour in [12, 13] {
        let report = json!({
            "status": "succeeded", "issued_at": format!("2026-06-01T0{}:00:00Z", hour - 10), "predictions": values(hour),
        });
        operator.post(&format!("{}/runs", path_of(&upstream)), &report).expect(201);
    }
    let path = format!("/api/v1/outputs/{id}/predictions");
    let of_job = format!("{}/predictions", path_of(&upstream));
    for query in
        ["", "?from=2026-06-01T13:00:00Z", "?to=2026-06-01T13:00:00Z", "?as_of=2026-06-01T02:00:00Z", "?limit=2"]
    {
        assert_eq!(own.get(&format!("{path}{query}")).expect(200), own.get(&format!("{of_job}{query}")).expect(200));
    }
    let page = own.get(&format!("{path}?limit=1")).expect(200);
    let next = own.get(&format!("{path}?limit=1&cursor={}", page["next_cursor"].as_str().unwrap())).expect(200);
    assert_eq!((&next["items"][0]["value"], &next["next_cursor"]), (&json!(13.0), &json!(null)));
    let of_list = page["next_cursor"].as_str().unwrap();
    own.get(&format!("{of_job}?limit=1&cursor={of_list}")).problem(400, "invalid_cursor");
    let rows = own.call("GET", &path).header("Accept", "text/csv").send();
    assert_eq!(rows.text(), own.call("GET", &of_job).header("Accept", "text/csv").send().text());
    own.get(&format!("{path}?role=warmth")).problem(400, "invalid_query");
}

fn everything_that_is_wrong_with_outputs_is_told_at_once(server: &Server) {
    let model = stage(server, "stage");
    let rain = json!({
        "input_roles": [],
        "output_roles": [
            { "role": "rain", "metric": "rain", "unit": "mm" }, { "role": "warmth", "metric": "temperature", "unit": "hPa" },
        ],
    });
    let rain = job(server, &Model::publish_with(server, "rain", rain), "Rain", &[]);
    let rows = server.database().rows();
    let unknown = json!(fresh_id());
    let bound = [("air", &unknown), ("soil", &rain["outputs"][1]["id"]), ("any", &rain["outputs"][0]["id"])];
    let codes = [
        ("/role_bindings/0/input_id", "unknown_output"),
        ("/role_bindings/1/input_id", "unit_incompatible"),
        ("/role_bindings/2/input_id", "metric_mismatch"),
    ];
    let mut wrong = setup(&model, ORGANISATION_A, "Wetness", &bound);
    let problem = told_at(&server.operator().post(SETUP, &wrong), &codes);
    assert_eq!(problem["errors"][1]["expected"], "K");
    assert_eq!(problem["errors"][1]["actual"], "hPa");
    let message = "input_id is the output \"rain\" of \"Rain\", which measures something else than is needed for the role \"any\"";
    assert_eq!(problem["errors"][2]["message"], message);
    insert(&mut wrong, "/role_bindings/0/input_type", "sensor");
    insert(&mut wrong, "/job/name", "");
    let problem = server.operator().post(SETUP, &wrong).problem(422, "invalid");
    let told: Vec<_> = errors(&problem).into_iter().map(|(_, code)| code).collect();
    for code in ["too_short", "input_kind_mismatch", "unknown_output", "unit_incompatible", "metric_mismatch"] {
        assert!(told.contains(&code), "{code}: {problem}");
    }
    assert_eq!(server.database().rows(), rows);
    // A role that takes sensors is not bound to an output by saying so.
    let sensors = Model::publish(server, "sensors");
    let mut other = sensors.setup(ORGANISATION_A, "Sensors");
    insert(&mut other, "/role_bindings/0/input_id", output(&rain).clone());
    insert(&mut other, "/role_bindings/0/input_type", "output");
    told_at(&server.operator().post(SETUP, &other), &[("/role_bindings/0/input_type", "input_kind_mismatch")]);
    // Outputs are not registered.
    let input = json!({ "organisation_id": ORGANISATION_A, "kind": "output", "name": "Rain" });
    told_at(
        &server.operator().put(&format!("/api/v1/inputs/{}", fresh_id()), &input),
        &[("/kind", "not_allowed_here")],
    );
    let job = job(server, &model, "Wetness", &[]);
    told_at(&bind(server, &job, &bound), &codes);
    let upgrade = json!({ "role_bindings": bindings(&bound) });
    told_at(&server.operator().post(&format!("{}/upgrade", path_of(&job)), &upgrade), &codes);
}

fn a_cycle_is_told_with_the_names_on_its_way(server: &Server) {
    let model = stage(server, "stage");
    let [first, second, third] = <[Value; 3]>::try_from(chain(server, &model, 3)).unwrap();
    let problem = told_at(
        &bind(server, &first, &[("air", output(&third)), ("soil", output(&first)), ("any", output(&second))]),
        &[
            ("/role_bindings/0/input_id", "cycle"),
            ("/role_bindings/1/input_id", "cycle"),
            ("/role_bindings/2/input_id", "cycle"),
        ],
    );
    let told =
        |index: usize| (problem["errors"][index]["message"].as_str().unwrap(), &problem["errors"][index]["actual"]);
    let way =
        "input_id closes a cycle: \"Stage 0\" would read \"Stage 2\", which reads \"Stage 1\", which reads \"Stage 0\"";
    assert_eq!(told(0), (way, &json!({ "jobs": 3, "names": ["Stage 0", "Stage 2", "Stage 1"] })));
    let own = "input_id closes a cycle: \"Stage 0\" would read its own output";
    assert_eq!(told(1), (own, &json!({ "jobs": 1, "names": ["Stage 0"] })));
    // By upgrade and by restoration, too.
    let operator = server.operator();
    let next = model.publish_version(server, "1.1.0", contract(&[("warmth", "°C")]));
    let upgrade = json!({ "source_version_id": next, "role_bindings": bindings(&[("air", output(&third))]) });
    told_at(
        &operator.post(&format!("{}/upgrade", path_of(&first)), &upgrade),
        &[("/role_bindings/0/input_id", "cycle")],
    );
    bind(server, &second, &[]).expect(200);
    bind(server, &first, &[("air", output(&third))]).expect(200);
    let restored = operator.post(&format!("{}/restore", path_of(&second)), &json!({ "revision": 1 }));
    let problem = told_at(&restored, &[("/revision", "cycle")]);
    let message = problem["errors"][0]["message"].as_str().unwrap();
    assert!(message.starts_with("revision had bindings that do not fit now: input_id closes a cycle"), "{message}");
    assert!(message.ends_with("(role \"air\")"), "{message}");
    // What is there may be sent back.
    let read = operator.get(&path_of(&first)).expect(200);
    assert_eq!(operator.put(&path_of(&first), &read).expect(200)["revision"], read["revision"]);
}

fn a_long_cycle_names_all_that_are_on_it(server: &Server) {
    let model = stage(server, "stage");
    let jobs = chain(server, &model, 50);
    let problem =
        told_at(&bind(server, &jobs[0], &[("air", output(&jobs[49]))]), &[("/role_bindings/0/input_id", "cycle")]);
    let expected: Vec<String> = (0..50).map(|place| format!("Stage {}", (50 - place) % 50)).collect();
    assert_eq!(problem["errors"][0]["actual"], json!({ "jobs": 50, "names": expected }));
    let message =
        "input_id closes a cycle: \"Stage 0\" would read \"Stage 49\", which rests on \"Stage 0\" over 48 other jobs";
    assert_eq!(problem["errors"][0]["message"], message);
}

fn an_output_of_another_organisation_is_an_unknown_one(server: &Server) {
    let model = stage(server, "stage");
    let theirs = setup(&model, ORGANISATION_B, "Weather", &[]);
    let theirs = server.operator().post(SETUP, &theirs).expect(201)["job"].clone();
    let own = server.member(ORGANISATION_A);
    let ask = |id: &Value| own.post(SETUP, &setup(&model, ORGANISATION_A, "Wetness", &[("air", id)]));
    let unknown = json!(fresh_id());
    let without_id = |answer: &Answer, id: &Value| {
        let text = answer.text().replace(id.as_str().unwrap(), "…");
        let mut body: Value = serde_json::from_str(&text).unwrap();
        insert(&mut body, "/request_id", json!(null));
        body
    };
    for operator in [&own, &server.operator()] {
        let refused = operator.post(SETUP, &setup(&model, ORGANISATION_A, "Wetness", &[("air", output(&theirs))]));
        told_at(&refused, &[("/role_bindings/0/input_id", "unknown_output")]);
    }
    assert_eq!(without_id(&ask(output(&theirs)), output(&theirs)), without_id(&ask(&unknown), &unknown));
    for path in ["", "/predictions"] {
        let get = |id: &Value| own.get(&format!("/api/v1/outputs/{}{path}", id.as_str().unwrap()));
        assert_eq!(
            get(output(&theirs)).problem(404, "not_found")["detail"],
            get(&unknown).problem(404, "not_found")["detail"]
        );
    }
    assert_eq!(server.operator().get(&format!("/api/v1/outputs/{}", output(&theirs).as_str().unwrap())).status, 200);
}

fn what_is_read_is_not_taken_away(server: &Server) {
    let model = stage(server, "stage");
    let [first, second] = <[Value; 2]>::try_from(chain(server, &model, 2)).unwrap();
    let operator = server.operator();
    let next = model.publish_version(server, "2.0.0", contract(&[("cold", "°C")]));
    let in_use = |answer: Answer| {
        let problem = answer.problem(409, "in_use");
        assert_eq!((&problem["jobs"], &problem["job_ids"]), (&json!(1), &json!([second["id"]])), "{problem}");
        assert_eq!(problem["detail"], "outputs of the job are read by 1 other job: \"warmth\"");
    };
    for query in ["", "?dry_run=true"] {
        in_use(operator.delete(&format!("{}{query}", path_of(&first))));
        in_use(operator.post(&format!("{}/upgrade{query}", path_of(&first)), &json!({ "source_version_id": next })));
        in_use(operator.put(&format!("{}{query}", path_of(&first)), &json!({ "source_version_id": next })));
    }
    // With many others, each is refused by itself.
    let many = operator.post("/api/v1/jobs/upgrade", &json!({ "source_version_id": next, "filter": {} })).expect(200);
    let told: Vec<_> = many["results"].as_array().unwrap().iter().map(|result| &result["outcome"]).collect();
    assert_eq!(told, ["refused", "upgraded"], "{many}");
    assert_eq!(many["results"][0]["problem"]["code"], "in_use");
    assert_eq!(operator.get(&path_of(&first)).expect(200), first);
    // What reads may go, and then what was read.
    assert_eq!(operator.delete(&path_of(&second)).status, 204);
    assert_eq!(operator.delete(&path_of(&first)).status, 204);
    // An output of a deleted job is none.
    let third = job(server, &model, "Third", &[]);
    told_at(&bind(server, &third, &[("air", output(&first))]), &[("/role_bindings/0/input_id", "unknown_output")]);
    operator.get(&format!("/api/v1/outputs/{}", output(&first).as_str().unwrap())).problem(404, "not_found");
}

fn who_changes_what_is_read_is_warned(server: &Server) {
    let model = stage(server, "stage");
    let [first, second] = <[Value; 2]>::try_from(chain(server, &model, 2)).unwrap();
    let operator = server.operator();
    let paused = operator.put(&path_of(&first), &json!({ "active": false })).expect(200);
    let warning = &paused["warnings"][0];
    assert_eq!((&warning["code"], &warning["details"]["job_ids"]), (&json!("outputs_in_use"), &json!([second["id"]])));
    assert_eq!(warning["message"], "1 job reads outputs of the job, which have no new values while it is not active");
    let again = operator.put(&path_of(&first), &json!({ "active": false })).expect(200);
    assert_eq!(again.get("warnings"), None, "it is paused already");
    let alone = operator.put(&path_of(&second), &json!({ "active": false })).expect(200);
    assert_eq!(alone.get("warnings"), None, "its outputs are not read");
    // In kelvin they fit, in hectopascals they do not.
    for (version, unit, unfit) in [("1.1.0", "K", false), ("1.2.0", "hPa", true)] {
        let next = model.publish_version(server, version, contract(&[("warmth", unit)]));
        let upgraded = operator.post(&format!("{}/upgrade", path_of(&first)), &json!({ "source_version_id": next }));
        let upgraded = upgraded.expect(200);
        let warnings = upgraded["warnings"].as_array().unwrap();
        let told: Vec<_> = warnings.iter().map(|warning| warning["code"].as_str().unwrap()).collect();
        assert_eq!(told.contains(&"bindings_unfit"), unfit, "{upgraded}");
        if unfit {
            let warning = warnings.iter().find(|warning| warning["code"] == "bindings_unfit").unwrap();
            let expected = json!({
                "output_id": output(&first), "jobs": 1, "at_least": false,
                "bindings": [{ "job_id": second["id"], "role": "air" }],
            });
            assert_eq!(warning["details"], expected);
        }
    }
    let found = operator.get("/api/v1/jobs?bindings=unfit").expect(200);
    let ids: Vec<&Value> = found["items"].as_array().unwrap().iter().map(|job| &job["id"]).collect();
    assert_eq!(ids, [&second["id"]]);
}

fn the_lineage_shows_what_a_job_rests_on_and_what_rests_on_it(server: &Server) {
    let model = stage(server, "stage");
    let jobs = chain(server, &model, 4);
    let beside = job(server, &model, "Beside", &[("air", output(&jobs[1])), ("soil", output(&jobs[2]))]);
    let own = server.scoped(ORGANISATION_A, "jobs:read");
    let lineage = |query: &str| own.get(&format!("{}/lineage{query}", path_of(&jobs[2]))).expect(200);
    let names = |lineage: &Value| {
        let nodes = lineage["nodes"].as_array().unwrap().iter();
        nodes.map(|node| node["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let all = lineage("");
    assert_eq!(names(&all)[..3], ["Stage 2", "Stage 1", "Stage 0"]);
    let mut rest = names(&all)[3..].to_vec();
    rest.sort();
    assert_eq!((rest, &all["truncated"]), (vec!["Beside".to_owned(), "Stage 3".to_owned()], &json!(false)));
    let node = &all["nodes"][0];
    let expected = json!({
        "job_id": jobs[2]["id"], "name": "Stage 2", "source": { "id": model.source, "name": "stage" },
        "source_version": { "id": model.version, "version": "1.0.0" }, "health": jobs[2]["health"],
    });
    assert_eq!(*node, expected);
    let edge = |from: &Value, to: &Value, role: &str| json!({ "from_output_id": output(from), "from_job_id": from["id"], "to_job_id": to["id"], "role": role });
    let edges = all["edges"].as_array().unwrap();
    let expected = [
        edge(&jobs[0], &jobs[1], "air"),
        edge(&jobs[1], &jobs[2], "air"),
        edge(&jobs[2], &jobs[3], "air"),
        edge(&jobs[1], &beside, "air"),
        edge(&jobs[2], &beside, "soil"),
    ];
    assert_eq!(edges.len(), expected.len());
    assert!(expected.iter().all(|edge| edges.contains(edge)), "{all}");
    assert_eq!(names(&lineage("?direction=upstream")), ["Stage 2", "Stage 1", "Stage 0"]);
    let near = lineage("?direction=upstream&depth=1");
    assert_eq!((names(&near), &near["truncated"]), (vec!["Stage 2".to_owned(), "Stage 1".to_owned()], &json!(true)));
    assert_eq!(lineage("?direction=downstream&depth=1")["truncated"], json!(false));
    let told = |query: &str| own.get(&format!("{}/lineage{query}", path_of(&jobs[2]))).problem(400, "invalid_query");
    let problem = told("?direction=sideways&depth=11&deep=1");
    let parameters: Vec<_> = problem["errors"].as_array().unwrap().iter().map(|error| &error["parameter"]).collect();
    assert_eq!(parameters.len(), 3, "{problem}");
}

fn a_lineage_that_is_cut_says_so(server: &Server) {
    let model = stage(server, "stage");
    let jobs = chain(server, &model, 13);
    let lineage =
        |job: &Value, query: &str| server.operator().get(&format!("{}/lineage{query}", path_of(job))).expect(200);
    for (place, query, count, cut) in [
        (0, "", 11, true),
        (2, "?direction=downstream", 11, false),
        (12, "", 11, true),
        (6, "", 13, false),
        (6, "?depth=5", 11, true),
    ] {
        let found = lineage(&jobs[place], query);
        let told = (found["nodes"].as_array().unwrap().len(), &found["truncated"]);
        assert_eq!(told, (count, &json!(cut)), "{place} {query}");
    }
}

fn a_job_that_waits_for_others_says_for_which(server: &Server) {
    let model = stage(server, "stage");
    let operator = server.operator();
    operator.put(&model.source_path(), &json!({ "expected_interval_minutes": 60 })).expect(200);
    let [first, second, third] = <[Value; 3]>::try_from(chain(server, &model, 3)).unwrap();
    let fail = |job: &Value| {
        let report = json!({ "status": "failed", "message": "no data" });
        operator.post(&format!("{}/runs", path_of(job)), &report).expect(201);
    };
    let read = |job: &Value| operator.get(&path_of(job)).expect(200);
    fail(&third);
    assert_eq!(read(&third)["health"].get("blocked_by"), None, "nothing is in the way");
    let tag = operator.get(&path_of(&third)).header("etag").unwrap().to_owned();
    operator.put(&path_of(&first), &json!({ "active": false })).expect(200);
    let blocked = read(&third);
    assert_eq!(blocked["health"]["blocked_by"], json!([first["id"]]), "over a job that is new");
    assert_ne!(operator.get(&path_of(&third)).header("etag").unwrap(), tag);
    assert_eq!(read(&second)["health"].get("blocked_by"), None, "it does what it is to do");
    fail(&second);
    assert_eq!(read(&third)["health"]["blocked_by"], json!([second["id"]]), "the nearest");
    assert_eq!(read(&second)["health"]["blocked_by"], json!([first["id"]]));
    // In lists, in the lineage and in the answer to a change as well.
    let listed = operator.get("/api/v1/jobs?health=failing").expect(200);
    let told: Vec<&Value> =
        listed["items"].as_array().unwrap().iter().map(|job| &job["health"]["blocked_by"]).collect();
    assert_eq!(told, [&json!([first["id"]]), &json!([second["id"]])]);
    let lineage = operator.get(&format!("{}/lineage", path_of(&third))).expect(200);
    assert_eq!(lineage["nodes"][0]["health"]["blocked_by"], json!([second["id"]]));
    let renamed = operator.put(&path_of(&third), &json!({ "name": "Third" })).expect(200);
    assert_eq!(renamed["health"]["blocked_by"], json!([second["id"]]));
    // What was read can be sent back.
    operator.put(&path_of(&third), &read(&third)).expect(200);
}

fn outputs_are_candidates_for_a_role_that_takes_outputs(server: &Server) {
    let model = stage(server, "stage");
    let both = Model::publish_with(server, "both", contract(&[("warm", "K"), ("warmer", "°C"), ("heavy", "hPa")]));
    let jobs: Vec<Value> = (0..3).map(|number| job(server, &both, &format!("Weather {number}"), &[])).collect();
    let theirs = setup(&both, ORGANISATION_B, "Theirs", &[]);
    server.operator().post(SETUP, &theirs).expect(201);
    let own = server.scoped(ORGANISATION_A, "inputs:read jobs:read");
    let path = format!("{}/candidates?organisation_id={ORGANISATION_A}&role=air", model.version_path());
    let walk = |query: &str, limit: usize| {
        let mut found = Vec::new();
        let mut next = format!("{path}{query}&limit={limit}");
        loop {
            let page = own.get(&next).expect(200);
            assert!(page["items"].as_array().unwrap().len() <= limit);
            for candidate in page["items"].as_array().unwrap() {
                let output = &candidate["output"];
                found.push((output["id"].clone(), candidate["fit"].clone(), candidate["conversion"]["offset"].clone()));
            }
            let Some(cursor) = page["next_cursor"].as_str() else { return found };
            next = format!("{path}{query}&limit={limit}&cursor={cursor}");
        }
    };
    let exact = |job: &Value| (job["outputs"][1]["id"].clone(), json!("exact"), json!(null));
    let convertible = |job: &Value| (job["outputs"][0]["id"].clone(), json!("convertible"), json!(-273.15));
    let expected: Vec<_> = jobs.iter().map(exact).chain(jobs.iter().map(convertible)).collect();
    for limit in [1, 2, 4, 200] {
        assert_eq!(walk("", limit), expected, "{limit}");
    }
    assert_eq!(walk("&q=WEATHER%202", 1), [exact(&jobs[2]), convertible(&jobs[2])]);
    let lacking = server.scoped(ORGANISATION_A, "inputs:read").get(&path);
    lacking.problem(403, "insufficient_scope");
}

fn an_upgrade_that_takes_an_output_away_is_foreseen(server: &Server) {
    let model = Model::publish_with(server, "two", contract(&[("warm", "°C"), ("cold", "°C")]));
    let jobs: Vec<Value> = (0..3).map(|number| job(server, &model, &format!("Weather {number}"), &[])).collect();
    let reader = stage(server, "stage");
    job(server, &reader, "Reader", &[("air", &jobs[0]["outputs"][1]["id"]), ("soil", &jobs[1]["outputs"][0]["id"])]);
    let next = model.publish_version(server, "2.0.0", contract(&[("warm", "°C")]));
    let operator = server.operator();
    let impact = operator.get(&format!("/api/v1/source_versions/{next}/impact")).expect(200);
    let expected = json!({ "ready": 0, "needs_binding": 0, "breaking": 2, "up_to_date": 0, "blocked": 1 });
    assert_eq!(impact["counts"], expected);
    let told: Vec<_> =
        impact["items"].as_array().unwrap().iter().map(|job| (&job["outcome"], &job["outputs_in_use"])).collect();
    let [none, cold] = [json!([]), json!(["cold"])];
    let [blocked, breaking] = [json!("blocked"), json!("breaking")];
    assert_eq!(told, [(&blocked, &cold), (&breaking, &none), (&breaking, &none)]);
    let only = operator.get(&format!("/api/v1/source_versions/{next}/impact?outcome=blocked")).expect(200);
    assert_eq!(only["items"].as_array().unwrap().len(), 1);
    let done = operator.post("/api/v1/jobs/upgrade", &json!({ "source_version_id": next, "filter": {} })).expect(200);
    assert_eq!((&done["counts"]["upgraded"], &done["counts"]["refused"]), (&json!(2), &json!(1)), "as foreseen");
}
