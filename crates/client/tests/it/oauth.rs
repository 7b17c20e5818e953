use std::time::Duration;

use prediction_client::oauth::{ClientCredentials, Issuer, Requester};
use prediction_client::{Credentials, Parameters, Settings, Token};

use crate::server::{Server, Step, Waits, answer, ok, problem};

fn requester() -> Requester {
    Requester {
        client_id: "runner".to_owned(),
        client_secret: Some(Token::new("a secret&more")),
        scope: Some("jobs:read jobs:write".to_owned()),
        audience: Some("https://predictions.example".to_owned()),
    }
}

/// An issuer that describes itself before each of these answers.
fn issuer(answers: Vec<Step>) -> Server {
    Server::start_with(|url| {
        let description = format!(
            r#"{{"issuer":"{url}","token_endpoint":"{url}/token","authorization_endpoint":"{url}/auth","device_authorization_endpoint":"{url}/device"}}"#
        );
        std::iter::once(ok(&description)).chain(answers).collect()
    })
}

fn refused(error: &str) -> Step {
    answer(400, &[("Content-Type", "application/json")], &format!(r#"{{"error":"{error}"}}"#))
}

#[test]
fn a_program_signs_in_by_itself() {
    let server = issuer(vec![ok(r#"{"access_token":"a-token","token_type":"Bearer","expires_in":60}"#)]);
    let service = Server::start(vec![ok(r#"{"status":"live"}"#)]);
    let source = ClientCredentials::new(&server.url(), requester());
    let credentials = Credentials::Renewable(std::sync::Arc::new(source));
    let (client, _) = service.client_with(credentials, Settings::default());
    client.live(&Parameters::new()).unwrap();
    assert_eq!(service.asked()[0].header("authorization"), Some("Bearer a-token"));
    let form = &server.asked()[1];
    assert_eq!(form.line, "POST /token HTTP/1.1");
    for part in [
        "grant_type=client_credentials",
        "client_id=runner",
        "client_secret=a+secret%26more",
        "scope=jobs%3Aread+jobs%3Awrite",
        "audience=https%3A%2F%2Fpredictions.example",
        "resource=https%3A%2F%2Fpredictions.example",
    ] {
        let as_percent = part.replace('+', "%20");
        assert!(form.body.contains(part) || form.body.contains(&as_percent), "{part}: {}", form.body);
    }
}

#[test]
fn a_person_signs_in_on_another_device() {
    let server = issuer(vec![
        ok(
            r#"{"device_code":"d","user_code":"ABCD","verification_uri":"https://a.example","expires_in":600,"interval":2}"#,
        ),
        refused("authorization_pending"),
        refused("slow_down"),
        ok(r#"{"access_token":"a-token","refresh_token":"r"}"#),
    ]);
    let issuer = Issuer::discover(&server.url()).unwrap();
    let requester = requester();
    let begun = issuer.begin_device_flow(&requester).unwrap();
    assert_eq!(begun.user_code, "ABCD");
    let shown = format!("{begun:?}");
    assert!(!shown.contains("\"d\"") && !shown.contains("ABCD"), "{shown}");
    let waits = Waits::default();
    let tokens = issuer.finish_device_flow(&requester, &begun, &waits).unwrap();
    assert_eq!((tokens.access.reveal(), tokens.refresh), ("a-token", Some(Token::new("r"))));
    assert_eq!(waits.all(), [2, 2, 7].map(Duration::from_secs));
}

#[test]
fn nobody_waits_for_a_person_for_ever() {
    let pending = || refused("authorization_pending");
    let begun =
        r#"{"device_code":"d","user_code":"A","verification_uri":"https://a.example","expires_in":9,"interval":4}"#;
    let server = issuer(vec![ok(begun), pending(), pending(), pending()]);
    let issuer = Issuer::discover(&server.url()).unwrap();
    let begun = issuer.begin_device_flow(&requester()).unwrap();
    let error = issuer.finish_device_flow(&requester(), &begun, &Waits::default()).unwrap_err();
    assert_eq!(error.to_string(), "nobody agreed in time; begin again");
    assert_eq!(server.asked().len(), 4, "its description, the beginning, and two questions");
}

#[test]
fn an_issuer_that_describes_another_one_is_not_believed() {
    let server =
        Server::start(vec![ok(r#"{"issuer":"https://other.example","token_endpoint":"https://other.example/t"}"#)]);
    assert!(Issuer::discover(&server.url()).unwrap_err().to_string().contains("it describes https://other.example"));
    let plain = Server::start_with(|url| {
        vec![ok(&format!(r#"{{"issuer":"{url}","token_endpoint":"http://other.example/t"}}"#))]
    });
    assert!(Issuer::discover(&plain.url()).unwrap_err().to_string().contains("not an https URL"));
    let lost = Server::start(vec![problem(404, "not_found", &[])]);
    assert!(Issuer::discover(&lost.url()).unwrap_err().to_string().contains("status 404"));
}

#[test]
fn an_issuer_that_is_away_refuses_nobody() {
    let refresh = |server: &Server| {
        Issuer::discover(&server.url())?.refresh(&requester(), &Token::new("r")).map(|tokens| tokens.access)
    };
    let nobody = Server::start(Vec::new());
    let unreadable = Server::start(vec![ok("<html>")]);
    for (server, is_unreachable) in [
        (nobody, true),
        (Server::start(vec![Step::Break]), true),
        (Server::start(vec![answer(503, &[], "later")]), true),
        (Server::start(vec![answer(404, &[], "no")]), false),
        (unreadable, false),
        (issuer(vec![Step::Break]), true),
        (issuer(vec![answer(502, &[], "<html>")]), true),
        (issuer(vec![answer(500, &[], r#"{"error":"server_error"}"#)]), true),
        (issuer(vec![refused("invalid_grant")]), false),
    ] {
        let error = refresh(&server).unwrap_err();
        assert_eq!(error.is_unreachable(), is_unreachable, "{error}");
        let advised = error.clone().with_advice("sign in").to_string();
        assert_eq!(advised.ends_with("; sign in"), !is_unreachable, "{advised}");
    }
}
