//! A row that breaks a rule of the model is an error of the store, not an answer.

use std::error::Error as _;

use diesel::connection::SimpleConnection as _;
use prediction_domain::model::{Job, PageRequest, Run, Scope};
use prediction_domain::ports::{
    InsertRunError, Issued, JobFilter, JobSetUpRejected, PredictionQuery, RunFilter, SourceFilter, StoreFailure,
    WriteMode,
};
use prediction_domain_testkit::builders::{a_job_of, a_plan_for, a_prediction, a_run_of};
use prediction_domain_testkit::values::{first_page, fresh_organisation_id, fresh_run_id};

use crate::test_database::{Database, everything_of};

/// The rules that the schema does not know, and those that it knows but may have forgotten.
#[test]
fn a_job_that_breaks_a_rule_is_corrupt() {
    for (column, value) in [
        ("id", "'ids-have-another-form-than-this-one-has'"),
        ("organisation_id", "'00000000-0000-0000-0000-000000000000'"),
        ("name", "'  '"),
        ("name", "'a' || char(10) || 'b'"),
        ("active", "2"),
        ("role_bindings", "'[1]'"),
        ("role_bindings", "'[{\"role\":\"a\",\"input_id\":\"nope\",\"input_type\":\"b\"}]'"),
        (
            "role_bindings",
            "'[{\"role\":\"a\",\"input_id\":\"00000000-0000-0000-0000-000000000000\",\"input_type\":\"b\"}]'",
        ),
        (
            "role_bindings",
            "'[{\"role\":\"\",\"input_id\":\"77777777-7777-7777-7777-777777777777\",\"input_type\":\"b\"}]'",
        ),
        (
            "role_bindings",
            "'[{\"role\":\"a\",\"input_id\":\"77777777-7777-7777-7777-777777777777\",\"input_type\":\"b\"},\
               {\"role\":\"a\",\"input_id\":\"77777777-7777-7777-7777-777777777777\",\"input_type\":\"b\"}]'",
        ),
        ("outputs", "'[{\"id\":\"77777777-7777-7777-7777-777777777777\",\"role\":\"a\"}]'"),
        ("outputs", "'nonsense'"),
        ("revision", "0"),
        ("created_at", "9223372036854775807"),
        ("updated_at", "-9223372036854775808"),
        ("activated_at", "9223372036854775807"),
        ("managed_by", "'a' || char(10) || 'b'"),
        ("managed_revision", "0"),
        ("managed_revision", "1"),
    ] {
        let (database, _, job) = Database::with_a_job();
        spoil(&database, "jobs", column, value);
        let jobs = database.jobs();
        let listed = jobs.list(&Scope::Platform, &JobFilter::default(), &first_page(1)).unwrap_err();
        assert_corrupt(&listed, column);
        if column != "id" {
            assert_corrupt(&jobs.find_many(&[(Scope::Platform, job.id)]).unwrap_err(), column);
            assert_corrupt(&jobs.find_monitored(&[(Scope::Platform, job.id)]).unwrap_err(), column);
        }
    }
}

/// The job itself can be read.
#[test]
fn what_breaks_a_rule_beside_a_job_is_corrupt() {
    for (table, column, value) in [
        ("sources", "expected_interval_minutes", "0"),
        ("run_summaries", "last_run_at", "9223372036854775807"),
        ("run_summaries", "last_run_succeeded", "2"),
        ("run_summaries", "last_success_at", "-9223372036854775808"),
        ("run_summaries", "consecutive_failures", "-1"),
    ] {
        let (database, job, _) = with_a_run();
        spoil(&database, table, column, value);
        let jobs = database.jobs();
        let wanted = [(Scope::Platform, job.id)];
        for failure in [
            jobs.find_monitored(&wanted).unwrap_err(),
            jobs.list(&Scope::Platform, &JobFilter::default(), &a_page()).unwrap_err(),
        ] {
            assert_corrupt(&failure, column);
            let id = if table == "sources" { job.source_id.to_string() } else { job.id.to_string() };
            let row = format!("the row {id} of {table} ");
            assert!(failure.source().unwrap().to_string().starts_with(&row), "{failure:?}");
        }
        assert_eq!(jobs.find_many(&wanted).unwrap(), [Some(job)]);
    }
}

