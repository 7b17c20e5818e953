//! What handlers ask of the ports about jobs that read outputs of others, and when they do not ask.

use std::collections::BTreeSet;

use actix_web::http::StatusCode;
use prediction_domain::model::{
    ChainLink, CheckedBindings, ExpectedIntervalMinutes, Job, JobId, JobOutput, MonitoredJob, Monitoring, Page,
    RoleBinding, RunStatus, RunSummary, SourceVersion, Timestamp,
};
use prediction_domain::ports::{MockStore, UpdateJobError};
use prediction_domain_testkit::builders::{a_job_of, a_source, a_version_of};
use prediction_domain_testkit::values::{at, fresh_output_id, input_kind, role_name};
use serde_json::json;

use crate::service::{Request, service_of};

/// A version with one role, which takes outputs.
fn version() -> SourceVersion {
    let role = prediction_domain::model::InputRole::required("before", "output", "risk").unwrap();
    let output = prediction_domain::model::OutputRole::required("risk", "risk").unwrap();
    let contract = prediction_domain::model::Contract::new(vec![role], vec![output]).unwrap();
    SourceVersion { contract, ..a_version_of(a_source().id) }
}

/// A job that reads an output, or none.
fn job(version: &SourceVersion, reads: Option<prediction_domain::model::OutputId>) -> Job {
    let binding = |id: prediction_domain::model::OutputId| RoleBinding {
        role: role_name("before"),
        input_id: id.as_input(),
        input_type: input_kind("output"),
    };
    let role_bindings = CheckedBindings::restored(reads.map(binding).into_iter().collect()).unwrap();
    Job { role_bindings, ..a_job_of(version) }
}

/// The newest run of the job failed just now.
fn failing(job: &Job) -> MonitoredJob {
    let now: Timestamp = at("2027-01-15T08:00:00Z");
    let runs = RunSummary {
        last_run: Some((now, RunStatus::Failed)),
        delivered_at: Some(now),
        consecutive_failures: 1,
        ..RunSummary::default()
    };
    let interval = ExpectedIntervalMinutes::new(60).unwrap();
    MonitoredJob { job: job.clone(), monitoring: Monitoring { expected_interval_minutes: Some(interval), runs } }
}

fn with_version(mocks: &mut MockStore, version: &SourceVersion) {
    let version = version.clone();
    mocks.source_versions.expect_find_many().returning(move |ids| Ok(vec![Some(version.clone()); ids.len()]));
}

#[actix_web::test]
async fn what_is_in_the_way_is_asked_once_for_a_page_and_only_of_jobs_that_read_outputs() {
    let version = version();
    let readers = [0, 1].map(|_| job(&version, Some(fresh_output_id())));
    let alone = job(&version, None);
    let page: Vec<MonitoredJob> = [&readers[0], &alone, &readers[1]].map(failing).into();
    let fine = MonitoredJob { monitoring: Monitoring::default(), ..failing(&readers[0]) };
    let items: Vec<MonitoredJob> = page.into_iter().chain([fine]).collect();
    let mut mocks = MockStore::default();
    mocks.jobs.expect_list().times(1).returning(move |_, _, _| Ok(Page { items: items.clone(), next: None }));
    let (wanted, in_the_way) = (readers.each_ref().map(|job| (job.organisation_id, job.id)), alone.id);
    mocks.chains.expect_blocking().times(1).returning(move |asked, _| {
        assert_eq!(asked, wanted);
        Ok(vec![vec![in_the_way], Vec::new()])
    });
    let answer = service_of(mocks).send(Request::new("GET", "/api/v1/jobs")).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    let told: Vec<_> =
        answer.body["items"].as_array().unwrap().iter().map(|job| job["health"].get("blocked_by").cloned()).collect();
    assert_eq!(told, [Some(json!([in_the_way])), None, None, None]);
}

