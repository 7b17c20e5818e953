//! What has expired, or belonged to deleted jobs, is deleted by one replica at a time, and nothing else is.

use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{Home, Model, ORGANISATION_A, Server, insert, path_of};

/// So that a test does not wait for long.
const OFTEN: &[&str] = &["--purge-every", "1s"];
const DELETED: &str = "what had expired or belonged to deleted jobs was deleted";
const DEADLINE: Duration = Duration::from_mins(1);

/// A job whose values are kept for an hour, with some that were issued too long ago, and one that was issued now.
fn job_with_values(server: &Server, expired: u32) -> Value {
    let model = Model::publish(server, "mildew");
    server.operator().put(&model.source_path(), &json!({ "retention_hours": 1 })).expect(200);
    let job = model.job(server, ORGANISATION_A, "Job A");
    for number in 0..expired {
        let mut report = Model::report("old");
        insert(&mut report, "/issued_at", format!("2001-01-01T00:00:{number:02}Z"));
        server.operator().post(&format!("{}/runs", path_of(&job)), &report).expect(201);
    }
    let mut report = Model::report("now");
    report.as_object_mut().unwrap().remove("issued_at");
    server.operator().post(&format!("{}/runs", path_of(&job)), &report).expect(201);
    job
}

fn values(server: &Server) -> i64 {
    server.database().results()[2]
}

fn metric(server: &Server, name: &str) -> u64 {
    let metrics = server.anonymous().get("/metrics");
    let value = metrics.text().lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ').map(str::to_owned));
    value.unwrap_or_else(|| panic!("there is no {name} in {}", metrics.text())).parse().unwrap()
}

#[track_caller]
fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !is_so() {
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        sleep(Duration::from_millis(20));
    }
}

#[test]
fn what_has_expired_is_deleted_and_counted() {
    for home in Home::both() {
        let server = Server::start_with(&home, OFTEN);
        let job = job_with_values(&server, 3);
        wait_until("three values go", || values(&server) == 1);
        wait_until("they are counted", || metric(&server, "purged_total{what=\"values\"}") == 3);
        assert_eq!(metric(&server, "purging"), 1);
        assert_eq!(server.database().results(), [0, 4, 1], "runs are kept");
        let client = server.operator();
        let kept = client.get(&format!("{}/predictions", path_of(&job))).expect(200);
        assert_eq!(kept["items"].as_array().unwrap().len(), 1);
        let line = server.output().wait_for(|line| line["message"] == DELETED).unwrap();
        assert!(line["values"].as_u64().is_some_and(|values| values > 0), "{line}");
    }
}

#[test]
fn what_belonged_to_a_deleted_job_is_deleted() {
    for home in Home::both() {
        let server = Server::start_with(&home, OFTEN);
        let job = job_with_values(&server, 0);
        server.operator().delete(&path_of(&job)).expect(204);
        wait_until("all of it goes", || server.database().results() == [0, 0, 0]);
        wait_until("it is counted", || {
            ["values", "runs"].iter().all(|what| metric(&server, &format!("purged_total{{what=\"{what}\"}}")) == 1)
        });
        assert_eq!(server.database().count("SELECT count(*) AS count FROM run_summaries"), 0);
        assert_eq!(server.database().count("SELECT count(*) AS count FROM deleted_jobs"), 0);
    }
}

#[test]
fn a_replica_that_is_told_not_to_deletes_nothing() {
    for home in Home::both() {
        let server = Server::start_with(&home, &["--no-purge", "--purge-every", "1s"]);
        let job = job_with_values(&server, 1);
        // Whoever purges has the lease from the beginning on.
        assert_eq!(server.database().count("SELECT count(*) AS count FROM leases"), 0);
        assert_eq!(metric(&server, "purging"), 0);
        assert_eq!(values(&server), 2);
        let shown = server.operator().get(&format!("{}/predictions", path_of(&job))).expect(200);
        assert_eq!(shown["items"].as_array().unwrap().len(), 1, "it is hidden all the same");
    }
}

#[test]
fn one_replica_deletes_and_another_goes_on_when_it_stops() {
    for home in Home::both() {
        let first = Server::start_with(&home, OFTEN);
        wait_until("the first one purges", || metric(&first, "purging") == 1);
        let second = Server::start_with(&home, OFTEN);
        job_with_values(&second, 1);
        wait_until("the first one deletes", || metric(&first, "purged_total{what=\"values\"}") == 1);
        assert_eq!(metric(&second, "purging"), 0);

        // Stopped in order, it gives the lease back, so nobody waits for its end.
        let stopped = Instant::now();
        let first = first.into_running();
        first.signal("TERM");
        assert!(first.wait().success());
        wait_until("the second one goes on", || metric(&second, "purging") == 1);
        assert!(stopped.elapsed() < Duration::from_secs(20), "it waited for the end of the lease");
    }
}

/// Killed again and again while it deletes: what is left is what has not expired, and nothing is half done.
#[test]
fn a_purge_that_is_killed_is_taken_up_where_it_was() {
    for home in Home::both() {
        let server = Server::start_with(&home, &["--no-purge"]);
        let job = job_with_values(&server, 1);
        multiply(&home, 20_000);
        let all = values(&server);
        assert_eq!(all, 20_002);
        for _ in 0..3 {
            // As if the lease of the one that was killed had ended.
            home.database.execute("DELETE FROM leases");
            let before = values(&server);
            let purging = Server::start_with(&home, OFTEN);
            wait_until("it has begun", || values(&server) < before);
            let purging = purging.into_running();
            purging.signal("KILL");
            assert!(!purging.wait().success());
        }
        assert!(values(&server) > 1, "it was killed before it was done");
        home.database.execute("DELETE FROM leases");
        let last = Server::start_with(&home, OFTEN);
        wait_until("all that has expired goes", || values(&last) == 1);
        let kept = last.operator().get(&format!("{}/predictions", path_of(&job))).expect(200);
        assert_eq!(kept["items"].as_array().unwrap().len(), 1);
        assert_eq!(last.operator().get(&path_of(&job)).expect(200)["health"]["status"], "unmonitored");
    }
}

/// Adds so many values to the runs that were issued in 2001, each about a time of its own.
fn multiply(home: &Arc<Home>, count: u32) {
    let sql = if home.database.is_sqlite() {
        format!(
            "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {count}) \
             INSERT INTO predictions (organisation_id, job_id, role, at, issued_at, value) \
             SELECT organisation_id, job_id, role, at + n, issued_at, value FROM predictions, numbers \
             WHERE issued_at < 1000000000000000"
        )
    } else {
        format!(
            "INSERT INTO predictions (organisation_id, job_id, role, at, issued_at, value) \
             SELECT organisation_id, job_id, role, at + n * interval '1 microsecond', issued_at, value \
             FROM predictions, generate_series(1, {count}) AS n WHERE issued_at < '2002-01-01Z'"
        )
    };
    home.database.execute(&sql);
}
