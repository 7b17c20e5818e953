//! Each question is answered along the index that was made for it, however many jobs there are.
//!
//! The statements are not repeated here: the server counts which index was used.

use std::thread::sleep;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use prediction_adapters_postgres::PostgresStore;
use prediction_domain::model::{
    InputId, Job, JobId, OrganisationId, PageRequest, Position, PredictionPosition, Scope, Timestamp, ValueCount,
};
use prediction_domain::ports::{
    Issued, JobFilter, PredictionQuery, Purged, RetentionRepository as _, ValueCountQuery, WriteMode,
};
use prediction_domain_testkit::builders::{a_job_of, a_plan_for, a_plan_for_everything};

use prediction_domain_testkit::values::{job_name, role_name, set_name};

use crate::test_database::{TestDatabase, jobs, runs, source_versions};

/// What is a good plan for many jobs need not be one for few.
const FEW: u32 = 5_000;
const MANY: u32 = 20_000;
const ORGANISATIONS: u32 = 10;
/// The number of the organisation whose jobs were all set up after those of the others.
const LATE: u32 = 11;

/// A database with many jobs, of which one is known.
struct Crowd {
    database: TestDatabase,
    job: Job,
}

impl Crowd {
    /// All were activated when the known one was: what was activated in the future is not believed. Each row is written
    /// once, since a row that was changed may leave its former version behind for as long as a transaction can see it,
    /// and that is read, too.
    fn of(jobs_in_all: u32) -> Self {
        let database = TestDatabase::migrated_for_counting();
        let plan = a_plan_for_everything();
        jobs(&database.store()).set_up_many(std::slice::from_ref(&plan)).remove(0).unwrap();
        database.execute(&format!(
            "INSERT INTO jobs SELECT ('00000000-0000-0000-0000-' || lpad(organisation::text, 12, '0'))::uuid, \
             gen_random_uuid(), source_id, source_version_id, 'job ' || n, active, \
             jsonb_build_array(jsonb_build_object('role', 'a', 'input_id', gen_random_uuid(), 'input_type', 'sensor')), \
             outputs, revision, created_at + n * interval '1 second', updated_at, NULL, created_at \
             FROM jobs, generate_series(1, {jobs_in_all}) AS n, \
             LATERAL (SELECT CASE WHEN n > {jobs_in_all} - 1000 THEN {LATE} ELSE n % {ORGANISATIONS} + 1 END AS organisation) AS o; \
             INSERT INTO runs (organisation_id, job_id, issued_at, id, job_revision, source_version_id, succeeded, \
             message, prediction_count, predictions_digest, received_at) SELECT organisation_id, id, created_at, gen_random_uuid(), 1, source_version_id, true, NULL, 0, \
             decode(repeat('00', 32), 'hex'), created_at FROM jobs; \
             ANALYZE jobs; ANALYZE runs; ANALYZE run_summaries"
        ));
        Self { database, job: plan.job }
    }

    /// The indexes on jobs that were used by what is asked, and how many entries were read.
    fn indexes_used(&self, ask: impl Fn(&PostgresStore)) -> Vec<(String, i64)> {
        reset_counts(&self.database);
        let store = self.database.store();
        // Often enough for the server to settle for a plan.
        for _ in 0..8 {
            ask(&store);
        }
        drop(store);
        wait_for_counts(&self.database);
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            let used = self.database.texts(
                "SELECT indexrelname || ' ' || idx_tup_read AS value FROM pg_stat_user_indexes \
                 WHERE relname = 'jobs' AND idx_scan >= 8 \
                 UNION ALL SELECT 'nothing ' || seq_tup_read FROM pg_stat_user_tables WHERE relname = 'jobs' AND seq_scan > 0",
            );
            if !used.is_empty() {
                return used
                    .iter()
                    .map(|used| used.split_once(' ').unwrap())
                    .map(|(index, read)| (index.to_owned(), read.parse::<i64>().unwrap() / 8))
                    .collect();
            }
            assert!(
                Instant::now() < deadline,
                "no index was used: {:?}",
                self.database.texts("SELECT indexrelname || ' ' || idx_scan AS value FROM pg_stat_user_indexes")
            );
            sleep(Duration::from_millis(20));
        }
    }

    fn assert_uses(&self, index: &str, most_entries: i64, ask: impl Fn(&PostgresStore)) {
        let used = self.indexes_used(ask);
        assert!(matches!(used.as_slice(), [(only, read)] if only == index && *read <= most_entries), "{used:?}");
    }
}

