//! The command at a terminal: a pseudo-terminal stands for the one of a person.

use std::fs::File;
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr as _;

use crate::canned::{JOB, Server, job, page};

/// The two ends of a terminal: that of the person, and that of the program.
fn terminal(columns: u16) -> (File, File) {
    let person = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&person).unwrap();
    unlockpt(&person).unwrap();
    let name = ptsname(&person, Vec::new()).unwrap().into_string().unwrap();
    let program = File::options().read(true).write(true).open(name).unwrap();
    tcsetwinsize(&program, Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
    (File::from(person), program)
}

/// A command that is at a terminal with all its streams.
struct Session {
    person: File,
    child: Child,
    shown: String,
}

impl Session {
    fn start(server: &Server, environment: &[(&str, &str)], arguments: &[&str]) -> Self {
        let (person, program) = terminal(40);
        let end = || Stdio::from(OwnedFd::from(program.try_clone().unwrap()));
        let mut command = command(server, environment, arguments);
        let child = command.stdin(end()).stdout(end()).stderr(end()).spawn().unwrap();
        Self { person, child, shown: String::new() }
    }

    /// Reads until that is shown, or to the end.
    fn wait_for(&mut self, text: &str) {
        let mut bytes = [0; 1024];
        while !self.shown.contains(text) {
            match self.person.read(&mut bytes) {
                Ok(0) => return,
                Ok(length) => self.shown.push_str(&String::from_utf8_lossy(&bytes[..length])),
                // What Linux says when no program is at the terminal any more.
                Err(error) if error.kind() != ErrorKind::Interrupted => return,
                Err(_) => {}
            }
        }
    }

    /// The status, and all that was shown.
    fn end(mut self) -> (i32, String) {
        self.wait_for("\u{0} is shown by no program");
        (self.child.wait().unwrap().code().unwrap(), self.shown)
    }
}

fn command(server: &Server, environment: &[(&str, &str)], arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_prediction"));
    command.env_clear().env("PREDICTION_TOKEN", "a").env("TERM", "xterm").envs(environment.iter().copied());
    command.args(arguments).args(["--url", &server.url]);
    command
}

fn jobs() -> Value {
    let name = "Frost warning of the long field in the north";
    page(&[job(JOB, name, &json!({ "status": "failing", "last_run_at": "2026-06-01T11:30:00Z" }))])
}

#[test]
fn a_table_has_the_width_and_the_colours_of_its_terminal() {
    let server = Server::start(vec![("GET /api/v1/jobs", jobs())]);
    let shown = |environment: &[(&str, &str)]| {
        let (code, shown) = Session::start(&server, environment, &["get", "jobs"]).end();
        assert_eq!(code, 0, "{shown}");
        shown
    };
    let plain = shown(&[("NO_COLOR", "1")]);
    assert!(!plain.contains('\u{1b}'), "{plain:?}");
    assert_eq!(plain.lines().count(), 2, "{plain}");
    assert!(plain.lines().all(|line| line.width() <= 40) && plain.contains('…'), "{plain}");
    let coloured = shown(&[]);
    assert!(coloured.contains("\u{1b}[31mfailing\u{1b}[0m"), "{coloured:?}");
    assert!(shown(&[("NO_COLOR", "")]).contains('\u{1b}'), "what is empty says nothing");
    assert!(!shown(&[("TERM", "dumb")]).contains('\u{1b}'));
    let wide = shown(&[("COLUMNS", "100"), ("NO_COLOR", "1")]);
    assert!(!wide.contains('…'), "{wide}");
}

#[test]
fn a_person_is_asked_before_something_is_deleted() {
    let path = format!("GET /api/v1/jobs/{JOB}");
    let deletion = format!("DELETE /api/v1/jobs/{JOB}");
    for (answer, code) in [("n\n", 1), ("\n", 1), ("y\n", 0)] {
        let answers = [(path.as_str(), job(JOB, "Job A", &json!({}))), (deletion.as_str(), json!(""))];
        let server = Server::start(answers.into());
        let mut session = Session::start(&server, &[], &["delete", JOB]);
        session.wait_for("Delete Job A with all runs and predictions? [y/N] ");
        assert!(!server.asked.lock().unwrap().contains(&deletion), "{}", session.shown);
        session.person.write_all(answer.as_bytes()).unwrap();
        let (ended, shown) = session.end();
        assert_eq!(ended, code, "{shown}");
        assert_eq!(server.asked.lock().unwrap().contains(&deletion), code == 0);
    }
}

#[test]
fn errors_have_the_colours_of_their_own_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.yaml");
    std::fs::write(&file, "sett: a\n").unwrap();
    let server = Server::start(vec![]);
    let arguments = ["plan", "-f", file.to_str().unwrap()];
    // Results at the terminal, errors in a file.
    let (_person, program) = terminal(40);
    let mut command_line = command(&server, &[], &arguments);
    let ended =
        command_line.stdin(Stdio::null()).stdout(OwnedFd::from(program)).stderr(Stdio::piped()).output().unwrap();
    assert_eq!(ended.status.code(), Some(1));
    assert!(!ended.stderr.is_empty() && !ended.stderr.contains(&0x1b), "{}", String::from_utf8_lossy(&ended.stderr));

    // And the other way.
    let (person, program) = terminal(40);
    let mut command_line = command(&server, &[], &arguments);
    command_line.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(OwnedFd::from(program));
    let child = command_line.spawn().unwrap();
    // It holds the program's end of the terminal.
    drop(command_line);
    let mut session = Session { person, child, shown: String::new() };
    session.wait_for("1 mistake");
    assert!(session.shown.contains("\u{1b}["), "{:?}", session.shown);
    assert_eq!(session.end().0, 1);
}

#[test]
fn a_person_who_waits_sees_that_something_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.yaml");
    std::fs::write(&file, "set: a\n").unwrap();
    let plan = json!({
        "plan_digest": "sha256:1", "changes": [],
        "counts": { "create": 0, "update": 0, "unchanged": 1, "adopt": 0, "pause": 0, "delete": 0 },
    });
    // The server answers once the person has seen the line, however long that takes.
    let (seen, is_seen) = channel();
    let server = Server::start_when(vec![("POST /api/v1/apply", plan)], is_seen);
    let mut session = Session::start(&server, &[], &["apply", "-f", file.to_str().unwrap()]);
    session.wait_for("Applying (");
    assert!(session.shown.contains("Applying ("), "{}", session.shown);
    seen.send(()).unwrap();
    let (code, shown) = session.end();
    assert_eq!(code, 0, "{shown}");
    let last = shown.rsplit('\r').find(|part| !part.trim().is_empty()).unwrap();
    assert_eq!(last.trim(), "Done: nothing to change; 1 unchanged.", "the line is gone: {shown:?}");
}
