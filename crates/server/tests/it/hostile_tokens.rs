//! Tokens that an attacker might try, at every operation. What is wrong with each is told apart in the
//! tests of the http crate; here it is that no operation is without the check, and that nothing is fetched from where a
//! token says.

use std::io::ErrorKind;
use std::net::TcpListener;

use biscuit::jwa::SignatureAlgorithm::{HS256, RS256};
use biscuit::jws::Secret;
use prediction_http::openapi::{Operation, operations};
use serde_json::{Value, json};

use crate::harness::{
    AUDIENCE, Answer, Home, ISSUER, KEYS, Server, base64url, claims_of_issuer, fresh_id, server_of_issuer, signed,
    signed_by_issuer,
};

/// Tokens of a profile: the option, the type in the header, and the claims that make an access token of it.
struct Shape {
    profile: &'static str,
    typ: Option<&'static str>,
    own: Value,
}

fn shapes() -> [Shape; 6] {
    let shape = |profile, typ, own| Shape { profile, typ, own };
    [
        shape("rfc9068", Some("at+jwt"), json!({})),
        shape("keycloak", Some("JWT"), json!({"typ": "Bearer"})),
        shape(
            "entra",
            Some("JWT"),
            json!({"ver": "2.0", "azp": "a program", "scp": "catalog:write jobs:read jobs:write"}),
        ),
        shape("okta", None, json!({"ver": 1, "cid": "a client", "scp": ["catalog:write", "jobs:read", "jobs:write"]})),
        shape("auth0", Some("JWT"), json!({"azp": "a client", "aud": [AUDIENCE, "https://issuer.example/userinfo"]})),
        shape("cognito", None, json!({"aud": null, "token_use": "access", "client_id": AUDIENCE, "version": 2})),
    ]
}

#[test]
fn no_operation_takes_a_hostile_token() {
    let trap = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    for shape in shapes() {
        let tokens = shape.hostile_tokens(&format!("http://{}/keys", trap.local_addr().unwrap()));
        assert!(tokens.len() >= 20);
        let server = server_of_issuer(&Home::on_sqlite(), &["--token-profile", shape.profile]);
        no_operation_takes(&server, &shape, &tokens);
    }
    // A service that had asked it would wait to be accepted.
    trap.set_nonblocking(true).unwrap();
    assert_eq!(trap.accept().unwrap_err().kind(), ErrorKind::WouldBlock, "a token made the service ask another server");
}

