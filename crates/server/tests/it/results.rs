//! What runners report and customers read, and how every value is traced to the definition that made it.

use std::collections::BTreeSet;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chrono::DateTime;
use serde_json::{Value, json};

use crate::harness::{
    Answer, Model, ORGANISATION_A, RawConnection, Server, errors, insert, on_both_databases, path_of, raw_request,
};

on_both_databases!(
    a_report_is_read_back_after_a_restart,
    a_value_is_traced_to_the_contract_that_it_was_judged_by,
    the_largest_report_is_stored_and_read_back,
    one_value_more_than_the_largest_report_stores_nothing,
    of_many_equal_reports_at_once_one_is_stored,
    of_different_reports_at_once_all_but_one_are_conflicts,
    pages_tell_what_was_known_when_the_first_was_read,
    a_stream_tells_what_was_known_when_it_began,
    what_is_acknowledged_is_read_whatever_the_clock_of_its_runner_says,
    a_backfill_does_not_change_what_was_known,
    numbers_that_are_no_numbers_are_refused,
    a_shortened_retention_holds_at_once,
    a_deleted_job_takes_its_results_along,
    reports_without_a_time_at_once_are_all_stored,
    a_failure_and_a_success_at_once_end_with_the_success,
    a_deleted_run_takes_its_values_along_and_nothing_else,
);

fn runs_of(job: &Value) -> String {
    format!("{}/runs", path_of(job))
}

fn predictions_of(job: &Value) -> String {
    format!("{}/predictions", path_of(job))
}

fn a_report_is_read_back_after_a_restart(server: &Server) {
    let model = Model::publish(server, "mildew");
    let job = model.job(server, ORGANISATION_A, "Job A");
    let run = server.operator().post(&runs_of(&job), &Model::report("first")).expect(201);
    let read = |server: &Server| {
        let client = server.member(ORGANISATION_A);
        [runs_of(&job), predictions_of(&job), format!("{}/{}", runs_of(&job), run["id"].as_str().unwrap())]
            .map(|path| client.get(&path).expect(200))
    };
    let before = read(server);
    assert_eq!(before[1]["items"][0]["value"], 12.5);
    let again = Server::start_on_home_of(server);
    assert_eq!(read(&again), before);
    assert_eq!(again.operator().post(&runs_of(&job), &Model::report("first")).expect(200), run);
}

fn a_value_is_traced_to_the_contract_that_it_was_judged_by(server: &Server) {
    let model = Model::publish(server, "mildew");
    let job = model.job(server, ORGANISATION_A, "Job A");
    let client = server.operator();
    client.post(&runs_of(&job), &Model::report("first")).expect(201);
    let next = model.publish_version(server, "2.0.0", Model::larger_contract());
    let wind = json!({ "role": "wind", "input_id": model.input });
    let mut bindings = job["role_bindings"].as_array().unwrap().clone();
    bindings.retain(|binding| binding["role"] == "temperature");
    bindings.push(wind);
    let change = json!({ "source_version_id": next, "role_bindings": bindings });
    let changed = client.put(&path_of(&job), &change).expect(200);
    assert_eq!(changed["revision"], 2);

    // A runner that still works with what it read before the change.
    let mut late = Model::report("late");
    insert(&mut late, "/issued_at", "2026-06-01T12:30:00Z");
    insert(&mut late, "/job_revision", 1);
    client.post(&runs_of(&job), &late).expect(201);
    let mut current = Model::report("current");
    insert(&mut current, "/issued_at", "2026-06-01T13:00:00Z");
    let problem = client.post(&runs_of(&job), &current).problem(422, "invalid");
    assert_eq!(errors(&problem), [("/predictions", "missing_required_role")], "{problem}");

    let values = client.get(&predictions_of(&job)).expect(200);
    let value = &values["items"][0];
    assert_eq!(value["issued_at"], "2026-06-01T12:30:00.000000Z");
    let run = client.get(&format!("{}/{}", runs_of(&job), value["run_id"].as_str().unwrap())).expect(200);
    let revision = client.get(&format!("{}/revisions/{}", path_of(&job), run["job_revision"])).expect(200);
    assert_eq!(revision["source_version_id"], run["source_version_id"]);
    assert_eq!(revision["role_bindings"], job["role_bindings"]);
    let version = client.get(&format!("/api/v1/source_versions/{}", run["source_version_id"].as_str().unwrap()));
    assert_eq!(version.expect(200)["output_roles"][0]["role"], value["role"]);
    // So that this stays so.
    let problem = client.delete(&model.version_path()).problem(409, "in_use");
    assert_eq!(problem["job_ids"], json!([job["id"]]));
    let all = client.get(&format!("{}/revisions", path_of(&job))).expect(200);
    let numbers: Vec<&Value> = all["items"].as_array().unwrap().iter().map(|kept| &kept["revision"]).collect();
    assert_eq!(numbers, [1, 2]);
}

