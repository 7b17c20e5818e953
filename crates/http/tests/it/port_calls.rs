//! What each handler asks of the ports when all goes well: these questions, in this order, and no others.

use std::sync::{Arc, Mutex};

use actix_web::http::StatusCode;
use prediction_domain::model::{
    CheckedBindings, HealthCounts, Job, JobRevision, Page, RunNumber, Source, SourceVersion, ValueCount,
};
use prediction_domain::ports::{JobSetUpOutcome, MockStore, PredictedValues, WriteMode};
use prediction_domain_testkit::builders::{a_job_of, a_run_of, a_source, a_version_of, contract};
use serde_json::{Value, json};

use crate::service::{Answer, Request, monitored, service_of};

/// Ports that find one source, one version and one job, store whatever they are given, and write down each call.
struct Ports {
    calls: Arc<Mutex<Vec<String>>>,
    source: Source,
    version: SourceVersion,
    job: Job,
}

impl Ports {
    fn new() -> Self {
        let source = a_source();
        let version = SourceVersion { contract: contract(&[], &["prediction"]), ..a_version_of(source.id) };
        let job = Job { role_bindings: CheckedBindings::default(), ..a_job_of(&version) };
        Self { calls: Arc::default(), source, version, job }
    }

    fn mocks(&self) -> MockStore {
        let mut mocks = MockStore::default();
        self.expect_sources(&mut mocks);
        self.expect_source_versions(&mut mocks);
        self.expect_inputs(&mut mocks);
        self.expect_jobs(&mut mocks);
        self.expect_runs(&mut mocks);
        mocks
    }

    /// Writes down a call.
    fn log(&self, call: &'static str) -> impl Fn(Option<WriteMode>) + Send + use<> {
        let calls = Arc::clone(&self.calls);
        move |mode| {
            let how = if mode == Some(WriteMode::DryRun) { ", dry run" } else { "" };
            calls.lock().unwrap().push(format!("{call}{how}"));
        }
    }

    fn expect_inputs(&self, mocks: &mut MockStore) {
        let called = self.log("inputs.find_many");
        mocks.inputs.expect_find_many().returning(move |wanted| {
            called(None);
            Ok(vec![None; wanted.len()])
        });
        let called = self.log("inputs.find_by_ids");
        mocks.inputs.expect_find_by_ids().returning(move |_, _| {
            called(None);
            Ok(Vec::new())
        });
        let called = self.log("inputs.are_bound");
        mocks.inputs.expect_are_bound().returning(move |wanted| {
            called(None);
            Ok(vec![false; wanted.len()])
        });
        let called = self.log("inputs.list");
        mocks.inputs.expect_list().returning(move |_, _, _| {
            called(None);
            Ok(Page { items: Vec::new(), next: None })
        });
        let called = self.log("inputs.put_many");
        mocks.inputs.expect_put_many().returning(move |_, mode| {
            called(Some(mode));
            Ok(())
        });
        let called = self.log("inputs.name_organisation");
        mocks.inputs.expect_name_organisation().returning(move |_, mode| {
            called(Some(mode));
            Ok(())
        });
        let called = self.log("inputs.list_organisations");
        mocks.inputs.expect_list_organisations().returning(move |_, _| {
            called(None);
            Ok(Page { items: Vec::new(), next: None })
        });
    }

    fn expect_sources(&self, mocks: &mut MockStore) {
        let source = self.source.clone();
        let (called, found) = (self.log("sources.find_many"), source.clone());
        mocks.sources.expect_find_many().returning(move |ids| {
            called(None);
            Ok(ids.iter().map(|id| (*id == found.id).then(|| found.clone())).collect())
        });
        let called = self.log("sources.find_by_name");
        mocks.sources.expect_find_by_name().returning(move |_| {
            called(None);
            Ok(None)
        });
        let called = self.log("sources.insert");
        mocks.sources.expect_insert().returning(move |_, _| {
            called(None);
            Ok(())
        });
        let called = self.log("sources.list");
        mocks.sources.expect_list().returning(move |_, _| {
            called(None);
            Ok(Page { items: vec![source.clone()], next: None })
        });
        let called = self.log("sources.update");
        mocks.sources.expect_update().returning(move |_, _, mode| {
            called(Some(mode));
            Ok(())
        });
        let called = self.log("sources.delete");
        mocks.sources.expect_delete().returning(move |_, _, mode| {
            called(Some(mode));
            Ok(())
        });
    }

