//! What an organisation may have, or do in a day, only so often: by two replicas, on both databases.

use std::collections::BTreeMap;
use std::sync::{Arc, Barrier};
use std::thread;

use prediction_http::openapi::operations;
use prediction_http::problem::ProblemCode;
use serde_json::{Value, json};

use crate::harness::{Answer, Home, Model, ORGANISATION_A, ORGANISATION_B, Server, insert, path_of};

const SETUP: &str = "/api/v1/jobs/setup";

fn on_both(arguments: &[&str], test: impl Fn(&Server, &Server)) {
    for home in Home::both() {
        let server = Server::start_with(&home, arguments);
        test(&server, &Server::start_with(&Arc::clone(&home), arguments));
    }
}

#[track_caller]
fn assert_used_up(answer: &Answer, quota: &str, limit: u64, used: u64) {
    let status = if quota == "jobs" { 422 } else { 429 };
    let problem = answer.problem(status, "quota_exceeded");
    assert_eq!((&problem["quota"], &problem["limit"], &problem["used"]), (&json!(quota), &json!(limit), &json!(used)));
    let seconds = answer.header("retry-after").map(|seconds| seconds.parse::<u64>().unwrap());
    match quota {
        "jobs" => assert_eq!(seconds, None, "waiting does not help"),
        _ => assert!((1..=24 * 60 * 60).contains(&seconds.unwrap()), "until midnight: {seconds:?}"),
    }
}

fn refusals(server: &Server, quota: &str) -> u64 {
    let name = format!("prediction_quota_refusals_total{{quota=\"{quota}\"}} ");
    let metrics = server.anonymous().get("/metrics").text();
    metrics.lines().find_map(|line| line.strip_prefix(&name)).unwrap().parse().unwrap()
}

