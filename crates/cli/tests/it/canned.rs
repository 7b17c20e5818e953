//! A server with answers that were written down, and the command with a clock that stands still.

use std::collections::VecDeque;
use std::io::{self, BufRead as _, BufReader, Read as _, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use clap::{CommandFactory as _, Parser as _};
use prediction_cli::{CommandLine, Console, Surroundings, exit, run};
use prediction_client::Pause;
use prediction_domain::model::Timestamp;
use prediction_domain::ports::Clock;
use serde_json::{Value, json};

pub(crate) const JOB: &str = "11111111-1111-1111-1111-111111111111";
pub(crate) const SOURCE: &str = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa";
pub(crate) const VERSION: &str = "bbbbbbbb-bbbb-bbbb-bbbb-bbbbbbbbbbbb";
pub(crate) const ORGANISATION: &str = "77777777-7777-7777-7777-777777777777";
const INPUT: &str = "55555555-5555-5555-5555-555555555555";
const OUTPUT: &str = "66666666-6666-6666-6666-666666666666";

/// Answers by method and path; the last one of a path comes again and again. Null breaks off, an empty text has no
/// body, and a problem comes with its status.
pub(crate) struct Server {
    pub(crate) url: String,
    pub(crate) asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub(crate) fn start(answers: Vec<(&str, Value)>) -> Self {
        Self::start_with(|_| answers.into_iter().map(|(path, answer)| (path.to_owned(), answer)).collect())
    }

    /// One that answers only when it is told.
    pub(crate) fn start_when(answers: Vec<(&str, Value)>, when: Receiver<()>) -> Self {
        let answers = answers.into_iter().map(|(path, answer)| (path.to_owned(), answer)).collect();
        Self::start_at(|_| answers, move || when.recv().is_ok())
    }

    pub(crate) fn start_with(answers: impl FnOnce(&str) -> Vec<(String, Value)>) -> Self {
        Self::start_at(answers, || true)
    }

    fn start_at(
        answers: impl FnOnce(&str) -> Vec<(String, Value)>,
        mut goes_on: impl FnMut() -> bool + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let mut routes: Vec<(String, VecDeque<Value>)> = Vec::new();
        for (path, answer) in answers(&url) {
            match routes.iter_mut().find(|(other, _)| *other == path) {
                Some((_, answers)) => answers.push_back(answer),
                None => routes.push((path, VecDeque::from([answer]))),
            }
        }
        let asked = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&asked);
        thread::spawn(move || {
            for connection in listener.incoming().take_while(|_| goes_on()) {
                answer(&connection.unwrap(), &mut routes, &noted);
            }
        });
        Self { url, asked }
    }
}

fn answer(mut connection: &TcpStream, routes: &mut [(String, VecDeque<Value>)], noted: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(connection);
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).unwrap();
        if header.trim().is_empty() {
            break;
        }
        if let Some(value) = header.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let question = line.trim_end().trim_end_matches(" HTTP/1.1").to_owned();
    noted.lock().unwrap().push(format!("{question} {}", String::from_utf8_lossy(&body)).trim_end().to_owned());
    let path = question.split('?').next().unwrap();
    let found = routes
        .iter_mut()
        .find(|(other, _)| other == path)
        .map(|(_, answers)| if answers.len() > 1 { answers.pop_front().unwrap() } else { answers[0].clone() });
    let (status, kind, body) = match found {
        Some(Value::Null) => return,
        Some(body) if body["code"].is_string() && body["status"].is_u64() => {
            (body["status"].as_u64().unwrap(), "application/problem+json", body)
        }
        Some(Value::String(nothing)) if nothing.is_empty() => (204, "text/plain", Value::Null),
        Some(body) if body["error"].is_string() => (400, "application/json", body),
        Some(body) => (200, "application/json", body),
        None => {
            let problem = json!({ "type": "/problems/not_found", "title": "There is no such thing", "status": 404,
                                  "detail": format!("nothing at {path}"), "code": "not_found" });
            (404, "application/problem+json", problem)
        }
    };
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let length = body.len();
    let head =
        format!("HTTP/1.1 {status} A\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
    connection.write_all((head + &body).as_bytes()).unwrap();
}

/// Noon of a day.
pub(crate) struct Noon;

impl Clock for Noon {
    fn now(&self) -> Timestamp {
        Timestamp::parse("2026-06-01T12:00:00Z").unwrap()
    }
}

/// Waits that take no time, and are added up.
#[derive(Default)]
pub(crate) struct Hurry(Mutex<Duration>);

impl Pause for Hurry {
    fn passed(&self) -> Duration {
        *self.0.lock().unwrap()
    }

    fn sleep(&self, time: Duration) {
        *self.0.lock().unwrap() += time;
    }

    fn share(&self) -> f64 {
        1.0
    }
}

pub(crate) fn around(configuration: Option<&Path>) -> Surroundings {
    Surroundings {
        token: Some("a-token".to_owned()),
        client_id: None,
        client_secret: None,
        issuer: None,
        audience: None,
        scope: None,
        organisations_claim: None,
        configuration: configuration.map(Path::to_owned),
        clock: Arc::new(Noon),
        pause: Arc::new(Hurry::default()),
    }
}

/// What a command printed that succeeded.
pub(crate) struct Ended {
    pub(crate) out: String,
}

