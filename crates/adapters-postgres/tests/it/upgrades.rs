//! Migrations of a database that is in use.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use diesel::PgConnection;
use diesel::connection::SimpleConnection as _;
use prediction_adapters_postgres::{LockRetry, StartUpError};
use prediction_domain::ports::StoreHealth as _;

use crate::test_database::{TestDatabase, migration_texts, texts};

/// What a release before left, with some thousand rows: the first so many migrations, applied as it did.
fn used_by_a_release_before(migrations: usize) -> TestDatabase {
    let database = TestDatabase::empty();
    database.execute(
        "CREATE TABLE __diesel_schema_migrations (version varchar(50) PRIMARY KEY, run_on timestamp NOT NULL DEFAULT now())",
    );
    for (text, version) in
        migration_texts().iter().zip(["20261123000001", "20261124000001", "20261125000001"]).take(migrations)
    {
        database.execute(text);
        database.execute(&format!("INSERT INTO __diesel_schema_migrations (version) VALUES ('{version}')"));
    }
    database.execute(include_str!("release_before/catalogue_and_jobs.sql"));
    if migrations >= 2 {
        database.execute(include_str!("release_before/runs.sql"));
    }
    database
}

/// Leaves the indexes of results as 0.2.0 did.
pub(crate) const WITH_REPLACED_INDEXES: &str = "
    DELETE FROM __diesel_schema_migrations WHERE version = '20261128000001';
    DELETE FROM __migration_steps
    WHERE name ~ '(predictions_of_run|runs_of_revision|predictions_issued_at|runs_job_revision)_idx';
    DROP INDEX IF EXISTS predictions_of_run_idx, runs_of_revision_idx;
    CREATE INDEX predictions_issued_at_idx ON predictions (organisation_id, job_id, issued_at, role, at);
    CREATE INDEX runs_job_revision_idx ON runs (organisation_id, job_id, job_revision);
";

/// Waits briefly for each lock, and long as a whole.
fn retry() -> LockRetry {
    LockRetry {
        lock_wait: Duration::from_millis(50),
        give_up_after: Duration::from_mins(5),
        first_pause: Duration::from_millis(20),
        longest_pause: Duration::from_millis(200),
    }
}

/// Reads as the service does, over and over; a reader that has to wait for a lock longer than that fails.
fn read_until(database: &TestDatabase, is_over: &AtomicBool) -> usize {
    let mut connection = database.connection();
    connection.batch_execute("SET lock_timeout = '10s'; SET statement_timeout = '20s'").unwrap();
    let mut rounds = 0;
    while !is_over.load(Ordering::SeqCst) {
        let counted = texts(
            &mut connection,
            "SELECT concat_ws(' ', (SELECT count(*) FROM sources), (SELECT count(*) FROM source_versions), \
             (SELECT count(*) FROM jobs)) AS value",
        );
        assert_eq!(counted, ["40 200 3000"]);
        let page = texts(&mut connection, "SELECT name AS value FROM jobs ORDER BY created_at, id LIMIT 50");
        assert_eq!(page.len(), 50);
        rounds += 1;
    }
    rounds
}

/// A backup reads every table, and holds on to that: whatever wants more than that waits.
fn begin_backup(database: &TestDatabase) -> PgConnection {
    let mut backup = database.connection();
    let tables = database
        .texts("SELECT string_agg(format('%I', tablename), ', ') AS value FROM pg_tables WHERE schemaname = 'public'");
    backup.batch_execute(&format!("BEGIN; LOCK TABLE {} IN ACCESS SHARE MODE", tables[0])).unwrap();
    backup
}

