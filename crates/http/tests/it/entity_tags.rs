//! Entity tags tell the truth (RFC 9110, section 8.8): what has the same strong tag is the same to the byte.

use std::collections::HashMap;

use prediction_http::openapi::operations;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::runs::{post, report, with_job};
use crate::service::{ORGANISATION, Request, Service};

const INPUT: &str = "/api/v1/inputs/eeeeeeee-eeee-eeee-eeee-eeeeeeeeeeee";

/// Something that may change what is read.
#[derive(Debug, Clone)]
enum Act {
    ChangeSource(Value),
    ChangeJob(Value),
    ChangeLifecycle(Value),
    Succeed(u32),
    Fail(u32),
    DeleteRun(usize),
    Wait(i64),
    PublishVersion(u32),
    PutInput(Value),
    DeleteInput,
}

fn act() -> impl Strategy<Value = Act> {
    let source = prop_oneof![
        "[a-c]".prop_map(|name| json!({"name": name})),
        prop::option::of("[a-c]").prop_map(|text| json!({"description": text})),
        prop::option::of(1_u32..30).prop_map(|minutes| json!({"expected_interval_minutes": minutes})),
    ];
    let job = prop_oneof![
        "[a-c]".prop_map(|name| json!({"name": name})),
        any::<bool>().prop_map(|active| json!({"active": active})),
    ];
    let lifecycle = prop_oneof![
        prop::sample::select(vec!["active", "deprecated", "withdrawn"]).prop_map(|stage| json!({"stage": stage})),
        prop::option::of("[a-c]").prop_map(|reason| json!({"reason": reason})),
    ];
    let input = prop_oneof![
        "[a-c]".prop_map(|name| json!({"name": name, "kind": "sensor"})),
        prop::option::of("[a-c]").prop_map(|unit| json!({"unit": unit})),
    ];
    prop_oneof![
        input.prop_map(Act::PutInput),
        Just(Act::DeleteInput),
        lifecycle.prop_map(Act::ChangeLifecycle),
        source.prop_map(Act::ChangeSource),
        job.prop_map(Act::ChangeJob),
        (0_u32..59).prop_map(Act::Succeed),
        (0_u32..59).prop_map(Act::Fail),
        (0_usize..9).prop_map(Act::DeleteRun),
        (1_i64..2_000).prop_map(Act::Wait),
        (2_u32..9).prop_map(Act::PublishVersion),
    ]
}

/// What was read, by path and tag.
#[derive(Default)]
struct Seen(HashMap<(String, String), Value>);

impl Seen {
    async fn look(&mut self, service: &Service, path: &str) {
        let answer = service.send(Request::new("GET", path)).await;
        if answer.status == 404 {
            return;
        }
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        let tag = answer.header("etag").unwrap_or_else(|| panic!("{path} has no entity tag")).to_owned();
        let again = service.send(Request::new("GET", path).header("If-None-Match", tag.clone())).await;
        assert_eq!(again.status, 304, "{path} has the tag {tag}");
        let first = self.0.entry((path.to_owned(), tag.clone())).or_insert_with(|| answer.body.clone());
        assert_eq!(*first, answer.body, "{path} had the tag {tag} when it was something else");
    }
}

