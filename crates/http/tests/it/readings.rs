//! Readings of values: pages that belong together, replicas whose clocks differ, and what was known at a time.

use std::future::poll_fn;
use std::pin::Pin;

use actix_web::body::MessageBody;
use actix_web::http::StatusCode;
use serde_json::{Value, json};

use crate::service::{ORGANISATION, Request, Service};

const HEADER: &str = "role,at,value,issued_at,run_id";

/// Sets up a job that predicts a risk; its path.
async fn a_job(service: &Service) -> String {
    let body = json!({
        "organisation_id": ORGANISATION,
        "source": {"name": "Mildew"},
        "source_version": {
            "version": "1", "input_roles": [], "output_roles": [{"role": "risk", "metric": "probability"}],
        },
        "job": {"name": "Vineyard"},
        "role_bindings": [],
    });
    let answer = service.send(Request::new("POST", "/api/v1/jobs/setup").json(&body)).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    format!("/api/v1/jobs/{}", answer.body["job"]["id"].as_str().unwrap())
}

/// Reports values about seconds after midnight, now or at another time of issue; the run.
async fn report(service: &Service, job: &str, issued_at: Option<&str>, values: &[(usize, f64)]) -> Value {
    let value = |(second, value): &(usize, f64)| {
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        json!({"role": "risk", "at": format!("2027-02-01T{hour:02}:{minute:02}:{second:02}Z"), "value": value})
    };
    let mut body = json!({"status": "succeeded", "predictions": values.iter().map(value).collect::<Vec<_>>()});
    if let Some(issued_at) = issued_at {
        body["issued_at"] = json!(issued_at);
    }
    let answer = service.send(Request::new("POST", format!("{job}/runs")).json(&body)).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    answer.body
}

async fn get(service: &Service, path: &str) -> Value {
    let answer = service.send(Request::new("GET", path)).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.body);
    answer.body
}

/// The values that are read with that query.
async fn values(service: &Service, job: &str, query: &str) -> Vec<f64> {
    let body = get(service, &format!("{job}/predictions{query}")).await;
    body["items"].as_array().unwrap().iter().map(|item| item["value"].as_f64().unwrap()).collect()
}

/// The values of a page of CSV.
fn values_of_csv(text: &str) -> Vec<f64> {
    assert_eq!(text.lines().next(), Some(HEADER));
    text.lines().skip(1).map(|line| line.split(',').nth(2).unwrap().parse().unwrap()).collect()
}

#[actix_web::test]
async fn pages_tell_what_was_known_when_the_first_was_read() {
    for limit in 1..=5 {
        let service = Service::in_memory();
        let job = a_job(&service).await;
        report(&service, &job, Some("2027-01-15T07:00:00Z"), &[(0, 1.0), (1, 1.0), (2, 1.0), (3, 1.0)]).await;
        let mut hour = 0;
        // One that was issued later, and a backfill; both have values of their own, too.
        let mut change = async || {
            report(&service, &job, Some(&format!("2027-01-15T07:30:{hour:02}Z")), &[(0, 2.0), (3, 2.0), (4, 2.0)])
                .await;
            report(&service, &job, Some(&format!("2027-01-15T06:30:{hour:02}Z")), &[(1, 3.0), (5, 3.0)]).await;
            hour += 1;
        };

        let first = format!("{job}/predictions?limit={limit}");
        let mut path = first.clone();
        let mut read = Vec::new();
        loop {
            let page = get(&service, &path).await;
            read.extend(page["items"].as_array().unwrap().iter().map(|item| item["value"].as_f64().unwrap()));
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            path = format!("{first}&cursor={cursor}");
            change().await;
        }
        assert_eq!(read, [1.0; 4], "{limit} a page");

        let expected = values(&service, &job, "").await;
        let mut path = first.clone();
        let mut read = Vec::new();
        loop {
            let answer = service.send(Request::new("GET", path).header("accept", "text/csv")).await;
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
            read.extend(values_of_csv(answer.body.as_str().unwrap()));
            let Some(link) = answer.header("link") else { break };
            let next = link.strip_prefix('<').and_then(|link| link.strip_suffix(">; rel=\"next\"")).unwrap();
            path = format!("{job}/predictions{next}");
            change().await;
        }
        assert_eq!(read, expected, "{limit} a page, as CSV");
    }
}

#[actix_web::test]
async fn a_stream_tells_what_was_known_when_it_began() {
    let service = Service::in_memory();
    let job = a_job(&service).await;
    let all: Vec<(usize, f64)> = (0..5_000).map(|second| (second, 1.0)).collect();
    for (minute, part) in all.chunks(2_000).enumerate() {
        report(&service, &job, Some(&format!("2027-01-15T07:{minute:02}:00Z")), part).await;
    }
    let request = Request::new("GET", format!("{job}/predictions")).header("accept", "text/csv");
    let (_, body) = service.open(request).await.into_parts();
    let mut body = body.into_body();
    let mut text = String::new();
    let mut pieces = 0;
    while let Some(piece) = poll_fn(|context| Pin::new(&mut body).poll_next(context)).await {
        text.push_str(std::str::from_utf8(&piece.unwrap()).unwrap());
        pieces += 1;
        let others: Vec<(usize, f64)> = all.iter().step_by(100).map(|(second, _)| (*second, 2.0)).collect();
        report(&service, &job, Some(&format!("2027-01-15T07:50:{pieces:02}Z")), &others).await;
        report(&service, &job, Some(&format!("2027-01-15T06:50:{pieces:02}Z")), &[(30_000, 3.0)]).await;
    }
    assert_eq!(pieces, 3);
    assert_eq!(values_of_csv(&text), vec![1.0; 5_000]);
}

