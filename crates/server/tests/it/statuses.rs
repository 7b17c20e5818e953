//! Every answer that the OpenAPI document promises, provoked. An operation with an answer that is not provoked here
//! fails the tests.

mod documents;
mod world;

use std::collections::BTreeSet;
use std::thread;

use prediction_http::openapi::{Operation, operations};
use prediction_http::problem::ProblemCode;
use serde_json::{Value, json};

use crate::harness::{
    Answer, Call, Home, Model, ORGANISATION_A, ORGANISATION_B, RawConnection, Server, fresh_id, insert,
    on_both_databases, raw_request,
};

use world::{World, input};

on_both_databases!(
    every_success_of_every_operation_can_be_had,
    every_problem_of_every_operation_can_be_had,
    an_unforeseen_failure_of_the_database_is_500_and_tells_no_internals,
    an_unavailable_database_is_503_with_the_time_to_wait,
    a_database_without_its_tables_is_not_ready,
);

/// Problems that [`provoke`] cannot provoke without harm to the other requests of the same server: each has a test of
/// its own in this file, which goes through all operations that have it, or in `quotas.rs`.
const APART: [ProblemCode; 7] = [
    ProblemCode::RequestTimeout,
    ProblemCode::InternalError,
    ProblemCode::StoreUnavailable,
    ProblemCode::NotReady,
    ProblemCode::RateLimited,
    ProblemCode::QuotaExceeded,
    ProblemCode::QuotaOfDayExceeded,
];

/// Problems that are not provoked here: it takes hundreds of requests that wait at the same time, or a store that never
/// answers. The lanes and the routes have tests of their own for them, and the status is provoked by another problem of
/// the same operations.
const NOT_PROVOKED: [ProblemCode; 2] = [ProblemCode::Overloaded, ProblemCode::DeadlineExceeded];

fn every_success_of_every_operation_can_be_had(server: &Server) {
    let world = World::new(server);
    for operation in operations() {
        for (status, _, _) in &operation.answers {
            let name = format!("{} {status}", operation.id);
            let call = world.valid(&operation, &name);
            let answer = match (operation.method, status) {
                ("GET", 304) => call.header("If-None-Match", "*").send(),
                ("POST", 200) if operation.answers.iter().any(|(other, ..)| *other == 201) => {
                    call.clone().send().expect(201);
                    call.send()
                }
                ("PUT", 200) if operation.id == "put_input" => {
                    call.clone().send().expect(201);
                    call.send()
                }
                ("GET" | "PUT" | "POST", 200) | ("POST" | "PUT", 201) | ("DELETE", 204) => call.send(),
                ("DELETE", 200) => call.query("dry_run=true").send(),
                _ => panic!("say in this test how {name} comes about"),
            };
            assert_eq!(answer.status, *status, "{name}: {}", answer.text());
            assert!(answer.header("x-request-id").is_some(), "{name}");
            assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{name}");
            assert_eq!(answer.header("location").is_some(), *status == 201, "{name}");
            assert_eq!(answer.body.is_empty(), matches!(status, 204 | 304), "{name}");
            assert_eq!(answer.header("etag").is_some(), operation.has_entity_tag(*status), "{name}");
            let is_private = operation.path.starts_with("/api/").then_some("private, no-cache");
            assert_eq!(answer.header("cache-control"), is_private, "{name}");
        }
    }
}

fn every_problem_of_every_operation_can_be_had(server: &Server) {
    let world = World::new(server);
    for operation in operations() {
        for code in operation.problems_by_status().into_values().flatten() {
            if APART.contains(&code) || NOT_PROVOKED.contains(&code) {
                continue;
            }
            let answer = provoke(&world, &operation, code);
            answer.problem(code.status(), code.as_str());
            explains(server, code);
        }
    }
}

/// The address in `type` leads to a text about the problem.
fn explains(server: &Server, code: ProblemCode) {
    let page = server.anonymous().get(code.type_uri());
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    assert!(page.text().contains(code.as_str()));
}

/// What is needed to read is not needed to write, and the other way round.
fn insufficient_scope(operation: &Operation) -> &'static str {
    match operation.id {
        "judge_impact" => "predictions:read catalog:create",
        "delete_run" => "predictions:write predictions:read",
        "list_input_uses" => "inputs:read inputs:write",
        "apply" | "export" => "inputs:read predictions:read",
        _ if operation.tag != "jobs" => "jobs:read jobs:write",
        _ if operation.method == "GET" => "jobs:write",
        _ => "jobs:read",
    }
}

