use std::time::Duration;

use prediction_client::{ClientError, Method, Parameters, Settings};
use serde_json::json;

use crate::server::{Server, Step, answer, ok, problem};

const LIVE: &str = r#"{"status":"live"}"#;

#[test]
fn a_service_that_says_when_is_asked_again_then() {
    let server = Server::start(vec![
        problem(429, "rate_limited", &[("Retry-After", "2")]),
        problem(
            503,
            "overloaded",
            &[("Date", "Wed, 21 Oct 2026 07:28:00 GMT"), ("Retry-After", "Wed, 21 Oct 2026 07:28:03 GMT")],
        ),
        answer(503, &[], "a gateway without a word"),
        ok(LIVE),
    ]);
    let (client, waits) = server.client();
    let live = client.live(&Parameters::new()).unwrap();
    assert_eq!(live.value.status, "live");
    let own = Duration::from_millis(800);
    assert_eq!(waits.all(), [Duration::from_secs(2), Duration::from_secs(3), own]);
    assert!(server.asked().iter().all(|asked| asked.line == "GET /health/live HTTP/1.1"));
}

#[test]
fn no_client_waits_longer_than_its_deadline() {
    let busy = || problem(503, "overloaded", &[("Retry-After", "4")]);
    let server = Server::start((0..9).map(|_| busy()).collect());
    let (client, waits) = server.client_with(
        prediction_client::Credentials::None,
        Settings { deadline: Duration::from_secs(10), ..Settings::default() },
    );
    let error = client.live(&Parameters::new()).unwrap_err();
    let told = error.problem().unwrap();
    assert_eq!((told.status, told.code.as_str(), told.request_id.as_deref()), (503, "overloaded", Some("r-1")));
    assert_eq!(waits.all(), [Duration::from_secs(4); 2], "the third would be over at 12 s");
    assert_eq!(server.asked().len(), 3);
}

#[test]
fn a_wait_until_tomorrow_is_told_at_once() {
    let server = Server::start(vec![problem(429, "quota_exceeded", &[("Retry-After", "86400")])]);
    let (client, waits) = server.client();
    assert_eq!(client.live(&Parameters::new()).unwrap_err().status(), Some(429));
    assert!(waits.all().is_empty());
}

#[test]
fn what_found_nobody_is_sent_again_until_the_deadline() {
    let server = Server::start(Vec::new());
    // The listener is gone once its thread has ended.
    while std::net::TcpStream::connect(server.address).is_ok() {}
    let (client, waits) = server.client();
    let error = client.live(&Parameters::new()).unwrap_err();
    let ClientError::Unreachable { attempts, is_uncertain, .. } = &error else { panic!("{error:?}") };
    assert!(!is_uncertain);
    assert_eq!(usize::try_from(*attempts).unwrap(), waits.all().len() + 1);
    assert!(waits.all().iter().sum::<Duration>() <= Duration::from_secs(30));
    assert!(error.to_string().starts_with("the service does not answer (asked "), "{error}");
}

