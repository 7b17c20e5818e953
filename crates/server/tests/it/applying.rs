//! Documents: applied, planned, exported and pruned, by every kind of caller.

use std::thread;

use serde_json::{Value, json};

use crate::harness::{
    Answer, Client, Forger, Home, Model, ORGANISATION_A, ORGANISATION_B, RawConnection, Server, errors, example,
    insert, on_both_databases, path_of, raw_request,
};

on_both_databases!(
    a_document_is_applied_and_exported_again,
    a_plan_is_carried_out_or_refused,
    a_mistake_anywhere_stores_nothing,
    what_was_changed_by_hand_is_told_once,
    what_the_document_does_not_have_any_more_is_removed_within_limits,
    each_kind_of_caller_is_answered,
    a_set_of_another_organisation_is_not_touched,
    documents_that_are_applied_at_once_leave_one_of_them,
    a_document_of_a_thousand_things_is_applied,
    a_client_that_goes_away_leaves_all_or_nothing,
);

const APPLY: &str = "/api/v1/apply";

fn orchard() -> Value {
    example("apply.json")
}

fn with(mut document: Value, members: &[(&str, Value)]) -> Value {
    for (pointer, value) in members {
        insert(&mut document, pointer, value.clone());
    }
    document
}

fn actions(result: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let changes = result["changes"].as_array().unwrap();
    changes.iter().map(|change| (text(&change["resource"]), text(&change["action"]))).collect()
}

fn assert_unchanged(result: &Value) {
    assert!(actions(result).iter().all(|(_, action)| action == "unchanged"), "{result}");
}

fn export(client: &Client, query: &str) -> Value {
    let page = client.get(&format!("/api/v1/export?{query}")).expect(200);
    assert_eq!(page["next_cursor"], Value::Null);
    page["document"].clone()
}

fn a_document_is_applied_and_exported_again(server: &Server) {
    let operator = server.operator();
    let before = server.database().rows();
    let planned = operator.post(&format!("{APPLY}?dry_run=true"), &orchard()).expect(200);
    assert_eq!(server.database().rows(), before);
    let applied = operator.post(APPLY, &orchard()).expect(200);
    assert_eq!(planned["plan_digest"], applied["plan_digest"]);
    assert_eq!((&planned["counts"], actions(&planned)), (&applied["counts"], actions(&applied)));
    assert_eq!(applied["counts"]["create"], 7);
    assert_eq!(applied["changes"][5]["document"], "/jobs/0");

    let frost = operator.get("/api/v1/jobs?name=Frost%20on%20the%20north%20slope").expect(200)["items"][0].clone();
    let weather = operator.get("/api/v1/jobs?name=Weather").expect(200)["items"][0].clone();
    assert_eq!((&frost["managed_by"], &weather["managed_by"]), (&json!("orchard"), &json!("orchard")));
    assert_eq!(frost["role_bindings"][0]["input_id"], weather["outputs"][0]["id"]);
    for list in ["sources", "source_versions", "inputs", "jobs"] {
        let of_set = operator.get(&format!("/api/v1/{list}?managed_by=orchard")).expect(200);
        assert!(!of_set["items"].as_array().unwrap().is_empty(), "{list}");
        let of_other = operator.get(&format!("/api/v1/{list}?managed_by=vineyard")).expect(200);
        assert_eq!(of_other["items"], json!([]), "{list}");
    }

    assert_unchanged(&operator.post(APPLY, &orchard()).expect(200));
    let exported = export(&operator, "set=orchard");
    assert_eq!(exported["set"], "orchard");
    assert_unchanged(&operator.post(APPLY, &exported).expect(200));
    assert_eq!(operator.get(&path_of(&frost)).expect(200)["revision"], 1);
}

fn a_plan_is_carried_out_or_refused(server: &Server) {
    let operator = server.operator();
    let plan = operator.post(&format!("{APPLY}?dry_run=true"), &orchard()).expect(200);
    let expecting = with(orchard(), &[("/expect_plan", plan["plan_digest"].clone())]);
    let other = with(expecting.clone(), &[("/jobs/1/active", json!(false))]);
    let refused = operator.post(APPLY, &other).problem(412, "plan_outdated");
    assert_eq!(refused["new_plan"]["counts"]["create"], 7);
    assert_ne!(refused["new_plan"]["plan_digest"], plan["plan_digest"]);
    assert_eq!(export(&operator, "set=orchard"), json!({ "set": "orchard" }));
    operator.post(APPLY, &expecting).expect(200);
    operator.post(APPLY, &expecting).problem(412, "plan_outdated");
}

