//! What the body of a request may cost.

use std::cell::Cell;
use std::rc::Rc;

use actix_web::http::StatusCode;
use actix_web::web::Bytes;
use futures_util::{StreamExt as _, stream};
use prediction_http::openapi::{Access, operations};
use serde_json::{Value, json};

use crate::service::{Answer, ORGANISATION, Request, Service};

const SETUP: &str = "/api/v1/jobs/setup";

/// The longest answer to anything that is wrong: what `docs/api/errors.md` says.
const LONGEST_ERROR: usize = 640 * 1024;

#[actix_web::test]
async fn not_a_byte_of_a_body_is_read_for_a_caller_without_the_scope() {
    let service = Service::in_memory();
    let mut with_body = 0;
    for operation in operations() {
        if operation.request.is_none() {
            continue;
        }
        with_body += 1;
        let what = format!("{} {}", operation.method, operation.path);
        let needed = match operation.access {
            Access::Scope(needed) => needed,
            Access::AnyScope(any) => any[0],
            Access::Public | Access::Token => panic!("{what} takes a body of any caller"),
        };
        let is_read = Rc::new(Cell::new(false));
        let noted = Rc::clone(&is_read);
        let body = stream::repeat_with(move || {
            noted.set(true);
            Ok(Bytes::from_static(b" "))
        });
        let request = Request::new(operation.method, operation.path_to(ORGANISATION)).token(Some("reader"));
        let request = request.header("content-type", "application/json").header("content-length", "1000000");
        let answer = service.send_body(request, body.boxed_local()).await;
        assert_eq!((answer.status, answer.code()), (StatusCode::FORBIDDEN, "insufficient_scope"), "{what}");
        assert_eq!(answer.body["required_scope"], needed.as_str(), "{what}");
        assert!(!is_read.get(), "{what}");
    }
    assert!(with_body >= 10, "{with_body}");
}

