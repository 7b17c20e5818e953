//! Health over the routes, on the in-memory store, while the clock goes on.

use std::time::Duration;

use actix_web::http::StatusCode;
use serde_json::{Value, json};

use crate::service::{Answer, ORGANISATION, Request, Service};

/// A service with a job that is to deliver every ten minutes, and what setting it up answered.
async fn with_job() -> (Service, String, Answer) {
    let service = Service::in_memory();
    let answer = service.send(Request::new("POST", "/api/v1/jobs/setup").json(&set_up())).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    let path = format!("/api/v1/jobs/{}", answer.body["job"]["id"].as_str().unwrap());
    (service, path, answer)
}

fn set_up() -> Value {
    json!({
        "organisation_id": ORGANISATION,
        "source": {"name": "Mildew", "expected_interval_minutes": 10},
        "source_version": {
            "version": "1", "input_roles": [], "output_roles": [{"role": "risk", "metric": "probability"}],
        },
        "job": {"name": "Vineyard"},
        "role_bindings": [],
    })
}

async fn get(service: &Service, path: &str) -> Answer {
    service.send(Request::new("GET", path)).await
}

async fn succeed(service: &Service, job: &str) {
    let values = json!([{"role": "risk", "at": "2027-01-16T00:00:00Z", "value": 0.5}]);
    let report = json!({"status": "succeeded", "predictions": values});
    assert_eq!(service.send(Request::new("POST", format!("{job}/runs")).json(&report)).await.status, 201);
}

async fn fail(service: &Service, job: &str) {
    let report = json!({"status": "failed", "message": "no data"});
    assert_eq!(service.send(Request::new("POST", format!("{job}/runs")).json(&report)).await.status, 201);
}

fn minutes(service: &Service, minutes: u64) {
    service.clock().advance(Duration::from_mins(minutes));
}

/// The service's clock begins at 2027-01-15T08:00:00Z.
fn at(minutes: u32) -> String {
    format!("2027-01-15T08:{minutes:02}:00.000000Z")
}

#[actix_web::test]
async fn every_answer_that_shows_a_job_shows_its_health() {
    let (service, path, set_up_answer) = with_job().await;
    let health = |status: &str| {
        json!({
            "status": status, "last_run_at": null, "last_success_at": null, "next_expected_at": at(10),
            "overdue_since": null, "consecutive_failures": 0,
        })
    };
    assert_eq!(set_up_answer.body["job"]["health"], health("new"));
    minutes(&service, 12);
    let again = service.send(Request::new("POST", "/api/v1/jobs/setup").json(&set_up())).await;
    assert_eq!((again.status, &again.body["job"]["health"]), (StatusCode::OK, &health("late")));
    assert_eq!(get(&service, &path).await.body["health"], health("late"));
    assert_eq!(get(&service, "/api/v1/jobs?expand=source").await.body["items"][0]["health"], health("late"));
    let renamed = service.send(Request::new("PUT", &*path).json(&json!({"name": "Other"}))).await;
    assert_eq!((renamed.status, &renamed.body["health"]), (StatusCode::OK, &health("late")));
    let paused =
        service.send(Request::new("PUT", format!("{path}?dry_run=true")).json(&json!({"active": false}))).await;
    assert_eq!(paused.body["health"]["status"], "paused");
    assert_eq!(paused.body["health"]["next_expected_at"], Value::Null);
    let deleted = service.send(Request::new("DELETE", format!("{path}?dry_run=true"))).await;
    assert_eq!(deleted.body["health"], health("late"));
}

#[actix_web::test]
async fn health_follows_runs_and_time() {
    let (service, path, _) = with_job().await;
    let status = async || get(&service, &path).await.body["health"]["status"].clone();
    assert_eq!(status().await, "new");
    minutes(&service, 1);
    succeed(&service, &path).await;
    assert_eq!(status().await, "on_time");
    minutes(&service, 1);
    fail(&service, &path).await;
    let failing = get(&service, &path).await.body["health"].clone();
    let expected = json!({
        "status": "failing", "last_run_at": at(2), "last_success_at": at(1), "next_expected_at": at(11),
        "overdue_since": null, "consecutive_failures": 1,
    });
    assert_eq!(failing, expected);
    minutes(&service, 1);
    succeed(&service, &path).await;
    assert_eq!(status().await, "on_time");
    minutes(&service, 11);
    assert_eq!(status().await, "late");
    minutes(&service, 10);
    let overdue = get(&service, &path).await.body["health"].clone();
    assert_eq!((&overdue["status"], &overdue["overdue_since"]), (&json!("overdue"), &json!(at(23))));
}

