//! The verbs of `prediction`, as `prediction-api` has them, against a server.

use std::process::{Output, Stdio};

use serde_json::{Value, json};

use crate::harness::{Model, ORGANISATION_A, ORGANISATION_B, Server, on_both_databases};

on_both_databases!(
    a_newcomer_sees_no_token,
    things_are_listed_and_shown,
    names_stand_for_ids_while_they_are_unambiguous,
    jobs_are_changed_paused_upgraded_restored_and_deleted,
    predictions_come_as_they_are_asked_for,
    any_request_can_be_sent,
    a_job_is_waited_for,
    an_export_in_files_changes_nothing,
    arguments_that_are_no_text_are_told,
);

/// How a command ended, and what it printed.
struct Ended {
    code: i32,
    out: String,
    err: String,
}

impl Ended {
    fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// What it printed, once it is certain that it succeeded.
    #[track_caller]
    fn done(self) -> String {
        assert_eq!(self.code, 0, "{}{}", self.out, self.err);
        self.out
    }

    /// What it said, once it is certain that it failed like this.
    #[track_caller]
    fn failed(self, code: i32) -> String {
        assert_eq!(self.code, code, "{}{}", self.out, self.err);
        self.err
    }

    #[track_caller]
    fn json(self) -> Value {
        serde_json::from_str(&self.done()).unwrap()
    }
}

/// Runs a verb, with what the data folder of the server gives.
fn run(server: &Server, arguments: &[&str]) -> Ended {
    run_in(server, &[], arguments)
}

fn run_in(server: &Server, environment: &[(&str, &str)], arguments: &[&str]) -> Ended {
    let mut command = server.home().command(arguments);
    command.env("PREDICTION_URL", format!("http://{}", server.address));
    command.env("PREDICTION_CONFIG_DIR", server.home().folder().join("configuration"));
    command.envs(environment.iter().copied()).stdin(Stdio::null());
    Ended::of(command.output().unwrap())
}

/// The words of each line.
fn words(text: &str) -> Vec<Vec<&str>> {
    text.lines().map(|line| line.split_whitespace().collect()).collect()
}

fn prepared(server: &Server) -> (Model, Value) {
    let model = Model::publish(server, "mildew-predictor");
    let job = model.job(server, ORGANISATION_A, "Job A");
    let name = json!({ "name": "Weingut Müller" });
    server.operator().put(&format!("/api/v1/organisations/{ORGANISATION_A}"), &name).expect(200);
    (model, job)
}

fn a_newcomer_sees_no_token(server: &Server) {
    prepared(server);
    assert_eq!(run(server, &["status"]).done(), "1 job: 1 unmonitored\n");
    let who = run(server, &["whoami"]).done();
    assert!(who.contains("made with the secret in") && who.ends_with("Accepted      yes\n"), "{who}");
    assert!(!who.contains("eyJ"), "{who}");

    // Whoever says who is calling is believed rather than the folder.
    let refused = run_in(server, &[("PREDICTION_TOKEN", "eyJ.not.one")], &["status"]).failed(4);
    assert!(refused.starts_with("prediction: "), "{refused}");
    let token = server.home().token(&["--organisation", ORGANISATION_B, "--scope", "jobs:read"]);
    assert_eq!(run_in(server, &[("PREDICTION_TOKEN", &token)], &["status"]).done(), "0 jobs\n");
    let file = server.home().folder().join("token");
    std::fs::write(&file, format!("{token}\n")).unwrap();
    let file = file.to_str().unwrap();
    let told = run(server, &["pause", "Job A", "--token-file", file]).failed(1);
    assert!(told.contains("there is no job \"Job A\""), "{told}");

    let mut nobody = server.home().command(&["status", "--url", "http://127.0.0.1:1", "--deadline", "1s"]);
    let unreachable = Ended::of(nobody.output().unwrap()).failed(3);
    assert!(unreachable.contains("the service does not answer"), "{unreachable}");
}