#[test]
fn a_revision_that_breaks_a_rule_is_corrupt() {
    for (column, value) in [
        ("source_version_id", "'nope'"),
        ("name", "'  '"),
        ("active", "2"),
        ("role_bindings", "'[1]'"),
        ("outputs", "'nonsense'"),
        ("updated_at", "-9223372036854775808"),
    ] {
        let (database, _, job) = Database::with_a_job();
        let changed = Job { revision: job.revision.next(), ..job.clone() };
        database.jobs().update(&changed, job.revision, None, WriteMode::Commit).unwrap();
        spoil(&database, "job_revisions", column, value);
        let jobs = database.jobs();
        let failure = jobs.revisions(job.organisation_id, job.id, &first_page(10)).unwrap_err();
        assert_corrupt(&failure, column);
        let row = format!("the row {}/1 of job_revisions ", job.id);
        assert!(failure.source().unwrap().to_string().starts_with(&row), "{failure:?}");
        assert_corrupt(&jobs.revision(job.organisation_id, job.id, job.revision).unwrap_err(), column);
        // The current one is in the row of the job.
        assert!(jobs.revision(job.organisation_id, job.id, changed.revision).unwrap().is_some());
    }
}

#[test]
fn a_run_that_breaks_a_rule_is_corrupt() {
    for (column, value) in [
        ("id", "'ids-have-another-form-than-this-one-has'"),
        ("issued_at", "9223372036854775807"),
        ("job_revision", "0"),
        ("source_version_id", "'nope'"),
        ("succeeded", "2"),
        ("message", "char(1)"),
        ("prediction_count", "-1"),
        ("predictions_digest", "zeroblob(31)"),
        ("received_at", "9223372036854775807"),
    ] {
        let (database, _, run) = with_a_run();
        spoil(&database, "runs", column, value);
        let runs = database.runs();
        let listed = runs.list(run.organisation_id, run.job_id, &RunFilter::default(), &first_page(1)).unwrap_err();
        assert_corrupt(&listed, column);
        if column != "id" {
            assert_corrupt(&runs.find(run.organisation_id, run.job_id, run.id).unwrap_err(), column);
        }
        if !["id", "issued_at"].contains(&column) {
            let error = runs.insert(&Run { id: fresh_run_id(), ..run }, &[], None).unwrap_err();
            let InsertRunError::Store(failure) = error else { panic!("{error:?}") };
            assert_corrupt(&failure, column);
        }
    }
}

#[test]
fn a_value_that_breaks_a_rule_is_corrupt() {
    for (table, column, value, blamed) in [
        ("predictions", "role", "char(1)", "role"),
        ("predictions", "at", "9223372036854775807", "at"),
        ("predictions", "at", "-9223372036854775808", "at"),
        ("predictions", "value", "9e999", "value"),
        ("runs", "id", "'ids-have-another-form-than-this-one-has'", "id"),
    ] {
        let (database, job, run) = with_a_run();
        spoil(&database, table, column, value);
        for issued in [Issued::At(run.issued_at), Issued::Until(run.issued_at)] {
            let query = PredictionQuery { issued, ..everything_of(&job) };
            let failure = database.runs().predictions(&query).unwrap_err();
            assert_corrupt(&failure, blamed);
            assert!(failure.source().unwrap().to_string().contains(&format!(" of {table} ")), "{failure:?}");
        }
    }
}

#[test]
fn a_source_that_breaks_a_rule_is_corrupt() {
    for (column, value) in [
        ("id", "'nope'"),
        ("owner_organisation_id", "'00000000-0000-0000-0000-000000000000'"),
        ("name", "''"),
        ("description", "char(1)"),
        ("expected_interval_minutes", "0"),
        ("retention_hours", "9223372036854775807"),
        ("revision", "-1"),
        ("created_at", "9223372036854775807"),
    ] {
        let (database, _, _) = Database::with_a_job();
        spoil(&database, "sources", column, value);
        assert_corrupt(&database.sources().list(&SourceFilter::default(), &a_page()).unwrap_err(), column);
    }
}