    fn expect_source_versions(&self, mocks: &mut MockStore) {
        let version = self.version.clone();
        let (called, found) = (self.log("source_versions.find_many"), version.clone());
        mocks.source_versions.expect_find_many().returning(move |ids| {
            called(None);
            Ok(ids.iter().map(|id| (*id == found.id).then(|| found.clone())).collect())
        });
        let called = self.log("source_versions.find_by_label");
        mocks.source_versions.expect_find_by_label().returning(move |_, _| {
            called(None);
            Ok(None)
        });
        let (called, found) = (self.log("source_versions.newest"), version.clone());
        mocks.source_versions.expect_newest().returning(move |_| {
            called(None);
            Ok(Some(found.clone()))
        });
        let called = self.log("source_versions.insert");
        mocks.source_versions.expect_insert().returning(move |_, _| {
            called(None);
            Ok(())
        });
        let (called, head) = (self.log("source_versions.list_heads"), version.clone());
        mocks.source_versions.expect_list_heads().returning(move |_, _| {
            called(None);
            Ok(Page { items: vec![head.clone().into()], next: None })
        });
        let called = self.log("source_versions.list");
        mocks.source_versions.expect_list().returning(move |_, _| {
            called(None);
            Ok(Page { items: vec![version.clone()], next: None })
        });
        let called = self.log("source_versions.delete");
        mocks.source_versions.expect_delete().returning(move |_, _, mode| {
            called(Some(mode));
            Ok(())
        });
    }

    fn expect_jobs(&self, mocks: &mut MockStore) {
        let job = self.job.clone();
        let (called, found) = (self.log("jobs.find_many"), job.clone());
        mocks.jobs.expect_find_many().returning(move |wanted| {
            called(None);
            Ok(wanted.iter().map(|(_, id)| (*id == found.id).then(|| found.clone())).collect())
        });
        let (called, found) = (self.log("jobs.find_monitored"), job.clone());
        mocks.jobs.expect_find_monitored().returning(move |wanted| {
            called(None);
            Ok(wanted.iter().map(|(_, id)| (*id == found.id).then(|| monitored(&found))).collect())
        });
        let called = self.log("jobs.count_by_health");
        mocks.jobs.expect_count_by_health().returning(move |_, _, _| {
            called(None);
            Ok(HealthCounts::default())
        });
        let called = self.log("jobs.find_by_name");
        mocks.jobs.expect_find_by_name().returning(move |_, _| {
            called(None);
            Ok(None)
        });
        let called = self.log("jobs.set_up_many");
        mocks.jobs.expect_set_up_many().returning(move |plans| {
            assert_eq!(plans.len(), 1);
            called(Some(plans[0].mode));
            vec![Ok(JobSetUpOutcome::Created)]
        });
        let called = self.log("jobs.list");
        mocks.jobs.expect_list().returning(move |_, _, _| {
            called(None);
            Ok(Page { items: vec![monitored(&job); 3], next: None })
        });
        let called = self.log("jobs.update");
        mocks.jobs.expect_update().returning(move |_, _, _, mode| {
            called(Some(mode));
            Ok(())
        });
        let called = self.log("jobs.delete");
        mocks.jobs.expect_delete().returning(move |_, _, _, mode| {
            called(Some(mode));
            Ok(())
        });
    }
}

