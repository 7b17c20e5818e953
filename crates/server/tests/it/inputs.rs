//! The directory of inputs, and the names of organisations.

use prediction_domain::model::Permission;
use prediction_http::openapi::{Access, operations};
use serde_json::{Value, json};

use crate::harness::{
    Answer, Client, Forger, Model, ORGANISATION_A, ORGANISATION_B, Server, errors, example, fresh_id, insert,
    on_both_databases,
};

on_both_databases!(
    an_input_is_registered_changed_and_deleted,
    what_is_wrong_with_an_input_is_told_at_once,
    an_import_is_stored_as_a_whole_and_can_be_sent_again,
    everything_that_is_wrong_with_an_import_is_told_and_nothing_is_stored,
    a_thousand_inputs_are_imported_at_once,
    each_organisation_has_a_directory_of_its_own,
    every_operation_on_inputs_answers_each_kind_of_caller,
    the_jobs_of_an_input_are_listed_with_its_roles,
    a_bound_input_stays,
    organisations_have_names,
);

const IMPORT: &str = "/api/v1/inputs/import";

fn path_to(id: &str) -> String {
    format!("/api/v1/inputs/{id}")
}

fn sensor(name: &str) -> Value {
    json!({ "organisation_id": ORGANISATION_A, "kind": "sensor", "name": name })
}

fn an_input_is_registered_changed_and_deleted(server: &Server) {
    let owner = server.member(ORGANISATION_A);
    let id = fresh_id();
    let path = path_to(&id);
    let told = example("put-input.json");
    let tried = owner.put(&format!("{path}?dry_run=true"), &told).expect(201);
    owner.get(&path).problem(404, "not_found");
    let answer = owner.put(&path, &told);
    let stored = answer.expect(201);
    assert_eq!(answer.header("location"), Some(path.as_str()));
    let tag = answer.header("etag").unwrap().to_owned();
    for member in ["organisation_id", "kind", "name", "metric", "unit"] {
        assert_eq!((member, &stored[member]), (member, &told[member]));
        assert_eq!(stored[member], tried[member]);
    }
    assert_eq!((&stored["id"], &stored["revision"]), (&json!(id), &json!(1)));
    assert_eq!(owner.get(&path).expect(200), stored);
    assert_eq!(owner.call("GET", &path).header("If-None-Match", &tag).send().status, 304);
    // The same again, and what was answered, change nothing.
    assert_eq!(owner.put(&path, &told).expect(200), stored);
    assert_eq!(owner.put(&path, &stored).expect(200), stored);
    // What is left out stays, null clears. A token of one organisation need not name it.
    let changed = owner.put(&path, &json!({ "unit": null, "name": "  Ost  " })).expect(200);
    assert_eq!(
        (&changed["unit"], &changed["name"], &changed["metric"]),
        (&json!(null), &json!("Ost"), &told["metric"])
    );
    assert_eq!((&changed["revision"], &changed["created_at"]), (&json!(2), &stored["created_at"]));
    for stale in [
        owner.call("PUT", &path).header("If-Match", &tag).json(&json!({ "name": "West" })).send(),
        owner.put(&path, &json!({ "name": "West", "revision": 1 })),
        owner.call("DELETE", &path).header("If-Match", &tag).send(),
    ] {
        assert_eq!(stale.problem(412, "precondition_failed")["current_revision"], 2);
    }
    assert_eq!(owner.delete(&format!("{path}?dry_run=true")).expect(200), changed);
    assert_eq!(owner.delete(&path).status, 204);
    owner.get(&path).problem(404, "not_found");
    owner.put(&path, &json!({ "revision": 2, "name": "West" })).problem(404, "not_found");
    // Registered again, it is another one, also for a reader who has the one before.
    let again = owner.put(&path, &told).expect(201);
    assert_eq!(again["revision"], 1);
    assert_eq!(owner.call("GET", &path).header("If-None-Match", &tag).send().expect(200), again);
}

