//! One request with twelve mistakes is answered once, with twelve entries.

use serde_json::{Value, json};

use crate::harness::{Model, ORGANISATION_A, ORGANISATION_B, Server, errors, fresh_id, insert, on_both_databases};

on_both_databases!(
    twelve_mistakes_in_a_setup_are_told_at_once,
    twelve_mistakes_beside_a_described_version_are_told_at_once,
    mistakes_in_a_description_do_not_hide_those_in_the_bindings,
    the_order_of_the_members_does_not_matter,
);

/// What the setup of [`with_twelve_mistakes`] is told, in this order.
const TWELVE: [(&str, &str); 12] = [
    ("/job/active", "wrong_type"),
    ("/job/actve", "unknown_member"),
    ("/job/name", "too_long"),
    ("/job/organisation_id", "disagrees"),
    ("/job/source_id", "disagrees"),
    ("/role_bindings", "missing_required_role"),
    ("/role_bindings/0/input_id", "invalid_uuid"),
    ("/role_bindings/1/role", "duplicate_role"),
    ("/role_bindings/2/role", "unknown_role"),
    ("/role_bindings/3/input_type", "input_kind_mismatch"),
    ("/role_bindings/4/input_id", "nil_uuid"),
    ("/role_bindings/5/input_id", "missing_member"),
];

fn twelve_mistakes_in_a_setup_are_told_at_once(server: &Server) {
    let model = Model::publish(server, "mildew");
    let other = Model::publish(server, "rust");
    let version = model.publish_version(server, "2.0.0", weather());
    let mut setup = with_twelve_mistakes(&model, &other);
    insert(&mut setup, "/job/source_version_id", version);
    check(server, &setup);
}

fn twelve_mistakes_beside_a_described_version_are_told_at_once(server: &Server) {
    let model = Model::publish(server, "mildew");
    let other = Model::publish(server, "rust");
    let mut setup = with_twelve_mistakes(&model, &other);
    let mut version = weather();
    insert(&mut version, "/version", "2.0.0");
    insert(&mut setup, "/source_version", version);
    check(server, &setup);
}

fn check(server: &Server, setup: &Value) {
    let before = server.database().rows();
    let problem = server.member(ORGANISATION_A).post("/api/v1/jobs/setup", setup).problem(422, "invalid");
    assert_eq!(errors(&problem), TWELVE, "{problem:#}");
    assert_eq!(problem["detail"], "12 things are wrong with the request");
    let entry =
        |pointer| TWELVE.iter().position(|(other, _)| *other == pointer).map(|at| &problem["errors"][at]).unwrap();
    assert_eq!(entry("/job/active")["expected"], "true or false");
    assert_eq!(entry("/job/active")["actual"], "a string");
    assert_eq!(entry("/job/actve")["hint"], "did you mean \"active\"?");
    assert_eq!(entry("/job/name")["actual"], "201 characters");
    assert_eq!(entry("/job/organisation_id")["expected"], ORGANISATION_A);
    assert_eq!(entry("/job/organisation_id")["actual"], ORGANISATION_B);
    assert_eq!(entry("/job/source_id")["expected"], setup["source"]["id"]);
    assert_eq!(entry("/job/source_id")["actual"], setup["job"]["source_id"]);
    assert_eq!(entry("/role_bindings")["expected"], "humidity");
    assert_eq!(entry("/role_bindings/2/role")["hint"], "did you mean \"temperature\"?");
    assert_eq!(entry("/role_bindings/3/input_type")["expected"], "station");
    assert_eq!(entry("/role_bindings/3/input_type")["actual"], "sensor");
    assert_eq!(server.database().rows(), before, "nothing is stored");
}

fn mistakes_in_a_description_do_not_hide_those_in_the_bindings(server: &Server) {
    let setup = json!({
        "organisation_id": ORGANISATION_A,
        "source": { "name": " ", "retention_hours": 0, "expectedinterval": 5 },
        "source_version": {
            "version": 1,
            "input_roles": [
                { "role": "temperature", "input_kind": "sensor", "metric": "celsius", "required": "yes" },
                { "role": "temperature", "input_kind": "sensor", "metric": "celsius" },
            ],
            "output_roles": [],
        },
        "job": {},
        "role_bindings": [
            { "role": "temperature", "input_id": fresh_id(), "input_type": "station" },
            { "role": "temprature", "input_id": fresh_id() },
            17,
        ],
    });
    let problem = server.member(ORGANISATION_A).post("/api/v1/jobs/setup", &setup).problem(422, "invalid");
    let expected = [
        ("/job/name", "missing_member"),
        ("/role_bindings/0/input_type", "input_kind_mismatch"),
        ("/role_bindings/1/role", "unknown_role"),
        ("/role_bindings/2", "wrong_type"),
        ("/source/expectedinterval", "unknown_member"),
        ("/source/name", "too_short"),
        ("/source/retention_hours", "out_of_range"),
        ("/source_version/input_roles/0/required", "wrong_type"),
        ("/source_version/input_roles/1/role", "duplicate_role"),
        ("/source_version/output_roles", "too_few_items"),
        ("/source_version/version", "wrong_type"),
    ];
    assert_eq!(errors(&problem), expected, "{problem:#}");
    assert_eq!(server.database().rows(), [0, 0, 0]);
}

fn the_order_of_the_members_does_not_matter(server: &Server) {
    let model = Model::publish(server, "mildew");
    let other = Model::publish(server, "rust");
    let mut setup = with_twelve_mistakes(&model, &other);
    let mut version = weather();
    insert(&mut version, "/version", "2.0.0");
    insert(&mut setup, "/source_version", version);
    let user = server.member(ORGANISATION_A);
    let told = |body: String| {
        let call = user.call("POST", "/api/v1/jobs/setup").header("X-Request-Id", "same");
        call.body("application/json", body).send().problem(422, "invalid")
    };
    assert_eq!(told(reversed(&setup)), told(setup.to_string()));
}

fn weather() -> Value {
    json!({
        "input_roles": [
            { "role": "temperature", "input_kind": "sensor", "metric": "celsius" },
            { "role": "humidity", "input_kind": "sensor", "metric": "percent" },
            { "role": "wind", "input_kind": "station", "metric": "metres per second", "required": false },
            { "role": "pressure", "input_kind": "sensor", "metric": "hectopascal", "required": false },
            { "role": "rain", "input_kind": "sensor", "metric": "millimetres", "required": false },
        ],
        "output_roles": [{ "role": "mildew", "metric": "risk" }],
    })
}

fn with_twelve_mistakes(model: &Model, other: &Model) -> Value {
    json!({
        "organisation_id": ORGANISATION_A,
        "source": { "id": model.source },
        "job": {
            "name": "x".repeat(201),
            "active": "yes",
            "actve": true,
            "organisation_id": ORGANISATION_B,
            "source_id": other.source,
        },
        "role_bindings": [
            { "role": "temperature", "input_id": "no-uuid" },
            { "role": "temperature", "input_id": fresh_id() },
            { "role": "temprature", "input_id": fresh_id(), "input_type": "sensor" },
            { "role": "wind", "input_id": fresh_id(), "input_type": "sensor" },
            { "role": "pressure", "input_id": "00000000-0000-0000-0000-000000000000" },
            { "role": "rain" },
        ],
    })
}

/// The same JSON with the members of each object in the opposite order.
fn reversed(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let members = members.iter().rev().map(|(name, value)| format!("{}:{}", json!(name), reversed(value)));
            format!("{{{}}}", members.collect::<Vec<_>>().join(","))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(reversed).collect::<Vec<_>>().join(",")),
        other => other.to_string(),
    }
}
