//! Ports that fail: what the caller is told, and what not.

use std::sync::mpsc;
use std::sync::{Arc, Mutex};

use actix_web::http::StatusCode;
use prediction_domain::model::Page;
use prediction_domain::ports::{MockStore, StoreFailure};
use prediction_http::openapi::operations;
use serde_json::json;

use crate::service::{Answer, ORGANISATION, Request, service_of};

const SECRET: &str = "password=hunter2";

fn failing(failure: fn() -> StoreFailure) -> MockStore {
    let mut mocks = MockStore::default();
    mocks.sources.expect_insert().returning(move |_, _| Err(failure().into()));
    mocks.sources.expect_find_many().returning(move |_| Err(failure()));
    mocks.sources.expect_find_by_name().returning(move |_| Err(failure()));
    mocks.sources.expect_list().returning(move |_, _| Err(failure()));
    mocks.source_versions.expect_find_many().returning(move |_| Err(failure()));
    mocks.source_versions.expect_list().returning(move |_, _| Err(failure()));
    mocks.source_versions.expect_list_heads().returning(move |_, _| Err(failure()));
    mocks.inputs.expect_find_by_ids().returning(move |_, _| Err(failure()));
    mocks.inputs.expect_find_many().returning(move |_| Err(failure()));
    mocks.inputs.expect_list().returning(move |_, _, _| Err(failure()));
    mocks.inputs.expect_name_organisation().returning(move |_, _| Err(failure()));
    mocks.inputs.expect_find_organisation().returning(move |_| Err(failure()));
    mocks.inputs.expect_list_organisations().returning(move |_, _| Err(failure()));
    mocks.jobs.expect_find_many().returning(move |_| Err(failure()));
    mocks.jobs.expect_find_monitored().returning(move |_| Err(failure()));
    mocks.jobs.expect_count_by_health().returning(move |_, _, _| Err(failure()));
    mocks.jobs.expect_list().returning(move |_, _, _| Err(failure()));
    mocks.chains.expect_find_outputs().returning(move |_| Err(failure()));
    mocks
}

/// A request that gets as far as the store, for every operation that has one.
fn reaching_requests() -> Vec<(&'static str, Request)> {
    operations()
        .into_iter()
        .filter(prediction_http::openapi::Operation::needs_token)
        .map(|operation| {
            let path = operation.path_to(ORGANISATION);
            let path = match operation.id {
                "list_candidates" => format!("{path}?organisation_id={ORGANISATION}&role=air"),
                "compare_source_versions" => format!("{path}?with={ORGANISATION}"),
                "trace_prediction" => format!("{path}?role=risk&at=2026-06-01T12:00:00Z"),
                _ => path,
            };
            let request = Request::new(operation.method, path);
            let request = match operation.id {
                "create_source" => request.json(&json!({"name": "mildew"})),
                "create_source_version" => request.json(&json!({
                    "source_id": ORGANISATION, "version": "1", "input_roles": [],
                    "output_roles": [{"role": "p", "metric": "m"}],
                })),
                "set_up_job" => request.json(&json!({
                    "organisation_id": ORGANISATION, "source": {"id": ORGANISATION}, "job": {"name": "Job A"},
                    "role_bindings": [],
                })),
                "apply" => request.json(&json!({"set": "orchard", "sources": [{"name": "mildew"}]})),
                "upgrade_jobs" => request.json(&json!({"source_version_id": ORGANISATION, "jobs": [ORGANISATION]})),
                "name_organisation" => request.json(&json!({"name": "Müller"})),
                "put_input" => request.json(&json!({"kind": "sensor", "name": "Rain"})),
                "import_inputs" => request.json(&json!({"items": [{"id": ORGANISATION}]})),
                "upgrade_job" => request.json(&json!({})),
                "restore_job" => request.json(&json!({"revision": 1})),
                "change_lifecycle" => request.json(&json!({"stage": "withdrawn"})),
                "report_run" => request.json(&json!({"status": "succeeded"})),
                "change_source" | "change_job" => request.json(&json!({"name": "other"})),
                _ => request,
            };
            (operation.id, request)
        })
        .collect()
}

fn tells_nothing(answer: &Answer) {
    assert!(!answer.body.to_string().contains("hunter2"), "{}", answer.body);
    assert_eq!(answer.body["request_id"], "the-request");
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
}

