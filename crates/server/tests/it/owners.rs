//! Whose a source is: who may do what with the catalog, and what taking a name comes to.

use prediction_domain::model::Permission;
use prediction_http::openapi::{Access, Operation, operations};
use serde_json::{Value, json};

use crate::harness::{
    Answer, Client, Forger, Model, ORGANISATION_A, ORGANISATION_B, ORGANISATION_C, Server, example, insert,
    on_both_databases, path_of,
};

on_both_databases!(
    every_operation_on_the_catalog_answers_each_kind_of_caller,
    a_setup_on_the_fly_needs_no_more_than_the_right_to_create,
    a_setup_cannot_publish_for_others,
    a_name_that_a_stranger_took_runs_nothing_of_theirs,
    a_token_of_several_organisations_says_whose_a_source_is,
    sources_are_listed_by_their_owner,
    an_operator_hands_a_source_over,
    what_is_sent_back_is_taken,
    a_shorter_retention_tells_what_it_deletes_and_waits_for_a_confirmation,
);

const SOURCES: &str = "/api/v1/sources";
const VERSIONS: &str = "/api/v1/source_versions";
const SETUP: &str = "/api/v1/jobs/setup";

/// What a caller of some kind is answered.
#[derive(Debug, Clone, Copy)]
enum Expected {
    Done(u16),
    Problem(u16, &'static str),
}
use Expected::{Done, Problem};

/// The expectations for one operation on what belongs to [`ORGANISATION_A`], or to the platform.
struct Row {
    /// For who owns it, operators included.
    owner: Expected,
    /// For [`ORGANISATION_A`], when it belongs to the platform.
    not_the_owner: Expected,
    other_organisation: Expected,
    no_organisation: Expected,
    without_a_scope: Expected,
}

const FOREIGN: Expected = Problem(403, "not_the_owner");
const UNSCOPED: Expected = Problem(403, "insufficient_scope");

/// Every operation on sources and their versions has to have a row here.
fn row(operation: &str) -> Row {
    let read = Row {
        owner: Done(200),
        not_the_owner: Done(200),
        other_organisation: Done(200),
        no_organisation: Done(200),
        without_a_scope: Done(200),
    };
    let owners = |status| Row {
        owner: Done(status),
        not_the_owner: FOREIGN,
        other_organisation: FOREIGN,
        no_organisation: FOREIGN,
        without_a_scope: UNSCOPED,
    };
    match operation {
        "list_sources"
        | "get_source"
        | "list_source_versions"
        | "get_source_version"
        | "compare_source_versions"
        | "get_lifecycle"
        | "get_setup_schema" => read,
        // What is told depends on the organisations of the token.
        "judge_impact" => Row { without_a_scope: UNSCOPED, ..read },
        "list_candidates" => Row {
            other_organisation: Problem(403, "organisation_out_of_scope"),
            no_organisation: Problem(403, "organisation_out_of_scope"),
            without_a_scope: UNSCOPED,
            ..read
        },
        // A caller with an organisation creates sources of its own.
        "create_source" => Row {
            owner: Done(201),
            not_the_owner: Done(201),
            other_organisation: Done(201),
            no_organisation: Problem(403, "organisation_out_of_scope"),
            without_a_scope: UNSCOPED,
        },
        "create_source_version" => owners(201),
        "change_source" | "change_lifecycle" => owners(200),
        "delete_source" | "delete_source_version" => owners(204),
        unknown => panic!("say in this test who may call {unknown}"),
    }
}

fn every_operation_on_the_catalog_answers_each_kind_of_caller(server: &Server) {
    let forger = server.home().forger();
    let stranger = Forger::with_another_secret();
    let of_the_catalog: Vec<_> =
        operations().into_iter().filter(|operation| operation.path.starts_with("/api/v1/source")).collect();
    assert!(of_the_catalog.len() >= 9);
    for operation in of_the_catalog {
        let needed = match operation.access {
            Access::Scope(permission) => Some(permission),
            _ => None,
        };
        let scope = needed.map_or("", Permission::as_str);
        let others = Permission::ALL.into_iter().filter(|other| needed.is_none_or(|needed| !other.includes(needed)));
        let others: Vec<_> = others.map(Permission::as_str).collect();
        let row = row(operation.id);
        let platform = server.home().token(&["--all-organisations", "--scope", scope]);
        for owner in [Some(ORGANISATION_A), None] {
            let of_a = if owner.is_some() { row.owner } else { row.not_the_owner };
            let callers = [
                ("no token", server.anonymous(), Problem(401, "unauthorized")),
                ("garbage", server.client("garbage"), Problem(401, "invalid_token")),
                ("expired", server.client(forger.expired()), Problem(401, "invalid_token")),
                ("another secret", server.client(stranger.of(ORGANISATION_A)), Problem(401, "invalid_token")),
                ("missing scope", server.scoped(ORGANISATION_A, &others.join(" ")), row.without_a_scope),
                ("organisation A", server.scoped(ORGANISATION_A, scope), of_a),
                ("organisation B", server.scoped(ORGANISATION_B, scope), row.other_organisation),
                ("no organisation", server.client(forger.of_no_organisation()), row.no_organisation),
                ("the platform", server.client(platform.clone()), row.owner),
                ("an operator", server.operator(), row.owner),
            ];
            for (kind, caller, expected) in callers {
                let what = format!("{} of {owner:?} by {kind}", operation.id);
                let (source, version) = catalog(server, owner, &what);
                let stored = (server.operator().get(&source).expect(200), server.database().rows());
                let answer = call(&caller, &operation, &source, &version, &format!("new {what}"));
                match expected {
                    Done(status) => assert_eq!(answer.status, status, "{what}: {}", answer.text()),
                    Problem(status, code) => {
                        assert_eq!(answer.status, status, "{what}: {}", answer.text());
                        answer.problem(status, code);
                        let challenge = answer.header("www-authenticate").is_some();
                        assert_eq!(challenge, status == 401 || code == "insufficient_scope", "{what}");
                        let now = (server.operator().get(&source).expect(200), server.database().rows());
                        assert_eq!(now, stored, "{what}");
                    }
                }
            }
        }
    }
}

/// A source of that owner; with a version, unless it has to be without one to be deleted.
fn catalog(server: &Server, owner: Option<&str>, name: &str) -> (String, String) {
    let operator = server.operator();
    let source = operator.post(SOURCES, &json!({ "name": name, "owner_organisation_id": owner })).expect(201);
    let path = format!("{SOURCES}/{}", source["id"].as_str().unwrap());
    if name.starts_with("delete_source of") {
        return (path, String::new());
    }
    let version = operator.post(VERSIONS, &version_of(&source["id"], "1.0.0")).expect(201);
    (path, format!("{VERSIONS}/{}", version["id"].as_str().unwrap()))
}

fn version_of(source_id: &Value, label: &str) -> Value {
    let mut version = Model::contract();
    insert(&mut version, "/source_id", source_id.clone());
    insert(&mut version, "/version", label);
    version
}

fn call(caller: &Client, operation: &Operation, source: &str, version: &str, name: &str) -> Answer {
    let one = if operation.path.starts_with(VERSIONS) { version } else { source };
    let id = one.rsplit('/').next().unwrap();
    let path = &operation.path.replace("{id}", id);
    match (operation.method, operation.id) {
        ("GET", "list_candidates") => caller.get(&format!("{path}?organisation_id={ORGANISATION_A}&role=temperature")),
        ("GET", "compare_source_versions") => caller.get(&format!("{path}?with={id}")),
        ("POST", "create_source") => caller.post(path, &json!({ "name": name })),
        ("POST", _) => {
            let id = source.rsplit('/').next().unwrap();
            caller.post(path, &version_of(&json!(id), "2.0.0"))
        }
        ("PUT", "change_lifecycle") => caller.put(path, &json!({ "stage": "deprecated" })),
        ("PUT", _) => caller.put(path, &json!({ "name": name })),
        (method, _) => caller.call(method, path).send(),
    }
}

fn a_setup_on_the_fly_needs_no_more_than_the_right_to_create(server: &Server) {
    let user = server.scoped(ORGANISATION_A, "catalog:create jobs:write");
    let mut setup = example("setup-job-with-everything.json");
    let done = user.post(SETUP, &setup).expect(201);
    assert_eq!(done["source"]["owner_organisation_id"], ORGANISATION_A);
    // The next version of its own source.
    insert(&mut setup, "/source_version/version", "2.0.0");
    insert(&mut setup, "/job/name", "Job B");
    assert_eq!(user.post(SETUP, &setup).expect(201)["outcome"]["source_version"], "created");
    let source = format!("{SOURCES}/{}", done["source"]["id"].as_str().unwrap());
    for answer in [user.put(&source, &json!({ "retention_hours": 1 })), user.delete(&source)] {
        assert_eq!(answer.problem(403, "insufficient_scope")["required_scope"], "catalog:write");
    }
    // Another organisation uses it, by its id.
    let mut other = setup.clone();
    insert(&mut other, "/organisation_id", ORGANISATION_B);
    insert(&mut other, "/source", json!({ "id": done["source"]["id"] }));
    let other = server.member(ORGANISATION_B).post(SETUP, &other).expect(201);
    assert_eq!(other["outcome"], json!({ "source": "reused", "source_version": "reused", "job": "created" }));
}

fn a_setup_cannot_publish_for_others(server: &Server) {
    let (a, b) = (server.member(ORGANISATION_A), server.member(ORGANISATION_B));
    let mut setup = example("setup-job-with-everything.json");
    let source = a.post(SETUP, &setup).expect(201)["source"].clone();
    let rows = server.database().rows();
    insert(&mut setup, "/organisation_id", ORGANISATION_B);
    insert(&mut setup, "/source_version/version", "6.6.6");
    for said in
        [json!({ "id": source["id"] }), json!({ "name": source["name"], "owner_organisation_id": ORGANISATION_A })]
    {
        insert(&mut setup, "/source", said);
        for path in [SETUP, "/api/v1/jobs/setup?dry_run=true"] {
            let problem = b.post(path, &setup).problem(403, "not_the_owner");
            assert_eq!(
                (&problem["source_id"], &problem["owner_organisation_id"]),
                (&source["id"], &json!(ORGANISATION_A))
            );
            let detail = problem["detail"].as_str().unwrap();
            assert!(detail.contains("run one that it has") && detail.contains("another name"), "{detail}");
        }
    }
    assert_eq!(server.database().rows(), rows);
    // What the owner publishes is what is taken when nothing says which version, also by others.
    insert(&mut setup, "/source_version", json!(null));
    let pinned = b.post(SETUP, &setup).expect(201);
    assert_eq!(pinned["source_version"]["version"], "1.0.0");
}

fn a_name_that_a_stranger_took_runs_nothing_of_theirs(server: &Server) {
    let squatter = server.member(ORGANISATION_B);
    let mut setup = example("setup-job-with-everything.json");
    let mut theirs = setup.clone();
    insert(&mut theirs, "/organisation_id", ORGANISATION_B);
    let source = squatter.post(SETUP, &theirs).expect(201)["source"].clone();
    let rows = server.database().rows();
    for caller in [server.member(ORGANISATION_A), server.operator()] {
        let problem = caller.post(SETUP, &setup).problem(409, "conflict");
        assert_eq!((&problem["resource"], &problem["existing_id"]), (&json!("source"), &source["id"]));
        assert_eq!(problem["errors"].as_array().unwrap().len(), 1);
        assert_eq!(problem["errors"][0]["pointer"], "/source/owner_organisation_id");
        let problem = caller.post(SOURCES, &setup["source"]).problem(409, "conflict");
        assert_eq!(problem["errors"][0]["pointer"], "/owner_organisation_id");
    }
    assert_eq!(server.database().rows(), rows);
    // By intent it is run.
    insert(&mut setup, "/source/owner_organisation_id", ORGANISATION_B);
    assert_eq!(server.member(ORGANISATION_A).post(SETUP, &setup).expect(201)["source"], source);
}

fn a_token_of_several_organisations_says_whose_a_source_is(server: &Server) {
    let both = ["--organisation", ORGANISATION_A, "--organisation", ORGANISATION_B];
    let both = server.client(server.home().token(&both));
    let problem = both.post(SOURCES, &json!({ "name": "mildew" })).problem(422, "invalid");
    let error = &problem["errors"][0];
    assert_eq!((&error["pointer"], &error["code"]), (&json!("/owner_organisation_id"), &json!("missing_member")));
    assert_eq!(error["expected"], json!([ORGANISATION_A, ORGANISATION_B]));
    let source = json!({ "name": "mildew", "owner_organisation_id": ORGANISATION_B });
    let source = both.post(SOURCES, &source).expect(201);
    assert_eq!(source["owner_organisation_id"], ORGANISATION_B);
    let outside = json!({ "name": "rust", "owner_organisation_id": ORGANISATION_C });
    both.post(SOURCES, &outside).problem(403, "organisation_out_of_scope");
    // A setup says it by itself.
    let done = both.post(SETUP, &example("setup-job-with-everything.json")).expect(201);
    assert_eq!(done["source"]["owner_organisation_id"], ORGANISATION_A);
    // A token that says nothing of organisations has none.
    let stranger = server.client(server.home().forger().of_no_organisation());
    stranger.post(SOURCES, &json!({ "name": "rust" })).problem(403, "organisation_out_of_scope");
}

fn sources_are_listed_by_their_owner(server: &Server) {
    let operator = server.operator();
    for (name, owner) in
        [("a", Some(ORGANISATION_A)), ("b", None), ("c", Some(ORGANISATION_B)), ("d", Some(ORGANISATION_A))]
    {
        operator.post(SOURCES, &json!({ "name": name, "owner_organisation_id": owner })).expect(201);
    }
    let reader = server.scoped(ORGANISATION_C, "");
    let names = |query: &str| {
        let page = reader.get(&format!("{SOURCES}?{query}")).expect(200);
        let names: Vec<String> = page["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|source| source["name"].as_str().unwrap().to_owned())
            .collect();
        (names.join(" "), page["next_cursor"].as_str().map(str::to_owned))
    };
    assert_eq!(names(&format!("owner_organisation_id={ORGANISATION_A}")).0, "a d");
    assert_eq!(names("owner_organisation_id=null").0, "b");
    assert_eq!(names(&format!("owner_organisation_id={ORGANISATION_C}")).0, "");
    assert_eq!(names(&format!("owner_organisation_id={ORGANISATION_A}&name=D")).0, "d");
    let (first, cursor) = names(&format!("owner_organisation_id={ORGANISATION_A}&limit=1"));
    let cursor = cursor.unwrap();
    assert_eq!(first, "a");
    assert_eq!(names(&format!("owner_organisation_id={ORGANISATION_A}&cursor={cursor}")).0, "d");
    let other = format!("{SOURCES}?owner_organisation_id={ORGANISATION_B}&cursor={cursor}");
    reader.get(&other).problem(400, "invalid_cursor");
    reader.get(&format!("{SOURCES}?owner_organisation_id=platform")).problem(400, "invalid_query");
}

fn an_operator_hands_a_source_over(server: &Server) {
    let (a, b) = (server.member(ORGANISATION_A), server.member(ORGANISATION_B));
    let source = server.operator().post(SOURCES, &json!({ "name": "mildew" })).expect(201);
    let path = format!("{SOURCES}/{}", source["id"].as_str().unwrap());
    a.post(VERSIONS, &version_of(&source["id"], "1.0.0")).problem(403, "not_the_owner");
    let handed = server.operator().put(&path, &json!({ "owner_organisation_id": ORGANISATION_A })).expect(200);
    assert_eq!((&handed["owner_organisation_id"], &handed["revision"]), (&json!(ORGANISATION_A), &json!(2)));
    a.post(VERSIONS, &version_of(&source["id"], "1.0.0")).expect(201);
    let problem = a.put(&path, &json!({ "owner_organisation_id": ORGANISATION_B })).problem(422, "invalid");
    assert_eq!(problem["errors"][0]["code"], "immutable_field");
    b.put(&path, &json!({ "owner_organisation_id": ORGANISATION_B })).problem(403, "not_the_owner");
    assert_eq!(server.operator().get(&path).expect(200), handed);
}

/// However the id of an organisation is spelt, in a token or in a body, it is one.
fn what_is_sent_back_is_taken(server: &Server) {
    let spelt = "ABCDEF77-7777-7777-7777-777777777777";
    let member = server.member(spelt);
    let source = member.post(SOURCES, &json!({ "name": "mildew", "owner_organisation_id": spelt })).expect(201);
    assert_eq!(source["owner_organisation_id"], spelt.to_lowercase());
    let path = format!("{SOURCES}/{}", source["id"].as_str().unwrap());
    assert_eq!(member.put(&path, &source).expect(200), source);
    assert_eq!(member.put(&path, &json!({ "owner_organisation_id": spelt })).expect(200), source);
    let platforms = server.operator().post(SOURCES, &json!({ "name": "rust" })).expect(201);
    assert_eq!(platforms["owner_organisation_id"], json!(null));
    let path = format!("{SOURCES}/{}", platforms["id"].as_str().unwrap());
    assert_eq!(server.operator().put(&path, &platforms).expect(200), platforms);
    for body in [
        json!({ "name": "new", "owner_organisation_id": "urn:uuid:77777777-7777-7777-7777-777777777777" }),
        json!({ "name": "new", "owner_organisation_id": "00000000-0000-0000-0000-000000000000" }),
        json!({ "name": "new", "owner_organisation_id": [ORGANISATION_A] }),
    ] {
        let problem = server.operator().post(SOURCES, &body).problem(422, "invalid");
        assert_eq!(problem["errors"][0]["pointer"], "/owner_organisation_id");
    }
}

/// The values are of jobs of two organisations; their owner learns how many, and nothing else of them.
fn a_shorter_retention_tells_what_it_deletes_and_waits_for_a_confirmation(server: &Server) {
    let model = Model::publish(server, "mildew");
    let operator = server.operator();
    let jobs = [ORGANISATION_A, ORGANISATION_B].map(|organisation| model.job(server, organisation, "Job A"));
    for (job, years) in [(&jobs[0], vec!["2001", "2002", "2003"]), (&jobs[1], vec!["2002"])] {
        for year in years {
            let mut report = Model::report("old");
            insert(&mut report, "/issued_at", format!("{year}-01-01T00:00:00Z"));
            operator.post(&format!("{}/runs", path_of(job)), &report).expect(201);
        }
        let mut report = Model::report("now");
        report.as_object_mut().unwrap().remove("issued_at");
        operator.post(&format!("{}/runs", path_of(job)), &report).expect(201);
    }
    let owner = server.member(ORGANISATION_A);
    let (path, dry_run) = (model.source_path(), format!("{}?dry_run=true", model.source_path()));
    let (shorter, confirmed) =
        (json!({ "retention_hours": 1 }), json!({ "retention_hours": 1, "confirm_deletion": true }));
    let deletes = json!({ "values": 4, "jobs": 2, "at_least": false });
    let stored = (operator.get(&path).expect(200), server.database().results());
    for path in [&path, &dry_run] {
        let problem = owner.put(path, &shorter).problem(409, "would_delete_values");
        assert_eq!(problem["deletes"], deletes);
        assert!(!problem.to_string().contains(ORGANISATION_B), "{problem}");
        let stranger = server.member(ORGANISATION_B);
        for body in [&shorter, &confirmed] {
            assert_eq!(stranger.put(path, body).problem(403, "not_the_owner")["deletes"], json!(null));
        }
        owner.put(path, &json!({ "retention_hours": 1, "confirm_deletion": "yes" })).problem(422, "invalid");
    }
    let shown = owner.put(&dry_run, &confirmed).expect(200);
    assert_eq!((&shown["deletes"], &shown["retention_hours"]), (&deletes, &json!(1)));
    assert_eq!((operator.get(&path).expect(200), server.database().results()), stored);

    let changed = owner.put(&path, &confirmed).expect(200);
    assert_eq!(changed["deletes"], deletes);
    for job in &jobs {
        let values = operator.get(&format!("{}/predictions", path_of(job))).expect(200);
        assert_eq!(values["items"].as_array().unwrap().len(), 1);
    }
    // What was answered can be sent back, and nothing is left to be confirmed.
    let again = owner.put(&path, &changed).expect(200);
    assert_eq!((&again["deletes"], &again["revision"]), (&json!(null), &changed["revision"]));
    // Longer again: nothing goes, and what is not yet purged may be back.
    assert_eq!(owner.put(&path, &json!({ "retention_hours": 2 })).expect(200)["deletes"], json!(null));
}