fn no_operation_takes(server: &Server, shape: &Shape, tokens: &[(&'static str, String)]) {
    let id = fresh_id();
    let operations: Vec<_> = operations().into_iter().filter(Operation::needs_token).collect();
    assert!(operations.len() >= 18);
    let good_token = shape.good_token();
    for operation in operations {
        let path = operation.path_to(&id);
        // With a good one it is something else that is wrong, or nothing.
        let good = server.client(good_token.as_str()).call(operation.method, &path).send();
        assert_ne!(good.status, 401, "{} {}", shape.profile, operation.id);
        for (name, token) in tokens {
            let name = format!("{}: {name}", shape.profile);
            refused(&server.client(token.as_str()).call(operation.method, &path).send(), &name, operation.id);
        }
        let anonymous = || server.anonymous().call(operation.method, &path);
        let bearer = format!("Bearer {good_token}");
        let twice = anonymous().header("Authorization", &bearer).header("Authorization", &bearer).send();
        assert_eq!(twice.status, 401, "{}: {}", operation.id, twice.text());
        for query in ["access_token", "token", "authorization"] {
            let answer = anonymous().query(&format!("{query}={good_token}")).send();
            answer.problem(401, "unauthorized");
        }
    }
    server.client(good_token).get("/api/v1/sources").expect(200);
}

#[track_caller]
fn refused(answer: &Answer, token: &str, operation: &str) {
    assert_eq!(answer.status, 401, "{token} at {operation}: {}", answer.text());
    answer.problem(401, "invalid_token");
    let challenge = answer.header("www-authenticate").unwrap();
    assert!(challenge.starts_with("Bearer ") && challenge.contains("error=\"invalid_token\""), "{token}: {challenge}");
}

fn signed_well(header: &str, payload: &str) -> String {
    signed_by_issuer(RS256, "rsa", header, payload)
}

impl Shape {
    fn header(&self) -> Value {
        let header = json!({"alg": "RS256", "kid": "rsa"});
        self.typ.map_or(header.clone(), |typ| serde_json::from_str(&with(header, &json!({ "typ": typ }))).unwrap())
    }

    fn claims(&self) -> Value {
        let mut claims = claims_of_issuer();
        claims["organisations"] = json!("*");
        serde_json::from_str(&with(claims, &self.own)).unwrap()
    }

    fn good_token(&self) -> String {
        signed_well(&self.header().to_string(), &self.claims().to_string())
    }
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

impl Shape {
    fn hostile_tokens(&self, trap: &str) -> Vec<(&'static str, String)> {
        let (good, header, claims) = (self.good_token(), || self.header(), || self.claims());
        let [head, body, signature] = good.split('.').collect::<Vec<_>>().try_into().unwrap();
        let of_header = |changes: Value| signed_well(&with(header(), &changes), &claims().to_string());
        let of_claims = |changes: Value| signed_well(&header().to_string(), &with(claims(), &changes));
        let pem = std::fs::read(format!("{KEYS}/rsa-public.pem")).unwrap();
        let hs256 = with(header(), &json!({"alg": "HS256"}));
        let confused = signed(HS256, &Secret::Bytes(pem), &hs256, &claims().to_string());
        let own_key = json!({"kty": "oct", "k": base64url([7; 32]), "kid": "rsa"});
        let members = header().to_string();
        let members = members.strip_prefix('{').unwrap();
        let nested = format!(r#"{{"x":{}{},{members}"#, "[".repeat(2_000), "]".repeat(2_000));
        let twice = format!(r#"{{"alg":"none",{members}"#);
        vec![
            ("no signature", format!("{}.{body}.", base64url(with(header(), &json!({"alg": "none"}))))),
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
            ("an unknown key", of_header(json!({"kid": "unknown"}))),
            ("a key for encryption", of_header(json!({"kid": "encryption"}))),
            ("a symmetric key", of_header(json!({"kid": "symmetric"}))),
            ("another type", of_header(json!({"typ": "logout+jwt"}))),
            ("an ID token", of_claims(json!({"nonce": "n", "at_hash": "AAAA"}))),
            ("an ID token by its use", of_claims(json!({"token_use": "id"}))),
            ("an ID token by its type", of_claims(json!({"typ": "ID"}))),
            (
                "bound to a key of its sender",
                of_claims(json!({"cnf": {"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}})),
            ),
            ("a member twice", signed_well(&twice, &claims().to_string())),
            ("deeply nested", signed_well(&nested, &claims().to_string())),
            ("expired", of_claims(json!({"iat": 1_600_000_000, "exp": 1_600_000_600}))),
            ("for ever", of_claims(json!({"exp": null}))),
            ("until the end of numbers", of_claims(json!({"exp": i64::MAX}))),
            ("from the end of numbers", of_claims(json!({"nbf": i64::MIN}))),
            ("another issuer", of_claims(json!({"iss": trap}))),
            ("nearly the issuer", of_claims(json!({"iss": format!("{ISSUER}/")}))),
            ("another audience", of_claims(json!({"aud": ["another program's"], "client_id": "another program's"}))),
            ("no subject", of_claims(json!({"sub": ""}))),
            ("organisations of another type", of_claims(json!({"organisations": 7}))),
            ("a claim changed", format!("{head}.{}.{signature}", base64url(with(claims(), &json!({"sub": "root"}))))),
            ("two parts", format!("{head}.{body}")),
            ("five parts", format!("{good}.{body}.{signature}")),
            ("padded", format!("{good}=")),
            ("longer than 16 KiB", of_claims(json!({"pad": "x".repeat(13_000)}))),
        ]
    }
}