fn a_mistake_anywhere_stores_nothing(server: &Server) {
    let operator = server.operator();
    let rows = server.database().rows();
    let document = with(
        orchard(),
        &[
            ("/sources/0/retention_hours", json!("720")),
            ("/source_versions/1/input_roles/0/metric", json!("rainfall")),
            ("/inputs/0/unit", json!("kg")),
            ("/jobs/0/role_bindings/0/output/job", json!("Wether")),
            ("/jobs/1/role_bindings/0/role", json!("temprature")),
            ("/jobs/1/source_version/version", json!("1.0.1")),
        ],
    );
    let problem = operator.post(APPLY, &document).problem(422, "invalid");
    let told = errors(&problem);
    for expected in [
        ("/sources/0/retention_hours", "wrong_type"),
        ("/jobs/0/role_bindings/0/output/job", "unknown_job"),
        ("/jobs/1/source_version/version", "unknown_source_version"),
    ] {
        assert!(told.contains(&expected), "{expected:?} in {told:?}");
    }
    let mended = with(
        document,
        &[
            ("/sources/0/retention_hours", json!(720)),
            ("/jobs/0/role_bindings/0/output/job", json!("Weather")),
            ("/jobs/1/source_version/version", json!("1.0.0")),
        ],
    );
    let problem = operator.post(APPLY, &mended).problem(422, "invalid");
    assert_eq!(
        errors(&problem),
        [
            ("/jobs/0/role_bindings/0/output", "metric_mismatch"),
            ("/jobs/1/role_bindings", "missing_required_role"),
            ("/jobs/1/role_bindings/0/input_id", "unit_incompatible"),
            ("/jobs/1/role_bindings/0/role", "unknown_role"),
        ]
        .into_iter()
        .filter(|(_, code)| *code != "unit_incompatible")
        .collect::<Vec<_>>()
    );

    let cycle = |role: &str, of: &str| json!([{ "role": role, "output": { "job": of, "role": "risk" } }]);
    let contract = json!({
        "source": { "name": "weather" }, "version": "2.0.0",
        "input_roles": [{ "role": "any", "input_kind": "output", "metric": "frost_risk" }],
        "output_roles": [{ "role": "temperature", "metric": "air_temperature", "unit": "°C" }],
    });
    let circular = with(
        orchard(),
        &[
            ("/source_versions/2", contract),
            ("/jobs/1/source_version/version", json!("2.0.0")),
            ("/jobs/1/role_bindings", cycle("any", "Frost on the north slope")),
        ],
    );
    let problem = operator.post(APPLY, &circular).problem(422, "invalid");
    assert_eq!(
        errors(&problem),
        [("/jobs/0/role_bindings/0/output", "cycle"), ("/jobs/1/role_bindings/0/output", "cycle"),]
    );

    let many: Vec<Value> = (0..1_001).map(|number| json!({ "name": format!("S{number}") })).collect();
    let problem = operator.post(APPLY, &with(orchard(), &[("/sources", json!(many))])).problem(422, "invalid");
    assert!(errors(&problem).iter().any(|(_, code)| *code == "too_many_items"), "{problem}");
    let half: Vec<Value> = (0..501).map(|number| json!({ "name": format!("S{number}") })).collect();
    let inputs: Vec<Value> =
        (0..500).map(|_| json!({ "id": crate::harness::fresh_id(), "kind": "k", "name": "n" })).collect();
    let together = json!({ "set": "large", "organisation_id": ORGANISATION_A, "sources": half, "inputs": inputs });
    let problem = operator.post(APPLY, &together).problem(422, "invalid");
    assert_eq!(errors(&problem), [("", "too_many_items")]);
    assert_eq!(server.database().rows(), rows);
}

