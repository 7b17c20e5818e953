//! A service that does part of its work says so, and serves.

use std::time::Duration;

use actix_web::http::StatusCode;
use chrono::TimeDelta;
use prediction_domain::ports::{Clock as _, MockStore, StoreFailure};
use serde_json::json;

use crate::service::{Answer, Request, Service, service_of};

async fn ready(service: &Service) -> Answer {
    service.send(Request::new("GET", "/health/ready").token(None)).await
}

async fn metric(service: &Service, name: &str) -> String {
    let metrics = service.send(Request::new("GET", "/metrics").token(None)).await.body;
    let value = metrics.as_str().unwrap().lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    value.unwrap_or_else(|| panic!("there is no {name} in {metrics}")).to_owned()
}

#[actix_web::test]
async fn a_clock_that_jumps_is_told_until_it_is_back() {
    let service = Service::in_memory();
    assert_eq!(ready(&service).await.body, json!({"status": "ready"}));
    assert_eq!(metric(&service, "prediction_wall_clock_deviation_seconds").await, "0");
    let right = service.clock().now();
    service.clock().set(right.plus(TimeDelta::days(730)));
    let answer = ready(&service).await;
    assert_eq!((answer.status, &answer.body["status"]), (StatusCode::OK, &json!("degraded")));
    assert_eq!(answer.body["degraded"][0]["check"], "clock");
    let detail = answer.body["degraded"][0]["detail"].as_str().unwrap();
    assert!(detail.starts_with("the clock is 63072000 s ahead of"), "{detail}");
    assert_eq!(metric(&service, "prediction_wall_clock_deviation_seconds").await, "63072000");
    service.clock().set(right);
    assert_eq!(ready(&service).await.body, json!({"status": "ready"}));
    service.clock().set(right.plus(TimeDelta::seconds(-60)));
    assert_eq!(metric(&service, "prediction_wall_clock_deviation_seconds").await, "-60");
    service.clock().advance(Duration::from_mins(5));
    assert_eq!(ready(&service).await.body, json!({"status": "ready"}));
}

/// Readers are not to be sent away.
#[actix_web::test]
async fn a_store_that_takes_no_writes_is_told_by_a_write_and_by_a_trial() {
    for by_trial in [true, false] {
        let mut mocks = MockStore::default();
        mocks.health.expect_check().returning(|| Ok(()));
        mocks.health.expect_try_write().times(1).returning(|| Ok(()));
        let refuse = || StoreFailure::NotWritable("password=hunter2: No space left on device".into());
        mocks.health.expect_try_write().returning(move || Err(refuse()));
        mocks.sources.expect_insert().returning(move |_, _| Err(refuse().into()));
        let service = service_of(mocks);
        assert!(service.runtime().try_write());
        assert_eq!(ready(&service).await.body, json!({"status": "ready"}));
        assert_eq!(metric(&service, "prediction_store_writable").await, "1");
        if by_trial {
            assert!(!service.runtime().try_write());
        } else {
            let create = Request::new("POST", "/api/v1/sources").json(&json!({"name": "mildew"}));
            let refused = service.send(create).await;
            assert_eq!((refused.status, refused.code()), (StatusCode::SERVICE_UNAVAILABLE, "store_unavailable"));
            assert_eq!(refused.body["detail"], "the database takes no writes at the moment");
            assert!(refused.header("retry-after").is_some());
        }
        let answer = ready(&service).await;
        let told = json!([{"check": "writes", "detail": "the database takes no writes: it is read-only or full"}]);
        assert_eq!((answer.status, &answer.body["degraded"]), (StatusCode::OK, &told));
        assert_eq!(metric(&service, "prediction_store_writable").await, "0");
    }
}

/// A small write may find room where a report does not.
#[actix_web::test]
async fn a_refused_write_counts_longer_than_a_small_one_that_is_taken() {
    let mut mocks = MockStore::default();
    mocks.health.expect_check().returning(|| Ok(()));
    mocks.health.expect_try_write().returning(|| Ok(()));
    mocks.sources.expect_insert().returning(|_, _| Err(StoreFailure::NotWritable("full".into()).into()));
    let service = service_of(mocks);
    service.send(Request::new("POST", "/api/v1/sources").json(&json!({"name": "mildew"}))).await;
    assert!(!service.runtime().try_write());
    assert_eq!(ready(&service).await.body["status"], "degraded");
}

/// What cannot be reached, or is busy, is another matter.
#[actix_web::test]
async fn a_store_that_is_busy_is_not_called_full() {
    let mut mocks = MockStore::default();
    mocks.health.expect_check().returning(|| Ok(()));
    mocks.health.expect_try_write().returning(|| Err(StoreFailure::Unavailable("busy".into())));
    let service = service_of(mocks);
    assert!(service.runtime().try_write());
    assert_eq!(ready(&service).await.body, json!({"status": "ready"}));
}
