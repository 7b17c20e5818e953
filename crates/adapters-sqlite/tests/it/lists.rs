//! Lists over many organisations are merged from one list each.

use diesel::connection::SimpleConnection as _;
use prediction_domain::model::{Job, JobId, OrganisationId, Position, Scope};
use prediction_domain::ports::{JobFilter, WriteMode};
use prediction_domain_testkit::builders::{a_job_of, a_plan_for};
use prediction_domain_testkit::values::{fresh_organisation_id, micros_after, page_after};

use crate::fixture::Database;

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
    let mut found = Vec::new();
    let mut position: Option<Position> = None;
    loop {
        let page = database.jobs().list(scope, &JobFilter::default(), &page_after(limit, position)).unwrap();
        found.extend(page.items.iter().map(|found| found.job.id));
        position = page.next;
        if position.is_none() {
            return found;
        }
    }
}

/// Creation order is that of row ids, which SQLite does not promise to keep when the file is packed. It does, for tables like these,
/// and would keep their order in any case.
#[test]
fn a_file_that_is_packed_keeps_creation_order_and_positions() {
    let (database, version, first) = Database::with_a_job();
    let jobs: Vec<Job> = (0..20).map(|_| database.set_up_job(&version)).collect();
    for job in jobs.iter().step_by(3) {
        database.jobs().delete(&Scope::Platform, job.id, job.revision, WriteMode::Commit).unwrap();
    }
    let list = |after| database.jobs().list(&Scope::Platform, &JobFilter::default(), &page_after(4, after)).unwrap();
    let next = list(None).next;
    let (before, rest) = (walk(&database, &Scope::Platform, 4), list(next));
    assert_eq!(before[0], first.id);
    database.connect().batch_execute("VACUUM").unwrap();
    assert_eq!(walk(&database, &Scope::Platform, 4), before);
    assert_eq!(list(next), rest);
}
