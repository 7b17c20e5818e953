//! What holds when things are created, changed and read at the same time. Each race is run several times, since a race
//! is not lost every time. Races against deletions: `deletion_races`.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use prediction_domain::model::{Job, Source, SourceVersion};
use prediction_domain::ports::{
    InsertSourceError, InsertSourceVersionError, JobSetUp, JobSetUpOutcome, JobSetUpRejected, UpdateJobError,
    UpdateSourceError, WriteMode,
};

use crate::Stores;
use crate::builders::{a_job_of, a_plan_for, a_plan_for_everything, a_source, a_version_of, all_bound};
use crate::contract::fixture::{
    all_jobs, all_sources, all_versions, assert_exactly, at_once, catalog, job, set_up, source, stored_job,
    stored_source, version,
};
use crate::values::{fresh_job_id, fresh_source_id, job_name, source_name, version_label};

/// How many calls happen at once.
const MANY: usize = 32;

pub(crate) fn of_many_sources_with_one_name_one_is_stored(stores: &Stores) {
    let name = |number| if number % 2 == 0 { "Straße" } else { "STRASSE" };
    let answers = at_once(MANY, |number| {
        let source = Source { name: source_name(name(number)), ..a_source() };
        stores.sources.insert(&source, WriteMode::Commit)
    });
    let [stored] = <[_; 1]>::try_from(all_sources(stores)).expect("one source is stored");
    let refused: Vec<_> = answers.into_iter().filter_map(Result::err).collect();
    assert_eq!(refused.len(), MANY - 1);
    for error in refused {
        assert!(matches!(&error, InsertSourceError::Taken(by) if **by == stored), "{error:?}");
    }
}

pub(crate) fn of_many_versions_with_one_label_one_is_stored(stores: &Stores) {
    let source = stored_source(stores, a_source());
    let label = |number| if number % 2 == 0 { "v1.0" } else { "1.0" };
    let answers = at_once(MANY, |number| {
        let version = SourceVersion { version: version_label(label(number)), ..a_version_of(source.id) };
        stores.source_versions.insert(&version, WriteMode::Commit)
    });
    let [stored] = <[_; 1]>::try_from(all_versions(stores)).expect("one version is stored");
    let refused: Vec<_> = answers.into_iter().filter_map(Result::err).collect();
    assert_eq!(refused.len(), MANY - 1);
    for error in refused {
        assert!(matches!(&error, InsertSourceVersionError::Taken(by) if **by == stored), "{error:?}");
    }
}

pub(crate) fn of_many_setups_with_one_name_one_creates_the_job(stores: &Stores) {
    let (_, version) = catalog(stores);
    let job = a_job_of(&version);
    let plan = || a_plan_for(Job { id: fresh_job_id(), ..job.clone() });
    assert_one_creates(stores, || at_once(MANY, |_| set_up(stores, &plan())));
}

pub(crate) fn of_many_attempts_of_one_plan_one_creates_the_job(stores: &Stores) {
    let plan = a_plan_for_everything();
    assert_one_creates(stores, || at_once(MANY, |_| set_up(stores, &plan)));
    assert_eq!(all_sources(stores), plan.new_source.into_iter().collect::<Vec<_>>());
}

pub(crate) fn of_many_setups_with_one_new_source_one_creates_it(stores: &Stores) {
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

pub(crate) fn of_many_setups_with_one_new_version_one_creates_it(stores: &Stores) {
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

pub(crate) fn batches_that_overlap_in_opposite_orders_create_each_job_once(stores: &Stores) {
    let (_, version) = catalog(stores);
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

pub(crate) fn batches_that_publish_in_opposite_orders_create_each_source_once(stores: &Stores) {
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

pub(crate) fn of_many_updates_of_one_source_one_is_made(stores: &Stores) {
    let stored = stored_source(stores, a_source());
    let answers = at_once(MANY, |number| {
        let name = source_name(&format!("Name {number}"));
        let changed = Source { name, revision: stored.revision.next(), ..stored.clone() };
        (changed.clone(), stores.sources.update(&changed, stored.revision, WriteMode::Commit))
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

pub(crate) fn of_many_updates_of_one_job_one_is_made(stores: &Stores) {
    let (_, version) = catalog(stores);
    let stored = stored_job(stores, a_job_of(&version));
    let answers = at_once(MANY, |_| {
        let changed =
            Job { role_bindings: all_bound(&version.contract), revision: stored.revision.next(), ..stored.clone() };
        (changed.clone(), stores.jobs.update(&changed, stored.revision, None, WriteMode::Commit))
    });
    let (made, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(|(_, answer)| answer.is_ok());
    let [(winner, _)] = <[_; 1]>::try_from(made).expect("one change is made");
    assert_exactly(&job(stores, stored.id), &Some(winner.clone()));
    for (_, answer) in refused {
        assert!(matches!(answer, Err(UpdateJobError::Stale { current }) if current == winner.revision), "{answer:?}");
    }
}

pub(crate) fn of_many_renames_to_one_name_one_is_made(stores: &Stores) {
    let (_, version) = catalog(stores);
    let first = a_job_of(&version);
    let jobs: Vec<Job> = (0..MANY)
        .map(|_| stored_job(stores, Job { organisation_id: first.organisation_id, ..a_job_of(&version) }))
        .collect();
    let answers = at_once(MANY, |number| {
        let job = &jobs[number];
        let renamed = Job { name: job_name("One name"), revision: job.revision.next(), ..job.clone() };
        stores.jobs.update(&renamed, job.revision, None, WriteMode::Commit)
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

pub(crate) fn dry_runs_do_not_see_or_hinder_each_other(stores: &Stores) {
    let plan = a_plan_for_everything();
    let dry_run = JobSetUp { mode: WriteMode::DryRun, ..plan.clone() };
    for outcome in at_once(MANY, |_| set_up(stores, &dry_run)) {
        assert_eq!(outcome.expect("the plan could be carried out"), JobSetUpOutcome::Created);
    }
    assert_eq!((all_sources(stores), all_versions(stores), all_jobs(stores)), (vec![], vec![], vec![]));

    let outcomes = at_once(MANY, |number| set_up(stores, if number == MANY / 2 { &plan } else { &dry_run }));
    for (number, outcome) in outcomes.into_iter().enumerate() {
        match outcome.expect("the plan can be carried out") {
            JobSetUpOutcome::Created => {}
            JobSetUpOutcome::NameTaken(by) => {
                assert_ne!(number, MANY / 2, "only dry runs were there before");
                assert_exactly(&*by, &plan.job);
            }
        }
    }
    assert_exactly(&all_jobs(stores), &vec![plan.job]);
}

pub(crate) fn readers_see_all_of_a_set_up_or_nothing(stores: &Stores) {
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