fn provoke(world: &World<'_>, operation: &Operation, code: ProblemCode) -> Answer {
    let server = world.server;
    let name = format!("{} {}", operation.id, code.as_str());
    let is_write = operation.method != "GET";
    let valid = || world.valid(operation, &name);
    match code {
        ProblemCode::Unauthorized => valid().without_header("Authorization").send(),
        ProblemCode::InvalidToken => valid().token("nonsense").send(),
        ProblemCode::InsufficientScope => {
            let other = insufficient_scope(operation);
            valid().token(&server.home().token(&["--organisation", ORGANISATION_A, "--scope", other])).send()
        }
        _ if operation.id == "apply" && documents::APPLIED.contains(&code) => documents::apply(world, &name, code),
        ProblemCode::WouldDeleteValues => {
            let model = Model::publish(server, &name);
            let job = model.job(server, ORGANISATION_A, &name);
            server
                .operator()
                .post(&format!("{}/runs", crate::harness::path_of(&job)), &Model::report(&name))
                .expect(201);
            // Long ago by the clock of any machine.
            let mut old = Model::report(&name);
            insert(&mut old, "/issued_at", "2001-01-01T00:00:00Z");
            server.operator().post(&format!("{}/runs", crate::harness::path_of(&job)), &old).expect(201);
            server.operator().put(&model.source_path(), &json!({ "retention_hours": 1 }))
        }
        ProblemCode::OrganisationOutOfScope if operation.id == "create_source" => {
            let mut body = valid().json_body();
            insert(&mut body, "/owner_organisation_id", ORGANISATION_A);
            server.member(ORGANISATION_B).post(operation.path, &body)
        }
        ProblemCode::NotTheOwner => {
            let mut call = valid();
            if operation.method == "POST" {
                let mut body = call.json_body();
                match operation.id {
                    "create_source" => insert(&mut body, "/owner_organisation_id", json!(null)),
                    "set_up_job" => {
                        let mut version = Model::contract();
                        insert(&mut version, "/version", name.as_str());
                        insert(&mut body, "/organisation_id", ORGANISATION_B);
                        insert(&mut body, "/job", json!({ "name": name, "source_id": world.model.source }));
                        insert(&mut body, "/source_version", version);
                    }
                    _ => {}
                }
                call = call.untyped_body(body.to_string());
            }
            call.token(&server.home().token(&["--organisation", ORGANISATION_B])).send()
        }
        ProblemCode::OrganisationOutOfScope => {
            let is_named = is_write && operation.id != "delete_input";
            let is_named = is_named || operation.id == "list_candidates";
            let call = if is_named { valid() } else { valid().query(&format!("organisation_id={ORGANISATION_A}")) };
            call.token(&server.home().token(&["--organisation", ORGANISATION_B])).send()
        }
        ProblemCode::InvalidQuery => valid().query("no_such_parameter=1").send(),
        ProblemCode::InvalidCursor if operation.id == "upgrade_jobs" => {
            let call = valid();
            let mut body = call.json_body();
            insert(&mut body, "/cursor", "nonsense");
            call.untyped_body(body.to_string()).send()
        }
        ProblemCode::InvalidCursor => valid().query("cursor=nonsense").send(),
        ProblemCode::InvalidPath => server.operator().call(operation.method, &with_id(operation, "no-uuid")).send(),
        ProblemCode::InvalidHeader => {
            valid().header(if is_write { "If-Match" } else { "If-None-Match" }, "unquoted").send()
        }
        ProblemCode::NotFound => {
            let path = with_id(operation, &fresh_id()).replace("/conflict", "/no_such_problem");
            let path = match operation.id {
                "list_candidates" => format!("{path}?organisation_id={ORGANISATION_A}&role=temperature"),
                "compare_source_versions" => format!("{path}?with={}", world.model.version),
                "trace_prediction" => format!("{path}?role=mildew&at=2026-06-01T13:00:00Z"),
                _ => path,
            };
            let call = server.operator().call(operation.method, &path);
            // Only of an input that is there a revision can be changed.
            let body = if operation.id == "put_input" { json!({ "revision": 1 }) } else { json!({}) };
            if operation.request.is_some() { call.json(&body).send() } else { call.send() }
        }
        ProblemCode::InvalidJson => valid().untyped_body("{").send(),
        ProblemCode::UnsupportedMediaType => {
            valid().without_header("Content-Type").header("Content-Type", "text/plain").send()
        }
        ProblemCode::PayloadTooLarge => {
            let mebibytes = if ["report_run", "apply"].contains(&operation.id) { 4 } else { 1 };
            valid().untyped_body(vec![b' '; mebibytes * 1024 * 1024 + 1]).send()
        }
        ProblemCode::Invalid => invalid(world, operation, &name),
        ProblemCode::UnexpectedBody => valid().json(&json!({})).send(),
        ProblemCode::PreconditionFailed if operation.id == "put_input" => {
            let call = valid();
            call.clone().send().expect(201);
            call.header("If-Match", "\"999\"").send()
        }
        ProblemCode::PreconditionFailed => valid().header("If-Match", "\"999\"").send(),
        ProblemCode::Conflict => conflict(world, operation, &name),
        ProblemCode::InUse => in_use(world, operation, &name),
        other => panic!("say in this test how {} of {} comes about", other.as_str(), operation.id),
    }
}

