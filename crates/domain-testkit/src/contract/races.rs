//! What holds when calls happen at the same time. Each race is run several times, since a race is not lost every time.

use std::collections::BTreeSet;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use prediction_domain::model::{Job, Revision, Scope, Source, SourceVersion};
use prediction_domain::ports::{
    DeleteJobError, DeleteSourceError, DeleteSourceVersionError, Effect, InsertSourceError, InsertSourceVersionError,
    JobSetUp, JobSetUpOutcome, JobSetUpRejected, UpdateJobError, UpdateSourceError,
};

use super::fixture::{
    all_jobs, all_sources, all_versions, assert_exactly, catalogue, job, set_up, source, stored_job, stored_source,
    stored_version, version,
};
use crate::Stores;
use crate::builders::{a_job_of, a_plan_for, a_plan_for_everything, a_source, a_version_of, all_bound};
use crate::values::{fresh_job_id, fresh_source_id, job_name, source_name, version_label};

/// How many calls happen at once.
const MANY: usize = 32;
/// How often a race between different calls is run.
const ROUNDS: usize = 12;

pub(super) fn of_many_sources_with_one_name_one_is_stored(stores: &Stores) {
    let name = |number| if number % 2 == 0 { "Straße" } else { "STRASSE" };
    let answers = at_once(MANY, |number| {
        let source = Source { name: source_name(name(number)), ..a_source() };
        stores.sources.insert(&source)
    });
    let [stored] = <[_; 1]>::try_from(all_sources(stores)).expect("one source is stored");
    let refused: Vec<_> = answers.into_iter().filter_map(Result::err).collect();
    assert_eq!(refused.len(), MANY - 1);
    for error in refused {
        assert!(matches!(&error, InsertSourceError::Taken(by) if **by == stored), "{error:?}");
    }
}

pub(super) fn of_many_versions_with_one_label_one_is_stored(stores: &Stores) {
    let source = stored_source(stores, a_source());
    let label = |number| if number % 2 == 0 { "v1.0" } else { "1.0" };
    let answers = at_once(MANY, |number| {
        let version = SourceVersion { version: version_label(label(number)), ..a_version_of(source.id) };
        stores.source_versions.insert(&version)
    });
    let [stored] = <[_; 1]>::try_from(all_versions(stores)).expect("one version is stored");
    let refused: Vec<_> = answers.into_iter().filter_map(Result::err).collect();
    assert_eq!(refused.len(), MANY - 1);
    for error in refused {
        assert!(matches!(&error, InsertSourceVersionError::Taken(by) if **by == stored), "{error:?}");
    }
}

pub(super) fn of_many_set_ups_with_one_name_one_creates_the_job(stores: &Stores) {
    let (_, version) = catalogue(stores);
    let job = a_job_of(&version);
    let plan = || a_plan_for(Job { id: fresh_job_id(), ..job.clone() });
    assert_one_creates(stores, || at_once(MANY, |_| set_up(stores, &plan())));
}

pub(super) fn of_many_attempts_of_one_plan_one_creates_the_job(stores: &Stores) {
    let plan = a_plan_for_everything();
    assert_one_creates(stores, || at_once(MANY, |_| set_up(stores, &plan)));
    assert_eq!(all_sources(stores), plan.new_source.into_iter().collect::<Vec<_>>());
}

pub(super) fn of_many_set_ups_with_one_new_source_one_creates_it(stores: &Stores) {
    let new_source = a_source();
    let plan = || {
        let new_source = Source { id: fresh_source_id(), ..new_source.clone() };
        let new_version = a_version_of(new_source.id);
        let job = a_job_of(&new_version);
        JobSetUp { new_source: Some(new_source), new_version: Some(new_version), ..a_plan_for(job) }
    };
    let rejected = rejected_but_one(at_once(MANY, |_| set_up(stores, &plan())));
    assert!(rejected.iter().all(|error| matches!(error, JobSetUpRejected::SourceTaken)), "{rejected:?}");
    let counts = (all_sources(stores).len(), all_versions(stores).len(), all_jobs(stores).len());
    assert_eq!(counts, (1, 1, 1));
}

