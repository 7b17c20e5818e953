//! Jobs of a health cost what is found, however many others there are.

use std::collections::BTreeSet;

use prediction_domain::model::{
    HealthFilter, HealthStatus, JobGrouping, OrganisationId, PageRequest, Position, Scope, Timestamp,
};
use prediction_domain::ports::{JobFilter, JudgementRepository as _};
use prediction_domain_testkit::builders::a_plan_for_everything;

use crate::query_plans::{reset_counts, rows_read_of, wait_for_counts};
use crate::test_database::{TestDatabase, jobs};

/// 20,000 jobs of one organisation, of which each status has some at the very end only, and 50 of another one.
fn crowd() -> (TestDatabase, Timestamp) {
    let database = TestDatabase::migrated_for_counting();
    let plan = a_plan_for_everything();
    jobs(&database.store()).set_up_many(std::slice::from_ref(&plan)).remove(0).unwrap();
    database.execute(
        "INSERT INTO jobs (organisation_id, id, source_id, source_version_id, name, active, role_bindings, outputs, revision, created_at, updated_at) \
         SELECT org, gen_random_uuid(), source_id, source_version_id, 'job ' || n, n % 1000 <> 0, '[]', outputs, 1, timestamptz '2026-06-01 12:00Z', updated_at \
         FROM (SELECT * FROM jobs LIMIT 1) AS template CROSS JOIN ( \
           SELECT n, uuid '00000000-0000-0000-0000-000000000001' FROM generate_series(1, 20000) AS n \
           UNION ALL SELECT n, uuid '00000000-0000-0000-0000-000000000002' FROM generate_series(1, 50) AS n) AS others (n, org); \
         INSERT INTO runs (organisation_id, job_id, issued_at, id, job_revision, source_version_id, succeeded, \
           message, prediction_count, predictions_digest, received_at) \
         SELECT organisation_id, id, issued_at, gen_random_uuid(), 1, source_version_id, place % 7 <> 0, NULL, 0, decode(repeat('00', 32), 'hex'), issued_at \
         FROM (SELECT *, row_number() OVER (ORDER BY sequence_number) AS place FROM jobs WHERE name <> 'template') AS placed, \
           LATERAL (SELECT timestamptz '2026-06-01 12:00Z' + CASE WHEN place > 19000 THEN interval '1 minute' ELSE interval '300 minutes' END AS issued_at) AS i \
         WHERE place % 11 <> 0; \
         ANALYZE jobs; ANALYZE runs; ANALYZE run_summaries; ANALYZE job_health",
    );
    // Of the first 19,000 the failing ones and those on time, of the last ones the overdue; new ones are overdue by
    // now.
    (database, Timestamp::parse("2026-06-01T17:30:00Z").unwrap())
}

fn organisation(number: u32) -> OrganisationId {
    OrganisationId::parse(&format!("00000000-0000-0000-0000-{number:012}")).unwrap()
}

/// How many rows of all tables are read by what is asked often enough for the server to settle for a plan.
fn rows_read(database: &TestDatabase, ask: impl Fn(&dyn prediction_domain::ports::JobRepository)) -> i64 {
    reset_counts(database);
    let store = database.store();
    for _ in 0..8 {
        ask(jobs(&store));
    }
    drop(store);
    let tables = ["jobs", "job_health", "run_summaries"];
    let all = || tables.iter().map(|table| database.count(&rows_read_of(table))).sum::<i64>();
    wait_for_counts(database);
    assert!(
        database.count("SELECT (seq_scan + idx_scan) AS count FROM pg_stat_user_tables WHERE relname = 'judgements'")
            > 0
    );
    all() / 8
}

fn judge_all(database: &TestDatabase, at: Timestamp) {
    let store = database.store();
    while store.judge(at, 1_000).unwrap().is_unfinished {}
}