fn in_use(world: &World<'_>, operation: &Operation, name: &str) -> Answer {
    let operator = world.server.operator();
    if operation.id == "delete_input" {
        let input = world.input(name);
        let mut setup = world.model.setup(ORGANISATION_A, name);
        insert(&mut setup, "/role_bindings/0/input_id", input.as_str());
        operator.post("/api/v1/jobs/setup", &setup).expect(201);
        return operator.delete(&with_id(operation, &input));
    }
    let model = Model::publish(world.server, name);
    let job = model.job(world.server, ORGANISATION_A, name);
    if operation.tag == "jobs" {
        world.reader(name, &job);
        let path = with_id(operation, job["id"].as_str().unwrap());
        let next = model.publish_version(
            world.server,
            "2.0.0",
            json!({
                "input_roles": Model::contract()["input_roles"],
                "output_roles": [{ "role": "frost", "metric": "risk" }],
            }),
        );
        return match operation.id {
            "delete_job" => operator.delete(&path),
            "change_job" => operator.put(&path, &json!({ "source_version_id": next })),
            "upgrade_job" => operator.post(&path, &json!({ "source_version_id": next })),
            "restore_job" => restored_without_output(world, &format!("{name} again"), &path),
            other => panic!("say in this test what keeps {other} from taking an output away"),
        };
    }
    let id = if operation.id == "delete_source" { &model.source } else { &model.version };
    operator.delete(&with_id(operation, id))
}

/// A job that is to be again what it was before it predicted what another one reads by now.
fn restored_without_output(world: &World<'_>, name: &str, path: &str) -> Answer {
    let operator = world.server.operator();
    let contract = |output: &str| json!({ "input_roles": [], "output_roles": [{ "role": output, "metric": "risk", "unit": "%" }] });
    let model = Model::publish_with(world.server, name, contract("frost"));
    let mut setup = model.setup(ORGANISATION_A, name);
    insert(&mut setup, "/role_bindings", json!([]));
    let job = operator.post("/api/v1/jobs/setup", &setup).expect(201)["job"].clone();
    let next = model.publish_version(world.server, "2.0.0", contract("mildew"));
    let job_path = crate::harness::path_of(&job);
    let upgraded = operator.put(&job_path, &json!({ "source_version_id": next })).expect(200);
    world.reader(name, &upgraded);
    assert!(path.ends_with("/restore"), "{path}");
    operator.post(&format!("{job_path}/restore"), &json!({ "revision": 1 }))
}

fn invalid(world: &World<'_>, operation: &Operation, name: &str) -> Answer {
    let client = world.server.operator();
    match operation.id {
        // Two organisations have one with that id, and the caller may see both.
        "get_input" => {
            let path = operation.path_to(&world.input(name));
            let mut other = input(name);
            insert(&mut other, "/organisation_id", ORGANISATION_B);
            world.server.member(ORGANISATION_B).put(&path, &other).expect(201);
            client.get(&path)
        }
        "list_candidates" => {
            let query = format!("organisation_id={ORGANISATION_A}&role=no_such_role");
            client.get(&format!("{}?{query}", operation.path_to(&world.model.version)))
        }
        "compare_source_versions" => {
            let other = Model::publish(world.server, name).version;
            client.get(&format!("{}?with={other}", operation.path_to(&world.model.version)))
        }
        // The first revision has none before it.
        "compare_job_revisions" => client.get(&operation.path_to(&world.job(name))),
        _ => world.valid(operation, name).untyped_body(json!({ "no_such_member": 1 }).to_string()).send(),
    }
}

