//! What is read for an organisation follows from what it has: neither time nor work tells what others have.

use std::thread::sleep;
use std::time::{Duration, Instant};

use prediction_domain::model::{InputId, OrganisationId, PageRequest, Scope, Timestamp};
use prediction_domain::ports::{JobFilter, JobRepository};
use prediction_domain_testkit::builders::a_plan_for_everything;
use prediction_domain_testkit::values::job_name;

use crate::query_plans::reset_counts;
use crate::test_database::{TestDatabase, jobs};

/// Organisations that have nothing to do with the input, and ask for it.
const STRANGERS: u32 = 40;
/// How many jobs of others use it.
const FOREIGN_USES: u32 = 30_000;

const USED: &str = "88888888-8888-8888-8888-888888888888";
const UNUSED: &str = "99999999-9999-9999-9999-999999999999";

/// 50 jobs of each stranger with inputs of their own, among 30,000 of three others, all of which have the one input and
/// one name in each organisation.
fn crowd() -> TestDatabase {
    let database = TestDatabase::migrated_for_counting();
    let plan = a_plan_for_everything();
    jobs(&database.store()).set_up_many(std::slice::from_ref(&plan)).remove(0).unwrap();
    database.execute(&format!(
        "CREATE FUNCTION org(n bigint) RETURNS uuid LANGUAGE sql AS $$ SELECT ('00000000-0000-0000-0000-' || lpad(n::text, 12, '0'))::uuid $$; \
         INSERT INTO jobs (organisation_id, id, source_id, source_version_id, name, active, role_bindings, outputs, revision, created_at, updated_at) \
         SELECT org(organisation), gen_random_uuid(), source_id, source_version_id, job_name, true, \
           jsonb_build_array(jsonb_build_object('role', 'a', 'input_id', input_id, 'input_type', 'sensor')), outputs, 1, created_at, updated_at \
         FROM (SELECT * FROM jobs LIMIT 1) AS template CROSS JOIN ( \
           SELECT n % {STRANGERS} + 1 AS organisation, gen_random_uuid()::text AS input_id, 'own ' || n AS name FROM generate_series(1, {STRANGERS} * 50) AS n \
           UNION ALL SELECT 1000 + n % 3, '{USED}', 'foreign ' || n FROM generate_series(1, {FOREIGN_USES}) AS n \
         ) AS others (organisation, input_id, job_name); \
         ANALYZE jobs; ANALYZE job_inputs"
    ));
    database
}

fn organisation(number: u32) -> OrganisationId {
    OrganisationId::parse(&format!("00000000-0000-0000-0000-{number:012}")).unwrap()
}

/// How many pages of tables and indexes were touched by what every stranger asks.
fn pages_read(database: &TestDatabase, ask: impl Fn(&dyn JobRepository, OrganisationId)) -> i64 {
    reset_counts(database);
    let store = database.store();
    for stranger in 1..=STRANGERS {
        ask(jobs(&store), organisation(stranger));
    }
    drop(store);
    let touched = "SELECT (SELECT coalesce(sum(heap_blks_read + heap_blks_hit + idx_blks_read + idx_blks_hit + coalesce(toast_blks_hit, 0)), 0) \
                   FROM pg_statio_user_tables WHERE relname IN ('jobs', 'job_inputs', 'run_summaries', 'sources'))::bigint AS count";
    // The counts are handed in when the connections end, a moment after they were closed.
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let pages = database.count(touched);
        if pages > 0 {
            return pages;
        }
        assert!(Instant::now() < deadline, "nothing was read");
        sleep(Duration::from_millis(20));
    }
}

