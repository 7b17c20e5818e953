//! Many clients at once.

use std::collections::BTreeMap;
use std::sync::Barrier;
use std::thread;

use serde_json::{Value, json};

use crate::harness::{
    Answer, Client, Model, ORGANISATION_A, ORGANISATION_B, Server, example, insert, on_both_databases, path_of,
};

on_both_databases!(
    identical_setups_at_once_make_one_job,
    different_setups_of_one_name_at_once_make_one_job,
    identical_setups_that_create_everything_make_one_of_each,
    setups_of_different_versions_on_the_fly_at_once_make_one_version,
    changes_of_one_revision_at_once_are_done_once,
    changes_without_a_revision_at_once_are_all_done,
    identical_sources_at_once_are_one,
    deletes_of_a_version_against_setups_leave_no_orphan,
    of_two_organisations_that_take_one_name_at_once_one_has_it,
    an_owner_who_deletes_everything_while_another_sets_up_leaves_no_orphan,
);

const MANY: usize = 32;

/// Does the same with many clients, each with a connection of its own, at the same time.
fn at_once(client: &Client, ask: impl Fn(&Client, usize) -> Answer + Sync) -> Vec<Answer> {
    let start = Barrier::new(MANY);
    thread::scope(|scope| {
        let threads: Vec<_> = (0..MANY)
            .map(|number| {
                let (start, ask) = (&start, &ask);
                scope.spawn(move || {
                    // So that the connection is there before the race begins.
                    client.get("/health/live").expect(200);
                    start.wait();
                    ask(client, number)
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

fn statuses(answers: &[Answer]) -> BTreeMap<u16, usize> {
    answers.iter().fold(BTreeMap::new(), |mut counts, answer| {
        *counts.entry(answer.status).or_default() += 1;
        counts
    })
}

fn with_status(answers: &[Answer], status: u16) -> impl Iterator<Item = Value> {
    answers.iter().filter(move |answer| answer.status == status).map(Answer::json)
}

fn identical_setups_at_once_make_one_job(server: &Server) {
    let model = Model::publish(server, "mildew");
    let setup = model.setup(ORGANISATION_A, "Job A");
    let answers = at_once(&server.member(ORGANISATION_A), |client, _| client.post("/api/v1/jobs/setup", &setup));
    assert_eq!(statuses(&answers), BTreeMap::from([(200, MANY - 1), (201, 1)]));
    let job = with_status(&answers, 201).next().unwrap()["job"].clone();
    assert!(with_status(&answers, 200).all(|body| body["job"] == job && body["outcome"]["job"] == "reused"));
    assert_eq!(server.database().rows(), [1, 1, 1]);
}

fn different_setups_of_one_name_at_once_make_one_job(server: &Server) {
    let model = Model::publish(server, "mildew");
    let answers = at_once(&server.member(ORGANISATION_A), |client, number| {
        let mut setup = model.setup(ORGANISATION_A, "Job A");
        insert(&mut setup, "/role_bindings/0/input_id", format!("e0000000-0000-4000-8000-{number:012x}"));
        client.post("/api/v1/jobs/setup", &setup)
    });
    assert_eq!(statuses(&answers), BTreeMap::from([(201, 1), (409, MANY - 1)]));
    let job = with_status(&answers, 201).next().unwrap()["job"].clone();
    for problem in with_status(&answers, 409) {
        assert_eq!(problem["existing_id"], job["id"]);
        assert_eq!(problem["errors"][0]["pointer"], "/role_bindings");
        assert_eq!(problem["errors"][0]["expected"], job["role_bindings"]);
    }
    assert_eq!(server.database().rows(), [1, 1, 1]);
}

fn identical_setups_that_create_everything_make_one_of_each(server: &Server) {
    let setup = example("setup-job-with-everything.json");
    let answers = at_once(&server.member(ORGANISATION_A), |client, _| client.post("/api/v1/jobs/setup", &setup));
    assert_eq!(statuses(&answers), BTreeMap::from([(200, MANY - 1), (201, 1)]));
    let first = with_status(&answers, 201).next().unwrap();
    for body in with_status(&answers, 200) {
        for part in ["source", "source_version", "job"] {
            assert_eq!(body[part], first[part]);
        }
        assert_eq!(body["outcome"], json!({ "source": "reused", "source_version": "reused", "job": "reused" }));
    }
    assert_eq!(server.database().rows(), [1, 1, 1]);
}

fn setups_of_different_versions_on_the_fly_at_once_make_one_version(server: &Server) {
    let answers = at_once(&server.member(ORGANISATION_A), |client, number| {
        let mut setup = example("setup-job-with-everything.json");
        insert(&mut setup, "/job/name", format!("Job {number}"));
        insert(&mut setup, "/source_version/output_roles/0/metric", format!("metric {number}"));
        client.post("/api/v1/jobs/setup", &setup)
    });
    assert_eq!(statuses(&answers), BTreeMap::from([(201, 1), (409, MANY - 1)]));
    for problem in with_status(&answers, 409) {
        assert_eq!(problem["resource"], "source_version");
        assert_eq!(problem["errors"][0]["pointer"], "/source_version/output_roles/0");
    }
    assert_eq!(server.database().rows(), [1, 1, 1]);
}

fn changes_of_one_revision_at_once_are_done_once(server: &Server) {
    let model = Model::publish(server, "mildew");
    let job = model.job(server, ORGANISATION_A, "Job A");
    let answers = at_once(&server.member(ORGANISATION_A), |client, number| {
        let change = json!({ "name": format!("Job {number}") });
        client.call("PUT", &path_of(&job)).header("If-Match", "\"1\"").json(&change).send()
    });
    assert_eq!(statuses(&answers), BTreeMap::from([(200, 1), (412, MANY - 1)]));
    let changed = with_status(&answers, 200).next().unwrap();
    assert_eq!(changed["revision"], 2);
    assert!(with_status(&answers, 412).all(|problem| problem["current_revision"] == 2));
    assert_eq!(server.operator().get(&path_of(&job)).expect(200), changed);
}

fn changes_without_a_revision_at_once_are_all_done(server: &Server) {
    let model = Model::publish(server, "mildew");
    let answers = at_once(&server.operator(), |client, number| {
        client.put(&model.source_path(), &json!({ "description": format!("description {number}") }))
    });
    assert_eq!(statuses(&answers), BTreeMap::from([(200, MANY)]));
    let source = server.operator().get(&model.source_path()).expect(200);
    assert_eq!(source["revision"], MANY + 1);
}

fn identical_sources_at_once_are_one(server: &Server) {
    let answers = at_once(&server.operator(), |client, number| {
        // The name is one without regard to case.
        let name = if number % 2 == 0 { "Mildew" } else { "mildew" };
        client.post("/api/v1/sources", &json!({ "name": name }))
    });
    assert_eq!(statuses(&answers), BTreeMap::from([(200, MANY - 1), (201, 1)]));
    let source = with_status(&answers, 201).next().unwrap();
    assert!(with_status(&answers, 200).all(|body| body == source));
}

fn deletes_of_a_version_against_setups_leave_no_orphan(server: &Server) {
    let model = Model::publish(server, "mildew");
    let answers = at_once(&server.operator(), |client, number| {
        if number % 8 == 7 {
            client.delete(&model.version_path())
        } else {
            client.post("/api/v1/jobs/setup", &model.setup(ORGANISATION_A, &format!("Job {number}")))
        }
    });
    let counts = statuses(&answers);
    let jobs = counts.get(&201).copied().unwrap_or_default();
    if jobs == 0 {
        // The delete was first: the other deletes found nothing, and no setup found the version.
        assert_eq!(counts, BTreeMap::from([(204, 1), (404, 3), (422, 28)]));
        assert_eq!(server.database().rows(), [1, 0, 0]);
    } else {
        assert_eq!(counts, BTreeMap::from([(201, 28), (409, 4)]));
        assert_eq!(server.database().rows(), [1, 1, 28]);
    }
}

/// Each sets up a job of its own on the fly, under one name of a source: all of one organisation succeed, and those of
/// the other are told whose it is instead of running a stranger's model.
fn of_two_organisations_that_take_one_name_at_once_one_has_it(server: &Server) {
    let clients = [ORGANISATION_A, ORGANISATION_B].map(|organisation| (organisation, server.member(organisation)));
    let answers = at_once(&server.anonymous(), |_, number| {
        let (organisation, client) = &clients[number % 2];
        let mut setup = example("setup-job-with-everything.json");
        insert(&mut setup, "/organisation_id", *organisation);
        insert(&mut setup, "/job/name", format!("Job {number}"));
        client.post("/api/v1/jobs/setup", &setup)
    });
    assert_eq!(statuses(&answers), BTreeMap::from([(201, MANY / 2), (409, MANY / 2)]));
    let first = with_status(&answers, 201).next().unwrap();
    let (source, owner) = (&first["source"], &first["source"]["owner_organisation_id"]);
    for body in with_status(&answers, 201) {
        assert_eq!((&body["source"], &body["job"]["organisation_id"]), (source, owner));
    }
    for problem in with_status(&answers, 409) {
        assert_eq!((&problem["code"], &problem["existing_id"]), (&json!("conflict"), &source["id"]));
        let difference = &problem["errors"][0];
        assert_eq!(difference["pointer"], "/source/owner_organisation_id");
        assert_eq!(&difference["expected"], owner);
    }
    assert_eq!(server.database().rows(), [1, 1, i64::try_from(MANY / 2).unwrap()]);
}

fn an_owner_who_deletes_everything_while_another_sets_up_leaves_no_orphan(server: &Server) {
    let model = Model::publish(server, "mildew");
    let (owner, user) = (server.member(ORGANISATION_A), server.member(ORGANISATION_B));
    let answers = at_once(&server.anonymous(), |_, number| {
        if number % 4 == 3 {
            owner.delete(&model.version_path());
            owner.delete(&model.source_path())
        } else {
            user.post("/api/v1/jobs/setup", &model.setup(ORGANISATION_B, &format!("Job {number}")))
        }
    });
    let counts = statuses(&answers);
    if counts.contains_key(&201) {
        assert_eq!(counts, BTreeMap::from([(201, MANY * 3 / 4), (409, MANY / 4)]));
        assert_eq!(server.database().rows(), [1, 1, i64::try_from(MANY * 3 / 4).unwrap()]);
    } else {
        assert_eq!(counts, BTreeMap::from([(204, 1), (404, MANY / 4 - 1), (422, MANY * 3 / 4)]));
        assert_eq!(server.database().rows(), [0, 0, 0]);
    }
}
