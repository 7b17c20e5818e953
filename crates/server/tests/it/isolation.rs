//! Who may do what: every job operation with every kind of caller.

use std::collections::BTreeSet;

use prediction_domain::model::Permission;
use prediction_http::openapi::{Operation, operations};
use serde_json::{Value, json};

use crate::harness::{
    Answer, Client, Forger, Model, ORGANISATION_A, ORGANISATION_B, ORGANISATION_C, Server, insert, on_both_databases,
    path_of,
};

on_both_databases!(
    every_job_operation_answers_each_kind_of_caller,
    a_foreign_job_is_like_one_that_does_not_exist,
    a_refused_change_of_a_foreign_job_leaves_it_as_it_is,
    lists_never_show_jobs_of_others,
    naming_an_organisation_outside_the_token_is_refused,
    every_api_operation_asks_for_a_token,
);

/// What a caller of some kind is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    Done(u16),
    Nothing,
    NoneCounted,
    OneRefused(&'static str),
    Problem(u16, &'static str),
}
use Expected::{Done, NoneCounted, Nothing, OneRefused, Problem};

/// The expectations for one operation.
struct Row {
    right: Expected,
    other_organisation: Expected,
    no_organisation: Expected,
    needs: &'static str,
}

/// Every operation on jobs has to have a row here.
fn row(operation: &str) -> Row {
    const FOREIGN: Expected = Problem(404, "not_found");
    const OUTSIDE: Expected = Problem(403, "organisation_out_of_scope");
    match operation {
        "set_up_job" => {
            Row { right: Done(201), other_organisation: OUTSIDE, no_organisation: OUTSIDE, needs: "jobs:write" }
        }
        "list_jobs" | "list_input_uses" => {
            Row { right: Done(200), other_organisation: Nothing, no_organisation: Nothing, needs: "jobs:read" }
        }
        "count_jobs_by_health" => {
            Row { right: Done(200), other_organisation: NoneCounted, no_organisation: NoneCounted, needs: "jobs:read" }
        }
        "get_job"
        | "get_job_lineage"
        | "get_output"
        | "list_job_revisions"
        | "get_job_revision"
        | "compare_job_revisions" => {
            Row { right: Done(200), other_organisation: FOREIGN, no_organisation: FOREIGN, needs: "jobs:read" }
        }
        "trace_prediction" => Row {
            right: Done(200),
            other_organisation: FOREIGN,
            no_organisation: FOREIGN,
            needs: "jobs:read predictions:read",
        },
        "upgrade_jobs" => {
            const GONE: Expected = OneRefused("not_found");
            Row { right: Done(200), other_organisation: GONE, no_organisation: GONE, needs: "jobs:write" }
        }
        "change_job" | "upgrade_job" | "restore_job" => {
            Row { right: Done(200), other_organisation: FOREIGN, no_organisation: FOREIGN, needs: "jobs:write" }
        }
        "delete_job" | "delete_run" => {
            Row { right: Done(204), other_organisation: FOREIGN, no_organisation: FOREIGN, needs: "jobs:write" }
        }
        "report_run" => {
            Row { right: Done(201), other_organisation: FOREIGN, no_organisation: FOREIGN, needs: "predictions:write" }
        }
        "list_runs" | "get_run" | "list_predictions" | "list_output_predictions" => {
            Row { right: Done(200), other_organisation: FOREIGN, no_organisation: FOREIGN, needs: "predictions:read" }
        }
        unknown => panic!("say in this test who may call {unknown}"),
    }
}

fn every_job_operation_answers_each_kind_of_caller(server: &Server) {
    let model = Model::publish(server, "mildew");
    let forger = server.home().forger();
    let stranger = Forger::with_another_secret();
    let job_operations: Vec<_> = operations()
        .into_iter()
        .filter(|operation| ["/jobs", "/outputs"].iter().any(|of| operation.path.contains(of)))
        .collect();
    assert!(job_operations.len() >= 16);
    for operation in job_operations {
        let row = row(operation.id);
        let other_scopes = Permission::ALL.map(Permission::as_str);
        let other_scopes: Vec<_> =
            other_scopes.into_iter().filter(|scope| !row.needs.split(' ').any(|needed| needed == *scope)).collect();
        let callers = [
            ("no token", server.anonymous(), Problem(401, "unauthorized")),
            ("garbage", server.client("garbage"), Problem(401, "invalid_token")),
            ("expired", server.client(forger.expired()), Problem(401, "invalid_token")),
            ("another secret", server.client(stranger.of(ORGANISATION_A)), Problem(401, "invalid_token")),
            (
                "missing scope",
                server.scoped(ORGANISATION_A, &other_scopes.join(" ")),
                Problem(403, "insufficient_scope"),
            ),
            ("other organisation", server.member(ORGANISATION_B), row.other_organisation),
            ("no organisation", server.client(forger.of_no_organisation()), row.no_organisation),
            ("right", server.scoped(ORGANISATION_A, row.needs), row.right),
            ("operator", server.operator(), row.right),
        ];
        for (kind, caller, expected) in callers {
            let what = format!("{} by {kind}", operation.id);
            // With a name of its own, so that the right callers do not meet.
            let job = model.job(server, ORGANISATION_A, &what);
            // Issued at another time than the report that a caller makes.
            let mut report = Model::report(&what);
            insert(&mut report, "/issued_at", "2026-06-01T11:00:00Z");
            let run = server.operator().post(&format!("{}/runs", path_of(&job)), &report).expect(201);
            let stored = server.operator().get(&path_of(&job)).expect(200);
            let rows = (server.database().rows(), server.database().results());
            let answer = call(&caller, &operation, &model, &job, &run, &format!("new {what}"));
            assert_answer(&answer, expected, &what);
            if !matches!(expected, Done(_)) {
                assert_eq!((server.database().rows(), server.database().results()), rows, "{what}");
                assert_eq!(server.operator().get(&path_of(&job)).expect(200), stored, "{what}");
            }
        }
    }
}

fn call(caller: &Client, operation: &Operation, model: &Model, job: &Value, run: &Value, name: &str) -> Answer {
    let path = operation.path.replace("{run_id}", run["id"].as_str().unwrap());
    let of_output = path.contains("/outputs/");
    let id = if of_output { &job["outputs"][0]["id"] } else { &job["id"] };
    let path = path.replace("{id}", id.as_str().unwrap()).replace("{revision}", "1");
    match operation.method {
        "POST" if operation.id == "report_run" => caller.post(&path, &Model::report(name)),
        "POST" if operation.id == "upgrade_job" => caller.post(&path, &json!({})),
        "POST" if operation.id == "restore_job" => caller.post(&path, &json!({ "revision": 1 })),
        "POST" if operation.id == "upgrade_jobs" => {
            caller.post(&path, &json!({ "source_version_id": model.version, "jobs": [job["id"]] }))
        }
        "GET" if operation.id == "compare_job_revisions" => caller.get(&format!("{path}?with=1")),
        "GET" if operation.id == "trace_prediction" => {
            caller.get(&format!("{path}?role=mildew&at=2026-06-01T13:00:00Z"))
        }
        "POST" => caller.post(&path, &model.setup(ORGANISATION_A, name)),
        "PUT" => caller.put(&path, &json!({ "name": name })),
        method => caller.call(method, &path).send(),
    }
}

fn assert_answer(answer: &Answer, expected: Expected, what: &str) {
    match expected {
        Done(status) => assert_eq!(answer.status, status, "{what}: {}", answer.text()),
        OneRefused(code) => {
            let answer = answer.expect(200);
            let result = (&answer["results"][0]["outcome"], &answer["results"][0]["problem"]["code"]);
            assert_eq!(result, (&json!("refused"), &json!(code)), "{what}");
            assert_eq!(answer["results"][0]["organisation_id"], json!(null), "{what}");
        }
        Nothing => assert_eq!(answer.expect(200), json!({ "items": [], "next_cursor": null }), "{what}"),
        NoneCounted => {
            let counts = answer.expect(200)["counts"].clone();
            assert!(counts.as_object().unwrap().values().all(|count| count == 0), "{what}: {counts}");
        }
        Problem(status, code) => {
            assert_eq!(answer.status, status, "{what}: {}", answer.text());
            answer.problem(status, code);
            let challenge = answer.header("www-authenticate");
            assert_eq!(challenge.is_some(), status == 401 || code == "insufficient_scope", "{what}");
            assert!(challenge.is_none_or(|challenge| challenge.starts_with("Bearer ")), "{what}");
        }
    }
}

fn a_foreign_job_is_like_one_that_does_not_exist(server: &Server) {
    let model = Model::publish(server, "mildew");
    let foreign = path_of(&model.job(server, ORGANISATION_A, "Job A"));
    let missing = format!("/api/v1/jobs/{}", crate::harness::fresh_id());
    let stranger = server.member(ORGANISATION_B);
    let change = json!({ "name": "Mine", "revision": 99, "id": crate::harness::fresh_id() });
    for (method, body) in [("GET", None), ("PUT", Some(&change)), ("DELETE", None)] {
        for query in ["", "?dry_run=true", "?expand=source"] {
            if (method == "GET") == query.contains("dry_run") || (method != "GET" && query.contains("expand")) {
                continue;
            }
            for precondition in [None, Some("\"1\""), Some("\"9\"")] {
                let ask = |path: &str| {
                    let mut call = stranger.call(method, &format!("{path}{query}")).header("X-Request-Id", "same");
                    if let Some(tag) = precondition {
                        call = call.header("If-Match", tag);
                    }
                    if let Some(body) = body {
                        call = call.json(body);
                    }
                    call.send()
                };
                let (foreign, missing) = (ask(&foreign), ask(&missing));
                foreign.problem(404, "not_found");
                assert_eq!(foreign.body, missing.body, "{method}{query}");
                let headers = |answer: &Answer| {
                    let headers = answer.headers.iter().filter(|(name, _)| *name != "date");
                    headers.map(|(name, value)| format!("{name}: {value:?}")).collect::<BTreeSet<_>>()
                };
                assert_eq!(headers(&foreign), headers(&missing), "{method}{query}");
            }
        }
    }
}

fn a_refused_change_of_a_foreign_job_leaves_it_as_it_is(server: &Server) {
    let model = Model::publish(server, "mildew");
    let job = model.job(server, ORGANISATION_A, "Job A");
    let stranger = server.member(ORGANISATION_B);
    stranger.put(&path_of(&job), &json!({ "active": false })).problem(404, "not_found");
    stranger.delete(&path_of(&job)).problem(404, "not_found");
    assert_eq!(server.member(ORGANISATION_A).get(&path_of(&job)).expect(200), job);

    // The name is free in the other organisation, and both jobs stay apart.
    let other = stranger.post("/api/v1/jobs/setup", &model.setup(ORGANISATION_B, "Job A")).expect(201);
    assert_ne!(other["job"]["id"], job["id"]);
}

fn lists_never_show_jobs_of_others(server: &Server) {
    let model = Model::publish(server, "mildew");
    let own = model.job(server, ORGANISATION_A, "Same name");
    let foreign = model.job(server, ORGANISATION_B, "Same name");
    model.job(server, ORGANISATION_C, "Third");
    let filters = [
        String::new(),
        "?name=Same%20name".to_owned(),
        "?active=true".to_owned(),
        "?health=unmonitored".to_owned(),
        "?health=unmonitored,overdue,failing,late".to_owned(),
        format!("?source_id={}", model.source),
        format!("?source_version_id={}", model.version),
        format!("?input_id={}", model.input),
        format!("?organisation_id={ORGANISATION_A}"),
        format!("?input_id={}&active=true&limit=1&expand=source", model.input),
        "?order=health".to_owned(),
        "?order=health&q=SAME&limit=1".to_owned(),
        "?q=name".to_owned(),
        format!("?q=e&input_id={}", model.input),
    ];
    let user = server.member(ORGANISATION_A);
    for filter in filters {
        let page = user.get(&format!("/api/v1/jobs{filter}")).expect(200);
        let ids: Vec<&Value> = page["items"].as_array().unwrap().iter().map(|job| &job["id"]).collect();
        assert_eq!(ids, [&own["id"]], "{filter}");
        assert!(page["next_cursor"].is_null(), "{filter}");
    }
    for grouping in ["organisation", "source", "source_version"] {
        let counted = user.get(&format!("/api/v1/jobs/health?group_by={grouping}")).expect(200);
        let [group] = counted["groups"].as_array().unwrap().as_slice() else { panic!("{counted}") };
        assert_eq!(group["counts"], counted["counts"]);
        assert_eq!(counted["counts"]["unmonitored"], 1, "one job in all: {counted}");
    }
    let cursor = server.operator().get("/api/v1/jobs?limit=1").expect(200)["next_cursor"].clone();
    let after = server.member(ORGANISATION_B).get(&format!("/api/v1/jobs?cursor={}", cursor.as_str().unwrap()));
    assert_eq!(after.expect(200)["items"], json!([foreign]), "a cursor says where to start, not what to show");
    assert_eq!(server.operator().get("/api/v1/jobs").expect(200)["items"].as_array().unwrap().len(), 3);
}

fn naming_an_organisation_outside_the_token_is_refused(server: &Server) {
    let model = Model::publish(server, "mildew");
    model.job(server, ORGANISATION_B, "Theirs");
    let rows = server.database().rows();
    let user = server.member(ORGANISATION_A);
    let refused = |answer: Answer| {
        let problem = answer.problem(403, "organisation_out_of_scope");
        assert!(problem["detail"].as_str().unwrap().contains(ORGANISATION_B), "{problem}");
    };
    refused(user.get(&format!("/api/v1/jobs?organisation_id={ORGANISATION_B}")));
    refused(user.post("/api/v1/jobs/setup", &model.setup(ORGANISATION_B, "Mine")));
    refused(user.post("/api/v1/jobs/setup?dry_run=true", &model.setup(ORGANISATION_B, "Mine")));
    // No caller learns what is wrong with a request for an organisation of others.
    refused(user.post("/api/v1/jobs/setup", &json!({ "organisation_id": ORGANISATION_B, "job": 1 })));
    // A caller of both organisations may name both.
    let mut setup = model.setup(ORGANISATION_B, "Ours");
    insert(&mut setup, "/job/organisation_id", ORGANISATION_B);
    assert_eq!(server.database().rows(), rows);
    let both =
        server.client(server.home().token(&["--organisation", ORGANISATION_A, "--organisation", ORGANISATION_B]));
    both.post("/api/v1/jobs/setup", &setup).expect(201);
    assert_eq!(both.get("/api/v1/jobs").expect(200)["items"].as_array().unwrap().len(), 2);
}

fn every_api_operation_asks_for_a_token(server: &Server) {
    let stranger = server.client(Forger::with_another_secret().of(ORGANISATION_A));
    let id = crate::harness::fresh_id();
    for operation in operations() {
        assert_eq!(operation.needs_token(), operation.path.starts_with("/api/"), "{}", operation.id);
        if operation.needs_token() {
            // Also when everything else is wrong: an unknown caller learns nothing.
            for path in [operation.path_to(&id), operation.path_to("nonsense") + "?limit=0"] {
                server.anonymous().call(operation.method, &path).send().problem(401, "unauthorized");
                stranger.call(operation.method, &path).send().problem(401, "invalid_token");
            }
        }
    }
}
