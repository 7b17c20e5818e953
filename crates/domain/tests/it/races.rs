//! What was read is not so any more by the time it is written: the use case looks again, and gives up after a while.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use prediction_domain::model::{Job, Source, ViolationCode};
use prediction_domain::ports::{
    DeleteJobError, DeleteRunError, DeleteSourceError, DeleteSourceVersionError, InsertSourceVersionError,
    JobSetUpOutcome, JobSetUpRejected, MockStore, StoreFailure, UpdateJobError, UpdateSourceError, WriteMode,
};
use prediction_domain::requests::{
    JobChangeDraft, Precondition, Sent, SetUpDraft, SetUpJobDraft, SourceChangeDraft, SourceVersionDraft,
};
use prediction_domain::use_cases::{
    Outcome, UseCaseError, change_job, change_source, delete_job, delete_run, delete_source, delete_source_version,
    publish_source_version,
};
use prediction_domain_testkit::builders::{a_job_of, a_run_of, a_source as stored_source, a_version_of};
use prediction_domain_testkit::values::revision;

use crate::world::{
    World, a_job, a_source, a_version, binding, conflict, everything, given, invalid, monitored, operator, places,
    ports_of, set_up, source_of_id, with_empty_directory,
};

/// How often a use case tries.
const MAX_ATTEMPTS: usize = 64;
const ANY: Precondition = Precondition::None;

fn first_only() -> Precondition {
    Precondition::OneOf(vec![revision(1)])
}

#[track_caller]
fn assert_contended<T: std::fmt::Debug>(result: Result<T, UseCaseError>) {
    match result {
        Err(UseCaseError::Store(StoreFailure::Unavailable(cause))) => {
            assert_eq!(cause.to_string(), "too many concurrent changes of the same thing");
        }
        other => panic!("not contended: {other:?}"),
    }
}

/// Mocks of a store in which every setup is rejected by turns as said, and is then stored.
fn mocks_that_reject(rejections: Vec<fn() -> JobSetUpRejected>) -> MockStore {
    let mut mocks = MockStore::default();
    mocks.sources.expect_find_by_name().times(rejections.len() + 1).returning(|_| Ok(None));
    let rejections = Mutex::new(rejections.into_iter());
    mocks.jobs.expect_set_up_many().returning(move |plans| {
        assert_eq!(plans.len(), 1);
        vec![match rejections.lock().unwrap().next() {
            Some(reject) => Err(reject()),
            None => Ok(JobSetUpOutcome::Created),
        }]
    });
    mocks
}

#[test]
fn a_setup_that_is_overtaken_is_planned_again() {
    for rejected in [
        (|| JobSetUpRejected::SourceTaken) as fn() -> JobSetUpRejected,
        || JobSetUpRejected::VersionTaken,
        || JobSetUpRejected::ReferenceMissing,
    ] {
        let ports = ports_of(with_empty_directory(mocks_that_reject(vec![rejected])));
        let done = set_up(&ports, &operator(), everything(), WriteMode::Commit).unwrap();
        assert_eq!(done.outcomes.source, Outcome::Created);
    }
}

#[test]
fn a_source_that_was_created_meanwhile_is_found() {
    let mut mocks = MockStore::default();
    let source = Source { name: prediction_domain_testkit::values::source_name("mildew"), ..stored_source() };
    let version = prediction_domain::model::SourceVersion {
        version: prediction_domain_testkit::values::version_label("1.0.0"),
        contract: prediction_domain_testkit::builders::contract(&["temperature"], &["prediction"]),
        ..a_version_of(source.id)
    };
    let found = source.clone();
    let asked = AtomicUsize::new(0);
    mocks
        .sources
        .expect_find_by_name()
        .times(2)
        .returning(move |_| Ok(if asked.fetch_add(1, Ordering::Relaxed) == 0 { None } else { Some(found.clone()) }));
    let found = version.clone();
    mocks.source_versions.expect_find_by_label().times(1).returning(move |_, _| Ok(Some(found.clone())));
    mocks
        .jobs
        .expect_set_up_many()
        .withf(|plans| plans[0].new_source.is_some())
        .times(1)
        .returning(|_| vec![Err(JobSetUpRejected::SourceTaken)]);
    mocks
        .jobs
        .expect_set_up_many()
        .withf(|plans| plans[0].new_source.is_none() && plans[0].new_version.is_none())
        .times(1)
        .returning(|_| vec![Ok(JobSetUpOutcome::Created)]);
    let done = set_up(&ports_of(with_empty_directory(mocks)), &operator(), everything(), WriteMode::Commit).unwrap();
    assert_eq!((done.source, done.source_version), (source, version));
    assert_eq!((done.outcomes.source, done.outcomes.job), (Outcome::Reused, Outcome::Created));
}