/// From now on the server counts anew. A connection hands in its counts when it ends, which may be a moment after it
/// was closed, so those that are ending are waited for.
pub(crate) fn reset_counts(database: &TestDatabase) {
    wait_for_counts(database);
    database.execute("SELECT pg_stat_reset()");
}

/// Until all that connections have counted is in.
pub(crate) fn wait_for_counts(database: &TestDatabase) {
    let others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                  AND backend_type = 'client backend' AND pid <> pg_backend_pid()";
    let deadline = Instant::now() + Duration::from_secs(10);
    while database.count(others) > 0 {
        assert!(Instant::now() < deadline, "another session is connected");
        sleep(Duration::from_millis(5));
    }
}

fn organisation(number: u32) -> OrganisationId {
    OrganisationId::parse(&format!("00000000-0000-0000-0000-{number:012}")).unwrap()
}

/// A page that begins behind so many jobs.
fn page_after(jobs: u32) -> PageRequest {
    PageRequest::new(20, Some(Position::behind(jobs.into()))).unwrap()
}

#[test]
fn jobs_are_found_along_indexes() {
    let crowd = Crowd::of(MANY);
    let job = &crowd.job;

    crowd.assert_uses("jobs_id_idx", 1, |store| {
        assert!(jobs(store).find_many(&[(Scope::Platform, job.id)]).unwrap()[0].is_some());
    });
    crowd.assert_uses("jobs_id_idx", 2, |store| {
        let other = JobId::parse("77777777-7777-7777-7777-777777777777").unwrap();
        jobs(store).find_many(&[(Scope::Platform, job.id), (Scope::of([]), job.id), (Scope::Platform, other)]).unwrap();
    });
    crowd.assert_uses("jobs_id_idx", 1, |store| {
        assert!(jobs(store).find_monitored(&[(Scope::Platform, job.id)]).unwrap()[0].is_some());
    });
    crowd.assert_uses("jobs_organisation_id_name_key", 1, |store| {
        assert!(jobs(store).find_by_name(organisation(6), &job_name("job 5")).unwrap().is_some());
    });
}

#[test]
fn pages_of_few_jobs_are_read_along_indexes() {
    pages_are_read_along_indexes(&Crowd::of(FEW), FEW);
}

#[test]
fn pages_of_many_jobs_are_read_along_indexes() {
    pages_are_read_along_indexes(&Crowd::of(MANY), MANY);
}

fn pages_are_read_along_indexes(crowd: &Crowd, jobs_in_all: u32) {
    let any = JobFilter::default();
    let first = PageRequest::new(20, None).unwrap();
    for page in [first, page_after(jobs_in_all / 2), page_after(jobs_in_all + 1)] {
        crowd.assert_uses("jobs_sequence_number_idx", 21, |store| {
            jobs(store).list(&Scope::Platform, &any, &page).unwrap();
        });
        for number in [3, LATE] {
            crowd.assert_uses("jobs_organisation_id_sequence_number_idx", 21, |store| {
                jobs(store).list(&Scope::of([organisation(number)]), &any, &page).unwrap();
            });
        }
        crowd.assert_uses("jobs_organisation_id_sequence_number_idx", 4 * 21, |store| {
            jobs(store).list(&Scope::of((1..=4).map(organisation)), &any, &page).unwrap();
        });
    }
}

