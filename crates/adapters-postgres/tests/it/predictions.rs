//! What it costs to read values: it depends on what is answered, not on what else there is.
//!
//! The server counts the pages that the store's own statements touch ("buffers", as EXPLAIN calls them).

use std::thread::sleep;
use std::time::{Duration, Instant};

use prediction_domain::model::{Job, PredictionPosition, RunNumber, Timestamp};
use prediction_domain::ports::{Issued, PredictionQuery};
use prediction_domain_testkit::builders::a_plan_for_everything;
use prediction_domain_testkit::contract;
use prediction_domain_testkit::values::{at, micros_after, role_name};

use crate::test_database::{TestDatabase, jobs, runs, stores_in};

/// Often enough for the server to settle for a plan.
const TIMES: i64 = 8;

/// How many values of the job there are now, and how often each was issued.
const VALUES: i64 = 40;
const ISSUES: i64 = 1_000;

/// A job among others of its organisation, which have as many values and come before and behind it in every index.
struct Neighbourhood {
    database: TestDatabase,
    job: Job,
}

impl Neighbourhood {
    fn of(values: i64, issues: i64) -> Self {
        let there = Self::without_statistics(values, issues);
        // So that the indexes tell what is there, and nothing is left to be done while pages are counted.
        for table in ["runs", "predictions"] {
            there.database.execute(&format!("VACUUM (ANALYZE) {table}"));
        }
        there
    }

    /// Each minute a run is issued, which predicts a value for each of so many hours. It is received an hour later.
    fn without_statistics(values: i64, issues: i64) -> Self {
        let database = TestDatabase::migrated_for_counting();
        let plan = a_plan_for_everything();
        jobs(&database.store()).set_up_many(std::slice::from_ref(&plan)).remove(0).unwrap();
        database.execute(&format!(
            "INSERT INTO runs SELECT organisation_id, job_id, issued_at, gen_random_uuid(), 1, '{version}', true, NULL, {values}, \
               decode(repeat('00', 32), 'hex'), issued_at + interval '1 hour' \
             FROM (SELECT '{organisation}'::uuid AS organisation_id, '{job}'::uuid AS job_id UNION ALL \
               SELECT '{organisation}', (prefix || n || substr('{job}', 9))::uuid \
               FROM unnest(ARRAY['0000000', 'fffffff']) AS prefix, generate_series(1, 2) AS n) AS ran, \
             LATERAL (SELECT timestamptz '2026-01-01Z' + minute * interval '1 minute' AS issued_at \
               FROM generate_series(1, {issues}) AS minute) AS i; \
             INSERT INTO predictions SELECT organisation_id, job_id, 'risk', timestamptz '2026-06-01Z' + hour * interval '1 hour', \
               issued_at, hour FROM runs, generate_series(1, {values}) AS hour ORDER BY issued_at; \
             UPDATE runs SET number = 1 WHERE issued_at <= timestamptz '2026-01-01Z' + interval '1 minute' * ({issues} / 2); \
             UPDATE runs SET number = 2 WHERE number IS DISTINCT FROM 1",
            version = plan.job.source_version_id,
            organisation = plan.job.organisation_id,
            job = plan.job.id,
        ));
        Self { database, job: plan.job }
    }

    /// How many values are read, and how many pages of runs and values that takes.
    fn pages(&self, query: &PredictionQuery) -> (i64, i64) {
        self.wait_for_others();
        let before = self.counted();
        let store = self.database.store();
        let mut count = 0;
        for _ in 0..TIMES {
            count = runs(&store).predictions(query).unwrap().values.len();
        }
        drop(store);
        self.wait_for_others();
        (i64::try_from(count).unwrap(), (self.counted() - before) / TIMES)
    }

    /// Connections hand in their counts when they end.
    fn wait_for_others(&self) {
        let others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                      AND backend_type = 'client backend' AND pid <> pg_backend_pid()";
        let deadline = Instant::now() + Duration::from_secs(30);
        while self.database.count(others) > 0 {
            assert!(Instant::now() < deadline, "another session is connected");
            sleep(Duration::from_millis(5));
        }
    }

    fn counted(&self) -> i64 {
        self.database.count(
            "SELECT sum(heap_blks_read + heap_blks_hit + idx_blks_read + idx_blks_hit)::bigint AS count \
             FROM pg_statio_user_tables WHERE relname IN ('runs', 'predictions')",
        )
    }

    fn everything(&self) -> PredictionQuery {
        PredictionQuery {
            organisation_id: self.job.organisation_id,
            job_id: self.job.id,
            role: None,
            from: None,
            to: None,
            issued: Issued::AtAnyTime,
            issued_after: None,
            known_at: None,
            last_run: None,
            after: None,
            limit: 1_000,
        }
    }
}

/// After so many minutes.
fn issue(minutes: i64) -> Timestamp {
    micros_after(at("2026-01-01T00:00:00Z"), minutes * 60_000_000)
}

