//! What clocks say decides no order: they stand still, they are put right, and those of two replicas differ.

use prediction_domain::model::{Caller, Job, Page, Permission, Position, Scope, Source, SourceVersion, Timestamp};
use prediction_domain::ports::{DeleteSourceVersionError, JobFilter, SourceFilter, SourceVersionFilter, WriteMode};
use prediction_domain::requests::{OutputRoleDraft, Sent, SetUpDraft, SetUpJobDraft, SourceDraft, SourceVersionDraft};
use prediction_domain::use_cases::{
    Expansion, JobQuestion, create_source, list_jobs, list_source_versions, list_sources, prepare_set_up,
    publish_source_version, set_up_jobs,
};

use crate::builders::a_job_of;
use crate::contract::fixture::{catalog, stored_job};
use crate::values::{at, first_page, fresh_organisation_id, fresh_source_id, page_after};
use crate::{Replica, Stores};

/// Times that clocks show one after the other: standing still, back by some seconds, back by years, forward by years.
const TIMES: [&str; 8] = [
    "2026-06-01T12:00:00Z",
    "2026-06-01T12:00:00Z",
    "2026-06-01T11:59:10Z",
    "2026-06-01T12:00:00.000001Z",
    "1970-01-01T00:00:00Z",
    "2029-06-01T12:00:00Z",
    "9999-12-31T23:59:59.999999Z",
    "2026-06-01T12:00:01Z",
];

/// Two replicas, of which now one and now the other is asked, each with such a clock; and of times, when.
fn asked_in_turn(stores: &Stores) -> (Vec<Replica>, Vec<(usize, Timestamp)>) {
    let replicas = (0..2).map(|_| stores.replica(at(TIMES[0]))).collect();
    let turns = TIMES.iter().enumerate().map(|(number, time)| (number % 3 % 2, at(time)));
    (replicas, turns.collect())
}

pub(crate) fn creation_order_is_the_same_whatever_clocks_say(stores: &Stores) {
    let (replicas, turns) = asked_in_turn(stores);
    let organisation = fresh_organisation_id();
    let mut created: (Vec<Source>, Vec<SourceVersion>, Vec<Job>) = Default::default();
    for (replica, time) in turns {
        let Replica { ports, clock } = &replicas[replica];
        clock.set(time);
        let source =
            create_source(ports, &operator(), &a_source_draft().into(), WriteMode::Commit).expect("it is created").0;
        let version = publish(&replicas[replica], &source, "1.0.0");
        let draft = SetUpDraft { organisation_id: given(&organisation.to_string()), ..a_set_up_draft(&source) };
        let prepared = prepare_set_up(&operator(), draft.into(), WriteMode::Commit).expect("it can be set up");
        let job = set_up_jobs(ports, &[prepared]).remove(0).expect("it is set up").job;
        assert_eq!((source.created_at, version.created_at, job.created_at), (time, time, time));
        created.0.push(source);
        created.1.push(version);
        created.2.push(job);
    }
    for Replica { ports, .. } in &replicas {
        for limit in [1, 3, 200] {
            let page = |after| page_after(limit, after);
            let sources =
                all(|after| list_sources(ports, &SourceFilter::default(), &page(after)).expect("sources are listed"));
            assert_eq!(sources, created.0, "{limit} a page");
            let versions = all(|after| {
                list_source_versions(ports, &SourceVersionFilter::default(), &page(after)).expect("versions are listed")
            });
            assert_eq!(versions, created.1, "{limit} a page");
            for organisation_id in [None, Some(organisation)] {
                let filter = JobFilter { organisation_id, ..JobFilter::default() };
                let question = JobQuestion { filter, ..JobQuestion::default() };
                let jobs = all(|after| {
                    list_jobs(ports, &operator(), &question, Expansion::default(), &page(after))
                        .expect("jobs are listed")
                        .0
                });
                let jobs: Vec<Job> = jobs.into_iter().map(|judged| judged.job).collect();
                assert_eq!(jobs, created.2, "{limit} a page");
            }
        }
    }
}