/// What is read for a set follows neither from what else the organisation has, nor from what others have.
#[test]
fn the_jobs_of_a_set_are_read_along_the_index_by_set() {
    for jobs_in_all in [FEW, MANY] {
        let crowd = Crowd::of(jobs_in_all);
        crowd.database.execute(
            "UPDATE jobs SET managed_by = 'set ' || sequence_number % 2, managed_revision = 1 WHERE sequence_number % 4 < 2; \
             ANALYZE jobs",
        );
        let filter = JobFilter { managed_by: Some(set_name("set 1")), ..JobFilter::default() };
        let first = PageRequest::new(20, None).unwrap();
        for page in [first, page_after(jobs_in_all / 2), page_after(jobs_in_all + 1)] {
            for number in [3, LATE] {
                crowd.assert_uses("jobs_organisation_id_managed_by_sequence_number_idx", 21, |store| {
                    jobs(store).list(&Scope::of([organisation(number)]), &filter, &page).unwrap();
                });
            }
            crowd.assert_uses("jobs_organisation_id_managed_by_sequence_number_idx", 4 * 21, |store| {
                jobs(store).list(&Scope::of((1..=4).map(organisation)), &filter, &page).unwrap();
            });
        }
        for page in [first, page_after(jobs_in_all / 2)] {
            crowd.assert_uses("jobs_managed_by_sequence_number_idx", 21, |store| {
                jobs(store).list(&Scope::Platform, &filter, &page).unwrap();
            });
        }
        let rare = JobFilter { managed_by: Some(set_name("set 7")), ..JobFilter::default() };
        crowd.assert_uses("jobs_managed_by_sequence_number_idx", 0, |store| {
            jobs(store).list(&Scope::Platform, &rare, &first).unwrap();
        });
    }
}

#[test]
fn the_jobs_of_all_that_use_an_input_are_found_along_the_index_on_inputs() {
    let crowd = Crowd::of(MANY);
    let used = crowd.job.role_bindings.as_slice()[0].input_id;
    let unused = InputId::parse("77777777-7777-7777-7777-777777777777").unwrap();
    let first = PageRequest::new(20, None).unwrap();
    for (input_id, count) in [(used, 1), (unused, 0)] {
        let filter = JobFilter { input_id: Some(input_id), ..JobFilter::default() };
        crowd.assert_uses("jobs_input_ids_idx", 1, |store| {
            assert_eq!(jobs(store).list(&Scope::Platform, &filter, &first).unwrap().items.len(), count);
        });
    }
}

#[test]
fn the_users_of_a_version_are_found_along_the_index_on_versions() {
    let crowd = Crowd::of(MANY);
    let plan = a_plan_for_everything();
    let version = plan.new_version.clone().unwrap();
    jobs(&crowd.database.store()).set_up_many(&[plan, a_plan_for(a_job_of(&version))]);
    crowd.database.execute("ANALYZE jobs");
    let used = crowd.indexes_used(|store| {
        source_versions(store).delete(&Scope::Platform, version.id, WriteMode::DryRun).unwrap_err();
    });
    assert!(used.iter().all(|(index, read)| index == "jobs_source_version_id_idx" && *read <= 4), "{used:?}");
}

/// What is read beside the jobs of a page is looked up for those jobs, not read for all.
#[test]
fn the_summaries_of_a_page_are_looked_up() {
    let crowd = Crowd::of(MANY);
    let first = PageRequest::new(20, None).unwrap();
    let one = Scope::of([organisation(3)]);
    let several = Scope::of((1..=4).map(organisation));
    for scope in [Scope::Platform, one, several] {
        reset_counts(&crowd.database);
        let store = crowd.database.store();
        for _ in 0..8 {
            assert_eq!(jobs(&store).list(&scope, &JobFilter::default(), &first).unwrap().items.len(), 20);
        }
        drop(store);
        assert_eq!(rows_read(&crowd.database, "run_summaries"), 8 * 21, "{scope:?}");
    }
    reset_counts(&crowd.database);
    let store = crowd.database.store();
    for _ in 0..8 {
        jobs(&store).find_monitored(&[(Scope::Platform, crowd.job.id)]).unwrap();
    }
    drop(store);
    assert_eq!(rows_read(&crowd.database, "run_summaries"), 8);
}

/// Where there is nothing to purge, nothing is walked over.
#[test]
fn an_idle_purge_reads_next_to_nothing() {
    let crowd = Crowd::of(MANY);
    reset_counts(&crowd.database);
    let store = crowd.database.store();
    for _ in 0..8 {
        assert_eq!(store.purge(crowd.job.created_at, 1_000).unwrap(), Purged::default());
    }
    drop(store);
    // So that the counts are in.
    rows_read(&crowd.database, "sources");
    for table in ["jobs", "runs", "predictions", "run_summaries", "deleted_jobs"] {
        assert_eq!(crowd.database.count(&rows_read_of(table)), 0, "{table}");
    }
}

