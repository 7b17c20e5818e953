use std::collections::HashMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::net::SocketAddr;
use std::ops::Deref;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use super::client::Client;
use super::database::Database;
use super::tokens::Forger;

/// How long something may take that is certain to come: only a broken program waits that long.
const LONGEST_WAIT: Duration = Duration::from_mins(1);
const EVERYTHING: &str =
    "catalog:write inputs:read inputs:write jobs:read jobs:write predictions:read predictions:write";

const SERVE: [&str; 5] = ["serve", "--listen", "127.0.0.1:0", "--log-format", "json"];

/// What outlives a server: its data folder and its database.
pub(crate) struct Home {
    folder: TempDir,
    pub(crate) database: Database,
    tokens: Mutex<HashMap<Vec<String>, String>>,
}

impl Home {
    pub(crate) fn on_sqlite() -> Arc<Self> {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::in_file(folder.path().join("test.db"));
        Self::with(folder, database)
    }

    pub(crate) fn on_postgres() -> Arc<Self> {
        Self::with(tempfile::tempdir().unwrap(), Database::on_postgres())
    }

    pub(crate) fn both() -> [Arc<Self>; 2] {
        [Self::on_sqlite(), Self::on_postgres()]
    }

    fn with(folder: TempDir, database: Database) -> Arc<Self> {
        Arc::new(Self { folder, database, tokens: Mutex::default() })
    }

    /// Where files of a test can be.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn data_folder(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The command with this data folder, and nothing in its environment.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_prediction-api"));
        command.env_clear().current_dir(self.folder.path()).stdin(Stdio::null());
        command.args(arguments).arg("--data-dir").arg(self.data_folder());
        command
    }

    /// The same, with this database.
    pub(crate) fn command_with_database(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(arguments);
        command.arg("--database-url").arg(self.database.url());
        command
    }

    /// Runs the command to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Makes a secret unless there is one, as a server does at its start: some tests want tokens before.
    fn make_secret(&self) {
        let path = self.data_folder().join("secret");
        if fs::symlink_metadata(&path).is_ok() {
            return;
        }
        DirBuilder::new().recursive(true).mode(0o700).create(self.data_folder()).unwrap();
        let mut secret = [0_u8; 32];
        File::open("/dev/urandom").unwrap().read_exact(&mut secret).unwrap();
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).unwrap();
        for byte in secret {
            write!(file, "{byte:02x}").unwrap();
        }
    }

    /// What `prediction-api token` prints.
    pub(crate) fn token(&self, arguments: &[&str]) -> String {
        let key: Vec<String> = arguments.iter().map(ToString::to_string).collect();
        let mut tokens = self.tokens.lock().unwrap();
        tokens
            .entry(key)
            .or_insert_with(|| {
                self.make_secret();
                let output = self.run(&[&["token"], arguments].concat());
                assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
                String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
            })
            .clone()
    }

    /// Tokens that the command does not print, signed with the secret of this data folder.
    pub(crate) fn forger(&self) -> Forger {
        self.make_secret();
        Forger::with_secret(fs::read_to_string(self.data_folder().join("secret")).unwrap().trim())
    }

    /// Starts a server that is not waited for.
    pub(crate) fn spawn(&self, arguments: &[&str]) -> Spawned {
        self.spawn_in(&[], arguments)
    }

    /// The same, with these variables in its environment.
    pub(crate) fn spawn_in(&self, environment: &[(&str, &str)], arguments: &[&str]) -> Spawned {
        let mut command = self.command_with_database(&SERVE);
        command.args(arguments).envs(environment.iter().copied());
        Self::spawn_command(command, self.data_folder().join("secret"))
    }

    /// Starts a demo, which makes its folder in the one of this test.
    pub(crate) fn spawn_demo(&self) -> Spawned {
        let mut command = Command::new(env!("CARGO_BIN_EXE_prediction-api"));
        command.env_clear().env("TMPDIR", self.folder()).current_dir(self.folder()).stdin(Stdio::null());
        command.args(SERVE).arg("--demo");
        Self::spawn_command(command, self.data_folder().join("secret"))
    }

    fn spawn_command(mut command: Command, secret: PathBuf) -> Spawned {
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the command starts");
        let output = Lines::of(process.stdout.take().unwrap());
        let complaints = Lines::of(process.stderr.take().unwrap());
        Spawned { process: Some(process), output, complaints, secret }
    }
}

