//! Reading single jobs and lists, and what is shown beside them.

use prediction_domain::model::{AccessDenied, Job, JobId, Permission, Scope};
use prediction_domain::ports::{JobFilter, MockStore};
use prediction_domain::requests::SetUpDraft;
use prediction_domain::use_cases::{
    Expanded, Expansion, JobQuery, UseCaseError, expand_jobs, get_jobs, get_source, get_source_version,
};
use prediction_domain_testkit::values::{first_page, fresh_source_version_id};

use crate::world::{
    CHOSEN, NOWHERE, OTHER_ORGANISATION, World, caller, customer, everything, given, jobs_listed, operator,
    organisation, ports_of, source_id,
};

#[test]
fn jobs_that_wait_together_are_answered_each_in_its_scope() {
    let world = World::new();
    let own = world.set_up(everything()).unwrap().job;
    let other = SetUpDraft { organisation_id: given(OTHER_ORGANISATION), ..everything() };
    let other = world.set_up(other).unwrap().job;
    let customer = customer(&[Permission::JobsRead]);
    let query = |caller, id| JobQuery::new(caller, id).unwrap();
    let missing = JobId::parse(NOWHERE).unwrap();
    let answers = get_jobs(
        &world.ports,
        &[
            query(&customer, other.id),
            query(&customer, own.id),
            query(&operator(), other.id),
            query(&customer, missing),
            query(&customer, own.id),
        ],
    );
    let answers: Vec<Option<Job>> = answers.unwrap().into_iter().map(|found| found.map(|found| found.job)).collect();
    assert_eq!(answers, [None, Some(own.clone()), Some(other), None, Some(own)]);
    assert_eq!(get_jobs(&world.ports, &[]).unwrap(), []);
}

#[test]
fn lists_are_of_the_callers_scope_and_a_filter_may_not_leave_it() {
    let world = World::new();
    let own = world.set_up(everything()).unwrap().job;
    world.set_up(SetUpDraft { organisation_id: given(OTHER_ORGANISATION), ..everything() }).unwrap();
    let (customer, operator) = (customer(&[Permission::JobsRead]), operator());
    let list = |caller, filter: &JobFilter| {
        let page = jobs_listed(&world.ports, caller, filter.clone(), None, &first_page(50))?;
        Ok::<_, UseCaseError>(page.items.into_iter().map(|judged| judged.job).collect::<Vec<_>>())
    };
    assert_eq!(list(&customer, &JobFilter::default()).unwrap(), std::slice::from_ref(&own));
    assert_eq!(list(&operator, &JobFilter::default()).unwrap().len(), 2);
    let of = |organisation_id| JobFilter { organisation_id: Some(organisation_id), ..JobFilter::default() };
    assert_eq!(list(&customer, &of(organisation())).unwrap(), [own]);
    let stranger = caller(&Permission::ALL, Scope::of([]));
    assert_eq!(list(&stranger, &JobFilter::default()).unwrap(), []);
    match list(&stranger, &of(organisation())) {
        Err(UseCaseError::Denied(denied)) => {
            assert_eq!(denied, AccessDenied::OrganisationOutOfScope { organisation_id: organisation() });
        }
        other => panic!("not denied: {other:?}"),
    }
}

#[test]
fn what_is_shown_beside_jobs_is_asked_for_once() {
    let world = World::new();
    let first = world.set_up(everything()).unwrap();
    let second = SetUpDraft { organisation_id: given(OTHER_ORGANISATION), ..everything() };
    let jobs = [first.job, world.set_up(second).unwrap().job];
    let expand = |source, source_version| {
        expand_jobs(&world.ports, &operator(), &jobs, Expansion { source, source_version, ..Expansion::default() })
            .unwrap()
    };
    assert_eq!(expand(false, false), Expanded::default());
    let expanded = expand(true, true);
    assert_eq!(expanded.sources.into_values().collect::<Vec<_>>(), std::slice::from_ref(&first.source));
    assert_eq!(expanded.source_versions.into_values().collect::<Vec<_>>(), std::slice::from_ref(&first.source_version));
    assert!(expand(true, false).source_versions.is_empty());

    let mut mocks = MockStore::default();
    let (source, version) = (first.source, first.source_version);
    mocks
        .sources
        .expect_find_many()
        .withf(|ids| ids.len() == 1)
        .times(1)
        .returning(move |_| Ok(vec![Some(source.clone())]));
    mocks
        .source_versions
        .expect_find_many()
        .withf(|ids| ids.len() == 1)
        .times(1)
        .returning(move |_| Ok(vec![Some(version.clone())]));
    let expanded = expand_jobs(
        &ports_of(mocks),
        &operator(),
        &jobs,
        Expansion { source: true, source_version: true, ..Expansion::default() },
    )
    .unwrap();
    assert_eq!((expanded.sources.len(), expanded.source_versions.len()), (1, 1));
}

#[test]
fn what_is_not_there_is_not_found() {
    let World { ports, .. } = World::new();
    assert!(matches!(get_source(&ports, source_id(CHOSEN)), Err(UseCaseError::NotFound)));
    assert!(matches!(get_source_version(&ports, fresh_source_version_id()), Err(UseCaseError::NotFound)));
}