/// However many values a source has, no more of them are read than are counted.
#[test]
fn values_are_counted_no_further_than_told() {
    let crowd = Crowd::of(FEW);
    // Each run has one more value than the last one; the statistics do not know of any.
    crowd.database.execute(
        "INSERT INTO predictions (organisation_id, job_id, role, at, issued_at, value) \
         SELECT organisation_id, job_id, 'risk', issued_at + n * interval '1 minute', issued_at, 0.5 \
         FROM runs, generate_series(1, 20) AS n; \
         UPDATE run_summaries SET values_from = last_run_at",
    );
    let query = ValueCountQuery {
        source_id: crowd.job.source_id,
        issued_after: Some(crowd.job.created_at.plus(-TimeDelta::days(1))),
        issued_until: crowd.job.created_at.plus(TimeDelta::days(365)),
        most_values: 100,
        most_jobs: 10,
    };
    for analyzed in [false, true] {
        if analyzed {
            crowd.database.execute("ANALYZE");
        }
        reset_counts(&crowd.database);
        let store = crowd.database.store();
        for _ in 0..8 {
            let counted = runs(&store).count_values(&query).unwrap();
            assert_eq!(counted, ValueCount { values: 100, jobs: 10, is_at_least: true });
        }
        drop(store);
        for (table, most) in [("predictions", 150), ("run_summaries", 20), ("jobs", 20)] {
            let read = rows_read(&crowd.database, table) / 8;
            assert!(read <= most, "{read} rows of {table}, analyzed: {analyzed}");
        }
    }
}

/// With thousands of organisations, each of which has few rows of many.
#[test]
fn the_values_of_a_job_among_thousands_of_organisations_are_read_along_their_key() {
    let database = TestDatabase::migrated_for_counting();
    let plan = a_plan_for_everything();
    jobs(&database.store()).set_up_many(std::slice::from_ref(&plan)).remove(0).unwrap();
    let (organisation_id, job_id) = (plan.job.organisation_id, plan.job.id);
    database.execute(&format!(
        "INSERT INTO runs (organisation_id, job_id, issued_at, id, job_revision, source_version_id, succeeded, \
             message, prediction_count, predictions_digest, received_at) SELECT CASE WHEN n = 0 THEN '{organisation_id}'::uuid ELSE gen_random_uuid() END, \
         CASE WHEN n = 0 THEN '{job_id}'::uuid ELSE gen_random_uuid() END, \
         issued_at, gen_random_uuid(), 1, '{version}', true, NULL, 24, decode(repeat('00', 32), 'hex'), issued_at \
         FROM generate_series(0, 3000) AS n, LATERAL (SELECT timestamptz '2026-01-01Z' + k * interval '1 hour' AS issued_at \
         FROM generate_series(1, CASE WHEN n = 0 THEN 4000 ELSE 1 END) AS k) AS i; \
         INSERT INTO predictions SELECT organisation_id, job_id, 'risk', issued_at + hour * interval '1 hour', issued_at, hour \
         FROM runs, generate_series(1, 24) AS hour; ANALYZE runs; ANALYZE predictions",
        version = plan.job.source_version_id,
    ));
    let time = |text: &str| Timestamp::parse(text).unwrap();
    let day = PredictionQuery {
        organisation_id,
        job_id,
        role: None,
        from: Some(time("2026-03-01T00:00:00Z")),
        to: Some(time("2026-03-02T00:00:00Z")),
        issued: Issued::Until(time("2026-02-28T12:00:00Z")),
        issued_after: None,
        known_at: None,
        last_run: None,
        after: None,
        limit: 1_000,
    };
    let of_run = Issued::At(time("2026-03-01T00:00:00Z"));
    for (query, values) in [
        (day.clone(), 13),
        (PredictionQuery { role: Some(role_name("risk")), limit: 1, ..day.clone() }, 1),
        (PredictionQuery { issued: of_run, from: None, to: None, ..day }, 24),
    ] {
        reset_counts(&database);
        let store = database.store();
        for _ in 0..8 {
            assert_eq!(runs(&store).predictions(&query).unwrap().values.len(), values, "{query:?}");
        }
        drop(store);
        let read = rows_read(&database, "runs") / 8;
        assert!(read <= i64::try_from(values).unwrap(), "{read} runs for {values} values: {query:?}");
        // Of each time of the day, what was issued later than asked for is passed over.
        let read = database.count(&rows_read_of("predictions")) / 8;
        assert!(read <= 24 * 24 + 20, "{read} values for {values}: {query:?}");
    }
}

