//! The JSON Schema of a setup says what the engine says.

use std::collections::BTreeSet;

use actix_web::http::StatusCode;
use boon::{Compiler, Schemas};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::service::{ORGANISATION, Request, Service};

const INPUT: &str = "55555555-5555-4555-8555-555555555555";

fn role() -> impl Strategy<Value = Value> {
    (prop::sample::select(vec!["sensor", "station"]), any::<bool>(), prop::option::of(Just("°C"))).prop_map(
        |(kind, required, unit)| json!({ "input_kind": kind, "metric": "celsius", "required": required, "unit": unit }),
    )
}

/// The input roles of a version: `a`, `b` and so on.
fn roles() -> impl Strategy<Value = Vec<Value>> {
    prop::collection::vec(role(), 0..4).prop_map(|roles| {
        let named = roles.into_iter().zip(["a", "b", "c"]).map(|(mut role, name)| {
            role["role"] = json!(name);
            role
        });
        named.collect()
    })
}

/// A value that may be right somewhere.
fn any_value() -> impl Strategy<Value = Value> {
    prop::sample::select(vec![
        json!(null),
        json!(true),
        json!(1),
        json!(""),
        json!(" "),
        json!("a"),
        json!("b"),
        json!("sensor"),
        json!("station"),
        json!("Job é"),
        json!("tab\there"),
        json!("n".repeat(201)),
        json!(ORGANISATION),
        json!(ORGANISATION.to_uppercase()),
        json!("00000000-0000-0000-0000-000000000000"),
        json!("77777777777777777777777777777777"),
        json!([]),
        json!({}),
        json!([{ "role": "a", "input_id": INPUT }]),
        json!({ "role": "a", "input_id": INPUT, "input_type": "sensor" }),
    ])
}

/// One thing that is done to a setup.
#[derive(Debug, Clone)]
enum Mistake {
    Replace(usize, Value),
    Remove(usize),
    Add(usize),
    BindAgain(usize),
}

fn mistake() -> impl Strategy<Value = Mistake> {
    prop_oneof![
        (0_usize..40, any_value()).prop_map(|(place, value)| Mistake::Replace(place, value)),
        (0_usize..40).prop_map(Mistake::Remove),
        (0_usize..40).prop_map(Mistake::Add),
        (0_usize..4).prop_map(Mistake::BindAgain),
    ]
}

/// The pointers to everything in a document, but for the version, which a setup of another form would name otherwise.
fn places(value: &Value, at: &str) -> Vec<String> {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(object) => object.iter().map(|(name, child)| (format!("{at}/{name}"), child)).collect(),
        Value::Array(items) => {
            items.iter().enumerate().map(|(index, child)| (format!("{at}/{index}"), child)).collect()
        }
        _ => Vec::new(),
    };
    let children = children.into_iter().filter(|(at, _)| !at.ends_with("source_version_id"));
    children.flat_map(|(at, child)| std::iter::once(at.clone()).chain(places(child, &at))).collect()
}

fn make(mistake: &Mistake, setup: &mut Value) {
    let places = places(setup, "");
    let place = |number: &usize| places.get(number % places.len().max(1)).cloned().unwrap_or_default();
    match mistake {
        // The job as a whole has the version.
        Mistake::Replace(number, _) | Mistake::Remove(number) if place(number) == "/job" => {}
        Mistake::Replace(number, value) => {
            if let Some(there) = setup.pointer_mut(&place(number)) {
                *there = value.clone();
            }
        }
        Mistake::Remove(number) => {
            let place = place(number);
            let (parent, name) = place.rsplit_once('/').unwrap_or_default();
            match setup.pointer_mut(parent) {
                Some(Value::Object(object)) => drop(object.remove(name)),
                Some(Value::Array(items)) => drop(items.remove(name.parse().unwrap_or_default())),
                _ => {}
            }
        }
        Mistake::Add(number) => {
            if let Some(Value::Object(object)) = setup.pointer_mut(&place(number)) {
                object.insert("colour".to_owned(), json!("red"));
            }
        }
        Mistake::BindAgain(number) => {
            if let Some(Value::Array(bindings)) = setup.get_mut("role_bindings") {
                bindings.extend(bindings.get(*number).cloned());
            }
        }
    }
}

async fn agree(service: &Service, roles: &[Value], mistakes: &[Mistake]) -> Result<bool, TestCaseError> {
    let source = service.send(Request::new("POST", "/api/v1/sources").json(&json!({ "name": "mildew" }))).await.body;
    let version = json!({
        "source_id": source["id"], "version": "1.0.0", "input_roles": roles,
        "output_roles": [{ "role": "risk", "metric": "probability" }],
    });
    let version = service.send(Request::new("POST", "/api/v1/source_versions").json(&version)).await.body;
    let id = version["id"].as_str().unwrap();
    let path = format!("/api/v1/source_versions/{id}/setup_schema");
    let schema = service.send(Request::new("GET", path).token(Some("customer"))).await;
    assert_eq!(schema.status, StatusCode::OK, "{}", schema.body);

    let bindings: Vec<Value> = roles
        .iter()
        .map(|role| json!({ "role": role["role"], "input_id": INPUT, "input_type": role["input_kind"] }))
        .collect();
    let mut setup = json!({
        "organisation_id": ORGANISATION, "job": { "name": "Job A", "source_version_id": id }, "role_bindings": bindings,
    });
    for mistake in mistakes {
        make(mistake, &mut setup);
    }

    let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
    compiler.add_resource("mem:///setup.json", schema.body.clone()).unwrap();
    let schema_of_setup = compiler.compile("mem:///setup.json", &mut schemas).unwrap();
    let valid = schemas.validate(&setup, schema_of_setup);
    let answer = service.send(Request::new("POST", "/api/v1/jobs/setup?dry_run=true").json(&setup)).await;
    let is_done = answer.status == StatusCode::OK;
    prop_assert_eq!(
        valid.is_ok(),
        is_done,
        "{} {}\n{:?}",
        setup,
        answer.body,
        valid.err().map(|error| error.to_string())
    );
    Ok(is_done)
}

#[test]
fn a_setup_is_valid_under_its_schema_exactly_if_the_engine_finds_nothing_that_a_schema_can_say() {
    let config = ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() };
    let seen = std::cell::RefCell::new(BTreeSet::new());
    proptest!(config, |(roles in roles(), mistakes in prop::collection::vec(mistake(), 0..4))| {
        let done = actix_web::rt::System::new().block_on(async {
            agree(&Service::in_memory(), &roles, &mistakes).await
        })?;
        seen.borrow_mut().insert(done);
    });
    assert_eq!(seen.into_inner().len(), 2, "both happen");
}
