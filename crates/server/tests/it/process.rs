//! The process: how it starts beside others, stops, and starts again.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{
    Home, Model, ORGANISATION_A, RawConnection, Server, Spawned, example, on_both_databases, path_of, raw_request,
};

on_both_databases!(a_stopped_server_finishes_what_it_began, an_interrupted_server_finishes_what_it_began);

fn a_stopped_server_finishes_what_it_began(server: &Server) {
    stop_in_the_middle_of_a_request(server, "TERM");
}

fn an_interrupted_server_finishes_what_it_began(server: &Server) {
    stop_in_the_middle_of_a_request(server, "INT");
}

fn stop_in_the_middle_of_a_request(server: &Server, signal: &str) {
    // A server of its own, since this one is borrowed.
    let second = Server::start_on_home_of(server);
    let token = second.home().token(&["--all-organisations"]);
    let body = example("setup-job-with-everything.json").to_string();
    let length = format!("Content-Length: {}", body.len());
    let headers = ["Content-Type: application/json", "Expect: 100-continue", length.as_str()];
    let mut connection = RawConnection::open(second.address);
    connection.send(raw_request("POST", "/api/v1/jobs/setup", &token, &headers));
    assert_eq!(connection.answer().0, 100, "the request is being read");

    second.signal(signal);
    second.output().wait_for(|line| line["message"] == "stopping").unwrap();
    connection.send(&body);
    let (status, answer) = connection.answer();
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!((status, &answer["outcome"]["job"]), (201, &json!("created")), "{answer}");
    let status = second.into_running().wait();
    assert_eq!(status.code(), Some(0));
    assert_eq!(server.operator().get(&path_of(&answer["job"])).expect(200), answer["job"], "it was stored");
}

#[test]
fn a_server_that_drains_serves_on_and_says_that_it_is_not_ready() {
    let server = Server::start_with(&Home::on_sqlite(), &["--drain-delay", "24h"]);
    let client = server.operator();
    let before = client.get("/api/v1/sources");
    assert_eq!((before.status, before.header("connection")), (200, None));
    server.anonymous().get("/health/ready").expect(200);

    server.signal("TERM");
    server.output().wait_for(|line| line["message"] == "not ready any more; serving on for a while").unwrap();
    server.anonymous().get("/health/ready").problem(503, "not_ready");
    server.anonymous().get("/health/live").expect(200);
    let meanwhile = client.get("/api/v1/sources");
    assert_eq!((meanwhile.status, meanwhile.header("connection")), (200, Some("close")));

    // An operator who does not want to wait sends another signal.
    server.signal("TERM");
    assert_eq!(server.into_running().wait().code(), Some(0));
}

#[test]
fn a_server_drains_for_as_long_as_it_is_told() {
    let server = Server::start_with(&Home::on_sqlite(), &["--drain-delay", "1s"]);
    let start = Instant::now();
    server.signal("TERM");
    assert_eq!(server.into_running().wait().code(), Some(0));
    assert!(start.elapsed() >= Duration::from_secs(1));
}

/// A proxy that knows of no drain sends until it can no longer connect.
#[test]
fn who_was_accepted_before_the_end_of_a_drain_may_still_send_a_request() {
    let server = Server::start_with(&Home::on_sqlite(), &["--drain-delay", "1s"]);
    let token = server.home().token(&["--all-organisations"]);
    let mut connections: Vec<_> = (0..20).map(|_| RawConnection::open(server.address)).collect();
    server.signal("TERM");
    server.output().wait_for(|line| line["message"] == "stopping").unwrap();
    for connection in &mut connections {
        connection.send(raw_request("GET", "/api/v1/sources", &token, &[]));
    }
    for mut connection in connections {
        assert_eq!(connection.answer().0, 200);
    }
    assert_eq!(server.into_running().wait().code(), Some(0));
}

#[test]
fn what_was_acknowledged_outlives_a_server_that_is_killed() {
    for home in Home::both() {
        let server = Server::start(&home);
        let token = home.token(&["--organisation", ORGANISATION_A]);
        let model = Model::publish(&server, "mildew");
        let job = model.job(&server, ORGANISATION_A, "Job A");
        let before = server.client(token.as_str()).get("/api/v1/jobs?expand=source,source_version").expect(200);
        server.signal("KILL");
        assert_eq!(server.into_running().wait().code(), None, "it was killed");

        let server = Server::start(&home);
        let client = server.client(token);
        assert_eq!(client.get(&path_of(&job)).expect(200), job);
        assert_eq!(client.get("/api/v1/jobs?expand=source,source_version").expect(200), before);
        let again = client.post("/api/v1/jobs/setup", &model.setup(ORGANISATION_A, "Job A"));
        assert_eq!(again.expect(200)["job"], job);
    }
}

#[test]
fn servers_that_start_together_on_an_empty_database_all_come_up() {
    for home in Home::both() {
        let spawned: Vec<_> = (0..4).map(|_| home.spawn(&[])).collect();
        let servers: Vec<_> = spawned.into_iter().map(Spawned::listening).collect();
        let token = home.token(&["--all-organisations"]);
        let migrated = |line: &str| {
            let told: Value = serde_json::from_str(line).ok()?;
            (told["message"] == "the database schema was migrated").then(|| told["migrations"].as_u64().unwrap())
        };
        let migrations: u64 =
            servers.iter().map(|server| server.output().text().lines().filter_map(migrated).sum::<u64>()).sum();
        let applied = home.database.count("SELECT count(*) AS count FROM __diesel_schema_migrations");
        assert_eq!(i64::try_from(migrations).unwrap(), applied, "each migration was applied once");
        assert!(applied > 0);
        // One secret and one database for all of them.
        let created = servers[0].client(&token).post("/api/v1/sources", &example("create-source.json")).expect(201);
        for server in &servers {
            server.anonymous().get("/health/ready").expect(200);
            assert_eq!(server.client(&token).get("/api/v1/sources").expect(200)["items"], json!([created]));
        }
    }
}

#[test]
fn servers_on_one_database_settle_a_race_as_one_server_does() {
    for home in Home::both() {
        let servers: Vec<_> = (0..3).map(|_| home.spawn(&[])).collect();
        let servers: Vec<_> = servers.into_iter().map(Spawned::listening).collect();
        let token = home.token(&["--all-organisations"]);
        let setup = example("setup-job-with-everything.json");
        let mut statuses: Vec<u16> = thread::scope(|scope| {
            let threads = (0..24).map(|number| {
                let client = servers[number % servers.len()].client(&token);
                let setup = &setup;
                scope.spawn(move || client.post("/api/v1/jobs/setup", setup).status)
            });
            let threads: Vec<_> = threads.collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        statuses.sort_unstable();
        assert_eq!(statuses, [vec![200; 23], vec![201]].concat());
        assert_eq!(home.database.rows(), [1, 1, 1]);
    }
}

#[test]
fn a_server_that_does_not_migrate_is_ready_when_another_process_has() {
    for home in Home::both() {
        let server = Server::start_with(&home, &["--no-migrate"]);
        server.anonymous().get("/health/live").expect(200);
        let answer = server.anonymous().get("/health/ready");
        answer.problem(503, "not_ready");
        assert_eq!(answer.header("retry-after"), Some("1"));
        assert!(home.command_with_database(&["migrate"]).output().unwrap().status.success());
        // What was found a moment ago is told for a moment.
        while server.anonymous().get("/health/ready").status != 200 {}
        server.operator().post("/api/v1/sources", &example("create-source.json")).expect(201);
    }
}
