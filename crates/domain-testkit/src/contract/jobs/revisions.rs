//! What jobs were.

use prediction_domain::model::{Job, JobRevision, Revision, Scope, SourceVersion, Subject};
use prediction_domain::ports::{DeleteSourceVersionError, WriteMode};

use crate::Stores;
use crate::builders::{a_job_of, a_version_of, bindings};
use crate::contract::fixture::{any_job, catalog, stored_job, stored_version};
use crate::values::{
    first_page, fresh_input_id, fresh_job_id, fresh_organisation_id, job_name, micros_after, page_after, revision,
};

pub(crate) fn a_new_job_has_its_first_revision(stores: &Stores) {
    let job = any_job(stores);
    assert_eq!(all(stores, &job), [JobRevision::from(job.clone())]);
    assert_eq!(found(stores, &job, Revision::FIRST), Some(JobRevision::from(job.clone())));
    assert_eq!(found(stores, &job, Revision::FIRST.next()), None);
}

pub(crate) fn what_a_job_was_is_kept_when_it_changes(stores: &Stores) {
    let history = a_history(stores);
    let [_, _, current] = &history;
    let expected: Vec<JobRevision> = history.iter().cloned().map(JobRevision::from).collect();
    assert_eq!(all(stores, current), expected);
    for kept in expected {
        assert_eq!(found(stores, current, kept.revision), Some(kept));
    }
    assert_eq!(found(stores, current, revision(4)), None);
}

pub(crate) fn the_author_of_a_change_is_kept(stores: &Stores) {
    let (_, version) = catalog(stores);
    let unknown = stored_job(stores, Job { updated_by: None, ..a_job_of(&version) });
    let author = "Jörg \u{1f347} \"x\" \\ '".repeat(10);
    let job = changed(stores, &unknown, |job| job.updated_by = Some(Subject::of(&author)));
    let who: Vec<_> = all(stores, &job).into_iter().map(|kept| kept.changed_by).collect();
    assert_eq!(who, [None, Some(Subject::of(&author))]);
}

pub(crate) fn revisions_are_listed_from_any_place(stores: &Stores) {
    let [_, _, job] = a_history(stores);
    let numbers = |after: Option<i64>, limit| -> Vec<i64> {
        let page = page_after(limit, after.map(revision));
        let listed = stores.jobs.revisions(job.organisation_id, job.id, &page).expect("revisions can be listed");
        assert_eq!(listed.next, listed.items.last().map(|kept| kept.revision).filter(|last| *last < job.revision));
        listed.items.iter().map(|kept| kept.revision.as_i64()).collect()
    };
    assert_eq!(numbers(None, 1), [1]);
    assert_eq!(numbers(None, 2), [1, 2]);
    assert_eq!(numbers(Some(1), 2), [2, 3]);
    assert_eq!(numbers(Some(2), 2), [3]);
    assert_eq!(numbers(Some(3), 2), [] as [i64; 0]);
    assert_eq!(numbers(Some(i64::MAX), 200), [] as [i64; 0]);
}

pub(crate) fn revisions_of_another_organisation_are_not_found(stores: &Stores) {
    let [_, _, job] = a_history(stores);
    let foreign = fresh_organisation_id();
    let listed = stores.jobs.revisions(foreign, job.id, &first_page(10)).expect("revisions can be listed");
    assert_eq!(listed.items, []);
    for number in 1..=3 {
        let found = stores.jobs.revision(foreign, job.id, revision(number)).expect("revisions can be read");
        assert_eq!(found, None);
    }
    let unknown = Job { id: fresh_job_id(), ..job };
    assert_eq!(all(stores, &unknown), []);
}

pub(crate) fn a_refused_update_and_a_dry_run_keeps_nothing(stores: &Stores) {
    let job = any_job(stores);
    let next = Job { revision: job.revision.next(), active: !job.active, ..job.clone() };
    stores.jobs.update(&next, job.revision, None, WriteMode::DryRun).expect("the dry run succeeds");
    stores.jobs.update(&next, job.revision.next(), None, WriteMode::Commit).expect_err("it is at another revision");
    assert_eq!(all(stores, &job), [JobRevision::from(job.clone())]);
}

pub(crate) fn a_deleted_job_has_no_revisions(stores: &Stores) {
    let [_, _, job] = a_history(stores);
    stores.jobs.delete(&Scope::Platform, job.id, job.revision, WriteMode::DryRun).expect("the dry run succeeds");
    assert_eq!(all(stores, &job).len(), 3);
    stores.jobs.delete(&Scope::Platform, job.id, job.revision, WriteMode::Commit).expect("the job is deleted");
    assert_eq!(all(stores, &job), []);
    assert_eq!(found(stores, &job, Revision::FIRST), None);
}

pub(crate) fn a_version_that_a_job_had_is_in_use(stores: &Stores) {
    let [first, _, job] = a_history(stores);
    assert_ne!(first.source_version_id, job.source_version_id);
    let delete = |scope: &Scope| stores.source_versions.delete(scope, first.source_version_id, WriteMode::Commit);
    let error = delete(&Scope::of([job.organisation_id])).expect_err("the job had it");
    assert!(
        matches!(&error, DeleteSourceVersionError::InUse { jobs: 1, visible } if visible[..] == [job.id]),
        "{error:?}"
    );
    let error = delete(&Scope::of([])).expect_err("the job had it");
    assert!(matches!(&error, DeleteSourceVersionError::InUse { jobs: 1, visible } if visible.is_empty()), "{error:?}");
    stores.jobs.delete(&Scope::Platform, job.id, job.revision, WriteMode::Commit).expect("the job is deleted");
    delete(&Scope::Platform).expect("no job has or had it");
}

/// What a job was at its first three revisions, of which the last is the current one.
fn a_history(stores: &Stores) -> [Job; 3] {
    let (source, version) = catalog(stores);
    let next_version: SourceVersion = stored_version(stores, a_version_of(source.id));
    let first = stored_job(stores, a_job_of(&version));
    let second = changed(stores, &first, |job| {
        job.name = job_name(&format!("{} renamed", job.name));
        job.active = false;
        job.role_bindings = bindings(&[("a", fresh_input_id()), ("ä", fresh_input_id())]);
    });
    let third = changed(stores, &second, |job| {
        job.source_version_id = next_version.id;
        job.outputs.clear();
        job.updated_by = Some(Subject::of("another author"));
    });
    [first, second, third]
}

fn changed(stores: &Stores, job: &Job, change: impl FnOnce(&mut Job)) -> Job {
    let updated_at = micros_after(job.updated_at, 1);
    let mut next = Job { revision: job.revision.next(), updated_at, ..job.clone() };
    change(&mut next);
    stores.jobs.update(&next, job.revision, None, WriteMode::Commit).expect("the job is changed");
    next
}

fn all(stores: &Stores, job: &Job) -> Vec<JobRevision> {
    stores.jobs.revisions(job.organisation_id, job.id, &first_page(100)).expect("revisions can be listed").items
}

fn found(stores: &Stores, job: &Job, revision: Revision) -> Option<JobRevision> {
    stores.jobs.revision(job.organisation_id, job.id, revision).expect("revisions can be read")
}
