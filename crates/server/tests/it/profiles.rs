//! Access tokens as Entra ID, Okta, Auth0 and Cognito make them, through a server that was told whose they are. Which
//! shapes each of them has is in docs/auth.md; what each profile refuses is told apart in the tests of the http crate.

use std::fs;

use biscuit::jwa::SignatureAlgorithm::RS256;
use serde_json::{Value, json};

use crate::harness::{
    AUDIENCE, Answer, Home, KEYS, ORGANISATION_A, ORGANISATION_B, Server, claims_of_issuer, server_of_issuer,
    signed_by_issuer,
};

const TENANT: &str = "3aa7a7c5-0f6d-4c3f-9f4a-57fd1a0a2b11";

/// A token with that type in its header, and these claims beside those that every token has.
fn token(typ: Option<&str>, claims: &Value) -> String {
    let mut header = json!({"alg": "RS256", "kid": "rsa"});
    if let Some(typ) = typ {
        header["typ"] = json!(typ);
    }
    let mut payload = claims_of_issuer();
    payload.as_object_mut().unwrap().remove("scope");
    for (name, value) in claims.as_object().unwrap() {
        match value {
            Value::Null => payload.as_object_mut().unwrap().remove(name),
            value => payload.as_object_mut().unwrap().insert(name.clone(), value.clone()),
        };
    }
    signed_by_issuer(RS256, "rsa", &header.to_string(), &payload.to_string())
}

fn jobs(server: &Server, token: String, organisation: &str) -> Answer {
    server.client(token).get(&format!("/api/v1/jobs?organisation_id={organisation}"))
}

#[track_caller]
fn refused(answer: &Answer, part: &str) {
    let problem = answer.problem(401, "invalid_token");
    assert!(problem["detail"].as_str().unwrap().contains(part), "{part}: {problem}");
    assert!(answer.header("www-authenticate").unwrap().contains(part));
}

#[test]
fn entra_with_organisations_in_a_table() {
    let home = Home::on_sqlite();
    let table = home.folder().join("organisations.json");
    let rows = json!({"groups": {"0d6f": [ORGANISATION_A]}, "azp": {"runner": "*"}});
    fs::write(&table, rows.to_string()).unwrap();
    let issuer = format!("https://login.microsoftonline.com/{TENANT}/v2.0");
    let arguments = ["--token-profile", "entra", "--organisations-file", &table.display().to_string()];
    let server = server_of_named_issuer(&home, &issuer, &arguments);
    let entra = |claims: Value| {
        let mut all = json!({"iss": issuer, "ver": "2.0", "tid": TENANT, "azp": "a-program", "azpacr": "1"});
        all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
        token(Some("JWT"), &all)
    };
    let user = || entra(json!({"scp": "jobs:read access_as_user", "groups": ["0d6f", "1e7a"]}));
    jobs(&server, user(), ORGANISATION_A).expect(200);
    jobs(&server, user(), ORGANISATION_B).problem(403, "organisation_out_of_scope");
    let runner = || entra(json!({"azp": "runner", "roles": ["jobs:read", "catalog:write"], "idtyp": "app"}));
    jobs(&server, runner(), ORGANISATION_B).expect(200);
    server.client(runner()).post("/api/v1/sources", &json!({"name": "by a program"})).expect(201);
    server.client(user()).post("/api/v1/sources", &json!({"name": "b"})).problem(403, "insufficient_scope");
    let first_version =
        entra(json!({"ver": "1.0", "iss": format!("https://sts.windows.net/{TENANT}/"), "scp": "jobs:read"}));
    refused(&jobs(&server, first_version, ORGANISATION_A), "version 1.0 (ver)");
    let id_token = entra(json!({"azp": null, "roles": ["jobs:read"], "nonce": "n"}));
    refused(&jobs(&server, id_token, ORGANISATION_A), "ID token");
    let other = "9f2b5c1e-7d57-4f39-9a54-0a3f6f1f6c11";
    let elsewhere =
        json!({"scp": "jobs:read", "tid": other, "iss": format!("https://login.microsoftonline.com/{other}/v2.0")});
    refused(&jobs(&server, entra(elsewhere), ORGANISATION_A), "(iss)");
}

#[test]
fn okta_with_a_claim_of_groups() {
    let home = Home::on_sqlite();
    let server = server_of_issuer(&home, &["--token-profile", "okta", "--organisations-group-prefix", "org:"]);
    let okta = |claims: Value| {
        let mut all =
            json!({"ver": 1, "jti": "AT.0mP4JKAZX1iACIT4vbEDF7LpvDVjxypPMf0D7uX39RE", "cid": "0oa1", "uid": "00u1"});
        all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
        token(None, &all)
    };
    let group = format!("org:{ORGANISATION_A}");
    let user = || okta(json!({"scp": ["openid", "jobs:read"], "groups": ["Everyone", group, "org:*", "*"]}));
    jobs(&server, user(), ORGANISATION_A).expect(200);
    jobs(&server, user(), ORGANISATION_B).problem(403, "organisation_out_of_scope");
    refused(&jobs(&server, okta(json!({"scp": null, "at_hash": "AAAA", "cid": null})), ORGANISATION_A), "(cid)");
    refused(&jobs(&server, okta(json!({"scp": 7, "groups": []})), ORGANISATION_A), "scope");
}

