//! An issuer that answers whatever a test wants, byte by byte if need be.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

/// An HTTP server on this machine, until it is dropped.
pub(crate) struct Issuer {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// What it answers.
pub(crate) enum Answer {
    Whole { status: u16, headers: String, body: String },
    Endless,
    Dribbled,
    Never,
}

impl Answer {
    pub(crate) fn ok(body: impl Into<String>) -> Self {
        Self::Whole { status: 200, headers: String::new(), body: body.into() }
    }

    pub(crate) fn status(status: u16) -> Self {
        Self::Whole { status, headers: String::new(), body: String::new() }
    }

    pub(crate) fn header(self, name: &str, value: &str) -> Self {
        match self {
            Self::Whole { status, headers, body } => {
                Self::Whole { status, headers: format!("{headers}{name}: {value}\r\n"), body }
            }
            other => other,
        }
    }

    /// A body that never ends.
    pub(crate) fn endless() -> Self {
        Self::Endless
    }

    /// A body that is announced, of which only the first byte comes.
    pub(crate) fn dribbled() -> Self {
        Self::Dribbled
    }

    pub(crate) fn never() -> Self {
        Self::Never
    }

    /// Fails when the other side has gone, which ends the answer.
    fn write(&self, stream: &mut TcpStream) -> std::io::Result<()> {
        match self {
            Self::Whole { status, headers, body } => {
                // These have no body, whatever they say (RFC 9110, section 6.4.1).
                let length = if matches!(status, 204 | 304) {
                    String::new()
                } else {
                    format!("Content-Length: {}\r\n", body.len())
                };
                write!(stream, "HTTP/1.1 {status} Status\r\n{length}Connection: close\r\n{headers}\r\n{body}")
            }
            Self::Endless => {
                write!(stream, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
                loop {
                    write!(stream, "400\r\n{}\r\n", " ".repeat(0x400))?;
                }
            }
            Self::Dribbled => {
                write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n ")?;
                Self::Never.write(stream)
            }
            // Until the other side goes.
            Self::Never => std::io::copy(stream, &mut std::io::sink()).map(drop),
        }
    }
}

impl Issuer {
    pub(crate) fn start(answer: impl Fn(&str) -> Answer + Send + 'static) -> Self {
        Self::start_knowing_itself(move |_, path| answer(path))
    }

    /// One whose answers have its own address in them.
    pub(crate) fn start_knowing_itself(answer: impl Fn(&str, &str) -> Answer + Send + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let is_over = Arc::new(AtomicBool::new(false));
        let (noted, over) = (Arc::clone(&asked), Arc::clone(&is_over));
        let me = format!("http://{address}");
        let thread = thread::spawn(move || {
            for stream in listener.incoming() {
                if over.load(Ordering::SeqCst) {
                    break;
                }
                let mut stream = stream.unwrap();
                let Some(path) = read_path(&stream) else { continue };
                noted.lock().unwrap().push(path.clone());
                let _ = answer(&me, &path).write(&mut stream);
            }
        });
        Self { address, asked, is_over, thread: Some(thread) }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The paths that it was asked for so far.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        // So that it looks.
        let _ = TcpStream::connect(self.address);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn read_path(stream: &TcpStream) -> Option<String> {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let path = lines.next()?.split(' ').nth(1)?.to_owned();
    lines.find(String::is_empty)?;
    Some(path)
}
