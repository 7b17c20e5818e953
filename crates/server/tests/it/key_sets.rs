//! What an issuer publishes while a server runs, and what comes of it for the tokens of its keys.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::thread;

use biscuit::jwa::SignatureAlgorithm::{self, ES256, PS256, RS256};
use serde_json::{Value, json};

use crate::harness::{AUDIENCE, Answer, Home, ISSUER, KEYS, Server, claims_of_issuer, signed_by_issuer};

/// Publishes a key set on this machine. It ends with the process.
struct Publisher {
    address: SocketAddr,
    published: Arc<Mutex<Published>>,
}

#[derive(Default)]
struct Published {
    text: String,
    times_asked: usize,
}

impl Publisher {
    fn of(text: &str) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let published = Arc::new(Mutex::new(Published { text: text.to_owned(), times_asked: 0 }));
        let told = Arc::clone(&published);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { break };
                let head = BufReader::new(&stream).lines().map_while(Result::ok).take_while(|line| !line.is_empty());
                assert!(head.count() > 0);
                let mut published = told.lock().unwrap();
                published.times_asked += 1;
                let text = &published.text;
                let _ = write!(
                    stream,
                    "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{text}",
                    text.len()
                );
            }
        });
        Self { address, published }
    }

    fn publish(&self, text: &str) {
        text.clone_into(&mut self.published.lock().unwrap().text);
    }

    fn times_asked(&self) -> usize {
        self.published.lock().unwrap().times_asked
    }

    /// A server that has fetched its keys.
    fn server(&self, arguments: &[&str]) -> Server {
        let url = format!("http://{}/keys", self.address);
        let issuer = ["--issuer", ISSUER, "--audience", AUDIENCE, "--jwks-url", &url, "--issuer-over-http"];
        let server = Server::start_with(&Home::on_sqlite(), &[&issuer, arguments].concat());
        wait_for_keys(&server, 1);
        server
    }
}

/// Waits until keys came that often that were others than before.
fn wait_for_keys(server: &Server, times: usize) {
    let is_known = |line: &&String| line.contains("the keys of the issuer are known");
    let known = server.output().wait_until(|lines| lines.iter().filter(is_known).nth(times - 1).cloned());
    assert!(known.is_some(), "the keys are fetched");
}

/// A set with those keys of the tests.
fn set_of(names: &[&str]) -> String {
    json!({"keys": names.iter().map(|name| key(name)).collect::<Vec<_>>()}).to_string()
}

fn key(name: &str) -> Value {
    let all: Value = serde_json::from_slice(&std::fs::read(format!("{KEYS}/jwks.json")).unwrap()).unwrap();
    all["keys"].as_array().unwrap().iter().find(|key| key["kid"] == name).unwrap().clone()
}

fn sources(server: &Server, algorithm: SignatureAlgorithm, key: &str, name: &str) -> Answer {
    let header = json!({"alg": format!("{algorithm:?}"), "typ": "at+jwt", "kid": name});
    let token = signed_by_issuer(algorithm, key, &header.to_string(), &claims_of_issuer().to_string());
    server.client(token).get("/api/v1/sources")
}

#[test]
fn an_empty_set_withdraws_all_keys_and_rubbish_none() {
    let publisher = Publisher::of(&set_of(&["rsa", "ec"]));
    let server = publisher.server(&["--jwks-max-age", "1s"]);
    sources(&server, RS256, "rsa", "rsa").expect(200);
    for rubbish in ["<html>It works!</html>", "{}"] {
        publisher.publish(rubbish);
        let asked = publisher.times_asked();
        let failed = |line: &&String| line.contains("the keys of the issuer could not be fetched");
        let before = server.output().text().lines().filter(|line| line.contains("could not be fetched")).count();
        server.output().wait_until(|lines| lines.iter().filter(failed).nth(before).cloned()).unwrap();
        assert!(publisher.times_asked() > asked);
        sources(&server, RS256, "rsa", "rsa").expect(200);
        server.anonymous().get("/health/ready").expect(200);
    }
    for (times, (without, with)) in
        [(r#"{"keys": []}"#.to_owned(), "rsa"), (set_of(&["symmetric", "encryption"]), "ec")].into_iter().enumerate()
    {
        publisher.publish(&without);
        wait_for_keys(&server, 2 + 2 * times);
        sources(&server, RS256, "rsa", "rsa").problem(401, "invalid_token");
        server.anonymous().get("/health/ready").problem(503, "not_ready");
        server.anonymous().get("/health/live").expect(200);
        publisher.publish(&set_of(&["rsa", with]));
        wait_for_keys(&server, 3 + 2 * times);
        sources(&server, RS256, "rsa", "rsa").expect(200);
        server.anonymous().get("/health/ready").expect(200);
    }
}

#[test]
fn a_new_key_is_503_while_the_issuer_cannot_be_asked() {
    let publisher = Publisher::of(&set_of(&["rsa"]));
    let server = publisher.server(&[]);
    sources(&server, RS256, "rsa", "rsa").expect(200);
    // The issuer is asked; on a busy machine that may take longer than a request waits for it.
    let judge = |name: &str| sources(&server, ES256, "ec", name);
    let mut made_up = judge("made up");
    while made_up.status == 503 {
        made_up = judge("made up");
    }
    made_up.problem(401, "invalid_token");
    publisher.publish(&set_of(&["rsa", "ec"]));
    let asked = publisher.times_asked();
    for (name, expected) in [("ec", 503), ("made up", 401), ("made up, too", 503), ("ec", 503)] {
        let answer = judge(name);
        if publisher.times_asked() > asked {
            // Half a minute is over.
            break;
        }
        assert_eq!(answer.status, expected, "{name}: {}", answer.text());
        if expected == 503 {
            answer.problem(503, "keys_unavailable");
            let seconds: u64 = answer.header("retry-after").unwrap().parse().unwrap();
            assert!((1..=30).contains(&seconds), "{seconds}");
        }
        sources(&server, RS256, "rsa", "rsa").expect(200);
    }
}

#[test]
fn a_name_for_several_keys_is_taken_where_it_is_clear() {
    let named = |name: &str, changes: Value| {
        let mut key = key(name);
        key.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        key["kid"] = json!("a");
        key
    };
    let one = json!({"keys": [named("rsa-rs256", json!({})), named("rsa-ps256", json!({})), named("rsa-rs256", json!({})), named("ec", json!({}))]});
    let publisher = Publisher::of(&one.to_string());
    let server = publisher.server(&["--jwks-max-age", "1s"]);
    for (algorithm, key) in [(RS256, "rsa"), (PS256, "rsa"), (ES256, "ec")] {
        sources(&server, algorithm, key, "a").expect(200);
    }
    let ambiguous =
        json!({"keys": [named("rsa-rs256", json!({})), named("rsa", json!({"e": "Aw"})), named("ec", json!({}))]});
    publisher.publish(&ambiguous.to_string());
    wait_for_keys(&server, 2);
    sources(&server, RS256, "rsa", "a").problem(401, "invalid_token");
    sources(&server, ES256, "ec", "a").expect(200);
    let left_out = server.output().wait_for(|line| line["message"] == "a key of the issuer is left out").unwrap();
    assert!(left_out["reason"].as_str().unwrap().contains("another key for the same algorithm"), "{left_out}");
}