#[test]
fn a_setup_gives_up_after_a_while() {
    let ports =
        ports_of(with_empty_directory(mocks_that_reject(vec![|| JobSetUpRejected::SourceTaken; MAX_ATTEMPTS - 1])));
    assert!(set_up(&ports, &operator(), everything(), WriteMode::Commit).is_ok());

    let mut mocks = MockStore::default();
    mocks.sources.expect_find_by_name().returning(|_| Ok(None));
    mocks.jobs.expect_set_up_many().times(MAX_ATTEMPTS).returning(|_| vec![Err(JobSetUpRejected::SourceTaken)]);
    assert_contended(set_up(&ports_of(with_empty_directory(mocks)), &operator(), everything(), WriteMode::Commit));
}

/// Two servers take the same setup at once: the other one was faster between our reading and our writing.
#[test]
fn an_identical_setup_on_another_server_is_no_conflict() {
    let world = World::new();
    let done = world.set_up(everything()).unwrap();
    let mut mocks = MockStore::default();
    let (source, version, job) = (done.source.clone(), done.source_version.clone(), done.job.clone());
    let asked = AtomicUsize::new(0);
    mocks
        .sources
        .expect_find_by_name()
        .times(2)
        .returning(move |_| Ok(if asked.fetch_add(1, Ordering::Relaxed) == 0 { None } else { Some(source.clone()) }));
    mocks.source_versions.expect_find_by_label().times(1).returning(move |_, _| Ok(Some(version.clone())));
    mocks
        .jobs
        .expect_set_up_many()
        .times(2)
        .returning(move |_| vec![Ok(JobSetUpOutcome::NameTaken(Box::new(job.clone())))]);
    // By then it is deleted: nothing more is known of it.
    mocks.jobs.expect_find_monitored().times(1).returning(|_| Ok(vec![None]));
    let again = set_up(&ports_of(with_empty_directory(mocks)), &operator(), everything(), WriteMode::Commit).unwrap();
    assert_eq!((again.job, again.outcomes.job), (done.job, Outcome::Reused));
}

#[test]
fn a_version_that_was_defaulted_before_the_job_was_there_is_chosen_anew() {
    let world = World::new();
    let source = world.source("mildew");
    let pinned = world.version(&source, "1.0.0", &["temperature"]);
    let newest = world.version(&source, "2.0.0", &["temperature"]);
    let job = world.job(&pinned, "Job A");

    let mut mocks = MockStore::default();
    let id = source.id;
    mocks.sources.expect_find_many().returning(move |_| Ok(vec![Some(source.clone())]));
    let versions = [pinned.clone(), newest.clone()];
    mocks.source_versions.expect_find_many().returning(move |ids| {
        Ok(ids.iter().map(|id| versions.iter().find(|version| version.id == *id).cloned()).collect())
    });
    mocks.source_versions.expect_newest().times(1).returning(move |_| Ok(Some(newest.clone())));
    let (asked, found) = (AtomicUsize::new(0), job.clone());
    mocks
        .jobs
        .expect_find_by_name()
        .times(2)
        .returning(move |_, _| Ok(if asked.fetch_add(1, Ordering::Relaxed) == 0 { None } else { Some(found.clone()) }));
    let taken = job.clone();
    mocks
        .jobs
        .expect_set_up_many()
        .times(2)
        .returning(move |_| vec![Ok(JobSetUpOutcome::NameTaken(Box::new(taken.clone())))]);
    let found = job.clone();
    mocks.jobs.expect_find_monitored().times(1).returning(move |_| Ok(vec![Some(monitored(&found))]));
    let draft = SetUpDraft {
        source: Sent::Given(source_of_id(&id)),
        job: Sent::Given(a_job("Job A")),
        ..binding(&["temperature"])
    };
    let done = set_up(&ports_of(with_empty_directory(mocks)), &operator(), draft, WriteMode::Commit).unwrap();
    assert_eq!((done.job, done.source_version), (job, pinned));
}

