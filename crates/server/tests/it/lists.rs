//! Lists, paged through: exactly what belongs in them, in the order of creation.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::Value;

use crate::harness::{
    Client, Model, ORGANISATION_A, ORGANISATION_B, ORGANISATION_C, Server, fresh_id, insert, on_both_databases, path_of,
};

on_both_databases!(
    every_filter_pages_through_exactly_the_own_jobs,
    a_page_that_was_read_stays_while_jobs_are_set_up_and_deleted,
    sources_and_versions_are_listed_in_creation_order,
    who_has_written_reads_it_in_a_page_that_many_share,
);

const JOBS: usize = 1_000;
const PAGE: usize = 97;

/// A query, and which jobs fit it.
type Filter<'a> = (String, Box<dyn Fn(&Value) -> bool + 'a>);

/// All ids, read page by page.
fn ids(client: &Client, path: &str) -> Vec<Value> {
    let mut ids = Vec::new();
    let mut cursor = String::new();
    loop {
        let separator = if path.contains('?') { '&' } else { '?' };
        let page = client.get(&format!("{path}{separator}limit={PAGE}{cursor}")).expect(200);
        let items = page["items"].as_array().unwrap();
        ids.extend(items.iter().map(|item| item["id"].clone()));
        match page["next_cursor"].as_str() {
            Some(next) => {
                assert_eq!(items.len(), PAGE, "only the last page is short");
                cursor = format!("&cursor={next}");
            }
            None => return ids,
        }
    }
}

fn every_filter_pages_through_exactly_the_own_jobs(server: &Server) {
    let models = [Model::publish(server, "mildew"), Model::publish(server, "rust")];
    let newer = models[0].publish_version(server, "2.0.0", Model::contract());
    let rare_input = fresh_id();
    let client = server.operator();
    let mut jobs: Vec<Value> = Vec::new();
    for number in 0..JOBS {
        for organisation in [ORGANISATION_A, ORGANISATION_B, ORGANISATION_C] {
            let model = &models[number % 2];
            let mut setup = model.setup(organisation, &format!("Job {number}"));
            insert(&mut setup, "/job/active", number % 3 == 0);
            if number % 10 == 0 {
                insert(&mut setup, "/job/source_version_id", newer.as_str());
            }
            if number % 5 == 0 {
                insert(&mut setup, "/role_bindings/0/input_id", rare_input.as_str());
            }
            jobs.push(client.post("/api/v1/jobs/setup", &setup).expect(201)["job"].clone());
        }
    }
    let has_input = |job: &Value, input: &str| {
        job["role_bindings"].as_array().unwrap().iter().any(|binding| binding["input_id"] == input)
    };
    let source = models[0].source.clone();
    let filters: Vec<Filter<'_>> = vec![
        (String::new(), Box::new(|_| true)),
        ("?active=true".to_owned(), Box::new(|job| job["active"] == true)),
        ("?active=false".to_owned(), Box::new(|job| job["active"] == false)),
        ("?name=Job%2042".to_owned(), Box::new(|job| job["name"] == "Job 42")),
        (format!("?source_id={source}"), Box::new(|job| job["source_id"] == source)),
        (format!("?source_version_id={newer}"), Box::new(|job| job["source_version_id"] == newer)),
        (format!("?input_id={rare_input}"), Box::new(|job| has_input(job, &rare_input))),
        (
            format!("?input_id={rare_input}&active=true&source_id={source}"),
            Box::new(|job| has_input(job, &rare_input) && job["active"] == true && job["source_id"] == source),
        ),
        (format!("?input_id={}", fresh_id()), Box::new(|_| false)),
        (format!("?organisation_id={ORGANISATION_A}"), Box::new(|job| job["organisation_id"] == ORGANISATION_A)),
    ];
    let readers: [(Client, &[&str]); 4] = [
        (server.member(ORGANISATION_A), &[ORGANISATION_A]),
        (
            server.client(server.home().token(&["--organisation", ORGANISATION_A, "--organisation", ORGANISATION_C])),
            &[ORGANISATION_A, ORGANISATION_C],
        ),
        (client, &[ORGANISATION_A, ORGANISATION_B, ORGANISATION_C]),
        (server.client(server.home().forger().of_no_organisation()), &[]),
    ];
    for (reader, organisations) in &readers {
        for (query, fits) in &filters {
            if query.contains("organisation_id") && organisations.is_empty() {
                continue;
            }
            let own = |job: &&Value| organisations.iter().any(|organisation| job["organisation_id"] == **organisation);
            let expected: Vec<Value> =
                jobs.iter().filter(own).filter(|job| fits(job)).map(|job| job["id"].clone()).collect();
            assert_eq!(ids(reader, &format!("/api/v1/jobs{query}")), expected, "{query} {organisations:?}");
        }
    }
}

