//! Runs and revisions that are not to be kept go, and nothing else is missed.

use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{Home, Model, ORGANISATION_A, Server, insert, path_of};

const DEADLINE: Duration = Duration::from_mins(1);

#[track_caller]
fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !is_so() {
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        sleep(Duration::from_millis(20));
    }
}

fn items(server: &Server, path: &str) -> Vec<Value> {
    server.operator().get(path).expect(200)["items"].as_array().unwrap().clone()
}

#[test]
fn history_that_is_not_to_be_kept_is_deleted_and_counted() {
    for home in Home::both() {
        let before = Server::start(&home);
        let model = Model::publish(&before, "mildew");
        let client = before.operator();
        let job = path_of(&model.job(&before, ORGANISATION_A, "Job A"));
        let runs = format!("{job}/runs");
        let failed = |second: u32| {
            let issued_at = format!("2001-01-01T00:00:{second:02}Z");
            let report = json!({"issued_at": issued_at, "status": "failed", "message": "no", "job_revision": 1});
            client.post(&runs, &report).expect(201)["id"].clone()
        };
        let first = failed(0);
        client.put(&job, &json!({"name": "Job B"})).expect(200);
        client.put(&job, &json!({"name": "Job C"})).expect(200);
        let mut report = Model::report("fine");
        insert(&mut report, "/issued_at", "2001-01-01T00:00:30Z");
        insert(&mut report, "/job_revision", 1);
        let with_values = client.post(&runs, &report).expect(201);
        (31..45).for_each(|second| drop(failed(second)));
        let (health, values) =
            (client.get(&job).expect(200)["health"].clone(), items(&before, &format!("{job}/predictions")));
        drop(before);

        let server =
            Server::start_with(&home, &["--purge-every", "1s", "--keep-runs", "90d,10", "--keep-revisions", "1"]);
        wait_until("runs go", || items(&server, &runs).len() == 11);
        wait_until("revisions go", || items(&server, &format!("{job}/revisions")).len() == 2);
        let client = server.operator();
        let first = format!("{runs}/{}", first.as_str().unwrap());
        client.get(&first).problem(404, "not_found");
        client.get(&format!("{job}/revisions/2")).problem(404, "not_found");
        assert_eq!(client.get(&job).expect(200)["health"], health);
        assert_eq!(items(&server, &format!("{job}/predictions")), values);
        // A value leads to its run, and that to what the job was.
        let run = client.get(&format!("{runs}/{}", values[0]["run_id"].as_str().unwrap())).expect(200);
        assert_eq!(run["id"], with_values["id"]);
        assert_eq!(client.get(&format!("{job}/revisions/1")).expect(200)["name"], "Job A");
        // A revision that is gone is none that a runner can have read.
        let mut late = Model::report("late");
        insert(&mut late, "/job_revision", 2);
        let problem = client.post(&runs, &late).problem(422, "invalid");
        assert_eq!(problem["errors"][0]["code"], "unknown_revision");
        let metrics = server.anonymous().get("/metrics").text();
        assert!(metrics.contains("prediction_purged_total{what=\"runs\"} 5\n"), "{metrics}");
        assert!(metrics.contains("prediction_purged_total{what=\"revisions\"} 1\n"), "{metrics}");
        assert!(
            server.output().wait_for(|line| line["message"] == "history that is not to be kept was deleted").is_some()
        );
    }
}

#[test]
fn what_cannot_say_how_much_is_kept_is_refused() {
    let home = Home::on_sqlite();
    for option in ["--keep-runs", "--keep-revisions"] {
        for text in ["0", "1d,2d", "a week", ""] {
            let (status, complaint) = home.spawn(&[&format!("{option}={text}")]).wait();
            assert_eq!(status.code(), Some(2), "{option}={text}");
            assert!(complaint.contains(option), "{complaint}");
        }
    }
}
