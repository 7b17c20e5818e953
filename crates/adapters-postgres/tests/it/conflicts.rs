//! Transactions that the server ends for the sake of others.

use std::sync::Barrier;
use std::thread;

use diesel::connection::{Connection as _, SimpleConnection as _};
use diesel::result::Error;
use prediction_domain::model::{Revision, Run, Source};
use prediction_domain::ports::{JobSetUpOutcome, Purged, RetentionRepository as _, UpdateSourceError, WriteMode};
use prediction_domain_testkit::builders::{a_plan_for_everything, a_prediction, a_run_of, a_source};
use prediction_domain_testkit::values::{at, description};

use crate::test_database::{TestDatabase, jobs, runs, sources};

#[test]
fn a_set_up_that_is_ended_by_a_deadlock_is_done_again() {
    let database = TestDatabase::migrated();
    let store = database.store();
    let stored = a_plan_for_everything();
    jobs(&store).set_up_many(std::slice::from_ref(&stored)).remove(0).unwrap();
    let plan = a_plan_for_everything();
    let source = plan.new_source.as_ref().unwrap();

    let mut other = database.connection();
    // Only the set-up looks for a deadlock, and so it is the one to be ended.
    other.batch_execute("SET deadlock_timeout = '30s'").unwrap();
    let answer = thread::scope(|scope| {
        let mut answer = None;
        // It takes the name of the job first and that of the source later; a set-up does it the other way round.
        let undone = other.transaction(|other| {
            other.batch_execute(&format!(
                "INSERT INTO jobs SELECT '{}', gen_random_uuid(), source_id, source_version_id, '{}', active, \
                 role_bindings, outputs, revision, created_at, updated_at FROM jobs",
                plan.job.organisation_id, plan.job.name
            ))?;
            answer = Some(scope.spawn(|| jobs(&store).set_up_many(std::slice::from_ref(&plan)).remove(0)));
            // For the name of its job.
            database.wait_for_a_blocked_session();
            other.batch_execute(&format!(
                "INSERT INTO sources SELECT gen_random_uuid(), '{0}', '{1}', NULL, NULL, NULL, 1, now(), now()",
                source.name,
                source.name.key()
            ))?;
            Err::<(), _>(Error::RollbackTransaction)
        });
        assert_eq!(undone, Err(Error::RollbackTransaction), "the set-up was the one to be ended");
        answer.unwrap().join().unwrap()
    });
    assert_eq!(answer.unwrap(), JobSetUpOutcome::Created);
    assert_eq!(sources(&store).find_by_name(&source.name).unwrap().as_ref(), Some(source));
}

#[test]
fn transactions_that_cannot_be_serialised_are_done_again() {
    let database = TestDatabase::migrated();
    let name = database.name();
    database.execute(&format!("ALTER DATABASE {name} SET default_transaction_isolation = 'serializable'"));
    let store = database.store();
    for _ in 0..10 {
        let source = a_source();
        sources(&store).insert(&source, WriteMode::Commit).unwrap();
        let barrier = Barrier::new(8);
        let answers: Vec<_> = thread::scope(|scope| {
            let update = |number: usize| {
                let text = description(&number.to_string());
                let revision = source.revision.next();
                let changed = Source { description: Some(text), revision, ..source.clone() };
                barrier.wait();
                sources(&store).update(&changed, Revision::FIRST, WriteMode::Commit)
            };
            let threads: Vec<_> = (0..8).map(|number| scope.spawn(move || update(number))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let made = answers.iter().filter(|answer| answer.is_ok()).count();
        let stale = answers.iter().filter(|answer| matches!(answer, Err(UpdateSourceError::Stale { .. }))).count();
        assert_eq!((made, stale), (1, 7), "{answers:?}");
    }
}

/// Neither is it waited for.
#[test]
fn what_others_are_changing_is_left_to_the_next_purge() {
    let database = TestDatabase::migrated();
    let store = database.store();
    let plan = a_plan_for_everything();
    jobs(&store).set_up_many(std::slice::from_ref(&plan)).remove(0).unwrap();
    let values = [a_prediction("mildew_risk", at("2026-06-01T12:00:00Z"), 0.5)];
    let run = Run { issued_at: at("2026-06-01T06:00:00Z"), ..a_run_of(&plan.job, &values) };
    runs(&store).insert(&run, &values, None).unwrap();
    database.execute("UPDATE sources SET retention_hours = 1");
    let now = at("2026-06-02T00:00:00Z");

    let mut other = database.connection();
    for change in ["UPDATE sources SET retention_hours = 48", "UPDATE run_summaries SET values_from = values_from"] {
        let undone = other.transaction(|other| {
            other.batch_execute(change)?;
            assert_eq!(store.purge(now, 10).unwrap(), Purged::default(), "{change}");
            Err::<(), _>(Error::RollbackTransaction)
        });
        assert_eq!(undone, Err(Error::RollbackTransaction), "{change}");
    }
    assert_eq!(store.purge(now, 10).unwrap(), Purged { values: 1, ..Purged::default() });
}