impl Ports {
    fn expect_runs(&self, mocks: &mut MockStore) {
        let job = self.job.clone();
        let (called, kept) = (self.log("jobs.revisions"), JobRevision::from(job.clone()));
        mocks.jobs.expect_revisions().returning(move |_, _, _| {
            called(None);
            Ok(Page { items: vec![kept.clone()], next: None })
        });
        let (called, kept) = (self.log("jobs.revision"), JobRevision::from(job.clone()));
        mocks.jobs.expect_revision().returning(move |_, _, revision| {
            called(None);
            Ok(Some(JobRevision { revision, ..kept.clone() }))
        });
        let called = self.log("runs.count_values");
        mocks.runs.expect_count_values().returning(move |_| {
            called(None);
            Ok(ValueCount::default())
        });
        let called = self.log("runs.insert");
        mocks.runs.expect_insert().returning(move |_, _, _| {
            called(None);
            Ok(())
        });
        let called = self.log("runs.insert_next");
        mocks.runs.expect_insert_next().returning(move |run, _, _, _| {
            called(None);
            Ok(run.issued_at)
        });
        let called = self.log("runs.replace");
        mocks.runs.expect_replace().returning(move |_, _, _| {
            called(None);
            Ok(())
        });
        let (called, run) = (self.log("runs.delete"), a_run_of(&job, &[]));
        mocks.runs.expect_delete().returning(move |_, _, _, _, _, mode| {
            called(Some(mode));
            Ok(run.clone())
        });
        let (called, run) = (self.log("runs.find"), a_run_of(&job, &[]));
        mocks.runs.expect_find().returning(move |_, _, _| {
            called(None);
            Ok(Some(run.clone()))
        });
        let (called, run) = (self.log("runs.list"), a_run_of(&job, &[]));
        mocks.runs.expect_list().returning(move |_, _, _, _| {
            called(None);
            Ok(Page { items: vec![run.clone(); 3], next: None })
        });
        let called = self.log("runs.predictions");
        mocks.runs.expect_predictions().returning(move |_| {
            called(None);
            Ok(PredictedValues { values: Vec::new(), last_run: RunNumber::NONE })
        });
    }
}

/// Sends a request to ports of its own, and expects these calls.
#[track_caller]
fn assert_calls(make: impl FnOnce(&Ports) -> Request, status: StatusCode, calls: &[&str]) -> Answer {
    let ports = Ports::new();
    let request = make(&ports);
    let name = format!("{} {}", request.method, request.path);
    let answer = actix_web::rt::System::new().block_on(async { service_of(ports.mocks()).send(request).await });
    assert_eq!(answer.status, status, "{name}: {}", answer.body);
    assert_eq!(*ports.calls.lock().unwrap(), calls, "{name}");
    answer
}

#[test]
fn reading_asks_once() {
    let ok = StatusCode::OK;
    assert_calls(|_| Request::new("GET", "/api/v1/sources?name=a&limit=2"), ok, &["sources.list"]);
    assert_calls(|p| Request::new("GET", format!("/api/v1/sources/{}", p.source.id)), ok, &["sources.find_many"]);
    assert_calls(|_| Request::new("GET", "/api/v1/source_versions"), ok, &["source_versions.list_heads"]);
    let whole = "/api/v1/source_versions?expand=contract";
    assert_calls(|_| Request::new("GET", whole), ok, &["source_versions.list"]);
    let version = |p: &Ports| format!("/api/v1/source_versions/{}", p.version.id);
    assert_calls(|p| Request::new("GET", version(p)), ok, &["source_versions.find_many"]);
    assert_calls(|_| Request::new("GET", "/api/v1/jobs"), ok, &["jobs.list"]);
    assert_calls(|p| Request::new("GET", format!("/api/v1/jobs/{}", p.job.id)), ok, &["jobs.find_monitored"]);
    assert_calls(|_| Request::new("GET", "/api/v1/jobs/health"), ok, &["jobs.count_by_health"]);
}