#[test]
fn a_page_of_a_health_costs_what_is_on_it() {
    let (database, at) = crowd();
    judge_all(&database, at);
    database.execute("VACUUM ANALYZE job_health");
    let large = organisation(1);
    for scope in
        [Scope::of([large]), Scope::of([organisation(2)]), Scope::of([large, organisation(2)]), Scope::Platform]
    {
        let mut found = 0;
        for status in HealthStatus::ALL {
            let health = Some(HealthFilter { statuses: BTreeSet::from([status]), at });
            let filter = JobFilter { health, ..JobFilter::default() };
            for after in [None, Some(Position::behind(10_000))] {
                let page = PageRequest::new(20, after).unwrap();
                let read = rows_read(&database, |jobs| {
                    jobs.list(&scope, &filter, &page).unwrap();
                });
                found += jobs(&database.store()).list(&scope, &filter, &page).unwrap().items.len();
                // A row of each table for each job, and for two organisations those of both.
                assert!(read <= 4 * 21 * 2, "{status:?} in {scope:?} after {after:?}: {read} rows");
            }
        }
        assert!(found >= 40, "{found} jobs in {scope:?}");
    }
    // Counting looks through the index of what was judged, and at nothing else.
    let read = rows_read(&database, |jobs| {
        jobs.count_by_health(&Scope::of([organisation(2)]), &JobFilter::default(), at).unwrap();
    });
    assert!(read <= 50 + 10, "{read} rows to count 50 jobs");
    let read = rows_read(&database, |jobs| {
        jobs.count_by_health(&Scope::Platform, &JobFilter::default(), at).unwrap();
    });
    assert!(read <= 20_051 + 100, "{read} rows to count 20,051 jobs");
    // Of each group that judgements know, too: a row of the table for each entry of the index.
    for grouping in [JobGrouping::Organisation, JobGrouping::Source] {
        let count = |scope: &Scope| {
            rows_read(&database, |jobs| {
                jobs.count_each_by_health(scope, &JobFilter::default(), grouping, at).unwrap();
            })
        };
        let read = count(&Scope::of([organisation(2)]));
        assert!(read <= 2 * 50 + 20, "{read} rows to count 50 jobs by {grouping}");
        let read = count(&Scope::Platform);
        assert!(read <= 20_051 + 100, "{read} rows to count 20,051 jobs by {grouping}");
        count(&Scope::of([large, organisation(2)]));
        let scans = database.count("SELECT seq_scan AS count FROM pg_stat_user_tables WHERE relname = 'job_health'");
        assert_eq!(scans, 0, "by {grouping}");
    }
    // Also where that is nearly all that there is, and the table would be read instead.
    for scope in [Scope::of([large]), Scope::of([large, organisation(2)]), Scope::Platform] {
        rows_read(&database, |jobs| {
            jobs.count_by_health(&scope, &JobFilter::default(), at).unwrap();
        });
        let scans = database.count("SELECT seq_scan AS count FROM pg_stat_user_tables WHERE relname = 'job_health'");
        assert_eq!(scans, 0, "{scope:?}");
    }
}

/// Neither while it stays on time, nor in the usual course of a job that runs in time.
#[test]
fn a_report_that_changes_no_health_writes_none() {
    let (database, at) = crowd();
    judge_all(&database, at);
    let written = "SELECT count(*) FROM job_health WHERE judged_until = '-infinity'";
    assert_eq!(database.count(written), 0);
    let report = |minutes: u32, succeeded: bool| {
        database.execute(&format!(
            "INSERT INTO runs (organisation_id, job_id, issued_at, id, job_revision, source_version_id, succeeded, \
               message, prediction_count, predictions_digest, received_at) \
             SELECT organisation_id, id, issued_at, gen_random_uuid(), 1, source_version_id, {succeeded}, NULL, 0, decode(repeat('00', 32), 'hex'), issued_at \
             FROM (SELECT jobs.* FROM jobs JOIN job_health ON job_health.organisation_id = jobs.organisation_id AND job_health.job_id = jobs.id \
               WHERE job_health.status = 6 ORDER BY jobs.sequence_number LIMIT 100) AS punctual, \
             LATERAL (SELECT timestamptz '2026-06-01 17:30Z' + {minutes} * interval '1 minute' AS issued_at) AS i"
        ));
    };
    for minutes in 1..4 {
        report(minutes, true);
    }
    assert_eq!(database.count(written), 0, "they are on time all the time");
    report(4, false);
    assert_eq!(database.count(written), 100, "they are failing now");
}
