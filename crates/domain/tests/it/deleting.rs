//! Deleting sources, versions and jobs.

use prediction_domain::model::{JobId, Permission, Scope, SourceVersionId};
use prediction_domain::ports::{DeleteSourceVersionError, WriteMode};
use prediction_domain::requests::{Precondition, Sent, SetUpDraft};
use prediction_domain::use_cases::{InUse, UseCaseError, delete_job, delete_source, delete_source_version, get_source};
use prediction_domain_testkit::values::{fresh_organisation_id, revision};

use crate::world::{
    NOWHERE, OTHER_ORGANISATION, World, caller, customer, everything, given, operator, organisation, source_id,
    source_of_id,
};

const ANY: Precondition = Precondition::None;

fn first_only() -> Precondition {
    Precondition::OneOf(vec![revision(1)])
}

fn second_only() -> Precondition {
    Precondition::OneOf(vec![revision(2)])
}

#[test]
fn everything_can_be_deleted_from_the_job_to_the_source() {
    let world = World::new();
    let done = world.set_up(everything()).unwrap();
    let (ports, operator) = (&world.ports, operator());
    assert_eq!(delete_job(ports, &operator, done.job.id, &first_only(), WriteMode::Commit).unwrap().job, done.job);
    assert!(matches!(delete_job(ports, &operator, done.job.id, &ANY, WriteMode::Commit), Err(UseCaseError::NotFound)));
    let version = delete_source_version(ports, &operator, done.source_version.id, &first_only(), WriteMode::Commit);
    assert_eq!(version.unwrap(), done.source_version);
    assert_eq!(delete_source(ports, &operator, done.source.id, &first_only(), WriteMode::Commit).unwrap(), done.source);
    assert!(matches!(get_source(ports, done.source.id), Err(UseCaseError::NotFound)));
    assert_eq!(world.contents(), (Vec::new(), Vec::new(), Vec::new()));
}

#[test]
fn a_dry_run_of_a_deletion_is_judged_and_shown_and_not_made() {
    let world = World::new();
    let done = world.set_up(everything()).unwrap();
    let (ports, operator) = (&world.ports, operator());
    let dry_run = WriteMode::DryRun;
    let shown = world.unchanged(|| delete_job(ports, &operator, done.job.id, &ANY, dry_run));
    assert_eq!(shown.unwrap().job, done.job);
    let refused = world.unchanged(|| delete_source_version(ports, &operator, done.source_version.id, &ANY, dry_run));
    assert!(matches!(refused, Err(UseCaseError::InUse(_))));
    let refused = world.unchanged(|| delete_source(ports, &operator, done.source.id, &ANY, dry_run));
    assert!(matches!(refused, Err(UseCaseError::InUse(InUse::SourceHasVersions { versions: 1 }))));
}

#[test]
fn another_revision_than_the_wanted_one_is_not_deleted() {
    let world = World::new();
    let done = world.set_up(everything()).unwrap();
    let (ports, operator) = (&world.ports, operator());
    let is_stale = |refusal: UseCaseError| matches!(refusal, UseCaseError::Stale { current } if current == revision(1));
    for wanted in [second_only(), Precondition::OneOf(Vec::new())] {
        let refused = world.unchanged(|| delete_job(ports, &operator, done.job.id, &wanted, WriteMode::Commit));
        assert!(is_stale(refused.unwrap_err()));
        let id = done.source_version.id;
        let refused = world.unchanged(|| delete_source_version(ports, &operator, id, &wanted, WriteMode::Commit));
        assert!(is_stale(refused.unwrap_err()), "the revision is judged before the use");
        let refused = world.unchanged(|| delete_source(ports, &operator, done.source.id, &wanted, WriteMode::Commit));
        assert!(is_stale(refused.unwrap_err()));
    }
}

#[test]
fn what_is_not_there_cannot_be_deleted() {
    let World { ports, .. } = World::new();
    let operator = operator();
    let version = SourceVersionId::parse(NOWHERE).unwrap();
    let job = JobId::parse(NOWHERE).unwrap();
    assert!(matches!(
        delete_source(&ports, &operator, source_id(NOWHERE), &second_only(), WriteMode::Commit),
        Err(UseCaseError::NotFound)
    ));
    assert!(matches!(
        delete_source_version(&ports, &operator, version, &second_only(), WriteMode::Commit),
        Err(UseCaseError::NotFound)
    ));
    assert!(matches!(
        delete_job(&ports, &operator, job, &second_only(), WriteMode::Commit),
        Err(UseCaseError::NotFound)
    ));
}

#[test]
fn a_job_of_another_organisation_is_not_there() {
    let world = World::new();
    let job = world.set_up(everything()).unwrap().job;
    let stranger = caller(&Permission::ALL, Scope::of([fresh_organisation_id()]));
    let refused = world.unchanged(|| delete_job(&world.ports, &stranger, job.id, &ANY, WriteMode::Commit));
    assert!(matches!(refused, Err(UseCaseError::NotFound)));
    let writer = customer(&[Permission::JobsWrite]);
    assert_eq!(delete_job(&world.ports, &writer, job.id, &ANY, WriteMode::Commit).unwrap().job, job);
}

#[test]
fn of_the_jobs_that_use_a_version_only_those_are_named_that_the_caller_may_read() {
    let world = World::new();
    // The source is of the organisation that set up first.
    let done = world.set_up_as(&customer(&Permission::ALL), everything(), WriteMode::Commit).unwrap();
    let source = Sent::Given(source_of_id(&done.source.id));
    let hidden = SetUpDraft { organisation_id: given(OTHER_ORGANISATION), source, ..everything() };
    let hidden = world.set_up(hidden).unwrap().job;
    let refused = |permissions: &[Permission], scope: Scope| {
        let caller = caller(permissions, scope);
        let id = done.source_version.id;
        match world.unchanged(|| delete_source_version(&world.ports, &caller, id, &ANY, WriteMode::Commit)) {
            Err(UseCaseError::InUse(InUse::VersionHasJobs { jobs: 2, visible })) => visible,
            other => panic!("not in use by two: {other:?}"),
        }
    };
    let own = Scope::of([organisation()]);
    assert_eq!(refused(&Permission::ALL, Scope::Platform), [done.job.id, hidden.id]);
    assert_eq!(refused(&Permission::ALL, own.clone()), [done.job.id]);
    assert_eq!(refused(&[Permission::CatalogWrite], own), []);
}

#[test]
fn few_of_many_jobs_are_named() {
    let world = World::new();
    let source = world.source("mildew");
    let version = world.version(&source, "1.0.0", &["a"]);
    let jobs: Vec<_> = (0..12).map(|number| world.job(&version, &format!("Job {number}")).id).collect();
    match delete_source_version(&world.ports, &operator(), version.id, &ANY, WriteMode::Commit) {
        Err(UseCaseError::InUse(InUse::VersionHasJobs { jobs: 12, visible })) => {
            assert_eq!(visible, jobs[..DeleteSourceVersionError::MAX_NAMED_JOBS]);
        }
        other => panic!("not in use: {other:?}"),
    }
}