fn a_page_that_was_read_stays_while_jobs_are_set_up_and_deleted(server: &Server) {
    let model = Model::publish(server, "mildew");
    let client = server.member(ORGANISATION_A);
    let jobs: Vec<Value> = (0..30).map(|number| model.job(server, ORGANISATION_A, &format!("Job {number}"))).collect();
    let mut seen = Vec::new();
    let mut cursor = String::new();
    for round in 0.. {
        let page = client.get(&format!("/api/v1/jobs?limit=7{cursor}")).expect(200);
        seen.extend(page["items"].as_array().unwrap().iter().map(|job| job["name"].clone()));
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
        if round < 3 {
            model.job(server, ORGANISATION_A, &format!("New {round}"));
            // Even the one that the cursor points to, which was on the page.
            let last = page["items"].as_array().unwrap().last().unwrap();
            client.delete(&path_of(last)).expect(204);
            client.put(&path_of(&jobs[29 - round]), &serde_json::json!({ "active": false })).expect(200);
        }
    }
    let names: BTreeSet<String> = seen.iter().map(ToString::to_string).collect();
    assert_eq!(names.len(), seen.len(), "nothing twice");
    let expected = (0..30).map(|number| format!("Job {number}")).chain((0..3).map(|round| format!("New {round}")));
    assert_eq!(seen, expected.map(Value::from).collect::<Vec<_>>());
}

fn sources_and_versions_are_listed_in_creation_order(server: &Server) {
    let models: Vec<Model> = (0..10).map(|number| Model::publish(server, &format!("Model {number}"))).collect();
    let mut versions: Vec<Value> = models.iter().map(|model| model.version.clone().into()).collect();
    let own: Vec<Value> = (2..20)
        .map(|number| models[4].publish_version(server, &format!("{number}.0.0"), Model::contract()).into())
        .collect();
    versions.extend(own.clone());
    // Reading the catalog needs no scope and no organisation.
    let client = server.client(server.home().forger().of_no_organisation());
    let sources: Vec<Value> = models.iter().map(|model| model.source.clone().into()).collect();
    assert_eq!(ids(&client, "/api/v1/sources"), sources);
    assert_eq!(ids(&client, "/api/v1/sources?name=MODEL%203"), sources[3..4]);
    assert_eq!(ids(&client, "/api/v1/sources?name=Model"), Vec::<Value>::new());
    assert_eq!(ids(&client, "/api/v1/source_versions"), versions);
    let of_source = [vec![models[4].version.clone().into()], own].concat();
    assert_eq!(ids(&client, &format!("/api/v1/source_versions?source_id={}", models[4].source)), of_source);
    let default = client.get("/api/v1/source_versions").expect(200);
    assert_eq!(default["items"].as_array().unwrap().len(), 28);
}

/// Has others end, whatever becomes of a test.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Equal pages that wait together are read once: none of those who share one may have asked after it was read.
fn who_has_written_reads_it_in_a_page_that_many_share(server: &Server) {
    let model = Model::publish(server, "mildew");
    let client = server.member(ORGANISATION_A);
    let list = || {
        let page = client.get("/api/v1/jobs?limit=200").expect(200);
        page["items"].as_array().unwrap().iter().map(|job| job["id"].clone()).collect::<Vec<_>>()
    };
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let _end = End(&is_over);
        for _ in 0..8 {
            scope.spawn(|| {
                let mut jobs = 0;
                while !is_over.load(Ordering::Relaxed) {
                    let now = list().len();
                    assert!(now >= jobs, "{now} jobs behind {jobs}");
                    jobs = now;
                }
            });
        }
        let mut jobs = Vec::new();
        for number in 0..50 {
            let setup = model.setup(ORGANISATION_A, &format!("Job {number}"));
            jobs.push(client.post("/api/v1/jobs/setup", &setup).expect(201)["job"]["id"].clone());
            assert_eq!(list(), jobs);
        }
    });
}
