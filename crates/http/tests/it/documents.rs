//! The OpenAPI document tells the truth: every operation is routed, and every schema is what is accepted.

use std::collections::{BTreeMap, BTreeSet};

use actix_web::http::StatusCode;
use prediction_domain::model::ViolationCode;
use prediction_domain::ports::MockStore;
use prediction_http::openapi::{self, operations};
use prediction_http::problem::ProblemCode;
use serde_json::{Map, Value, json};

use crate::service::{Answer, ORGANISATION, Request, Service, service_of};

fn document() -> Value {
    serde_json::from_str(openapi::json()).unwrap()
}

#[test]
fn the_committed_document_is_the_one_that_the_code_makes() {
    let committed = include_str!("../../../../docs/openapi.json");
    // Both whole would be too much to read.
    let mut lines = committed.lines().zip(openapi::json().lines()).enumerate();
    let first = lines.find(|(_, (committed, made))| committed != made);
    assert!(
        committed == openapi::json(),
        "run: cargo run -- openapi > docs/openapi.json; they first differ at {first:?}"
    );
}

#[actix_web::test]
async fn every_operation_is_routed_and_no_other_method_is() {
    let service = Service::in_memory();
    let methods = ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"];
    for operation in operations() {
        let allowed: Vec<&str> =
            operations().iter().filter(|other| other.path == operation.path).map(|other| other.method).collect();
        for method in methods {
            let answer = service.send(Request::new(method, operation.path_to(ORGANISATION))).await;
            let is_allowed = allowed.contains(&method);
            assert_eq!(answer.status != StatusCode::METHOD_NOT_ALLOWED, is_allowed, "{method} {}", operation.path);
            assert_ne!(answer.code(), "unknown_route", "{method} {}", operation.path);
            if !is_allowed {
                let header = answer.header("allow").unwrap();
                assert!(allowed.iter().all(|method| header.split(", ").any(|word| word == *method)), "{header}");
            }
        }
    }
}

/// A pattern behind another one that matches the same paths would never be reached. The metrics tell which one
/// answered.
#[actix_web::test]
async fn every_operation_is_answered_by_its_own_pattern() {
    for operation in operations() {
        let service = Service::in_memory();
        service.send(Request::new(operation.method, operation.path_to(ORGANISATION))).await;
        let metrics = service.send(Request::new("GET", "/metrics")).await;
        let counted = format!("method=\"{}\",route=\"{}\"", operation.method, operation.path);
        let lines: Vec<&str> = metrics.body.as_str().unwrap().lines().filter(|line| line.contains("route=")).collect();
        assert!(lines.iter().any(|line| line.contains(&counted)), "{}: {lines:#?}", operation.id);
    }
}

#[actix_web::test]
async fn head_works_wherever_get_does() {
    let service = Service::in_memory();
    for operation in operations().iter().filter(|operation| operation.method == "GET") {
        let get = service.send(Request::new("GET", operation.path_to(ORGANISATION))).await;
        let head = service.send(Request::new("HEAD", operation.path_to(ORGANISATION))).await;
        assert_eq!(get.status, head.status, "{}", operation.path);
    }
}

/// The requests with a body: operation, method, path, name of the schema.
fn bodies() -> Vec<(&'static str, &'static str, String, &'static str)> {
    operations()
        .iter()
        .filter_map(|operation| {
            let request = operation.request.as_ref()?;
            Some((operation.id, operation.method, operation.path_to(ORGANISATION), request.shape.name()))
        })
        .collect()
}

fn pointers(answer: &Answer, code: &str) -> Vec<String> {
    let errors = answer.body["errors"].as_array().cloned().unwrap_or_default();
    errors
        .iter()
        .filter(|error| error["code"] == code)
        .map(|error| error["pointer"].as_str().unwrap().to_owned())
        .collect()
}

/// A body with every member that the schema has, those of its parts included, each of a type that no member has.
fn with_every_member(document: &Value, schema: &Value) -> Value {
    let schema = match schema["$ref"].as_str() {
        Some(reference) => &document["components"]["schemas"][reference.rsplit('/').next().unwrap()],
        None => schema,
    };
    if let Some(choices) = schema["oneOf"].as_array() {
        let choice = choices.iter().find(|choice| choice["type"] != "null").unwrap();
        return with_every_member(document, choice);
    }
    if let Some(properties) = schema["properties"].as_object() {
        let members: Map<String, Value> =
            properties.iter().map(|(name, schema)| (name.clone(), with_every_member(document, schema))).collect();
        return Value::Object(members);
    }
    if schema["items"].is_object() { json!([with_every_member(document, &schema["items"])]) } else { json!([]) }
}