/// Runs a command at a terminal of that width; without one, into a pipe.
pub(crate) fn prediction(server: &Server, width: Option<usize>, arguments: &[&str]) -> Ended {
    let mut out = Vec::new();
    let (code, err) = prediction_into(&mut out, &around(None), width, &[arguments, &["--url", &server.url]].concat());
    assert_eq!((code, err.as_str()), (0, ""));
    Ended { out: String::from_utf8(out).unwrap() }
}

/// The status, and what was told. A command line that makes no sense is told as the process tells it.
pub(crate) fn prediction_into(
    out: &mut dyn Write,
    around: &Surroundings,
    width: Option<usize>,
    arguments: &[&str],
) -> (u8, String) {
    let mut err = Vec::new();
    let line = match CommandLine::try_parse_from([&["prediction"], arguments].concat()) {
        Ok(line) => line,
        Err(error) => return (exit::USAGE, error.to_string()),
    };
    let mut input = io::empty();
    let mut console = Console { width, is_terminal: width.is_some(), ..Console::piped(out, &mut err, &mut input) };
    let code = run(&line.verb, &mut console, around, CommandLine::command());
    (code, String::from_utf8(err).unwrap())
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) code: u8,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Runs a command, however it ends. A person who can be asked answers with that.
pub(crate) fn told(server: &Server, person: Option<&'static str>, arguments: &[&str]) -> Told {
    let line = match CommandLine::try_parse_from([&["prediction"], arguments, &["--url", &server.url]].concat()) {
        Ok(line) => line,
        Err(error) => return Told { code: exit::USAGE, out: String::new(), err: error.to_string() },
    };
    let (mut out, mut err, mut input) = (Vec::new(), Vec::new(), person.unwrap_or_default().as_bytes());
    let mut console = Console { can_ask: person.is_some(), ..Console::piped(&mut out, &mut err, &mut input) };
    let code = run(&line.verb, &mut console, &around(None), CommandLine::command());
    Told { code, out: String::from_utf8(out).unwrap(), err: String::from_utf8(err).unwrap() }
}

pub(crate) fn problem(status: u16, code: &str) -> Value {
    json!({ "type": format!("/problems/{code}"), "title": "A title", "status": status, "detail": "What happened.",
            "code": code })
}

pub(crate) fn page(items: &[Value]) -> Value {
    json!({ "items": items, "next_cursor": null })
}

/// A job, as the service answers it with everything expanded.
pub(crate) fn job(id: &str, name: &str, health: &Value) -> Value {
    let mut all = json!({
        "status": "on_time", "last_run_at": null, "last_success_at": null, "next_expected_at": null,
        "overdue_since": null, "consecutive_failures": 0,
    });
    for (member, value) in health.as_object().unwrap() {
        all[member] = value.clone();
    }
    json!({
        "id": id, "organisation_id": ORGANISATION, "source_id": SOURCE, "source_version_id": VERSION, "name": name,
        "active": true,
        "role_bindings": [{ "role": "temperature", "input_id": INPUT, "input_type": "sensor", "input": {
            "id": INPUT, "organisation_id": ORGANISATION, "kind": "sensor", "name": "Vineyard 5, temperature",
            "metric": "celsius", "unit": "°C", "revision": 1, "created_at": "2026-05-01T12:00:00Z",
            "updated_at": "2026-05-01T12:00:00Z",
        } }],
        "outputs": [{ "id": OUTPUT, "role": "mildew", "metric": "risk", "unit": "%" }],
        "health": all, "revision": 2, "created_at": "2026-05-01T12:00:00Z", "updated_at": "2026-05-31T12:00:00Z",
        "source": {
            "id": SOURCE, "owner_organisation_id": null, "name": "mildew-predictor", "description": null,
            "expected_interval_minutes": 60, "retention_hours": 720, "revision": 1,
            "created_at": "2026-05-01T12:00:00Z", "updated_at": "2026-05-01T12:00:00Z",
        },
        "source_version": version(),
        "organisation": { "id": ORGANISATION, "name": "Weingut Müller" },
    })
}

pub(crate) fn version() -> Value {
    let role = |name: &str, required: bool| {
        json!({ "role": name, "aliases": [], "input_kind": "sensor", "metric": "celsius", "unit": "°C",
                "required": required, "description": null })
    };
    json!({
        "id": VERSION, "source_id": SOURCE, "version": "1.0.0", "description": null,
        "created_at": "2026-05-01T12:00:00Z", "input_roles": [role("temperature", true), role("dew_point", false)],
        "output_roles": [{ "role": "mildew", "metric": "risk", "unit": "%", "required": true, "description": null }],
        "contract_digest": "sha256:0000000000000000000000000000000000000000000000000000000000000000",
        "lifecycle": { "stage": "deprecated", "reason": "1.1.0 knows wind", "replaced_by": null,
                       "end_of_life_at": null, "revision": 2, "changed_at": null, "changed_by": null },
    })
}

pub(crate) fn run_of(issued_at: &str, status: &str, message: Option<&str>) -> Value {
    json!({
        "id": "22222222-2222-2222-2222-222222222222", "job_id": JOB, "job_revision": 2, "source_version_id": VERSION,
        "issued_at": issued_at, "status": status, "message": message, "prediction_count": 24,
        "received_at": issued_at, "replaces": null, "replaced_by": null,
    })
}
