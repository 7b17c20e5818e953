//! The command line: what it prints, how it fails, how it starts and ends.

use std::collections::BTreeSet;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Output};
use std::sync::Arc;

use serde_json::json;

use crate::harness::{Home, Model, ORGANISATION_A, Server, path_of};

const PASSWORD: &str = "pass-4711-word";

#[test]
fn the_help_lists_every_option_with_its_variable() {
    let home = Home::on_sqlite();
    for (command, options) in [
        (
            "serve",
            &[
                ("--listen", "PREDICTION_API_LISTEN"),
                ("--listen-internal", "PREDICTION_API_LISTEN_INTERNAL"),
                ("--max-connections", "PREDICTION_API_MAX_CONNECTIONS"),
                ("--max-connections-per-peer", "PREDICTION_API_MAX_CONNECTIONS_PER_PEER"),
                ("--database-url", "DATABASE_URL"),
                ("--database-connections", "PREDICTION_API_DATABASE_CONNECTIONS"),
                ("--database-pooling", "PREDICTION_API_DATABASE_POOLING"),
                ("--data-dir", "PREDICTION_API_DATA_DIR"),
                ("--no-migrate", "PREDICTION_API_NO_MIGRATE"),
                ("--purge-every", "PREDICTION_API_PURGE_EVERY"),
                ("--no-purge", "PREDICTION_API_NO_PURGE"),
                ("--limit-per-subject", "PREDICTION_API_LIMIT_PER_SUBJECT"),
                ("--limit-per-peer", "PREDICTION_API_LIMIT_PER_PEER"),
                ("--quota-jobs", "PREDICTION_API_QUOTA_JOBS"),
                ("--quota-values-per-day", "PREDICTION_API_QUOTA_VALUES_PER_DAY"),
                ("--quota-changes-per-day", "PREDICTION_API_QUOTA_CHANGES_PER_DAY"),
                ("--tenant-share", "PREDICTION_API_TENANT_SHARE"),
                ("--keep-runs", "PREDICTION_API_KEEP_RUNS"),
                ("--keep-revisions", "PREDICTION_API_KEEP_REVISIONS"),
                ("--require-known-inputs", "PREDICTION_API_REQUIRE_KNOWN_INPUTS"),
                ("--cors-origin", "PREDICTION_API_CORS_ORIGINS"),
                ("--compress", "PREDICTION_API_COMPRESS"),
                ("--demo", "PREDICTION_API_DEMO"),
                ("--no-console", "PREDICTION_API_NO_CONSOLE"),
                ("--console-client-id", "PREDICTION_API_CONSOLE_CLIENT_ID"),
                ("--console-scope", "PREDICTION_API_CONSOLE_SCOPE"),
                ("--console-token-origin", "PREDICTION_API_CONSOLE_TOKEN_ORIGIN"),
                ("--drain-delay", "PREDICTION_API_DRAIN_DELAY"),
                ("--log-format", "PREDICTION_API_LOG_FORMAT"),
                ("--log", "PREDICTION_API_LOG"),
                ("--otlp-endpoint", "OTEL_EXPORTER_OTLP_ENDPOINT"),
                ("--organisations-claim", "PREDICTION_API_ORGANISATIONS_CLAIM"),
                ("--jwks-file", "PREDICTION_API_JWKS_FILE"),
                ("--jwks-url", "PREDICTION_API_JWKS_URL"),
                ("--jwks-max-age", "PREDICTION_API_JWKS_MAX_AGE"),
                ("--issuer-over-http", "PREDICTION_API_ISSUER_OVER_HTTP"),
                ("--token-profile", "PREDICTION_API_TOKEN_PROFILE"),
                ("--scope-claim", "PREDICTION_API_SCOPE_CLAIM"),
                ("--scope-prefix", "PREDICTION_API_SCOPE_PREFIX"),
                ("--organisations-group-prefix", "PREDICTION_API_ORGANISATIONS_GROUP_PREFIX"),
                ("--organisations-file", "PREDICTION_API_ORGANISATIONS_FILE"),
                ("--issuer", "PREDICTION_API_ISSUER"),
                ("--audience", "PREDICTION_API_AUDIENCE"),
            ] as &[_],
        ),
        (
            "token",
            &[
                ("--organisation", "PREDICTION_API_TOKEN_ORGANISATIONS"),
                ("--all-organisations", "PREDICTION_API_TOKEN_ALL_ORGANISATIONS"),
                ("--scope", "PREDICTION_API_TOKEN_SCOPE"),
                ("--subject", "PREDICTION_API_TOKEN_SUBJECT"),
                ("--expires-in", "PREDICTION_API_TOKEN_EXPIRES_IN"),
                ("--data-dir", "PREDICTION_API_DATA_DIR"),
                ("--organisations-claim", "PREDICTION_API_ORGANISATIONS_CLAIM"),
            ],
        ),
        (
            "migrate",
            &[
                ("--database-url", "DATABASE_URL"),
                ("--database-connections", "PREDICTION_API_DATABASE_CONNECTIONS"),
                ("--database-pooling", "PREDICTION_API_DATABASE_POOLING"),
                ("--data-dir", "PREDICTION_API_DATA_DIR"),
                ("--distributed", "PREDICTION_API_DISTRIBUTED"),
            ],
        ),
        ("openapi", &[]),
    ] {
        // The first argument can be left out: the service is served.
        let ways: &[&[&str]] =
            if command == "serve" { &[&["serve", "--help"], &["--help"]] } else { &[&[command, "--help"]] };
        for arguments in ways {
            let output = bare(&home).args(*arguments).env("DATABASE_URL", PASSWORD).output().unwrap();
            assert!(output.status.success(), "{}", stderr(&output));
            let help = stdout(&output);
            assert!(!help.contains(PASSWORD), "{help}");
            let words: BTreeSet<&str> = help.split([' ', '\n', ',', '[', ']', '=']).collect();
            let told: BTreeSet<&str> =
                words.iter().copied().filter(|word| word.starts_with("--") && word.len() > 2).collect();
            let known: BTreeSet<&str> =
                options.iter().map(|(option, _)| *option).chain(["--help", "--version"]).collect();
            assert!(told.is_subset(&known), "{told:?} {known:?}");
            for (option, variable) in options {
                assert!(words.contains(option), "{arguments:?}: {option} is missing: {help}");
                assert!(words.contains(variable), "{arguments:?}: {variable} is missing: {help}");
            }
        }
    }
}

