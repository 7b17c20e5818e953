//! A port fails: the use case ends in that failure, whatever it was doing.

use prediction_domain::model::{InputId, JobId, LineageDirection, OutputId, Permission, Readers, SourceVersionId};
use prediction_domain::ports::{
    JobFilter, JobSetUpOutcome, MockStore, SourceFilter, SourceVersionFilter, StoreFailure, WriteMode,
};
use prediction_domain::requests::{
    ImportDraft, InputDraft, JobChangeDraft, Precondition, Sent, SetUpDraft, SetUpJobDraft, SourceChangeDraft,
    SourceVersionDraft,
};
use prediction_domain::use_cases::{
    Expansion, JobQuery, Ports, PredictionFilter, UseCaseError, change_job, change_source, count_jobs_by_health,
    create_source, delete_input, delete_job, delete_source, delete_source_version, expand_jobs, get_input, get_jobs,
    get_output, get_source, get_source_version, import_inputs, list_output_predictions, list_source_version_heads,
    list_source_versions, list_sources, prepare_set_up, publish_source_version, put_input, read_lineage, set_up_jobs,
};
use prediction_domain_testkit::builders::{a_job_of, a_source as stored_source, a_version_of, an_input_of};
use prediction_domain_testkit::values::first_page;

use crate::world::{
    CHOSEN, a_job, a_source, a_version, binding, customer, everything, given, jobs_listed, monitored, operator,
    organisation, ports_of, set_up, source_id, source_of_id, submit, with_empty_directory,
};

fn input_id() -> InputId {
    InputId::parse(CHOSEN).unwrap()
}

const ANY: Precondition = Precondition::None;

/// The three ways to fail.
const FAILURES: [fn() -> StoreFailure; 3] = [
    || StoreFailure::Unavailable("no connection".into()),
    || StoreFailure::Corrupt("a row of nonsense".into()),
    || StoreFailure::Internal("disk full".into()),
];

/// Arranges the mocks so that one port fails, calls the use case and expects that very failure.
fn assert_passed_through(
    case: &str,
    arrange: impl Fn(&mut MockStore, fn() -> StoreFailure),
    act: impl Fn(&Ports) -> Result<(), UseCaseError>,
) {
    for fail in FAILURES {
        let mut mocks = MockStore::default();
        arrange(&mut mocks, fail);
        match act(&ports_of(with_empty_directory(mocks))) {
            Err(UseCaseError::Store(failure)) => assert_eq!(format!("{failure:?}"), format!("{:?}", fail()), "{case}"),
            other => panic!("{case}: not the failure of the store: {other:?}"),
        }
    }
}

/// The source is found.
fn with_source(mocks: &mut MockStore) {
    mocks.sources.expect_find_many().returning(|_| Ok(vec![Some(stored_source())]));
}

/// The version is found.
fn with_version(mocks: &mut MockStore) {
    mocks.source_versions.expect_find_many().returning(|_| Ok(vec![Some(a_version_of(stored_source().id))]));
}

/// The job and its version are found.
fn with_job(mocks: &mut MockStore) {
    let version = a_version_of(stored_source().id);
    let job = a_job_of(&version);
    mocks.jobs.expect_find_monitored().returning(move |_| Ok(vec![Some(monitored(&job))]));
    mocks.source_versions.expect_find_many().returning(move |_| Ok(vec![Some(version.clone())]));
}

fn version_id() -> SourceVersionId {
    SourceVersionId::parse(CHOSEN).unwrap()
}

fn job_id() -> JobId {
    JobId::parse(CHOSEN).unwrap()
}

