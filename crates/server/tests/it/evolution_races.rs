//! Jobs that are changed by several callers at once while their versions come and go.

use std::thread;

use serde_json::{Value, json};

use crate::harness::{Answer, Model, ORGANISATION_A, Server, errors, insert, on_both_databases, path_of};
use crate::upgrading::{renaming_contract, upgrade_path};

on_both_databases!(
    of_many_upgrades_of_one_job_one_is_made,
    of_upgrades_that_name_the_revision_one_is_made,
    a_withdrawal_lets_a_job_come_or_not_and_never_half,
    a_restore_and_a_change_are_made_one_after_the_other,
    a_report_is_judged_by_the_revision_that_it_names,
);

/// What each of these answers, sent at the same time.
fn at_once(count: usize, send: impl Fn(usize) -> Answer + Sync) -> Vec<Answer> {
    thread::scope(|scope| {
        let threads: Vec<_> = (0..count)
            .map(|number| {
                scope.spawn({
                    let send = &send;
                    move || send(number)
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

fn of_many_upgrades_of_one_job_one_is_made(server: &Server) {
    let model = Model::publish(server, "mildew");
    let newer = model.publish_version(server, "1.1.0", renaming_contract(false));
    let client = server.member(ORGANISATION_A);
    for round in 0..5 {
        let job = model.job(server, ORGANISATION_A, &format!("Job {round}"));
        let many = json!({ "source_version_id": newer, "jobs": [job["id"]] });
        let answers = at_once(8, |number| match number % 2 {
            0 => client.post(&upgrade_path(&job), &json!({})),
            _ => client.post("/api/v1/jobs/upgrade", &many),
        });
        for answer in answers {
            answer.expect(200);
        }
        let after = client.get(&path_of(&job)).expect(200);
        assert_eq!((&after["revision"], &after["source_version_id"]), (&json!(2), &json!(newer)));
    }
}

fn of_upgrades_that_name_the_revision_one_is_made(server: &Server) {
    let model = Model::publish(server, "mildew");
    let versions =
        [1, 2, 3, 4].map(|number| model.publish_version(server, &format!("1.{number}.0"), renaming_contract(false)));
    let client = server.member(ORGANISATION_A);
    for round in 0..5 {
        let job = model.job(server, ORGANISATION_A, &format!("Job {round}"));
        let answers = at_once(versions.len(), |number| {
            client.post(&upgrade_path(&job), &json!({ "source_version_id": versions[number], "revision": 1 }))
        });
        let done: Vec<&Answer> = answers.iter().filter(|answer| answer.status == 200).collect();
        assert_eq!(done.len(), 1);
        assert!(answers.iter().all(|answer| matches!(answer.status, 200 | 412)));
        assert_eq!(client.get(&path_of(&job)).expect(200), done[0].json()["job"]);
    }
}

fn a_withdrawal_lets_a_job_come_or_not_and_never_half(server: &Server) {
    let model = Model::publish(server, "mildew");
    let client = server.member(ORGANISATION_A);
    for round in 0..4 {
        let newer = model.publish_version(server, &format!("1.1.{round}"), renaming_contract(false));
        let jobs: Vec<Value> =
            (0..6).map(|number| model.job(server, ORGANISATION_A, &format!("Job {round} {number}"))).collect();
        let withdrawal = json!({ "stage": "withdrawn" });
        let lifecycle = format!("/api/v1/source_versions/{newer}/lifecycle");
        let answers = at_once(jobs.len() + 1, |number| match jobs.get(number) {
            Some(job) => client.post(&upgrade_path(job), &json!({ "source_version_id": newer })),
            None => server.operator().put(&lifecycle, &withdrawal),
        });
        answers.last().unwrap().expect(200);
        for (job, answer) in jobs.iter().zip(&answers) {
            let after = client.get(&path_of(job)).expect(200);
            if answer.status == 200 {
                assert_eq!((&after["source_version_id"], &after["revision"]), (&json!(newer), &json!(2)));
            } else {
                assert_eq!(errors(&answer.problem(422, "invalid")), [("/source_version_id", "version_withdrawn")]);
                assert_eq!(after, *job);
            }
        }
        // None comes after the withdrawal was answered.
        let late = model.job(server, ORGANISATION_A, &format!("Job {round} late"));
        let late = client.post(&upgrade_path(&late), &json!({ "source_version_id": newer }));
        assert_eq!(errors(&late.problem(422, "invalid")), [("/source_version_id", "version_withdrawn")]);
    }
}

fn a_restore_and_a_change_are_made_one_after_the_other(server: &Server) {
    let model = Model::publish(server, "mildew");
    let client = server.member(ORGANISATION_A);
    for round in 0..5 {
        let name = format!("Job {round}");
        let job = model.job(server, ORGANISATION_A, &name);
        client.put(&path_of(&job), &json!({ "active": false })).expect(200);
        let answers = at_once(2, |number| match number {
            0 => client.post(&format!("{}/restore", path_of(&job)), &json!({ "revision": 1 })),
            _ => client.put(&path_of(&job), &json!({ "name": format!("{name} renamed") })),
        });
        for answer in &answers {
            answer.expect(200);
        }
        let kept = client.get(&format!("{}/revisions", path_of(&job))).expect(200);
        let kept = kept["items"].as_array().unwrap();
        let told: Vec<_> = kept.iter().map(|kept| (kept["active"] == true, kept["name"] != json!(name))).collect();
        // The restore takes the name back, and the change leaves the rest.
        let restored_first = [(true, false), (false, false), (true, false), (true, true)];
        let changed_first = [(true, false), (false, false), (false, true), (true, false)];
        assert!(told == restored_first || told == changed_first, "{told:?}");
    }
}

fn a_report_is_judged_by_the_revision_that_it_names(server: &Server) {
    let model = Model::publish(server, "mildew");
    let newer = model.publish_version(server, "2.0.0", {
        let mut contract = renaming_contract(false);
        contract["output_roles"].as_array_mut().unwrap().remove(1);
        contract
    });
    let client = server.member(ORGANISATION_A);
    for round in 0..5 {
        let job = model.job(server, ORGANISATION_A, &format!("Job {round}"));
        let runs = format!("{}/runs", path_of(&job));
        let mut report = Model::report("it began before");
        insert(&mut report, "/job_revision", 1);
        let answers = at_once(2, |number| match number {
            0 => client.post(&upgrade_path(&job), &json!({ "source_version_id": newer })),
            _ => client.post(&runs, &report),
        });
        answers[0].expect(200);
        let run = answers[1].expect(201);
        assert_eq!((&run["job_revision"], &run["source_version_id"]), (&json!(1), &json!(model.version)));
        // One that names no revision is of the job as it is: it predicts frost, and mildew no more.
        let mut late = Model::report("it began after");
        insert(&mut late, "/issued_at", "2026-06-01T12:30:00Z");
        let problem = client.post(&runs, &late).problem(422, "invalid");
        assert_eq!(
            errors(&problem),
            [("/predictions", "missing_required_role"), ("/predictions/0/role", "unknown_role")]
        );
        insert(&mut late, "/predictions/0/role", "frost");
        assert_eq!(client.post(&runs, &late).expect(201)["source_version_id"], json!(newer));
    }
}
