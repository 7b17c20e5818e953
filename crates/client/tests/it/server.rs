//! A server of one test: it answers one connection after the other with what it was told, and notes what it was asked.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use prediction_client::{Client, Credentials, Pause, Settings, Token};

/// What happens to a connection.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// It is answered.
    Answer(String),
    /// It is closed once the request was read.
    Break,
}

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) line: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    /// One that does these steps; what comes later finds nobody.
    pub(crate) fn start(steps: Vec<Step>) -> Self {
        Self::start_with(|_| steps)
    }

    /// The same, where the steps depend on where the server is.
    pub(crate) fn start_with(steps: impl FnOnce(&str) -> Vec<Step>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let steps = steps(&format!("http://{address}"));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&asked);
        thread::spawn(move || {
            for step in steps {
                let (connection, _) = listener.accept().unwrap();
                let Some(request) = read(&connection) else { continue };
                noted.lock().unwrap().push(request);
                if let Step::Answer(text) = step {
                    // A client that has read enough does not mind.
                    let _ = (&connection).write_all(text.as_bytes());
                }
            }
        });
        Self { address, asked }
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn client(&self) -> (Client, Waits) {
        self.client_with(Credentials::Fixed(Token::new("a-token\n")), Settings::default())
    }

    pub(crate) fn client_with(&self, credentials: Credentials, settings: Settings) -> (Client, Waits) {
        let waits = Waits::default();
        (Client::with(&self.url(), credentials, settings, waits.clone()).unwrap(), waits)
    }
}

fn read(connection: &TcpStream) -> Option<Asked> {
    let mut reader = BufReader::new(connection);
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let mut headers = Vec::new();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let Some((name, value)) = header.trim_end().split_once(": ") else { break };
        headers.push((name.to_owned(), value.to_owned()));
    }
    let mut asked = Asked { line: line.trim_end().to_owned(), headers, body: String::new() };
    let length = asked.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    asked.body = String::from_utf8(body).unwrap();
    Some(asked)
}

/// An answer with a body; the connection ends after it.
pub(crate) fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Step {
    let mut text = format!("HTTP/1.1 {status} Some\r\nConnection: close\r\nContent-Length: {}\r\n", body.len());
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    Step::Answer(text + "\r\n" + body)
}

pub(crate) fn ok(body: &str) -> Step {
    answer(200, &[("Content-Type", "application/json")], body)
}

pub(crate) fn problem(status: u16, code: &str, headers: &[(&str, &str)]) -> Step {
    let kind = [("Content-Type", "application/problem+json"), ("X-Request-Id", "r-1")];
    let body = format!(
        r#"{{"type":"/problems/{code}","title":"A title","status":{status},"detail":"What happened.","code":"{code}"}}"#
    );
    answer(status, &[&kind, headers].concat(), &body)
}

/// Waits that take no time, and are noted.
#[derive(Clone, Default)]
pub(crate) struct Waits(Arc<Mutex<Vec<Duration>>>);

impl Waits {
    pub(crate) fn all(&self) -> Vec<Duration> {
        self.0.lock().unwrap().clone()
    }
}

impl Pause for Waits {
    fn passed(&self) -> Duration {
        self.all().iter().sum()
    }

    fn sleep(&self, time: Duration) {
        self.0.lock().unwrap().push(time);
    }

    fn share(&self) -> f64 {
        1.0
    }
}