#[test]
fn auth0_with_a_namespaced_claim_and_permissions() {
    let home = Home::on_sqlite();
    let claim = "https://predictions.example/organisations";
    let server = server_of_issuer(&home, &["--token-profile", "auth0", "--organisations-claim", claim]);
    let auth0 = |claims: Value| {
        let mut all = json!({"azp": "client", "aud": [AUDIENCE, "https://tenant.eu.auth0.com/userinfo"], "scope": "openid profile"});
        all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
        token(Some("JWT"), &all)
    };
    jobs(&server, auth0(json!({"permissions": ["jobs:read"], claim: [ORGANISATION_A]})), ORGANISATION_A).expect(200);
    jobs(&server, auth0(json!({"scope": "jobs:read", claim: "*"})), ORGANISATION_B).expect(200);
    let none = auth0(json!({"permissions": [], "scope": "jobs:read", claim: [ORGANISATION_A]}));
    jobs(&server, none, ORGANISATION_A).problem(403, "insufficient_scope");
    let id_token = auth0(json!({"scope": null, "azp": null, "nonce": "n", claim: "*"}));
    refused(&jobs(&server, id_token, ORGANISATION_A), "ID token");
}

#[test]
fn cognito_with_prefixed_scopes_and_several_clients() {
    let home = Home::on_sqlite();
    let arguments = [
        "--token-profile",
        "cognito",
        "--scope-prefix",
        "predictions/",
        "--organisations-group-prefix",
        "org:",
        "--audience",
        "another-client",
    ];
    let server = server_of_issuer(&home, &arguments);
    let cognito = |claims: &Value| {
        let mut all = json!({"aud": null, "token_use": "access", "client_id": AUDIENCE, "version": 2, "scope": "predictions/jobs:read"});
        all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
        token(None, &all)
    };
    let groups = json!({"cognito:groups": [format!("org:{ORGANISATION_A}")]});
    jobs(&server, cognito(&groups), ORGANISATION_A).expect(200);
    jobs(&server, cognito(&groups), ORGANISATION_B).problem(403, "organisation_out_of_scope");
    let of_another = json!({"client_id": "another-client", "cognito:groups": [format!("org:{ORGANISATION_A}")]});
    jobs(&server, cognito(&of_another), ORGANISATION_A).expect(200);
    jobs(&server, cognito(&json!({"scope": "others/jobs:read jobs:read"})), ORGANISATION_A)
        .problem(403, "insufficient_scope");
    refused(&jobs(&server, cognito(&json!({"client_id": "a third"})), ORGANISATION_A), "(client_id)");
    refused(&jobs(&server, cognito(&json!({"token_use": "id", "aud": AUDIENCE})), ORGANISATION_A), "(token_use)");
}

/// A customer of 150 organisations and more, and what is longer than that.
#[test]
fn a_long_token_gets_through_the_door() {
    let home = Home::on_sqlite();
    let server = server_of_issuer(&home, &[]);
    let of = |count: u128| {
        let mut ids: Vec<String> = (1..count).map(|id| uuid::Uuid::from_u128(id).to_string()).collect();
        ids.push(ORGANISATION_A.to_owned());
        token(Some("at+jwt"), &json!({"scope": "jobs:read", "organisations": ids}))
    };
    for count in [150, 300] {
        // Twice: the second time it is remembered.
        jobs(&server, of(count), ORGANISATION_A).expect(200);
        jobs(&server, of(count), ORGANISATION_A).expect(200);
        jobs(&server, of(count), ORGANISATION_B).problem(403, "organisation_out_of_scope");
    }
    refused(&jobs(&server, of(400), ORGANISATION_A), "longer than 16 KiB");
}

#[test]
fn a_token_that_is_bound_to_a_key_of_its_sender_is_not_one_for_bearers() {
    let home = Home::on_sqlite();
    let server = server_of_issuer(&home, &[]);
    let bound = |cnf: Value| token(Some("at+jwt"), &json!({"scope": "jobs:read", "organisations": "*", "cnf": cnf}));
    for cnf in [
        json!({"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}),
        json!({"x5t#S256": "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"}),
        json!({}),
    ] {
        refused(&jobs(&server, bound(cnf), ORGANISATION_A), "bound to a key of its sender (cnf)");
    }
}

fn server_of_named_issuer(home: &std::sync::Arc<Home>, issuer: &str, arguments: &[&str]) -> Server {
    let file = format!("{KEYS}/jwks.json");
    let named = ["--jwks-file", &file, "--issuer", issuer, "--audience", AUDIENCE];
    Server::start_with(home, &[&named, arguments].concat())
}