/// One day of a job that has values for months, among others that have none for that time.
#[test]
fn the_values_of_a_day_are_read_along_their_key() {
    let database = TestDatabase::migrated_for_counting();
    let plan = a_plan_for_everything();
    jobs(&database.store()).set_up_many(std::slice::from_ref(&plan)).remove(0).unwrap();
    let (organisation_id, job_id) = (plan.job.organisation_id, plan.job.id);
    // 20 jobs, 3 roles, 4,000 hours; issued each day, and an hour before it is over.
    database.execute(&format!(
        "INSERT INTO runs (organisation_id, job_id, issued_at, id, job_revision, source_version_id, succeeded, \
             message, prediction_count, predictions_digest, received_at) SELECT organisation_id, job_id, issued_at, gen_random_uuid(), 1, '{version}', true, NULL, 72, \
         decode(repeat('00', 32), 'hex'), issued_at FROM ( \
           SELECT '{organisation_id}'::uuid AS organisation_id, \
           CASE WHEN job = 0 THEN '{job_id}'::uuid ELSE gen_random_uuid() END AS job_id FROM generate_series(0, 19) AS job) AS j, \
         LATERAL (SELECT timestamptz '2026-01-01' + day * interval '1 day' AS issued_at FROM generate_series(0, 166) AS day) AS i; \
         INSERT INTO predictions SELECT organisation_id, job_id, role, issued_at + hour * interval '1 hour', issued_at, hour \
         FROM runs, generate_series(1, 24) AS hour, unnest(ARRAY['a', 'b', 'c']) AS role; \
         ANALYZE runs; ANALYZE predictions",
        version = plan.job.source_version_id,
    ));
    let time = |text: &str| Some(Timestamp::parse(text).unwrap());
    let day = PredictionQuery {
        organisation_id,
        job_id,
        role: None,
        from: time("2026-03-01T00:00:00Z"),
        to: time("2026-03-02T00:00:00Z"),
        issued: Issued::Until(Timestamp::parse("2026-07-01T00:00:00Z").unwrap()),
        issued_after: time("2026-01-02T00:00:00Z"),
        known_at: None,
        last_run: None,
        after: None,
        limit: 1_000,
    };
    let after = Some(PredictionPosition { role: role_name("b"), at: time("2026-03-01T05:00:00Z").unwrap() });
    let of_run = Issued::At(Timestamp::parse("2026-03-01T00:00:00Z").unwrap());
    for (query, values) in [
        (day.clone(), 72),
        (PredictionQuery { role: Some(role_name("b")), ..day.clone() }, 24),
        (PredictionQuery { after: after.clone(), ..day.clone() }, 18 + 24),
        (PredictionQuery { after, from: None, limit: 10, ..day.clone() }, 10),
        (PredictionQuery { issued: of_run, from: None, to: None, ..day.clone() }, 72),
    ] {
        reset_counts(&database);
        let store = database.store();
        for _ in 0..8 {
            assert_eq!(runs(&store).predictions(&query).unwrap().values.len(), values, "{query:?}");
        }
        drop(store);
        let read = rows_read(&database, "predictions") / 8;
        // The values, the first one of each role, and what is read too much at the ends.
        assert!(read <= i64::try_from(values).unwrap() * 2 + 20, "{read} rows for {values} values: {query:?}");
    }
}

/// How many rows of a table have been read, from the table or an index, since the counts were reset, by connections
/// that all have ended. Waits for the first.
fn rows_read(database: &TestDatabase, table: &str) -> i64 {
    wait_for_counts(database);
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let read = database.count(&rows_read_of(table));
        if read > 0 {
            return read;
        }
        assert!(Instant::now() < deadline, "nothing was read");
        sleep(Duration::from_millis(20));
    }
}

pub(crate) fn rows_read_of(table: &str) -> String {
    format!(
        "SELECT (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes WHERE relname = '{table}')::bigint \
         + (SELECT seq_tup_read FROM pg_stat_user_tables WHERE relname = '{table}') AS count"
    )
}
