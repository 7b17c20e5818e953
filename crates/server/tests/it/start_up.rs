//! What can be said at the start, on the command line and in the environment, and what is told when it cannot be meant.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Output};
use std::sync::Arc;

use crate::harness::{Home, ORGANISATION_A, Server};

/// What no reader may see.
const PASSWORD: &str = "correct-horse-battery-staple";

#[test]
fn tokens_that_would_not_be_accepted_are_not_printed() {
    let home = Home::on_sqlite();
    for (arguments, complaint) in [
        (&["token"][..], "--organisation <UUID>"),
        (&["token", "--organisation", "no-uuid"], "is not a UUID"),
        (&["token", "--all-organisations", "--scope", "job:read"], "did you mean \"jobs:read\"?"),
        (&["token", "--all-organisations", "--expires-in", "25h"], "at most 24h"),
        (&["token", "--all-organisations", "--organisation", ORGANISATION_A], "cannot be used with"),
    ] {
        let output = home.run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert_eq!(text(&output.stdout), "", "{arguments:?}");
        assert!(text(&output.stderr).contains(complaint), "{arguments:?}: {}", text(&output.stderr));
    }
    home.token(&["--all-organisations"]);
    let output = home.run(&["token", "--all-organisations", "--subject", ""]);
    assert_sentence(&output, "the token would not be accepted");
}

#[test]
fn options_can_be_said_in_the_environment() {
    let home = Home::on_sqlite();
    let environment = [
        ("PREDICTION_API_DATA_DIR", home.data_folder().display().to_string()),
        ("DATABASE_URL", home.database.url()),
        ("PREDICTION_API_TOKEN_ORGANISATIONS", ORGANISATION_A.to_owned()),
        ("PREDICTION_API_TOKEN_SUBJECT", "operator".to_owned()),
    ];
    let run = |argument: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_prediction-api"));
        command.env_clear().envs(environment.clone()).arg(argument).output().unwrap()
    };
    assert!(text(&run("migrate").stdout).starts_with("Applied "));
    assert_eq!(home.database.rows(), [0, 0, 0]);
    let server = Server::start(&home);
    let token = text(&run("token").stdout);
    server.client(token.trim_end()).get("/api/v1/jobs").expect(200);
    assert!(server.output().wait_for(|line| line["subject"] == "operator").is_some());
}

#[test]
fn an_address_that_is_none_is_told() {
    for address in ["nonsense", "127.0.0.1", "127.0.0.1:99999"] {
        let output = serve(&Home::on_sqlite(), &["--listen", address]);
        assert_sentence(&output, &format!("cannot listen on {address}: "));
    }
}

#[test]
fn a_database_url_that_cannot_be_used_is_told_without_its_password() {
    let home = Home::on_sqlite();
    let folder = home.data_folder().parent().unwrap().to_owned();
    let postgres = |rest: &str| format!("postgres://user:{PASSWORD}@{rest}");
    let missing = Home::on_postgres().database.url();
    for (url, part) in [
        (missing, "does not exist".to_owned()),
        (postgres("127.0.0.1:port/db"), "port".to_owned()),
        (PASSWORD.to_owned(), "the database URL begins with sqlite: or postgres:".to_owned()),
        ("sqlite:no/such/folder.db".to_owned(), "does not exist: create it or choose another path".to_owned()),
        (format!("sqlite:{}", folder.display()), "is a folder: name a file in it".to_owned()),
        ("sqlite://data.db".to_owned(), "the database URL is ambiguous: write sqlite:data.db".to_owned()),
        (postgres("127.0.0.1/db").replace("user:", "user:a/"), "write \"/\" in a user name or password".to_owned()),
        (postgres("127.0.0.1/db?currentSchema=x"), "options=-csearch_path%3DNAME".to_owned()),
        (postgres("127.0.0.1/my db"), "has a space".to_owned()),
        (format!("\"{}\"", postgres("127.0.0.1/db")), "is in quotes".to_owned()),
        (format!("\n{}", postgres("127.0.0.1/db")), "begins with a space or a line break".to_owned()),
        // What a file ends with belongs to no URL.
        ("sqlite:no/such/folder.db\r\n".to_owned(), "/such of the database does not exist".to_owned()),
        ("sqlite::memory:".to_owned(), "a database in memory cannot be shared".to_owned()),
    ] {
        let output = serve(&home, &["--listen", "127.0.0.1:0", "--database-url", &url]);
        assert_sentence(&output, &part);
        let output = home.command(&["migrate", "--database-url", &url]).output().unwrap();
        assert_sentence(&output, &part);
    }
}