#[test]
fn failures_of_the_directory_are_passed_through() {
    let told = || InputDraft { kind: given("sensor"), name: given("Rain"), ..InputDraft::default() };
    let own = customer(&Permission::ALL);
    let put = |ports: &Ports| put_input(ports, &own, input_id(), &submit(told()), &ANY, WriteMode::Commit).map(drop);
    let find_fails = |mocks: &mut MockStore, fail: fn() -> StoreFailure| {
        mocks.inputs.expect_find_by_ids().returning(move |_, _| Err(fail()));
    };
    assert_passed_through("put: find", find_fails, put);
    assert_passed_through("get", find_fails, |ports| get_input(ports, &own, input_id(), None).map(drop));
    assert_passed_through(
        "put: are bound",
        |mocks, fail| {
            mocks.inputs.expect_find_by_ids().returning(|_, _| Ok(Vec::new()));
            mocks.inputs.expect_are_bound().returning(move |_| Err(fail()));
        },
        put,
    );
    let put_fails = |mocks: &mut MockStore, fail: fn() -> StoreFailure| {
        mocks.inputs.expect_find_by_ids().returning(|_, _| Ok(Vec::new()));
        mocks.inputs.expect_are_bound().returning(|wanted| Ok(vec![false; wanted.len()]));
        mocks.inputs.expect_put_many().returning(move |_, _| Err(fail().into()));
    };
    assert_passed_through("put", put_fails, put);
    assert_passed_through("import", put_fails, |ports| {
        let items = vec![Sent::Given(InputDraft { id: given(CHOSEN), ..told() })];
        let draft = ImportDraft { items: Sent::Given(items) };
        import_inputs(ports, &own, &submit(draft), WriteMode::Commit).map(drop)
    });
    assert_passed_through(
        "delete",
        |mocks, fail| {
            mocks.inputs.expect_find_by_ids().returning(|_, _| Ok(vec![an_input_of(organisation())]));
            mocks.inputs.expect_delete().returning(move |_, _, _, _| Err(fail().into()));
        },
        |ports| delete_input(ports, &own, input_id(), None, &ANY, WriteMode::Commit).map(drop),
    );
}

#[test]
fn failures_of_the_sources_are_passed_through() {
    let find_fails = |mocks: &mut MockStore, fail: fn() -> StoreFailure| {
        mocks.sources.expect_find_many().returning(move |_| Err(fail()));
    };
    let rename = || submit(SourceChangeDraft { source: a_source("rust"), ..SourceChangeDraft::default() });

    assert_passed_through("get", find_fails, |ports| get_source(ports, source_id(CHOSEN)).map(drop));
    assert_passed_through("change: find", find_fails, |ports| {
        change_source(ports, &operator(), source_id(CHOSEN), &rename(), &ANY, WriteMode::Commit).map(drop)
    });
    assert_passed_through("delete: find", find_fails, |ports| {
        delete_source(ports, &operator(), source_id(CHOSEN), &ANY, WriteMode::Commit).map(drop)
    });
    assert_passed_through("publish: find", find_fails, |ports| {
        let draft = SourceVersionDraft { source_id: given(CHOSEN), ..a_version("1.0.0", &["a"]) };
        publish_source_version(ports, &operator(), &draft.into(), WriteMode::Commit).map(drop)
    });
    assert_passed_through("expand: find", find_fails, |ports| {
        let job = a_job_of(&a_version_of(stored_source().id));
        expand_jobs(ports, &operator(), &[job], Expansion { source: true, ..Expansion::default() }).map(drop)
    });
    assert_passed_through(
        "insert",
        |mocks, fail| {
            mocks.sources.expect_insert().returning(move |_, _| Err(fail().into()));
        },
        |ports| create_source(ports, &operator(), &a_source("mildew").into(), WriteMode::Commit).map(drop),
    );
    assert_passed_through(
        "list",
        |mocks, fail| {
            mocks.sources.expect_list().returning(move |_, _| Err(fail()));
        },
        |ports| list_sources(ports, &SourceFilter::default(), &first_page(50)).map(drop),
    );
    assert_passed_through(
        "update",
        |mocks, fail| {
            with_source(mocks);
            mocks.sources.expect_update().returning(move |_, _, _| Err(fail().into()));
        },
        |ports| change_source(ports, &operator(), source_id(CHOSEN), &rename(), &ANY, WriteMode::Commit).map(drop),
    );
    assert_passed_through(
        "delete",
        |mocks, fail| {
            with_source(mocks);
            mocks.sources.expect_delete().returning(move |_, _, _| Err(fail().into()));
        },
        |ports| delete_source(ports, &operator(), source_id(CHOSEN), &ANY, WriteMode::Commit).map(drop),
    );
}

