//! The command as a process.

use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::ffi::OsStrExt as _;
use std::process::{Command, Output, Stdio};

use serde_json::json;

use crate::canned::{JOB, Server, page};

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

/// A server with a job that can be deleted, and a document that can be applied.
fn server() -> Server {
    let job = |id: &str| (format!("GET /api/v1/jobs/{id}"), crate::canned::job(id, "Job A", &json!({})));
    let plan = json!({
        "plan_digest": "sha256:1", "changes": [],
        "counts": { "create": 1, "update": 0, "unchanged": 0, "adopt": 0, "pause": 0, "delete": 0 },
    });
    let delete = |id: &str| (format!("DELETE /api/v1/jobs/{id}"), json!(""));
    Server::start_with(|_| {
        vec![job(JOB), job(OTHER), delete(JOB), delete(OTHER), ("POST /api/v1/apply".to_owned(), plan)]
    })
}

const OTHER: &str = "33333333-3333-3333-3333-333333333333";

#[test]
fn a_change_is_not_left_half_done_because_nobody_reads_about_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.yaml");
    std::fs::write(&file, "set: a\n").unwrap();
    let file = file.to_str().unwrap();
    let delete = ["delete", JOB, OTHER, "--yes"];
    let plan = ["plan", "-f", file];
    let apply = ["apply", "-f", file];
    for (arguments, code, requests) in [(&delete[..], 0, 4), (&plan, 2, 1), (&apply, 0, 1)] {
        let server = server();
        let mut command = command(&[arguments, &["--url", &server.url]].concat());
        let mut child =
            command.env("PREDICTION_TOKEN", "a").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // Nobody reads from before the first line, neither results nor notes.
        drop((child.stdout.take(), child.stderr.take()));
        assert_eq!(child.wait().unwrap().code(), Some(code), "{arguments:?}");
        assert_eq!(server.asked.lock().unwrap().len(), requests, "{arguments:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn what_was_done_and_cannot_be_printed_is_told() {
    let server = server();
    let mut command = command(&["delete", JOB, OTHER, "--yes", "--url", &server.url]);
    let full = File::options().write(true).open("/dev/full").unwrap();
    let ended = command.env("PREDICTION_TOKEN", "a").stdout(full).output().unwrap();
    assert_eq!(ended.status.code(), Some(1));
    assert!(
        text(&ended.stderr).contains("all was done, but what was done cannot be printed"),
        "{}",
        text(&ended.stderr)
    );
    assert_eq!(server.asked.lock().unwrap().len(), 4);
}

#[test]
fn arguments_that_are_no_text_are_told() {
    let odd = OsStr::from_bytes(b"a\xff");
    for before in [&[][..], &["get"], &["get", "jobs"], &["describe", "job"], &["api", "GET"]] {
        let ended = command(before).arg(odd).output().unwrap();
        assert_eq!(ended.status.code(), Some(64), "{before:?}: {}", String::from_utf8_lossy(&ended.stderr));
    }
    // A token that is no text is one that the service would refuse, and no reason to be somebody else.
    let ended = command(&["status", "--url", "http://127.0.0.1:1"]).env("PREDICTION_TOKEN", odd).output().unwrap();
    assert_eq!(ended.status.code(), Some(4), "{}", text(&ended.stderr));
}
