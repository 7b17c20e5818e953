//! More than the service can do at a time: it says so at once, or when its retry ends, and recovers.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};

use actix_web::http::StatusCode;
use actix_web::rt::time::Instant;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use prediction_domain::ports::{MockStore, StoreFailure};
use serde_json::json;

use crate::service::{Answer, ORGANISATION, Request, Service, service_of};

/// More than wait in the lane of the writes and are answered by its threads.
const MORE_THAN_FIT: usize = 600;

/// A store whose sources, jobs and setups wait until the sender is dropped.
fn stuck(gate: Receiver<()>) -> Service {
    let gate = Arc::new(Mutex::new(gate));
    let wait = move || {
        // Ends when the sender is gone.
        let _ = gate.lock().map(|gate| gate.recv());
    };
    let mut mocks = MockStore::default();
    mocks.sources.expect_find_many().returning({
        let wait = wait.clone();
        move |ids| {
            wait();
            Ok(vec![None; ids.len()])
        }
    });
    mocks.sources.expect_find_by_name().returning({
        let wait = wait.clone();
        move |_| {
            wait();
            Err(StoreFailure::Internal("no caller waits for this any more".into()))
        }
    });
    mocks.jobs.expect_find_monitored().returning({
        let wait = wait.clone();
        move |wanted| {
            wait();
            Ok(vec![None; wanted.len()])
        }
    });
    mocks.jobs.expect_find_many().returning({
        let wait = wait.clone();
        move |wanted| {
            wait();
            Ok(vec![None; wanted.len()])
        }
    });
    mocks.health.expect_check().returning(move || {
        wait();
        Ok(())
    });
    service_of(mocks)
}

#[track_caller]
fn assert_unavailable(answer: &Answer, code: &str) {
    assert_eq!((answer.status, answer.code()), (StatusCode::SERVICE_UNAVAILABLE, code), "{}", answer.body);
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert_eq!(answer.body["request_id"], "the-request");
}

#[actix_web::test]
async fn when_too_many_wait_the_next_one_is_told_at_once() {
    let (open, gate) = channel();
    let service = stuck(gate);
    let delete = || service.send(Request::new("DELETE", format!("/api/v1/sources/{ORGANISATION}")));
    let mut waiting: FuturesUnordered<_> = (0..MORE_THAN_FIT).map(|_| delete()).collect();
    let refused = waiting.next().await.unwrap();
    assert_unavailable(&refused, "overloaded");

    // Reads have a lane of their own, which is not full.
    let live = service.send(Request::new("GET", "/health/live").token(None)).await;
    assert_eq!(live.status, StatusCode::OK);

    drop(open);
    let answers: Vec<Answer> = waiting.collect().await;
    let answered = answers.iter().filter(|answer| answer.status == StatusCode::NOT_FOUND).count();
    assert!(answered >= 500, "{answered}");
    for answer in answers.iter().filter(|answer| answer.status != StatusCode::NOT_FOUND) {
        assert_unavailable(answer, "overloaded");
    }
    assert_eq!(delete().await.status, StatusCode::NOT_FOUND, "the service has recovered");
}

/// The clock of the runtime stands still, and jumps to the next deadline when nothing else is to be done: the test does
/// not wait, however long the deadline.
#[actix_web::test]
async fn a_stuck_port_ends_in_503_at_the_deadline() {
    let set_up = json!({
        "organisation_id": ORGANISATION, "source": {"name": "mildew"}, "job": {"name": "Job A"}, "role_bindings": [],
    });
    for (request, code, deadline) in [
        (
            Request::new("GET", format!("/api/v1/sources/{ORGANISATION}")),
            "deadline_exceeded",
            prediction_http::REQUEST_DEADLINE,
        ),
        (
            Request::new("DELETE", format!("/api/v1/sources/{ORGANISATION}")),
            "deadline_exceeded",
            prediction_http::REQUEST_DEADLINE,
        ),
        (
            Request::new("GET", format!("/api/v1/jobs/{ORGANISATION}")),
            "deadline_exceeded",
            prediction_http::REQUEST_DEADLINE,
        ),
        (
            Request::new("POST", "/api/v1/jobs/setup").json(&set_up),
            "deadline_exceeded",
            prediction_http::SET_UP_DEADLINE,
        ),
        (Request::new("GET", "/health/ready").token(None), "not_ready", std::time::Duration::from_secs(2)),
    ] {
        let (open, gate) = channel();
        let service = stuck(gate);
        tokio::time::pause();
        let start = Instant::now();
        let answer = service.send(request).await;
        let waited = start.elapsed();
        tokio::time::resume();
        assert_unavailable(&answer, code);
        assert!(waited >= deadline && waited < deadline * 2, "{waited:?}");
        drop(open);
    }
}

/// Three of four megabytes are more than one caller may have at a time; small ones are dealt with meanwhile.
#[actix_web::test]
async fn large_reports_wait_for_memory_and_small_ones_do_not() {
    let (open, gate) = channel::<()>();
    let (gate, asked) = (Arc::new(Mutex::new(gate)), Arc::new(AtomicUsize::new(0)));
    let mut mocks = MockStore::default();
    mocks.jobs.expect_find_many().returning({
        let asked = Arc::clone(&asked);
        move |wanted| {
            asked.fetch_add(1, Ordering::Relaxed);
            let _ = gate.lock().map(|gate| gate.recv());
            Ok(vec![None; wanted.len()])
        }
    });
    let service = service_of(mocks);
    let path = format!("/api/v1/jobs/{ORGANISATION}/runs");
    let report = |bytes: usize| {
        let body = json!({"status": "failed", "message": "x".repeat(bytes)});
        service.send(Request::new("POST", &path).json(&body))
    };
    // These are let in, and wait for the store.
    let mut large: FuturesUnordered<_> = (0..2).map(|_| report(4_000_000)).collect();
    while asked.load(Ordering::Relaxed) == 0 {
        assert!(futures_util::poll!(large.next()).is_pending());
        actix_web::rt::task::yield_now().await;
    }
    tokio::time::pause();
    assert_unavailable(&report(4_000_000).await, "overloaded");
    let small = report(1_000);
    futures_util::pin_mut!(small);
    assert!(futures_util::poll!(&mut small).is_pending(), "it waits in the lane, as any write does");
    tokio::time::resume();
    drop(open);
    assert_eq!(small.await.status, StatusCode::NOT_FOUND);
    while let Some(answer) = large.next().await {
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{}", answer.body);
    }
    assert_eq!(report(4_000_000).await.status, StatusCode::NOT_FOUND, "there is memory again");
}