#[test]
fn failures_of_the_versions_are_passed_through() {
    let find_fails = |mocks: &mut MockStore, fail: fn() -> StoreFailure| {
        mocks.source_versions.expect_find_many().returning(move |_| Err(fail()));
    };
    assert_passed_through("get", find_fails, |ports| get_source_version(ports, version_id()).map(drop));
    assert_passed_through("delete: find", find_fails, |ports| {
        delete_source_version(ports, &operator(), version_id(), &ANY, WriteMode::Commit).map(drop)
    });
    assert_passed_through("expand: find", find_fails, |ports| {
        let job = a_job_of(&a_version_of(stored_source().id));
        expand_jobs(ports, &operator(), &[job], Expansion { source_version: true, ..Expansion::default() }).map(drop)
    });
    assert_passed_through(
        "change of a job: find",
        |mocks, fail| {
            mocks
                .jobs
                .expect_find_monitored()
                .returning(|_| Ok(vec![Some(monitored(&a_job_of(&a_version_of(stored_source().id))))]));
            find_fails(mocks, fail);
        },
        |ports| {
            let draft = submit(JobChangeDraft::default());
            change_job(ports, &operator(), job_id(), &draft, &ANY, WriteMode::Commit).map(drop)
        },
    );
    assert_passed_through(
        "insert",
        |mocks, fail| {
            with_source(mocks);
            mocks.source_versions.expect_insert().returning(move |_, _| Err(fail().into()));
        },
        |ports| {
            let draft = SourceVersionDraft { source_id: given(CHOSEN), ..a_version("1.0.0", &["a"]) };
            publish_source_version(ports, &operator(), &draft.into(), WriteMode::Commit).map(drop)
        },
    );
    assert_passed_through(
        "list",
        |mocks, fail| {
            mocks.source_versions.expect_list().returning(move |_, _| Err(fail()));
        },
        |ports| list_source_versions(ports, &SourceVersionFilter::default(), &first_page(50)).map(drop),
    );
    assert_passed_through(
        "delete: whose it is",
        |mocks, fail| {
            with_version(mocks);
            mocks.sources.expect_find_many().returning(move |_| Err(fail()));
        },
        |ports| delete_source_version(ports, &operator(), version_id(), &ANY, WriteMode::Commit).map(drop),
    );
    assert_passed_through(
        "list_heads",
        |mocks, fail| {
            mocks.source_versions.expect_list_heads().returning(move |_, _| Err(fail()));
        },
        |ports| list_source_version_heads(ports, &SourceVersionFilter::default(), &first_page(50)).map(drop),
    );
    assert_passed_through(
        "delete",
        |mocks, fail| {
            with_version(mocks);
            with_source(mocks);
            mocks.source_versions.expect_delete().returning(move |_, _, _| Err(fail().into()));
        },
        |ports| delete_source_version(ports, &operator(), version_id(), &ANY, WriteMode::Commit).map(drop),
    );
}