/// A job that is really another one: looking again does not help, and is not done for ever.
#[test]
fn a_conflict_is_told_after_looking_once_more() {
    let world = World::new();
    let job = world.set_up(everything()).unwrap().job;
    let mut mocks = MockStore::default();
    mocks.sources.expect_find_by_name().times(2).returning(|_| Ok(None));
    mocks
        .jobs
        .expect_set_up_many()
        .times(2)
        .returning(move |_| vec![Ok(JobSetUpOutcome::NameTaken(Box::new(job.clone())))]);
    let draft = SetUpDraft { source: Sent::Given(a_source("rust")), ..everything() };
    let conflict = conflict(set_up(&ports_of(with_empty_directory(mocks)), &operator(), draft, WriteMode::Commit));
    assert_eq!(conflict.differences[0].path.to_string(), "source");
}

#[test]
fn what_a_version_rests_on_may_be_gone_by_then() {
    let mut mocks = MockStore::default();
    mocks.sources.expect_find_many().returning(|_| Ok(vec![Some(stored_source())]));
    mocks.source_versions.expect_insert().times(1).returning(|_, _| Err(InsertSourceVersionError::SourceMissing));
    let draft = SourceVersionDraft { source_id: given(crate::world::CHOSEN), ..a_version("1.0.0", &["a"]) };
    let refused =
        publish_source_version(&ports_of(with_empty_directory(mocks)), &operator(), &draft.into(), WriteMode::Commit);
    assert_eq!(invalid(refused), places(&[("source_id", ViolationCode::UnknownSource)]));
}

/// Mocks of a store with one source that is always found at the revision that the last writer left.
fn mocks_with_source() -> (MockStore, Source) {
    let source = stored_source();
    let mut mocks = MockStore::default();
    let (found, revision_now) = (source.clone(), AtomicUsize::new(1));
    mocks.sources.expect_find_many().returning(move |_| {
        let number = i64::try_from(revision_now.fetch_add(1, Ordering::Relaxed)).unwrap();
        Ok(vec![Some(Source { revision: revision(number), ..found.clone() })])
    });
    (mocks, source)
}

fn rename() -> SourceChangeDraft {
    SourceChangeDraft { source: a_source("another"), ..SourceChangeDraft::default() }
}

#[test]
fn the_last_change_of_a_source_wins() {
    let (mut mocks, source) = mocks_with_source();
    mocks.sources.expect_update().times(3).returning(|changed, expected, _| {
        assert_eq!(changed.revision, expected.next());
        if expected == revision(3) { Ok(()) } else { Err(UpdateSourceError::Stale { current: expected.next() }) }
    });
    let changed = change_source(
        &ports_of(with_empty_directory(mocks)),
        &operator(),
        source.id,
        &rename().into(),
        &ANY,
        WriteMode::Commit,
    )
    .unwrap()
    .source;
    assert_eq!((changed.name.as_str(), changed.revision), ("another", revision(4)));
}

#[test]
fn a_change_of_a_source_gives_up_after_a_while() {
    let (mut mocks, source) = mocks_with_source();
    mocks
        .sources
        .expect_update()
        .times(MAX_ATTEMPTS)
        .returning(|_, expected, _| Err(UpdateSourceError::Stale { current: expected.next() }));
    mocks
        .sources
        .expect_delete()
        .times(MAX_ATTEMPTS)
        .returning(|_, expected, _| Err(DeleteSourceError::Stale { current: expected.next() }));
    let ports = ports_of(with_empty_directory(mocks));
    assert_contended(change_source(&ports, &operator(), source.id, &rename().into(), &ANY, WriteMode::Commit));
    assert_contended(delete_source(&ports, &operator(), source.id, &ANY, WriteMode::Commit));
}

#[test]
fn who_wants_one_revision_of_a_source_is_told_that_it_is_gone() {
    let locked = |draft: SourceChangeDraft, precondition: Precondition| {
        let (mut mocks, source) = mocks_with_source();
        mocks
            .sources
            .expect_update()
            .times(1)
            .returning(|_, _, _| Err(UpdateSourceError::Stale { current: revision(5) }));
        let refused = change_source(
            &ports_of(with_empty_directory(mocks)),
            &operator(),
            source.id,
            &draft.into(),
            &precondition,
            WriteMode::Commit,
        );
        assert!(matches!(refused, Err(UseCaseError::Stale { current }) if current == revision(5)));
    };
    locked(rename(), first_only());
    locked(SourceChangeDraft { revision: Sent::Given(1), ..rename() }, ANY);

    let (mut mocks, source) = mocks_with_source();
    mocks.sources.expect_delete().times(1).returning(|_, _, _| Err(DeleteSourceError::Stale { current: revision(5) }));
    let refused =
        delete_source(&ports_of(with_empty_directory(mocks)), &operator(), source.id, &first_only(), WriteMode::Commit);
    assert!(matches!(refused, Err(UseCaseError::Stale { current }) if current == revision(5)));
}