fn things_are_listed_and_shown(server: &Server) {
    let (model, job) = prepared(server);
    let id = job["id"].as_str().unwrap();
    server.operator().post(&format!("/api/v1/jobs/{id}/runs"), &Model::report("fine")).expect(201);
    let table = run(server, &["get", "jobs"]).done();
    let lines = words(&table);
    assert_eq!(lines[0], ["NAME", "HEALTH", "LAST", "RUN", "SOURCE", "VERSION", "ORGANISATION"]);
    assert_eq!(lines[1][..3], ["Job", "A", "unmonitored"], "{table}");
    assert_eq!(lines[1][lines[1].len() - 4..], ["mildew-predictor", "1.0.0", "Weingut", "Müller"], "{table}");
    for (kind, expected) in
        [("sources", "mildew-predictor"), ("versions", "1.0.0"), ("organisations", "Weingut Müller"), ("job", "Job A")]
    {
        assert_eq!(run(server, &["get", kind, "-o", "name"]).done(), format!("{expected}\n"), "{kind}");
    }
    assert_eq!(
        run(server, &["get", "versions", "mildew-predictor@v1.0.0", "-o", "json"]).json()["id"],
        model.version.as_str()
    );

    // JSON is what the service answers.
    let listed = run(server, &["get", "jobs", "-o", "json"]).json();
    assert_eq!(listed, server.operator().get("/api/v1/jobs?limit=200").expect(200));
    assert_eq!(run(server, &["get", "job", "Job A", "-o", "json"]).json()["id"], id);
    let yaml = run(server, &["get", "job", "Job A", "-o", "yaml"]).done();
    assert!(yaml.starts_with(&format!("id: \"{id}\"\n")) || yaml.starts_with(&format!("id: {id}\n")), "{yaml}");
    let csv = run(server, &["get", "runs", "Job A", "-o", "csv"]).done();
    assert!(csv.lines().nth(1).unwrap().starts_with("2026-06-01T12:00:00Z,succeeded,1,1,fine,"), "{csv}");
    assert_eq!(run(server, &["get", "revisions", "Job A", "-o", "name"]).done(), "1\n");

    let filtered = run(server, &["get", "jobs", "--health", "overdue", "--organisation", "Weingut Müller"]);
    assert_eq!(filtered.err, "There are no jobs.\n");
    let told = run(server, &["get", "sources", "--health", "late"]).failed(64);
    assert!(told.contains("--health is not for sources"), "{told}");
    run(server, &["get", "jobs", "--health", "good"]).failed(1);

    let described = run(server, &["describe", "job", "Job A"]).done();
    for part in
        ["Weingut Müller (7777", "1.0.0 (active)", "temperature", "nothing (optional)", "revision 1, set up", "fine"]
    {
        assert!(described.contains(part), "{part}: {described}");
    }
    let skeleton = run(server, &["new", "job", "--source", "mildew-predictor", "--name", "Job B"]).done();
    assert!(skeleton.contains("# sensor, celsius; needed\n      - role: temperature\n"), "{skeleton}");
}

fn names_stand_for_ids_while_they_are_unambiguous(server: &Server) {
    let (model, first) = prepared(server);
    let second = model.job(server, ORGANISATION_B, "Job A");
    let told = run(server, &["get", "job", "Job A"]).failed(1);
    assert!(told.contains("there are 2 jobs \"Job A\": say which one by --organisation"), "{told}");
    for job in [&first, &second] {
        assert!(told.contains(job["id"].as_str().unwrap()), "{told}");
    }
    let chosen = run(server, &["get", "job", "Job A", "-O", "Weingut Müller", "-o", "json"]).json();
    assert_eq!(chosen["id"], first["id"]);
    let told = run(server, &["get", "job", "Jb A"]).failed(1);
    assert!(told.contains("did you mean \"Job A\"?"), "{told}");
    let told = run(server, &["get", "versions", "mildew-predictr@1.0.0"]).failed(1);
    assert!(told.contains("there is no source \"mildew-predictr\"; did you mean \"mildew-predictor\"?"), "{told}");
    run(server, &["get", "versions", "1.0.0"]).failed(64);
}

