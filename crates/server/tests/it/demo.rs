//! `serve --demo`: what a newcomer sees.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

use crate::harness::{Client, Home};

/// The folders of demos.
fn folders(home: &Home) -> Vec<PathBuf> {
    let entries = fs::read_dir(home.folder()).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("prediction-api-demo-")).collect()
}

fn all(client: &Client, path: &str) -> Vec<Value> {
    client.get(path).expect(200)["items"].as_array().unwrap().clone()
}

#[test]
fn a_demo_shows_every_health_a_chain_an_upgrade_and_two_weeks_of_values() {
    let home = Home::on_sqlite();
    let server = home.spawn_demo().listening();
    let folders_before = folders(&home);
    let [folder] = folders_before.as_slice() else { panic!("{folders_before:?}") };
    let token = Command::new(env!("CARGO_BIN_EXE_prediction-api"))
        .args(["token", "--all-organisations", "--data-dir"])
        .arg(folder)
        .env_clear()
        .output()
        .unwrap();
    let client = server.client(String::from_utf8(token.stdout).unwrap().trim_end());

    let counts = client.get("/api/v1/jobs/health").expect(200)["counts"].clone();
    let counts = counts.as_object().unwrap();
    assert_eq!(counts.len(), 7);
    assert!(counts.values().all(|count| count.as_u64() > Some(0)), "{counts:?}");
    assert_eq!(counts.values().filter_map(Value::as_u64).sum::<u64>(), 40);

    let organisations = all(&client, "/api/v1/organisations");
    let names: BTreeSet<&str> = organisations.iter().filter_map(|known| known["name"].as_str()).collect();
    assert_eq!(names.len(), 5, "{names:?}");
    assert_eq!(all(&client, "/api/v1/sources").len(), 3);
    assert_eq!(client.get("/api/v1/jobs?bindings=unfit").expect(200)["items"], Value::Array(Vec::new()));

    let jobs = all(&client, "/api/v1/jobs?order=health&limit=50&expand=source_version,last_run");
    assert!(jobs.iter().any(|job| job["health"]["blocked_by"].is_array()), "a job waits for one upstream");
    let deprecated = jobs.iter().filter(|job| job["source_version"]["lifecycle"]["stage"] == "deprecated");
    assert!(deprecated.count() > 5, "an upgrade waits");
    let failing = jobs.iter().find(|job| job["health"]["status"] == "failing").unwrap();
    assert!(failing["last_run"]["message"].as_str().unwrap().contains("Traceback"), "{failing}");

    // A history by several people, and by nobody who is not one.
    let nursery = jobs.iter().find(|job| job["name"] == "Nursery, east wing").unwrap();
    let path = format!("/api/v1/jobs/{}", nursery["id"].as_str().unwrap());
    let revisions = all(&client, &format!("{path}/revisions"));
    let authors: BTreeSet<&str> = revisions.iter().filter_map(|revision| revision["changed_by"].as_str()).collect();
    assert_eq!((revisions.len(), authors.len()), (4, 2), "{revisions:?}");

    // Two weeks, with nights and days.
    let values = all(&client, &format!("{path}/predictions?role=risk&limit=10000"));
    assert!(values.len() > 14 * 24, "{}", values.len());
    let risks: Vec<f64> = values.iter().filter_map(|value| value["value"].as_f64()).collect();
    let turns = risks.windows(3).filter(|three| (three[1] > three[0]) && (three[1] >= three[2])).count();
    assert!((10..60).contains(&turns), "{turns} peaks in two weeks");

    // What the greeting, the README and the tutorial have a newcomer create is not there already.
    for name in ["mildew-predictor", "frost-warning"] {
        client.post("/api/v1/sources", &json!({"name": name, "retention_hours": 720})).expect(201);
    }

    server.signal("TERM");
    assert!(server.wait().success());
    assert_eq!(folders(&home), Vec::<PathBuf>::new(), "nothing is left of it");
}

#[test]
fn a_demo_does_not_touch_what_is_there() {
    let home = Home::on_sqlite();
    for (options, named) in [
        (&["--database-url", "sqlite:a.db"][..], "--database-url"),
        (&["--data-dir", "data"], "--data-dir"),
        (&["--no-migrate"], "--no-migrate"),
        (&["--issuer", "https://issuer.example", "--audience", "a"], "--issuer"),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_prediction-api"));
        command.args(["serve", "--demo"]).args(options).env_clear().current_dir(home.folder());
        let output = command.output().unwrap();
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{options:?}: {complaint}");
        assert!(complaint.contains(&format!("'--demo' cannot be used with '{named}")), "{complaint}");
    }
    assert_eq!(folders(&home), Vec::<PathBuf>::new());
}