fn values(count: usize) -> Vec<Value> {
    let value = |number: usize| {
        let (hour, minute, second) = (number / 3600, number / 60 % 60, number % 60);
        json!({"role": "mildew", "at": format!("2026-06-02T{hour:02}:{minute:02}:{second:02}Z"), "value": number})
    };
    (0..count).map(value).collect()
}

fn the_largest_report_is_stored_and_read_back(server: &Server) {
    let model = Model::publish(server, "mildew");
    let job = model.job(server, ORGANISATION_A, "Job A");
    let mut report = Model::report("large");
    insert(&mut report, "/predictions", values(10_000));
    let run = server.operator().post(&runs_of(&job), &report).expect(201);
    assert_eq!(run["prediction_count"], 10_000);
    let client = server.member(ORGANISATION_A);
    let page = client.get(&format!("{}?limit=10000", predictions_of(&job))).expect(200);
    let read: Vec<f64> = page["items"].as_array().unwrap().iter().map(|item| item["value"].as_f64().unwrap()).collect();
    assert!(read.iter().copied().eq((0..10_000).map(f64::from)));
    let csv = client.call("GET", &predictions_of(&job)).header("Accept", "text/csv").send();
    assert_eq!((csv.status, csv.text().lines().count()), (200, 10_001));
    let (first, last) = (csv.text().lines().nth(1).unwrap().to_owned(), csv.text().lines().last().unwrap().to_owned());
    assert!(first.starts_with("mildew,2026-06-02T00:00:00.000000Z,0.0,2026-06-01T12:00:00.000000Z,"), "{first}");
    assert!(last.starts_with("mildew,2026-06-02T02:46:39.000000Z,9999.0,"), "{last}");
}

fn one_value_more_than_the_largest_report_stores_nothing(server: &Server) {
    let model = Model::publish(server, "mildew");
    let job = model.job(server, ORGANISATION_A, "Job A");
    let mut report = Model::report("larger");
    insert(&mut report, "/predictions", values(10_001));
    let rows = server.database().results();
    let problem = server.operator().post(&runs_of(&job), &report).problem(422, "invalid");
    assert_eq!(errors(&problem), [("/predictions", "too_many_items")]);
    assert_eq!(server.database().results(), rows);
}