fn jobs_are_changed_paused_upgraded_restored_and_deleted(server: &Server) {
    let (model, job) = prepared(server);
    let id = job["id"].as_str().unwrap();
    assert_eq!(run(server, &["pause", "Job A"]).done(), "Job A: changed (revision 2)\n  active: true -> false\n");
    assert_eq!(run(server, &["pause", "Job A"]).done(), "Job A: unchanged\n");
    assert!(run(server, &["resume", "Job A", "--dry-run"]).done().contains("would be changed"));
    assert!(run(server, &["set", "job", "Job A", "active=true", "name=Job B"]).done().starts_with("Job B: changed"));
    assert!(
        run(server, &["set", "job", "Job B", "colour=red"]).failed(64).contains("there are active, name and version")
    );

    model.publish_version(server, "1.1.0", Model::larger_contract());
    let compared = run(server, &["diff", "mildew-predictor@1.0.0", "1.1.0"]).done();
    assert!(compared.starts_with("1.0.0 -> 1.1.0: ") && compared.contains("+ inputs wind"), "{compared}");
    let impact = run(server, &["impact", "mildew-predictor@1.1.0"]).done();
    assert!(impact.starts_with("1 needs_binding") && impact.contains("wind"), "{impact}");
    let refused = run(server, &["upgrade", "Job B", "--to", "1.1.0"]).failed(1);
    assert!(refused.contains("wind"), "{refused}");
    let refused = run(server, &["upgrade", "--all", "--source", "mildew-predictor", "--to", "1.1.0"]);
    assert!(refused.out.starts_with("1.1.0: 0 upgraded, 0 ran it already, 1 refused"), "{}", refused.out);
    refused.failed(1);
    let bind = format!("wind={}", model.input);
    let would = run(server, &["upgrade", "Job B", "--to", "1.1.0", "--bind", &bind, "--dry-run"]).done();
    assert!(would.starts_with("Job B: would run 1.1.0 instead of 1.0.0\n"), "{would}");
    let done = run(server, &["upgrade", "Job B", "--to", "1.1.0", "--bind", &bind]).done();
    assert!(done.starts_with("Job B: runs 1.1.0 instead of 1.0.0\n"), "{done}");
    let all = run(server, &["upgrade", "--all", "--to", "mildew-predictor@1.1.0"]).done();
    assert_eq!(all, "1.1.0: 0 upgraded, 1 ran it already, 0 refused\n");

    let restored = run(server, &["restore", "Job B", "--revision", "1"]).done();
    assert!(restored.starts_with("Job A: is as it was at revision 1"), "{restored}");
    assert!(run(server, &["delete", "Job A"]).failed(64).contains("--yes"));
    assert_eq!(run(server, &["delete", "Job A", "--dry-run"]).done(), "Job A: would be deleted\n");
    assert_eq!(run(server, &["delete", "Job A", "--yes"]).done(), "Job A: deleted\n");
    server.operator().get(&format!("/api/v1/jobs/{id}")).problem(404, "not_found");
}

fn predictions_come_as_they_are_asked_for(server: &Server) {
    let (_, job) = prepared(server);
    let id = job["id"].as_str().unwrap();
    let empty = run(server, &["predictions", "Job A"]);
    assert_eq!((empty.code, empty.err.as_str()), (0, "There are no values.\n"));
    server.operator().post(&format!("/api/v1/jobs/{id}/runs"), &Model::report("fine")).expect(201);
    let table = run(server, &["predictions", "Job A"]).done();
    assert_eq!(words(&table)[1][..3], ["mildew", "2026-06-01T13:00:00Z", "12.5"], "{table}");
    let csv = run(server, &["predictions", "Job A", "-o", "csv"]).done();
    let answered =
        server.operator().call("GET", &format!("/api/v1/jobs/{id}/predictions")).header("Accept", "text/csv");
    assert_eq!(csv, answered.send().text());
    let json = run(server, &["predictions", id, "-o", "json", "--role", "mildew"]).json();
    assert_eq!(json["items"][0]["value"], 12.5);
    let none = run(server, &["predictions", id, "-o", "json", "--to", "2026-06-01T13:00:00Z"]).json();
    assert_eq!(none["items"], json!([]));
    run(server, &["predictions", id, "--from", "yesterday"]).failed(1);
}