fn what_is_wrong_with_an_input_is_told_at_once(server: &Server) {
    let path = path_to(&fresh_id());
    let wrong = json!({
        "id": fresh_id(), "organisation_id": "nonsense", "kind": "", "name": "\u{200b}", "metric": 1, "untis": "%",
    });
    let problem = server.operator().put(&path, &wrong).problem(422, "invalid");
    assert_eq!(
        errors(&problem),
        [
            ("/id", "immutable_field"),
            ("/kind", "too_short"),
            ("/metric", "wrong_type"),
            ("/name", "invisible_character"),
            ("/organisation_id", "invalid_uuid"),
            ("/untis", "unknown_member"),
        ]
    );
    // A token of all organisations says whose it is.
    let problem = server.operator().put(&path, &json!({})).problem(422, "invalid");
    let missing = ["/kind", "/name", "/organisation_id"].map(|pointer| (pointer, "missing_member"));
    assert_eq!(errors(&problem), missing);
    let stored = server.operator().put(&path, &sensor("Rain")).expect(201);
    let moved = json!({ "organisation_id": ORGANISATION_B, "kind": null });
    let problem = server.operator().put(&path, &moved).problem(422, "invalid");
    assert_eq!(errors(&problem), [("/kind", "wrong_type"), ("/organisation_id", "immutable_field")]);
    assert_eq!(problem["errors"][1]["expected"], ORGANISATION_A);
    assert_eq!(server.operator().get(&path).expect(200), stored);
}

fn an_import_is_stored_as_a_whole_and_can_be_sent_again(server: &Server) {
    let owner = server.member(ORGANISATION_A);
    let mut import = example("import-inputs.json");
    let tried = owner.post(&format!("{IMPORT}?dry_run=true"), &import).expect(200);
    assert_eq!(tried["counts"], json!({ "created": 2, "changed": 0, "unchanged": 0 }));
    assert_eq!(owner.get("/api/v1/inputs").expect(200)["items"], json!([]));
    assert_eq!(owner.post(IMPORT, &import).expect(200), tried);
    let again = owner.post(IMPORT, &import).expect(200);
    assert_eq!(again["counts"], json!({ "created": 0, "changed": 0, "unchanged": 2 }));
    insert(&mut import, "/items/1/name", "Vineyard 5, air");
    let changed = owner.post(IMPORT, &import).expect(200);
    assert_eq!(changed["counts"], json!({ "created": 0, "changed": 1, "unchanged": 1 }));
    let result = json!({
        "id": import["items"][1]["id"], "organisation_id": ORGANISATION_A, "outcome": "changed", "revision": 2,
    });
    assert_eq!(changed["results"][1], result);
    let listed = owner.get("/api/v1/inputs?q=VINEYARD%205%2C%20a&kind=sensor&metric=humidity").expect(200);
    assert_eq!(listed["items"].as_array().unwrap().len(), 1, "{listed}");
    assert_eq!(listed["items"][0]["id"], import["items"][1]["id"]);
}

fn everything_that_is_wrong_with_an_import_is_told_and_nothing_is_stored(server: &Server) {
    let operator = server.operator();
    let [twice, stored] = [fresh_id(), fresh_id()];
    operator.put(&path_to(&stored), &sensor("Stored")).expect(201);
    let item = |id: &str, change: Value| {
        let mut item = sensor("Rain");
        insert(&mut item, "/id", id);
        for (name, value) in change.as_object().unwrap() {
            insert(&mut item, &format!("/{name}"), value.clone());
        }
        item
    };
    let items = json!([
        item("nonsense", json!({})),
        item(&fresh_id(), json!({ "kind": "a\u{0}b" })),
        item(&fresh_id(), json!({ "name": "n".repeat(201) })),
        item(&fresh_id(), json!({ "metric": "" })),
        item(&fresh_id(), json!({ "unit": 1 })),
        item(&fresh_id(), json!({ "organisation_id": null })),
        item(&stored, json!({ "organisation_id": ORGANISATION_B })),
        item(&stored, json!({ "revision": 7 })),
        item(&twice, json!({})),
        item(&twice, json!({ "name": "Another" })),
        null,
        item(&fresh_id(), json!({ "color": "red" })),
    ]);
    let problem = operator.post(IMPORT, &json!({ "items": items })).problem(422, "invalid");
    assert_eq!(
        errors(&problem),
        [
            ("/items/0/id", "invalid_uuid"),
            ("/items/1/kind", "control_character"),
            ("/items/2/name", "too_long"),
            ("/items/3/metric", "too_short"),
            ("/items/4/unit", "wrong_type"),
            ("/items/5/organisation_id", "missing_member"),
            ("/items/6/organisation_id", "immutable_field"),
            ("/items/7/revision", "unknown_revision"),
            ("/items/9/id", "duplicate_input"),
            ("/items/10", "wrong_type"),
            ("/items/11/color", "unknown_member"),
        ]
    );
    assert_eq!(operator.get("/api/v1/inputs").expect(200)["items"].as_array().unwrap().len(), 1);
    for (body, pointer, code) in [
        (json!({}), "/items", "missing_member"),
        (json!({ "items": {} }), "/items", "wrong_type"),
        (json!({ "items": vec![json!({}); 1_001] }), "/items", "too_many_items"),
    ] {
        assert_eq!(errors(&operator.post(IMPORT, &body).problem(422, "invalid")), [(pointer, code)]);
    }
    let nothing = operator.post(IMPORT, &json!({ "items": [] })).expect(200);
    assert_eq!(nothing["counts"], json!({ "created": 0, "changed": 0, "unchanged": 0 }));
    let foreign = json!({ "items": [item(&fresh_id(), json!({ "organisation_id": ORGANISATION_B }))] });
    server.member(ORGANISATION_A).post(IMPORT, &foreign).problem(403, "organisation_out_of_scope");
}

