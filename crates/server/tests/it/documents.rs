//! What the service says about itself: its description, its health, and what it does not have.

use std::collections::{BTreeMap, BTreeSet};

use prediction_http::openapi::operations;
use prediction_http::problem::ProblemCode;
use serde_json::json;

use crate::harness::{Answer, Client, Home, Model, ORGANISATION_A, Server, fresh_id, on_both_databases, path_of};

const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

on_both_databases!(head_works_wherever_get_does, the_metrics_show_requests_and_jobs, a_version_is_not_changed);

#[test]
fn the_openapi_document_is_the_committed_one() {
    let answer = Server::start(&Home::on_sqlite()).anonymous().get("/openapi.json");
    answer.expect(200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.text(), include_str!("../../../../docs/openapi.json"));
}

#[test]
fn the_documentation_is_whole_and_comes_from_nowhere_else() {
    let server = Server::start(&Home::on_sqlite());
    let client = server.anonymous();
    let answer = client.get("/docs");
    assert_eq!((answer.status, answer.header("location")), (303, Some("/docs/")));
    let page = client.get("/docs/");
    assert_eq!(page.status, 200);
    assert!(page.header("content-type").unwrap().starts_with("text/html"));
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("script-src 'self';") && policy.contains("connect-src 'self';"), "{policy}");
    let html = page.text();
    assert!(html.contains("<title>Prediction API, request by request</title>"), "{html}");
    let references: BTreeSet<&str> = ["src=\"", "href=\""].into_iter().flat_map(|name| quoted(&html, name)).collect();
    assert!(references.iter().any(|reference| reference.ends_with("swagger-ui.css")), "{references:?}");
    assert!(references.iter().any(|reference| reference.ends_with("swagger-initializer.js")), "{references:?}");
    for reference in references {
        assert!(!reference.contains("//"), "the page refers to {reference}");
        let path = match reference.strip_prefix('/') {
            Some(_) => reference.to_owned(),
            None => format!("/docs/{}", reference.trim_start_matches("./")),
        };
        let asset = client.get(&path);
        assert_eq!(asset.status, 200, "{path}");
        assert!(!asset.body.is_empty(), "{path}");
        if path.ends_with("swagger-initializer.js") {
            let script = asset.text();
            assert!(script.contains("/openapi.json"), "{script}");
            assert!(!script.contains("http://") && !script.contains("https://"), "{script}");
        }
    }
    client.get("/docs/nothing.js").problem(404, "unknown_route");
    let refused = client.delete("/docs/swagger-ui.css");
    refused.problem(405, "method_not_allowed");
    assert_eq!(refused.header("allow"), Some("GET, HEAD"));
}

#[test]
fn what_a_path_does_not_have_is_refused_with_what_it_has() {
    let server = Server::start(&Home::on_sqlite());
    for client in [server.anonymous(), server.operator()] {
        for (path, mut has) in methods() {
            if has.contains("GET") {
                has.insert("HEAD");
            }
            for method in METHODS.into_iter().filter(|method| !has.contains(method)) {
                let answer = ask(&client, method, &concrete(path));
                let what = format!("{method} {path}");
                assert_eq!(answer.status, 405, "{what}");
                let allow: BTreeSet<&str> = answer.header("allow").expect(&what).split(", ").collect();
                assert_eq!(allow, has, "{what}");
                if method == "HEAD" {
                    assert!(answer.body.is_empty(), "{what}");
                    continue;
                }
                let never = path == "/api/v1/source_versions/{id}" && ["PUT", "PATCH"].contains(&method);
                answer.problem(405, if never { "source_version_immutable" } else { "method_not_allowed" });
            }
        }
    }
}

fn a_version_is_not_changed(server: &Server) {
    let model = Model::publish(server, "immutable");
    let operator = server.operator();
    let before = operator.get(&model.version_path()).expect(200);
    for method in ["PUT", "PATCH"] {
        let answer = operator.call(method, &model.version_path()).json(&json!({ "version": "2.0.0" })).send();
        let problem = answer.problem(405, "source_version_immutable");
        let text = problem["detail"].as_str().unwrap().to_lowercase();
        assert!(text.contains("publish") && text.contains("new"), "{problem}");
        assert!(!answer.header("allow").unwrap().contains(method));
    }
    assert_eq!(operator.get(&model.version_path()).expect(200), before);
}