fn any_request_can_be_sent(server: &Server) {
    let (_, job) = prepared(server);
    let path = format!("/jobs/{}", job["id"].as_str().unwrap());
    assert_eq!(
        run(server, &["api", "GET", &path]).json(),
        server.operator().get(&format!("/api/v1{path}")).expect(200)
    );
    let changed = run(server, &["api", "put", &path, "-d", r#"{"active": false}"#, "-H", "If-Match: \"1\""]).json();
    assert_eq!(changed["active"], false);
    let late = run(server, &["api", "PUT", &path, "-d", r#"{"active": true}"#, "-H", "If-Match: \"1\""]).failed(1);
    assert!(late.contains("(request "), "{late}");
    let wrong = run(server, &["api", "PUT", &path, "-d", r#"{"actve": true}"#]).failed(1);
    assert!(wrong.contains("/actve: ") && wrong.contains("hint: "), "{wrong}");
    run(server, &["api", "PUT", &path, "-d", "{"]).failed(64);
    assert_eq!(run(server, &["api", "GET", "/health/live"]).json()["status"], "live");
    assert!(run(server, &["api", "GET", "/metrics"]).done().contains("# TYPE prediction_"));
}

fn a_job_is_waited_for(server: &Server) {
    let (_, job) = prepared(server);
    let wait = |condition: &str| run(server, &["wait", "job", "Job A", "--for", condition, "--timeout", "1s"]);
    assert_eq!(wait("health=unmonitored").done(), "Job A: unmonitored, version 1.0.0, revision 1\n");
    assert!(wait("active=true").code == 0 && wait("version=1.0.0").code == 0 && wait("revision=1").code == 0);
    let told = wait("health=on_time").failed(1);
    assert!(told.contains("Job A is not as it should be after 1 s: unmonitored"), "{told}");
    wait("health=good").failed(64);
    let path = format!("/api/v1/jobs/{}", job["id"].as_str().unwrap());
    server.operator().delete(&path).expect(204);
    wait("deleted").failed(1);
}

fn an_export_in_files_changes_nothing(server: &Server) {
    prepared(server);
    // Everything that can be left out is: the export says null.
    let bare = json!({ "organisation_id": ORGANISATION_A, "name": "Bare", "kind": "sensor" });
    server.operator().put("/api/v1/inputs/55555555-0000-4000-8000-000000000001", &bare).expect(201);
    server.operator().post("/api/v1/sources", &json!({ "name": "bare" })).expect(201);
    for output in ["yaml", "json"] {
        let folder = server.home().folder().join(output);
        let folder = folder.to_str().unwrap();
        run(server, &["export", "-d", folder, "-o", output]).done();
        let planned = run(server, &["plan", "-f", folder, "--set", "farm", "--adopt", "-o", "json"]);
        assert_eq!(planned.code, 2, "{}", planned.err);
        let counts = &serde_json::from_str::<Value>(&planned.out).unwrap()["counts"];
        assert_eq!((&counts["create"], &counts["update"]), (&json!(0), &json!(0)), "{counts}");
        assert!(counts["adopt"].as_u64() > Some(3), "{counts}");
    }
}

fn arguments_that_are_no_text_are_told(server: &Server) {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    let odd = OsStr::from_bytes(b"a\xff");
    let end = |before: &[&str]| server.home().command(before).arg(odd).output().unwrap();
    assert_eq!(end(&["get"]).status.code(), Some(64), "{}", String::from_utf8_lossy(&end(&["get"]).stderr));
    for ended in [end(&[]), end(&["token"])] {
        assert_eq!(ended.status.code(), Some(2), "{}", String::from_utf8_lossy(&ended.stderr));
    }
}
