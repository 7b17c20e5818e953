//! What a customer may do with the tables of results: divide them. A row's place is then unique within a part only.

use prediction_domain_testkit::Stores;

use crate::test_database::{TestDatabase, stores_in};

/// Puts rows that belong together into different parts, where they have the same places.
const DIVIDE: &str = "
    ALTER TABLE predictions RENAME TO whole_predictions;
    ALTER INDEX predictions_key RENAME TO whole_predictions_key;
    ALTER INDEX predictions_of_run_idx RENAME TO whole_predictions_of_run_idx;
    CREATE TABLE predictions (LIKE whole_predictions INCLUDING CONSTRAINTS) PARTITION BY HASH (at, issued_at);
    CREATE TABLE predictions_0 PARTITION OF predictions FOR VALUES WITH (MODULUS 3, REMAINDER 0);
    CREATE TABLE predictions_1 PARTITION OF predictions FOR VALUES WITH (MODULUS 3, REMAINDER 1);
    CREATE TABLE predictions_2 PARTITION OF predictions FOR VALUES WITH (MODULUS 3, REMAINDER 2)
        PARTITION BY RANGE (issued_at);
    CREATE TABLE predictions_2_old PARTITION OF predictions_2 FOR VALUES FROM (MINVALUE) TO ('2026-06-01 13:30Z');
    CREATE TABLE predictions_2_new PARTITION OF predictions_2 FOR VALUES FROM ('2026-06-01 13:30Z') TO (MAXVALUE);
    CREATE UNIQUE INDEX predictions_key ON predictions (organisation_id, job_id, role, at, issued_at DESC);
    CREATE INDEX predictions_of_run_idx ON predictions (organisation_id, job_id, issued_at)
        WHERE issued_at >= '-infinity';
    DROP TABLE whole_predictions;

    ALTER TABLE runs RENAME TO whole_runs;
    ALTER TABLE whole_runs RENAME CONSTRAINT runs_pkey TO whole_runs_pkey;
    ALTER TABLE whole_runs RENAME CONSTRAINT runs_organisation_id_job_id_id_key TO whole_runs_id_key;
    CREATE TABLE runs (
        LIKE whole_runs INCLUDING CONSTRAINTS,
        CONSTRAINT runs_pkey PRIMARY KEY (organisation_id, job_id, issued_at)
    ) PARTITION BY HASH (issued_at);
    CREATE TABLE runs_0 PARTITION OF runs FOR VALUES WITH (MODULUS 2, REMAINDER 0);
    CREATE TABLE runs_1 PARTITION OF runs FOR VALUES WITH (MODULUS 2, REMAINDER 1);
    CREATE TRIGGER runs_add_up AFTER INSERT ON runs FOR EACH ROW EXECUTE FUNCTION add_up_run();
    CREATE TRIGGER runs_are_numbered BEFORE INSERT ON runs FOR EACH ROW EXECUTE FUNCTION number_run();
    DROP TABLE whole_runs;
";

fn make_stores() -> Stores {
    let database = TestDatabase::migrated();
    database.execute(DIVIDE);
    stores_in(database)
}

prediction_domain_testkit::contract_suite!(results: make_stores);

/// An index that an operator made on a large part before, so that nobody waits for it in the upgrade, is taken over.
#[test]
fn the_index_by_issue_comes_to_every_part() {
    let database = TestDatabase::migrated();
    // As the release before left it.
    database.execute(
        "DELETE FROM __diesel_schema_migrations WHERE version = '20261128000001'; \
         DELETE FROM __migration_steps WHERE name LIKE '%predictions_of_run_idx' OR name LIKE '%predictions_issued_at_idx'; \
         DROP INDEX predictions_of_run_idx; \
         CREATE INDEX predictions_issued_at_idx ON predictions (organisation_id, job_id, issued_at, role, at)",
    );
    let divide = DIVIDE
        .replace("predictions_of_run_idx RENAME TO whole_predictions_of_run_idx", "predictions_issued_at_idx RENAME TO whole")
        .replace(
            "predictions_of_run_idx ON predictions (organisation_id, job_id, issued_at)\n        WHERE issued_at >= '-infinity'",
            "predictions_issued_at_idx ON predictions (organisation_id, job_id, issued_at)",
        );
    database.execute(&divide);
    database.execute(
        "CREATE INDEX made_before ON predictions_0 (organisation_id, job_id, issued_at) WHERE issued_at >= '-infinity'",
    );
    database.store().migrate().unwrap();
    let by_issue = "SELECT (indrelid::regclass || ' ' || indisvalid) COLLATE \"C\" AS value FROM pg_index \
                    WHERE indrelid::regclass::text LIKE 'predictions%' AND pg_get_indexdef(indexrelid) LIKE '%infinity%' \
                    ORDER BY 1";
    assert_eq!(
        database.texts(by_issue),
        [
            "predictions true",
            "predictions_0 true",
            "predictions_1 true",
            "predictions_2 true",
            "predictions_2_new true",
            "predictions_2_old true"
        ]
    );
    assert_eq!(
        database.count("SELECT count(*) FROM pg_indexes WHERE tablename LIKE 'predictions%' AND indexdef LIKE '%(organisation_id, job_id, issued_at)'"),
        0
    );
}