#[test]
fn what_is_deleted_under_the_hands_of_a_writer_is_not_found() {
    let (mut mocks, source) = mocks_with_source();
    mocks.sources.expect_update().times(1).returning(|_, _, _| Err(UpdateSourceError::Missing));
    mocks.sources.expect_delete().times(1).returning(|_, _, _| Err(DeleteSourceError::Missing));
    let version = a_version_of(source.id);
    let found = version.clone();
    mocks.source_versions.expect_find_many().returning(move |_| Ok(vec![Some(found.clone())]));
    mocks.source_versions.expect_delete().times(1).returning(|_, _, _| Err(DeleteSourceVersionError::Missing));
    let ports = ports_of(with_empty_directory(mocks));
    let changed = change_source(&ports, &operator(), source.id, &rename().into(), &ANY, WriteMode::Commit);
    assert!(matches!(changed, Err(UseCaseError::NotFound)));
    assert!(matches!(
        delete_source(&ports, &operator(), source.id, &ANY, WriteMode::Commit),
        Err(UseCaseError::NotFound)
    ));
    let deleted = delete_source_version(&ports, &operator(), version.id, &ANY, WriteMode::Commit);
    assert!(matches!(deleted, Err(UseCaseError::NotFound)));
}

/// Mocks of a store with one job that is always found at the revision that the last writer left.
fn mocks_with_job() -> (MockStore, Job) {
    let version = a_version_of(stored_source().id);
    let job = a_job_of(&version);
    let mut mocks = MockStore::default();
    mocks.source_versions.expect_find_many().returning(move |_| Ok(vec![Some(version.clone())]));
    let (found, revision_now) = (job.clone(), AtomicUsize::new(1));
    mocks.jobs.expect_find_monitored().returning(move |_| {
        let number = i64::try_from(revision_now.fetch_add(1, Ordering::Relaxed)).unwrap();
        Ok(vec![Some(monitored(&Job { revision: revision(number), ..found.clone() }))])
    });
    (mocks, job)
}

fn deactivate() -> JobChangeDraft {
    JobChangeDraft { active: Sent::Given(false), ..JobChangeDraft::default() }
}

#[test]
fn the_last_change_of_a_job_wins() {
    let (mut mocks, job) = mocks_with_job();
    mocks.jobs.expect_update().times(2).returning(|changed, expected, _, _| {
        assert_eq!(changed.revision, expected.next());
        if expected == revision(2) { Ok(()) } else { Err(UpdateJobError::Stale { current: expected.next() }) }
    });
    let changed = change_job(
        &ports_of(with_empty_directory(mocks)),
        &operator(),
        job.id,
        &deactivate().into(),
        &ANY,
        WriteMode::Commit,
    );
    assert_eq!(changed.unwrap().job.revision, revision(3));
}

#[test]
fn a_change_of_a_job_gives_up_after_a_while() {
    let (mut mocks, job) = mocks_with_job();
    mocks
        .jobs
        .expect_update()
        .times(MAX_ATTEMPTS)
        .returning(|_, expected, _, _| Err(UpdateJobError::Stale { current: expected.next() }));
    mocks
        .jobs
        .expect_delete()
        .times(MAX_ATTEMPTS)
        .returning(|_, _, expected, _| Err(DeleteJobError::Stale { current: expected.next() }));
    let ports = ports_of(with_empty_directory(mocks));
    assert_contended(change_job(&ports, &operator(), job.id, &deactivate().into(), &ANY, WriteMode::Commit));
    assert_contended(delete_job(&ports, &operator(), job.id, &ANY, WriteMode::Commit));
}

#[test]
fn who_wants_one_revision_of_a_job_is_told_that_it_is_gone() {
    let (mut mocks, job) = mocks_with_job();
    mocks.jobs.expect_update().times(1).returning(|_, _, _, _| Err(UpdateJobError::Stale { current: revision(5) }));
    let draft = deactivate().into();
    let refused = change_job(
        &ports_of(with_empty_directory(mocks)),
        &operator(),
        job.id,
        &draft,
        &first_only(),
        WriteMode::Commit,
    );
    assert!(matches!(refused, Err(UseCaseError::Stale { current }) if current == revision(5)));

    let (mut mocks, job) = mocks_with_job();
    mocks.jobs.expect_delete().times(1).returning(|_, _, _, _| Err(DeleteJobError::Stale { current: revision(5) }));
    let refused =
        delete_job(&ports_of(with_empty_directory(mocks)), &operator(), job.id, &first_only(), WriteMode::Commit);
    assert!(matches!(refused, Err(UseCaseError::Stale { current }) if current == revision(5)));
}