/// A process that may listen one day. Killed when dropped.
///
/// Whatever a test does with it: at its end its log is searched for what belongs into no log, and it must not have
/// taken more memory than it may.
pub(crate) struct Spawned {
    process: Option<Child>,
    pub(crate) output: Lines,
    pub(crate) complaints: Lines,
    /// The file with the secret, if there is one.
    secret: PathBuf,
}

/// What no process of the tests may take, whatever it is sent, in KiB.
const MOST_MEMORY: u64 = 200 * 1024;
/// Members of the bodies of requests and answers.
const MEMBERS: [&str; 7] =
    ["organisation_id", "input_id", "input_roles", "role_bindings", "predictions", "next_cursor", "source_version"];

impl Spawned {
    /// Waits until it listens.
    pub(crate) fn listening(self) -> Running {
        let line = self.output.wait_for(|line| line["message"] == "listening");
        let line = line.unwrap_or_else(|| panic!("the server did not start: {}", self.complaints.text()));
        let address = line["address"].as_str().unwrap().parse().unwrap();
        Running { spawned: self, address }
    }

    /// Waits until it ends by itself.
    pub(crate) fn wait(mut self) -> (ExitStatus, String) {
        let status = self.process.take().unwrap().wait().unwrap();
        self.assert_discreet();
        (status, self.complaints.whole())
    }

    /// Of a process that has ended: nothing in its log is a token, the secret, or part of a body.
    fn assert_discreet(&self) {
        let log = format!("{}\n{}", self.output.whole(), self.complaints.whole());
        let secret = fs::read_to_string(&self.secret).ok();
        // A token begins with a header, which is a JSON object in base64.
        let mut private = vec!["eyJ".to_owned()];
        private.extend(secret.map(|secret| secret.trim().to_owned()));
        // As it is, and in a text of a JSON line.
        private.extend(MEMBERS.iter().flat_map(|name| [format!("{name}\":"), format!("{name}\\\":")]));
        for private in private {
            assert!(!log.contains(&private), "{private} was logged: {log}");
        }
    }

    /// Of a process that runs: the most memory that it ever had, or had since that was forgotten, in KiB.
    fn peak_memory(&self) -> Option<u64> {
        self.status("VmHWM:")
    }

    fn status(&self, name: &str) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.as_ref()?.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().trim_end_matches(" kB").parse().ok()
    }
}

impl Drop for Spawned {
    fn drop(&mut self) {
        let peak = self.peak_memory();
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
            // A test that has failed already has told enough.
            if !thread::panicking() {
                self.assert_discreet();
                assert!(peak.is_none_or(|peak| peak < MOST_MEMORY), "{peak:?} KiB of memory");
            }
        }
    }
}

/// A process that listens.
pub(crate) struct Running {
    spawned: Spawned,
    pub(crate) address: SocketAddr,
}

impl Running {
    pub(crate) fn signal(&self, name: &str) {
        let id = self.spawned.process.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }

    /// Waits until it ends by itself.
    pub(crate) fn wait(self) -> ExitStatus {
        self.spawned.wait().0
    }

    /// The memory that it has, in KiB.
    pub(crate) fn memory(&self) -> u64 {
        self.spawned.status("VmRSS:").unwrap()
    }

    /// The most memory that it had since [`Self::forget_peak_memory`], in KiB.
    pub(crate) fn peak_memory(&self) -> u64 {
        self.spawned.peak_memory().unwrap()
    }

    /// From now on the peak of its memory is that of what comes.
    pub(crate) fn forget_peak_memory(&self) {
        let id = self.spawned.process.as_ref().unwrap().id();
        fs::write(format!("/proc/{id}/clear_refs"), "5").unwrap();
    }

    /// The log.
    pub(crate) fn output(&self) -> &Lines {
        &self.spawned.output
    }

    pub(crate) fn complaints(&self) -> &Lines {
        &self.spawned.complaints
    }

