use std::io::Read as _;

use prediction_client::{ClientError, Credentials, Method, Parameters, Settings};
use serde_json::{Value, json};

use crate::server::{Server, Step, answer, ok};

#[test]
fn a_list_is_followed_to_its_end() {
    let server = Server::start(vec![
        ok(r#"{"items":[1,2],"next_cursor":"a b"}"#),
        ok(r#"{"items":[],"next_cursor":"c"}"#),
        ok(r#"{"items":[3],"next_cursor":null}"#),
    ]);
    let (client, _) = server.client();
    let items = client.items::<u8>("/api/v1/jobs", &Parameters::new().with("health", "late").with("limit", 2));
    assert_eq!(items.collect::<Result<Vec<_>, _>>(), Ok(vec![1, 2, 3]));
    let lines: Vec<_> = server.asked().into_iter().map(|asked| asked.line).collect();
    assert_eq!(
        lines,
        [
            "GET /api/v1/jobs?health=late&limit=2 HTTP/1.1",
            "GET /api/v1/jobs?health=late&limit=2&cursor=a%20b HTTP/1.1",
            "GET /api/v1/jobs?health=late&limit=2&cursor=c HTTP/1.1",
        ]
    );
}

#[test]
fn a_list_fetches_no_more_than_is_asked_for_and_ends_with_an_error() {
    let server = Server::start(vec![ok(r#"{"items":[1],"next_cursor":"a"}"#), answer(500, &[], "no")]);
    let (client, _) = server.client();
    let mut items = client.items::<u8>("/a", &Parameters::new());
    assert_eq!(items.next(), Some(Ok(1)));
    assert_eq!(server.asked().len(), 1);
    assert_eq!(items.next().unwrap().unwrap_err().status(), Some(500));
    assert_eq!(items.next(), None);
}

#[test]
fn a_list_in_a_circle_is_left() {
    let page = || ok(r#"{"items":[1],"next_cursor":"a"}"#);
    let server = Server::start(vec![page(), page(), page()]);
    let (client, _) = server.client();
    let items: Vec<_> = client.items::<u8>("/a", &Parameters::new()).collect();
    assert!(matches!(items.as_slice(), [Ok(1), Err(ClientError::Unexpected { .. })]), "{items:?}");
    // Also in a wider one; an endless list would never end this test.
    let page = |next: &str| ok(&format!(r#"{{"items":[1],"next_cursor":"{next}"}}"#));
    let server = Server::start(["a", "b", "c", "a", "b"].map(page).into());
    let (client, _) = server.client();
    let items: Vec<_> = client.items::<u8>("/a", &Parameters::new()).collect();
    assert!(matches!(items.last(), Some(Err(ClientError::Unexpected { .. }))), "{items:?}");
    assert_eq!((items.len(), server.asked().len()), (4, 4));
}

#[test]
fn an_answer_keeps_what_this_release_does_not_know() {
    let server = Server::start(vec![answer(200, &[("ETag", "\"3\"")], r#"{"status":"live","new":[1.0]}"#)]);
    let live = server.client().0.live(&Parameters::new()).unwrap();
    assert_eq!(live.etag(), Some("\"3\""));
    assert_eq!(live.answer.json(), Ok(json!({ "status": "live", "new": [1.0] })));
}

#[test]
fn a_long_answer_is_refused_unless_it_is_a_stream() {
    let long = "x".repeat(100_000);
    let server = Server::start(vec![answer(200, &[], &long), answer(200, &[], &long)]);
    let settings = Settings { most_bytes: 50_000, ..Settings::default() };
    let (client, waits) = server.client_with(Credentials::None, settings);
    let error = client.send(Method::GET, "/a", &[], None, &[]).unwrap_err();
    assert!(error.to_string().contains("more than 50000 bytes"), "{error}");
    assert!(waits.all().is_empty());
    let mut text = String::new();
    client.predictions_csv("1", &Parameters::new()).unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(text, long);
    let asked = &server.asked()[1];
    assert_eq!(asked.header("accept"), Some("text/csv"));
}

#[test]
fn a_stream_that_breaks_off_is_an_error() {
    let half = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\na,b\r\n".to_owned();
    let server = Server::start(vec![Step::Answer(half)]);
    let (client, _) = server.client();
    let mut text = String::new();
    let read = client.predictions_csv("1", &Parameters::new()).unwrap().read_to_string(&mut text);
    assert!(read.is_err(), "{text}");
}

#[test]
fn what_others_say_cannot_steer_a_terminal() {
    let page = "<html>\u{1b}[31m\nWelcome to \u{202e}the proxy</html>";
    let server = Server::start(vec![answer(502, &[("Content-Type", "text/html")], page)]);
    let error = server.client().0.live(&Parameters::new()).unwrap_err().to_string();
    assert_eq!(error, "an unexpected answer (status 502): <html>\\u{1b}[31m Welcome to \\u{202e}the proxy</html>");
    let server = Server::start(vec![ok("not \u{1b} JSON")]);
    let error = server.client().0.live(&Parameters::new()).unwrap_err().to_string();
    assert!(error.contains("not \\u{1b} JSON"), "{error}");
}

#[test]
fn bodies_and_revisions_are_sent() {
    let server = Server::start(vec![answer(204, &[], ""), ok("{}")]);
    let (client, _) = server.client();
    let body = json!({ "revision": 3 });
    let answer = client.send(Method::DELETE, "/api/v1/jobs/1", &[("dry_run", "true")], Some(&body), &[]).unwrap();
    assert_eq!((answer.status, answer.json()), (204, Ok(Value::Null)));
    let _ = client.change_job("a/b", &json!({}), &Parameters::new().if_match("\"3\"").dry_run());
    let asked = server.asked();
    assert_eq!(asked[0].line, "DELETE /api/v1/jobs/1?dry_run=true HTTP/1.1");
    assert_eq!(asked[0].body, r#"{"revision":3}"#);
    assert_eq!(asked[1].line, "PUT /api/v1/jobs/a%2Fb?dry_run=true HTTP/1.1");
    assert_eq!(asked[1].header("if-match"), Some("\"3\""));
    assert_eq!(asked[1].header("content-type"), Some("application/json"));
}
