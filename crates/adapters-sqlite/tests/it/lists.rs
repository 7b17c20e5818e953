//! Lists over many organisations are merged from one list each.

use prediction_domain::model::{Job, JobId, OrganisationId, Position, Scope};
use prediction_domain::ports::JobFilter;
use prediction_domain_testkit::builders::{a_job_of, a_plan_for};
use prediction_domain_testkit::values::{fresh_organisation_id, micros_after, page_after};

use crate::fixture::Database;

#[test]
fn a_scope_of_very_many_organisations_is_walked_in_creation_order() {
    let (database, version, first) = Database::with_a_job();
    let organisations: Vec<OrganisationId> = (0..40).map(|_| fresh_organisation_id()).collect();
    // Several jobs of a microsecond, of the same and of different organisations, in an order that is not that of creation.
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
    let mut expected: Vec<&Job> = jobs.iter().filter(|job| visible.contains(&job.organisation_id)).collect();
    expected.sort_by_key(|job| (job.created_at, job.id));
    let expected: Vec<JobId> = expected.into_iter().map(|job| job.id).collect();
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