fn a_thousand_inputs_are_imported_at_once(server: &Server) {
    let owner = server.member(ORGANISATION_A);
    let full = |name: &str| {
        let item = |number: usize| {
            json!({
                "id": format!("eeeeeeee-eeee-4eee-8eee-{number:012}"), "organisation_id": ORGANISATION_A,
                "kind": "sensor", "name": format!("{name} {number}"), "metric": "humidity", "unit": "%", "revision": null,
                "created_at": "2026-06-01T00:00:00Z", "updated_at": "2026-06-01T00:00:00Z",
            })
        };
        json!({ "items": (0..1_000).map(item).collect::<Vec<_>>() })
    };
    for (name, outcome) in [("Sensor", "created"), ("Sensor", "unchanged"), ("Fühler", "changed")] {
        assert_eq!(owner.post(IMPORT, &full(name)).expect(200)["counts"][outcome], 1_000);
    }
}

fn each_organisation_has_a_directory_of_its_own(server: &Server) {
    let id = fresh_id();
    let path = path_to(&id);
    let (own, other) = (server.member(ORGANISATION_A), server.member(ORGANISATION_B));
    let mine = own.put(&path, &sensor("Mine")).expect(201);
    // To another organisation it is unknown.
    other.get(&path).problem(404, "not_found");
    other.delete(&path).problem(404, "not_found");
    let theirs = other.put(&path, &json!({ "kind": "gateway", "name": "Theirs" })).expect(201);
    assert_eq!(theirs["organisation_id"], ORGANISATION_B);
    assert_eq!(own.get(&path).expect(200), mine);
    assert_eq!(other.get("/api/v1/inputs").expect(200)["items"], json!([theirs]));
    // A caller who may see both says which one is meant.
    let both =
        server.client(server.home().token(&["--organisation", ORGANISATION_A, "--organisation", ORGANISATION_B]));
    for client in [&both, &server.operator()] {
        for answer in [client.get(&path), client.delete(&path), client.put(&path, &json!({ "name": "Ours" }))] {
            let problem = answer.problem(422, "invalid");
            assert_eq!(errors(&problem), [("/organisation_id", "missing_member")]);
            assert_eq!(problem["errors"][0]["expected"], json!([ORGANISATION_A, ORGANISATION_B]));
        }
        assert_eq!(client.get(&format!("{path}?organisation_id={ORGANISATION_A}")).expect(200), mine);
    }
    let renamed = both.put(&path, &json!({ "organisation_id": ORGANISATION_B, "name": "Ours" })).expect(200);
    assert_eq!((&renamed["name"], &renamed["revision"]), (&json!("Ours"), &json!(2)));
    assert_eq!(both.delete(&format!("{path}?organisation_id={ORGANISATION_B}")).status, 204);
    assert_eq!(both.get(&path).expect(200), mine);
}