/// 0 against 30,000 foreign uses: the same work on the average of many strangers, however it is asked for.
#[test]
fn work_does_not_tell_whether_others_use_an_input() {
    let database = crowd();
    let [used, unused] = [USED, UNUSED].map(|id| InputId::parse(id).unwrap());
    let page = PageRequest::new(20, None).unwrap();
    let now = Timestamp::parse("2026-06-01T00:00:00Z").unwrap();
    for is_of_two in [false, true] {
        let scope = |stranger| {
            if is_of_two { Scope::of([stranger, organisation(STRANGERS + 1)]) } else { Scope::of([stranger]) }
        };
        let listed = |input_id| {
            let filter = JobFilter { input_id: Some(input_id), ..JobFilter::default() };
            pages_read(&database, |jobs, stranger| {
                assert_eq!(jobs.list(&scope(stranger), &filter, &page).unwrap().items, []);
            })
        };
        let counted = |input_id| {
            let filter = JobFilter { input_id: Some(input_id), ..JobFilter::default() };
            pages_read(&database, |jobs, stranger| {
                jobs.count_by_health(&scope(stranger), &filter, now).unwrap();
            })
        };
        for (what, of_used, of_unused) in
            [("listed", listed(used), listed(unused)), ("counted", counted(used), counted(unused))]
        {
            // A page more or less for each, since the two keys are at different places of the index.
            let is_alike = (of_used - of_unused).abs() <= i64::from(STRANGERS) * 2;
            assert!(is_alike, "{what}, {is_of_two}: {of_used} pages against {of_unused}");
            assert!(of_used <= i64::from(STRANGERS) * 30, "{what}, {is_of_two}: {of_used} pages");
        }
    }
}

#[test]
fn work_does_not_tell_whether_others_have_a_name_or_run_a_version() {
    let database = crowd();
    let page = PageRequest::new(20, None).unwrap();
    let name = |text: &str| JobFilter { name: Some(job_name(text)), ..JobFilter::default() };
    for is_of_two in [false, true] {
        for filter in [name("foreign 1"), name("of no organisation")] {
            let pages = pages_read(&database, |jobs, stranger| {
                let scope =
                    if is_of_two { Scope::of([stranger, organisation(STRANGERS + 1)]) } else { Scope::of([stranger]) };
                assert_eq!(jobs.list(&scope, &filter, &page).unwrap().items, []);
            });
            assert!(pages <= i64::from(STRANGERS) * 30, "{pages} pages");
        }
    }
    let version = jobs(&database.store()).list(&Scope::Platform, &JobFilter::default(), &page).unwrap().items.remove(0);
    let filter = JobFilter { source_version_id: Some(version.job.source_version_id), ..JobFilter::default() };
    let pages = pages_read(&database, |jobs, stranger| {
        assert_eq!(jobs.list(&Scope::of([stranger]), &filter, &page).unwrap().items.len(), 20);
    });
    assert!(pages <= i64::from(STRANGERS) * 200, "{pages} pages");
}

/// 10,000 jobs of the organisation use the input: neither a page of them nor the one of a name reads more than it
/// shows.
#[test]
fn a_page_by_input_costs_what_is_on_it_however_many_its_own_uses_are() {
    let database = crowd();
    let page = PageRequest::new(20, None).unwrap();
    let owner = organisation(1000);
    let by_input = JobFilter { input_id: Some(InputId::parse(USED).unwrap()), ..JobFilter::default() };
    let named = JobFilter { name: Some(job_name("foreign 9999")), ..by_input.clone() };
    let other = JobFilter { input_id: Some(InputId::parse(UNUSED).unwrap()), ..named.clone() };
    for is_of_two in [false, true] {
        let scope = if is_of_two { Scope::of([owner, organisation(1)]) } else { Scope::of([owner]) };
        for (filter, found, most) in [(&by_input, 20, 300), (&named, 1, 30), (&other, 0, 30)] {
            let pages = pages_read(&database, |jobs, _| {
                assert_eq!(jobs.list(&scope, filter, &page).unwrap().items.len(), found);
            });
            assert!(pages <= i64::from(STRANGERS) * most, "{is_of_two}, {filter:?}: {pages} pages");
        }
    }
}
