//! What a purge costs follows from what it deletes, not from what is stored around that.

use std::num::NonZeroU64;

use chrono::TimeDelta;
use prediction_domain::model::{Job, Keep, KeptHistory, Timestamp};
use prediction_domain::ports::{NextInSweep, Purged, RetentionRepository as _, WriteMode};
use prediction_domain_testkit::builders::a_plan_for_everything;

use crate::query_plans::wait_for_counts;
use crate::test_database::{TestDatabase, jobs};

/// Jobs of one organisation of which each has one issue of 24 values that has expired, in front of many that have not.
const JOBS: u32 = 200;
const VALUES_DUE: i64 = 24;

/// The values of an issue, and of all issues of a job that have not expired.
struct Organisation {
    database: TestDatabase,
    job: Job,
}

impl Organisation {
    /// `issues` is how many have not expired of each job.
    fn with(issues: u32) -> Self {
        let database = TestDatabase::migrated_for_counting();
        let plan = a_plan_for_everything();
        jobs(&database.store()).set_up_many(std::slice::from_ref(&plan)).remove(0).unwrap();
        // Values are kept for a day; the first issue of each job is a day and an hour old.
        database.execute(&format!(
            "UPDATE sources SET retention_hours = 24; \
             INSERT INTO jobs SELECT organisation_id, gen_random_uuid(), source_id, source_version_id, 'job ' || n, active, \
               role_bindings, outputs, revision, created_at, updated_at FROM jobs, generate_series(2, {JOBS}) AS n; \
             INSERT INTO runs SELECT organisation_id, id, issued_at, gen_random_uuid(), 1, source_version_id, true, NULL, \
               {VALUES_DUE}, decode(repeat('00', 32), 'hex'), issued_at FROM jobs, \
               LATERAL (SELECT timestamptz '2026-06-01Z' + CASE k WHEN 0 THEN interval '0' ELSE interval '2 hours' END \
                 + k * interval '1 second' AS issued_at FROM generate_series(0, {issues}) AS k) AS i; \
             INSERT INTO predictions SELECT organisation_id, job_id, 'risk', issued_at + hour * interval '1 hour', issued_at, hour \
               FROM runs, generate_series(1, {VALUES_DUE}) AS hour",
        ));
        for table in ["predictions", "runs", "run_summaries"] {
            database.execute(&format!("VACUUM (ANALYZE) {table}"));
        }
        Self { database, job: plan.job }
    }

    /// What has expired of all jobs, in batches; gives how many pages of all tables and indexes each batch looked at.
    fn purge(&self, limit: usize, batches: u32) -> i64 {
        let now = Timestamp::parse("2026-06-02T01:00:00Z").unwrap();
        let before = self.pages();
        let store = self.database.store();
        for _ in 0..batches {
            let purged = store.purge(now, limit).unwrap();
            assert_eq!(purged, Purged { values: limit as u64, runs: 0, is_unfinished: true });
        }
        drop(store);
        (self.pages() - before) / i64::from(batches)
    }

    /// How many pages were looked at until now, from memory or not.
    fn pages(&self) -> i64 {
        self.counted(
            "SELECT sum(heap_blks_read + heap_blks_hit + idx_blks_read + idx_blks_hit)::bigint AS count \
             FROM pg_statio_user_tables WHERE relname ~ '^(predictions|runs|run_summaries|sources|deleted_jobs)'",
        )
    }

    /// How many entries of indexes and rows of whole tables were looked at until now.
    fn rows(&self) -> i64 {
        self.counted(
            "SELECT ((SELECT sum(idx_tup_read) FROM pg_stat_user_indexes) \
             + (SELECT sum(seq_tup_read) FROM pg_stat_user_tables))::bigint AS count",
        )
    }

    /// What connections have counted that have ended.
    fn counted(&self, count: &str) -> i64 {
        wait_for_counts(&self.database);
        self.database.count(count)
    }
}

#[test]
fn a_batch_looks_at_what_it_deletes_however_large_the_organisation_is() {
    // 24,000 and 480,000 values that have not expired.
    let [small, large] = [5, 100].map(|issues| Organisation::with(issues).purge(120, 8));
    assert!(large <= small * 5 / 4, "{small} pages in a small organisation, {large} in a large one");
    // A value is found along the index and deleted by its place.
    assert!(large <= 120 * 10, "{large} pages for 120 values");
}