fn with_id(operation: &Operation, id: &str) -> String {
    operation.path_to(id)
}

fn conflict(world: &World<'_>, operation: &Operation, name: &str) -> Answer {
    let valid = world.valid(operation, name);
    let taken = format!("taken for {name}");
    let mut body = valid.json_body();
    match operation.id {
        "create_source" => insert(&mut body, "/retention_hours", 7),
        "create_source_version" => insert(&mut body, "/output_roles/0/metric", "another"),
        "set_up_job" => insert(&mut body, "/job/active", false),
        "report_run" => insert(&mut body, "/predictions/0/value", 99.5),
        "change_source" => {
            world.source(&taken);
            insert(&mut body, "/name", taken);
        }
        "change_job" => {
            world.job(&taken);
            insert(&mut body, "/name", taken);
        }
        "restore_job" => {
            let path = valid.path().trim_end_matches("/restore").to_owned();
            world.server.operator().put(&path, &json!({ "name": taken })).expect(200);
            // Another job has its name by now.
            world.job(name);
        }
        other => panic!("say in this test what {other} can clash with"),
    }
    if operation.method == "POST" && operation.id != "restore_job" {
        let stored = valid.clone().send();
        assert_eq!(stored.status, 201);
    }
    valid.untyped_body(body.to_string()).send()
}

/// Those operations that have a problem, each with a valid request.
fn requests_with(world: &World<'_>, code: ProblemCode) -> Vec<(Operation, Call)> {
    let has = |operation: &Operation| operation.problems_by_status().into_values().flatten().any(|other| other == code);
    let those = operations().into_iter().filter(has).map(|operation| {
        let call = world.valid(&operation, &format!("{} {}", operation.id, code.as_str()));
        (operation, call)
    });
    let those: Vec<_> = those.collect();
    assert!(!those.is_empty());
    those
}

fn an_unforeseen_failure_of_the_database_is_500_and_tells_no_internals(server: &Server) {
    let world = World::new(server);
    let requests = requests_with(&world, ProblemCode::InternalError);
    server.database().hide_tables();
    for (operation, call) in requests {
        let problem = call.send().problem(500, "internal_error");
        let members: BTreeSet<&str> = problem.as_object().unwrap().keys().map(String::as_str).collect();
        let allowed = BTreeSet::from(["code", "detail", "request_id", "status", "title", "type"]);
        assert_eq!(members, allowed, "{}", operation.id);
        assert_eq!(problem["detail"], ProblemCode::InternalError.meaning(), "{}", operation.id);
        let id = problem["request_id"].as_str().unwrap();
        let line = server.output().wait_for(|line| line["level"] == "ERROR" && line["request_id"] == id).unwrap();
        assert!(line["cause"].as_str().is_some_and(|cause| !cause.is_empty()), "the log knows why: {line}");
    }
    explains(server, ProblemCode::InternalError);
}

fn an_unavailable_database_is_503_with_the_time_to_wait(server: &Server) {
    let world = World::new(server);
    let requests = requests_with(&world, ProblemCode::StoreUnavailable);
    let seized = server.database().seize();
    for (operation, call) in &requests {
        // A reader of SQLite waits for no writer, so that none can keep it waiting.
        if server.database().is_sqlite() && operation.method == "GET" {
            assert_eq!(call.clone().send().status, 200, "{}", operation.id);
            continue;
        }
        let answer = call.clone().send();
        answer.problem(503, "store_unavailable");
        assert_eq!(answer.header("retry-after"), Some("1"), "{}", operation.id);
    }
    server.anonymous().get("/health/live").expect(200);
    drop(seized);
    for (operation, call) in requests {
        assert!(call.send().status < 300, "{} can be done again", operation.id);
    }
    explains(server, ProblemCode::StoreUnavailable);
}