pub(super) fn of_many_set_ups_with_one_new_version_one_creates_it(stores: &Stores) {
    let source = stored_source(stores, a_source());
    let plan = || {
        let new_version = SourceVersion { version: version_label("1.0"), ..a_version_of(source.id) };
        let job = a_job_of(&new_version);
        JobSetUp { new_version: Some(new_version), ..a_plan_for(job) }
    };
    let rejected = rejected_but_one(at_once(MANY, |_| set_up(stores, &plan())));
    assert!(rejected.iter().all(|error| matches!(error, JobSetUpRejected::VersionTaken)), "{rejected:?}");
    assert_eq!((all_versions(stores).len(), all_jobs(stores).len()), (1, 1));
}

pub(super) fn batches_that_overlap_in_opposite_orders_create_each_job_once(stores: &Stores) {
    let (_, version) = catalogue(stores);
    let jobs: Vec<Job> = (0..20).map(|_| a_job_of(&version)).collect();
    let outcomes = at_once(8, |number| {
        let mut plans: Vec<_> = jobs.iter().map(|job| a_plan_for(Job { id: fresh_job_id(), ..job.clone() })).collect();
        if number % 2 == 1 {
            plans.reverse();
        }
        let outcomes = stores.jobs.set_up_many(&plans);
        plans.into_iter().map(|plan| plan.job).zip(outcomes).collect::<Vec<_>>()
    });
    let stored = all_jobs(stores);
    assert_eq!(stored.len(), jobs.len());
    let mut created = 0;
    for (planned, outcome) in outcomes.into_iter().flatten() {
        let owner = stored.iter().find(|job| job.name == planned.name).expect("there is a job of each name");
        match outcome.expect("every plan can be carried out") {
            JobSetUpOutcome::Created => {
                created += 1;
                assert_exactly(owner, &planned);
            }
            JobSetUpOutcome::NameTaken(by) => assert_exactly(owner, &*by),
        }
    }
    assert_eq!(created, jobs.len());
}

pub(super) fn batches_that_publish_in_opposite_orders_create_each_source_once(stores: &Stores) {
    let names: Vec<_> = (0..10).map(|_| a_source().name).collect();
    let outcomes = at_once(4, |number| {
        let mut names = names.clone();
        if number % 2 == 1 {
            names.reverse();
        }
        let plans: Vec<_> = names
            .into_iter()
            .map(|name| {
                let plan = a_plan_for_everything();
                JobSetUp { new_source: plan.new_source.map(|source| Source { name, ..source }), ..plan }
            })
            .collect();
        stores.jobs.set_up_many(&plans)
    });
    let rejected: Vec<_> = outcomes.into_iter().flatten().filter_map(Result::err).collect();
    assert!(rejected.iter().all(|error| matches!(error, JobSetUpRejected::SourceTaken)), "{rejected:?}");
    assert_eq!(rejected.len(), 4 * names.len() - names.len());
    let counts = (all_sources(stores).len(), all_versions(stores).len(), all_jobs(stores).len());
    assert_eq!(counts, (names.len(), names.len(), names.len()));
}

