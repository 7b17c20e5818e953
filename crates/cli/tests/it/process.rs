//! The command as a process.

use std::process::{Command, Output, Stdio};

use serde_json::json;

use crate::canned::{Server, page};

fn prediction(arguments: &[&str]) -> Output {
    command(arguments).output().unwrap()
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_prediction"));
    command.env_clear().args(arguments).stdin(Stdio::null());
    command
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn statuses_tell_what_happened() {
    assert_eq!(prediction(&["--help"]).status.code(), Some(0));
    assert_eq!(prediction(&["--version"]).status.code(), Some(0));
    for usage in [&["get"][..], &["get", "things"], &["nonsense"], &[], &["wait", "job", "a", "--for", "rain"]] {
        assert_eq!(prediction(usage).status.code(), Some(64), "{usage:?}");
    }
    let unreachable = prediction(&["api", "GET", "/health/live", "--url", "http://127.0.0.1:1", "--deadline", "1s"]);
    assert_eq!(unreachable.status.code(), Some(3), "{}", text(&unreachable.stderr));
    let nobody = prediction(&["status", "--url", "https://predictions.example"]);
    assert_eq!(nobody.status.code(), Some(4), "{}", text(&nobody.stderr));
    assert!(text(&nobody.stderr).contains("set PREDICTION_TOKEN"));
}

#[test]
fn a_closed_pipe_ends_quietly() {
    for arguments in [&["explain", "job"][..], &["completions", "bash"], &["--help"]] {
        let mut child = command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let ended = child.wait_with_output().unwrap();
        assert_eq!((ended.status.code(), text(&ended.stderr)), (Some(0), ""), "{arguments:?}");
    }
}

#[test]
fn completions_and_manuals_are_of_every_verb() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let printed = prediction(&["completions", shell]);
        assert!(printed.status.success());
        assert!(text(&printed.stdout).contains("whoami"), "{shell}");
    }
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("man");
    assert!(prediction(&["man", pages.to_str().unwrap()]).status.success());
    for page in ["prediction.1", "prediction-get.1", "prediction-context-add.1"] {
        assert!(pages.join(page).is_file(), "{page}");
    }
}

#[test]
fn no_colour_goes_into_a_pipe() {
    let printed = prediction(&["explain", "job"]);
    assert!(!printed.stdout.contains(&0x1b));
}

#[test]
fn no_proxy_stands_between_a_command_and_its_own_machine() {
    // One server is the issuer and the service; the proxy is where nobody listens.
    let server = Server::start_with(|url| {
        vec![
            (
                "GET /.well-known/openid-configuration".to_owned(),
                json!({ "issuer": url, "token_endpoint": format!("{url}/token") }),
            ),
            ("POST /token".to_owned(), json!({ "access_token": "a-token" })),
            ("GET /api/v1/organisations".to_owned(), page(&[])),
        ]
    });
    for proxy in ["ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "all_proxy", "https_proxy", "http_proxy"] {
        let mut command = command(&["whoami", "--url", &server.url, "--deadline", "1s"]);
        command.env(proxy, "http://127.0.0.1:1").env("PREDICTION_ISSUER", &server.url);
        let ended = command.env("PREDICTION_CLIENT_ID", "a").env("PREDICTION_CLIENT_SECRET", "b").output().unwrap();
        assert_eq!(ended.status.code(), Some(0), "{proxy}: {}", text(&ended.stderr));
    }
}
