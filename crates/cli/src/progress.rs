//! What a person sees at a terminal who waits for longer than a moment.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::console::Console;

/// Nobody asks what goes on for so long.
const MOMENT: Duration = Duration::from_secs(1);

/// A line on a terminal that says what is going on and how far it is. It comes after a moment, and is gone with this.
/// It stands where errors do: results stay what they are.
pub(crate) struct Progress {
    done: Arc<AtomicU64>,
    line: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Progress {
    /// Begins to do something, such as `Exporting`, with things that are called so.
    pub(crate) fn start(console: &Console<'_>, doing: &'static str, things: &'static str) -> Self {
        let done = Arc::new(AtomicU64::new(0));
        let is_seen = console.err_terminal.is_some();
        let line = is_seen.then(|| {
            let (end, ended) = channel();
            let seen = Arc::clone(&done);
            let line = thread::spawn(move || {
                let (begun, mut length) = (Instant::now(), 0);
                // It ends when its other half is dropped.
                while ended.recv_timeout(MOMENT) == Err(RecvTimeoutError::Timeout) {
                    let text = text(doing, things, seen.load(Ordering::Relaxed), begun.elapsed());
                    show(&text, length);
                    length = text.len();
                }
                if length > 0 {
                    show("", length);
                }
            });
            (end, line)
        });
        Self { done, line }
    }

    /// So many more things are done.
    pub(crate) fn add(&self, things: usize) {
        self.done.fetch_add(things as u64, Ordering::Relaxed);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((end, line)) = self.line.take() {
            drop(end);
            // What it could have panicked at is not worth more than the result.
            let _ = line.join();
        }
    }
}

fn text(doing: &str, things: &str, done: u64, passed: Duration) -> String {
    let seconds = passed.as_secs();
    if done == 0 { format!("{doing} ({seconds} s)") } else { format!("{doing}: {done} {things} ({seconds} s)") }
}

/// Writes a text of ASCII over the one before it.
fn show(text: &str, before: usize) {
    let blank = " ".repeat(before.saturating_sub(text.len()));
    let mut err = std::io::stderr();
    // A terminal that is gone needs no line.
    let _ = write!(err, "\r{text}{blank}{}", if text.is_empty() { "\r" } else { "" }).and_then(|()| err.flush());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_fits_a_narrow_terminal() {
        let passed = Duration::from_millis(75_900);
        assert_eq!(text("Exporting", "things", 0, passed), "Exporting (75 s)");
        assert_eq!(text("Exporting", "things", 1_000_000, passed), "Exporting: 1000000 things (75 s)");
        assert!(text("Exporting", "things", 1_000_000, passed).len() < 40);
    }

    #[test]
    fn nothing_is_shown_where_no_terminal_is() {
        let (mut out, mut err, mut input) = (Vec::new(), Vec::new(), std::io::empty());
        let console = Console::piped(&mut out, &mut err, &mut input);
        assert!(Progress::start(&console, "Exporting", "things").line.is_none());
    }
}
