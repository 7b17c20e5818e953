//! Migrations of a database that is in use.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use diesel::connection::SimpleConnection as _;
use prediction_domain::ports::StoreHealth as _;

use crate::test_database::{Database, number};

const CATALOGUE_AND_JOBS: &str = include_str!("release_before/catalogue_and_jobs.sql");
const RUNS: &str = include_str!("release_before/runs.sql");
const STATEMENTS: &str = include_str!("release_before/statements.sql");

/// What a release before left, with some thousand rows: the first so many migrations.
fn used_by_a_release_before(migrations: usize) -> Database {
    let database = Database::empty();
    let mut connection = database.connect();
    connection
        .batch_execute(
            "CREATE TABLE __diesel_schema_migrations (version VARCHAR(50) PRIMARY KEY NOT NULL, \
             run_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP)",
        )
        .unwrap();
    let released = [
        "2026-11-23-000001_create_catalogue_and_jobs",
        "2026-11-24-000001_keep_revisions_runs_and_predictions",
        "2026-11-25-000001_watch_jobs_and_purge_results",
    ];
    for name in &released[..migrations] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations/sqlite").join(name);
        connection.batch_execute(&std::fs::read_to_string(folder.join("up.sql")).unwrap()).unwrap();
        let version = name.split('_').next().unwrap().replace('-', "");
        let sql = format!("INSERT INTO __diesel_schema_migrations (version) VALUES ('{version}')");
        connection.batch_execute(&sql).unwrap();
    }
    connection.batch_execute(CATALOGUE_AND_JOBS).unwrap();
    if migrations >= 2 {
        connection.batch_execute(RUNS).unwrap();
    }
    database
}

/// A reader does not wait at all.
#[test]
fn every_migration_runs_beside_readers() {
    for migrations in 1..=3 {
        let database = used_by_a_release_before(migrations);
        let is_over = AtomicBool::new(false);
        thread::scope(|scope| {
            let read = || {
                let mut connection = database.connect();
                connection.batch_execute("PRAGMA busy_timeout = 0").unwrap();
                let mut rounds = 0;
                while !is_over.load(Ordering::SeqCst) || rounds == 0 {
                    for (table, rows) in [("sources", 40), ("source_versions", 200), ("jobs", 3000)] {
                        assert_eq!(number(&mut connection, &format!("SELECT count(*) FROM {table}")), rows);
                    }
                    rounds += 1;
                }
            };
            let readers: Vec<_> = (0..2).map(|_| scope.spawn(read)).collect();
            let applied = database.store.migrate();
            is_over.store(true, Ordering::SeqCst);
            applied.unwrap_or_else(|error| panic!("after {migrations}: {error:?}"));
            for reader in readers {
                reader.join().unwrap();
            }
        });
        database.store.check().unwrap();
    }
}

/// What the release before sends goes on to work, word for word.
#[test]
fn the_release_before_goes_on_to_work() {
    let database = Database::migrated();
    let mut connection = database.connect();
    connection.batch_execute(STATEMENTS).unwrap();
    assert_eq!(number(&mut connection, "SELECT count(*) FROM jobs WHERE name = 'renamed'"), 1);
    assert_eq!(number(&mut connection, "SELECT count(*) FROM runs"), 1);
    assert_eq!(number(&mut connection, "SELECT count(*) FROM predictions"), 1);
    assert_eq!(number(&mut connection, &format!("SELECT {KEPT}")), 0);
}

/// What sets keep.
const KEPT: &str = "(SELECT count(*) FROM sources WHERE managed_by IS NOT NULL OR managed_revision IS NOT NULL) \
    + (SELECT count(*) FROM source_versions WHERE managed_by IS NOT NULL) \
    + (SELECT count(*) FROM jobs WHERE managed_by IS NOT NULL OR managed_revision IS NOT NULL) \
    + (SELECT count(*) FROM inputs WHERE managed_by IS NOT NULL OR managed_revision IS NOT NULL)";