fn a_database_without_its_tables_is_not_ready(server: &Server) {
    let ready = operations().into_iter().filter(|operation| operation.problems.contains(&ProblemCode::NotReady));
    assert_eq!(ready.map(|operation| operation.id).collect::<Vec<_>>(), ["ready"]);
    server.anonymous().get("/health/ready").expect(200);
    server.database().execute("DELETE FROM __diesel_schema_migrations");
    // What was found a moment ago is told for a moment.
    let mut answers = std::iter::repeat_with(|| server.anonymous().get("/health/ready"));
    let answer = answers.find(|answer| answer.status != 200).unwrap();
    answer.problem(503, "not_ready");
    assert_eq!(answer.header("retry-after"), Some("1"));
    explains(server, ProblemCode::NotReady);
}

/// On one database only: requests are counted before any database is asked.
#[test]
fn a_caller_that_sends_too_many_requests_is_told_when_to_go_on() {
    let home = Home::on_sqlite();
    // What the requests are about is made on a server without limits.
    let unlimited = Server::start(&home);
    let mut requests = requests_with(&World::new(&unlimited), ProblemCode::RateLimited);
    requests.retain(|(operation, _)| operation.needs_token());
    let server = Server::start_with(&home, &["--limit-per-subject", "1"]);
    let token = home.token(&["--all-organisations", "--subject", "operator"]);
    for (operation, call) in requests {
        let call = call.at(server.address).token(&token);
        // Some requests may come a second after the last one.
        let answer = std::iter::repeat_with(|| call.clone().send()).find(|answer| answer.status == 429).unwrap();
        answer.problem(429, "rate_limited");
        assert_eq!(answer.header("retry-after"), Some("1"), "{}", operation.id);
    }
    let other = server.client(home.token(&["--all-organisations", "--subject", "another operator"]));
    other.get("/api/v1/sources").expect(200);
    for operation in operations().iter().filter(|operation| !operation.needs_token()) {
        for _ in 0..3 {
            let answer = server.anonymous().call(operation.method, &operation.path_to("")).send();
            assert_eq!(answer.status, 200, "{}", operation.id);
        }
    }
    explains(&server, ProblemCode::RateLimited);
}

#[test]
fn requests_are_counted_by_where_they_come_from_before_a_token_is_looked_at() {
    let server = Server::start_with(&Home::on_sqlite(), &["--limit-per-peer", "1"]);
    let call = server.anonymous().call("GET", "/api/v1/sources").token("nonsense");
    let mut answers = std::iter::repeat_with(|| call.clone().send().status);
    assert_eq!(answers.next(), Some(401));
    assert!(answers.by_ref().any(|status| status == 429));
    assert!(answers.any(|status| status == 401), "after a second it is another one's turn");
    // What needs no token counts as well, but for health: who asks for that is not to suffer from a neighbour.
    let pages = ["/metrics", "/openapi.json", "/problems", "/problems/not_found", "/docs/", "/docs", "/", "/nowhere"];
    for path in pages {
        let answers = std::iter::repeat_with(|| server.anonymous().get(path));
        let refused = answers.take(1_000).find(|answer| answer.status == 429).unwrap();
        refused.problem(429, "rate_limited");
    }
    for _ in 0..3 {
        for path in ["/health/ready", "/health/live"] {
            server.anonymous().get(path).expect(200);
        }
    }
}

/// On one database only: bodies are read before any database is asked.
#[test]
fn a_body_that_comes_too_slowly_is_408() {
    let server = Server::start(&Home::on_sqlite());
    let world = World::new(&server);
    let token = server.home().token(&["--all-organisations"]);
    thread::scope(|scope| {
        for (operation, _) in requests_with(&world, ProblemCode::RequestTimeout) {
            let (server, token) = (&server, &token);
            scope.spawn(move || {
                let path = with_id(&operation, &fresh_id());
                let headers = ["Content-Type: application/json", "Content-Length: 2"];
                let mut connection = RawConnection::open(server.address);
                connection.send(raw_request(operation.method, &path, token, &headers));
                connection.send("{");
                let (status, body) = connection.answer();
                let problem: Value = serde_json::from_str(&body).unwrap();
                assert_eq!((status, &problem["code"]), (408, &json!("request_timeout")), "{}", operation.id);
            });
        }
    });
    explains(&server, ProblemCode::RequestTimeout);
}