#[test]
fn what_a_job_was_and_did_is_asked_for_after_the_job() {
    let ok = StatusCode::OK;
    let get = |rest: &'static str| move |p: &Ports| Request::new("GET", format!("/api/v1/jobs/{}{rest}", p.job.id));
    assert_calls(get("/revisions?limit=2"), ok, &["jobs.find_many", "jobs.revisions"]);
    assert_calls(get("/revisions/1"), ok, &["jobs.find_many"]);
    assert_calls(get("/revisions/7"), ok, &["jobs.find_many", "jobs.revision"]);
    assert_calls(get("/runs"), ok, &["jobs.find_many", "runs.list"]);
    assert_calls(get("/runs/77777777-7777-7777-7777-777777777777"), ok, &["jobs.find_many", "runs.find"]);
    let read = ["jobs.find_many", "sources.find_many", "runs.predictions"];
    assert_calls(get("/predictions?limit=2"), ok, &read);
    let of_run = ["jobs.find_many", "runs.find", "sources.find_many", "runs.predictions"];
    assert_calls(get("/predictions?run_id=77777777-7777-7777-7777-777777777777"), ok, &of_run);
}

#[test]
fn a_report_writes_once_after_what_it_is_judged_by() {
    let report = |more: &'static [(&str, &str)]| {
        move |p: &Ports| {
            let values = json!([{"role": "prediction", "at": "2026-06-01T12:00:00Z", "value": 1}]);
            let mut report = json!({"status": "succeeded", "predictions": values});
            for (member, value) in more {
                report[*member] = json!(value);
            }
            Request::new("POST", format!("/api/v1/jobs/{}/runs", p.job.id)).json(&report)
        }
    };
    let given = report(&[("issued_at", "2026-06-01T12:00:00Z")]);
    assert_calls(given, StatusCode::CREATED, &["jobs.find_many", "source_versions.find_many", "runs.insert"]);
    let calls = ["jobs.find_many", "source_versions.find_many", "runs.insert_next"];
    let answer = assert_calls(report(&[]), StatusCode::CREATED, &calls);
    let location = format!(
        "/api/v1/jobs/{}/runs/{}",
        answer.body["job_id"].as_str().unwrap(),
        answer.body["id"].as_str().unwrap()
    );
    assert_eq!((answer.header("location"), answer.header("etag")), (Some(&*location), Some("\"1\"")));
}

#[test]
fn a_run_is_deleted_at_once_unless_a_certain_one_is_meant() {
    let run = |p: &Ports| format!("/api/v1/jobs/{}/runs/77777777-7777-7777-7777-777777777777", p.job.id);
    let done = StatusCode::NO_CONTENT;
    assert_calls(|p| Request::new("DELETE", run(p)), done, &["jobs.find_many", "runs.delete"]);
    let dry_run = ["jobs.find_many", "runs.delete, dry run"];
    assert_calls(|p| Request::new("DELETE", run(p) + "?dry_run=true"), StatusCode::OK, &dry_run);
    let matching = |tag: &'static str| move |p: &Ports| Request::new("DELETE", run(p)).header("if-match", tag);
    assert_calls(matching("\"1\""), done, &["jobs.find_many", "runs.find", "runs.delete"]);
    assert_calls(matching("\"2\""), StatusCode::PRECONDITION_FAILED, &["jobs.find_many", "runs.find"]);
}

#[test]
fn what_is_shown_beside_jobs_costs_one_question_for_each_kind() {
    let expanded = ["jobs.list", "sources.find_many", "source_versions.find_many"];
    let answer =
        assert_calls(|_| Request::new("GET", "/api/v1/jobs?expand=source,source_version"), StatusCode::OK, &expanded);
    for job in answer.body["items"].as_array().unwrap() {
        assert_eq!(job["source"]["id"], job["source_id"]);
        assert_eq!(job["source_version"]["id"], job["source_version_id"]);
    }
    let answer = assert_calls(
        |p| Request::new("GET", format!("/api/v1/jobs/{}?expand=source", p.job.id)),
        StatusCode::OK,
        &["jobs.find_monitored", "sources.find_many"],
    );
    assert!(answer.body["source"].is_object() && answer.body.get("source_version").is_none());
    assert_eq!(answer.tagged_revision(), Some("1"));
    assert!(answer.header("etag").unwrap().ends_with("+1\""), "the revision of the source");
}