/// Readers are never in a queue for long, also not while something else keeps the migration waiting; and it gets
/// through when that has ended.
#[test]
fn every_migration_runs_beside_readers_and_waits_for_a_backup() {
    for migrations in 1..=3 {
        let database = used_by_a_release_before(migrations);
        let is_over = AtomicBool::new(false);
        thread::scope(|scope| {
            let readers: Vec<_> = (0..2).map(|_| scope.spawn(|| read_until(&database, &is_over))).collect();
            let mut backup = Some(begin_backup(&database));
            let mut sentences = Vec::new();
            let applied = database.store().migrate_telling(&retry(), &mut |sentence| {
                sentences.push(sentence.to_owned());
                // Long enough that one that waited in the queue all the time would have made the readers wait.
                if sentences.iter().filter(|sentence| sentence.contains("are in the way")).count() == 4 {
                    backup = None;
                }
            });
            is_over.store(true, Ordering::SeqCst);
            drop(backup);
            let applied = applied.unwrap_or_else(|error| panic!("after {migrations}: {error}; {sentences:?}"));
            assert_eq!(applied.len(), migration_texts().len() - migrations, "{sentences:?}");
            for reader in readers {
                assert!(reader.join().unwrap() > 0);
            }
        });
        database.store().check().unwrap();
    }
}

/// It does not hang in the queue for ever either.
#[test]
fn a_migration_that_is_never_let_through_says_so_and_leaves_the_schema_as_it_was() {
    let database = used_by_a_release_before(1);
    let schema = "SELECT table_name || '.' || column_name AS value FROM information_schema.columns \
                  WHERE table_schema = 'public' ORDER BY 1";
    let before = database.texts(schema);
    let backup = begin_backup(&database);
    let short = LockRetry { give_up_after: Duration::from_millis(200), ..retry() };
    let error = database.store().migrate_telling(&short, &mut |_| ()).unwrap_err();
    assert!(matches!(error, StartUpError::MigrationFailed { .. }), "{error:?}");
    let error = error.to_string();
    assert!(error.starts_with("migration 2026-11-24-000001_keep_revisions_runs_and_predictions failed"), "{error}");
    assert!(error.contains("others were in the way for"), "{error}");
    assert_eq!(database.texts(schema), before);
    drop(backup);
    database.store().migrate().unwrap();
}

/// An index that nothing uses any more keeps nobody waiting: what is in the way leaves it to the next start.
#[test]
fn the_service_does_not_wait_until_a_replaced_index_can_go() {
    let database = TestDatabase::migrated();
    database.execute(WITH_REPLACED_INDEXES);
    let indexes = "SELECT string_agg(indexname, ' ' ORDER BY indexname) AS value FROM pg_indexes \
                   WHERE indexname IN ('predictions_of_run_idx', 'runs_of_revision_idx', 'predictions_issued_at_idx', 'runs_job_revision_idx')";
    let mut backup = None;
    let mut told = String::new();
    let short = LockRetry { give_up_after: Duration::from_millis(300), ..retry() };
    database
        .store()
        .migrate_telling(&short, &mut |sentence| {
            if sentence.ends_with("drop predictions_issued_at_idx: begins") {
                backup = Some(begin_backup(&database));
            }
            told.push_str(sentence);
        })
        .unwrap();
    database.store().check().unwrap();
    let all = "predictions_issued_at_idx predictions_of_run_idx runs_job_revision_idx runs_of_revision_idx";
    assert_eq!(database.texts(indexes), [all]);
    assert!(told.contains("By hand: DROP INDEX CONCURRENTLY predictions_issued_at_idx"), "{told}");
    drop(backup);
    database.store().migrate().unwrap();
    assert_eq!(database.texts(indexes), ["predictions_of_run_idx runs_of_revision_idx"]);
}