#[test]
fn of_many_setups_at_once_as_many_are_made_as_there_is_room_for() {
    on_both(&["--quota-jobs", "10"], |server, other| {
        let model = Model::publish(server, "mildew");
        let clients = [server.member(ORGANISATION_A), other.member(ORGANISATION_A)];
        let start = Barrier::new(64);
        let answers: Vec<Answer> = thread::scope(|scope| {
            let threads: Vec<_> = (0..64)
                .map(|number| {
                    let (start, client, setup) =
                        (&start, &clients[number % 2], model.setup(ORGANISATION_A, &format!("Job {number}")));
                    scope.spawn(move || {
                        client.get("/health/live").expect(200);
                        start.wait();
                        client.post(SETUP, &setup)
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let mut statuses: BTreeMap<u16, usize> = BTreeMap::new();
        for answer in &answers {
            *statuses.entry(answer.status).or_default() += 1;
        }
        assert_eq!(statuses, BTreeMap::from([(201, 10), (422, 54)]));
        for answer in answers.iter().filter(|answer| answer.status == 422) {
            assert_used_up(answer, "jobs", 10, 10);
        }
        assert_eq!(refusals(server, "jobs") + refusals(other, "jobs"), 54);
        let client = &clients[0];
        assert_eq!(client.get("/api/v1/jobs").expect(200)["items"].as_array().unwrap().len(), 10);

        // What is there is found; a dry run tells that there is no room; others have theirs.
        let place = answers.iter().position(|answer| answer.status == 201).unwrap();
        client.post(SETUP, &model.setup(ORGANISATION_A, &format!("Job {place}"))).expect(200);
        let more = model.setup(ORGANISATION_A, "One more");
        assert_used_up(&client.post(&format!("{SETUP}?dry_run=true"), &more), "jobs", 10, 10);
        other.operator().post(SETUP, &model.setup(ORGANISATION_B, "Job of another")).expect(201);
        // What a wrong request is told does not depend on the quota.
        let mut wrong = more.clone();
        insert(&mut wrong, "/role_bindings/0/role", "no such role");
        client.post(SETUP, &wrong).problem(422, "invalid");
        assert_eq!(client.delete(&path_of(&answers[place].json()["job"])).status, 204);
        other.member(ORGANISATION_A).post(SETUP, &more).expect(201);
        assert_used_up(&client.post(SETUP, &model.setup(ORGANISATION_A, "Yet another")), "jobs", 10, 10);
    });
}

#[test]
fn as_much_is_reported_in_a_day_as_may_be() {
    on_both(&["--quota-values-per-day", "10"], |server, other| {
        let model = Model::publish(server, "mildew");
        let jobs = ["Job A", "Job B"].map(|name| format!("{}/runs", path_of(&model.job(server, ORGANISATION_A, name))));
        let report = |minute: usize, values: usize| {
            let mut report = Model::report("fine");
            insert(&mut report, "/issued_at", format!("2026-06-01T12:{minute:02}:00Z"));
            let values =
                (0..values).map(|n| json!({"role": "mildew", "at": format!("2026-06-01T13:{n:02}:00Z"), "value": 1}));
            insert(&mut report, "/predictions", values.collect::<Vec<Value>>());
            report.as_object_mut().unwrap().remove("message");
            report
        };
        let (client, other) = (server.member(ORGANISATION_A), other.member(ORGANISATION_A));
        client.post(&jobs[0], &report(0, 6)).expect(201);
        assert_used_up(&other.post(&jobs[1], &report(0, 5)), "values_per_day", 10, 6);
        // A failure counts by its message.
        let mut failed = json!({"issued_at": "2026-06-01T12:01:00Z", "status": "failed", "message": "x".repeat(3_001)});
        other.post(&jobs[1], &failed).expect(201);
        for _ in 0..2 {
            client.post(&jobs[0], &report(0, 6)).expect(200);
            other.post(&jobs[1], &failed).expect(200);
        }
        insert(&mut failed, "/message", "short");
        insert(&mut failed, "/issued_at", "2026-06-01T12:02:00Z");
        assert_used_up(&client.post(&jobs[1], &failed), "values_per_day", 10, 10);
        failed.as_object_mut().unwrap().remove("issued_at");
        assert_used_up(&client.post(&jobs[1], &failed), "values_per_day", 10, 10);
        // What succeeds in the place of a failure is a report, too.
        assert_used_up(&client.post(&jobs[1], &report(1, 1)), "values_per_day", 10, 10);
        let runs = client.get(&jobs[1]).expect(200);
        assert_eq!(runs["items"].as_array().unwrap().len(), 1);
        // Deleting gives no room back: what was reported was reported.
        let run = runs["items"][0]["id"].as_str().unwrap();
        assert_eq!(client.delete(&format!("{}/{run}", jobs[1])).status, 204);
        assert_used_up(&client.post(&jobs[1], &report(9, 1)), "values_per_day", 10, 10);
        let stranger = format!("{}/runs", path_of(&model.job(server, ORGANISATION_B, "Job A")));
        server.member(ORGANISATION_B).post(&stranger, &report(0, 10)).expect(201);
        let too_large = server.member(ORGANISATION_A).post(&jobs[0], &report(10, 11));
        assert!(too_large.problem(422, "quota_exceeded")["detail"].as_str().unwrap().contains("11 values"));
        assert_eq!(too_large.header("retry-after"), None, "waiting does not help");
        // Another day: as if what was used had been used the day before.
        server.database().execute("UPDATE daily_usage SET day = day - 1");
        client.post(&jobs[0], &report(11, 10)).expect(201);
    });
}

#[test]
fn as_many_changes_are_made_in_a_day_as_may_be() {
    on_both(&["--quota-changes-per-day", "3"], |server, other| {
        let model = Model::publish(server, "mildew");
        let job = model.job(server, ORGANISATION_A, "Job A");
        let (client, other) = (server.member(ORGANISATION_A), other.member(ORGANISATION_A));
        let path = path_of(&job);
        // What changes nothing, is wrong, stale or a dry run is no change.
        for _ in 0..5 {
            client.put(&path, &json!({"active": true, "name": "Job A"})).expect(200);
            client.put(&format!("{path}?dry_run=true"), &json!({"active": false})).expect(200);
            client.put(&path, &json!({"active": false, "revision": 7})).problem(412, "precondition_failed");
            client.put(&path, &json!({"name": ""})).problem(422, "invalid");
        }
        assert_eq!(client.get(&path).expect(200)["revision"], 1);
        for (client, active) in [(&client, false), (&other, true), (&client, false)] {
            client.put(&path, &json!({"active": active})).expect(200);
        }
        assert_used_up(&other.put(&path, &json!({"active": true})), "changes_per_day", 3, 3);
        assert_used_up(&other.put(&format!("{path}?dry_run=true"), &json!({"active": true})), "changes_per_day", 3, 3);
        model.publish_version(server, "1.1.0", Model::contract());
        assert_used_up(&client.post(&format!("{path}/upgrade"), &json!({})), "changes_per_day", 3, 3);
        assert_used_up(&client.post(&format!("{path}/restore"), &json!({"revision": 1})), "changes_per_day", 3, 3);
        client.put(&path, &json!({"active": false})).expect(200);
        assert_eq!(client.get(&path).expect(200)["revision"], 4);
        assert_eq!(client.get(&format!("{path}/revisions")).expect(200)["items"].as_array().unwrap().len(), 4);
    });
}

/// Every operation that promises it.
#[test]
fn what_exceeds_a_quota_is_refused_at_each_operation_that_says_so() {
    let that_say_so = |code| {
        let operations = operations().into_iter();
        operations
            .filter(|operation| operation.problems.contains(&code))
            .map(|operation| operation.id)
            .collect::<Vec<_>>()
    };
    assert_eq!(that_say_so(ProblemCode::QuotaExceeded), ["set_up_job", "report_run", "apply"]);
    assert_eq!(
        that_say_so(ProblemCode::QuotaOfDayExceeded),
        ["change_job", "upgrade_job", "restore_job", "report_run", "apply"]
    );
    for home in Home::both() {
        let server = Server::start(&home);
        let page = server.anonymous().get("/problems/quota_exceeded");
        assert!(page.text().contains("status 422 or 429"), "{}", page.text());
    }
}

#[test]
fn a_document_is_held_to_quotas_and_stores_nothing_beyond() {
    for home in Home::both() {
        let document = crate::harness::example("apply.json");
        let server = Server::start_with(&home, &["--quota-jobs", "1", "--quota-changes-per-day", "1"]);
        let refused = server.operator().post("/api/v1/apply", &document).problem(422, "quota_exceeded");
        assert_eq!((&refused["quota"], &refused["limit"]), (&json!("jobs"), &json!(1)));
        assert_eq!(server.database().rows(), [0, 0, 0]);
        drop(server);
        Server::start(&home).operator().post("/api/v1/apply", &document).expect(200);
        let server = Server::start_with(&home, &["--quota-changes-per-day", "1"]);
        let mut paused = document.clone();
        for job in ["/jobs/0/active", "/jobs/1/active"] {
            crate::harness::insert(&mut paused, job, false);
        }
        let refused = server.operator().post("/api/v1/apply", &paused);
        let problem = refused.json();
        assert_eq!((&problem["code"], &problem["quota"]), (&json!("quota_exceeded"), &json!("changes_per_day")));
        crate::harness::insert(&mut paused, "/jobs/1/active", true);
        server.operator().post("/api/v1/apply", &paused).expect(200);
    }
}

#[test]
fn a_quota_is_a_number_above_zero() {
    let home = Home::on_sqlite();
    for option in ["--quota-jobs", "--quota-values-per-day", "--quota-changes-per-day"] {
        for text in ["0", "-1", "many", "99999999999999999999"] {
            let (status, complaint) = home.spawn(&[&format!("{option}={text}")]).wait();
            assert_eq!(status.code(), Some(2), "{option}={text}");
            assert!(complaint.contains(option), "{complaint}");
        }
    }
}
