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
    of_four_that_close_a_cycle_each_in_its_own_way_one_is_refused,
    an_output_that_is_bound_while_its_job_is_deleted_is_there_or_not_bound,
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

/// By two changes, an upgrade and a restoration.
fn of_four_that_close_a_cycle_each_in_its_own_way_one_is_refused(server: &Server) {
    let model = Model::publish_with(server, "stage", stage());
    let newer = model.publish_version(server, "1.1.0", stage());
    let client = server.member(ORGANISATION_A);
    for round in 0..6 {
        let jobs = [0, 1, 2, 3].map(|number| stage_of(server, &model, &format!("Stage {round} {number}")));
        let reading = |job: &Value| json!([{ "role": "before", "input_id": job["outputs"][0]["id"] }]);
        // The third had it once.
        client.put(&path_of(&jobs[2]), &json!({ "role_bindings": reading(&jobs[3]) })).expect(200);
        client.put(&path_of(&jobs[2]), &json!({ "role_bindings": [] })).expect(200);
        let answers = at_once(jobs.len(), |number| {
            let (path, next) = (path_of(&jobs[number]), reading(&jobs[(number + 1) % jobs.len()]));
            match number {
                1 => client
                    .post(&format!("{path}/upgrade"), &json!({ "source_version_id": newer, "role_bindings": next })),
                2 => client.post(&format!("{path}/restore"), &json!({ "revision": 2 })),
                _ => client.put(&path, &json!({ "role_bindings": next })),
            }
        });
        let refused: Vec<Value> = answers.iter().filter(|answer| answer.status != 200).map(Answer::json).collect();
        let [problem] = refused.as_slice() else { panic!("one is refused: {refused:?}") };
        let told: Vec<_> = errors(problem).into_iter().map(|(_, code)| code).collect();
        assert_eq!((told, &problem["errors"][0]["actual"]["jobs"]), (vec!["cycle"], &json!(4)), "{problem}");
    }
}

fn an_output_that_is_bound_while_its_job_is_deleted_is_there_or_not_bound(server: &Server) {
    let model = Model::publish_with(server, "stage", stage());
    let client = server.member(ORGANISATION_A);
    for round in 0..6 {
        let upstream = stage_of(server, &model, &format!("Stage {round}"));
        let bindings = json!([{ "role": "before", "input_id": upstream["outputs"][0]["id"] }]);
        let answers = at_once(3, |number| match number {
            0 => client.delete(&path_of(&upstream)),
            _ => {
                let mut setup = model.setup(ORGANISATION_A, &format!("Reader {round} {number}"));
                insert(&mut setup, "/role_bindings", bindings.clone());
                client.post("/api/v1/jobs/setup", &setup)
            }
        });
        let is_deleted = answers[0].status == 204;
        if !is_deleted {
            answers[0].problem(409, "in_use");
        }
        for answer in &answers[1..] {
            assert!(matches!(answer.status, 201 | 422), "{}", answer.text());
            if answer.status == 422 {
                assert_eq!(errors(&answer.json()), [("/role_bindings/0/input_id", "unknown_output")]);
            }
        }
        assert_eq!(is_deleted, answers[1..].iter().all(|answer| answer.status == 422), "round {round}");
    }
}

/// Reads one output, and predicts one thing.
fn stage() -> Value {
    let role = json!({ "role": "before", "input_kind": "output", "metric": "risk", "required": false });
    json!({ "input_roles": [role], "output_roles": [{ "role": "risk", "metric": "risk" }] })
}

fn stage_of(server: &Server, model: &Model, name: &str) -> Value {
    let mut setup = model.setup(ORGANISATION_A, name);
    insert(&mut setup, "/role_bindings", json!([]));
    server.operator().post("/api/v1/jobs/setup", &setup).expect(201)["job"].clone()
}