/// A step is gone on with, whichever process begins it; the service is not ready before; and what the release before
/// stores meanwhile counts.
#[test]
fn a_step_that_was_interrupted_is_gone_on_with() {
    let database = used_by_a_release_before(2);
    // Another session holds a job of a later batch.
    let mut holder = database.connection();
    let mut hold = |sentence: &str| {
        if sentence.contains("add up the runs") && sentence.ends_with("begins") {
            let last = "SELECT FROM jobs ORDER BY organisation_id DESC, id DESC LIMIT 1 FOR UPDATE";
            holder.batch_execute(&format!("BEGIN; {last}")).unwrap();
        }
    };
    let short = LockRetry { give_up_after: Duration::from_millis(200), ..retry() };
    let error = database.store().migrate_telling(&short, &mut hold).unwrap_err();
    assert!(matches!(error, StartUpError::StepFailed { .. }), "{error:?}");
    assert!(error.to_string().starts_with("the step of a migration to add up the runs of jobs"), "{error}");
    let pending = database.store().pending_migrations().unwrap();
    assert_eq!(pending[0], "add up the runs of jobs that were there");
    let failure = format!("{:?}", database.store().check().unwrap_err());
    assert!(failure.contains("add up the runs of jobs that were there"), "{failure}");
    assert_eq!(
        database.count("SELECT count(*) FROM __migration_steps WHERE progress IS NOT NULL AND finished_at IS NULL"),
        1
    );

    // The trigger knows nothing of the runs before.
    drop(holder);
    database.execute(
        "INSERT INTO runs (organisation_id, job_id, issued_at, id, job_revision, source_version_id, succeeded, message, \
         prediction_count, predictions_digest, received_at) \
         SELECT organisation_id, job_id, issued_at + interval '1 minute', gen_random_uuid(), job_revision, source_version_id, \
         false, 'late', 0, predictions_digest, received_at + interval '1 minute' FROM runs WHERE NOT succeeded",
    );
    assert_eq!(database.store().migrate().unwrap(), Vec::<String>::new());
    database.store().check().unwrap();
    let added_up = database.texts(
        "SELECT concat_ws(' ', count(*), sum(consecutive_failures), count(last_success_at), count(values_from)) AS value \
         FROM run_summaries",
    );
    let counted = database.texts(
        "SELECT concat_ws(' ', count(DISTINCT job_id), count(*) FILTER (WHERE NOT succeeded), \
         count(*) FILTER (WHERE succeeded), count(*) FILTER (WHERE prediction_count > 0)) AS value FROM runs",
    );
    assert_eq!(added_up, counted);
}

/// What was there is in the order of its clocks, which are all that is known of it; what comes meanwhile is behind it.
#[test]
fn what_was_there_is_numbered_before_what_comes() {
    let database = used_by_a_release_before(3);
    let in_order = |table: &str, order: &str| {
        database.texts(&format!(
            "SELECT string_agg(id::text, ' ' ORDER BY {order}) AS value FROM {table} WHERE created_at < '2026-07-01Z'"
        ))
    };
    let tables = ["sources", "source_versions", "jobs"];
    let before = tables.map(|table| in_order(table, "created_at, id"));
    // By a clock that is late, while the steps are under way.
    let meanwhile = "INSERT INTO sources (id, name, name_key, revision, created_at, updated_at) \
         VALUES (gen_random_uuid(), 'late', 'late', 1, '2000-01-01Z', '2000-01-01Z')";
    let mut writes = vec![meanwhile];
    database
        .store()
        .migrate_telling(&retry(), &mut |sentence| {
            if sentence.contains("number the sources")
                && let Some(write) = writes.pop()
            {
                database.execute(write);
            }
        })
        .unwrap();
    assert_eq!(writes, Vec::<&str>::new());
    assert_eq!(database.texts("SELECT name AS value FROM sources ORDER BY sequence_number DESC LIMIT 1"), ["late"]);
    database.execute("DELETE FROM sources WHERE name = 'late'");
    assert_eq!(tables.map(|table| in_order(table, "sequence_number")), before);
    for table in tables {
        let numbers = database.texts(&format!(
            "SELECT (concat_ws(' ', max(sequence_number), count(*) + min(sequence_number), count(DISTINCT sequence_number)) \
             = '0 1 ' || count(*))::text AS value FROM {table}"
        ));
        assert_eq!(numbers, ["true"], "{table}");
        let nulls = format!(
            "SELECT count(*) FROM information_schema.columns WHERE table_name = '{table}' \
             AND column_name = 'sequence_number' AND is_nullable = 'NO'"
        );
        assert_eq!(database.count(&nulls), 1, "{table}");
    }
    // A version can be changed as little as before.
    let mut connection = database.connection();
    for change in ["sequence_number = 7", "version = version", "created_at = now()"] {
        let error = connection.batch_execute(&format!("UPDATE source_versions SET {change} WHERE false")).unwrap_err();
        assert!(error.to_string().contains("immutable"), "{error}");
    }
}