pub(super) fn of_many_updates_of_one_source_one_is_made(stores: &Stores) {
    let stored = stored_source(stores, a_source());
    let answers = at_once(MANY, |number| {
        let name = source_name(&format!("Name {number}"));
        let changed = Source { name, revision: stored.revision.next(), ..stored.clone() };
        (changed.clone(), stores.sources.update(&changed, stored.revision, Effect::Commit))
    });
    let (made, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(|(_, answer)| answer.is_ok());
    let [(winner, _)] = <[_; 1]>::try_from(made).expect("one change is made");
    assert_exactly(&source(stores, stored.id), &Some(winner.clone()));
    for (_, answer) in refused {
        assert!(
            matches!(answer, Err(UpdateSourceError::Stale { current }) if current == winner.revision),
            "{answer:?}"
        );
    }
}

pub(super) fn of_many_updates_of_one_job_one_is_made(stores: &Stores) {
    let (_, version) = catalogue(stores);
    let stored = stored_job(stores, a_job_of(&version));
    let answers = at_once(MANY, |_| {
        let changed =
            Job { role_bindings: all_bound(&version.contract), revision: stored.revision.next(), ..stored.clone() };
        (changed.clone(), stores.jobs.update(&changed, stored.revision, None, Effect::Commit))
    });
    let (made, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(|(_, answer)| answer.is_ok());
    let [(winner, _)] = <[_; 1]>::try_from(made).expect("one change is made");
    assert_exactly(&job(stores, stored.id), &Some(winner.clone()));
    for (_, answer) in refused {
        assert!(matches!(answer, Err(UpdateJobError::Stale { current }) if current == winner.revision), "{answer:?}");
    }
}

pub(super) fn of_many_renames_to_one_name_one_is_made(stores: &Stores) {
    let (_, version) = catalogue(stores);
    let first = a_job_of(&version);
    let jobs: Vec<Job> = (0..MANY)
        .map(|_| stored_job(stores, Job { organisation_id: first.organisation_id, ..a_job_of(&version) }))
        .collect();
    let answers = at_once(MANY, |number| {
        let job = &jobs[number];
        let renamed = Job { name: job_name("One name"), revision: job.revision.next(), ..job.clone() };
        stores.jobs.update(&renamed, job.revision, None, Effect::Commit)
    });
    let winner = stores.jobs.find_by_name(first.organisation_id, &job_name("One name")).expect("jobs can be read");
    let winner = winner.expect("one job has the name");
    let refused: Vec<_> = answers.into_iter().filter_map(Result::err).collect();
    assert_eq!(refused.len(), MANY - 1);
    for error in refused {
        assert!(matches!(&error, UpdateJobError::NameTaken(by) if **by == winner), "{error:?}");
    }
    assert_eq!(all_jobs(stores).len(), MANY);
}

pub(super) fn of_many_deletes_of_one_job_one_deletes_it(stores: &Stores) {
    let (_, version) = catalogue(stores);
    let stored = stored_job(stores, a_job_of(&version));
    let answers = at_once(MANY, |_| stores.jobs.delete(&Scope::Platform, stored.id, stored.revision, Effect::Commit));
    let refused: Vec<_> = answers.into_iter().filter_map(Result::err).collect();
    assert_eq!(refused.len(), MANY - 1);
    assert!(refused.iter().all(|error| matches!(error, DeleteJobError::Missing)), "{refused:?}");
    assert_eq!(all_jobs(stores), []);
}

pub(super) fn of_an_update_and_a_delete_of_one_job_one_is_made(stores: &Stores) {
    let (_, version) = catalogue(stores);
    for round in 0..ROUNDS {
        let stored = stored_job(stores, a_job_of(&version));
        let changed = Job { active: false, revision: stored.revision.next(), ..stored.clone() };
        let answers = at_once(2, |number| {
            if number == round % 2 {
                Deletion(stores.jobs.delete(&Scope::Platform, stored.id, stored.revision, Effect::Commit))
            } else {
                Use(stores.jobs.update(&changed, stored.revision, None, Effect::Commit))
            }
        });
        let (deletion, uses) = deletion_and_uses(answers);
        match (deletion, &uses[..]) {
            (Ok(()), [Err(UpdateJobError::Missing)]) => assert_eq!(job(stores, stored.id), None),
            (Err(DeleteJobError::Stale { current }), [Ok(())]) if current == changed.revision => {
                assert_exactly(&job(stores, stored.id), &Some(changed));
            }
            other => panic!("{other:?}"),
        }
    }
}

pub(super) fn of_an_update_and_a_delete_of_one_source_one_is_made(stores: &Stores) {
    for round in 0..ROUNDS {
        let stored = stored_source(stores, a_source());
        let changed = Source { description: None, revision: stored.revision.next(), ..stored.clone() };
        let answers = at_once(2, |number| {
            if number == round % 2 {
                Deletion(stores.sources.delete(stored.id, stored.revision, Effect::Commit))
            } else {
                Use(stores.sources.update(&changed, stored.revision, Effect::Commit))
            }
        });
        let (deletion, uses) = deletion_and_uses(answers);
        match (deletion, &uses[..]) {
            (Ok(()), [Err(UpdateSourceError::Missing)]) => assert_eq!(source(stores, stored.id), None),
            (Err(DeleteSourceError::Stale { current }), [Ok(())]) if current == changed.revision => {
                assert_exactly(&source(stores, stored.id), &Some(changed));
            }
            other => panic!("{other:?}"),
        }
    }
}

pub(super) fn a_job_deleted_during_set_ups_of_its_name_is_found_or_replaced(stores: &Stores) {
    let (_, version) = catalogue(stores);
    for round in 0..ROUNDS {
        let former = stored_job(stores, a_job_of(&version));
        let answers = at_once(8, |number| {
            if number == round % 8 {
                Deletion(stores.jobs.delete(&Scope::Platform, former.id, former.revision, Effect::Commit))
            } else {
                let job = Job { id: fresh_job_id(), ..former.clone() };
                Use((job.clone(), set_up(stores, &a_plan_for(job))))
            }
        });
        let (deletion, uses) = deletion_and_uses(answers);
        deletion.expect("nobody else changes the job");
        let heir = stores.jobs.find_by_name(former.organisation_id, &former.name).expect("jobs can be read");
        let mut created = Vec::new();
        for (planned, outcome) in uses {
            match outcome.expect("every plan can be carried out") {
                JobSetUpOutcome::Created => created.push(planned),
                JobSetUpOutcome::NameTaken(by) => assert!(*by == former || Some(&*by) == heir.as_ref(), "{by:?}"),
            }
        }
        assert_exactly(&created, &heir.into_iter().collect());
    }
}

pub(super) fn a_source_deleted_during_inserts_of_its_name_is_found_or_replaced(stores: &Stores) {
    for round in 0..ROUNDS {
        let former = stored_source(stores, a_source());
        let answers = at_once(8, |number| {
            if number == round % 8 {
                Deletion(stores.sources.delete(former.id, former.revision, Effect::Commit))
            } else {
                let source = Source { id: fresh_source_id(), ..former.clone() };
                Use((source.clone(), stores.sources.insert(&source)))
            }
        });
        let (deletion, uses) = deletion_and_uses(answers);
        deletion.expect("nobody else changes the source");
        let heir = stores.sources.find_by_name(&former.name).expect("sources can be read");
        let mut created = Vec::new();
        for (planned, answer) in uses {
            match answer {
                Ok(()) => created.push(planned),
                Err(InsertSourceError::Taken(by)) => {
                    assert!(*by == former || Some(&*by) == heir.as_ref(), "{by:?}");
                }
                Err(other) => panic!("{other:?}"),
            }
        }
        assert_exactly(&created, &heir.into_iter().collect());
    }
}

pub(super) fn rehearsals_do_not_see_or_hinder_each_other(stores: &Stores) {
    let plan = a_plan_for_everything();
    let rehearsal = JobSetUp { effect: Effect::Rehearse, ..plan.clone() };
    for outcome in at_once(MANY, |_| set_up(stores, &rehearsal)) {
        assert_eq!(outcome.expect("the plan could be carried out"), JobSetUpOutcome::Created);
    }
    assert_eq!((all_sources(stores), all_versions(stores), all_jobs(stores)), (vec![], vec![], vec![]));

    let outcomes = at_once(MANY, |number| set_up(stores, if number == MANY / 2 { &plan } else { &rehearsal }));
    for (number, outcome) in outcomes.into_iter().enumerate() {
        match outcome.expect("the plan can be carried out") {
            JobSetUpOutcome::Created => {}
            JobSetUpOutcome::NameTaken(by) => {
                assert_ne!(number, MANY / 2, "only rehearsals were there before");
                assert_exactly(&*by, &plan.job);
            }
        }
    }
    assert_exactly(&all_jobs(stores), &vec![plan.job]);
}

pub(super) fn a_version_deleted_during_set_ups_leaves_no_orphan(stores: &Stores) {
    for round in 0..ROUNDS {
        let (_, used) = catalogue(stores);
        let answers = at_once(8, |number| {
            if number == round % 8 {
                Deletion(stores.source_versions.delete(&Scope::Platform, used.id, Effect::Commit))
            } else {
                Use(set_up(stores, &a_plan_for(a_job_of(&used))))
            }
        });
        let (deletion, uses) = deletion_and_uses(answers);
        assert_no_orphan_of(stores, &used, &deletion);
        for answer in uses {
            match answer {
                Ok(JobSetUpOutcome::Created) => assert!(deletion.is_err(), "a job runs a deleted version"),
                Err(JobSetUpRejected::ReferenceMissing) => assert!(deletion.is_ok(), "the version is still there"),
                other => panic!("{other:?}"),
            }
        }
    }
}

pub(super) fn a_version_deleted_during_updates_leaves_no_orphan(stores: &Stores) {
    for round in 0..ROUNDS {
        let (source, former) = catalogue(stores);
        let used = stored_version(stores, a_version_of(source.id));
        let jobs: Vec<Job> = (0..8).map(|_| stored_job(stores, a_job_of(&former))).collect();
        let answers = at_once(8, |number| {
            if number == round % 8 {
                Deletion(stores.source_versions.delete(&Scope::Platform, used.id, Effect::Commit))
            } else {
                let job = &jobs[number];
                let upgraded = Job { source_version_id: used.id, revision: job.revision.next(), ..job.clone() };
                Use(stores.jobs.update(&upgraded, Revision::FIRST, None, Effect::Commit))
            }
        });
        let (deletion, uses) = deletion_and_uses(answers);
        assert_no_orphan_of(stores, &used, &deletion);
        for answer in uses {
            match answer {
                Ok(()) => assert!(deletion.is_err(), "a job runs a deleted version"),
                Err(UpdateJobError::VersionMissing) => assert!(deletion.is_ok(), "the version is still there"),
                other @ Err(_) => panic!("{other:?}"),
            }
        }
    }
}

pub(super) fn a_source_deleted_while_versions_are_published_leaves_no_orphan(stores: &Stores) {
    for round in 0..ROUNDS {
        let used = stored_source(stores, a_source());
        let answers = at_once(8, |number| {
            if number == round % 8 {
                Deletion(stores.sources.delete(used.id, used.revision, Effect::Commit))
            } else {
                Use(stores.source_versions.insert(&a_version_of(used.id)))
            }
        });
        let (deletion, uses) = deletion_and_uses(answers);
        match &deletion {
            Ok(()) => assert_eq!(source(stores, used.id), None),
            Err(DeleteSourceError::InUse { versions }) => {
                assert!(*versions >= 1);
                assert_eq!(source(stores, used.id), Some(used));
            }
            Err(other) => panic!("{other:?}"),
        }
        for answer in uses {
            match answer {
                Ok(()) => assert!(deletion.is_err(), "there is a version of a deleted source"),
                Err(InsertSourceVersionError::SourceMissing) => {
                    assert!(deletion.is_ok(), "the source is still there");
                }
                other @ Err(_) => panic!("{other:?}"),
            }
        }
    }
}

pub(super) fn readers_see_all_of_a_set_up_or_nothing(stores: &Stores) {
    let plans: Vec<Vec<JobSetUp>> = (0..4).map(|_| (0..30).map(|_| a_plan_for_everything()).collect()).collect();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let readers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    while !done.load(Ordering::Relaxed) {
                        for job in all_jobs(stores) {
                            let planned = plans.iter().flatten().find(|plan| plan.job.id == job.id);
                            assert_exactly(&job, &planned.expect("only plans are stored").job);
                            assert!(version(stores, job.source_version_id).is_some(), "the version came with the job");
                            assert!(source(stores, job.source_id).is_some(), "the source came with the job");
                        }
                    }
                })
            })
            .collect();
        let writers: Vec<_> = plans
            .iter()
            .map(|plans| {
                scope.spawn(|| {
                    for plans in plans.chunks(3) {
                        for outcome in stores.jobs.set_up_many(plans) {
                            assert_eq!(outcome.expect("the plan can be carried out"), JobSetUpOutcome::Created);
                        }
                    }
                })
            })
            .collect();
        let written: Vec<_> = writers.into_iter().map(thread::ScopedJoinHandle::join).collect();
        done.store(true, Ordering::Relaxed);
        let read: Vec<_> = readers.into_iter().map(thread::ScopedJoinHandle::join).collect();
        assert!(written.iter().chain(&read).all(Result::is_ok), "a reader or a writer failed");
    });
    assert_eq!(all_jobs(stores).len(), 120);
}