#[test]
fn an_unknown_route_is_told_as_a_problem() {
    let server = Server::start(&Home::on_sqlite());
    for client in [server.anonymous(), server.operator()] {
        for path in ["/nothing", "/api", "/api/v1", "/api/v1/source", "/api/v2/sources", "/api/v1/sources/a/b"] {
            client.get(path).problem(404, "unknown_route");
            client.post(path, &json!({})).problem(404, "unknown_route");
        }
    }
}

fn head_works_wherever_get_does(server: &Server) {
    let model = Model::publish(server, "head");
    let job = model.job(server, ORGANISATION_A, "head");
    let operator = server.operator();
    let run = operator.post(&format!("{}/runs", path_of(&job)), &Model::report("head")).expect(201);
    let input = format!("/api/v1/inputs/{}", model.input);
    let sensor = json!({ "organisation_id": ORGANISATION_A, "kind": "sensor", "name": "head" });
    operator.put(&input, &sensor).expect(201);
    for (path, has) in methods() {
        if !has.contains("GET") {
            continue;
        }
        let path = match path {
            "/api/v1/inputs/{id}" => input.clone(),
            "/api/v1/organisations/{id}" => format!("/api/v1/organisations/{ORGANISATION_A}"),
            "/api/v1/sources/{id}" => model.source_path(),
            "/api/v1/source_versions/{id}" => model.version_path(),
            "/api/v1/source_versions/{id}/impact" => format!("{}/impact", model.version_path()),
            "/api/v1/source_versions/{id}/setup_schema" => format!("{}/setup_schema", model.version_path()),
            "/api/v1/source_versions/{id}/candidates" => {
                format!("{}/candidates?organisation_id={ORGANISATION_A}&role=temperature", model.version_path())
            }
            "/api/v1/source_versions/{id}/lifecycle" => format!("{}/lifecycle", model.version_path()),
            "/api/v1/source_versions/{id}/comparison" => {
                format!("{}/comparison?with={}", model.version_path(), model.version)
            }
            below if below.starts_with("/api/v1/outputs/{id}") => {
                below.replace("{id}", job["outputs"][0]["id"].as_str().unwrap())
            }
            below if below.starts_with("/api/v1/jobs/{id}") => {
                let run = run["id"].as_str().unwrap();
                let below = match below {
                    "/api/v1/jobs/{id}/provenance" => format!("{below}?role=mildew&at=2026-06-01T13:00:00Z"),
                    "/api/v1/jobs/{id}/revisions/{revision}/comparison" => format!("{below}?with=1"),
                    _ => below.to_owned(),
                };
                below.replace("/api/v1/jobs/{id}", &path_of(&job)).replace("{run_id}", run).replace("{revision}", "1")
            }
            other => concrete(other),
        };
        let get = operator.get(&path);
        let head = operator.call("HEAD", &path).send();
        assert!(get.status < 400, "{path}: {}", get.text());
        assert_eq!(head.status, get.status, "{path}");
        assert!(head.body.is_empty(), "{path}");
        for name in ["content-type", "etag", "location", "cache-control"] {
            assert_eq!(head.header(name), get.header(name), "{path}: {name}");
        }
    }
    for path in ["/", "/docs", "/docs/", "/docs/swagger-ui.css"] {
        let head = operator.call("HEAD", path).send();
        assert_eq!((head.status, head.body.len()), (operator.get(path).status, 0), "{path}");
    }
    let missing = operator.call("HEAD", "/api/v1/jobs/setup/none").send();
    assert_eq!((missing.status, missing.body.len()), (404, 0));
}