#[test]
fn a_version_that_breaks_a_rule_is_corrupt() {
    for (column, value, blamed) in [
        ("source_id", "'nope'", "source_id"),
        ("version", "''", "version"),
        ("description", "char(1)", "description"),
        ("input_roles", "'[{}]'", "input_roles"),
        ("output_roles", "'[]'", "contract"),
        ("contract_digest", "'sha256:' || hex(zeroblob(32))", "contract_digest"),
        // A contract that is valid, but not the one that was published.
        ("input_roles", "'[]'", "contract_digest"),
        ("created_at", "9223372036854775807", "created_at"),
    ] {
        let (database, version, _) = Database::with_a_job();
        spoil(&database, "source_versions", column, value);
        assert_corrupt(&database.versions().find_many(&[version.id]).unwrap_err(), blamed);
    }
}

/// Otherwise an answer would tell that there is something to be corrupt.
#[test]
fn a_corrupt_job_outside_the_scope_is_not_found() {
    let (database, _, job) = Database::with_a_job();
    spoil(&database, "jobs", "outputs", "'nonsense'");
    let scope = Scope::of([fresh_organisation_id()]);
    assert_eq!(database.jobs().find_many(&[(scope.clone(), job.id)]).unwrap(), [None]);
    assert_eq!(database.jobs().find_monitored(&[(scope.clone(), job.id)]).unwrap(), [None]);
    let jobs = database.jobs();
    assert_eq!(jobs.list(&scope, &JobFilter::default(), &a_page()).unwrap().items, []);
}

/// The row in the way cannot be read; the plans beside it are not its fault.
#[test]
fn of_a_batch_only_the_plan_that_meets_the_corrupt_job_fails() {
    let (database, version, job) = Database::with_a_job();
    spoil(&database, "jobs", "outputs", "'nonsense'");
    let mut clash = a_job_of(&version);
    (clash.organisation_id, clash.name) = (job.organisation_id, job.name);
    let answers = database.jobs().set_up_many(&[
        a_plan_for(a_job_of(&version)),
        a_plan_for(clash),
        a_plan_for(a_job_of(&version)),
    ]);
    assert!(
        matches!(&answers[..], [Ok(_), Err(JobSetUpRejected::Store(StoreFailure::Corrupt(_))), Ok(_)]),
        "{answers:?}"
    );
}

/// All but the first page, which has the schema.
#[test]
fn a_file_that_is_overwritten_is_corrupt() {
    let (database, _, _) = Database::with_a_job();
    database.connect().batch_execute("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    let mut content = std::fs::read(database.path()).unwrap();
    content[4096..].fill(b'x');
    std::fs::write(database.path(), content).unwrap();
    let failure = database.sources().list(&SourceFilter::default(), &a_page()).unwrap_err();
    assert!(matches!(failure, StoreFailure::Corrupt(_)), "{failure:?}");
}

/// With one value.
fn with_a_run() -> (Database, Job, Run) {
    let (database, _, job) = Database::with_a_job();
    let values = [a_prediction("risk", job.created_at, 0.5)];
    let run = a_run_of(&job, &values);
    database.runs().insert(&run, &values, None).unwrap();
    (database, job, run)
}

/// Writes what the constraints of the schema would refuse.
fn spoil(database: &Database, table: &str, column: &str, value: &str) {
    database
        .connect()
        .batch_execute(&format!(
            "PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON;
             DROP TRIGGER source_versions_are_immutable;
             DROP TRIGGER job_inputs_follow_update;
             DROP TRIGGER outputs_follow_update;
             DROP TRIGGER bound_outputs_follow_update;
             UPDATE {table} SET {column} = {value}"
        ))
        .unwrap();
}

fn a_page() -> PageRequest {
    first_page(10)
}

#[track_caller]
fn assert_corrupt(failure: &StoreFailure, column: &str) {
    assert!(matches!(failure, StoreFailure::Corrupt(_)), "{failure:?}");
    let cause = failure.source().unwrap();
    assert!(cause.to_string().ends_with(&format!("cannot be, because of its {column}")), "{cause}");
    assert!(cause.source().is_some(), "the message says what is wrong with the column");
}