#[test]
fn who_wants_one_revision_of_a_run_is_told_that_it_is_gone() {
    let delete = |error: DeleteRunError| {
        let (mut mocks, job) = mocks_with_job();
        let (run, found) = (a_run_of(&job, &[]), job.clone());
        let id = run.id;
        mocks.jobs.expect_find_many().returning(move |_| Ok(vec![Some(found.clone())]));
        mocks.runs.expect_find().times(1).returning(move |_, _, _| Ok(Some(run.clone())));
        let error = Mutex::new(Some(error));
        mocks.runs.expect_delete().times(1).returning(move |_, _, _, expected, _, _| {
            assert_eq!(expected, Some(revision(1)), "what was seen");
            Err(error.lock().unwrap().take().unwrap())
        });
        delete_run(&ports_of(with_empty_directory(mocks)), &operator(), job.id, id, &first_only(), WriteMode::Commit)
    };
    let refused = delete(DeleteRunError::Stale { current: revision(2) });
    assert!(matches!(refused, Err(UseCaseError::Stale { current }) if current == revision(2)));
    assert!(matches!(delete(DeleteRunError::Missing), Err(UseCaseError::NotFound)));
}

#[test]
fn a_job_or_its_version_may_be_gone_when_it_is_changed() {
    let (mut mocks, job) = mocks_with_job();
    mocks.jobs.expect_update().times(1).returning(|_, _, _, _| Err(UpdateJobError::Missing));
    mocks.jobs.expect_delete().times(1).returning(|_, _, _, _| Err(DeleteJobError::Missing));
    let ports = ports_of(with_empty_directory(mocks));
    let changed = change_job(&ports, &operator(), job.id, &deactivate().into(), &ANY, WriteMode::Commit);
    assert!(matches!(changed, Err(UseCaseError::NotFound)));
    assert!(matches!(delete_job(&ports, &operator(), job.id, &ANY, WriteMode::Commit), Err(UseCaseError::NotFound)));

    // The version is deleted between our reading it and now: it is looked for again, and not there.
    let (mut mocks, job) = mocks_with_job();
    mocks.source_versions.checkpoint();
    let (version, asked) = (a_version_of(job.source_id), AtomicUsize::new(0));
    let id = version.id;
    mocks.source_versions.expect_find_many().times(2).returning(move |_| {
        Ok(vec![if asked.fetch_add(1, Ordering::Relaxed) == 0 { Some(version.clone()) } else { None }])
    });
    mocks.jobs.expect_update().times(1).returning(|_, _, _, _| Err(UpdateJobError::VersionMissing));
    let draft = JobChangeDraft { source_version_id: given(&id.to_string()), ..deactivate() };
    let refused =
        change_job(&ports_of(with_empty_directory(mocks)), &operator(), job.id, &draft.into(), &ANY, WriteMode::Commit);
    assert_eq!(invalid(refused), places(&[("source_version_id", ViolationCode::UnknownSourceVersion)]));
}

/// A name in the setup of another organisation is not looked at: the question names the organisation.
#[test]
fn the_default_is_asked_for_within_the_organisation() {
    let (source, mut mocks) = (stored_source(), MockStore::default());
    let version = prediction_domain::model::SourceVersion {
        contract: prediction_domain_testkit::builders::contract(&["temperature"], &["prediction"]),
        ..a_version_of(source.id)
    };
    let id = source.id;
    mocks.sources.expect_find_many().returning(move |_| Ok(vec![Some(source.clone())]));
    mocks.source_versions.expect_newest().times(1).returning(move |_| Ok(Some(version.clone())));
    mocks
        .jobs
        .expect_find_by_name()
        .withf(|organisation, name| *organisation == crate::world::organisation() && name.as_str() == "Job A")
        .times(1)
        .returning(|_, _| Ok(None));
    mocks.jobs.expect_set_up_many().times(1).returning(|_| vec![Ok(JobSetUpOutcome::Created)]);
    let job = SetUpJobDraft { source_id: given(&id.to_string()), ..a_job("Job A") };
    let draft = SetUpDraft { job: Sent::Given(job), ..binding(&["temperature"]) };
    assert!(set_up(&ports_of(with_empty_directory(mocks)), &operator(), draft, WriteMode::Commit).is_ok());
}