#[actix_web::test]
async fn a_job_that_reads_no_output_asks_nothing_about_chains() {
    let version = version();
    let alone = job(&version, None);
    let found = failing(&alone);
    let mut mocks = MockStore::default();
    mocks.jobs.expect_find_monitored().returning(move |_| Ok(vec![Some(found.clone())]));
    mocks.jobs.expect_update().times(1).returning(|_, _, _, _| Ok(()));
    let role = prediction_domain::model::InputRole { required: false, ..version.contract.input_roles()[0].clone() };
    let outputs = version.contract.output_roles().to_vec();
    let contract = prediction_domain::model::Contract::new(vec![role], outputs).unwrap();
    with_version(&mut mocks, &SourceVersion { contract, ..version });
    let service = service_of(mocks);
    let path = format!("/api/v1/jobs/{}", alone.id);
    assert_eq!(service.send(Request::new("GET", path.clone())).await.status, StatusCode::OK);
    let renamed = service.send(Request::new("PUT", path).json(&json!({ "name": "Renamed" }))).await;
    assert_eq!(renamed.status, StatusCode::OK, "{}", renamed.body);
}

#[actix_web::test]
async fn a_new_output_is_looked_for_and_the_ways_from_it() {
    let version = version();
    let upstream = job(&version, Some(fresh_output_id()));
    let reader = Job { organisation_id: upstream.organisation_id, ..job(&version, Some(fresh_output_id())) };
    let id = upstream.outputs[0].id;
    let link = ChainLink { job_id: upstream.id, upstream_job_id: reader.id };
    let ask = async |links: Vec<ChainLink>, stored: Vec<Result<(), UpdateJobError>>| {
        let (found, upstream) = (failing(&reader), upstream.clone());
        let jobs = [upstream.clone(), reader.clone()];
        let mut mocks = MockStore::default();
        mocks.jobs.expect_find_monitored().returning(move |_| Ok(vec![Some(found.clone())]));
        with_version(&mut mocks, &version);
        mocks.inputs.expect_find_many().returning(|wanted| Ok(vec![None; wanted.len()]));
        let organisation = reader.organisation_id;
        let from = BTreeSet::from([upstream.id]);
        mocks.chains.expect_find_outputs().returning(move |wanted| {
            let [(scope, asked)] = wanted else { panic!("one output is asked for: {wanted:?}") };
            assert!((scope.contains(organisation), *asked) == (true, id));
            Ok(vec![Some(JobOutput::of(&upstream, &upstream.outputs[0]))])
        });
        let to: JobId = reader.id;
        mocks.chains.expect_links_between().returning(move |asked, ids, end| {
            assert_eq!((asked, ids, end), (organisation, &from, to));
            Ok(links.clone())
        });
        mocks.jobs.expect_find_many().returning(move |wanted| {
            let find = |id: &JobId| jobs.iter().find(|job| job.id == *id).cloned();
            Ok(wanted.iter().map(|(_, id)| find(id)).collect())
        });
        mocks.chains.expect_blocking().returning(|wanted, _| Ok(vec![Vec::new(); wanted.len()]));
        let mut stored = stored.into_iter();
        mocks.jobs.expect_update().returning(move |_, _, _, _| stored.next().unwrap());
        let bound = json!({ "role_bindings": [{ "role": "before", "input_id": id }] });
        service_of(mocks).send(Request::new("PUT", format!("/api/v1/jobs/{}", reader.id)).json(&bound)).await
    };
    let done = ask(Vec::new(), vec![Ok(())]).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.body);
    // What was overtaken is looked at again.
    let done = ask(Vec::new(), vec![Err(UpdateJobError::OutputMissing), Err(UpdateJobError::Cycle), Ok(())]).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.body);
    let refused = ask(vec![link], Vec::new()).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::UNPROCESSABLE_ENTITY, "invalid"));
    let entry = &refused.body["errors"][0];
    assert_eq!((&entry["code"], &entry["pointer"]), (&json!("cycle"), &json!("/role_bindings/0/input_id")));
    assert_eq!(entry["actual"]["names"], json!([reader.name, upstream.name]));
    let none = ask(Vec::new(), (0..64).map(|_| Err(UpdateJobError::Cycle)).collect()).await;
    assert_eq!(none.status, StatusCode::SERVICE_UNAVAILABLE, "others are quicker again and again");
}