/// The answer of one side of a race.
enum Side<D, U> {
    Deletion(D),
    Use(U),
}
use Side::{Deletion, Use};

fn deletion_and_uses<D, U>(answers: Vec<Side<D, U>>) -> (D, Vec<U>) {
    let mut deletion = None;
    let mut uses = Vec::new();
    for answer in answers {
        match answer {
            Deletion(answer) => deletion = Some(answer),
            Use(answer) => uses.push(answer),
        }
    }
    (deletion.expect("one side deletes"), uses)
}

/// Calls the same function in many threads that start together.
pub(super) fn at_once<T: Send>(count: usize, act: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let start = Barrier::new(count);
    let (start, act) = (&start, &act);
    thread::scope(|scope| {
        let threads: Vec<_> = (0..count)
            .map(|number| {
                scope.spawn(move || {
                    start.wait();
                    act(number)
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("no call panics")).collect()
    })
}

#[track_caller]
fn assert_one_creates(stores: &Stores, race: impl FnOnce() -> Vec<Result<JobSetUpOutcome, JobSetUpRejected>>) {
    let outcomes: Vec<_> = race().into_iter().map(|outcome| outcome.expect("every plan can be carried out")).collect();
    let [stored] = <[_; 1]>::try_from(all_jobs(stores)).expect("one job is stored");
    let mut created = 0;
    for outcome in &outcomes {
        match outcome {
            JobSetUpOutcome::Created => created += 1,
            JobSetUpOutcome::NameTaken(by) => assert_exactly(&**by, &stored),
        }
    }
    assert_eq!((created, outcomes.len()), (1, MANY));
}

#[track_caller]
fn rejected_but_one(outcomes: Vec<Result<JobSetUpOutcome, JobSetUpRejected>>) -> Vec<JobSetUpRejected> {
    let count = outcomes.len();
    let rejected: Vec<_> = outcomes.into_iter().filter_map(Result::err).collect();
    assert_eq!(rejected.len(), count - 1, "one is carried out: {rejected:?}");
    rejected
}

#[track_caller]
fn assert_no_orphan_of(stores: &Stores, used: &SourceVersion, deletion: &Result<(), DeleteSourceVersionError>) {
    let stored: BTreeSet<_> = all_versions(stores).iter().map(|version| version.id).collect();
    assert!(all_jobs(stores).iter().all(|job| stored.contains(&job.source_version_id)), "every job has its version");
    match deletion {
        Ok(()) => assert_eq!(version(stores, used.id), None),
        Err(DeleteSourceVersionError::InUse { jobs, visible }) => {
            assert!(*jobs >= 1);
            assert_eq!(u64::try_from(visible.len()).expect("few jobs"), *jobs);
            assert_exactly(&version(stores, used.id), &Some(used.clone()));
        }
        Err(other) => panic!("{other:?}"),
    }
}