#[actix_web::test]
async fn every_member_of_every_request_schema_is_known_and_no_other_is() {
    let document = document();
    for (operation, method, path, schema) in bodies() {
        let (service, path) = service_with_something_at(&path).await;
        let mut body = with_every_member(&document, &document["components"]["schemas"][schema]);
        let answer = service.send(Request::new(method, path.clone()).json(&body)).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{operation}: {}", answer.body);
        assert_eq!(pointers(&answer, "unknown_member"), Vec::<String>::new(), "{operation}");

        body["nmae"] = json!("misspelt");
        let answer = service.send(Request::new(method, path).json(&body)).await;
        assert_eq!(pointers(&answer, "unknown_member"), ["/nmae"], "{operation}");
    }
}

/// A PUT is judged against what is stored, so something has to be.
async fn service_with_something_at(path: &str) -> (Service, String) {
    let service = Service::in_memory();
    let everything = include_str!("../../../../docs/examples/setup-job-with-everything.json");
    let everything: Value = serde_json::from_str(everything).unwrap();
    let answer = service.send(Request::new("POST", "/api/v1/jobs/setup").json(&everything)).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
    if path.ends_with("/upgrade") {
        let next = include_str!("../../../../docs/examples/create-next-source-version.json");
        let next = next.replace("aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa", answer.body["source"]["id"].as_str().unwrap());
        let next: Value = serde_json::from_str(&next).unwrap();
        let next = service.send(Request::new("POST", "/api/v1/source_versions").json(&next)).await;
        assert_eq!(next.status, StatusCode::CREATED, "{}", next.body);
    }
    let id = match path {
        of_job if of_job.contains("/jobs/") => &answer.body["job"]["id"],
        of_version if of_version.contains("/source_versions/") => &answer.body["source_version"]["id"],
        _ => &answer.body["source"]["id"],
    };
    (service, path.replace(ORGANISATION, id.as_str().unwrap()))
}

#[actix_web::test]
async fn every_example_of_a_request_is_accepted() {
    for (operation, method, path, _) in bodies() {
        let request = operations().into_iter().find(|found| found.id == operation).and_then(|found| found.request);
        for (name, example) in request.unwrap().examples {
            let (service, path) = service_with_something_at(&path).await;
            let sources = service.send(Request::new("GET", "/api/v1/sources")).await;
            let id = sources.body["items"][0]["id"].as_str().unwrap().to_owned();
            let versions = service.send(Request::new("GET", "/api/v1/source_versions")).await;
            let version = versions.body["items"][0]["id"].as_str().unwrap().to_owned();
            // The examples are about the source that the first of them creates.
            let body = match operation {
                "create_source" => (*example).to_owned(),
                _ => example
                    .replace("aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa", &id)
                    .replace("bbbbbbbb-bbbb-bbbb-bbbb-bbbbbbbbbbbb", &version),
            };
            let body: Value = serde_json::from_str(&body).unwrap();
            let answer = service.send(Request::new(method, path).json(&body)).await;
            assert!(answer.status.is_success(), "{operation} {name}: {}", answer.body);
        }
    }
}

#[test]
fn every_reference_in_the_document_leads_somewhere() {
    fn walk(document: &Value, value: &Value) {
        match value {
            Value::Object(object) => {
                if let Some(reference) = object.get("$ref").and_then(Value::as_str) {
                    assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
                }
                object.values().for_each(|value| walk(document, value));
            }
            Value::Array(array) => array.iter().for_each(|value| walk(document, value)),
            _ => {}
        }
    }
    let document = document();
    walk(&document, &document);
    assert_eq!(document["openapi"], "3.1.0");
}