#[test]
fn what_the_reader_has_is_not_sent_again() {
    let tag = |p: &Ports| format!("\"1+{:x}\"", p.version.created_at.as_micros());
    let answer = assert_calls(
        |p| Request::new("GET", format!("/api/v1/source_versions/{}", p.version.id)).header("if-none-match", tag(p)),
        StatusCode::NOT_MODIFIED,
        &["source_versions.find_many"],
    );
    assert_eq!(answer.body, Value::String(String::new()));
    assert!(answer.header("etag").unwrap().starts_with("\"1+"));
    let other = assert_calls(
        |p| Request::new("GET", format!("/api/v1/sources/{}", p.source.id)).header("if-none-match", "\"2\""),
        StatusCode::OK,
        &["sources.find_many"],
    );
    assert!(other.body.is_object());
}

#[test]
fn creating_in_the_catalog_writes_once() {
    let create = Request::new("POST", "/api/v1/sources").json(&json!({"name": "mildew"}));
    assert_calls(|_| create, StatusCode::CREATED, &["sources.insert"]);
    let publish = |p: &Ports| {
        Request::new("POST", "/api/v1/source_versions").json(&json!({
            "source_id": p.source.id, "version": "1", "input_roles": [], "output_roles": [{"role": "p", "metric": "m"}],
        }))
    };
    let calls = ["sources.find_many", "source_versions.insert"];
    let answer = assert_calls(publish, StatusCode::CREATED, &calls);
    assert_eq!(answer.tagged_revision(), Some("1"));
    let location = format!("/api/v1/source_versions/{}", answer.body["id"].as_str().unwrap());
    assert_eq!(answer.header("location"), Some(&*location));
}

#[test]
fn changing_reads_and_writes_once() {
    let rename = json!({"name": "another"});
    let source = |p: &Ports| format!("/api/v1/sources/{}", p.source.id);
    let job = |p: &Ports| format!("/api/v1/jobs/{}", p.job.id);
    let ok = StatusCode::OK;
    let answer =
        assert_calls(|p| Request::new("PUT", source(p)).json(&rename), ok, &["sources.find_many", "sources.update"]);
    assert_eq!((answer.header("etag"), &answer.body["revision"]), (Some("\"2\""), &json!(2)));
    assert_calls(
        |p| Request::new("PUT", source(p) + "?dry_run=true").json(&rename),
        ok,
        &["sources.find_many", "sources.update, dry run"],
    );
    assert_calls(|p| Request::new("PUT", source(p)).json(&json!({})), ok, &["sources.find_many"]);
    // What a shorter retention deletes is counted first; a longer one deletes nothing.
    let shorter = json!({"retention_hours": 1});
    let calls = ["sources.find_many", "runs.count_values", "sources.update"];
    assert_calls(|p| Request::new("PUT", source(p)).json(&shorter), ok, &calls);
    let longer = json!({"retention_hours": null});
    assert_calls(|p| Request::new("PUT", source(p)).json(&longer), ok, &["sources.find_many", "sources.update"]);
    let answer = assert_calls(
        |p| Request::new("PUT", job(p)).json(&rename),
        ok,
        &["jobs.find_monitored", "source_versions.find_many", "jobs.update"],
    );
    assert_eq!((answer.tagged_revision(), &answer.body["name"]), (Some("2"), &json!("another")));
    assert_calls(
        |p| Request::new("PUT", job(p) + "?dry_run=true").json(&rename),
        ok,
        &["jobs.find_monitored", "source_versions.find_many", "jobs.update, dry run"],
    );
    let stale = StatusCode::PRECONDITION_FAILED;
    let answer = assert_calls(
        |p| Request::new("PUT", job(p)).json(&rename).header("if-match", "\"7\""),
        stale,
        &["jobs.find_monitored"],
    );
    assert_eq!(answer.body["current_revision"], 1);
    let body = json!({"name": "another", "revision": 7});
    assert_calls(|p| Request::new("PUT", source(p)).json(&body), stale, &["sources.find_many"]);
}