/// Sends reports of one job at the same time.
fn at_once(server: &Server, job: &Value, reports: &[Value]) -> Vec<Answer> {
    thread::scope(|scope| {
        let report = |report| scope.spawn(move || server.operator().post(&runs_of(job), report));
        let threads: Vec<_> = reports.iter().map(report).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

fn of_many_equal_reports_at_once_one_is_stored(server: &Server) {
    let model = Model::publish(server, "mildew");
    let job = model.job(server, ORGANISATION_A, "Job A");
    let answers = at_once(server, &job, &vec![Model::report("same"); 8]);
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
    assert!(answers.iter().all(|answer| [200, 201].contains(&answer.status)));
    let ids: BTreeSet<String> = answers.iter().map(|answer| answer.json()["id"].to_string()).collect();
    assert_eq!(ids.len(), 1);
    assert_eq!(server.database().results(), [0, 1, 1]);
}

fn of_different_reports_at_once_all_but_one_are_conflicts(server: &Server) {
    let model = Model::publish(server, "mildew");
    let job = model.job(server, ORGANISATION_A, "Job A");
    let reports: Vec<Value> = (0..8)
        .map(|number| {
            let mut report = Model::report("other");
            insert(&mut report, "/predictions/0/value", number);
            report
        })
        .collect();
    let answers = at_once(server, &job, &reports);
    let stored: Vec<Value> = answers.iter().filter(|answer| answer.status == 201).map(Answer::json).collect();
    assert_eq!(stored.len(), 1);
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        let problem = answer.problem(409, "conflict");
        assert_eq!((&problem["existing_id"], errors(&problem)), (&stored[0]["id"], vec![("/predictions", "differs")]));
    }
    assert_eq!(server.database().results(), [0, 1, 1]);
}

/// A report that was issued at that time, with so many values that are all the same number.
fn report_of(issued_at: &str, count: usize, number: f64) -> Value {
    let mut report = Model::report("of many");
    insert(&mut report, "/issued_at", issued_at);
    let values = values(count).into_iter().map(|mut value| {
        insert(&mut value, "/value", number);
        value
    });
    insert(&mut report, "/predictions", values.collect::<Vec<_>>());
    report
}

fn numbers(page: &Value) -> Vec<f64> {
    page["items"].as_array().unwrap().iter().map(|item| item["value"].as_f64().unwrap()).collect()
}

fn pages_tell_what_was_known_when_the_first_was_read(server: &Server) {
    let model = Model::publish(server, "mildew");
    let client = server.operator();
    for limit in 1..=4 {
        let job = model.job(server, ORGANISATION_A, &format!("Job {limit}"));
        client.post(&runs_of(&job), &report_of("2026-06-01T12:00:00Z", 4, 1.0)).expect(201);
        let first = format!("{}?limit={limit}", predictions_of(&job));
        let (mut path, mut read, mut reports) = (first.clone(), Vec::new(), 0);
        loop {
            let page = client.get(&path).expect(200);
            read.extend(numbers(&page));
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            path = format!("{first}&cursor={cursor}");
            reports += 1;
            for hour in [11, 13] {
                let issued_at = format!("2026-06-01T{hour}:00:{reports:02}Z");
                client.post(&runs_of(&job), &report_of(&issued_at, 6, 2.0)).expect(201);
            }
        }
        assert_eq!(read, [1.0; 4], "{limit} a page");
        let new = numbers(&client.get(&predictions_of(&job)).expect(200));
        let expected = if reports == 0 { vec![1.0; 4] } else { vec![2.0; 6] };
        assert_eq!(new, expected, "a new reading, {limit} a page");
    }
}

fn a_stream_tells_what_was_known_when_it_began(server: &Server) {
    let model = Model::publish(server, "mildew");
    let job = model.job(server, ORGANISATION_A, "Job A");
    let client = server.operator();
    let mut report = report_of("2026-06-01T12:00:00Z", 10_000, 1.0);
    client.post(&runs_of(&job), &report).expect(201);
    // The same time of day, some days later.
    for day in 3..=6 {
        let text = report.to_string().replace(&format!("2026-06-0{}T", day - 1), &format!("2026-06-0{day}T"));
        report = serde_json::from_str(&text).unwrap();
        insert(&mut report, "/issued_at", format!("2026-06-01T12:00:0{day}Z"));
        client.post(&runs_of(&job), &report).expect(201);
    }
    let mut reader = RawConnection::open(server.address);
    let token = server.home().token(&["--all-organisations"]);
    let headers = ["Accept: text/csv", "Connection: close"];
    reader.send(raw_request("GET", &predictions_of(&job), &token, &headers));
    reader.wait();
    insert(&mut report, "/issued_at", "2026-06-01T13:00:00Z");
    // Of some of the times that are still to be read. PostgreSQL knows nothing yet about rows that have just come, and
    // finds the values behind others at a cost that a test should not pay ten thousand times.
    let values = 100;
    report["predictions"].as_array_mut().unwrap().drain(values..);
    for index in 0..values {
        insert(&mut report, &format!("/predictions/{index}/value"), 2.0);
    }
    client.post(&runs_of(&job), &report).expect(201);
    let answer = reader.rest();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("\r\n0\r\n\r\n"), "it is whole");
    let count = |text: &str| answer.matches(text).count();
    assert_eq!(count(",2.0,"), 0, "of the run that came meanwhile");
    // Some may be torn apart by the ends of chunks.
    assert!(count(",1.0,") >= 49_000, "{} values", count(",1.0,"));
    let text = client.call("GET", &predictions_of(&job)).header("Accept", "text/csv").send().text();
    assert_eq!(text.matches(",2.0,").count(), values);
}

#[expect(clippy::disallowed_methods, reason = "a runner has the clock of its machine")]
fn what_is_acknowledged_is_read_whatever_the_clock_of_its_runner_says(server: &Server) {
    let model = Model::publish(server, "mildew");
    let client = server.operator();
    for ahead in [0, 2, 200] {
        let job = model.job(server, ORGANISATION_A, &format!("Job {ahead}"));
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + Duration::from_secs(ahead);
        let issued_at = DateTime::from_timestamp_micros(i64::try_from(now.as_micros()).unwrap()).unwrap();
        client.post(&runs_of(&job), &report_of(&issued_at.to_rfc3339(), 1, 1.0)).expect(201);
        assert_eq!(numbers(&client.get(&predictions_of(&job)).expect(200)), [1.0], "{ahead} s ahead");
    }
}

fn a_backfill_does_not_change_what_was_known(server: &Server) {
    let model = Model::publish(server, "mildew");
    let job = model.job(server, ORGANISATION_A, "Job A");
    let client = server.operator();
    client.post(&runs_of(&job), &report_of("2026-06-01T12:00:00Z", 1, 1.0)).expect(201);
    let first = client.get(&runs_of(&job)).expect(200)["items"][0]["received_at"].as_str().unwrap().to_owned();
    let read = |query: &str| numbers(&client.get(&format!("{}?{query}", predictions_of(&job))).expect(200));
    let known = format!("known_at={first}");
    assert_eq!(read(&known), [1.0]);
    client.post(&runs_of(&job), &report_of("2026-06-01T12:30:00Z", 2, 2.0)).expect(201);
    let runs = client.get(&format!("{}?{known}", runs_of(&job))).expect(200);
    assert_eq!(runs["items"].as_array().unwrap().len(), 1);
    assert_eq!(read("as_of=2026-06-01T12:30:00Z"), [2.0, 2.0]);
    assert_eq!(read("as_of=2026-06-01T12:29:59Z"), [1.0]);
    assert_eq!(read(&known), [1.0]);
    assert_eq!(read(&format!("{known}&as_of=2026-06-01T12:30:00Z")), [1.0]);
    assert_eq!(read("known_at=2026-06-02T00:00:00Z"), [0.0; 0], "nothing was received by then");
    assert_eq!(read("known_at=2999-01-01T00:00:00Z"), [2.0, 2.0]);
}

fn numbers_that_are_no_numbers_are_refused(server: &Server) {
    let model = Model::publish(server, "mildew");
    let job = model.job(server, ORGANISATION_A, "Job A");
    let client = server.operator();
    let report = Model::report("number").to_string();
    let rows = server.database().results();
    for (number, status, code) in [
        ("NaN", 400, "invalid_json"),
        ("Infinity", 400, "invalid_json"),
        ("-Infinity", 400, "invalid_json"),
        ("1e999", 400, "invalid_json"),
        ("\"12.5\"", 422, "invalid"),
        ("true", 422, "invalid"),
        ("null", 422, "invalid"),
        ("[12.5]", 422, "invalid"),
    ] {
        let body = report.replace("12.5", number);
        let problem = client.call("POST", &runs_of(&job)).body("application/json", body).send().problem(status, code);
        if status == 422 {
            assert_eq!(errors(&problem), [("/predictions/0/value", "wrong_type")], "{number}");
        }
    }
    assert_eq!(server.database().results(), rows);
}

fn a_shortened_retention_holds_at_once(server: &Server) {
    let model = Model::publish(server, "mildew");
    let job = model.job(server, ORGANISATION_A, "Job A");
    let client = server.operator();
    let mut old = Model::report("old");
    insert(&mut old, "/issued_at", "2001-01-01T00:00:00Z");
    client.post(&runs_of(&job), &old).expect(201);
    let mut report = Model::report("now");
    report.as_object_mut().unwrap().remove("issued_at");
    insert(&mut report, "/predictions/0/at", "2026-06-01T14:00:00Z");
    client.post(&runs_of(&job), &report).expect(201);
    let count = || client.get(&predictions_of(&job)).expect(200)["items"].as_array().unwrap().len();
    client.put(&model.source_path(), &json!({ "retention_hours": null })).expect(200);
    assert_eq!(count(), 2);
    let shorter = json!({ "retention_hours": 1, "confirm_deletion": true });
    client.put(&model.source_path(), &shorter).expect(200);
    assert_eq!(count(), 1);
    assert_eq!(client.get(&runs_of(&job)).expect(200)["items"].as_array().unwrap().len(), 2, "runs are kept");
}

fn a_deleted_job_takes_its_results_along(server: &Server) {
    let model = Model::publish(server, "mildew");
    let job = model.job(server, ORGANISATION_A, "Job A");
    let client = server.operator();
    let run = client.post(&runs_of(&job), &Model::report("first")).expect(201);
    client.delete(&path_of(&job)).expect(204);
    let run = format!("{}/{}", runs_of(&job), run["id"].as_str().unwrap());
    for path in [runs_of(&job), run, predictions_of(&job), format!("{}/revisions", path_of(&job))] {
        client.get(&path).problem(404, "not_found");
    }
    client.post(&runs_of(&job), &Model::report("late")).problem(404, "not_found");
    let again = model.job(server, ORGANISATION_A, "Job A");
    assert_eq!(client.get(&predictions_of(&again)).expect(200)["items"], json!([]));
}

fn reports_without_a_time_at_once_are_all_stored(server: &Server) {
    let model = Model::publish(server, "mildew");
    let job = model.job(server, ORGANISATION_A, "Job A");
    let mut report = Model::report("now");
    report.as_object_mut().unwrap().remove("issued_at");
    let answers = at_once(server, &job, &vec![report; 24]);
    let stored: Vec<Value> = answers.iter().map(|answer| answer.expect(201)).collect();
    let times: BTreeSet<String> = stored.iter().map(|run| run["issued_at"].to_string()).collect();
    assert_eq!(times.len(), 24);
    for run in stored {
        let mut read = server.operator().get(&format!("{}/{}", runs_of(&job), run["id"].as_str().unwrap())).expect(200);
        insert(&mut read, "/warnings", json!([]));
        assert_eq!(read, run, "what was answered is what is stored");
    }
    assert_eq!(server.database().results(), [0, 24, 24]);
}

fn a_failure_and_a_success_at_once_end_with_the_success(server: &Server) {
    let model = Model::publish(server, "mildew");
    let job = model.job(server, ORGANISATION_A, "Job A");
    let succeeded = Model::report("a try");
    let failed = json!({"issued_at": succeeded["issued_at"], "status": "failed", "message": "a\u{0}b"});
    for (count, first) in [(0, &failed), (1, &succeeded)] {
        let mut reports = [failed.clone(), failed.clone(), failed.clone(), succeeded.clone(), succeeded.clone()];
        for report in &mut reports {
            insert(report, "/issued_at", format!("2026-06-01T12:{count:02}:00Z"));
        }
        let mut first = first.clone();
        insert(&mut first, "/issued_at", format!("2026-06-01T12:{count:02}:00Z"));
        server.operator().post(&runs_of(&job), &first).expect(201);
        let statuses = at_once(server, &job, &reports).iter().map(|answer| answer.status).collect::<Vec<_>>();
        assert!(statuses.iter().all(|status| [200, 201, 409].contains(status)), "{statuses:?}");
        assert!(statuses[3..].iter().all(|status| *status < 300), "{statuses:?}");
        let runs = server.operator().get(&runs_of(&job)).expect(200);
        assert_eq!(
            (&runs["items"][0]["status"], runs["items"].as_array().unwrap().len()),
            (&json!("succeeded"), count + 1)
        );
        let replaced = runs["items"][0]["replaces"].as_str();
        assert_eq!(replaced.is_some(), count == 0);
        if let Some(id) = replaced {
            let replaced = server.operator().get(&format!("{}/{id}", runs_of(&job))).expect(200);
            assert_eq!(
                (&replaced["replaced_by"], &replaced["message"]),
                (&runs["items"][0]["id"], &json!("a\u{fffd}b"))
            );
        }
        let health = server.operator().get(&path_of(&job)).expect(200)["health"].clone();
        assert_eq!(
            (&health["consecutive_failures"], &health["last_success_at"]),
            (&json!(0), &runs["items"][0]["issued_at"])
        );
    }
    assert_eq!(server.database().results(), [0, 2, 2]);
}

fn a_deleted_run_takes_its_values_along_and_nothing_else(server: &Server) {
    let model = Model::publish(server, "mildew");
    let job = model.job(server, ORGANISATION_A, "Job A");
    let client = server.operator();
    client.post(&runs_of(&job), &Model::report("first")).expect(201);
    let before =
        (client.get(&path_of(&job)).expect(200)["health"].clone(), client.get(&predictions_of(&job)).expect(200));
    let mut large = Model::report("large");
    insert(&mut large, "/issued_at", "2026-06-01T13:00:00Z");
    insert(&mut large, "/predictions", values(10_000));
    let run = client.post(&runs_of(&job), &large).expect(201);
    let path = format!("{}/{}", runs_of(&job), run["id"].as_str().unwrap());
    let shown = client.call("DELETE", &path).query("dry_run=true").send().expect(200);
    assert_eq!(shown["prediction_count"], 10_000);
    assert_eq!(server.database().results(), [0, 2, 10_001]);
    client.delete(&path).expect(204);
    assert_eq!(server.database().results(), [0, 1, 1]);
    let after =
        (client.get(&path_of(&job)).expect(200)["health"].clone(), client.get(&predictions_of(&job)).expect(200));
    assert_eq!(after, before);
    client.delete(&path).problem(404, "not_found");
    client.post(&runs_of(&job), &large).expect(201);
}