/// Calls it for every schema that an answer consists of, with its place, the parts of each included.
fn visit_answers(document: &Value, visit: &mut dyn FnMut(&str, &Value)) {
    fn walk(
        document: &Value,
        place: &str,
        schema: &Value,
        seen: &mut BTreeSet<String>,
        visit: &mut dyn FnMut(&str, &Value),
    ) {
        if let Some(reference) = schema["$ref"].as_str() {
            if seen.insert(reference.to_owned()) {
                let schema = document.pointer(reference.trim_start_matches('#')).unwrap();
                walk(document, reference.rsplit('/').next().unwrap(), schema, seen, visit);
            }
            return;
        }
        visit(place, schema);
        for (name, member) in schema["properties"].as_object().into_iter().flatten() {
            walk(document, &format!("{place}.{name}"), member, seen, visit);
        }
        for several in ["anyOf", "oneOf", "allOf"] {
            for one in schema[several].as_array().into_iter().flatten() {
                walk(document, &format!("{place} {several}"), one, seen, visit);
            }
        }
        if schema["items"].is_object() {
            walk(document, &format!("{place}[]"), &schema["items"], seen, visit);
        }
    }
    let mut seen = BTreeSet::new();
    for operation in document["paths"].as_object().unwrap().values().flat_map(|path| path.as_object().unwrap().values())
    {
        for (status, response) in operation["responses"].as_object().unwrap() {
            let place = format!("{} {status}", operation["operationId"].as_str().unwrap());
            for (media_type, content) in response["content"].as_object().into_iter().flatten() {
                assert!(content["schema"].is_object(), "{place}: {media_type} has no schema");
                walk(document, &place, &content["schema"], &mut seen, visit);
            }
        }
    }
}

/// `docs/compatibility.md` promises it: a generated client must not refuse an answer for a word that it does not know.
#[test]
fn every_enumeration_in_an_answer_may_grow() {
    let document = document();
    let is_closed = |schema: &Value| {
        let named = schema["$ref"].as_str().and_then(|reference| document.pointer(reference.trim_start_matches('#')));
        named.unwrap_or(schema)["enum"].is_array()
    };
    let mut open = 0;
    visit_answers(&document, &mut |place, schema| {
        let parts = schema["properties"].as_object().into_iter().flatten().map(|(_, member)| member);
        for part in parts.chain([&schema["items"]]) {
            assert!(!is_closed(part), "{place} has a closed enumeration: {part}");
        }
        let choices = schema["anyOf"].as_array().map_or(&[][..], Vec::as_slice);
        if choices.iter().any(is_closed) {
            assert!(choices.contains(&json!({"type": "string"})), "{place}: {schema}");
            open += 1;
        }
    });
    // The codes of problems and of entries, two statuses, four outcomes, a change, three compatibilities, two actions,
    // a stage, an outcome of an upgrade, what became of an input, how it fits, what becomes of a thing in a document.
    assert_eq!(open, 19);
}

#[test]
fn every_object_in_an_answer_has_a_name_or_says_that_it_has_any_members() {
    let document = document();
    visit_answers(&document, &mut |place, schema| {
        let is_object = schema["type"] == "object"
            || schema["type"].as_array().is_some_and(|types| types.contains(&json!("object")));
        if !is_object {
            return;
        }
        if schema["properties"].is_object() {
            let is_named = document["components"]["schemas"][place].is_object() || place.ends_with(" allOf");
            assert!(is_named, "{place} is an object without a name");
        } else {
            assert!(!schema["additionalProperties"].is_null(), "{place} says nothing of its members");
        }
    });
}

#[actix_web::test]
async fn the_type_of_every_problem_resolves_to_its_text() {
    let service = service_of(MockStore::default());
    for code in ProblemCode::ALL {
        let answer = service.send(Request::new("GET", code.type_uri()).token(None)).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert!(answer.body.as_str().unwrap().contains(code.meaning()), "{}", code.as_str());
    }
}

#[test]
fn the_page_on_errors_explains_every_code_and_no_other() {
    let page = include_str!("../../../../docs/api/errors.md");
    let (_, rest) = page.split_once("## Problem codes").unwrap();
    let (problems, rest) = rest.split_once("## Codes of entries").unwrap();
    let (entries, _) = rest.split_once("## Warnings").unwrap();

    let mut explained: BTreeMap<&str, &str> = BTreeMap::new();
    for section in problems.split("\n### ").skip(1) {
        let (code, text) = section.split_once('\n').unwrap();
        assert!(explained.insert(code, text.trim()).is_none(), "{code} stands twice");
    }
    for code in ProblemCode::ALL {
        let text = explained.get(code.as_str()).unwrap_or_else(|| panic!("{} is not explained", code.as_str()));
        // The sentence with the statuses comes first.
        let statuses = text.split_once('.').map_or(*text, |(statuses, _)| statuses);
        assert!(statuses.contains(&code.status().to_string()), "{code:?}: {text}");
    }
    let codes: BTreeSet<&str> = ProblemCode::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(explained.into_keys().collect::<BTreeSet<_>>(), codes);

    let cells = entries.lines().filter_map(|line| line.strip_prefix("| `")?.split('|').next());
    let explained: BTreeSet<&str> =
        cells.flat_map(|cell| cell.split(", ").map(|code| code.trim().trim_matches('`'))).collect();
    let codes: BTreeSet<&str> = ViolationCode::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(explained, codes);
}
