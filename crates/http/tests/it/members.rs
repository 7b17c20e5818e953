//! The members that the schemas of requests have are exactly those that are read.

use std::collections::BTreeSet;

use prediction_http::openapi;
use serde_json::{Value, json};

use crate::service::{ORGANISATION, Request, Service};

/// Resembles no member, so that the answer lists all that there are instead of the nearest one.
const UNLIKE_ANY: &str = "QQQQ";

/// Sends an object with one unknown member at the place of the schema, and returns which members are known there.
async fn known_members(service: &Service, method: &str, path: &str, pointer: &str, body: &Value) -> BTreeSet<String> {
    let answer = service.send(Request::new(method, path).json(body)).await;
    let errors = answer.body["errors"].as_array().unwrap();
    let unknown: Vec<_> = errors.iter().filter(|error| error["code"] == "unknown_member").collect();
    assert_eq!(unknown.len(), 1, "{method} {path}: {}", answer.body);
    assert_eq!(unknown[0]["pointer"], format!("{pointer}/{UNLIKE_ANY}"));
    unknown[0]["expected"].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect()
}

#[actix_web::test]
async fn every_schema_has_exactly_the_members_that_are_read() {
    let service = Service::in_memory();
    let everything = include_str!("../../../../docs/examples/setup-job-with-everything.json");
    let everything: Value = serde_json::from_str(everything).unwrap();
    let stored = service.send(Request::new("POST", "/api/v1/jobs/setup").json(&everything)).await.body;
    let unknown = || json!({UNLIKE_ANY: 1});
    let (sources, versions, set_up) = ("/api/v1/sources", "/api/v1/source_versions", "/api/v1/jobs/setup");
    let source = format!("{sources}/{}", stored["source"]["id"].as_str().unwrap());
    let lifecycle = format!("{versions}/{}/lifecycle", stored["source_version"]["id"].as_str().unwrap());
    let job = format!("/api/v1/jobs/{}", stored["job"]["id"].as_str().unwrap());
    let runs = format!("{job}/runs");
    let (upgrade, upgrades, restore) = (format!("{job}/upgrade"), "/api/v1/jobs/upgrade", format!("{job}/restore"));
    let input = format!("/api/v1/inputs/{ORGANISATION}");
    let (organisation, import) = (format!("/api/v1/organisations/{ORGANISATION}"), "/api/v1/inputs/import");
    let apply = "/api/v1/apply";
    let document: Value = serde_json::from_str(openapi::json()).unwrap();
    let places = [
        ("CreateSourceRequest", "POST", sources, "", unknown()),
        ("UpdateSourceRequest", "PUT", &source, "", unknown()),
        ("CreateSourceVersionRequest", "POST", versions, "", unknown()),
        ("InputRoleRequest", "POST", versions, "/input_roles/0", json!({"input_roles": [unknown()]})),
        ("OutputRoleRequest", "POST", versions, "/output_roles/1", json!({"output_roles": [{}, unknown()]})),
        ("JobSetupRequest", "POST", set_up, "", json!({UNLIKE_ANY: 1, "organisation_id": ORGANISATION})),
        ("JobSetupSource", "POST", set_up, "/source", json!({"source": unknown()})),
        ("JobSetupSourceVersion", "POST", set_up, "/source_version", json!({"source_version": unknown()})),
        ("JobSetupJob", "POST", set_up, "/job", json!({"job": unknown()})),
        ("RoleBindingRequest", "POST", set_up, "/role_bindings/0", json!({"role_bindings": [unknown()]})),
        ("UpdateJobRequest", "PUT", &job, "", unknown()),
        ("UpdateLifecycleRequest", "PUT", &lifecycle, "", unknown()),
        ("NameOrganisationRequest", "PUT", &organisation, "", unknown()),
        ("PutInputRequest", "PUT", &input, "", unknown()),
        ("ImportInputsRequest", "POST", import, "", unknown()),
        ("ImportedInput", "POST", import, "/items/0", json!({"items": [unknown()]})),
        ("ApplyRequest", "POST", apply, "", json!({UNLIKE_ANY: 1, "set": "orchard"})),
        ("DescribedSource", "POST", apply, "/sources/0", json!({"sources": [unknown()]})),
        ("DescribedSourceVersion", "POST", apply, "/source_versions/0", json!({"source_versions": [unknown()]})),
        ("DescribedInput", "POST", apply, "/inputs/0", json!({"inputs": [unknown()]})),
        ("DescribedJob", "POST", apply, "/jobs/0", json!({"jobs": [unknown()]})),
        ("SourceName", "POST", apply, "/jobs/0/source", json!({"jobs": [{"source": unknown()}]})),
        (
            "SourceVersionName",
            "POST",
            apply,
            "/jobs/0/source_version",
            json!({"jobs": [{"source_version": unknown()}]}),
        ),
        (
            "NamedRoleBinding",
            "POST",
            apply,
            "/jobs/0/role_bindings/0",
            json!({"jobs": [{"role_bindings": [unknown()]}]}),
        ),
        (
            "OutputName",
            "POST",
            apply,
            "/jobs/0/role_bindings/0/output",
            json!({"jobs": [{"role_bindings": [{"output": unknown()}]}]}),
        ),
        ("UpgradeJobRequest", "POST", &upgrade, "", unknown()),
        ("UpgradeJobsRequest", "POST", upgrades, "", unknown()),
        ("UpgradeJobsFilter", "POST", upgrades, "/filter", json!({"filter": unknown()})),
        ("RestoreJobRequest", "POST", &restore, "", unknown()),
        ("DeleteRequest", "DELETE", &job, "", unknown()),
        ("DeleteRequest", "DELETE", &source, "", unknown()),
        ("ReportRunRequest", "POST", &runs, "", unknown()),
        ("PredictionRequest", "POST", &runs, "/predictions/0", json!({"predictions": [unknown()]})),
    ];
    for (schema, method, path, pointer, body) in &places {
        let described = &document["components"]["schemas"][schema];
        assert_eq!(described["additionalProperties"], false, "{schema}");
        let members: BTreeSet<String> = described["properties"].as_object().unwrap().keys().cloned().collect();
        assert_eq!(known_members(&service, method, path, pointer, body).await, members, "{schema}");
    }
    let requests: BTreeSet<&str> =
        openapi::operations().iter().filter_map(|operation| Some(operation.request.as_ref()?.shape.name())).collect();
    assert!(requests.iter().all(|request| places.iter().any(|(schema, ..)| schema == request)), "{requests:?}");
}

#[actix_web::test]
async fn what_was_read_can_be_sent_back_unchanged() {
    let service = Service::in_memory();
    let everything = include_str!("../../../../docs/examples/setup-job-with-everything.json");
    let everything: Value = serde_json::from_str(everything).unwrap();
    let stored = service.send(Request::new("POST", "/api/v1/jobs/setup").json(&everything)).await.body;
    for path in [
        format!("/api/v1/sources/{}", stored["source"]["id"].as_str().unwrap()),
        format!("/api/v1/jobs/{}", stored["job"]["id"].as_str().unwrap()),
        format!("/api/v1/jobs/{}?expand=source,source_version", stored["job"]["id"].as_str().unwrap()),
    ] {
        let read = service.send(Request::new("GET", &*path)).await;
        let tag = read.header("etag").unwrap().to_owned();
        let (path, _) = path.split_once('?').unwrap_or((&path, ""));
        let put = service.send(Request::new("PUT", path).json(&read.body).header("if-match", tag)).await;
        assert_eq!((put.status.as_u16(), &put.body["revision"]), (200, &json!(1)), "{path}: {}", put.body);
    }
}
