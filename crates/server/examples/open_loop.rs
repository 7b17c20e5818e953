//! Asks a service for jobs in an open loop: requests come when they come, whether or not those before are answered.
//!
//! A client that waits for an answer before it sends the next request asks little while the service stands still, so
//! that few of its times tell of that. Here the gaps between requests are those of a Poisson process, and the time of
//! an answer counts from when its request was due. `scripts/bench` measures with it.
//!
//! The environment says what is asked for, as for wrk: `BENCH_ADDRESS`, `BENCH_TOKEN`, `BENCH_JOBS`, `BENCH_RATE`
//! (requests per second), `BENCH_SECONDS` and `BENCH_CONNECTIONS`. One line of JSON says how it went.

use std::io::{self, Write as _};
use std::str::FromStr;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// How large an answer may be, with its headers.
const MOST_BYTES: usize = 256 * 1024;
const MOST_HEADERS: usize = 32;

struct Load {
    address: String,
    token: String,
    jobs: u64,
    rate: f64,
    seconds: u64,
    connections: usize,
}

/// How one connection fared: the times of its answers, and how many were none, or others than they should be.
#[derive(Default)]
struct Fared {
    times: Vec<Duration>,
    refused: usize,
    broken: usize,
}

fn told<T: FromStr>(name: &str) -> anyhow::Result<T> {
    let value = std::env::var(name).with_context(|| format!("{name} is missing"))?;
    value.parse().ok().with_context(|| format!("{name} is {value:?}"))
}

fn main() -> anyhow::Result<()> {
    let load = Load {
        address: told("BENCH_ADDRESS")?,
        token: told("BENCH_TOKEN")?,
        jobs: told("BENCH_JOBS")?,
        rate: told("BENCH_RATE")?,
        seconds: told("BENCH_SECONDS")?,
        connections: told("BENCH_CONNECTIONS")?,
    };
    ensure!(load.rate > 0.0 && load.jobs > 0 && load.connections > 0, "there is nothing to ask for");
    let began = Instant::now();
    let all = tokio::runtime::Builder::new_current_thread().enable_io().build()?.block_on(ask(load))?;
    let (refused, broken) = all.iter().fold((0, 0), |sum, one| (sum.0 + one.refused, sum.1 + one.broken));
    let mut times: Vec<Duration> = all.into_iter().flat_map(|one| one.times).collect();
    times.sort_unstable();
    ensure!(!times.is_empty(), "nothing was answered; {refused} were refused, and {broken} broke off");
    let micros = |part| times[rank(times.len(), part)].as_micros();
    let figures = json!({
        "requests": times.len(),
        "microseconds": began.elapsed().as_micros(),
        "p50": micros(50),
        "p99": micros(99),
        "refused": refused,
        "broken": broken,
    });
    writeln!(io::stdout(), "{figures}")?;
    Ok(())
}

/// Which of so many is the first that so many hundredths do not exceed.
const fn rank(count: usize, hundredths: usize) -> usize {
    (count * hundredths).div_ceil(100).saturating_sub(1)
}

async fn ask(load: Load) -> anyhow::Result<Vec<Fared>> {
    let load = Arc::new(load);
    let (sender, receiver) = unbounded_channel();
    let receiver = Arc::new(Mutex::new(receiver));
    let mut connections = Vec::new();
    for _ in 0..load.connections {
        // All are there before the first request is due.
        let stream = TcpStream::connect(&load.address).await.context("the service cannot be reached")?;
        connections.push(tokio::spawn(answer_those_due(Arc::clone(&load), Arc::clone(&receiver), stream)));
    }
    let clock = {
        let load = Arc::clone(&load);
        thread::spawn(move || keep_time(&load, &sender))
    };
    let mut all = Vec::new();
    for connection in connections {
        all.push(connection.await?);
    }
    clock.join().ok().context("the clock broke")?;
    Ok(all)
}

/// Says when each request is due, at that time. A thread of its own, since timers of the runtime tick in milliseconds.
fn keep_time(load: &Load, sender: &UnboundedSender<Instant>) {
    let mut due = Instant::now();
    let end = due + Duration::from_secs(load.seconds);
    loop {
        due += Duration::from_secs_f64(-(1.0 - fastrand::f64()).ln() / load.rate);
        if due >= end {
            return;
        }
        thread::sleep(due.saturating_duration_since(Instant::now()));
        if sender.send(due).is_err() {
            return;
        }
    }
}

/// Sends what is due next, over and over, until nothing will be due any more.
async fn answer_those_due(
    load: Arc<Load>,
    receiver: Arc<Mutex<UnboundedReceiver<Instant>>>,
    stream: TcpStream,
) -> Fared {
    let mut fared = Fared::default();
    let mut stream = Some(stream);
    let mut bytes = Vec::new();
    loop {
        let next = receiver.lock().await.recv().await;
        let Some(due) = next else { return fared };
        let mut connected = match stream.take() {
            Some(stream) => stream,
            None => match TcpStream::connect(&load.address).await {
                Ok(stream) => stream,
                Err(_) => {
                    fared.broken += 1;
                    continue;
                }
            },
        };
        match read_a_job(&load, &mut connected, &mut bytes).await {
            Ok(200) => {
                fared.times.push(due.elapsed());
                stream = Some(connected);
            }
            Ok(_) => {
                fared.refused += 1;
                stream = Some(connected);
            }
            Err(_) => fared.broken += 1,
        }
    }
}

/// Gives the status of the answer.
async fn read_a_job(load: &Load, stream: &mut TcpStream, bytes: &mut Vec<u8>) -> anyhow::Result<u16> {
    let request = format!(
        "GET /api/v1/jobs/01980000-0000-7000-8000-{} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\n\r\n",
        100_000_000_000 + fastrand::u64(..load.jobs),
        load.address,
        load.token,
    );
    stream.write_all(request.as_bytes()).await?;
    bytes.clear();
    loop {
        if stream.read_buf(bytes).await? == 0 {
            bail!("the connection ended");
        }
        if let Some((status, length)) = measured(bytes)?
            && bytes.len() >= length
        {
            return Ok(status);
        }
        ensure!(bytes.len() < MOST_BYTES, "the answer is too large");
    }
}

/// The status of an answer, and how long it is with its headers, once these are there.
fn measured(bytes: &[u8]) -> anyhow::Result<Option<(u16, usize)>> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(begin) = response.parse(bytes)? else { return Ok(None) };
    let length = response.headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"));
    let length: usize = str::from_utf8(length.context("the answer does not tell its length")?.value)?.parse()?;
    Ok(Some((response.code.context("the answer has no status")?, begin + length)))
}