async fn tell_the_truth(acts: Vec<Act>) {
    let (service, job) = with_job().await;
    let shown = service.send(Request::new("GET", job.clone())).await.body;
    let source = format!("/api/v1/sources/{}", shown["source_id"].as_str().unwrap());
    let version = format!("/api/v1/source_versions/{}", shown["source_version_id"].as_str().unwrap());
    let reader = json!({
        "source_id": shown["source_id"],
        "version": "0-reads",
        "input_roles": [{"role": "temperature", "input_kind": "sensor", "metric": "temperature"}],
        "output_roles": [{"role": "risk", "metric": "probability"}],
    });
    let reader = post(&service, "/api/v1/source_versions", &reader).await.body;
    let candidates = format!("/api/v1/source_versions/{}/candidates", reader["id"].as_str().unwrap());
    let mut runs: Vec<String> = Vec::new();
    let mut seen = Seen::default();
    for act in acts {
        match act {
            Act::ChangeSource(change) => drop(service.send(Request::new("PUT", source.clone()).json(&change)).await),
            Act::ChangeLifecycle(change) => {
                drop(service.send(Request::new("PUT", format!("{version}/lifecycle")).json(&change)).await);
            }
            Act::ChangeJob(change) => drop(service.send(Request::new("PUT", job.clone()).json(&change)).await),
            Act::Succeed(minute) => {
                let run = post(&service, &format!("{job}/runs"), &report(minute, &[("risk", 1, 1.0)])).await;
                runs.extend(run.body["id"].as_str().map(|id| format!("{job}/runs/{id}")));
            }
            Act::Fail(minute) => {
                let at = format!("2027-01-15T07:{minute:02}:00Z");
                let failed = json!({"issued_at": at, "status": "failed", "message": "no data"});
                let run = post(&service, &format!("{job}/runs"), &failed).await;
                runs.extend(run.body["id"].as_str().map(|id| format!("{job}/runs/{id}")));
            }
            Act::DeleteRun(place) => {
                if let Some(run) = runs.get(place) {
                    service.send(Request::new("DELETE", run.clone())).await;
                }
            }
            Act::Wait(seconds) => {
                let clock = service.clock();
                clock.set(prediction_domain::ports::Clock::now(clock).plus(chrono::TimeDelta::seconds(seconds)));
            }
            Act::PutInput(mut told) => {
                told["organisation_id"] = json!(ORGANISATION);
                service.send(Request::new("PUT", INPUT).json(&told)).await;
            }
            Act::DeleteInput => drop(service.send(Request::new("DELETE", INPUT)).await),
            Act::PublishVersion(number) => {
                let source_id = source.rsplit('/').next().unwrap();
                let roles = json!([{"role": "risk", "metric": "probability"}]);
                let body = json!({"source_id": source_id, "version": number.to_string(), "input_roles": [], "output_roles": roles});
                post(&service, "/api/v1/source_versions", &body).await;
            }
        }
        let revision = service.send(Request::new("GET", job.clone())).await.body["revision"].clone();
        let comparison = format!("{version}/comparison?with={}", version.rsplit('/').next().unwrap());
        let mut paths =
            vec![source.clone(), version.clone(), comparison, job.clone(), format!("{job}/revisions/{revision}")];
        paths.extend([INPUT.to_owned(), format!("{version}/setup_schema")]);
        paths.extend([format!("{job}/revisions/{revision}/comparison?with=1"), format!("{version}/lifecycle")]);
        paths
            .extend(["source", "source_version", "source,source_version"].map(|parts| format!("{job}?expand={parts}")));
        paths.extend(runs.iter().cloned());
        paths.extend(["revisions", "runs", "predictions"].map(|list| format!("{job}/{list}")));
        paths.extend(
            ["sources", "source_versions", "inputs", "jobs", "organisations"].map(|list| format!("/api/v1/{list}")),
        );
        paths.extend([format!("{INPUT}/jobs"), "/api/v1/jobs?order=health&limit=1&expand=source,last_run".to_owned()]);
        paths.push(format!("{candidates}?role=temperature&organisation_id={ORGANISATION}"));
        paths.extend(shown["outputs"][0]["id"].as_str().map(|id| format!("/api/v1/outputs/{id}/predictions")));
        for path in &paths {
            seen.look(&service, path).await;
        }
    }
}

#[test]
fn what_has_the_same_entity_tag_is_the_same() {
    let config = ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(acts in prop::collection::vec(act(), 1..14))| {
        actix_web::rt::System::new().block_on(tell_the_truth(acts));
    });
}

/// Those above are all that there are.
#[test]
fn every_operation_with_a_tag_is_looked_at() {
    let tagged: Vec<&str> = operations()
        .into_iter()
        .filter(|operation| operation.answers.iter().any(|(status, ..)| *status == 304))
        .map(|operation| operation.id)
        .collect();
    let known = [
        "list_sources",
        "get_source",
        "list_source_versions",
        "get_source_version",
        "compare_source_versions",
        "list_candidates",
        "get_setup_schema",
        "get_lifecycle",
        "list_organisations",
        "list_inputs",
        "get_input",
        "list_input_uses",
        "list_jobs",
        "get_job",
        "list_job_revisions",
        "get_job_revision",
        "compare_job_revisions",
        "list_runs",
        "get_run",
        "list_output_predictions",
        "list_predictions",
    ];
    assert_eq!(tagged, known);
}
