//! Whatever JSON is sent, the answer is about the request: never a failure of the service, and every pointer leads to
//! where something is, or is missing.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Map, Value, json};

use crate::service::{Answer, ORGANISATION, Request, Service};

/// JSON made of the words of this API, so that much of it is nearly right.
fn nearly_right() -> impl Strategy<Value = Value> {
    let word = prop::sample::select(vec![
        "id",
        "name",
        "organisation_id",
        "source",
        "source_version",
        "job",
        "role_bindings",
        "role",
        "input_id",
        "input_type",
        "active",
        "version",
        "input_roles",
        "output_roles",
        "metric",
        "unit",
        "required",
        "description",
        "source_id",
        "source_version_id",
        "retention_hours",
        "expected_interval_minutes",
        "expectedintervalminutes",
        "revision",
        "input_kind",
        "a/b~c",
        "",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        Just(json!(ORGANISATION)),
        Just(json!("00000000-0000-0000-0000-000000000000")),
        Just(json!("\u{0}")),
        Just(json!("sensor")),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 64, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((word.clone(), inner), 0..9).prop_map(|members| {
                Value::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>())
            }),
        ]
    })
}

/// A pointer leads to a value, or to a member that its object lacks, or to a list or object that lacks something.
fn leads_somewhere(body: &Value, pointer: &str) -> bool {
    body.pointer(pointer).is_some()
        || pointer.rsplit_once('/').is_some_and(|(parent, _)| body.pointer(parent).is_some_and(Value::is_object))
}

fn judge(body: &Value, answer: &Answer) {
    assert!(answer.status.as_u16() < 500, "{body} was answered {} {}", answer.status, answer.body);
    for error in answer.body["errors"].as_array().into_iter().flatten() {
        let pointer = error["pointer"].as_str().unwrap();
        assert!(leads_somewhere(body, pointer), "{pointer} leads nowhere in {body}");
        assert!(error["code"].is_string() && error["message"].is_string());
    }
}

#[test]
fn no_json_makes_the_service_fail() {
    let system = actix_web::rt::System::new();
    let service = system.block_on(async { Service::in_memory() });
    let everything = include_str!("../../../../docs/examples/setup-job-with-everything.json");
    let everything: Value = serde_json::from_str(everything).unwrap();
    let stored = system.block_on(service.send(Request::new("POST", "/api/v1/jobs/setup").json(&everything))).body;
    let targets = [
        ("POST", "/api/v1/sources".to_owned()),
        ("POST", "/api/v1/source_versions".to_owned()),
        ("POST", "/api/v1/jobs/setup".to_owned()),
        ("PUT", format!("/api/v1/sources/{}?dry_run=true", stored["source"]["id"].as_str().unwrap())),
        ("PUT", format!("/api/v1/jobs/{}?dry_run=true", stored["job"]["id"].as_str().unwrap())),
    ];
    let mut runner = TestRunner::new(Config { cases: 300, failure_persistence: None, ..Config::default() });
    runner
        .run(&nearly_right(), |body| {
            for (method, path) in &targets {
                let answer = system.block_on(service.send(Request::new(method, path.clone()).json(&body)));
                judge(&body, &answer);
            }
            Ok(())
        })
        .unwrap();
}

/// Starts from a request that is right, and damages one place of it at a time.
#[test]
fn damage_is_told_where_it_is() {
    fn places(value: &Value, at: &str, found: &mut Vec<String>) {
        match value {
            Value::Object(object) => {
                for (name, value) in object {
                    let place = format!("{at}/{name}");
                    found.push(place.clone());
                    places(value, &place, found);
                }
            }
            Value::Array(array) => {
                for (index, value) in array.iter().enumerate() {
                    let place = format!("{at}/{index}");
                    found.push(place.clone());
                    places(value, &place, found);
                }
            }
            _ => {}
        }
    }
    let system = actix_web::rt::System::new();
    let service = system.block_on(async { Service::in_memory() });
    let everything = include_str!("../../../../docs/examples/setup-job-with-everything.json");
    let everything: Value = serde_json::from_str(everything).unwrap();
    let mut found = Vec::new();
    places(&everything, "", &mut found);
    assert!(found.len() > 20);
    for place in found {
        let mut body = everything.clone();
        *body.pointer_mut(&place).unwrap() = json!(1.5);
        let answer = system.block_on(service.send(Request::new("POST", "/api/v1/jobs/setup").json(&body)));
        assert_eq!(answer.status, 422, "{place}: {}", answer.body);
        judge(&body, &answer);
        let told: Vec<&str> =
            answer.body["errors"].as_array().unwrap().iter().map(|error| error["pointer"].as_str().unwrap()).collect();
        assert!(told.contains(&place.as_str()), "{place} is not among {told:?}");
    }
}

/// The same JSON with the members of every object the other way round.
fn turned_round(value: &Value) -> Value {
    match value {
        Value::Object(object) => {
            Value::Object(object.iter().rev().map(|(name, value)| (name.clone(), turned_round(value))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(turned_round).collect()),
        other => other.clone(),
    }
}

#[test]
fn the_order_of_members_does_not_matter() {
    let system = actix_web::rt::System::new();
    let service = system.block_on(async { Service::in_memory() });
    let mut runner = TestRunner::new(Config { cases: 300, failure_persistence: None, ..Config::default() });
    runner
        .run(&nearly_right(), |body| {
            for path in ["/api/v1/sources", "/api/v1/source_versions", "/api/v1/jobs/setup?dry_run=true"] {
                let send = |body: &Value| system.block_on(service.send(Request::new("POST", path).json(body)));
                let (answer, other) = (send(&body), send(&turned_round(&body)));
                if answer.status.is_client_error() {
                    prop_assert_eq!(answer.body, other.body);
                }
            }
            Ok(())
        })
        .unwrap();
}