#[test]
fn deleting_reads_and_deletes_once() {
    for (kind, find, id) in [
        ("sources", &["sources.find_many"][..], (|p| p.source.id.to_string()) as fn(&Ports) -> String),
        // A version is its source's owner's.
        ("source_versions", &["source_versions.find_many", "sources.find_many"], |p| p.version.id.to_string()),
        ("jobs", &["jobs.find_monitored"], |p| p.job.id.to_string()),
    ] {
        let path = |p: &Ports| format!("/api/v1/{kind}/{}", id(p));
        let delete = format!("{kind}.delete");
        let request = |p: &Ports| Request::new("DELETE", path(p)).header("if-match", "\"1\"");
        let answer = assert_calls(request, StatusCode::NO_CONTENT, &[find, &[delete.as_str()]].concat());
        assert_eq!(answer.body, Value::String(String::new()));
        let dry_run = format!("{delete}, dry run");
        let request = |p: &Ports| Request::new("DELETE", path(p) + "?dry_run=true");
        let answer = assert_calls(request, StatusCode::OK, &[find, &[dry_run.as_str()]].concat());
        assert!(answer.body["id"].is_string(), "it shows what would be deleted");
        let request = |p: &Ports| Request::new("DELETE", path(p)).header("if-match", "\"2\"");
        assert_calls(request, StatusCode::PRECONDITION_FAILED, find);
    }
}

#[test]
fn a_setup_asks_for_what_it_names() {
    let request = |path: &str, source: Value, version: Value, job: Value| {
        Request::new("POST", path).json(&json!({
            "organisation_id": crate::service::ORGANISATION, "source": source, "source_version": version, "job": job,
            "role_bindings": [],
        }))
    };
    let path = "/api/v1/jobs/setup";
    let created = StatusCode::CREATED;
    let by_ids = |p: &Ports| {
        let job = json!({"name": "Job A", "source_id": p.source.id, "source_version_id": p.version.id});
        request(path, Value::Null, Value::Null, job)
    };
    let calls = ["source_versions.find_many", "sources.find_many", "jobs.set_up_many"];
    let answer = assert_calls(by_ids, created, &calls);
    let location = format!("/api/v1/jobs/{}", answer.body["job"]["id"].as_str().unwrap());
    assert_eq!((answer.header("location"), answer.tagged_revision()), (Some(&*location), Some("1")));
    assert_eq!(answer.body["warnings"], json!([]));

    let newest = |p: &Ports| request(path, json!({"id": p.source.id}), Value::Null, json!({"name": "Job A"}));
    let calls = ["sources.find_many", "jobs.find_by_name", "source_versions.newest", "jobs.set_up_many"];
    let answer = assert_calls(newest, created, &calls);
    assert_eq!(answer.body["warnings"][0]["code"], "version_defaulted");

    let version = json!({"version": "2", "input_roles": [], "output_roles": [{"role": "p", "metric": "m"}]});
    let everything = |_: &Ports| request(path, json!({"name": "rust"}), version.clone(), json!({"name": "Job A"}));
    assert_calls(everything, created, &["sources.find_by_name", "jobs.set_up_many"]);

    let new_version = |p: &Ports| request(path, json!({"id": p.source.id}), version.clone(), json!({"name": "Job A"}));
    let calls = ["sources.find_many", "source_versions.find_by_label", "jobs.set_up_many"];
    assert_calls(new_version, created, &calls);

    let dry_run = |_: &Ports| {
        request("/api/v1/jobs/setup?dry_run=true", json!({"name": "rust"}), version.clone(), json!({"name": "Job A"}))
    };
    let calls = ["sources.find_by_name", "jobs.set_up_many, dry run"];
    let answer = assert_calls(dry_run, StatusCode::OK, &calls);
    assert_eq!(answer.body["outcome"]["job"], "created");
    assert_eq!(answer.header("location"), None);
}