#[test]
fn a_collector_that_cannot_be_sent_to_is_told_without_its_password() {
    for endpoint in [&format!("http://user:{PASSWORD}@127.0.0.1:4318"), "127.0.0.1:4318", "grpc://127.0.0.1:4317"] {
        let output = serve(&Home::on_sqlite(), &["--otlp-endpoint", endpoint]);
        assert_sentence(&output, "cannot use --otlp-endpoint: a URL such as http://localhost:4318 is needed");
    }
}

#[test]
fn a_secret_that_cannot_be_used_is_told() {
    for (secret, mode, part) in [
        ("nonsense", 0o600, "is not 32 bytes in hexadecimal"),
        ("", 0o600, "is not 32 bytes in hexadecimal"),
        (&"ab".repeat(32), 0o644, "others can read the secret"),
        (&"00".repeat(32), 0o600, "is not random"),
    ] {
        let home = Home::on_sqlite();
        fs::create_dir(home.data_folder()).unwrap();
        let path = home.data_folder().join("secret");
        fs::write(&path, secret).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        assert_sentence(&serve(&home, &[]), part);
        assert_sentence(&home.run(&["token", "--all-organisations"]), part);
    }
}

/// A pipe into which nothing writes: a reader that opened it would wait for ever.
#[test]
fn a_secret_that_is_a_pipe_is_told_at_once() {
    let home = Home::on_sqlite();
    fs::create_dir(home.data_folder()).unwrap();
    let path = home.data_folder().join("secret");
    assert!(Command::new("mkfifo").args(["-m", "600"]).arg(&path).status().unwrap().success());
    assert_sentence(&serve(&home, &[]), "is not a file");
    assert_sentence(&home.run(&["token", "--all-organisations"]), "is not a file");
}

#[test]
fn options_that_cannot_be_meant_are_told() {
    let home = Home::on_sqlite();
    assert_sentence(&serve(&home, &["--log", "a=b=c"]), "--log \"a=b=c\" is not a level or a list of levels");
    for arguments in
        [&["--lissen", "x"][..], &["--log-format", "xml"], &["--database-connections", "0"], &["token", "--no"]]
    {
        let output = home.command(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert_eq!(text(&output.stdout), "", "{arguments:?}");
        assert!(text(&output.stderr).starts_with("error: "), "{arguments:?}");
    }
}

/// A failure is one plain sentence for a person.
fn assert_sentence(output: &Output, part: &str) {
    let sentence = text(&output.stderr);
    let all = format!("{}{sentence}", text(&output.stdout));
    assert_eq!(output.status.code(), Some(1), "{all}");
    assert!(sentence.starts_with("prediction-api: ") && sentence.contains(part), "{all}");
    assert_eq!(sentence.lines().count(), 1, "{all}");
    for never in [PASSWORD, "panicked", "backtrace", "stack", "Os {", "Error("] {
        assert!(!all.contains(never), "{all}");
    }
}

/// What the command says when it is to serve.
fn serve(home: &Arc<Home>, arguments: &[&str]) -> Output {
    let mut command = home.command(&["serve", "--log-format", "json"]);
    command.env("RUST_BACKTRACE", "1").args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}