/// `[1,1,…]` as a member of the body.
fn with_long_list(before: &str, member: &str, count: usize) -> Vec<u8> {
    format!(r#"{{{before}"{member}":[{}]}}"#, vec!["1"; count].join(",")).into_bytes()
}

async fn post(service: &Service, path: &str, body: impl Into<Vec<u8>>) -> Answer {
    service.send(Request { body: Some(body.into()), ..Request::new("POST", path) }).await
}

fn told(answer: &Answer) -> Vec<(&str, &str)> {
    let errors = answer.body["errors"].as_array().unwrap();
    errors.iter().map(|error| (error["pointer"].as_str().unwrap(), error["code"].as_str().unwrap())).collect()
}

#[actix_web::test]
async fn of_a_list_that_is_too_long_only_its_length_is_told() {
    let service = Service::in_memory();
    let runs = &format!("/api/v1/jobs/{ORGANISATION}/runs");
    for (path, member, most, counts) in [
        (SETUP, "role_bindings", 200, [201, 30_000, 500_000]),
        ("/api/v1/source_versions", "input_roles", 200, [201, 30_000, 500_000]),
        ("/api/v1/source_versions", "output_roles", 200, [201, 30_000, 500_000]),
        (runs, "predictions", 10_000, [10_001, 200_000, 2_000_000]),
    ] {
        for count in counts {
            let answer = post(&service, path, with_long_list("", member, count)).await;
            // Nothing is stored at all, so there is no job to report a run of, unless the body alone is reason enough.
            if path == runs && answer.status == StatusCode::NOT_FOUND {
                continue;
            }
            assert_eq!(answer.code(), "invalid", "{path} {member} {count}");
            let place = format!("/{member}");
            let errors = answer.body["errors"].as_array().unwrap();
            let about: Vec<_> =
                errors.iter().filter(|error| error["pointer"].as_str().unwrap().starts_with(&place)).collect();
            assert_eq!(about.len(), 1, "{}", answer.body);
            assert_eq!((&about[0]["code"], &about[0]["actual"]), (&json!("too_many_items"), &json!(count)));
            assert!(about[0]["expected"].as_str().unwrap().contains(&most.to_string()));
        }
    }
    // Inside of something else, and beside something that is right.
    let answer =
        post(&service, SETUP, with_long_list(r#""source_version":{"version":"1"},"#, "role_bindings", 400_000)).await;
    assert_eq!(told(&answer), [("/role_bindings", "too_many_items")]);
}

#[actix_web::test]
async fn a_body_of_too_many_values_is_told_so() {
    let service = Service::in_memory();
    let lists = format!(r#"{{"name": {}1{}}}"#, "[".repeat(100), ",[],[]".repeat(20_000) + &"]".repeat(100));
    let members: Vec<String> = (0..50_000).map(|number| format!(r#""m{number}":1"#)).collect();
    for body in [lists, format!("{{{}}}", members.join(","))] {
        let answer = post(&service, "/api/v1/sources", body).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(told(&answer), [("", "too_many_values")]);
    }
    // What no object is, is told as that.
    let answer = post(&service, "/api/v1/sources", format!("[{}1]", "1,".repeat(100_000))).await;
    assert_eq!(told(&answer), [("", "wrong_type")]);
}

#[actix_web::test]
async fn many_mistakes_are_counted_and_the_first_ones_told() {
    let service = Service::in_memory();
    let members: Vec<String> = (0..900).map(|number| format!(r#""m{number:03}":1"#)).collect();
    let answer = post(&service, "/api/v1/sources", format!(r#"{{"name":"a",{}}}"#, members.join(","))).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::UNPROCESSABLE_ENTITY, "invalid"));
    let pointers: Vec<String> = told(&answer).into_iter().map(|(pointer, _)| pointer.to_owned()).collect();
    assert_eq!(pointers, (0..200).map(|number| format!("/m{number:03}")).collect::<Vec<_>>());
    assert_eq!(answer.body["errors_omitted"], 700);
    assert_eq!(answer.body["detail"], "900 things are wrong with the request");

    let answer = post(&service, "/api/v1/sources", format!(r#"{{"name":"a",{}}}"#, members[..200].join(","))).await;
    assert_eq!(answer.body["errors"].as_array().unwrap().len(), 200);
    assert_eq!(answer.body["errors_omitted"], Value::Null, "all are told");
}

#[actix_web::test]
async fn an_answer_about_a_long_name_is_short() {
    let service = Service::in_memory();
    let long = "n".repeat(500_000);
    for body in [format!(r#"{{"name":"a","{long}":1}}"#), format!(r#"{{"name":"a","{long}":1,"{long}":2}}"#)] {
        let answer = post(&service, "/api/v1/sources", body).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(told(&answer).contains(&("", "unknown_member")), "{}", answer.body);
        assert!(answer.body.to_string().len() < 2_000);
    }
    // Wherever a text may stand.
    for member in ["id", "name", "description", "expected_interval_minutes"] {
        let answer = post(&service, "/api/v1/sources", format!(r#"{{"{member}":"{long}"}}"#)).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(answer.body.to_string().len() < 2_000, "{member}");
    }
    // Names that are told whole, and are long when they are written.
    let names: Vec<String> = (0..2_000).map(|number| format!(r#""{}{number}":1"#, "\\u0001".repeat(190))).collect();
    let answer = post(&service, "/api/v1/sources", format!("{{{}}}", names.join(",").get(..1_000_000).unwrap())).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "it was cut off");
    let answer = post(&service, "/api/v1/sources", format!("{{{}}}", names[..800].join(","))).await;
    let errors = answer.body["errors"].as_array().unwrap().len();
    let omitted = answer.body["errors_omitted"].as_u64().unwrap();
    assert!(answer.body.to_string().len() < LONGEST_ERROR);
    assert_eq!(errors as u64 + omitted, 801, "every one is counted");
}

#[actix_web::test]
async fn a_conflict_of_long_contracts_has_a_bounded_answer() {
    let service = Service::in_memory();
    let source = post(&service, "/api/v1/sources", r#"{"name":"mildew"}"#).await.body["id"].clone();
    let version = |text: &str| {
        let role =
            |number: usize| json!({"role": format!("r{number}"), "metric": "m", "description": text.repeat(4_500)});
        let roles: Vec<Value> = (0..200).map(role).collect();
        json!({"source_id": source, "version": "1", "input_roles": [], "output_roles": roles}).to_string()
    };
    assert_eq!(post(&service, "/api/v1/source_versions", version("a")).await.status, StatusCode::CREATED);
    let answer = post(&service, "/api/v1/source_versions", version("b")).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::CONFLICT, "conflict"));
    let errors = answer.body["errors"].as_array().unwrap();
    assert_eq!(errors.len() as u64 + answer.body["errors_omitted"].as_u64().unwrap(), 200);
    assert!(answer.body.to_string().len() < LONGEST_ERROR);
    assert_eq!(errors[0]["expected"]["description"].as_str().unwrap().len(), 4_500, "what is told is told whole");
}

#[actix_web::test]
async fn a_query_of_many_parameters_has_a_bounded_answer() {
    let service = Service::in_memory();
    let parameters: Vec<String> = (0..9_000).map(|number| format!("p{number}")).collect();
    let answer = service.send(Request::new("GET", format!("/api/v1/jobs?{}", parameters.join("&")))).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::BAD_REQUEST, "invalid_query"));
    assert_eq!(answer.body["errors"].as_array().unwrap().len(), 200);
    assert_eq!(answer.body["errors_omitted"], 8_800);
    let same = vec!["name=a"; 9_000].join("&");
    let answer = service.send(Request::new("GET", format!("/api/v1/jobs?{same}"))).await;
    assert_eq!(answer.body["errors"].as_array().unwrap().len(), 1, "{}", answer.body);
}

/// A body that takes others' room has to come: one that stops is given up before the time is over that a small one has.
#[actix_web::test]
async fn a_large_body_that_stops_is_given_up_soon() {
    let service = Service::in_memory();
    let post = |length: &'static str| {
        let request = Request::new("POST", "/api/v1/sources");
        request.header("content-type", "application/json").header("content-length", length)
    };
    let beginning =
        || stream::once(async { Ok(Bytes::from(vec![b' '; 60_000])) }).chain(stream::pending()).boxed_local();
    for (length, least, most) in [("60001", 10.0, 11.0), ("1000000", 2.0, 3.0)] {
        tokio::time::pause();
        let began = tokio::time::Instant::now();
        let answer = service.send_body(post(length), beginning()).await;
        let seconds = began.elapsed().as_secs_f64();
        tokio::time::resume();
        assert_eq!((answer.status, answer.code()), (StatusCode::REQUEST_TIMEOUT, "request_timeout"));
        assert!((least..most).contains(&seconds), "{length}: {seconds}");
    }
}