/// While they are numbered, nothing else of them can be changed, and nothing twice.
#[test]
fn source_versions_stay_immutable_while_they_are_numbered() {
    let database = used_by_a_release_before(3);
    database.execute(&migration_texts()[3]);
    let mut connection = database.connection();
    let mut update = |change: &str| connection.batch_execute(&format!("UPDATE source_versions SET {change}"));
    for change in ["version = version || 'x'", "sequence_number = 1, description = 'other'", "output_roles = '[]'"] {
        let error = update(change).unwrap_err();
        assert!(error.to_string().contains("immutable"), "{change}: {error}");
    }
    update("sequence_number = 1").unwrap();
    update("sequence_number = 2").unwrap_err();
}

/// Several processes share the steps.
#[test]
fn processes_that_start_together_on_a_used_database_all_come_up() {
    let database = used_by_a_release_before(2);
    let start = || {
        let store = database.store();
        let applied = store.migrate_telling(&retry(), &mut |_| ()).unwrap();
        store.check().unwrap();
        applied
    };
    let start_all = || {
        thread::scope(|scope| {
            let threads: Vec<_> = (0..3).map(|_| scope.spawn(start)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
        })
    };
    let applied = database.watched(start_all);
    assert_eq!(applied.concat().len(), migration_texts().len() - 2);
    assert_eq!(database.count("SELECT count(*) FROM run_summaries"), 3000);
}

/// A process that dies while it makes an index leaves one that must not be relied on.
#[test]
fn an_index_that_was_left_half_made_is_made_anew() {
    let database = used_by_a_release_before(3);
    let mut left = 0;
    database
        .store()
        .migrate_telling(&retry(), &mut |sentence| {
            if !sentence.ends_with("make jobs_sequence_number_idx: begins") {
                return;
            }
            let mut reader = database.connection();
            reader.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM jobs LIMIT 1").unwrap();
            let mut maker = database.connection();
            maker.batch_execute("SET statement_timeout = '200ms'").unwrap();
            maker
                .batch_execute("CREATE INDEX CONCURRENTLY jobs_sequence_number_idx ON jobs (sequence_number)")
                .unwrap_err();
            left = database.count("SELECT count(*) FROM pg_index WHERE NOT indisvalid");
            database.execute(
                "UPDATE __migration_steps SET progress = extract(epoch FROM now() - interval '6 s')::text \
                 WHERE name = 'make jobs_sequence_number_idx'",
            );
        })
        .unwrap();
    assert_eq!(left, 1);
    database.store().check().unwrap();
    assert_eq!(database.count("SELECT count(*) FROM pg_index WHERE NOT indisvalid"), 0);
    let made = "SELECT count(*) FROM pg_index WHERE indexrelid = 'jobs_sequence_number_idx'::regclass";
    assert_eq!(database.count(made), 1);
}

/// What the release before sends goes on to work, word for word.
#[test]
fn the_release_before_goes_on_to_work() {
    let database = TestDatabase::migrated();
    database.execute(include_str!("release_before/statements.sql"));
    assert_eq!(database.texts("SELECT name AS value FROM jobs ORDER BY name"), ["a job", "another", "renamed"]);
    assert_eq!(database.count("SELECT count(*) FROM runs"), 2);
    assert_eq!(database.count("SELECT count(*) FROM predictions"), 2);
    assert_eq!(database.count(KEPT), 0);
}

/// What sets keep.
const KEPT: &str = "SELECT (SELECT count(*) FROM sources WHERE managed_by IS NOT NULL OR managed_revision IS NOT NULL) \
    + (SELECT count(*) FROM source_versions WHERE managed_by IS NOT NULL) \
    + (SELECT count(*) FROM jobs WHERE managed_by IS NOT NULL OR managed_revision IS NOT NULL) \
    + (SELECT count(*) FROM inputs WHERE managed_by IS NOT NULL OR managed_revision IS NOT NULL) AS count";

/// A version can come to a set, also when it was numbered by a step, and nothing else of it can change.
#[test]
fn what_was_there_is_kept_by_no_set_and_can_come_to_one() {
    let database = used_by_a_release_before(3);
    database.store().migrate().unwrap();
    assert_eq!(database.count(KEPT), 0);
    database.execute("UPDATE source_versions SET managed_by = 'vineyard'");
    assert_eq!(database.count(KEPT), 200);
    let others = database.texts(
        "SELECT column_name::text AS value FROM information_schema.columns \
         WHERE table_name = 'source_versions' AND column_name <> 'managed_by'",
    );
    assert_eq!(others.len(), 10);
    for column in others {
        let change = format!("UPDATE source_versions SET managed_by = 'other', {column} = {column}");
        let error = database.connection().batch_execute(&change).unwrap_err();
        assert!(error.to_string().contains("immutable"), "{column}: {error}");
    }
}

/// The service may go by a role that owns nothing: what the release before let it write, the triggers write more of
/// now.
#[test]
fn a_role_that_could_write_before_can_write_what_came_since() {
    let database = used_by_a_release_before(3);
    let role = format!("{}_role", database.name());
    database.execute(&format!(
        "CREATE ROLE {role}; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}; \
         GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {role}"
    ));
    database.store().migrate().unwrap();
    let not_writable = database.texts(&format!(
        "SELECT relname::text AS value FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname NOT LIKE '\\_\\_%' \
         AND ((relkind IN ('r', 'p') AND NOT has_table_privilege('{role}', oid, 'SELECT') \
         OR relkind IN ('r', 'p') AND NOT has_table_privilege('{role}', oid, 'INSERT') \
         OR relkind IN ('r', 'p') AND NOT has_table_privilege('{role}', oid, 'DELETE')) \
         OR relkind = 'S' AND NOT has_sequence_privilege('{role}', oid, 'USAGE')) ORDER BY 1"
    ));
    database.execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
    assert_eq!(not_writable, Vec::<String>::new());
}

/// Who could only read may read what came since, and no more.
#[test]
fn a_role_that_could_only_read_before_can_only_read_what_came_since() {
    let database = used_by_a_release_before(3);
    let role = format!("{}_reader", database.name());
    database.execute(&format!("CREATE ROLE {role}; GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}"));
    database.store().migrate().unwrap();
    let tables = |has: &str| {
        database.count(&format!(
            "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname NOT LIKE '\\_\\_%' \
             AND relkind IN ('r', 'p') AND {has}"
        ))
    };
    let can = |privileges: &str| tables(&format!("has_table_privilege('{role}', oid, '{privileges}')"));
    let (readable, writable, all) = (can("SELECT"), can("INSERT, UPDATE, DELETE, TRUNCATE"), tables("TRUE"));
    database.execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
    assert_eq!((readable, writable), (all, 0));
}

/// Also of a job that is changed while the step is under way.
#[test]
fn the_inputs_of_jobs_that_were_there_are_written_down() {
    let database = used_by_a_release_before(3);
    let bind = |input: char| {
        let id = format!("{input}{input}{input}{input}{input}{input}{input}{input}-7777-7777-7777-777777777777");
        format!(
            "UPDATE jobs SET role_bindings = '[{{\"role\": \"a\", \"input_id\": \"{id}\", \"input_type\": \"sensor\"}}]' \
             WHERE id IN (SELECT id FROM jobs ORDER BY organisation_id, id LIMIT 500)"
        )
    };
    database.execute(&bind('a'));
    let mut changes = vec![bind('b')];
    database
        .store()
        .migrate_telling(&retry(), &mut |sentence| {
            if sentence.contains("write down the inputs")
                && let Some(change) = changes.pop()
            {
                database.execute(&change);
            }
        })
        .unwrap();
    assert_eq!(changes, Vec::<String>::new());
    let written = "SELECT count(*) FROM job_inputs WHERE input_id::text LIKE 'bbbb%'";
    assert_eq!(database.count(written), 500);
    let missing = "SELECT count(*) FROM jobs, jsonb_array_elements(role_bindings) AS binding WHERE NOT EXISTS ( \
                   SELECT FROM job_inputs WHERE job_inputs.organisation_id = jobs.organisation_id \
                   AND job_inputs.sequence_number = jobs.sequence_number AND input_id = (binding ->> 'input_id')::uuid)";
    assert_eq!(database.count(missing), 0);
    let extra = "SELECT (SELECT count(*) FROM job_inputs) - (SELECT count(DISTINCT (organisation_id, id, binding ->> 'input_id')) \
                 FROM jobs, jsonb_array_elements(role_bindings) AS binding) AS count";
    assert_eq!(database.count(extra), 0);
}

/// Also of a job that is changed while the step is under way. What is bound and is no output stays.
#[test]
fn the_outputs_of_jobs_that_were_there_are_written_down_and_which_are_read() {
    let database = used_by_a_release_before(3);
    // Each of the first job of its organisation, but for that one, and for one that is bound to nothing.
    database.execute(
        "UPDATE jobs SET outputs = jsonb_build_array(jsonb_build_object('id', md5(id::text)::uuid, 'role', 'a', 'metric', 'b'));
        UPDATE jobs SET role_bindings = jsonb_build_array(jsonb_build_object('role', 'a', 'input_type', 'output', 'input_id',
            md5((SELECT first.id FROM jobs AS first WHERE first.organisation_id = jobs.organisation_id ORDER BY id LIMIT 1)::text)::uuid))
        WHERE name NOT IN (SELECT DISTINCT ON (organisation_id) name FROM jobs ORDER BY organisation_id, id);
        UPDATE jobs SET role_bindings = '[{\"role\": \"a\", \"input_type\": \"output\", \"input_id\": \"bbbbbbbb-7777-7777-7777-777777777777\"}]'
        WHERE name = 'job 3000'",
    );
    let mut changes = vec!["UPDATE jobs SET role_bindings = '[]' WHERE name = 'job 2999'"];
    database
        .store()
        .migrate_telling(&retry(), &mut |sentence| {
            if sentence.contains("write down which jobs that were there read them")
                && let Some(change) = changes.pop()
            {
                database.execute(change);
            }
        })
        .unwrap();
    assert_eq!(changes, Vec::<&str>::new());
    let right = "SELECT count(*) FROM outputs JOIN jobs ON jobs.organisation_id = outputs.organisation_id \
                 AND jobs.id = outputs.job_id AND md5(jobs.id::text)::uuid = outputs.id";
    assert_eq!((database.count("SELECT count(*) FROM outputs"), database.count(right)), (3000, 3000));
    let right = "SELECT count(*) FROM bound_outputs WHERE md5(upstream_job_id::text)::uuid = output_id";
    let expected = 3000 - 7 - 2;
    assert_eq!((database.count("SELECT count(*) FROM bound_outputs"), database.count(right)), (expected, expected));
}
