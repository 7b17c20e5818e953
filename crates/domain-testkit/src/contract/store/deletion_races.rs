//! What holds when something is deleted while it is changed, or while something else comes to use it or takes its name:
//! one side wins, and nothing is left that refers to what is gone.

use std::collections::BTreeSet;

use prediction_domain::model::{Job, Revision, Scope, Source, SourceVersion};
use prediction_domain::ports::{
    DeleteJobError, DeleteSourceError, DeleteSourceVersionError, InsertSourceError, InsertSourceVersionError,
    JobSetUpOutcome, JobSetUpRejected, UpdateJobError, UpdateSourceError, WriteMode,
};

use crate::Stores;
use crate::builders::{a_job_of, a_plan_for, a_source, a_version_of};
use crate::contract::fixture::{
    all_jobs, all_versions, assert_exactly, at_once, catalog, job, set_up, source, stored_job, stored_source,
    stored_version, version,
};
use crate::values::{fresh_job_id, fresh_source_id};

/// How many calls delete one and the same thing at once.
const MANY: usize = 32;
/// How often a race between different calls is run: none is lost every time.
const ROUNDS: usize = 12;

pub(crate) fn of_many_deletes_of_one_job_one_deletes_it(stores: &Stores) {
    let (_, version) = catalog(stores);
    let stored = stored_job(stores, a_job_of(&version));
    let answers =
        at_once(MANY, |_| stores.jobs.delete(&Scope::Platform, stored.id, stored.revision, WriteMode::Commit));
    let refused: Vec<_> = answers.into_iter().filter_map(Result::err).collect();
    assert_eq!(refused.len(), MANY - 1);
    assert!(refused.iter().all(|error| matches!(error, DeleteJobError::Missing)), "{refused:?}");
    assert_eq!(all_jobs(stores), []);
}

pub(crate) fn of_an_update_and_a_delete_of_one_job_one_is_made(stores: &Stores) {
    let (_, version) = catalog(stores);
    for round in 0..ROUNDS {
        let stored = stored_job(stores, a_job_of(&version));
        let changed = Job { active: false, revision: stored.revision.next(), ..stored.clone() };
        let answers = at_once(2, |number| {
            if number == round % 2 {
                Deletion(stores.jobs.delete(&Scope::Platform, stored.id, stored.revision, WriteMode::Commit))
            } else {
                Use(stores.jobs.update(&changed, stored.revision, None, WriteMode::Commit))
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

pub(crate) fn of_an_update_and_a_delete_of_one_source_one_is_made(stores: &Stores) {
    for round in 0..ROUNDS {
        let stored = stored_source(stores, a_source());
        let changed = Source { description: None, revision: stored.revision.next(), ..stored.clone() };
        let answers = at_once(2, |number| {
            if number == round % 2 {
                Deletion(stores.sources.delete(stored.id, stored.revision, WriteMode::Commit))
            } else {
                Use(stores.sources.update(&changed, stored.revision, WriteMode::Commit))
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

pub(crate) fn a_job_deleted_during_setups_of_its_name_is_found_or_replaced(stores: &Stores) {
    let (_, version) = catalog(stores);
    for round in 0..ROUNDS {
        let former = stored_job(stores, a_job_of(&version));
        let answers = at_once(8, |number| {
            if number == round % 8 {
                Deletion(stores.jobs.delete(&Scope::Platform, former.id, former.revision, WriteMode::Commit))
            } else {
                let job = Job { id: fresh_job_id(), ..former.clone() };
                Use((job.clone(), set_up(stores, &a_plan_for(job))))
            }
        });
        let (deletion, uses) = deletion_and_uses(answers);
        deletion.expect("no other writer changes the job");
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

pub(crate) fn a_source_deleted_during_inserts_of_its_name_is_found_or_replaced(stores: &Stores) {
    for round in 0..ROUNDS {
        let former = stored_source(stores, a_source());
        let answers = at_once(8, |number| {
            if number == round % 8 {
                Deletion(stores.sources.delete(former.id, former.revision, WriteMode::Commit))
            } else {
                let source = Source { id: fresh_source_id(), ..former.clone() };
                Use((source.clone(), stores.sources.insert(&source, WriteMode::Commit)))
            }
        });
        let (deletion, uses) = deletion_and_uses(answers);
        deletion.expect("no other writer changes the source");
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

pub(crate) fn a_version_deleted_during_setups_leaves_no_orphan(stores: &Stores) {
    for round in 0..ROUNDS {
        let (_, used) = catalog(stores);
        let answers = at_once(8, |number| {
            if number == round % 8 {
                Deletion(stores.source_versions.delete(&Scope::Platform, used.id, WriteMode::Commit))
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

pub(crate) fn a_version_deleted_during_updates_leaves_no_orphan(stores: &Stores) {
    for round in 0..ROUNDS {
        let (source, former) = catalog(stores);
        let used = stored_version(stores, a_version_of(source.id));
        let jobs: Vec<Job> = (0..8).map(|_| stored_job(stores, a_job_of(&former))).collect();
        let answers = at_once(8, |number| {
            if number == round % 8 {
                Deletion(stores.source_versions.delete(&Scope::Platform, used.id, WriteMode::Commit))
            } else {
                let job = &jobs[number];
                let upgraded = Job { source_version_id: used.id, revision: job.revision.next(), ..job.clone() };
                Use(stores.jobs.update(&upgraded, Revision::FIRST, None, WriteMode::Commit))
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

pub(crate) fn a_source_deleted_while_versions_are_published_leaves_no_orphan(stores: &Stores) {
    for round in 0..ROUNDS {
        let used = stored_source(stores, a_source());
        let answers = at_once(8, |number| {
            if number == round % 8 {
                Deletion(stores.sources.delete(used.id, used.revision, WriteMode::Commit))
            } else {
                Use(stores.source_versions.insert(&a_version_of(used.id), WriteMode::Commit))
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