#[actix_web::test]
async fn an_unavailable_store_is_503_and_when_to_try_again() {
    let service = service_of(failing(|| StoreFailure::Unavailable(SECRET.into())));
    for (operation, request) in reaching_requests() {
        let answer = service.send(request).await;
        assert_eq!(
            (answer.status, answer.code()),
            (StatusCode::SERVICE_UNAVAILABLE, "store_unavailable"),
            "{operation}"
        );
        assert_eq!(answer.header("retry-after"), Some("1"));
        tells_nothing(&answer);
    }
}

#[actix_web::test]
async fn a_corrupt_or_broken_store_is_500_without_internals() {
    for failure in [|| StoreFailure::Corrupt(SECRET.into()), || StoreFailure::Internal(SECRET.into())] {
        let service = service_of(failing(failure));
        for (operation, request) in reaching_requests() {
            let answer = service.send(request).await;
            let expected = (StatusCode::INTERNAL_SERVER_ERROR, "internal_error");
            assert_eq!((answer.status, answer.code()), expected, "{operation}");
            tells_nothing(&answer);
        }
    }
}

#[actix_web::test]
async fn a_store_that_is_not_ready_makes_the_service_not_ready_but_live() {
    let mut mocks = MockStore::default();
    mocks.health.expect_check().returning(|| Err(StoreFailure::Unavailable(SECRET.into())));
    let service = service_of(mocks);
    let ready = service.send(Request::new("GET", "/health/ready").token(None)).await;
    assert_eq!((ready.status, ready.code()), (StatusCode::SERVICE_UNAVAILABLE, "not_ready"));
    tells_nothing(&ready);
    let live = service.send(Request::new("GET", "/health/live").token(None)).await;
    assert_eq!(live.status, StatusCode::OK);
}

/// A mock that has panicked panics for ever, so that the lane lives shows in its answering at all: one that died would
/// let the second caller wait for the deadline, and be answered 503.
#[actix_web::test]
async fn a_port_that_panics_costs_an_answer_and_not_the_service() {
    let mut mocks = MockStore::default();
    mocks.jobs.expect_find_monitored().returning(|_| panic!("on purpose"));
    mocks.sources.expect_list().returning(|_, _| Ok(Page { items: vec![], next: None }));
    let service = service_of(mocks);
    for _ in 0..2 {
        let answer = service.send(Request::new("GET", format!("/api/v1/jobs/{ORGANISATION}"))).await;
        assert_eq!((answer.status, answer.code()), (StatusCode::INTERNAL_SERVER_ERROR, "internal_error"));
        tells_nothing(&answer);
    }
    assert_eq!(service.send(Request::new("GET", "/api/v1/sources")).await.status, StatusCode::OK);
}

#[actix_web::test]
async fn what_cannot_be_read_or_reached_fails_only_its_own_reader() {
    let of_one: [(fn() -> StoreFailure, StatusCode); 2] = [
        (|| StoreFailure::Corrupt(SECRET.into()), StatusCode::INTERNAL_SERVER_ERROR),
        (|| StoreFailure::PartlyUnavailable(SECRET.into()), StatusCode::SERVICE_UNAVAILABLE),
    ];
    for (failure, expected) in of_one {
        fails_only_its_own_reader(failure, expected).await;
    }
}

async fn fails_only_its_own_reader(failure: fn() -> StoreFailure, expected: StatusCode) {
    let mut mocks = MockStore::default();
    let unreadable = "66666666-6666-6666-6666-666666666666";
    // The first question holds the lane until the others wait behind it, so that they are answered together.
    let (open, gate) = mpsc::channel::<()>();
    let gate = Arc::new(Mutex::new(gate));
    let mut calls = 0;
    mocks.jobs.expect_find_monitored().returning(move |wanted| {
        calls += 1;
        if calls == 1 {
            gate.lock().unwrap().recv().unwrap();
        }
        if wanted.iter().any(|(_, id)| id.to_string() == unreadable) {
            return Err(failure());
        }
        Ok(vec![None; wanted.len()])
    });
    let service = service_of(mocks);
    let read = |id: &str| service.send(Request::new("GET", format!("/api/v1/jobs/{id}")));
    let first = read(ORGANISATION);
    let good = read(ORGANISATION);
    let bad = read(unreadable);
    let opened = async {
        actix_web::rt::task::yield_now().await;
        open.send(()).unwrap();
    };
    let (first, good, bad, ()) = futures_util::join!(first, good, bad, opened);
    assert_eq!(first.status, StatusCode::NOT_FOUND);
    assert_eq!(good.status, StatusCode::NOT_FOUND);
    assert_eq!(bad.status, expected);
    tells_nothing(&bad);
}
