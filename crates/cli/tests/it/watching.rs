use std::io::{self, Write};

use serde_json::json;

use crate::canned::{JOB, Server, around, job, page, prediction_into};

/// A reader that has had enough after so many writes that were flushed.
struct Impatient {
    flushes: usize,
    read: Vec<u8>,
}

impl Write for Impatient {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.read.extend_from_slice(text);
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        match self.flushes.checked_sub(1) {
            Some(left) => {
                self.flushes = left;
                Ok(())
            }
            None => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }
}

fn watched(width: Option<usize>) -> String {
    let early = page(&[job(JOB, "Job A", &json!({ "status": "new" }))]);
    let late = page(&[job(JOB, "Job A", &json!({ "status": "late" }))]);
    let list = "GET /api/v1/jobs";
    let server = Server::start(vec![(list, early.clone()), (list, early), (list, late)]);
    let mut out = Impatient { flushes: 4, read: Vec::new() };
    let arguments = ["get", "jobs", "--watch", "--url", &server.url];
    let (code, err) = prediction_into(&mut out, &around(None), width, &arguments);
    assert_eq!((code, err.as_str()), (0, ""), "a closed pipe ends it quietly");
    assert_eq!(server.asked.lock().unwrap().len(), 5);
    String::from_utf8(out.read).unwrap()
}

#[test]
fn a_list_is_printed_again_when_it_has_changed() {
    let text = watched(None);
    let states: Vec<_> = text.split_whitespace().filter(|word| ["new", "late"].contains(word)).collect();
    assert_eq!(states, ["new", "late"]);
    assert!(!text.contains('\u{1b}'));
    assert_eq!(watched(Some(80)).matches("\u{1b}[H\u{1b}[2J").count(), 2, "a terminal is cleared before");
}
