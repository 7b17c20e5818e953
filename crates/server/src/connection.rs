//! A connection of a client that has to read what it asked for.
//!
//! What a client does not take is kept for it: in the kernel, in the buffer of the connection, and as the rest of the
//! answer. So one that asks for much and reads nothing would cost memory for as long as it likes.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use actix_web::rt::net::TcpStream;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::connections::Place;

/// How many bytes a second a client has to take, of an answer that waits for it.
const LEAST_RATE: u64 = 1_024;
/// Over how long a time that is looked at, in which the answer waits.
const WINDOW: Duration = Duration::from_secs(10);
/// How often it is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// While the service drains, a client that has taken nothing for so long is not waited for.
const LONGEST_PAUSE_WHEN_DRAINING: Duration = Duration::from_secs(3);
/// After how long without a byte in either direction a connection ends: longer than any deadline and than it is kept
/// between requests. It is for what actix-http waits for without end, such as the rest of a body that the service does
/// not need any more.
const LONGEST_SILENCE: Duration = Duration::from_secs(30);
/// How much the kernel keeps of an answer before it sends it: the next bytes are asked for when half of this has been
/// sent.
///
/// With the two below it bounds the memory, and the steps in which a slow client is seen to take anything. Whether it
/// takes enough can only be told if it takes several steps in a window.
#[cfg(target_os = "linux")]
const MOST_NOT_SENT: u32 = 8 * 1024;
/// How much is handed to the kernel at once.
const STEP: usize = 16 * 1024;
/// The same once the client has kept an answer waiting.
const STEP_OF_SLOW_CLIENT: usize = 4 * 1024;

/// How fast a client reads, while the answer waits for it.
#[derive(Debug, Default)]
struct Pace {
    /// Since when the answer waits.
    since: Option<Instant>,
    /// How long it has waited in this window, before that.
    waited: Duration,
    /// How much was taken in this window.
    taken: u64,
    /// When anything was taken last, or it began to wait.
    last: Option<Instant>,
    /// Whether the client has kept an answer waiting, this one or an earlier one.
    is_slow: bool,
}

impl Pace {
    fn took(&mut self, bytes: usize, now: Instant) {
        self.taken += bytes as u64;
        self.last = Some(now);
        if let Some(since) = self.since.take() {
            self.waited += now - since;
        }
    }

    fn waits(&mut self, now: Instant) {
        if self.since.is_none() && self.waited.is_zero() {
            // What went into buffers before says nothing.
            *self = Self { last: Some(now), is_slow: self.is_slow, ..Self::default() };
        }
        self.since.get_or_insert(now);
    }

    /// How much of an answer is handed to the kernel at once.
    fn step(&self) -> usize {
        if self.is_slow { STEP_OF_SLOW_CLIENT } else { STEP }
    }

    /// Whether the client is too slow to be waited for.
    fn is_too_slow(&mut self, now: Instant, is_draining: bool) -> bool {
        let waited = self.waited + self.since.map_or(Duration::ZERO, |since| now - since);
        self.is_slow |= waited >= LOOK_EVERY;
        if is_draining && self.last.is_some_and(|last| now - last >= LONGEST_PAUSE_WHEN_DRAINING) {
            return true;
        }
        if waited < WINDOW {
            return false;
        }
        let is_too_slow = self.taken < LEAST_RATE * WINDOW.as_secs();
        (self.waited, self.taken) = (Duration::ZERO, 0);
        self.since = self.since.map(|_| now);
        is_too_slow
    }
}

/// A connection that ends when its client takes too little.
pub(crate) struct Connection {
    stream: TcpStream,
    place: Place,
    pace: Pace,
    /// The next look, while the answer waits.
    look: Option<Pin<Box<Sleep>>>,
    /// When a byte came or went last.
    last: Instant,
    /// When that is looked at next.
    silence: Pin<Box<Sleep>>,
}

impl Connection {
    /// A connection, at its place.
    pub(crate) fn new(stream: TcpStream, place: Place) -> Self {
        #[cfg(target_os = "linux")]
        let _ = SockRef::from(&stream).set_tcp_notsent_lowat(MOST_NOT_SENT);
        let last = Instant::now();
        let silence = Box::pin(sleep_until(last + LONGEST_SILENCE));
        Self { stream, place, pace: Pace::default(), look: None, last, silence }
    }

    /// Nothing comes. Ends the connection if nothing has happened for too long.
    fn poll_silence(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            ready!(self.silence.as_mut().poll(context));
            let until = self.last + LONGEST_SILENCE;
            if until <= Instant::now() {
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "nothing happens on the connection")));
            }
            self.silence.as_mut().reset(until);
        }
    }

    /// The answer waits. Ends the connection if it does for too long.
    fn poll_wait(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let now = Instant::now();
        self.pace.waits(now);
        let look = self.look.get_or_insert_with(|| Box::pin(sleep_until(now + LOOK_EVERY)));
        loop {
            ready!(look.as_mut().poll(context));
            let now = Instant::now();
            if self.pace.is_too_slow(now, self.place.is_draining()) {
                break;
            }
            look.as_mut().reset(now + LOOK_EVERY);
        }
        self.place.note_slow_reader();
        // What the kernel still keeps for the client is thrown away, and the client is told that something is missing.
        let _ = SockRef::from(&self.stream).set_linger(Some(Duration::ZERO));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client does not read its answer")))
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if read.is_pending() {
            return self.poll_silence(context);
        }
        if buffer.filled().len() > before {
            self.last = Instant::now();
        }
        read
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let step = bytes.len().min(self.pace.step());
        match Pin::new(&mut self.stream).poll_write(context, &bytes[..step]) {
            Poll::Ready(Ok(taken)) => {
                self.last = Instant::now();
                let last = self.last;
                self.pace.took(taken, last);
                Poll::Ready(Ok(taken))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => self.poll_wait(context),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests;
