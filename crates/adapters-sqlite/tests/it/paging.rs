//! Lists over many organisations are merged from one list each.

use diesel::connection::SimpleConnection as _;
use prediction_adapters_sqlite::SqliteStore;
use prediction_domain::model::{Job, JobId, OrganisationId, Position, Scope};
use prediction_domain::ports::{JobFilter, JobRepository, WriteMode};
use prediction_domain_testkit::builders::{a_job_of, a_plan_for, bindings};
use prediction_domain_testkit::values::{fresh_organisation_id, micros_after, page_after};

use crate::test_database::{Database, LONG_WAIT};

#[test]
fn a_scope_of_very_many_organisations_is_walked_in_creation_order() {
    let (database, version, first) = Database::with_a_job();
    let organisations: Vec<OrganisationId> = (0..40).map(|_| fresh_organisation_id()).collect();
    // Several jobs of a microsecond, of the same and of different organisations, by a clock that jumps.
    let jobs: Vec<Job> = (0..300)
        .map(|number: usize| Job {
            organisation_id: organisations[number * 7 % organisations.len()],
            created_at: micros_after(first.created_at, i64::try_from(number * 31 % 97).unwrap()),
            ..a_job_of(&version)
        })
        .collect();
    for outcome in database.jobs().set_up_many(&jobs.iter().cloned().map(a_plan_for).collect::<Vec<_>>()) {
        outcome.unwrap();
    }
    let visible = &organisations[..30];
    let scope = Scope::of(visible.iter().copied());
    let very_many = Scope::of(visible.iter().copied().chain((0..3_000).map(|_| fresh_organisation_id())));
    let expected = jobs.iter().filter(|job| visible.contains(&job.organisation_id));
    let expected: Vec<JobId> = expected.map(|job| job.id).collect();
    assert_eq!(walk(&database, &scope, 7), expected);
    assert_eq!(walk(&database, &very_many, 200), expected);
}

fn walk(database: &Database, scope: &Scope, limit: u16) -> Vec<JobId> {
    walk_of(database, scope, &JobFilter::default(), limit)
}

fn walk_of(database: &Database, scope: &Scope, filter: &JobFilter, limit: u16) -> Vec<JobId> {
    let mut found = Vec::new();
    let mut position: Option<Position> = None;
    loop {
        let page = database.jobs().list(scope, filter, &page_after(limit, position)).unwrap();
        found.extend(page.items.iter().map(|found| found.job.id));
        position = page.next;
        if position.is_none() {
            return found;
        }
    }
}

/// Creation order is that of row ids, which SQLite does not promise to keep when the file is packed. It does, for
/// tables like these, and would keep their order in any case.
#[test]
fn a_file_that_is_packed_keeps_creation_order_and_positions() {
    let (database, version, first) = Database::with_a_job();
    let input = first.role_bindings.as_slice()[0].input_id;
    let jobs: Vec<Job> = (0..20)
        .map(|_| {
            let job = Job {
                organisation_id: first.organisation_id,
                role_bindings: bindings(&[("a", input)]),
                ..a_job_of(&version)
            };
            database.set_up(&a_plan_for(job.clone()));
            job
        })
        .collect();
    for job in jobs.iter().step_by(3) {
        database.jobs().delete(&Scope::Platform, job.id, job.revision, WriteMode::Commit).unwrap();
    }
    let own = Scope::of([first.organisation_id]);
    let users = JobFilter { input_id: Some(input), ..JobFilter::default() };
    let lists = [(&Scope::Platform, &JobFilter::default()), (&own, &users)];
    let list = |jobs: &dyn JobRepository, (scope, filter): (&Scope, &JobFilter), after| {
        jobs.list(scope, filter, &page_after(4, after)).unwrap()
    };
    let next = lists.map(|asked| list(database.jobs(), asked, None).next);
    let all = walk(&database, &Scope::Platform, 4);
    assert_eq!(all[0], first.id);
    let rest = [0, 1].map(|place| list(database.jobs(), lists[place], next[place]));
    assert_eq!(rest[0], rest[1], "all of them use the input");
    let copy = database.path().with_extension("copy");
    database.connect().batch_execute(&format!("VACUUM INTO '{}'", copy.display())).unwrap();
    database.connect().batch_execute("VACUUM").unwrap();
    assert_eq!(walk(&database, &Scope::Platform, 4), all);
    let copy = SqliteStore::open(copy, LONG_WAIT).unwrap();
    for jobs in [database.jobs(), &copy] {
        assert_eq!([0, 1].map(|place| list(jobs, lists[place], next[place])), rest);
    }
}

/// Row ids are made anew when a file is made from a dump, which operators should not do: the pages of the list still
/// belong together.
#[test]
fn pages_by_input_belong_together_whatever_becomes_of_row_ids() {
    let (database, version, first) = Database::with_a_job();
    let input = first.role_bindings.as_slice()[0].input_id;
    let mut expected = vec![first.id];
    for _ in 0..9 {
        let job = Job {
            organisation_id: first.organisation_id,
            role_bindings: bindings(&[("a", input)]),
            ..a_job_of(&version)
        };
        database.set_up(&a_plan_for(job.clone()));
        expected.push(job.id);
    }
    database.connect().batch_execute("UPDATE job_inputs SET sequence_number = sequence_number + 1000").unwrap();
    let filter = JobFilter { input_id: Some(input), ..JobFilter::default() };
    assert_eq!(walk_of(&database, &Scope::of([first.organisation_id]), &filter, 3), expected);
}