#[actix_web::test]
async fn a_tag_tells_a_changed_health_and_is_good_for_writing() {
    let (service, path, _) = with_job().await;
    let first = get(&service, &path).await;
    let tag = first.header("etag").unwrap().to_owned();
    let again = |tag: &str| service.send(Request::new("GET", &*path).header("if-none-match", tag));
    assert_eq!(again(&tag).await.status, StatusCode::NOT_MODIFIED);
    minutes(&service, 11);
    let late = again(&tag).await;
    assert_eq!((late.status, &late.body["health"]["status"]), (StatusCode::OK, &json!("late")));
    assert_eq!(late.body["revision"], 1);
    // The job has not changed, so a caller who read it before may write.
    let rename = Request::new("PUT", &*path).json(&json!({"name": "Other"})).header("if-match", tag.clone());
    let renamed = service.send(rename).await;
    assert_eq!((renamed.status, renamed.tagged_revision()), (StatusCode::OK, Some("2")));
    let stale = Request::new("PUT", &*path).json(&json!({"name": "Third"})).header("if-match", tag);
    assert_eq!(service.send(stale).await.status, StatusCode::PRECONDITION_FAILED);
}

#[actix_web::test]
async fn jobs_are_listed_and_counted_by_health() {
    let (service, path, _) = with_job().await;
    let listed = async |query: &str| {
        let answer = get(&service, &format!("/api/v1/jobs?{query}")).await;
        assert_eq!(answer.status, StatusCode::OK, "{query}: {}", answer.body);
        answer.body["items"].as_array().unwrap().len()
    };
    fail(&service, &path).await;
    for (query, count) in [
        ("health=failing", 1),
        ("health=overdue,failing", 1),
        ("health=late,failing,failing", 1),
        ("health=on_time", 0),
        ("health=failing&active=false", 0),
        (&*format!("health=failing&organisation_id={ORGANISATION}"), 1),
    ] {
        assert_eq!(listed(query).await, count, "{query}");
    }
    let counted = get(&service, "/api/v1/jobs/health").await;
    let counts = json!({
        "paused": 0, "unmonitored": 0, "overdue": 0, "failing": 1, "late": 0, "new": 0, "on_time": 0,
    });
    assert_eq!(counted.body, json!({"counts": counts, "judged_at": at(0)}));
    assert_eq!(counted.header("etag"), None);
    let of_other = get(&service, "/api/v1/jobs/health?source_id=88888888-8888-8888-8888-888888888888").await;
    assert_eq!(of_other.body["counts"]["failing"], 0);
    let metrics = get(&service, "/metrics").await.body;
    for line in [
        "prediction_jobs_by_health{health=\"failing\"} 1",
        "prediction_jobs_by_health{health=\"on_time\"} 0",
        "prediction_jobs{state=\"active\"} 1",
    ] {
        assert!(metrics.as_str().unwrap().lines().any(|metric| metric == line), "{line}: {metrics}");
    }
}

#[actix_web::test]
async fn a_health_that_does_not_exist_is_refused_with_the_nearest() {
    let service = Service::in_memory();
    for (query, hint) in [("health=overdu", true), ("health=overdue,late%20", true), ("health=", false)] {
        let answer = get(&service, &format!("/api/v1/jobs?{query}")).await;
        assert_eq!((answer.status, answer.code()), (StatusCode::BAD_REQUEST, "invalid_query"), "{query}");
        let entry = &answer.body["errors"][0];
        assert_eq!((&entry["parameter"], &entry["code"]), (&json!("health"), &json!("unknown_word")));
        assert_eq!(entry.get("hint").is_some(), hint, "{entry}");
    }
    let unknown = get(&service, "/api/v1/jobs/health?health=late").await;
    assert_eq!(unknown.code(), "invalid_query");
    let posted = service.send(Request::new("POST", "/api/v1/jobs/health").json(&json!({}))).await;
    assert_eq!((posted.status, posted.header("allow")), (StatusCode::METHOD_NOT_ALLOWED, Some("GET, HEAD")));
}