fn what_was_changed_by_hand_is_told_once(server: &Server) {
    let operator = server.operator();
    operator.post(APPLY, &orchard()).expect(200);
    let weather = operator.get("/api/v1/jobs?name=Weather").expect(200)["items"][0].clone();
    let token = server.home().token(&["--organisation", ORGANISATION_A, "--subject", "ada"]);
    let ada = server.client(token);
    ada.put(&path_of(&weather), &json!({ "active": false })).expect(200);

    let plan = operator.post(&format!("{APPLY}?dry_run=true"), &orchard()).expect(200);
    let change = &plan["changes"][6];
    assert_eq!((&change["action"], &change["changed_outside"]["by"]), (&json!("unchanged"), &json!("ada")));
    operator.post(APPLY, &orchard()).expect(200);
    let stored = operator.get(&path_of(&weather)).expect(200);
    assert_eq!(
        (&stored["active"], &stored["revision"]),
        (&json!(false), &json!(2)),
        "the document does not say active"
    );
    let again = operator.post(APPLY, &orchard()).expect(200);
    assert_eq!(again["changes"][6]["changed_outside"], Value::Null);

    ada.put(&path_of(&weather), &json!({ "name": "Weather", "active": true })).expect(200);
    let paused = with(orchard(), &[("/jobs/1/active", json!(false))]);
    let applied = operator.post(APPLY, &paused).expect(200);
    let change = &applied["changes"][6];
    assert_eq!((&change["action"], &change["revision"]), (&json!("update"), &json!(4)));
    let difference = json!([{ "pointer": "/active", "stored": true, "wanted": false }]);
    assert_eq!(change["differences"], difference);
    assert_eq!(change["changed_outside"]["by"], "ada");
}

fn what_the_document_does_not_have_any_more_is_removed_within_limits(server: &Server) {
    let operator = server.operator();
    operator.post(APPLY, &orchard()).expect(200);
    let weather = operator.get("/api/v1/jobs?name=Weather").expect(200)["items"][0].clone();
    let report = json!({ "status": "failed", "message": "no sensor" });
    operator.post(&format!("{}/runs", path_of(&weather)), &report).expect(201);

    let without_jobs = with(orchard(), &[("/jobs", json!([]))]);
    assert_unchanged(&operator.post(APPLY, &without_jobs).expect(200));
    let paused = operator.post(APPLY, &with(without_jobs.clone(), &[("/prune", json!("pause"))])).expect(200);
    assert_eq!(paused["counts"]["pause"], 2);
    assert_eq!(operator.get(&path_of(&weather)).expect(200)["active"], false);

    let nothing = json!({ "set": "orchard", "prune": "delete" });
    let refused = operator.post(APPLY, &nothing).problem(409, "prune_limit_exceeded");
    assert_eq!((&refused["removals"], &refused["limit"]), (&json!(7), &json!(0)));
    let few = with(nothing.clone(), &[("/prune_limit", json!(6))]);
    operator.post(APPLY, &few).problem(409, "prune_limit_exceeded");
    let all = with(nothing, &[("/prune_limit", json!(7))]);
    let planned = operator.post(&format!("{APPLY}?dry_run=true"), &all).expect(200);
    let deleted = operator.post(APPLY, &all).expect(200);
    assert_eq!(planned["plan_digest"], deleted["plan_digest"]);
    let expected: Vec<(String, String)> =
        ["job", "job", "input", "source_version", "source_version", "source", "source"]
            .map(|resource| (resource.to_owned(), "delete".to_owned()))
            .into();
    assert_eq!(actions(&deleted), expected);
    assert_eq!(deleted["changes"][1]["runs"], 1);
    assert_eq!(export(&operator, "set=orchard"), json!({ "set": "orchard" }));
}