#[actix_web::test]
async fn what_one_replica_has_acknowledged_is_read_through_another() {
    for ahead in [0, 2, 300, 3_600, 2 * 365 * 86_400] {
        for clocks in [[ahead, 0], [0, ahead]] {
            let [service, other] = Service::replicas(clocks);
            let job = a_job(&service).await;
            for round in 1..=3 {
                let value = f64::from(round);
                let run = report(&service, &job, None, &[(0, value)]).await;
                assert_eq!(values(&other, &job, "").await, [value], "{clocks:?}");
                assert_eq!(values(&service, &job, "").await, [value], "{clocks:?}");
                let of_run = format!("?run_id={}", run["id"].as_str().unwrap());
                assert_eq!(values(&other, &job, &of_run).await, [value], "{clocks:?}");
                service.clock().advance(std::time::Duration::from_millis(1));
            }
            let csv = Request::new("GET", format!("{job}/predictions")).header("accept", "text/csv");
            assert_eq!(values_of_csv(other.send(csv).await.body.as_str().unwrap()), [3.0]);
        }
    }
}

/// A runner whose clock is ahead, as far as that is accepted.
#[actix_web::test]
async fn a_run_that_is_issued_ahead_is_read_at_once() {
    let service = Service::in_memory();
    let job = a_job(&service).await;
    report(&service, &job, Some("2027-01-15T08:05:00Z"), &[(0, 1.0)]).await;
    assert_eq!(values(&service, &job, "").await, [1.0]);
    assert_eq!(values(&service, &job, "?as_of=2027-01-15T08:04:59.999999Z").await, [0.0; 0]);
    assert_eq!(values(&service, &job, "?known_at=2027-01-15T07:59:59.999999Z").await, [0.0; 0]);
    assert_eq!(values(&service, &job, "?known_at=2027-01-15T08:00:00Z").await, [1.0]);
    let runs = get(&service, &format!("{job}/runs?known_at=2027-01-15T08:00:00Z")).await;
    assert_eq!(runs["items"].as_array().unwrap().len(), 1);
}

/// The example of docs/api/results-and-health.md, half a year later.
#[actix_web::test]
async fn a_backfill_changes_what_was_issued_by_a_time_and_not_what_was_known_then() {
    let service = Service::in_memory();
    let job = a_job(&service).await;
    report(&service, &job, None, &[(0, 1.0)]).await;
    let later = service.clock();
    later.advance(std::time::Duration::from_hours(24));
    let backfill = report(&service, &job, Some("2027-01-15T08:30:00Z"), &[(0, 2.0), (1, 2.0)]).await;
    later.advance(std::time::Duration::from_hours(24));

    assert_eq!(values(&service, &job, "").await, [2.0, 2.0]);
    let noon = "2027-01-15T12:00:00Z";
    assert_eq!(values(&service, &job, &format!("?as_of={noon}")).await, [2.0, 2.0]);
    assert_eq!(values(&service, &job, &format!("?known_at={noon}")).await, [1.0]);
    // Both: what was issued by noon, as it was known before the backfill came, and since.
    for (known_at, expected) in [("2027-01-16T07:59:59Z", &[1.0][..]), ("2027-01-16T08:00:00Z", &[2.0, 2.0])] {
        let query = format!("?as_of={noon}&known_at={known_at}");
        assert_eq!(values(&service, &job, &query).await, expected, "{known_at}");
    }
    // Of one run, too.
    let of_run = format!("?run_id={}", backfill["id"].as_str().unwrap());
    for (more, expected) in [
        ("", &[2.0, 2.0][..]),
        ("&known_at=2027-01-16T07:59:59Z", &[]),
        ("&known_at=2027-01-16T08:00:00Z", &[2.0, 2.0]),
        ("&as_of=2027-01-15T08:29:59Z", &[]),
        ("&as_of=2027-01-15T08:30:00Z", &[2.0, 2.0]),
    ] {
        assert_eq!(values(&service, &job, &format!("{of_run}{more}")).await, expected, "{more}");
    }
    for (known_at, count) in [("2027-01-15T07:59:59Z", 0), (noon, 1), ("2027-01-16T08:00:00Z", 2)] {
        let runs = get(&service, &format!("{job}/runs?known_at={known_at}")).await;
        assert_eq!(runs["items"].as_array().unwrap().len(), count, "{known_at}");
    }
}

#[actix_web::test]
async fn a_cursor_belongs_to_what_was_known() {
    let service = Service::in_memory();
    let job = a_job(&service).await;
    report(&service, &job, None, &[(0, 1.0), (1, 1.0)]).await;
    let first = format!("{job}/predictions?limit=1&known_at=2027-01-15T09:00:00Z");
    let cursor = get(&service, &first).await["next_cursor"].as_str().unwrap().to_owned();
    assert_eq!(get(&service, &format!("{first}&cursor={cursor}")).await["items"].as_array().unwrap().len(), 1);
    for other in ["", "&known_at=2027-01-15T09:00:01Z", "&as_of=2027-01-15T09:00:00Z"] {
        let answer = service.send(Request::new("GET", format!("{job}/predictions?cursor={cursor}{other}"))).await;
        assert_eq!((answer.status, answer.code()), (StatusCode::BAD_REQUEST, "invalid_cursor"), "{other}");
    }
    let answer = service.send(Request::new("GET", format!("{job}/predictions?known_at=yesterday"))).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::BAD_REQUEST, "invalid_query"));
}