#[test]
fn a_token_is_one_line_that_the_server_accepts() {
    let home = Home::on_sqlite();
    let server = Server::start(&home);
    let output = home.run(&["token", "--organisation", ORGANISATION_A]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(stderr(&output), "");
    let text = stdout(&output);
    let token = text.strip_suffix('\n').unwrap();
    assert!(!token.contains(char::is_whitespace) && token.split('.').count() == 3, "{token}");
    server.client(token).get("/api/v1/sources").expect(200);
    server.client(token).get("/api/v1/jobs").expect(200);
    let other = Home::on_sqlite().token(&["--organisation", ORGANISATION_A]);
    let problem = server.client(other).get("/api/v1/sources").problem(401, "invalid_token");
    assert!(problem["detail"].as_str().unwrap().contains("--data-dir"), "{problem}");
}

/// Its tokens would be good for no server, and the next one would believe a secret that was not asked for.
#[test]
fn a_token_is_not_signed_with_a_secret_of_its_own() {
    let home = Home::on_sqlite();
    let elsewhere = home.run(&["token", "--all-organisations"]);
    refused(&elsewhere, &[&home.data_folder().display().to_string(), "--data-dir"]);
    assert_eq!(stdout(&elsewhere), "");
    assert!(!home.data_folder().exists(), "nothing was made");
    let running = Server::start(&home);
    assert!(home.run(&["token", "--all-organisations"]).status.success());
    // In whatever folder the operator is.
    let empty = tempfile::tempdir().unwrap();
    let output = bare(&home).current_dir(empty.path()).args(["token", "--all-organisations"]).output().unwrap();
    refused(&output, &[".prediction-api", "--data-dir"]);
    assert_eq!(fs::read_dir(empty.path()).unwrap().count(), 0);
    drop(running);
}

#[test]
fn a_busy_port_is_told() {
    let busy = Busy::new();
    let output = busy.serve(&Home::on_sqlite(), &[]);
    refused(&output, &["cannot listen on", &busy.address(), "another program"]);
}

#[test]
fn an_unreachable_database_is_told_without_its_password() {
    // A port that was free a moment ago.
    let closed = Busy::new().address();
    let url = format!("postgres://someuser:{PASSWORD}@{closed}/data?sslmode=disable");
    for output in both_commands(&Home::on_sqlite(), &url) {
        refused(&output, &[&closed]);
    }
}

#[test]
fn a_data_folder_that_is_a_file_is_told() {
    let home = Home::on_sqlite();
    fs::write(home.data_folder(), "a file").unwrap();
    refused(&Busy::new().serve(&home, &[]), &["is not a folder"]);
    refused(&home.run(&["token", "--all-organisations"]), &["is not a folder"]);
    refused(&home.run(&["migrate"]), &["is not a folder"]);
}

#[test]
fn a_database_file_that_is_garbage_is_told() {
    let home = Home::on_sqlite();
    fs::create_dir(home.data_folder()).unwrap();
    let file = home.data_folder().join("garbage.db");
    fs::write(&file, "this is no database, whatever its name says. ".repeat(200)).unwrap();
    for output in both_commands(&home, &format!("sqlite:{}", file.display())) {
        refused(&output, &["garbage.db"]);
    }
}

#[test]
fn an_unknown_scheme_is_told_without_the_password() {
    for output in both_commands(&Home::on_sqlite(), &format!("mysql://someuser:{PASSWORD}@localhost/data")) {
        refused(&output, &["\"mysql:\"", "sqlite:", "postgres:"]);
    }
}

#[test]
fn a_secret_that_is_too_short_is_told() {
    let home = Home::on_sqlite();
    fs::create_dir(home.data_folder()).unwrap();
    let secret = home.data_folder().join("secret");
    fs::write(&secret, "0123456789abcdef\n").unwrap();
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    for output in [Busy::new().serve(&home, &[]), home.run(&["token", "--all-organisations"])] {
        refused(&output, &["secret", "32 bytes"]);
        assert!(!stderr(&output).contains("0123456789abcdef"));
    }
}

#[cfg(not(feature = "tls"))]
#[test]
fn a_connection_that_this_build_cannot_encrypt_is_told() {
    let url = format!("postgres://someuser:{PASSWORD}@127.0.0.1/data?sslmode=require");
    for output in both_commands(&Home::on_sqlite(), &url) {
        refused(&output, &["sslmode=require"]);
    }
}

#[cfg(not(feature = "tls"))]
#[test]
fn a_password_is_not_sent_in_the_clear_to_another_machine() {
    let url = format!("postgres://someuser:{PASSWORD}@database.example/data");
    for output in both_commands(&Home::on_sqlite(), &url) {
        refused(&output, &["sslmode=disable"]);
    }
}

#[test]
fn a_signal_ends_the_server_in_order() {
    for signal in ["TERM", "INT"] {
        let running = Server::start(&Home::on_sqlite()).into_running();
        running.anonymous().get("/health/live").expect(200);
        let (log, complaints) = (running.output().clone(), running.complaints().clone());
        running.signal(signal);
        assert_eq!(running.wait().code(), Some(0), "{signal}");
        assert!(log.whole().contains("\"stopped\""), "{signal}: {}", log.whole());
        assert_eq!(complaints.whole(), "", "{signal}");
    }
}

#[test]
fn a_restart_keeps_the_data() {
    for home in Home::both() {
        let server = Server::start(&home);
        let job = Model::publish(&server, "kept").job(&server, ORGANISATION_A, "kept");
        let token = home.token(&["--organisation", ORGANISATION_A]);
        let before = server.client(token.as_str()).get(&path_of(&job)).expect(200);
        let running = server.into_running();
        running.signal("TERM");
        assert!(running.wait().success());
        // The token is still good: the secret was kept too.
        assert_eq!(Server::start(&home).client(token).get(&path_of(&job)).expect(200), before);
    }
}

#[test]
fn two_servers_that_start_together_share_an_empty_sqlite_file() {
    two_servers_start_together(&Home::on_sqlite());
}

#[test]
fn two_servers_that_start_together_share_an_empty_postgres_database() {
    two_servers_start_together(&Home::on_postgres());
}

fn two_servers_start_together(home: &Arc<Home>) {
    let (one, other) = (home.spawn(&[]), home.spawn(&[]));
    let servers = [one.listening(), other.listening()];
    let token = home.token(&["--all-organisations"]);
    for (number, server) in servers.iter().enumerate() {
        server.anonymous().get("/health/ready").expect(200);
        let source = json!({ "name": format!("source {number}") });
        server.client(token.as_str()).post("/api/v1/sources", &source).expect(201);
    }
    for server in &servers {
        let list = server.client(token.as_str()).get("/api/v1/sources").expect(200);
        assert_eq!(list["items"].as_array().unwrap().len(), 2, "{list}");
    }
}

#[test]
fn a_second_migration_has_nothing_to_do() {
    for home in Home::both() {
        let migrate = || home.command_with_database(&["migrate"]).output().unwrap();
        let first = migrate();
        assert!(first.status.success(), "{}", stderr(&first));
        assert!(stdout(&first).starts_with("Applied ") && stdout(&first).lines().count() == 1, "{}", stdout(&first));
        let second = migrate();
        assert!(second.status.success(), "{}", stderr(&second));
        assert_eq!(stdout(&second), "The database is up to date.\n");
        Server::start_with(&home, &["--no-migrate"]).anonymous().get("/health/ready").expect(200);
    }
}

#[test]
fn a_database_that_cannot_be_distributed_is_not_migrated_either() {
    for home in Home::both() {
        let output = home.command_with_database(&["migrate", "--distributed"]).output().unwrap();
        let what_to_do = if home.database.is_sqlite() {
            ["only a PostgreSQL database with the extension Citus can be distributed", "--database-url"]
        } else {
            ["the tables cannot be distributed: the extension citus is not in this database", "CREATE EXTENSION citus"]
        };
        refused(&output, &what_to_do);
        let migrated = home.command_with_database(&["migrate"]).output().unwrap();
        assert!(stdout(&migrated).starts_with("Applied "), "nothing was: {}", stdout(&migrated));
    }
}

#[test]
fn without_migration_an_empty_database_is_not_ready() {
    for home in Home::both() {
        let server = Server::start_with(&home, &["--no-migrate"]);
        server.anonymous().get("/health/ready").problem(503, "not_ready");
        server.anonymous().get("/health/live").expect(200);
        let migrated = home.command_with_database(&["migrate"]).output().unwrap();
        assert!(migrated.status.success(), "{}", stderr(&migrated));
    }
}

/// A port that is taken: a server that starts against expectation ends nevertheless.
struct Busy(TcpListener);

impl Busy {
    fn new() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").unwrap())
    }

    fn address(&self) -> String {
        self.0.local_addr().unwrap().to_string()
    }

    fn serve(&self, home: &Home, arguments: &[&str]) -> Output {
        home.run(&[&["serve", "--listen", &self.address()], arguments].concat())
    }
}

/// What the commands that open a database say to this one.
fn both_commands(home: &Home, url: &str) -> [Output; 2] {
    [Busy::new().serve(home, &["--database-url", url]), home.run(&["migrate", "--database-url", url])]
}

/// The command failed with one sentence, which has these parts and no password.
#[track_caller]
fn refused(output: &Output, parts: &[&str]) {
    let text = stderr(output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.starts_with("prediction-api: ") && text.ends_with('\n'), "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
    for part in parts {
        assert!(text.contains(part), "{part:?} is missing: {text}");
    }
    for part in [PASSWORD, "backtrace", "panicked", "Error {", "Os {"] {
        assert!(!text.contains(part) && !stdout(output).contains(part), "{part:?}: {text}");
    }
}

/// The command without arguments.
fn bare(home: &Home) -> Command {
    let mut command = Command::new(home.command(&[]).get_program());
    command.env_clear();
    command
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}