fn each_kind_of_caller_is_answered(server: &Server) {
    let stranger = Forger::with_another_secret();
    let forger = server.home().forger();
    let of_no_set = json!({ "set": "mine" });
    server.anonymous().post(APPLY, &of_no_set).problem(401, "unauthorized");
    server.client(stranger.of(ORGANISATION_A)).post(APPLY, &of_no_set).problem(401, "invalid_token");
    let reader = server.scoped(ORGANISATION_A, "jobs:read inputs:read predictions:write");
    reader.post(APPLY, &of_no_set).problem(403, "insufficient_scope");
    reader.get("/api/v1/export").expect(200);
    server.scoped(ORGANISATION_A, "jobs:read").get("/api/v1/export").problem(403, "insufficient_scope");
    server.scoped(ORGANISATION_A, "inputs:read").get("/api/v1/export").problem(403, "insufficient_scope");
    server.anonymous().get("/api/v1/export").problem(401, "unauthorized");

    // Each part needs its own permission.
    let of_a = |scope: &str, document: &Value| server.scoped(ORGANISATION_A, scope).post(APPLY, document);
    let source = |name: &str| json!({ "set": "mine", "sources": [{ "name": name }] });
    of_a("jobs:write", &source("of a")).problem(403, "insufficient_scope");
    let created = of_a("catalog:create", &source("of a")).expect(200);
    assert_eq!(created["counts"]["create"], 1);
    let changed = json!({ "set": "mine", "sources": [{ "name": "of a", "retention_hours": 1 }] });
    of_a("catalog:create", &changed).problem(403, "insufficient_scope");
    of_a("catalog:write", &changed).expect(200);
    let input = json!({ "set": "mine", "inputs": [{ "id": ORGANISATION_A, "kind": "sensor", "name": "Rain" }] });
    of_a("jobs:write", &input).problem(403, "insufficient_scope");
    of_a("inputs:write", &input).expect(200);
    let source_id = &created["changes"][0]["id"];
    let stored = server.operator().get(&format!("/api/v1/sources/{}", source_id.as_str().unwrap())).expect(200);
    assert_eq!(stored["owner_organisation_id"], ORGANISATION_A);

    let foreign = with(of_no_set.clone(), &[("/organisation_id", json!(ORGANISATION_A))]);
    server.member(ORGANISATION_B).post(APPLY, &foreign).problem(403, "organisation_out_of_scope");
    server.member(ORGANISATION_B).post(APPLY, &changed).problem(403, "not_the_owner");
    let of_nobody = server.client(forger.of_no_organisation());
    of_nobody.post(APPLY, &input).problem(403, "organisation_out_of_scope");
    let own = server.member(ORGANISATION_B).get(&format!("/api/v1/export?organisation_id={ORGANISATION_A}"));
    own.problem(403, "organisation_out_of_scope");
}

/// Two customers call their sets alike, and one wants to remove all of it.
fn a_set_of_another_organisation_is_not_touched(server: &Server) {
    let model = Model::publish(server, "shared");
    let source = server.operator().get(&model.source_path()).expect(200)["name"].clone();
    let document = |organisation: &str| {
        json!({
            "set": "main", "organisation_id": organisation,
            "inputs": [{ "id": model.input, "kind": "sensor", "name": "Rain" }],
            "jobs": [{
                "name": "Job", "source": { "name": source, "owner_organisation_id": ORGANISATION_A },
                "source_version": { "version": "1.0.0" },
                "role_bindings": [{ "role": "temperature", "input_id": model.input }],
            }],
        })
    };
    let (a, b) = (server.member(ORGANISATION_A), server.member(ORGANISATION_B));
    a.post(APPLY, &document(ORGANISATION_A)).expect(200);
    let applied = b.post(APPLY, &document(ORGANISATION_B)).expect(200);
    assert_eq!(applied["counts"]["create"], 2, "what another has is unknown to it");
    let all = json!({ "set": "main", "prune": "delete", "prune_limit": 1000 });
    let removed = b.post(APPLY, &all).expect(200);
    assert_eq!(removed["counts"]["delete"], 2);
    assert_unchanged(&a.post(APPLY, &document(ORGANISATION_A)).expect(200));
    let named = json!({
        "set": "spy", "jobs": [{
            "name": "Spy", "source": { "name": source, "owner_organisation_id": ORGANISATION_A },
            "source_version": { "version": "1.0.0" },
            "role_bindings": [{ "role": "temperature", "output": { "job": "Job", "role": "risk" } }],
        }],
    });
    let problem = b.post(APPLY, &named).problem(422, "invalid");
    assert!(errors(&problem).contains(&("/jobs/0/role_bindings/0/output/job", "unknown_job")), "{problem}");
    assert!(!problem.to_string().contains(ORGANISATION_A), "{problem}");
}

fn documents_that_are_applied_at_once_leave_one_of_them(server: &Server) {
    let operator = server.operator();
    let document = |number: u64| {
        with(
            orchard(),
            &[
                ("/sources/0/retention_hours", json!(100 + number)),
                ("/sources/1/retention_hours", json!(100 + number)),
                ("/inputs/0/name", json!(format!("By {number}"))),
            ],
        )
    };
    let answers: Vec<Answer> = thread::scope(|scope| {
        let senders: Vec<_> = (0..8)
            .map(|number| {
                scope.spawn({
                    let operator = &operator;
                    move || operator.post(APPLY, &document(number))
                })
            })
            .collect();
        senders.into_iter().map(|sender| sender.join().unwrap()).collect()
    });
    for answer in &answers {
        answer.expect(200);
    }
    let created = answers.iter().filter(|answer| answer.json()["counts"]["create"] == 7).count();
    assert_eq!(created, 1, "the others saw what the first one stored");
    let exported = export(&operator, "set=orchard");
    let kept = &exported["sources"][0]["retention_hours"];
    assert_eq!(&exported["sources"][1]["retention_hours"], kept);
    assert_eq!(exported["inputs"][0]["name"], format!("By {}", kept.as_u64().unwrap() - 100));
}