#[test]
fn a_batch_of_a_deleted_job_looks_at_what_it_deletes_however_large_the_organisation_is() {
    let [small, large] = [5, 100].map(|issues| {
        let organisation = Organisation::with(issues);
        let job = &organisation.job;
        jobs(&organisation.database.store())
            .delete(&prediction_domain::model::Scope::Platform, job.id, job.revision, WriteMode::Commit)
            .unwrap();
        organisation.purge(24, 4)
    });
    assert!(large <= small * 5 / 4 + 20, "{small} pages in a small organisation, {large} in a large one");
}

/// The table has no statistics yet, as after an upgrade of PostgreSQL.
#[test]
fn a_batch_of_a_table_without_statistics_looks_at_what_it_deletes() {
    let organisation = Organisation::with(20);
    organisation
        .database
        .execute("DELETE FROM pg_statistic WHERE starelid IN ('predictions'::regclass, 'runs'::regclass)");
    let pages = organisation.purge(120, 8);
    assert!(pages <= 120 * 10, "{pages} pages for 120 values");
}

/// What is deleted by its place is looked for in the part in which it is, not in all of them.
#[test]
fn a_batch_of_a_divided_table_looks_at_what_it_deletes() {
    let organisation = Organisation::with(20);
    let parts: Vec<String> = (0..=20)
        .map(|part| {
            let end = |part| match part {
                0 => "MINVALUE".to_owned(),
                21 => "MAXVALUE".to_owned(),
                part => format!("'2026-06-01T02:00:{part:02}Z'"),
            };
            let (from, to) = (end(part), end(part + 1));
            format!("CREATE TABLE predictions_{part} PARTITION OF predictions FOR VALUES FROM ({from}) TO ({to});")
        })
        .collect();
    organisation.database.execute(&format!(
        "ALTER TABLE predictions RENAME TO whole; \
         CREATE TABLE predictions (LIKE whole) PARTITION BY RANGE (issued_at); {} \
         INSERT INTO predictions SELECT * FROM whole; DROP TABLE whole; \
         CREATE UNIQUE INDEX predictions_key ON predictions (organisation_id, job_id, role, at, issued_at DESC); \
         CREATE INDEX predictions_of_run_idx ON predictions (organisation_id, job_id, issued_at) \
         WHERE issued_at >= '-infinity'",
        parts.concat()
    ));
    organisation.database.execute("VACUUM (ANALYZE) predictions");
    let pages = organisation.purge(120, 8);
    assert!(pages <= 120 * 12, "{pages} pages for 120 values");
}

/// Of a job with very many runs, which each index seems to lead to equally well while there are no statistics.
#[test]
fn history_that_is_not_kept_is_found_without_statistics() {
    let organisation = Organisation::with(0);
    organisation.database.execute(&format!(
        "ALTER TABLE runs DISABLE TRIGGER USER; \
         INSERT INTO runs SELECT organisation_id, id, timestamptz '2026-01-01Z' + n * interval '1 minute', gen_random_uuid(), \
           500, source_version_id, true, NULL, 0, decode(repeat('00', 32), 'hex'), timestamptz '2026-01-01Z' + n * interval '1 minute' \
           FROM jobs, generate_series(1, 20000) AS n WHERE id = '{job}'; \
         UPDATE jobs SET revision = 500 WHERE id = '{job}'; \
         INSERT INTO job_revisions SELECT organisation_id, id, n, source_id, source_version_id, name, active, role_bindings, \
           outputs, updated_at FROM jobs, generate_series(2, 400) AS n WHERE id = '{job}'; \
         DELETE FROM pg_statistic WHERE starelid IN ('runs'::regclass, 'job_revisions'::regclass, 'replaced_runs'::regclass)",
        job = organisation.job.id,
    ));
    let now = Timestamp::parse("2026-06-02T01:00:00Z").unwrap();
    let runs = Some(Keep { age: Some(TimeDelta::days(145)), newest: None });
    let revisions = Some(Keep { age: None, newest: NonZeroU64::new(100) });
    for kept in [KeptHistory { runs, revisions: None }, KeptHistory { runs: None, revisions }] {
        let before = organisation.rows();
        let store = organisation.database.store();
        let (mut found, mut after) = (0, None);
        while found == 0 {
            let purged = store.purge_history(&kept, now, after, 120).unwrap();
            found = purged.runs + purged.revisions;
            match purged.next {
                NextInSweep::Again => {}
                NextInSweep::Behind(place) => after = Some(place),
                NextInSweep::Done => break,
            }
        }
        drop(store);
        let rows = organisation.rows() - before;
        assert!(found > 10, "{found}: {kept:?}");
        // With some of each of the other jobs.
        let most = found * 20 + u64::from(JOBS) * 20;
        assert!(rows.unsigned_abs() <= most, "{rows} rows for {found}: {kept:?}");
    }
}