/// A version can come to a set, and nothing else of it can change.
#[test]
fn what_was_there_is_kept_by_no_set_and_can_come_to_one() {
    let database = used_by_a_release_before(3);
    database.store.migrate().unwrap();
    let mut connection = database.connect();
    assert_eq!(number(&mut connection, &format!("SELECT {KEPT}")), 0);
    connection.batch_execute("UPDATE source_versions SET managed_by = 'vineyard'").unwrap();
    assert_eq!(number(&mut connection, &format!("SELECT {KEPT}")), 200);
    let columns =
        "id source_id version version_key description input_roles output_roles contract_digest created_at rowid";
    let all = "SELECT count(*) FROM pragma_table_info('source_versions')";
    let columns: Vec<&str> = columns.split(' ').collect();
    let count = usize::try_from(number(&mut connection, all));
    assert_eq!(count, Ok(columns.len()), "the row id stands for the set");
    for column in columns {
        let change = format!("UPDATE source_versions SET managed_by = 'other', {column} = {column}");
        let error = connection.batch_execute(&change).unwrap_err().to_string();
        assert!(error.contains("immutable"), "{column}: {error}");
    }
}

/// Also what the release before writes before the step comes to it.
#[test]
fn the_uses_of_inputs_that_were_there_are_numbered() {
    let database = used_by_a_release_before(3);
    let mut connection = database.connect();
    let bind = |input: char, jobs: &str| {
        let digits: String = std::iter::repeat_n(input, 8).collect();
        format!(
            "UPDATE jobs SET role_bindings = '[{{\"role\": \"a\", \"input_id\": \"{digits}-7777-7777-7777-777777777777\"}}, \
             {{\"role\": \"b\", \"input_id\": \"cccccccc-7777-7777-7777-777777777777\"}}]' WHERE {jobs}"
        )
    };
    connection.batch_execute(&bind('a', "true")).unwrap();
    database.store.migrate().unwrap();
    let misplaced = "SELECT count(*) FROM job_inputs JOIN jobs USING (organisation_id) \
                     WHERE jobs.id = job_inputs.job_id AND sequence_number IS NOT jobs.rowid";
    assert_eq!(number(&mut connection, "SELECT count(*) FROM job_inputs"), 6000);
    assert_eq!(number(&mut connection, misplaced), 0);
    // A process that died in the middle leaves the step to the next.
    connection
        .batch_execute(
            "UPDATE job_inputs SET sequence_number = NULL; UPDATE __migration_steps SET is_finished = 0, progress = NULL",
        )
        .unwrap();
    connection.batch_execute(&bind('b', "name LIKE 'job 1%'")).unwrap();
    assert!(number(&mut connection, misplaced) > 0);
    database.store.migrate().unwrap();
    assert_eq!(number(&mut connection, "SELECT count(*) FROM job_inputs"), 6000);
    assert_eq!(number(&mut connection, misplaced), 0);
}

/// What is bound and is no output stays.
#[test]
fn the_outputs_of_jobs_that_were_there_are_written_down_and_which_are_read() {
    let database = used_by_a_release_before(3);
    let mut connection = database.connect();
    let output = |of: &str| format!("substr({of}, 1, 24) || 'ffff' || substr({of}, 29)");
    let first = "(SELECT min(first.id) FROM jobs AS first WHERE first.organisation_id = jobs.organisation_id)";
    // Each is bound to the output of the first job of its organisation, but for that one, and one that is bound to
    // nothing.
    connection
        .batch_execute(&format!(
            "UPDATE jobs SET outputs = json_array(json_object('id', {}, 'role', 'a', 'metric', 'b'));
            UPDATE jobs SET role_bindings = json_array(json_object('role', 'a', 'input_type', 'output', 'input_id', {}))
            WHERE id <> {first};
            UPDATE jobs SET role_bindings = json_array(json_object('role', 'a', 'input_type', 'output',
                'input_id', 'bbbbbbbb-7777-7777-7777-777777777777')) WHERE name = 'job 3000'",
            output("id"),
            output(first)
        ))
        .unwrap();
    let assert_written = |connection: &mut diesel::SqliteConnection| {
        let right = format!("SELECT count(*) FROM outputs WHERE id = {}", output("job_id"));
        assert_eq!(number(connection, "SELECT count(*) FROM outputs"), 3000);
        assert_eq!(number(connection, &right), 3000);
        let right = format!("SELECT count(*) FROM bound_outputs WHERE output_id = {}", output("upstream_job_id"));
        assert_eq!(number(connection, "SELECT count(*) FROM bound_outputs"), 3000 - 7 - 1);
        assert_eq!(number(connection, &right), 3000 - 7 - 1);
    };
    database.store.migrate().unwrap();
    assert_written(&mut connection);
    // A process that died in the middle leaves the steps to the next.
    connection
        .batch_execute(
            "DELETE FROM bound_outputs WHERE job_id > '5'; UPDATE __migration_steps SET is_finished = 0, progress = NULL",
        )
        .unwrap();
    database.store.migrate().unwrap();
    assert_written(&mut connection);
}