fn thousand(name: &str) -> Value {
    let jobs: Vec<Value> = (0..996)
        .map(|number| {
            json!({
                "name": format!("{name} {number:04}"), "source": { "name": name }, "source_version": { "version": "1.0.0" },
                "role_bindings": [{ "role": "temperature", "input_id": "55555555-5555-5555-5555-555555555555" }],
            })
        })
        .collect();
    let version = json!({
        "source": { "name": name }, "version": "1.0.0",
        "input_roles": [{ "role": "temperature", "input_kind": "sensor", "metric": "m" }],
        "output_roles": [{ "role": "temperature", "metric": "m" }],
    });
    json!({
        "set": name, "organisation_id": ORGANISATION_A, "sources": [{ "name": name }], "source_versions": [version],
        "jobs": jobs,
    })
}

fn a_document_of_a_thousand_things_is_applied(server: &Server) {
    let operator = server.operator();
    let applied = operator.post(APPLY, &thousand("large")).expect(200);
    assert_eq!(applied["counts"]["create"], 998);
    let again = operator.post(APPLY, &thousand("large")).expect(200);
    assert_eq!(again["counts"]["unchanged"], 998);
    let (mut seen, mut cursor) = (0, String::new());
    loop {
        let page = operator.get(&format!("/api/v1/export?set=large&limit=200{cursor}")).expect(200);
        seen += page["document"]["jobs"].as_array().map_or(0, Vec::len);
        assert_unchanged(&operator.post(APPLY, &page["document"]).expect(200));
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(seen, 996);
}

fn a_client_that_goes_away_leaves_all_or_nothing(server: &Server) {
    let token = server.home().token(&["--all-organisations"]);
    let body = thousand("left").to_string();
    let length = format!("Content-Length: {}", body.len());
    let head = raw_request("POST", APPLY, &format!("Bearer {token}"), &["Content-Type: application/json", &length]);
    let mut connection = RawConnection::open(server.address);
    connection.send(head);
    connection.send(&body);
    drop(connection);
    let operator = server.operator();
    // Whenever it is looked at: all jobs, or none.
    for _ in 0..20 {
        let count = server.database().count("SELECT count(*) AS count FROM jobs");
        assert!([0, 996].contains(&count), "{count}");
    }
    let applied = operator.post(APPLY, &thousand("left")).expect(200);
    let told = (applied["counts"]["create"].as_u64().unwrap(), applied["counts"]["unchanged"].as_u64().unwrap());
    assert!([(998, 0), (0, 998)].contains(&told), "{told:?}");
}

/// On one database: what is judged comes before any database.
#[test]
fn a_document_that_is_too_deep_or_too_long_is_refused() {
    let server = Server::start(&Home::on_sqlite());
    let call = |body: String| server.operator().call("POST", APPLY).body("application/json", body).send();
    let deep = format!(r#"{{"set": "deep", "jobs": {}1{}}}"#, "[".repeat(300), "]".repeat(300));
    call(deep).problem(400, "invalid_json");
    call(format!("{{\"set\": \"{}\"}}", "x".repeat(4 * 1024 * 1024))).problem(413, "payload_too_large");
    let nothing = r#"{"set": "a", "adopt": null, "prune": null, "prune_limit": null, "confirm_deletion": null}"#;
    let problem = call(nothing.to_owned()).problem(422, "invalid");
    let members = ["/adopt", "/confirm_deletion", "/prune", "/prune_limit"];
    assert_eq!(errors(&problem), members.map(|member| (member, "wrong_type")));
    let twice = r#"{"set": "a", "set": "b", "sources": [{"name": "a"}, {"name": "A"}]}"#;
    let problem = call(twice.to_owned()).problem(422, "invalid");
    assert_eq!(errors(&problem), [("/set", "duplicate_member"), ("/sources/1/name", "duplicate_item")]);
}
