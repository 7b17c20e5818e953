//! The example of a runner, run as its README says.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::harness::{Model, ORGANISATION_A, ORGANISATION_B, ORGANISATION_C, Server, on_both_databases, path_of};

on_both_databases!(
    a_runner_reports_each_active_job_once,
    an_input_that_cannot_be_read_fails_the_runs_that_need_it,
    a_runner_converts_what_an_input_gives_into_the_unit_of_its_role,
    a_chain_is_run_stage_by_stage,
    a_runner_says_plainly_what_it_cannot_do,
    a_runner_goes_on_through_an_upgrade_and_reports_each_run_once,
);

/// So long that two passes are in the same interval.
const LONG_INTERVAL: i64 = 5_256_000;

fn run(server: &Server, token: &str, arguments: &[&str]) -> Output {
    Command::new("python3")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/runner/runner.py"))
        .args(["--api", &format!("http://{}", server.address), "--source", "mildew"])
        .args(arguments)
        .env("PREDICTION_API_TOKEN", token)
        .output()
        .expect("python3 can be run; it is needed for this test")
}

fn token(server: &Server) -> String {
    server.home().token(&["--all-organisations", "--scope", "jobs:read predictions:write"])
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn complaints(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn published(server: &Server) -> Model {
    let model = Model::publish(server, "mildew");
    server.operator().put(&model.source_path(), &json!({ "expected_interval_minutes": LONG_INTERVAL })).expect(200);
    model
}

fn runs_of(server: &Server, job: &Value) -> Vec<Value> {
    server.operator().get(&format!("{}/runs", path_of(job))).expect(200)["items"].as_array().unwrap().clone()
}

fn a_runner_reports_each_active_job_once(server: &Server) {
    let model = published(server);
    let jobs = [ORGANISATION_A, ORGANISATION_B].map(|organisation| model.job(server, organisation, "Vineyard"));
    let inactive = model.job(server, ORGANISATION_A, "Resting");
    server.operator().put(&path_of(&inactive), &json!({ "active": false })).expect(200);

    let first = run(server, &token(server), &["--hours", "3"]);
    assert_eq!((first.status.code(), complaints(&first)), (Some(0), String::new()), "{}", out(&first));
    assert_eq!(out(&first).lines().filter(|line| line.contains(": reported for ")).count(), 2, "{}", out(&first));
    let again = run(server, &token(server), &["--hours", "3"]);
    assert_eq!(
        out(&again).lines().filter(|line| line.contains(": already reported for ")).count(),
        2,
        "{}",
        out(&again)
    );

    for job in &jobs {
        let runs = runs_of(server, job);
        assert_eq!(runs.len(), 1);
        assert_eq!((&runs[0]["status"], &runs[0]["prediction_count"]), (&json!("succeeded"), &json!(3)));
        let run = runs[0]["id"].as_str().unwrap();
        server.operator().get(&format!("{}/predictions?run_id={run}", path_of(job))).expect(200);
    }
    assert_eq!(runs_of(server, &inactive), [] as [Value; 0]);
}

fn an_input_that_cannot_be_read_fails_the_runs_that_need_it(server: &Server) {
    let model = published(server);
    let job = model.job(server, ORGANISATION_A, "Vineyard");
    let failed = run(server, &token(server), &["--fail", &model.input]);
    assert_eq!(failed.status.code(), Some(0), "{}", complaints(&failed));
    let runs = runs_of(server, &job);
    assert_eq!((&runs[0]["status"], &runs[0]["prediction_count"]), (&json!("failed"), &json!(0)));
    assert!(runs[0]["message"].as_str().unwrap().contains(&model.input));
    // The sensor works again: the run is done over, and its success takes the place of the failure.
    let late = run(server, &token(server), &[]);
    assert!(out(&late).contains(": reported for "), "{}", out(&late));
    let done_over = runs_of(server, &job);
    assert_eq!((&done_over[0]["status"], &done_over[0]["replaces"]), (&json!("succeeded"), &runs[0]["id"]));
    // And fails again: what was delivered for this interval stands.
    let again = run(server, &token(server), &["--fail", &model.input]);
    assert!(out(&again).contains("already reported for "), "{}", out(&again));
    assert_eq!(runs_of(server, &job), done_over);
}

fn a_runner_converts_what_an_input_gives_into_the_unit_of_its_role(server: &Server) {
    let contract = json!({
        "input_roles": [{ "role": "air", "input_kind": "sensor", "metric": "temperature", "unit": "°C" }],
        "output_roles": [{ "role": "mildew", "metric": "risk", "unit": "%" }],
    });
    let model = Model::publish_with(server, "mildew", contract);
    server.operator().put(&model.source_path(), &json!({ "expected_interval_minutes": LONG_INTERVAL })).expect(200);
    // The toy sensor of one id measures the same for all, each in the unit that is registered.
    let input = format!("/api/v1/inputs/{}", model.input);
    let job = |organisation: &str, unit: &str| {
        let told = json!({ "organisation_id": organisation, "kind": "sensor", "name": "Air", "unit": unit });
        server.member(organisation).put(&input, &told).expect(201);
        let setup = json!({
            "organisation_id": organisation, "job": { "name": "Vineyard", "source_version_id": model.version },
            "role_bindings": [{ "role": "air", "input_id": model.input }],
        });
        server.operator().post("/api/v1/jobs/setup", &setup).expect(201)["job"].clone()
    };
    let jobs = [job(ORGANISATION_A, "°C"), job(ORGANISATION_B, "K"), job(ORGANISATION_C, "°F")];
    let changed = json!({ "organisation_id": ORGANISATION_C, "unit": "hPa" });
    server.operator().put(&input, &changed).expect(200);
    let done = run(server, &token(server), &["--hours", "6"]);
    assert_eq!(done.status.code(), Some(0), "{}", complaints(&done));
    let values =
        |job: &Value| server.operator().get(&format!("{}/predictions", path_of(job))).expect(200)["items"].clone();
    let risks = |job: &Value| {
        values(job).as_array().unwrap().iter().map(|value| value["value"].as_f64().unwrap()).collect::<Vec<_>>()
    };
    let (celsius, kelvin) = (risks(&jobs[0]), risks(&jobs[1]));
    assert_eq!(celsius.len(), 6);
    assert!(celsius.iter().zip(&kelvin).all(|(one, other)| (one - other).abs() < 0.11), "{celsius:?} {kelvin:?}");
    let failed = runs_of(server, &jobs[2]);
    assert!(failed[0]["message"].as_str().unwrap().contains("hPa into °C"), "{failed:?}");
}

fn a_chain_is_run_stage_by_stage(server: &Server) {
    let published = |source: &str, input_kind: &str, unit: &str| {
        let contract = json!({
            "input_roles": [{ "role": "air", "input_kind": input_kind, "metric": "temperature", "unit": unit }],
            "output_roles": [{ "role": "forecast", "metric": "temperature", "unit": unit }],
        });
        let model = Model::publish_with(server, source, contract);
        server.operator().put(&model.source_path(), &json!({ "expected_interval_minutes": LONG_INTERVAL })).expect(200);
        model
    };
    let job = |model: &Model, name: &str, input_id: &Value| {
        let setup = json!({
            "organisation_id": ORGANISATION_A, "job": { "name": name, "source_version_id": model.version },
            "role_bindings": [{ "role": "air", "input_id": input_id }],
        });
        server.operator().post("/api/v1/jobs/setup", &setup).expect(201)["job"].clone()
    };
    let weather = published("weather", "sensor", "°C");
    let weather = job(&weather, "Weather", &json!(weather.input));
    let output = &weather["outputs"][0]["id"];
    let leaves = job(&published("leaves", "output", "K"), "Leaves", output);

    let complete =
        server.home().token(&["--all-organisations", "--scope", "jobs:read predictions:read predictions:write"]);
    let pass = |source: &str, hours: &str| {
        let done = run(server, &complete, &["--source", source, "--hours", hours]);
        assert_eq!((done.status.code(), complaints(&done)), (Some(0), String::new()), "{}", out(&done));
    };
    let values = |job: &Value| {
        let list = server.operator().get(&format!("{}/predictions", path_of(job))).expect(200)["items"].clone();
        let value = |item: &Value| (item["at"].as_str().unwrap().to_owned(), item["value"].as_f64().unwrap());
        list.as_array().unwrap().iter().map(value).collect::<Vec<_>>()
    };

    let lacking = run(server, &token(server), &["--source", "leaves"]);
    assert_eq!(lacking.status.code(), Some(1));
    assert!(complaints(&lacking).contains("the scope predictions:read is needed"), "{}", complaints(&lacking));
    assert_eq!(runs_of(server, &leaves), [] as [Value; 0], "what the token lacks is no failure of the job");

    pass("leaves", "6");
    let early = runs_of(server, &leaves);
    assert_eq!(early[0]["status"], "failed");
    let message = early[0]["message"].as_str().unwrap();
    assert!(message.contains(output.as_str().unwrap()) && message.contains("no values"), "{message}");

    pass("weather", "4");
    pass("leaves", "6");
    assert_eq!(runs_of(server, &leaves)[0]["replaces"], early[0]["id"]);
    let (celsius, kelvin) = (values(&weather), values(&leaves));
    assert_eq!((celsius.len(), kelvin.len()), (4, 4), "the hours that the output has");
    for ((at, degrees), (of_leaves, kelvins)) in celsius.iter().zip(&kelvin) {
        assert_eq!(at, of_leaves);
        assert!((degrees + 273.15 - kelvins).abs() < 0.006, "{degrees} °C and {kelvins} K");
    }
}

fn a_runner_says_plainly_what_it_cannot_do(server: &Server) {
    let model = published(server);
    model.job(server, ORGANISATION_A, "Vineyard");
    let wrong = run(server, "nonsense", &[]);
    assert_eq!(wrong.status.code(), Some(1));
    assert!(complaints(&wrong).starts_with("The token is not accepted (401)"), "{}", complaints(&wrong));
    let lacking = server.home().token(&["--all-organisations", "--scope", "jobs:read"]);
    let lacking = run(server, &lacking, &[]);
    assert_eq!(lacking.status.code(), Some(1));
    assert!(complaints(&lacking).contains("predictions:write"), "{}", complaints(&lacking));
    let unknown = run(server, &token(server), &["--source", "mildw"]);
    assert_eq!((unknown.status.code(), complaints(&unknown).lines().count()), (Some(1), 1), "{}", complaints(&unknown));
    let missing = run(server, "", &[]);
    assert_eq!(missing.status.code(), Some(2));
    for output in [wrong, lacking, unknown, missing] {
        assert!(!complaints(&output).contains("Traceback"), "{}", complaints(&output));
    }
}

/// Ended also when the test fails.
struct Running(std::process::Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn a_runner_goes_on_through_an_upgrade_and_reports_each_run_once(server: &Server) {
    let model = published(server);
    let job = model.job(server, ORGANISATION_A, "Vineyard");
    let mut contract = Model::contract();
    contract["input_roles"][0]["role"] = json!("air");
    contract["input_roles"][0]["aliases"] = json!(["temperature"]);
    contract["output_roles"].as_array_mut().unwrap().push(json!({ "role": "frost", "metric": "risk", "unit": "%" }));
    let newer = model.publish_version(server, "1.1.0", contract);

    let program = Command::new("python3")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/runner/runner.py"))
        .args(["--api", &format!("http://{}", server.address), "--source", "mildew", "--every", "1", "--hours", "3"])
        .env("PREDICTION_API_TOKEN", token(server))
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .expect("python3 can be run; it is needed for this test");
    let mut program = Running(program);
    let mut lines = BufReader::new(program.0.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut wait_for = |words: &str| {
        let found = lines.by_ref().find(|line| line.contains(words));
        found.unwrap_or_else(|| panic!("the runner ended without: {words}"));
    };
    wait_for(": reported for ");
    server.operator().post(&format!("{}/upgrade", path_of(&job)), &json!({})).expect(200);
    // The run of this interval was made before the upgrade, and stands.
    wait_for("is stored and stands until the next issue time");
    // Another interval begins at another time.
    let shorter = json!({ "expected_interval_minutes": LONG_INTERVAL / 2 - 1 });
    server.operator().put(&model.source_path(), &shorter).expect(200);
    wait_for(": 6 predictions");
    wait_for(": already reported for ");
    drop(program);

    let runs = runs_of(server, &job);
    let told = |run: &Value| (run["job_revision"].clone(), run["source_version_id"].clone(), run["status"].clone());
    let mut told: Vec<_> = runs.iter().map(told).collect();
    told.sort_by_key(|(revision, ..)| revision.as_i64());
    assert_eq!(
        told,
        [(json!(1), json!(model.version), json!("succeeded")), (json!(2), json!(newer), json!("succeeded")),],
        "none is lost, and none is there twice"
    );
}