#[test]
fn every_problem_has_a_page() {
    let server = Server::start(&Home::on_sqlite());
    let client = server.anonymous();
    let list = client.get("/problems").text();
    for code in ProblemCode::ALL {
        let answer = client.get(code.type_uri());
        assert_eq!(answer.status, 200, "{code:?}");
        assert!(answer.header("content-type").unwrap().starts_with("text/html"), "{code:?}");
        let page = answer.text();
        assert!(page.contains(code.as_str()) && page.contains(code.title()), "{page}");
        assert!(list.contains(&format!("href=\"{}\"", code.type_uri())), "{code:?}");
    }
    client.get("/problems/none").problem(404, "not_found");
}

fn the_metrics_show_requests_and_jobs(server: &Server) {
    let model = Model::publish(server, "measured");
    model.job(server, ORGANISATION_A, "measured");
    server.operator().get(&format!("/api/v1/sources/{}", fresh_id())).problem(404, "not_found");
    let answer = server.anonymous().get("/metrics");
    assert_eq!(answer.status, 200);
    let text = answer.text();
    let request: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("prediction_http_request_duration_seconds_count{"))
        .filter(|line| {
            line.contains("\"GET\"") && line.contains("\"/api/v1/sources/{id}\"") && line.contains("\"404\"")
        })
        .collect();
    assert_eq!(request.len(), 1, "{text}");
    assert!(request[0].ends_with(" 1"), "{}", request[0]);
    assert!(!text.contains(&model.source), "ids are no labels: {text}");
    for gauge in ["prediction_jobs{state=\"active\"} 1", "prediction_jobs{state=\"inactive\"} 0"] {
        assert!(text.lines().any(|line| line == gauge), "{gauge} is missing: {text}");
    }
}

/// Every path, and the methods that it has.
fn methods() -> BTreeMap<&'static str, BTreeSet<&'static str>> {
    let mut methods: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for operation in operations() {
        methods.entry(operation.path).or_default().insert(operation.method);
    }
    assert!(methods.len() > 10);
    methods
}

/// The path with something for its parameters.
fn concrete(path: &str) -> String {
    let path = path.replace("{id}", &fresh_id()).replace("{run_id}", &fresh_id()).replace("{revision}", "1");
    path.replace("{code}", ProblemCode::ALL[0].as_str())
}

fn ask(client: &Client, method: &str, path: &str) -> Answer {
    let call = client.call(method, path);
    if ["POST", "PUT", "PATCH"].contains(&method) { call.json(&json!({})) } else { call }.send()
}

/// What stands in quotation marks after each occurrence of some text.
fn quoted<'text>(text: &'text str, before: &str) -> impl Iterator<Item = &'text str> {
    text.split(before).skip(1).map(|rest| rest.split('"').next().unwrap_or_default())
}

/// The operator finds every option and every metric in docs/operations.md, and none that there is not.
#[test]
fn the_operations_page_lists_what_there_is() {
    let page = include_str!("../../../../docs/operations.md");
    let home = Home::on_sqlite();
    let help = home.run(&["serve", "--help"]);
    let help = String::from_utf8(help.stdout).unwrap();
    let told: BTreeSet<(&str, &str)> = page
        .lines()
        .filter_map(|line| {
            let mut cells = line.strip_prefix("| `--")?.split('|').map(|cell| cell.trim().trim_matches('`'));
            Some((cells.next()?, cells.next()?))
        })
        .collect();
    let mut options = BTreeSet::new();
    let mut option = "";
    for line in help.lines() {
        if let Some(rest) = line.trim_start().strip_prefix("--") {
            option = rest.split(' ').next().unwrap();
        }
        if let Some((_, rest)) = line.split_once("[env: ") {
            options.insert((option, rest.split(['=', ']']).next().unwrap()));
        }
    }
    assert!(options.len() > 10, "{help}");
    assert_eq!(told, options);

    let server = Server::start(&home);
    // Each family of metrics has a value by then.
    let model = Model::publish(&server, "measured");
    model.job(&server, ORGANISATION_A, "measured");
    let metrics = server.anonymous().get("/metrics").text();
    let families = metrics.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next());
    let families: BTreeSet<&str> = families.filter(|name| !name.starts_with("process_")).collect();
    let told = page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let told: BTreeSet<&str> = told.filter(|name| name.starts_with("prediction_")).collect();
    assert_eq!(told, families);
}