pub(crate) fn the_newest_version_is_the_one_that_was_published_last(stores: &Stores) {
    let (replicas, turns) = asked_in_turn(stores);
    let source = create_source(&replicas[0].ports, &operator(), &a_source_draft().into(), WriteMode::Commit)
        .expect("it is created")
        .0;
    let mut published = Vec::new();
    for (number, (replica, time)) in turns.into_iter().enumerate() {
        replicas[replica].clock.set(time);
        let version = publish(&replicas[replica], &source, &format!("1.{number}.0"));
        let newest = stores.source_versions.newest(source.id).expect("versions can be read");
        assert_eq!(newest.as_ref(), Some(&version));
        published.push(version.clone());
        let filter = SourceVersionFilter { source_id: Some(source.id), ..SourceVersionFilter::default() };
        let listed = stores.source_versions.list(&filter, &first_page(200)).expect("versions can be listed");
        assert_eq!(listed.items, published);
        // It is what a setup takes that names none, whichever replica is asked.
        for Replica { ports, .. } in &replicas {
            let draft =
                SetUpDraft { organisation_id: given(&fresh_organisation_id().to_string()), ..a_set_up_draft(&source) };
            let prepared = prepare_set_up(&operator(), draft.into(), WriteMode::Commit).expect("it can be set up");
            let done = set_up_jobs(ports, &[prepared]).remove(0).expect("it is set up");
            assert_eq!(done.job.source_version_id, version.id);
        }
    }
}

pub(crate) fn jobs_that_use_a_version_are_named_in_creation_order(stores: &Stores) {
    let (_, version) = catalog(stores);
    let jobs = TIMES.map(|time| stored_job(stores, Job { created_at: at(time), ..a_job_of(&version) }));
    let error =
        stores.source_versions.delete(&Scope::Platform, version.id, WriteMode::Commit).expect_err("it is in use");
    let expected: Vec<_> = jobs.iter().map(|job| job.id).collect();
    assert!(
        matches!(&error, DeleteSourceVersionError::InUse { visible, .. } if *visible == expected),
        "{error:?} {expected:?}"
    );
}

/// All items of a list, page by page.
fn all<T>(list: impl Fn(Option<Position>) -> Page<T>) -> Vec<T> {
    let mut page = list(None);
    let mut items = Vec::new();
    loop {
        items.append(&mut page.items);
        let Some(next) = page.next else { return items };
        page = list(Some(next));
    }
}

fn publish(replica: &Replica, source: &Source, label: &str) -> SourceVersion {
    let output = OutputRoleDraft {
        role: given("prediction"),
        metric: given("celsius"),
        required: Sent::Given(true),
        ..OutputRoleDraft::default()
    };
    let draft = SourceVersionDraft {
        source_id: given(&source.id.to_string()),
        version: given(label),
        input_roles: Sent::Given(Vec::new()),
        output_roles: Sent::Given(vec![Sent::Given(output)]),
        ..SourceVersionDraft::default()
    };
    publish_source_version(&replica.ports, &operator(), &draft.into(), WriteMode::Commit).expect("it is published").0
}

/// Under a name that nothing has.
fn a_source_draft() -> SourceDraft {
    SourceDraft { name: given(&fresh_source_id().to_string()), ..SourceDraft::default() }
}

/// A job of that source, named after it, that leaves its version to the service.
fn a_set_up_draft(source: &Source) -> SetUpDraft {
    let id = given(&source.id.to_string());
    SetUpDraft {
        source: Sent::Given(SourceDraft { id: id.clone(), ..SourceDraft::default() }),
        job: Sent::Given(SetUpJobDraft { name: id, ..SetUpJobDraft::default() }),
        role_bindings: Sent::Given(Vec::new()),
        ..SetUpDraft::default()
    }
}

fn operator() -> Caller {
    Caller {
        subject: "operator".to_owned(),
        permissions: Permission::ALL.into_iter().collect(),
        scope: Scope::Platform,
    }
}

fn given(text: &str) -> Sent<String> {
    Sent::Given(text.to_owned())
}
