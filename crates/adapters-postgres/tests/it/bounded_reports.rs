//! What a report costs does not grow with the history of its job, nor with its neighbours'.

use prediction_domain::model::{Job, Run, RunStatus, Scope, Timestamp, latest_issue};
use prediction_domain::ports::{InsertRunError, RunRepository, WriteMode};
use prediction_domain_testkit::builders::{a_plan_for_everything, a_run_of};
use prediction_domain_testkit::values::{at, description, micros_after};

use crate::query_plans::{reset_counts, rows_read_of, wait_for_counts};
use crate::test_database::{TestDatabase, jobs, runs};

const FAILURES: i64 = 100_000;

/// A job that has failed each second, among two others of its organisation that did, too.
fn failing() -> (TestDatabase, Job) {
    let database = TestDatabase::migrated_for_counting();
    let plan = a_plan_for_everything();
    jobs(&database.store()).set_up_many(std::slice::from_ref(&plan)).remove(0).unwrap();
    let Job { organisation_id, id, source_id, source_version_id, .. } = plan.job;
    database.execute(&format!(
        "ALTER TABLE runs DISABLE TRIGGER USER; \
         INSERT INTO runs (organisation_id, job_id, issued_at, id, job_revision, source_version_id, succeeded, message, \
         prediction_count, predictions_digest, received_at) SELECT '{organisation_id}', job, \
         timestamptz '2026-06-01T12:00:00Z' + n * interval '1 second', gen_random_uuid(), 1, '{source_version_id}', false, 'no data', \
         0, decode(repeat('00', 32), 'hex'), timestamptz '2026-06-01T12:00:00Z' + n * interval '1 second' \
         FROM unnest(ARRAY['{id}', gen_random_uuid(), gen_random_uuid()]::uuid[]) AS job, generate_series(0, {last}) AS n; \
         ALTER TABLE runs ENABLE TRIGGER USER; \
         INSERT INTO run_summaries (organisation_id, job_id, source_id, last_run_at, last_run_succeeded, consecutive_failures) \
         SELECT organisation_id, job_id, '{source_id}', max(issued_at), false, count(*) FROM runs GROUP BY 1, 2; \
         ANALYZE runs; ANALYZE run_summaries",
        last = FAILURES - 1,
    ));
    (database, plan.job)
}

fn second(number: i64) -> Timestamp {
    micros_after(at("2026-06-01T12:00:00Z"), number * 1_000_000)
}

/// How many rows of runs were read to do it, index entries among them.
fn cost(database: &TestDatabase, act: impl FnOnce(&dyn RunRepository)) -> i64 {
    reset_counts(database);
    let store = database.store();
    act(runs(&store));
    drop(store);
    wait_for_counts(database);
    database.count(&rows_read_of("runs"))
}

fn failures(database: &TestDatabase, job: &Job) -> u64 {
    let found = jobs(&database.store()).find_monitored(&[(Scope::Platform, job.id)]).unwrap().remove(0).unwrap();
    found.monitoring.runs.consecutive_failures
}

#[test]
fn a_report_looks_at_no_more_runs_than_it_may() {
    let (database, job) = failing();
    let now = second(FAILURES);
    let run = |micros: i64, status| {
        let message = (status == RunStatus::Failed).then(|| description("no data"));
        let issued_at = micros_after(second(0), micros);
        Run { issued_at, received_at: now, status, message, ..a_run_of(&job, &[]) }
    };
    let half = FAILURES / 2 * 1_000_000;
    for (what, run, most, expected) in [
        ("a failure", run(FAILURES * 1_000_000, RunStatus::Failed), 20, FAILURES + 1),
        ("an old failure", run(half + 7, RunStatus::Failed), 20, FAILURES + 2),
        ("a success before all", run(-1, RunStatus::Succeeded), 3_100, FAILURES + 2),
        ("a success not far behind", run(500_000_000 + 1, RunStatus::Succeeded), 3_100, FAILURES + 2 - 501),
        ("a success near the end", run((FAILURES - 100) * 1_000_000 + 1, RunStatus::Succeeded), 3_100, 100),
        ("a success before that", run(half + 1, RunStatus::Succeeded), 20, 100),
        ("the newest success", run(FAILURES * 1_000_000 + 1, RunStatus::Succeeded), 20, 0),
    ] {
        let read = cost(&database, |runs| runs.insert(&run, &[], None).unwrap());
        assert!(read <= most, "{what} looks at {read}");
        assert_eq!(failures(&database, &job), expected.unsigned_abs(), "{what}");
    }
    let next = Run { issued_at: now, ..run(0, RunStatus::Succeeded) };
    let read = cost(&database, |runs| assert!(runs.insert_next(&next, latest_issue(now), &[], None).is_ok()));
    assert!(read <= 20, "the next one looks at {read}");
}

#[test]
fn a_success_in_the_midst_of_very_many_failures_counts_a_thousand() {
    let (database, job) = failing();
    let (issued_at, received_at) = (micros_after(second(FAILURES / 2), 1), second(FAILURES));
    let run = Run { issued_at, received_at, ..a_run_of(&job, &[]) };
    let read = cost(&database, |runs| runs.insert(&run, &[], None).unwrap());
    assert!(read <= 3_100, "{read} are looked at");
    assert_eq!(failures(&database, &job), 1_000);
}

#[test]
fn replacing_and_deleting_look_at_no_more_runs_than_they_may() {
    let (database, job) = failing();
    let last = second(FAILURES - 1);
    let stored = match runs(&database.store()).insert(&Run { issued_at: last, ..a_run_of(&job, &[]) }, &[], None) {
        Err(InsertRunError::IssuedAtTaken(stored)) => *stored,
        other => panic!("{other:?}"),
    };
    let run = Run { issued_at: last, received_at: last, replaces: Some(stored.id), ..a_run_of(&job, &[]) };
    let read = cost(&database, |runs| runs.replace(&run, &[], None).unwrap());
    assert!(read <= 40, "to replace one looks at {read}");
    assert_eq!(failures(&database, &job), 0);
    let delete = |runs: &dyn RunRepository| {
        let until = latest_issue(last);
        runs.delete(job.organisation_id, job.id, run.id, None, until, WriteMode::Commit).unwrap();
    };
    let read = cost(&database, delete);
    assert!(read <= 20_100, "to delete one looks at {read}");
    assert_eq!(failures(&database, &job), 10_000, "no more are looked at");
}
