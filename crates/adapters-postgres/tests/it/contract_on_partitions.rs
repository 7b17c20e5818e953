//! What a customer may do with the tables of results: divide them. A row's place is then unique within a part only.

use prediction_domain_testkit::Stores;

use crate::test_database::{TestDatabase, stores_in};
use crate::upgrades::WITH_REPLACED_INDEXES;

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

/// Indexes that an operator made on large parts before, so that nobody waits for them in the upgrade, are taken over.
#[test]
fn restricted_indexes_come_to_every_part() {
    let database = TestDatabase::migrated();
    database.execute(DIVIDE);
    database.execute(WITH_REPLACED_INDEXES);
    for made_before in [
        "made_before_0 ON predictions_0 (organisation_id, job_id, issued_at) WHERE issued_at >= '-infinity'",
        "made_before_1 ON runs_1 (organisation_id, job_id, job_revision) WHERE job_revision >= 1",
    ] {
        database.execute(&format!("CREATE INDEX CONCURRENTLY {made_before}"));
    }
    database.store().migrate().unwrap();
    let restricted = "SELECT (indrelid::regclass || ' ' || indisvalid) COLLATE \"C\" AS value FROM pg_index \
                      WHERE indrelid::regclass::text ~ '^(predictions|runs)' \
                      AND pg_get_indexdef(indexrelid) ~ '(-infinity|job_revision >= 1)' ORDER BY 1";
    assert_eq!(
        database.texts(restricted),
        [
            "predictions true",
            "predictions_0 true",
            "predictions_1 true",
            "predictions_2 true",
            "predictions_2_new true",
            "predictions_2_old true",
            "runs true",
            "runs_0 true",
            "runs_1 true"
        ]
    );
    let replaced = "SELECT count(*) FROM pg_indexes WHERE indexdef LIKE '%(organisation_id, job_id, issued_at, role, at)' \
                    OR tablename LIKE 'runs%' AND indexdef LIKE '%(organisation_id, job_id, job_revision)'";
    assert_eq!(database.count(replaced), 0);
}