#[test]
fn failures_of_the_jobs_are_passed_through() {
    let find_fails = |mocks: &mut MockStore, fail: fn() -> StoreFailure| {
        mocks.jobs.expect_find_monitored().returning(move |_| Err(fail()));
    };
    let deactivate = || submit(JobChangeDraft { active: Sent::Given(false), ..JobChangeDraft::default() });

    assert_passed_through("get", find_fails, |ports| {
        Ok(get_jobs(ports, &[JobQuery::new(&operator(), job_id()).unwrap()]).map(drop)?)
    });
    assert_passed_through("change: find", find_fails, |ports| {
        change_job(ports, &operator(), job_id(), &deactivate(), &ANY, WriteMode::Commit).map(drop)
    });
    assert_passed_through("delete: find", find_fails, |ports| {
        delete_job(ports, &operator(), job_id(), &ANY, WriteMode::Commit).map(drop)
    });
    assert_passed_through(
        "list",
        |mocks, fail| {
            mocks.jobs.expect_list().returning(move |_, _, _| Err(fail()));
        },
        |ports| jobs_listed(ports, &operator(), JobFilter::default(), None, &first_page(50)).map(drop),
    );
    assert_passed_through(
        "count",
        |mocks, fail| {
            mocks.jobs.expect_count_by_health().returning(move |_, _, _| Err(fail()));
        },
        |ports| count_jobs_by_health(ports, &operator(), &JobFilter::default()).map(drop),
    );
    assert_passed_through(
        "update",
        |mocks, fail| {
            with_job(mocks);
            mocks.chains.expect_count_readers().returning(|_, _| Ok(Readers::default()));
            mocks.jobs.expect_update().returning(move |_, _, _, _| Err(fail().into()));
        },
        |ports| change_job(ports, &operator(), job_id(), &deactivate(), &ANY, WriteMode::Commit).map(drop),
    );
    assert_passed_through(
        "update: readers",
        |mocks, fail| {
            with_job(mocks);
            mocks.chains.expect_count_readers().returning(move |_, _| Err(fail()));
        },
        |ports| change_job(ports, &operator(), job_id(), &deactivate(), &ANY, WriteMode::Commit).map(drop),
    );
    assert_passed_through(
        "output",
        |mocks, fail| {
            mocks.chains.expect_find_outputs().returning(move |_| Err(fail()));
        },
        |ports| get_output(ports, &operator(), OutputId::parse(CHOSEN).unwrap()).map(drop),
    );
    assert_passed_through(
        "output: predictions",
        |mocks, fail| {
            mocks.chains.expect_find_outputs().returning(move |_| Err(fail()));
        },
        |ports| {
            let id = OutputId::parse(CHOSEN).unwrap();
            list_output_predictions(ports, &operator(), id, &PredictionFilter::default(), None, 1).map(drop)
        },
    );
    assert_passed_through("lineage: find", find_fails, |ports| {
        read_lineage(ports, &operator(), job_id(), LineageDirection::Both, 1).map(drop)
    });
    assert_passed_through(
        "lineage: readers",
        |mocks, fail| {
            with_job(mocks);
            mocks.chains.expect_readers_of().returning(move |_, _, _| Err(fail()));
        },
        |ports| read_lineage(ports, &operator(), job_id(), LineageDirection::Both, 1).map(drop),
    );
    assert_passed_through(
        "delete",
        |mocks, fail| {
            with_job(mocks);
            mocks.jobs.expect_delete().returning(move |_, _, _, _| Err(fail().into()));
        },
        |ports| delete_job(ports, &operator(), job_id(), &ANY, WriteMode::Commit).map(drop),
    );
}

/// A setup that refers to a source, and leaves the version open.
fn by_reference() -> SetUpDraft {
    SetUpDraft {
        source: Sent::Given(source_of_id(CHOSEN)),
        job: Sent::Given(a_job("Job A")),
        ..binding(&["temperature", "humidity"])
    }
}