/// What a caller of some kind is answered: status and, if it is a problem, its code.
type Expected = (u16, &'static str);

/// Every operation on inputs and organisations has to have a row here: for who has the scope and the organisation, for
/// another organisation, for a caller without any.
fn row(operation: &str) -> [Expected; 3] {
    const FOREIGN: Expected = (404, "not_found");
    const OUTSIDE: Expected = (403, "organisation_out_of_scope");
    const EMPTY: Expected = (200, "empty");
    match operation {
        "list_inputs" | "list_input_uses" | "list_organisations" => [(200, ""), EMPTY, EMPTY],
        "get_input" | "get_organisation" => [(200, ""), FOREIGN, FOREIGN],
        "put_input" | "import_inputs" | "name_organisation" => [(200, ""), OUTSIDE, OUTSIDE],
        "delete_input" => [(204, ""), FOREIGN, FOREIGN],
        unknown => panic!("say in this test who may call {unknown}"),
    }
}

fn every_operation_on_inputs_answers_each_kind_of_caller(server: &Server) {
    let model = Model::publish(server, "mildew");
    let forger = server.home().forger();
    let of_inputs: Vec<_> = operations().into_iter().filter(|operation| operation.tag == "inputs").collect();
    assert!(of_inputs.len() >= 9);
    for operation in of_inputs {
        let needed = match operation.access {
            Access::Scope(permission) => Some(permission),
            _ => None,
        };
        let scope = needed.map_or("", Permission::as_str);
        let others = Permission::ALL.into_iter().filter(|other| Some(*other) != needed).map(Permission::as_str);
        let others: Vec<_> = others.collect();
        let [right, other_organisation, no_organisation] = row(operation.id);
        let unscoped = if needed.is_some() { (403, "insufficient_scope") } else { right };
        let stranger = Forger::with_another_secret();
        let callers = [
            ("no token", server.anonymous(), (401, "unauthorized")),
            ("another secret", server.client(stranger.of(ORGANISATION_A)), (401, "invalid_token")),
            ("missing scope", server.scoped(ORGANISATION_A, &others.join(" ")), unscoped),
            ("other organisation", server.member(ORGANISATION_B), other_organisation),
            ("no organisation", server.client(forger.of_no_organisation()), no_organisation),
            ("right", server.scoped(ORGANISATION_A, scope), right),
            ("operator", server.operator(), right),
        ];
        for (kind, caller, (status, code)) in callers {
            let what = format!("{} by {kind}", operation.id);
            let id = fresh_id();
            server.operator().put(&path_to(&id), &sensor(&what)).expect(201);
            if operation.id == "list_input_uses" {
                let mut setup = model.setup(ORGANISATION_A, &what);
                insert(&mut setup, "/role_bindings/0/input_id", id.as_str());
                server.operator().post("/api/v1/jobs/setup", &setup).expect(201);
            }
            let stored = server.operator().get("/api/v1/inputs?limit=200").expect(200);
            let answer = call(&caller, operation.id, operation.method, operation.path, &id);
            assert_eq!(answer.status, status, "{what}: {}", answer.text());
            match code {
                "" => {}
                "empty" => assert_eq!(answer.expect(200)["items"], json!([]), "{what}"),
                code => {
                    answer.problem(status, code);
                    assert_eq!(server.operator().get("/api/v1/inputs?limit=200").expect(200), stored, "{what}");
                }
            }
        }
    }
}

fn call(caller: &Client, operation: &str, method: &str, path: &str, id: &str) -> Answer {
    let id = if operation.ends_with("organisation") { ORGANISATION_A } else { id };
    let path = path.replace("{id}", id);
    match operation {
        "put_input" => caller.put(&path, &sensor("Changed")),
        "name_organisation" => caller.put(&path, &json!({ "name": "Müller" })),
        "import_inputs" => {
            let mut item = sensor("Imported");
            insert(&mut item, "/id", fresh_id());
            caller.post(&path, &json!({ "items": [item] }))
        }
        _ => caller.call(method, &path).send(),
    }
}

fn the_jobs_of_an_input_are_listed_with_its_roles(server: &Server) {
    let model = Model::publish(server, "mildew");
    let owner = server.member(ORGANISATION_A);
    // The input is not registered; what uses it is known all the same.
    let uses = format!("{}/jobs", path_to(&model.input));
    assert_eq!(owner.get(&uses).expect(200), json!({ "items": [], "next_cursor": null }));
    let jobs = ["Job A", "Job B"].map(|name| model.job(server, ORGANISATION_A, name));
    model.job(server, ORGANISATION_B, "Job A");
    let bound = |job: &Value| {
        let bindings = job["role_bindings"].as_array().unwrap().iter();
        let roles: Vec<_> = bindings
            .filter(|binding| binding["input_id"] == model.input.as_str())
            .map(|binding| &binding["role"])
            .collect();
        json!({
            "job_id": job["id"], "organisation_id": ORGANISATION_A, "name": job["name"], "active": true, "roles": roles,
        })
    };
    let expected: Vec<Value> = jobs.iter().map(bound).collect();
    assert!(expected[0]["roles"].as_array().is_some_and(|roles| !roles.is_empty()));
    assert_eq!(owner.get(&uses).expect(200)["items"], json!(expected));
    let first = owner.get(&format!("{uses}?limit=1")).expect(200);
    assert_eq!(first["items"], json!([expected[0]]));
    let rest = owner.get(&format!("{uses}?limit=1&cursor={}", first["next_cursor"].as_str().unwrap())).expect(200);
    assert_eq!(rest, json!({ "items": [expected[1]], "next_cursor": null }));
    // A cursor belongs to one input.
    let other = format!("{}/jobs?cursor={}", path_to(&fresh_id()), first["next_cursor"].as_str().unwrap());
    owner.get(&other).problem(400, "invalid_cursor");
}

fn a_bound_input_stays(server: &Server) {
    let model = Model::publish(server, "mildew");
    let owner = server.member(ORGANISATION_A);
    let path = path_to(&model.input);
    owner.put(&path, &sensor("Bound")).expect(201);
    server.member(ORGANISATION_B).put(&path, &json!({ "kind": "sensor", "name": "Free" })).expect(201);
    let job = model.job(server, ORGANISATION_A, "Job A");
    for query in ["", "?dry_run=true"] {
        let problem = owner.delete(&format!("{path}{query}")).problem(409, "in_use");
        assert_eq!((&problem["jobs"], &problem["job_ids"]), (&json!(1), &json!([job["id"]])));
    }
    // What others bind is not in the way, nor told.
    assert_eq!(server.member(ORGANISATION_B).delete(&path).status, 204);
    owner.delete(&crate::harness::path_of(&job));
    assert_eq!(owner.delete(&path).status, 204);
}

fn organisations_have_names(server: &Server) {
    let path = format!("/api/v1/organisations/{ORGANISATION_A}");
    let (own, other) = (server.member(ORGANISATION_A), server.member(ORGANISATION_B));
    own.get(&path).problem(404, "not_found");
    let named = json!({ "id": ORGANISATION_A, "name": "Weingut Müller" });
    assert_eq!(own.put(&format!("{path}?dry_run=true"), &example("name-organisation.json")).expect(200), named);
    own.get(&path).problem(404, "not_found");
    assert_eq!(own.put(&path, &example("name-organisation.json")).expect(200), named);
    assert_eq!(own.put(&path, &named).expect(200), named);
    assert_eq!(own.get(&path).expect(200), named);
    other.get(&path).problem(404, "not_found");
    Model::publish(server, "mildew").job(server, ORGANISATION_B, "Job A");
    let unnamed = json!({ "id": ORGANISATION_B, "name": null });
    let list = |client: &Client| client.get("/api/v1/organisations").expect(200)["items"].clone();
    assert_eq!(list(&own), json!([named]));
    assert_eq!(list(&other), json!([unnamed]));
    let mut all = [named, unnamed];
    all.sort_by_key(|organisation| organisation["id"].to_string());
    assert_eq!(list(&server.operator()), json!(all));
    let first = server.operator().get("/api/v1/organisations?limit=1").expect(200);
    let cursor = first["next_cursor"].as_str().unwrap();
    let rest = server.operator().get(&format!("/api/v1/organisations?cursor={cursor}")).expect(200);
    assert_eq!(rest, json!({ "items": [all[1]], "next_cursor": null }));
    let problem = own.put(&path, &json!({ "id": ORGANISATION_B })).problem(422, "invalid");
    assert_eq!(errors(&problem), [("/id", "immutable_field"), ("/name", "missing_member")]);
    let invisible = own.put(&path, &json!({ "name": "\u{200b}\u{2060}" })).problem(422, "invalid");
    assert_eq!(errors(&invisible), [("/name", "invisible_character")]);
    own.put(&path, &json!({ "name": null })).expect(200);
    own.get(&path).problem(404, "not_found");
    // Jobs are shown with the name, and a reader is told when it changes.
    let jobs = "/api/v1/jobs?expand=organisation";
    let theirs = format!("/api/v1/organisations/{ORGANISATION_B}");
    assert_eq!(other.get(jobs).expect(200)["items"][0]["organisation"], all[usize::from(all[1]["name"].is_null())]);
    let job = other.get(jobs).expect(200)["items"][0].clone();
    let job = format!("{}?expand=organisation", crate::harness::path_of(&job));
    let tag = other.get(&job).header("etag").unwrap().to_owned();
    other.put(&theirs, &json!({ "name": "Hof Meier" })).expect(200);
    let changed = other.call("GET", &job).header("If-None-Match", &tag).send();
    assert_eq!(changed.expect(200)["organisation"]["name"], "Hof Meier");
}
