//! What is fetched from an issuer, and what is not taken from one that lies, dawdles or talks too much.

#![expect(clippy::unwrap_used, reason = "a test fails where something cannot be had")]

mod issuer;

use std::time::{Duration, Instant};

use prediction_adapters_web::{AddressError, FetchError, Place, PublishedKeys, Transport};
use prediction_identity::key_set::MAX_KEY_SET_BYTES;

use crate::issuer::{Answer, Issuer};

/// For issuers that answer: long, so that a busy machine fails no test.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

const KEYS: &str = r#"{"keys": []}"#;

fn at(url: &str) -> PublishedKeys {
    PublishedKeys::within(Place::At(url.to_owned()), Transport::HttpToThisMachine, LONGEST_WAIT).unwrap()
}

fn discovered(issuer: &str) -> PublishedKeys {
    PublishedKeys::within(Place::Discovered(issuer.to_owned()), Transport::HttpToThisMachine, LONGEST_WAIT).unwrap()
}

fn description(issuer: &str, keys: &str) -> String {
    format!(r#"{{"issuer": "{issuer}", "jwks_uri": "{keys}", "response_types_supported": ["code"]}}"#)
}

#[test]
fn keys_are_where_they_are_said_to_be() {
    let issuer = Issuer::start(|path| match path {
        "/keys" => Answer::ok(KEYS),
        _ => Answer::status(404),
    });
    assert_eq!(at(&issuer.url("/keys")).fetch_now().unwrap(), KEYS.as_bytes());
    assert_eq!(issuer.asked(), ["/keys"]);
}

#[test]
fn keys_are_where_the_issuer_says() {
    for realm in ["", "/", "/realms/fields", "/realms/fields/"] {
        let issuer =
            Issuer::start_knowing_itself(move |me, path| match path.strip_prefix(realm.trim_end_matches('/')) {
                Some("/.well-known/openid-configuration") => {
                    Answer::ok(description(&format!("{me}{realm}"), &format!("{me}/the-keys")))
                }
                _ if path == "/the-keys" => Answer::ok(KEYS),
                _ => Answer::status(404),
            });
        let keys = discovered(&issuer.url(realm));
        // Each time anew: the issuer may move them.
        for _ in 0..2 {
            assert_eq!(keys.fetch_now().unwrap(), KEYS.as_bytes(), "{realm}");
        }
        assert_eq!(issuer.asked().len(), 4);
    }
}

#[test]
fn a_description_is_of_the_issuer_itself() {
    for told in ["https://issuer.example", "", "HTTP://127.0.0.1"] {
        let issuer = Issuer::start_knowing_itself(move |me, _| Answer::ok(description(told, &format!("{me}/keys"))));
        let error = discovered(&issuer.url("")).fetch_now().unwrap_err();
        assert!(matches!(error, FetchError::OtherIssuer { .. }), "{told}: {error}");
        assert_eq!(issuer.asked().len(), 1);
    }
    // To the letter: what the tokens say is compared with the same name.
    let issuer =
        Issuer::start_knowing_itself(|me, _| Answer::ok(description(&format!("{me}/"), &format!("{me}/keys"))));
    assert!(matches!(discovered(&issuer.url("")).fetch_now().unwrap_err(), FetchError::OtherIssuer { .. }));
}

#[test]
fn a_description_sends_nowhere_else_than_over_tls_or_to_this_machine() {
    for (keys, expected) in [
        ("http://keys.example/", AddressError::NotThisMachine),
        ("http://10.0.0.1/keys", AddressError::NotThisMachine),
        ("file://localhost/etc/passwd", AddressError::NotThisMachine),
        ("https://user:password@keys.example/", AddressError::UserOrFragment),
        ("/keys", AddressError::NotAUrl),
        ("", AddressError::NotAUrl),
    ] {
        let issuer = Issuer::start_knowing_itself(move |me, _| Answer::ok(description(me, keys)));
        let error = discovered(&issuer.url("")).fetch_now().unwrap_err();
        assert!(matches!(error, FetchError::KeyAddress(found) if found == expected), "{keys}: {error}");
    }
}

#[test]
fn what_is_no_description_is_refused() {
    for text in [
        "",
        "<html></html>",
        "[]",
        "{}",
        r#"{"issuer": "a"}"#,
        r#"{"jwks_uri": "a"}"#,
        r#"{"issuer": 1, "jwks_uri": "a"}"#,
        r#"{"issuer": ["a"], "jwks_uri": "a"}"#,
        r#"{"issuer": "a", "jwks_uri": null}"#,
        r#"{"issuer": "a", "issuer": "a", "jwks_uri": "a"}"#,
        r#"{"issuer": "a", "jwks_uri": "a", "jwks_uri": "b"}"#,
    ] {
        let issuer = Issuer::start(move |_| Answer::ok(text));
        let error = discovered(&issuer.url("")).fetch_now().unwrap_err();
        let is_expected = matches!(error, FetchError::NotJson { .. } | FetchError::NotADescription { .. });
        assert!(is_expected, "{text}: {error}");
        assert_eq!(issuer.asked().len(), 1);
    }
}

#[test]
fn only_success_counts() {
    for status in [201, 204, 206, 304, 400, 401, 404, 429, 500, 503] {
        let issuer = Issuer::start(move |_| Answer::status(status));
        let error = at(&issuer.url("/keys")).fetch_now().unwrap_err();
        assert!(matches!(error, FetchError::Status { status: found, .. } if found == status), "{status}: {error}");
    }
}

#[test]
fn redirections_are_not_followed() {
    let trap = Issuer::start(|_| Answer::ok(KEYS));
    for status in [301, 302, 303, 307, 308] {
        let to = trap.url("/keys");
        let issuer = Issuer::start(move |_| Answer::status(status).header("Location", &to));
        let error = at(&issuer.url("/keys")).fetch_now().unwrap_err();
        assert!(matches!(error, FetchError::Status { status: found, .. } if found == status), "{status}: {error}");
    }
    assert!(trap.asked().is_empty());
}

#[test]
fn an_answer_has_an_end() {
    let just = " ".repeat(MAX_KEY_SET_BYTES);
    let text = just.clone();
    let issuer = Issuer::start(move |_| Answer::ok(text.clone()));
    assert_eq!(at(&issuer.url("/")).fetch_now().unwrap(), just.as_bytes());

    let text = " ".repeat(MAX_KEY_SET_BYTES + 1);
    let issuer = Issuer::start(move |_| Answer::ok(text.clone()));
    assert!(matches!(at(&issuer.url("/")).fetch_now().unwrap_err(), FetchError::NoAnswer { .. }));

    let issuer = Issuer::start(|_| Answer::endless());
    assert!(matches!(at(&issuer.url("/")).fetch_now().unwrap_err(), FetchError::NoAnswer { .. }));
}

#[test]
fn no_server_is_waited_for_longer_than_agreed() {
    let limit = Duration::from_millis(200);
    for answer in [Answer::never, Answer::dribbled] {
        let issuer = Issuer::start(move |_| answer());
        let keys = PublishedKeys::within(Place::At(issuer.url("/")), Transport::HttpToThisMachine, limit).unwrap();
        let start = Instant::now();
        assert!(matches!(keys.fetch_now().unwrap_err(), FetchError::NoAnswer { .. }));
        assert!(start.elapsed() >= limit && start.elapsed() < LONGEST_WAIT, "{:?}", start.elapsed());
    }
}

#[test]
fn an_issuer_that_is_away_is_told() {
    let url = Issuer::start(|_| Answer::never()).url("/keys");
    let error = at(&url).fetch_now().unwrap_err();
    assert!(error.to_string().starts_with(&url), "{error}");
}

#[test]
fn plain_text_has_to_be_asked_for() {
    for place in [Place::Discovered("http://127.0.0.1/".to_owned()), Place::At("http://127.0.0.1/".to_owned())] {
        assert_eq!(PublishedKeys::new(place, Transport::Https).err(), Some(AddressError::NotHttps));
    }
}