#[test]
fn a_write_whose_connection_broke_is_sent_again() {
    let server = Server::start(vec![Step::Break, ok(r#"{"items":1}"#)]);
    let (client, waits) = server.client();
    let body = json!({ "name": "a" });
    let answer = client.send(Method::POST, "/api/v1/sources", &[], Some(&body), &[]).unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!(waits.all().len(), 1);
    let asked = server.asked();
    assert!(asked.iter().all(|asked| asked.body == r#"{"name":"a"}"#), "{asked:?}");
}

#[test]
fn an_answer_that_broke_off_is_asked_for_again() {
    let half = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"status\"".to_owned();
    let server = Server::start(vec![Step::Answer(half), ok(LIVE)]);
    let (client, _) = server.client();
    assert_eq!(client.live(&Parameters::new()).unwrap().value.status, "live");
}

#[test]
fn a_run_without_a_time_is_reported_once() {
    let report = json!({ "status": "failed", "message": "no data" });
    let timed = json!({ "status": "failed", "message": "no data", "issued_at": "2026-06-01T12:00:00Z" });
    let send = |server: &Server, body| {
        let (client, _) = server.client();
        client.send(Method::POST, "/api/v1/jobs/1/runs", &[], Some(body), &[]).map(|answer| answer.status)
    };
    let breaks = Server::start(vec![Step::Break, ok("{}")]);
    let error = send(&breaks, &report).unwrap_err();
    assert!(error.to_string().ends_with("it is not known whether the request was carried out"), "{error}");
    let is_late = || vec![problem(503, "deadline_exceeded", &[("Retry-After", "1")]), ok("{}")];
    assert_eq!(send(&Server::start(is_late()), &report).unwrap_err().status(), Some(503));

    assert_eq!(send(&Server::start(is_late()), &timed), Ok(200));
    for untouched in [problem(503, "overloaded", &[]), problem(429, "rate_limited", &[])] {
        assert_eq!(send(&Server::start(vec![untouched, ok("{}")]), &report), Ok(200), "nothing was done");
    }
}

#[test]
fn what_an_attempt_before_has_deleted_is_deleted() {
    let gone = || problem(404, "not_found", &[]);
    let server = Server::start(vec![Step::Break, gone()]);
    let deleted = server.client().0.delete_job("1", &Parameters::new()).unwrap();
    assert_eq!((deleted.answer.status, deleted.value), (204, None));

    let server = Server::start(vec![problem(429, "rate_limited", &[]), gone()]);
    let error = server.client().0.delete_job("1", &Parameters::new()).unwrap_err();
    assert_eq!(error.status(), Some(404), "nothing was done before");
}

#[test]
fn other_refusals_are_told_at_once() {
    for status in [400, 403, 404, 409, 412, 422, 500, 502] {
        let server = Server::start(vec![problem(status, "some", &[("Retry-After", "1")]), ok(LIVE)]);
        let (client, waits) = server.client();
        assert_eq!(client.live(&Parameters::new()).unwrap_err().status(), Some(status));
        assert!(waits.all().is_empty());
    }
}

#[test]
fn only_this_service_says_that_something_is_deleted() {
    // A proxy that lost its backend knows no such path.
    let server =
        Server::start(vec![Step::Break, answer(404, &[("Content-Type", "text/html")], "<html>Not Found</html>")]);
    let error = server.client().0.delete_job("1", &Parameters::new()).unwrap_err();
    assert_eq!(error.status(), Some(404));

    let server = Server::start(vec![Step::Break, problem(404, "unknown_path", &[])]);
    assert_eq!(server.client().0.delete_job("1", &Parameters::new()).unwrap_err().status(), Some(404));

    // An attempt that was to change nothing has deleted nothing.
    let server = Server::start(vec![Step::Break, problem(404, "not_found", &[])]);
    assert_eq!(server.client().0.delete_job("1", &Parameters::new().dry_run()).unwrap_err().status(), Some(404));
}

#[test]
fn a_condition_that_a_lost_attempt_may_have_changed_is_no_refusal() {
    let body = json!({ "active": false });
    let if_match = || Parameters::new().if_match("\"3\"");
    let late = || problem(503, "deadline_exceeded", &[("Retry-After", "1")]);
    for lost in [Step::Break, late()] {
        for status in [409, 412] {
            let server = Server::start(vec![lost.clone(), problem(status, "precondition_failed", &[])]);
            let error = server.client().0.change_job("1", &body, &if_match()).unwrap_err();
            let ClientError::Uncertain(told) = &error else { panic!("{error:?}") };
            assert_eq!(told.status, status);
            assert!(error.to_string().contains("it is not known whether the request was carried out"), "{error}");
        }
    }
    let refused = |first: Step, parameters: &Parameters| {
        let server = Server::start(vec![first, problem(412, "precondition_failed", &[])]);
        server.client().0.change_job("1", &body, parameters).unwrap_err()
    };
    for error in [
        // Nothing was done before.
        refused(problem(429, "rate_limited", &[]), &if_match()),
        // What is refused whatever was stored.
        refused(Step::Break, &Parameters::new()),
        refused(Step::Break, &if_match().dry_run()),
    ] {
        assert!(matches!(error, ClientError::Problem(_)), "{error:?}");
    }
}
