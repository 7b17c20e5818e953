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
        wait_until("they are counted", || metric(&server, "prediction_purged_total{what=\"values\"}") == 3);
        assert_eq!(metric(&server, "prediction_purging"), 1);
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
            ["values", "runs"]
                .iter()
                .all(|what| metric(&server, &format!("prediction_purged_total{{what=\"{what}\"}}")) == 1)
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
        // The replica that purges has the lease from the beginning on.
        assert_eq!(server.database().count("SELECT count(*) AS count FROM leases"), 0);
        assert_eq!(metric(&server, "prediction_purging"), 0);
        assert_eq!(values(&server), 2);
        let shown = server.operator().get(&format!("{}/predictions", path_of(&job))).expect(200);
        assert_eq!(shown["items"].as_array().unwrap().len(), 1, "it is hidden all the same");
    }
}

#[test]
fn one_replica_deletes_and_another_goes_on_when_it_stops() {
    for home in Home::both() {
        let first = Server::start_with(&home, OFTEN);
        wait_until("the first one purges", || metric(&first, "prediction_purging") == 1);
        let second = Server::start_with(&home, OFTEN);
        job_with_values(&second, 1);
        wait_until("the first one deletes", || metric(&first, "prediction_purged_total{what=\"values\"}") == 1);
        assert_eq!(metric(&second, "prediction_purging"), 0);

        // Stopped in order, it gives the lease back, so no replica waits for its end.
        let stopped = Instant::now();
        let first = first.into_running();
        first.signal("TERM");
        assert!(first.wait().success());
        wait_until("the second one goes on", || metric(&second, "prediction_purging") == 1);
        assert!(stopped.elapsed() < Duration::from_secs(20), "it waited for the end of the lease");
    }
}

/// The row of the lease has the time that was believed last. A clock that is years ahead of it may be wrong.
#[test]
fn a_start_years_after_the_last_purge_deletes_nothing_more_for_a_while() {
    for home in Home::both() {
        let server = Server::start_with(&home, &["--no-purge"]);
        job_with_values(&server, 1);
        // Issued in 2001, so that it had expired by then, too; and one that has expired since.
        home.database.execute(if home.database.is_sqlite() {
            "UPDATE predictions SET issued_at = issued_at - 7200000000 WHERE issued_at > 1000000000000000; \
             UPDATE run_summaries SET values_from = 978307200000000; \
             INSERT INTO leases VALUES ('purge', '11111111-1111-4111-8111-111111111111', 1577836800000000)"
        } else {
            "UPDATE predictions SET issued_at = issued_at - interval '2 hours' WHERE issued_at > '2002-01-01Z'; \
             INSERT INTO leases VALUES ('purge', '11111111-1111-4111-8111-111111111111', '2020-01-01Z')"
        });
        let purging = Server::start_with(&home, OFTEN);
        wait_until("what had expired by 2020 goes", || {
            metric(&purging, "prediction_purged_total{what=\"values\"}") == 1
        });
        let ready = purging.anonymous().get("/health/ready").expect(200);
        assert_eq!((&ready["status"], &ready["degraded"][0]["check"]), (&json!("degraded"), &json!("clock")));
        purging
            .output()
            .wait_for(|line| line["message"].as_str().is_some_and(|text| text.starts_with("the clock has jumped")));
        assert_eq!(values(&purging), 1, "what has expired since 2020 waits");
        // A restart changes nothing about that.
        drop(purging);
        let again = Server::start_with(&home, OFTEN);
        wait_until("it purges", || metric(&again, "prediction_purging") == 1);
        assert_eq!(values(&again), 1);
        // Unless the operator says that the clock is right.
        drop(again);
        home.database.execute("DELETE FROM leases");
        let told = Server::start_with(&home, OFTEN);
        wait_until("what has expired goes", || values(&told) == 0);
        assert_eq!(told.anonymous().get("/health/ready").expect(200), json!({"status": "ready"}));
        assert_eq!(metric(&told, "prediction_wall_clock_deviation_seconds"), 0);
    }
}

#[test]
fn a_lease_of_another_age_keeps_no_replica_waiting() {
    for home in Home::both() {
        Server::start_with(&home, &["--no-purge"]);
        home.database.execute(if home.database.is_sqlite() {
            "INSERT INTO leases VALUES ('purge', '11111111-1111-4111-8111-111111111111', 4102444800000000)"
        } else {
            "INSERT INTO leases VALUES ('purge', '11111111-1111-4111-8111-111111111111', '2100-01-01Z')"
        });
        let server = Server::start_with(&home, OFTEN);
        wait_until("it purges", || metric(&server, "prediction_purging") == 1);
    }
}

/// Readers are served.
#[test]
fn a_database_that_takes_no_writes_is_told() {
    for home in Home::both() {
        let server = Server::start_with(&home, OFTEN);
        let job = job_with_values(&server, 0);
        assert_eq!(metric(&server, "prediction_store_writable"), 1);
        let [forbid, permit] = if home.database.is_sqlite() {
            let forbid = "CREATE TRIGGER refuse BEFORE INSERT ON leases \
                          BEGIN SELECT RAISE(ROLLBACK, 'attempt to write a readonly database'); END";
            [vec![forbid.to_owned()], vec!["DROP TRIGGER refuse".to_owned()]]
        } else {
            ["on", "off"].map(|value| {
                let set = "EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = ";
                // After that is committed: sessions that begin before do not know of it.
                let end = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity \
                           WHERE datname = current_database() AND pid <> pg_backend_pid()";
                let set = format!("SET TRANSACTION READ WRITE; DO $$ BEGIN {set}{value}', current_database()); END $$");
                vec![set, end.to_owned()]
            })
        };
        for statement in forbid {
            home.database.execute(&statement);
        }
        wait_until("it is told", || metric(&server, "prediction_store_writable") == 0);
        let ready = server.anonymous().get("/health/ready").expect(200);
        assert_eq!((&ready["status"], &ready["degraded"][0]["check"]), (&json!("degraded"), &json!("writes")));
        server.operator().get(&path_of(&job)).expect(200);
        for statement in permit {
            home.database.execute(&statement);
        }
        server.operator().post(&format!("{}/runs", path_of(&job)), &Model::report("again")).expect(201);
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
