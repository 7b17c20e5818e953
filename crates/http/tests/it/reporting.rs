//! Reports whose time, message or outcome is out of the ordinary, and runs that are deleted, on the in-memory store.

use actix_web::http::StatusCode;
use serde_json::{Value, json};

use crate::runs::{at, get, pointers, post, report, rows, with_job};
use crate::service::{Answer, Request, Service};

async fn health(service: &Service, job: &str) -> Value {
    get(service, job).await.body["health"].clone()
}

fn warnings(answer: &Answer) -> Vec<&str> {
    answer.body["warnings"].as_array().unwrap().iter().map(|warning| warning["code"].as_str().unwrap()).collect()
}

fn failed(minute: u32, message: &str) -> Value {
    json!({"issued_at": format!("2027-01-15T07:{minute:02}:00Z"), "status": "failed", "message": message})
}

/// The clock stands still, so that all of them come within one microsecond.
#[actix_web::test]
async fn reports_without_a_time_never_meet() {
    let (service, job) = with_job().await;
    let runs = format!("{job}/runs");
    let body = json!({"status": "failed", "message": "no data"});
    for micros in 0..5 {
        let answer = post(&service, &runs, &body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
        assert_eq!(answer.body["issued_at"], format!("2027-01-15T08:00:00.{micros:06}Z"));
        assert_eq!(warnings(&answer), [""; 0]);
        assert_eq!(get(&service, answer.header("location").unwrap()).await.body["issued_at"], answer.body["issued_at"]);
    }
    let given = json!({"issued_at": "2027-01-15T08:04:00Z", "status": "failed", "message": "a clock that is ahead"});
    assert_eq!(post(&service, &runs, &given).await.status, StatusCode::CREATED);
    assert_eq!(post(&service, &runs, &body).await.body["issued_at"], "2027-01-15T08:04:00.000001Z");
}

#[actix_web::test]
async fn a_runner_whose_clock_is_ahead_is_told_by_how_much() {
    let (service, job) = with_job().await;
    let ahead = |time: &str| json!({"issued_at": time, "status": "failed", "message": "x"});
    let runs = format!("{job}/runs");
    let answer = post(&service, &runs, &ahead("2027-01-15T08:03:20.5Z")).await;
    assert_eq!((answer.status, warnings(&answer)), (StatusCode::CREATED, vec!["issued_at_ahead"]));
    let details = json!({
        "issued_at": "2027-01-15T08:03:20.500000Z",
        "received_at": "2027-01-15T08:00:00.000000Z",
        "ahead_seconds": 200,
    });
    assert_eq!(answer.body["warnings"][0]["details"], details);
    let again = post(&service, &runs, &ahead("2027-01-15T08:03:20.5Z")).await;
    assert_eq!((again.status, &again.body), (StatusCode::OK, &answer.body));
    assert!(warnings(&post(&service, &runs, &ahead("2027-01-15T08:00:00.999999Z")).await).is_empty());
}

#[actix_web::test]
async fn messages_are_made_storable_and_the_answer_says_so() {
    let (service, job) = with_job().await;
    let runs = format!("{job}/runs");
    let message = format!("\u{0}\u{1b}[31mno data\u{1b}[0m\r\n\t{}", "é".repeat(20_000));
    let answer = post(&service, &runs, &failed(1, &message)).await;
    assert_eq!((answer.status, warnings(&answer)), (StatusCode::CREATED, vec!["message_changed"]));
    let stored = answer.body["message"].as_str().unwrap();
    assert!(stored.starts_with("\u{fffd}\u{fffd}[31mno data\u{fffd}[0m\r\n\té"), "{stored:.40}");
    assert_eq!(stored.chars().count(), 10_000);
    let details = json!({"replaced_characters": 3, "cut_characters": 20_000 + 20 - 10_000});
    assert_eq!(answer.body["warnings"][0]["details"], details);
    let again = post(&service, &runs, &failed(1, &message)).await;
    assert_eq!((again.status, &again.body), (StatusCode::OK, &answer.body), "the same report again");
    let mut kept = failed(1, stored);
    kept["job_revision"] = json!(1);
    let again = post(&service, &runs, &kept).await;
    assert_eq!((again.status, warnings(&again)), (StatusCode::OK, vec![]), "what was stored is not changed");
    let mut succeeded = report(2, &[("risk", 1, 0.5)]);
    succeeded["message"] = json!("\u{7}");
    assert_eq!(warnings(&post(&service, &runs, &succeeded).await), ["message_changed"]);

    for nothing in ["", "  ", "\r\n", "\u{0}", "\u{200b}\u{feff}"] {
        let answer = post(&service, &runs, &failed(3, nothing)).await;
        assert_eq!(pointers(&answer), [("/message".to_owned(), "too_short".to_owned())], "{nothing:?}");
    }
    let lone = r#"{"status": "failed", "message": "\ud800"}"#;
    let request = Request { body: Some(lone.as_bytes().to_vec()), ..Request::new("POST", runs) };
    assert_eq!(service.send(request).await.code(), "invalid_json");
}

#[actix_web::test]
async fn a_success_takes_the_place_of_a_failure_that_was_issued_then() {
    let (service, job) = with_job().await;
    let runs = format!("{job}/runs");
    let first = post(&service, &runs, &failed(30, "no data")).await;
    assert_eq!(health(&service, &job).await["consecutive_failures"], 1);
    let other = post(&service, &runs, &failed(30, "still no data")).await;
    assert_eq!((other.status, pointers(&other)), (StatusCode::CONFLICT, vec![("/message".into(), "differs".into())]));

    let body = report(30, &[("risk", 1, 0.5)]);
    let success = post(&service, &runs, &body).await;
    assert_eq!(success.status, StatusCode::CREATED, "{}", success.body);
    assert_eq!(success.body["replaces"], first.body["id"]);
    let again = post(&service, &runs, &body).await;
    assert_eq!((again.status, &again.body), (StatusCode::OK, &success.body));
    let judged = health(&service, &job).await;
    assert_eq!((&judged["consecutive_failures"], &judged["last_success_at"]), (&json!(0), &success.body["issued_at"]));
    assert_eq!(rows(&get(&service, &format!("{job}/predictions")).await).len(), 1);
    let listed = get(&service, &runs).await;
    assert_eq!(listed.body["items"].as_array().unwrap().len(), 1);
    assert_eq!(listed.body["items"][0]["id"], success.body["id"]);

    let replaced = get(&service, first.header("location").unwrap()).await;
    assert_eq!((&replaced.body["replaced_by"], replaced.header("etag")), (&success.body["id"], Some("\"2\"")));
    assert_eq!((&replaced.body["message"], first.header("etag")), (&json!("no data"), Some("\"1\"")));
    // The report of the failure comes again, late; and another failure after the success.
    let late = post(&service, &runs, &failed(30, "no data")).await;
    assert_eq!((late.status, &late.body["id"]), (StatusCode::OK, &first.body["id"]));
    let other = post(&service, &runs, &failed(30, "another")).await;
    assert_eq!((other.status, &other.body["existing_id"]), (StatusCode::CONFLICT, &success.body["id"]));
    let values = post(&service, &runs, &report(30, &[("risk", 1, 0.75)])).await;
    assert_eq!(pointers(&values), [("/predictions".to_owned(), "differs".to_owned())]);
}

#[actix_web::test]
async fn a_run_can_be_deleted_by_a_caller_who_may_delete_its_job() {
    let (service, job) = with_job().await;
    let runs = format!("{job}/runs");
    let first = post(&service, &runs, &report(10, &[("risk", 1, 0.1)])).await;
    let before = (health(&service, &job).await, get(&service, &format!("{job}/predictions")).await.body);
    let second = post(&service, &runs, &report(20, &[("risk", 1, 0.2), ("risk", 2, 0.2)])).await;
    let path = second.header("location").unwrap();
    let delete =
        async |path: &str, token: &'static str| service.send(Request::new("DELETE", path).token(Some(token))).await;
    assert_eq!(delete(path, "reader").await.code(), "insufficient_scope");
    let stranger = delete(path, "stranger").await;
    let missing = delete(&format!("{runs}/{}", crate::service::ORGANISATION), "customer").await;
    assert_eq!((stranger.status, missing.status), (StatusCode::NOT_FOUND, StatusCode::NOT_FOUND));
    let dry_run = service.send(Request::new("DELETE", format!("{path}?dry_run=true"))).await;
    assert_eq!((dry_run.status, &dry_run.body["id"]), (StatusCode::OK, &second.body["id"]));
    let stale = service.send(Request::new("DELETE", path).header("if-match", "\"2\"")).await;
    assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED);
    assert_eq!(get(&service, &runs).await.body["items"].as_array().unwrap().len(), 2, "nothing is deleted yet");

    let deleted = service.send(Request::new("DELETE", path)).await;
    assert_eq!(deleted.status, StatusCode::NO_CONTENT, "{}", deleted.body);
    for method in ["GET", "DELETE"] {
        assert_eq!(service.send(Request::new(method, path)).await.status, StatusCode::NOT_FOUND);
    }
    let after = (health(&service, &job).await, get(&service, &format!("{job}/predictions")).await.body);
    assert_eq!(after, before, "as if it had never been reported");
    assert_eq!(get(&service, &runs).await.body["items"][0]["id"], first.body["id"]);
    let again = post(&service, &runs, &report(20, &[("risk", 1, 0.9)])).await;
    assert_eq!(
        (again.status, rows(&get(&service, &format!("{job}/predictions")).await)[0].2),
        (StatusCode::CREATED, 0.9)
    );
    assert_eq!(at(1), "2027-01-16T01:00:00Z");
}