    pub(crate) fn anonymous(&self) -> Client {
        Client::new(self.address, None)
    }

    pub(crate) fn client(&self, token: impl Into<String>) -> Client {
        Client::new(self.address, Some(token.into()))
    }
}

/// A server that runs, with what it rests on. Killed when dropped.
pub(crate) struct Server {
    running: Running,
    home: Arc<Home>,
}

impl Server {
    pub(crate) fn start(home: &Arc<Home>) -> Self {
        Self::start_with(home, &[])
    }

    pub(crate) fn start_with(home: &Arc<Home>, arguments: &[&str]) -> Self {
        Self { running: home.spawn(arguments).listening(), home: Arc::clone(home) }
    }

    /// One with something in its environment.
    pub(crate) fn start_in(home: &Arc<Home>, environment: &[(&str, &str)]) -> Self {
        Self { running: home.spawn_in(environment, &[]).listening(), home: Arc::clone(home) }
    }

    /// A second server, beside another one.
    pub(crate) fn start_on_home_of(other: &Self) -> Self {
        Self::start(&other.home)
    }

    pub(crate) fn home(&self) -> &Home {
        &self.home
    }

    pub(crate) fn database(&self) -> &Database {
        &self.home.database
    }

    pub(crate) fn into_running(self) -> Running {
        self.running
    }

    /// A client that may do everything, everywhere.
    pub(crate) fn operator(&self) -> Client {
        self.client(self.home.token(&["--all-organisations", "--scope", EVERYTHING]))
    }

    /// A client that may do everything in one organisation.
    pub(crate) fn member(&self, organisation: &str) -> Client {
        self.scoped(organisation, EVERYTHING)
    }

    /// A client that may do some things in one organisation.
    pub(crate) fn scoped(&self, organisation: &str, scope: &str) -> Client {
        self.client(self.home.token(&["--organisation", organisation, "--scope", scope]))
    }
}

impl Deref for Server {
    type Target = Running;

    fn deref(&self) -> &Running {
        &self.running
    }
}

/// What a process writes, read as it comes, so that the process never waits for the test.
#[derive(Clone)]
pub(crate) struct Lines(Arc<(Mutex<Received>, Condvar)>);

#[derive(Default)]
struct Received {
    lines: Vec<String>,
    has_ended: bool,
}

impl Lines {
    fn of(stream: impl Read + Send + 'static) -> Self {
        let lines = Self(Arc::default());
        let writer = lines.clone();
        thread::spawn(move || {
            for line in BufReader::new(stream).lines() {
                let Ok(line) = line else { break };
                writer.change(|read| read.lines.push(line));
            }
            writer.change(|read| read.has_ended = true);
        });
        lines
    }

    fn change(&self, change: impl FnOnce(&mut Received)) {
        let (read, changed) = &*self.0;
        change(&mut read.lock().unwrap());
        changed.notify_all();
    }

    /// Waits for the first line that is JSON and fits; `None` when the stream ended without.
    pub(crate) fn wait_for(&self, fits: impl Fn(&Value) -> bool) -> Option<Value> {
        self.wait_until(|lines| lines.iter().filter_map(|line| serde_json::from_str(line).ok()).find(|line| fits(line)))
    }

    /// Waits until enough lines have come; `None` when the stream ended before.
    pub(crate) fn wait_until<T>(&self, look: impl Fn(&[String]) -> Option<T>) -> Option<T> {
        let (read, changed) = &*self.0;
        let mut found = None;
        let (_read, waited) = changed
            .wait_timeout_while(read.lock().unwrap(), LONGEST_WAIT, |read| {
                found = look(&read.lines);
                found.is_none() && !read.has_ended
            })
            .unwrap();
        assert!(!waited.timed_out(), "what was waited for did not come");
        found
    }

    /// What has come so far.
    pub(crate) fn text(&self) -> String {
        self.0.0.lock().unwrap().lines.join("\n")
    }

    /// What came until the stream ended.
    pub(crate) fn whole(&self) -> String {
        assert!(self.wait_until(|_| None::<()>).is_none());
        self.text()
    }
}
