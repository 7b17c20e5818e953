//! Tokens that somebody might try to get in with, at every operation. What is wrong with each is told apart in the tests of the http
//! crate; here it is that no operation is without the check, and that nothing is fetched from where a token says.

use std::io::ErrorKind;
use std::net::TcpListener;

use biscuit::jwa::SignatureAlgorithm::{HS256, RS256};
use biscuit::jws::Secret;
use prediction_http::openapi::{Operation, operations};
use serde_json::{Value, json};

use crate::harness::{
    Answer, Home, ISSUER, KEYS, base64url, claims_of_issuer, fresh_id, server_of_issuer, signed, signed_by_issuer,
};

#[test]
fn no_operation_takes_a_hostile_token() {
    let trap = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let tokens = hostile_tokens(&format!("http://{}/keys", trap.local_addr().unwrap()));
    assert!(tokens.len() >= 20);
    let server = server_of_issuer(&Home::on_sqlite(), &[]);
    let id = fresh_id();
    let operations: Vec<_> = operations().into_iter().filter(Operation::needs_token).collect();
    assert!(operations.len() >= 18);
    for operation in operations {
        let path = operation.path_to(&id);
        // With a good one it is something else that is wrong, or nothing.
        let good = server.client(good_token()).call(operation.method, &path).send();
        assert_ne!(good.status, 401, "{}", operation.id);
        for (name, token) in &tokens {
            refused(&server.client(token.as_str()).call(operation.method, &path).send(), name, operation.id);
        }
        let anonymous = || server.anonymous().call(operation.method, &path);
        let bearer = format!("Bearer {}", good_token());
        let twice = anonymous().header("Authorization", &bearer).header("Authorization", &bearer).send();
        assert_eq!(twice.status, 401, "{}: {}", operation.id, twice.text());
        for query in ["access_token", "token", "authorization"] {
            let answer = anonymous().query(&format!("{query}={}", good_token())).send();
            answer.problem(401, "unauthorized");
        }
    }
    server.client(good_token()).get("/api/v1/sources").expect(200);
    // Whoever had asked it would wait to be accepted.
    trap.set_nonblocking(true).unwrap();
    assert_eq!(trap.accept().unwrap_err().kind(), ErrorKind::WouldBlock, "a token made the service ask somebody");
}

#[track_caller]
fn refused(answer: &Answer, token: &str, operation: &str) {
    assert_eq!(answer.status, 401, "{token} at {operation}: {}", answer.text());
    answer.problem(401, "invalid_token");
    let challenge = answer.header("www-authenticate").unwrap();
    assert!(challenge.starts_with("Bearer ") && challenge.contains("error=\"invalid_token\""), "{token}: {challenge}");
}

fn header() -> Value {
    json!({"alg": "RS256", "typ": "at+jwt", "kid": "rsa"})
}

fn claims() -> Value {
    let mut claims = claims_of_issuer();
    claims["organisations"] = json!("*");
    claims
}

fn signed_well(header: &str, payload: &str) -> String {
    signed_by_issuer(RS256, "rsa", header, payload)
}

fn good_token() -> String {
    signed_well(&header().to_string(), &claims().to_string())
}

/// The good members with some put in, or taken out where there is `null`.
fn with(mut good: Value, changes: &Value) -> String {
    let members = good.as_object_mut().unwrap();
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            members.remove(name);
        } else {
            members.insert(name.clone(), value.clone());
        }
    }
    good.to_string()
}

fn hostile_tokens(trap: &str) -> Vec<(&'static str, String)> {
    let good = good_token();
    let [head, body, signature] = good.split('.').collect::<Vec<_>>().try_into().unwrap();
    let of_header = |changes: Value| signed_well(&with(header(), &changes), &claims().to_string());
    let of_claims = |changes: Value| signed_well(&header().to_string(), &with(claims(), &changes));
    let pem = std::fs::read(format!("{KEYS}/rsa-public.pem")).unwrap();
    let hs256 = with(header(), &json!({"alg": "HS256"}));
    let confused = signed(HS256, &Secret::Bytes(pem), &hs256, &claims().to_string());
    let own_key = json!({"kty": "oct", "k": base64url([7; 32]), "kid": "rsa"});
    let nested =
        format!(r#"{{"alg":"RS256","typ":"at+jwt","kid":"rsa","x":{}{}}}"#, "[".repeat(2_000), "]".repeat(2_000));
    let twice = r#"{"alg":"none","alg":"RS256","typ":"at+jwt","kid":"rsa"}"#;
    vec![
        ("no signature", format!("{}.{body}.", base64url(r#"{"alg":"none","typ":"at+jwt"}"#))),
        ("alg none, signed", of_header(json!({"alg": "none"}))),
        ("HS256 with the public key", confused),
        ("an algorithm of another family", of_header(json!({"alg": "ES256"}))),
        ("an address of keys", of_header(json!({"jku": trap}))),
        ("an address of certificates", of_header(json!({"x5u": trap}))),
        ("a key of its own", of_header(json!({"jwk": own_key}))),
        ("a certificate", of_header(json!({"x5c": ["MIIBszCCAVmgAwIBAgIUQm9ndXM="]}))),
        ("an extension", of_header(json!({"crit": ["exp"]}))),
        ("no name of a key", of_header(json!({"kid": null}))),
        ("an address as the name of a key", of_header(json!({"kid": trap}))),
        ("an unknown key", of_header(json!({"kid": "nobody's"}))),
        ("a key for encryption", of_header(json!({"kid": "encryption"}))),
        ("a symmetric key", of_header(json!({"kid": "symmetric"}))),
        ("an ID token", of_header(json!({"typ": "JWT"}))),
        ("a member twice", signed_well(twice, &claims().to_string())),
        ("deeply nested", signed_well(&nested, &claims().to_string())),
        ("expired", of_claims(json!({"iat": 1_600_000_000, "exp": 1_600_000_600}))),
        ("for ever", of_claims(json!({"exp": null}))),
        ("until the end of numbers", of_claims(json!({"exp": i64::MAX}))),
        ("from the end of numbers", of_claims(json!({"nbf": i64::MIN}))),
        ("another issuer", of_claims(json!({"iss": trap}))),
        ("nearly the issuer", of_claims(json!({"iss": format!("{ISSUER}/")}))),
        ("another audience", of_claims(json!({"aud": ["somebody else's"]}))),
        ("nobody", of_claims(json!({"sub": ""}))),
        ("organisations of another type", of_claims(json!({"organisations": 7}))),
        ("a claim changed", format!("{head}.{}.{signature}", base64url(with(claims(), &json!({"sub": "root"}))))),
        ("two parts", format!("{head}.{body}")),
        ("five parts", format!("{good}.{body}.{signature}")),
        ("padded", format!("{good}=")),
    ]
}