#[test]
fn failures_during_a_setup_are_passed_through() {
    let commit =
        |draft: SetUpDraft| move |ports: &Ports| set_up(ports, &operator(), draft.clone(), WriteMode::Commit).map(drop);
    assert_passed_through(
        "source by id",
        |mocks, fail| {
            mocks.sources.expect_find_many().returning(move |_| Err(fail()));
        },
        commit(by_reference()),
    );
    assert_passed_through(
        "source by name",
        |mocks, fail| {
            mocks.sources.expect_find_by_name().returning(move |_| Err(fail()));
        },
        commit(everything()),
    );
    let by_version = SetUpJobDraft { source_version_id: given(CHOSEN), ..a_job("Job A") };
    assert_passed_through(
        "version by id",
        |mocks, fail| {
            mocks.source_versions.expect_find_many().returning(move |_| Err(fail()));
        },
        commit(SetUpDraft { job: Sent::Given(by_version), ..binding(&[]) }),
    );
    assert_passed_through(
        "version by label",
        |mocks, fail| {
            mocks.sources.expect_find_by_name().returning(|_| Ok(Some(stored_source())));
            mocks.source_versions.expect_find_by_label().returning(move |_, _| Err(fail()));
        },
        commit(everything()),
    );
    assert_passed_through(
        "job by name",
        |mocks, fail| {
            let source = prediction_domain::model::Source { id: source_id(CHOSEN), ..stored_source() };
            mocks.sources.expect_find_many().returning(move |_| Ok(vec![Some(source.clone())]));
            mocks.jobs.expect_find_by_name().returning(move |_, _| Err(fail()));
        },
        commit(by_reference()),
    );
    assert_passed_through(
        "newest version",
        |mocks, fail| {
            let source = prediction_domain::model::Source { id: source_id(CHOSEN), ..stored_source() };
            mocks.sources.expect_find_many().returning(move |_| Ok(vec![Some(source.clone())]));
            mocks.jobs.expect_find_by_name().returning(|_, _| Ok(None));
            mocks.source_versions.expect_newest().returning(move |_| Err(fail()));
        },
        commit(by_reference()),
    );
    assert_passed_through(
        "storing",
        |mocks, fail| {
            mocks.sources.expect_find_by_name().returning(|_| Ok(None));
            mocks.jobs.expect_set_up_many().returning(move |plans| plans.iter().map(|_| Err(fail().into())).collect());
        },
        commit(everything()),
    );
}

#[test]
fn a_failed_lookup_answers_all_that_wait() {
    let mut mocks = MockStore::default();
    mocks.sources.expect_find_many().times(1).returning(|_| Err(StoreFailure::Unavailable("no connection".into())));
    let prepared = [by_reference(), everything(), by_reference()]
        .map(|draft| prepare_set_up(&operator(), draft.into(), WriteMode::Commit).unwrap());
    let answers = set_up_jobs(&ports_of(with_empty_directory(mocks)), &prepared);
    assert_eq!(answers.len(), 3);
    for answer in answers {
        match answer {
            Err(UseCaseError::Store(StoreFailure::Unavailable(cause))) => {
                assert_eq!(cause.to_string(), "no connection");
            }
            other => panic!("not unavailable: {other:?}"),
        }
    }
}

#[test]
fn a_failed_plan_answers_its_caller_alone() {
    let mut mocks = MockStore::default();
    mocks.sources.expect_find_by_name().returning(|_| Ok(None));
    mocks.jobs.expect_set_up_many().times(1).returning(|plans| {
        assert_eq!(plans.len(), 2);
        vec![Err(StoreFailure::Internal("disk full".into()).into()), Ok(JobSetUpOutcome::Created)]
    });
    let other = SetUpDraft { source: Sent::Given(a_source("rust")), job: Sent::Given(a_job("Job B")), ..everything() };
    let prepared =
        [everything(), other].map(|draft| prepare_set_up(&operator(), draft.into(), WriteMode::Commit).unwrap());
    let answers = set_up_jobs(&ports_of(with_empty_directory(mocks)), &prepared);
    assert!(matches!(answers[0], Err(UseCaseError::Store(StoreFailure::Internal(_)))));
    assert!(answers[1].is_ok());
}

#[test]
fn a_store_that_leaves_plans_unanswered_has_failed() {
    let mut mocks = MockStore::default();
    mocks.sources.expect_find_by_name().returning(|_| Ok(None));
    mocks.jobs.expect_set_up_many().times(1).returning(|_| Vec::new());
    let refused = set_up(&ports_of(with_empty_directory(mocks)), &operator(), everything(), WriteMode::Commit);
    assert!(matches!(refused, Err(UseCaseError::Store(StoreFailure::Internal(_)))));
}
