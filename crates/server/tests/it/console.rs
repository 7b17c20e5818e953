//! The console, as a browser gets it. What it does there: `scripts/lib/console_tests`.

use prediction_console::{FOLDER, content_security_policy, names};
use serde_json::{Value, json};

use crate::harness::{AUDIENCE, Answer, Home, ISSUER, Server, server_of_issuer};

fn is_told_what_it_may_do(answer: &Answer, path: &str) {
    assert_eq!(answer.header("content-security-policy"), Some(&*content_security_policy([])), "{path}");
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
    assert_eq!(answer.header("referrer-policy"), Some("no-referrer"), "{path}");
    assert_eq!(answer.header("cross-origin-opener-policy"), Some("same-origin"), "{path}");
    assert_eq!(answer.header("cache-control"), Some("no-cache"), "{path}");
}

#[test]
fn a_browser_gets_every_file_and_keeps_it() {
    let server = Server::start(&Home::on_sqlite());
    let client = server.anonymous();
    let files = names().map(|name| format!("{FOLDER}{name}"));
    for path in std::iter::once("/".to_owned()).chain(files) {
        let answer = client.get(&path);
        assert_eq!(answer.status, 200, "{path}");
        is_told_what_it_may_do(&answer, &path);
        let kind = answer.header("content-type").unwrap();
        let kinds =
            ["text/html; charset=utf-8", "text/css; charset=utf-8", "text/javascript; charset=utf-8", "image/svg+xml"];
        assert!(kinds.contains(&kind), "{path}: {kind}");
        let tag = answer.header("etag").unwrap();
        let known = client.call("GET", &path).header("If-None-Match", tag).send();
        assert_eq!((known.status, known.header("etag"), known.body.len()), (304, Some(tag), 0), "{path}");
        is_told_what_it_may_do(&known, &path);
        let head = client.call("HEAD", &path).send();
        assert_eq!((head.status, head.header("etag"), head.body.len()), (200, Some(tag), 0), "{path}");
        client.delete(&path).problem(405, "method_not_allowed");
    }
    for path in
        ["/console/nothing.js", "/console/", "/console/lib", "/console/../Cargo.toml", "/console/%2e%2e/Cargo.toml"]
    {
        assert_eq!(client.get(path).status, 404, "{path}");
    }
}

#[test]
fn files_of_one_page_are_one_request_of_an_address() {
    let server = Server::start_with(&Home::on_sqlite(), &["--limit-per-peer", "2"]);
    let client = server.anonymous();
    assert_eq!(client.get("/").status, 200);
    for name in names() {
        assert_eq!(client.get(&format!("{FOLDER}{name}")).status, 200, "{name}");
    }
}

#[test]
fn an_operator_can_do_without_it() {
    let server = Server::start_with(&Home::on_sqlite(), &["--no-console"]);
    let client = server.anonymous();
    let answer = client.get("/");
    assert_eq!((answer.status, answer.header("location")), (303, Some("/docs/")));
    client.get("/console/app.js").problem(404, "unknown_route");
}

#[test]
fn the_console_is_told_where_people_sign_in() {
    let local = Server::start(&Home::on_sqlite());
    let answer = local.anonymous().get("/console/sign_in.json").expect(200);
    assert_eq!(answer, json!({"provider": Value::Null}), "a token is pasted");
    local.anonymous().post("/console/sign_in.json", &json!({})).problem(405, "method_not_allowed");

    let token_origin = "https://oauth2.example";
    let options = ["--console-client-id", "the console", "--console-token-origin", token_origin];
    let server = server_of_issuer(&Home::on_sqlite(), &options);
    let answer = server.anonymous().get("/console/sign_in.json");
    assert_eq!(answer.header("cache-control"), Some("no-cache"));
    let scope = "openid catalog:write inputs:read jobs:read jobs:write predictions:read";
    let provider = json!({"issuer": ISSUER, "client_id": "the console", "scope": scope, "audience": AUDIENCE});
    assert_eq!(answer.expect(200), json!({"provider": provider}));
    let policy = content_security_policy(["https://issuer.example", token_origin]);
    for path in ["/", "/console/app.js"] {
        assert_eq!(server.anonymous().get(path).header("content-security-policy"), Some(&*policy), "{path}");
    }
}

#[test]
fn people_sign_in_at_an_issuer_or_not_at_all() {
    let home = Home::on_sqlite();
    let issuer = ["--issuer", "https://issuer.example", "--audience", "a"];
    let console = ["--console-client-id", "console"];
    for (options, status, named) in [
        (console.to_vec(), 2, "--issuer <URL>"),
        (["--console-scope", "openid"].to_vec(), 2, "--console-client-id <ID>"),
        ([&issuer[..], &["--console-token-origin", "https://a.example"]].concat(), 2, "--console-client-id <ID>"),
        ([&issuer[..], &console, &["--no-console"]].concat(), 2, "cannot be used with '--no-console'"),
        ([&issuer[..], &console, &["--console-scope", "jobs:read"]].concat(), 2, "openid has to be one of them"),
        ([&issuer[2..], &console, &["--issuer", "http://issuer.example"]].concat(), 1, "cannot use --issuer"),
        (
            [&issuer[2..], &console, &["--issuer", "http://issuer.example", "--jwks-url", "https://a.example"]]
                .concat(),
            1,
            "cannot use --console-client-id: people cannot sign in at the --issuer: it is not an https URL",
        ),
    ] {
        let output = home.run(&[&["serve", "--listen", "127.0.0.1:0"], &options[..]].concat());
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(status), "{options:?}: {complaint}");
        assert!(complaint.contains(named), "{options:?}: {complaint}");
    }
}

/// Whether the operator has answers compressed or not.
#[test]
fn files_are_sent_compressed() {
    for options in [&[] as &[&str], &["--compress"]] {
        let server = Server::start_with(&Home::on_sqlite(), options);
        let ask = |accept: &str| server.anonymous().call("GET", "/console/app.js").header("Accept-Encoding", accept);
        let plain = ask("identity").send();
        assert_eq!(
            (plain.header("content-encoding"), plain.header("vary")),
            (None, Some("Accept-Encoding")),
            "{options:?}"
        );
        let gzipped = ask("gzip, deflate, br, zstd").send();
        assert_eq!(gzipped.header("content-encoding"), Some("gzip"), "{options:?}");
        assert!(gzipped.body.len() < plain.body.len(), "{options:?}");
        let (tag, plain_tag) = (gzipped.header("etag").unwrap(), plain.header("etag").unwrap());
        assert_eq!(tag.replace("+gzip", ""), plain_tag, "{options:?}");
        let known = ask("gzip, deflate, br, zstd").header("If-None-Match", tag).send();
        assert_eq!((known.status, known.header("etag")), (304, Some(tag)), "{options:?}");
        assert_eq!(ask("identity").header("If-None-Match", plain_tag).send().status, 304, "{options:?}");
    }
}