#[test]
fn a_history_is_jumped_over_whatever_is_asked_for() {
    let there = Neighbourhood::of(VALUES, ISSUES);
    let everything = there.everything();
    let middle = issue(ISSUES / 2);
    for (query, values) in [
        (everything.clone(), VALUES),
        (PredictionQuery { role: Some(role_name("risk")), ..everything.clone() }, VALUES),
        (PredictionQuery { limit: 10, ..everything.clone() }, 10),
        (PredictionQuery { issued: Issued::Until(issue(ISSUES)), ..everything.clone() }, VALUES),
        (PredictionQuery { issued: Issued::Until(middle), ..everything.clone() }, VALUES),
        (PredictionQuery { issued: Issued::Until(issue(1)), ..everything.clone() }, VALUES),
        (
            PredictionQuery { issued: Issued::Until(issue(60)), known_at: Some(issue(120)), ..everything.clone() },
            VALUES,
        ),
        (PredictionQuery { last_run: RunNumber::new(2), ..everything.clone() }, VALUES),
        (PredictionQuery { issued: Issued::Until(middle), last_run: RunNumber::new(1), ..everything.clone() }, VALUES),
        (PredictionQuery { issued_after: Some(middle), ..everything.clone() }, VALUES),
        (PredictionQuery { issued_after: Some(issue(ISSUES)), ..everything.clone() }, 0),
        (PredictionQuery { issued: Issued::At(middle), ..everything.clone() }, VALUES),
        (PredictionQuery { issued: Issued::At(middle), limit: 10, ..everything.clone() }, 10),
        (
            PredictionQuery {
                after: Some(PredictionPosition { role: role_name("risk"), at: at("2026-06-02T00:00:00Z") }),
                ..everything
            },
            VALUES - 24,
        ),
    ] {
        let (found, pages) = there.pages(&query);
        assert_eq!(found, values, "{query:?}");
        // For each value: down the key, some values, down the key again if the first does not count, and the run.
        let most = 24 * (if values == 0 { VALUES } else { values }) + 40;
        assert!(pages <= most, "{pages} pages for {values} values: {query:?}");
    }
}

/// Each report that came since costs one more value for each value that is read, and no more.
#[test]
fn what_was_not_known_is_passed_over() {
    let there = Neighbourhood::of(VALUES, ISSUES);
    there.database.execute(
        "UPDATE runs SET number = 1; \
         UPDATE runs SET number = 2 WHERE issued_at > (SELECT max(issued_at) - interval '3 minutes' FROM runs)",
    );
    there.database.execute("VACUUM (ANALYZE) runs");
    for (query, passed) in [
        (PredictionQuery { last_run: RunNumber::new(1), ..there.everything() }, 3),
        // What was known at a time was issued some minutes after it at the most; each was received an hour after it was
        // issued.
        (PredictionQuery { issued: Issued::Until(issue(65)), known_at: Some(issue(120)), ..there.everything() }, 5),
    ] {
        let (found, pages) = there.pages(&query);
        assert_eq!(found, VALUES);
        assert!(pages <= (24 + passed * 6) * VALUES + 40, "{pages} pages: {query:?}");
    }
}

/// As in the first minute of a new database, or after an upgrade of PostgreSQL: every index seems as good as any other.
#[test]
fn what_a_reading_costs_does_not_wait_for_statistics() {
    let there = Neighbourhood::without_statistics(VALUES, ISSUES);
    for issued in [Issued::AtAnyTime, Issued::Until(issue(ISSUES / 2)), Issued::At(issue(ISSUES / 2))] {
        for role in [None, Some(role_name("risk"))] {
            let (found, pages) = there.pages(&PredictionQuery { issued, role, ..there.everything() });
            assert_eq!(found, VALUES, "{issued:?}");
            assert!(pages <= 24 * VALUES + 40, "{pages} pages for {VALUES} values: {issued:?}");
        }
    }
}

/// Most values are issued once or some times. Then they are read one after the other, as they stand in the key.
#[test]
fn values_of_few_issues_are_read_along_the_key() {
    for (issues, most) in [(1, 7), (4, 10)] {
        let there = Neighbourhood::of(1_000, issues);
        let (found, pages) = there.pages(&there.everything());
        assert_eq!(found, 1_000);
        assert!(pages <= most * 1_000 + 40, "{pages} pages for {issues} issues of 1,000 values");
    }
}

/// As an operator with very many values may do: by the time that they are about, or at which they were issued.
#[test]
fn partitioned_values_are_read_like_others() {
    for column in ["at", "issued_at"] {
        let database = TestDatabase::migrated_for_counting();
        let parts: Vec<String> = ["MINVALUE", "'2026-06-01T12:00:00.000004Z'", "'2026-06-01T12:00:20Z'", "MAXVALUE"]
            .windows(2)
            .zip(1..)
            .map(|(ends, number)| {
                format!(
                    "CREATE TABLE predictions_{number} PARTITION OF predictions FOR VALUES FROM ({}) TO ({});",
                    ends[0], ends[1]
                )
            })
            .collect();
        database.execute(&format!(
            "DROP TABLE predictions; \
             CREATE TABLE predictions (organisation_id uuid NOT NULL, job_id uuid NOT NULL, role text COLLATE \"C\" NOT NULL, \
               at timestamptz NOT NULL, issued_at timestamptz NOT NULL, value double precision NOT NULL) \
             PARTITION BY RANGE ({column}); {} \
             CREATE UNIQUE INDEX predictions_key ON predictions (organisation_id, job_id, role, at, issued_at DESC); \
             CREATE INDEX predictions_of_run_idx ON predictions (organisation_id, job_id, issued_at) \
             WHERE issued_at >= '-infinity'",
            parts.concat()
        ));
        let stores = stores_in(database);
        contract::cases::readings::every_reading_gives_what_the_model_gives(&stores);
        contract::cases::readings::pages_of_one_reading_belong_together(&stores);
    }
}
