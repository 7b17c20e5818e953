//! A server that believes the tokens of a real OpenID provider, whose keys it fetches.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{Answer, Client, Home, Model, ORGANISATION_A, Server, base64url};

const AUDIENCE: &str = "https://predictions.example";

/// A provider on this machine. Killed when dropped.
struct Provider {
    process: Child,
    commands: ChildStdin,
    answers: BufReader<ChildStdout>,
    issuer: String,
}

impl Provider {
    fn start() -> Self {
        let program = std::env::var("PREDICTION_TEST_OIDC_PROVIDER")
            .expect("PREDICTION_TEST_OIDC_PROVIDER names the provider: ./scripts/test installs it");
        let mut process = Command::new("node")
            .arg(program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // It warns of what must not be done in production.
            .stderr(Stdio::null())
            .spawn()
            .expect("node starts");
        let commands = process.stdin.take().unwrap();
        let answers = BufReader::new(process.stdout.take().unwrap());
        let mut provider = Self { process, commands, answers, issuer: String::new() };
        provider.issuer = provider.line();
        provider
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        assert!(!line.is_empty(), "the provider ended");
        line.trim_end().to_owned()
    }

    fn tell(&mut self, command: &str) {
        writeln!(self.commands, "{command}").unwrap();
        assert_eq!(self.line(), "done");
    }

    fn signal(&self, name: &str) {
        let status = Command::new("kill").args([&format!("-{name}"), &self.process.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    /// An access token, as a runner gets one (RFC 6749, section 4.4).
    fn token(&self) -> String {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", "runner"),
            ("client_secret", "a secret of the tests"),
            ("scope", "catalog:write jobs:read jobs:write"),
            ("resource", AUDIENCE),
        ];
        let agent: ureq::Agent = ureq::Agent::config_builder().proxy(None).build().into();
        let mut answer = agent.post(format!("{}/token", self.issuer)).send_form(form).unwrap();
        let answer: Value = answer.body_mut().read_json().unwrap();
        answer["access_token"].as_str().unwrap().to_owned()
    }

    /// A server that believes its tokens.
    fn server(&self, home: &Arc<Home>, arguments: &[&str]) -> Server {
        let issuer = ["--issuer", &self.issuer, "--audience", AUDIENCE, "--issuer-over-http"];
        Server::start_with(home, &[&issuer, arguments].concat())
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Waits until keys were fetched that often that were others than before; gives how many the last ones were.
fn wait_for_keys(server: &Server, times: usize) -> u64 {
    let keys = |line: &String| {
        let line: Value = serde_json::from_str(line).ok()?;
        (line["message"] == "the keys of the issuer are known").then(|| line["keys"].as_u64()).flatten()
    };
    server.output().wait_until(|lines| lines.iter().filter_map(keys).nth(times - 1)).expect("the keys are fetched")
}

/// The answer once the keys are there: on a busy machine they may take longer than a request waits for them.
fn get_until_keys_are_known(client: &Client, path: &str) -> Answer {
    let start = Instant::now();
    loop {
        let answer = client.get(path);
        if answer.status != 503 || start.elapsed() > Duration::from_mins(1) {
            return answer;
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// The token with another name of its key in its header.
fn with_made_up_key(token: &str) -> String {
    let header = json!({"alg": "RS256", "typ": "at+jwt", "kid": "made up"}).to_string();
    let (_, rest) = token.split_once('.').unwrap();
    format!("{}.{rest}", base64url(header))
}

#[test]
fn tokens_of_a_provider_get_in_and_go_on_to_when_its_keys_change() {
    let mut provider = Provider::start();
    let home = Home::on_sqlite();
    let server = provider.server(&home, &[]);
    assert_eq!(wait_for_keys(&server, 1), 1);
    server.anonymous().get("/health/ready").expect(200);
    let first = server.client(provider.token());
    let model = Model::publish(&Server::start(&home), "of a provider");
    first.post("/api/v1/jobs/setup", &model.setup(ORGANISATION_A, "a")).expect(201);

    provider.tell("rotate");
    let second = server.client(provider.token());
    assert_eq!(
        get_until_keys_are_known(&second, "/api/v1/jobs").expect(200)["items"].as_array().unwrap().len(),
        1,
        "its key was fetched"
    );
    first.get("/api/v1/jobs").expect(200);
    let metrics = server.anonymous().get("/metrics").text();
    assert!(metrics.contains("prediction_jwks_fetches_total{outcome=\"changed\"} 2"), "{metrics}");
    assert!(metrics.contains("prediction_token_verdicts_total{verdict=\"accepted\"} 3"), "{metrics}");
}

#[test]
fn tokens_whose_key_was_withdrawn_are_refused() {
    let mut provider = Provider::start();
    let server = provider.server(&Home::on_sqlite(), &["--jwks-max-age", "1s"]);
    assert_eq!(wait_for_keys(&server, 1), 1);
    let first = server.client(provider.token());
    first.get("/api/v1/jobs").expect(200);
    provider.tell("rotate");
    assert_eq!(wait_for_keys(&server, 2), 2);
    first.get("/api/v1/jobs").expect(200);
    provider.tell("withdraw");
    assert_eq!(wait_for_keys(&server, 3), 1);
    first.get("/api/v1/jobs").problem(401, "invalid_token");
    server.client(provider.token()).get("/api/v1/jobs").expect(200);
}

#[test]
fn known_keys_count_while_their_provider_is_frozen() {
    let provider = Provider::start();
    let server = provider.server(&Home::on_sqlite(), &[]);
    wait_for_keys(&server, 1);
    let token = provider.token();
    let made_up = server.client(with_made_up_key(&token));
    provider.signal("STOP");
    let start = Instant::now();
    made_up.get("/api/v1/jobs").problem(503, "keys_unavailable");
    assert!(start.elapsed() < Duration::from_secs(3), "it waits half a second: {:?}", start.elapsed());
    server.client(token).get("/api/v1/jobs").expect(200);
    server.anonymous().get("/health/ready").expect(200);
    server.output().wait_for(|line| line["message"] == "the keys of the issuer could not be fetched").unwrap();
    made_up.get("/api/v1/jobs").problem(503, "keys_unavailable");
    provider.signal("CONT");
    get_until_keys_are_known(&made_up, "/api/v1/jobs").problem(401, "invalid_token");
}

#[test]
fn a_provider_that_says_it_is_another_one_is_not_believed() {
    let mut provider = Provider::start();
    let token = provider.token();
    provider.tell("lie");
    let server = provider.server(&Home::on_sqlite(), &[]);
    let told =
        server.output().wait_for(|line| line["message"] == "the keys of the issuer could not be fetched").unwrap();
    assert!(told["cause"].as_str().unwrap().contains("describes another issuer"), "{told}");
    server.anonymous().get("/health/ready").problem(503, "not_ready");
    server.anonymous().get("/health/live").expect(200);
    let client = server.client(token);
    client.get("/api/v1/jobs").problem(503, "keys_unavailable");
    provider.tell("confess");
    wait_for_keys(&server, 1);
    client.get("/api/v1/jobs").expect(200);
    server.anonymous().get("/health/ready").expect(200);
}

#[test]
fn a_program_at_a_terminal_signs_in_by_itself() {
    let provider = Provider::start();
    let home = Home::on_sqlite();
    let server = provider.server(&home, &[]);
    wait_for_keys(&server, 1);
    let model = Model::publish(&Server::start(&home), "of a program");
    server.client(provider.token()).post("/api/v1/jobs/setup", &model.setup(ORGANISATION_A, "a")).expect(201);
    let get = |secret: &str| {
        let mut command = home.command(&["get", "jobs", "-o", "name", "--url", &format!("http://{}", server.address)]);
        command.env("PREDICTION_ISSUER", &provider.issuer).env("PREDICTION_AUDIENCE", AUDIENCE);
        command.env("PREDICTION_CLIENT_ID", "runner").env("PREDICTION_CLIENT_SECRET", secret);
        command.env("PREDICTION_SCOPE", "jobs:read").output().unwrap()
    };
    let listed = get("a secret of the tests");
    assert_eq!(String::from_utf8_lossy(&listed.stdout), "a\n", "{}", String::from_utf8_lossy(&listed.stderr));
    let refused = get("another secret");
    assert_eq!(refused.status.code(), Some(4));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("gives no token"), "{refused:?}");
}

/// A person signs in once, on a page of the issuer, and commands go on with that.
#[test]
fn a_person_signs_in_on_a_page_of_the_issuer() {
    let mut provider = Provider::start();
    let home = Home::on_sqlite();
    let server = provider.server(&home, &[]);
    wait_for_keys(&server, 1);
    let model = Model::publish(&Server::start(&home), "of a person");
    server.client(provider.token()).post("/api/v1/jobs/setup", &model.setup(ORGANISATION_A, "a")).expect(201);
    let url = format!("http://{}", server.address);
    // With a code on another device (RFC 8628), and with a browser on this machine (RFC 8252, RFC 7636).
    for (flow, before) in [(&[][..], "or open "), (&["--browser"][..], "")] {
        let configuration = tempfile::tempdir().unwrap();
        let command = |arguments: &[&str]| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_prediction-api"));
            command.args(arguments).current_dir(configuration.path()).stdin(Stdio::null());
            command.env("XDG_CONFIG_HOME", configuration.path());
            command
        };
        let issuer = ["--issuer", &provider.issuer, "--audience", AUDIENCE, "--scope", "openid jobs:read"];
        let added = command(&[&["context", "add", "orchards", "--url", &url], &issuer[..]].concat()).output().unwrap();
        assert!(added.status.success(), "{added:?}");
        let unsigned = command(&["get", "jobs"]).output().unwrap();
        assert_eq!(unsigned.status.code(), Some(4), "{unsigned:?}");

        let mut login =
            command(&[&["login"], flow].concat()).stderr(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let told = BufReader::new(login.stderr.take().unwrap()).lines().map(Result::unwrap);
        let page = format!("{before}{}/", provider.issuer);
        let page = told.skip_while(|line| !line.starts_with(&page)).map(|line| line[before.len()..].to_owned());
        let pages: Vec<String> = page.take(1).collect();
        provider.tell(&format!("visit {}", pages[0]));
        let signed_in = login.wait_with_output().unwrap();
        assert!(signed_in.status.success(), "{flow:?}: {signed_in:?}");
        let listed = command(&["get", "jobs", "-o", "name"]).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&listed.stdout), "a\n", "{}", String::from_utf8_lossy(&listed.stderr));
    }
}
