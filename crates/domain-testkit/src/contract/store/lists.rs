use prediction_domain::model::{
    InputId, Job, JobId, Page, PageRequest, Position, Scope, Source, SourceId, SourceVersion, SourceVersionId,
    Timestamp,
};
use prediction_domain::ports::{
    DeleteSourceVersionError, JobFilter, OwnerFilter, SourceFilter, SourceVersionFilter, WriteMode,
};

use crate::Stores;
use crate::builders::{a_job_of, a_source, a_version_of, bindings};
use crate::contract::fixture::{
    assert_exactly, assert_pages, catalog, list_named, stored_job, stored_source, stored_version, versions, walk,
};
use crate::values::{
    at, first_page, fresh_input_id, fresh_organisation_id, fresh_source_id, fresh_source_version_id, job_name,
    micros_after, page_after, source_name,
};

/// Ids in ascending order that other orders (signed numbers, mixed-endian fields) would confuse.
const ASCENDING_IDS: [&str; 7] = [
    "00000000-0000-0000-0000-000000000001",
    "00000000-0000-4000-8000-0000000000ff",
    "01000000-0000-4000-8000-000000000000",
    "01890000-0000-7000-8000-000000000001",
    "7fffffff-ffff-4fff-bfff-ffffffffffff",
    "80000000-0000-4000-8000-000000000000",
    "ffffffff-ffff-ffff-ffff-ffffffffffff",
];

pub(crate) fn an_empty_store_lists_nothing(stores: &Stores) {
    assert_pages(&[], |page| sources(stores, &SourceFilter::default(), page));
    assert_pages(&[], |page| versions(stores, &SourceVersionFilter::default(), page));
    assert_pages(&[], |page| list_named(stores, &Scope::Platform, &JobFilter::default(), page));
}

pub(crate) fn sources_are_listed_in_creation_order_on_pages_of_every_size(stores: &Stores) {
    let created = shuffled(&against_ids(|created_at| Source { created_at, ..a_source() }));
    for source in &created {
        stored_source(stores, source.clone());
    }
    assert_pages(&created, |page| sources(stores, &SourceFilter::default(), page));
}

pub(crate) fn source_versions_are_listed_in_creation_order_on_pages_of_every_size(stores: &Stores) {
    let owners = [(); 2].map(|()| stored_source(stores, a_source()));
    let mut owner = owners.iter().cycle();
    let created = shuffled(&against_ids(|created_at| {
        let owner = owner.next().expect("a cycle has no end");
        SourceVersion { created_at, ..a_version_of(owner.id) }
    }));
    for version in &created {
        stored_version(stores, version.clone());
    }
    assert_pages(&created, |page| versions(stores, &SourceVersionFilter::default(), page));
    let of_first: Vec<_> = created.into_iter().filter(|version| version.source_id == owners[0].id).collect();
    let filter = SourceVersionFilter { source_id: Some(owners[0].id), stages: None, managed_by: None };
    assert_pages(&of_first, |page| versions(stores, &filter, page));
}

pub(crate) fn jobs_are_listed_in_creation_order_on_pages_of_every_size(stores: &Stores) {
    let (_, version) = catalog(stores);
    let organisations = [(); 2].map(|()| fresh_organisation_id());
    let mut owner = organisations.iter().cycle();
    let created = shuffled(&against_ids(|created_at| {
        let organisation_id = *owner.next().expect("a cycle has no end");
        Job { organisation_id, created_at, ..a_job_of(&version) }
    }));
    for job in &created {
        stored_job(stores, job.clone());
    }
    assert_pages(&created, |page| list_named(stores, &Scope::Platform, &JobFilter::default(), page));
    assert_pages(&created, |page| list_named(stores, &Scope::of(organisations), &JobFilter::default(), page));
    let of_first: Vec<_> = created.into_iter().filter(|job| job.organisation_id == organisations[0]).collect();
    assert_pages(&of_first, |page| list_named(stores, &Scope::of([organisations[0]]), &JobFilter::default(), page));
    let filter = JobFilter { organisation_id: Some(organisations[0]), ..JobFilter::default() };
    assert_pages(&of_first, |page| list_named(stores, &Scope::Platform, &filter, page));
}

pub(crate) fn sources_of_one_microsecond_are_in_creation_order(stores: &Stores) {
    let created_at = a_source().created_at;
    let created =
        ASCENDING_IDS.map(|id| Source { id: SourceId::parse(id).expect("a valid id"), created_at, ..a_source() });
    let created = shuffled(&created);
    for source in &created {
        stored_source(stores, source.clone());
    }
    assert_pages(&created, |page| sources(stores, &SourceFilter::default(), page));
}

pub(crate) fn source_versions_of_one_microsecond_are_in_creation_order(stores: &Stores) {
    let source = stored_source(stores, a_source());
    let created_at = source.created_at;
    let created = ASCENDING_IDS.map(|id| SourceVersion {
        id: SourceVersionId::parse(id).expect("a valid id"),
        created_at,
        ..a_version_of(source.id)
    });
    let created = shuffled(&created);
    for version in &created {
        stored_version(stores, version.clone());
    }
    assert_pages(&created, |page| versions(stores, &SourceVersionFilter::default(), page));
    let newest = stores.source_versions.newest(source.id).expect("versions can be read");
    assert_eq!(newest.as_ref(), created.last());
}

pub(crate) fn jobs_of_one_microsecond_are_in_creation_order(stores: &Stores) {
    let (_, version) = catalog(stores);
    let created_at = version.created_at;
    let created =
        ASCENDING_IDS.map(|id| Job { id: JobId::parse(id).expect("a valid id"), created_at, ..a_job_of(&version) });
    let created = shuffled(&created);
    for job in &created {
        stored_job(stores, job.clone());
    }
    assert_pages(&created, |page| list_named(stores, &Scope::Platform, &JobFilter::default(), page));
}

pub(crate) fn the_largest_page_holds_two_hundred(stores: &Stores) {
    let (_, version) = catalog(stores);
    let most = usize::from(PageRequest::MAX_LIMIT);
    let mut created: Vec<Job> = (0..most).map(|_| stored_job(stores, a_job_of(&version))).collect();
    let list = |page: &PageRequest| list_named(stores, &Scope::Platform, &JobFilter::default(), page);

    let page = list(&first_page(PageRequest::MAX_LIMIT));
    assert_eq!((page.items.len(), page.next), (most, None));

    created.push(stored_job(stores, a_job_of(&version)));
    let page = list(&first_page(PageRequest::MAX_LIMIT));
    assert_eq!(page.items.len(), most);
    assert!(page.next.is_some());
    assert_eq!(walk(PageRequest::MAX_LIMIT, list), created);
}

pub(crate) fn a_page_starts_behind_any_position(stores: &Stores) {
    let created: Vec<Source> = (0..5).map(|_| stored_source(stores, a_source())).collect();
    let list = |limit, after| sources(stores, &SourceFilter::default(), &page_after(limit, after));
    let expect = |position, first: usize| {
        let found = list(PageRequest::MAX_LIMIT, Some(position));
        assert_eq!(found, Page { items: created[first..].to_vec(), next: None }, "{position:?}");
    };
    // Where nothing can be: before and behind everything.
    expect(Position::behind(i64::MIN), 0);
    expect(Position::behind(i64::MAX), 5);
    let mut positions = Vec::new();
    while let Some(next) = list(1, positions.last().copied()).next {
        positions.push(next);
    }
    assert_eq!(positions.len(), 4);
    for (index, position) in positions.iter().enumerate() {
        expect(*position, index + 1);
    }
    // Where something was.
    let gone = &created[2];
    stores.sources.delete(gone.id, gone.revision, WriteMode::Commit).expect("the source is deleted");
    expect(positions[2], 3);
}

pub(crate) fn a_walk_is_stable_while_sources_come_change_and_go(stores: &Stores) {
    let created: Vec<Source> = (0..8).map(|_| stored_source(stores, a_source())).collect();
    let list = |after| sources(stores, &SourceFilter::default(), &page_after(3, after));
    let delete = |source: &Source| {
        stores.sources.delete(source.id, source.revision, WriteMode::Commit).expect("the source is deleted");
    };

    let first = list(None);
    assert_eq!(first.items, created[..3]);
    // Behind the walker's back one goes. Ahead two come, one of them by a clock that is late; one changes, one goes.
    let by_a_late_clock = Source { created_at: micros_after(created[0].created_at, -1), ..a_source() };
    let by_a_late_clock = stored_source(stores, by_a_late_clock);
    delete(&created[1]);
    let last = stored_source(stores, a_source());
    let changed = Source {
        name: source_name("Another name"),
        revision: created[4].revision.next(),
        updated_at: micros_after(last.updated_at, 1),
        ..created[4].clone()
    };
    stores.sources.update(&changed, created[4].revision, WriteMode::Commit).expect("the source is changed");
    delete(&created[5]);

    let second = list(first.next);
    assert_exactly(&second.items, &vec![created[3].clone(), changed, created[6].clone()]);
    // The one that the walker stands on goes.
    delete(&created[6]);
    let third = list(second.next);
    assert_eq!(third, Page { items: vec![created[7].clone(), by_a_late_clock, last], next: None });
}

pub(crate) fn a_walk_is_stable_while_jobs_come_change_and_go(stores: &Stores) {
    let (_, version) = catalog(stores);
    let created: Vec<Job> = (0..8).map(|_| stored_job(stores, a_job_of(&version))).collect();
    let list = |after| list_named(stores, &Scope::Platform, &JobFilter::default(), &page_after(3, after));
    let delete = |job: &Job| {
        stores.jobs.delete(&Scope::Platform, job.id, job.revision, WriteMode::Commit).expect("the job is deleted");
    };

    let first = list(None);
    assert_eq!(first.items, created[..3]);
    let by_a_late_clock = Job { created_at: micros_after(created[0].created_at, -1), ..a_job_of(&version) };
    let by_a_late_clock = stored_job(stores, by_a_late_clock);
    delete(&created[1]);
    let last = stored_job(stores, a_job_of(&version));
    let changed = Job {
        active: false,
        revision: created[4].revision.next(),
        updated_at: micros_after(last.updated_at, 1),
        ..created[4].clone()
    };
    stores.jobs.update(&changed, created[4].revision, None, WriteMode::Commit).expect("the job is changed");
    delete(&created[5]);

    let second = list(first.next);
    assert_exactly(&second.items, &vec![created[3].clone(), changed, created[6].clone()]);
    delete(&created[6]);
    let third = list(second.next);
    assert_eq!(third, Page { items: vec![created[7].clone(), by_a_late_clock, last], next: None });
}

pub(crate) fn sources_are_filtered_by_name(stores: &Stores) {
    let stored = stored_source(stores, Source { name: source_name("Straße 1"), ..a_source() });
    stored_source(stores, Source { name: source_name("Straße 10"), ..a_source() });
    let named = |name| SourceFilter { name: Some(source_name(name)), owner: None, managed_by: None };
    for name in ["Straße 1", "STRASSE 1", "strasse 1"] {
        assert_pages(std::slice::from_ref(&stored), |page| sources(stores, &named(name), page));
    }
    for name in ["Straße", "Straße %", "Straße _", "unknown"] {
        assert_pages(&[], |page| sources(stores, &named(name), page));
    }
    // Behind the only one.
    let page = sources(stores, &named("strasse 1"), &page_after(1, Some(Position::behind(i64::MAX))));
    assert_eq!(page, Page { items: Vec::new(), next: None });
}

pub(crate) fn sources_are_filtered_by_owner(stores: &Stores) {
    let [a, b, without] = [(); 3].map(|()| fresh_organisation_id());
    let owners = [None, Some(a), Some(b), Some(a), None];
    let stored = owners.map(|owner| stored_source(stores, Source { owner_organisation_id: owner, ..a_source() }));
    let of = |owner| SourceFilter { owner: Some(owner), name: None, managed_by: None };
    let those = |numbers: &[usize]| numbers.iter().map(|number| stored[*number].clone()).collect::<Vec<_>>();
    assert_pages(&those(&[0, 4]), |page| sources(stores, &of(OwnerFilter::Platform), page));
    assert_pages(&those(&[1, 3]), |page| sources(stores, &of(OwnerFilter::Organisation(a)), page));
    assert_pages(&those(&[2]), |page| sources(stores, &of(OwnerFilter::Organisation(b)), page));
    assert_pages(&[], |page| sources(stores, &of(OwnerFilter::Organisation(without)), page));
    for (owner, expected) in [(OwnerFilter::Organisation(a), &[3][..]), (OwnerFilter::Platform, &[])] {
        let both = SourceFilter { name: Some(stored[3].name.clone()), owner: Some(owner), managed_by: None };
        assert_pages(&those(expected), |page| sources(stores, &both, page));
    }

    // Handed over.
    let changed = Source { owner_organisation_id: Some(b), revision: stored[0].revision.next(), ..stored[0].clone() };
    stores.sources.update(&changed, stored[0].revision, WriteMode::Commit).expect("the source is changed");
    assert_pages(&those(&[4]), |page| sources(stores, &of(OwnerFilter::Platform), page));
    let of_b = [changed, stored[2].clone()];
    assert_pages(&of_b, |page| sources(stores, &of(OwnerFilter::Organisation(b)), page));
}

pub(crate) fn source_versions_are_filtered_by_source(stores: &Stores) {
    let (source, first) = catalog(stores);
    catalog(stores);
    let second = stored_version(stores, a_version_of(source.id));
    let empty = stored_source(stores, a_source());
    let of = |source_id| SourceVersionFilter { source_id: Some(source_id), stages: None, managed_by: None };
    assert_pages(&[first, second], |page| versions(stores, &of(source.id), page));
    for nothing in [empty.id, fresh_source_id()] {
        assert_pages(&[], |page| versions(stores, &of(nothing), page));
    }
}

pub(crate) fn jobs_are_filtered_by_every_combination_of_conditions(stores: &Stores) {
    let (source, version) = catalog(stores);
    let other_version = stored_version(stores, a_version_of(source.id));
    let (other_source, version_of_other) = catalog(stores);
    let organisations = [(); 2].map(|()| fresh_organisation_id());
    let inputs = [(); 2].map(|()| fresh_input_id());
    let mut stored = Vec::new();
    for organisation_id in organisations {
        for (number, (version, active)) in [&version, &other_version, &version_of_other]
            .into_iter()
            .flat_map(|version| [(version, true), (version, false)])
            .enumerate()
        {
            let bound: Vec<InputId> =
                [(inputs[0], 2), (inputs[1], 3)].iter().filter(|(_, n)| number % n == 0).map(|(id, _)| *id).collect();
            let bound: Vec<_> = ["temperature", "humidity"].into_iter().zip(bound).collect();
            let name = job_name(&format!("job {number}"));
            let job = Job { organisation_id, active, name, role_bindings: bindings(&bound), ..a_job_of(version) };
            stored.push(stored_job(stores, job));
        }
    }
    for organisation_id in [None, Some(organisations[0]), Some(fresh_organisation_id())] {
        for source_id in [None, Some(source.id), Some(other_source.id)] {
            for source_version_id in [None, Some(other_version.id), Some(version_of_other.id)] {
                for active in [None, Some(true), Some(false)] {
                    for name in [None, Some("job 0"), Some("job 3")] {
                        for input_id in [None, Some(inputs[0]), Some(inputs[1])] {
                            let name = name.map(job_name);
                            let filter = JobFilter {
                                organisation_id,
                                source_id,
                                source_version_id,
                                active,
                                name,
                                input_id,
                                ..JobFilter::default()
                            };
                            assert_filtered(stores, &stored, &Scope::Platform, &filter);
                            assert_filtered(stores, &stored, &Scope::of([organisations[0]]), &filter);
                        }
                    }
                }
            }
        }
    }
    let nothing = [
        JobFilter { source_id: Some(fresh_source_id()), ..JobFilter::default() },
        JobFilter { source_version_id: Some(fresh_source_version_id()), ..JobFilter::default() },
        JobFilter { name: Some(job_name("Job 0")), ..JobFilter::default() },
        JobFilter { input_id: Some(fresh_input_id()), ..JobFilter::default() },
    ];
    for filter in nothing {
        assert_pages(&[], |page| list_named(stores, &Scope::Platform, &filter, page));
    }
}

pub(crate) fn jobs_are_filtered_by_what_they_are_bound_to_now(stores: &Stores) {
    let (_, version) = catalog(stores);
    let (former, current) = (fresh_input_id(), fresh_input_id());
    let stored = stored_job(stores, Job { role_bindings: bindings(&[("temperature", former)]), ..a_job_of(&version) });
    let changed = Job {
        role_bindings: bindings(&[("temperature", current)]),
        revision: stored.revision.next(),
        ..stored.clone()
    };
    let bound_to = |input_id| JobFilter { input_id: Some(input_id), ..JobFilter::default() };
    let list = |input_id| walk(1, |page| list_named(stores, &Scope::Platform, &bound_to(input_id), page));

    stores.jobs.update(&changed, stored.revision, None, WriteMode::DryRun).expect("the job would be changed");
    assert_eq!((list(former), list(current)), (vec![stored.clone()], vec![]));
    stores.jobs.update(&changed, stored.revision, None, WriteMode::Commit).expect("the job is changed");
    assert_eq!((list(former), list(current)), (vec![], vec![changed.clone()]));
    stores.jobs.delete(&Scope::Platform, stored.id, changed.revision, WriteMode::Commit).expect("the job is deleted");
    assert_eq!((list(former), list(current)), (vec![], vec![]));
}

pub(crate) fn a_job_that_binds_an_input_twice_is_listed_once(stores: &Stores) {
    let (_, version) = catalog(stores);
    let input_id = fresh_input_id();
    let role_bindings = || bindings(&[("a", input_id), ("b", fresh_input_id()), ("c", input_id)]);
    let stored = [(); 3].map(|()| stored_job(stores, Job { role_bindings: role_bindings(), ..a_job_of(&version) }));
    let filter = JobFilter { input_id: Some(input_id), ..JobFilter::default() };
    assert_pages(&stored, |page| list_named(stores, &Scope::Platform, &filter, page));
}

pub(crate) fn jobs_are_listed_within_the_scope(stores: &Stores) {
    let (_, version) = catalog(stores);
    let [a, b, c] = [(); 3].map(|()| stored_job(stores, a_job_of(&version)));
    let list = |scope: &Scope| walk(1, |page| list_named(stores, scope, &JobFilter::default(), page));
    assert_eq!(list(&Scope::Platform), [a.clone(), b.clone(), c.clone()]);
    assert_eq!(list(&Scope::of([a.organisation_id, c.organisation_id])), [a, c]);
    assert_eq!(list(&Scope::of([b.organisation_id, fresh_organisation_id()])), [b]);
    assert_eq!(list(&Scope::of([fresh_organisation_id()])), []);
    assert_eq!(list(&Scope::of([])), []);
}

pub(crate) fn a_scope_may_hold_a_thousand_organisations(stores: &Stores) {
    let (_, version) = catalog(stores);
    let [first, second, hidden] = [(); 3].map(|()| stored_job(stores, a_job_of(&version)));
    let others = (0..998).map(|_| fresh_organisation_id());
    let scope = Scope::of(others.chain([first.organisation_id, second.organisation_id]));
    let wanted = [&first, &hidden, &second].map(|job| (scope.clone(), job.id));
    let found = stores.jobs.find_many(&wanted).expect("jobs can be read");
    assert_eq!(found, [Some(first.clone()), None, Some(second.clone())]);
    assert_pages(&[first.clone(), second.clone()], |page| list_named(stores, &scope, &JobFilter::default(), page));
    let error = stores.source_versions.delete(&scope, version.id, WriteMode::Commit).expect_err("jobs use the version");
    assert!(
        matches!(&error, DeleteSourceVersionError::InUse { jobs: 3, visible } if visible[..] == [first.id, second.id]),
        "{error:?}"
    );
    stores.jobs.delete(&scope, first.id, first.revision, WriteMode::Commit).expect("the job is deleted");
}

pub(crate) fn an_organisation_outside_the_scope_lists_nothing(stores: &Stores) {
    let (_, version) = catalog(stores);
    let [mine, theirs] = [(); 2].map(|()| stored_job(stores, a_job_of(&version)));
    let filter = JobFilter { organisation_id: Some(theirs.organisation_id), ..JobFilter::default() };
    let list = |scope: &Scope| walk(1, |page| list_named(stores, scope, &filter, page));
    assert_eq!(list(&Scope::of([mine.organisation_id])), []);
    assert_eq!(list(&Scope::of([])), []);
    assert_eq!(list(&Scope::of([theirs.organisation_id])), std::slice::from_ref(&theirs));
    assert_eq!(list(&Scope::Platform), [theirs]);
}

fn sources(stores: &Stores, filter: &SourceFilter, page: &PageRequest) -> Page<Source> {
    stores.sources.list(filter, page).expect("sources can be listed")
}

/// Items in creation order, of which each has a greater id than the next one: callers may choose ids.
fn against_ids<T>(mut item: impl FnMut(Timestamp) -> T) -> Vec<T> {
    let time = at("2026-06-01T12:00:00Z");
    let mut items: Vec<T> = (0..7).rev().map(|number| item(micros_after(time, number))).collect();
    items.reverse();
    items
}

/// The same items, in an order that is neither ascending nor descending.
fn shuffled<T: Clone>(items: &[T]) -> Vec<T> {
    let (even, odd): (Vec<_>, Vec<_>) = items.iter().cloned().enumerate().partition(|(index, _)| index % 2 == 0);
    odd.into_iter().rev().chain(even).map(|(_, item)| item).collect()
}

#[track_caller]
fn assert_filtered(stores: &Stores, stored: &[Job], scope: &Scope, filter: &JobFilter) {
    let found = walk(5, |page| list_named(stores, scope, filter, page));
    let expected = stored.iter().filter(|job| {
        scope.contains(job.organisation_id)
            && filter.organisation_id.is_none_or(|id| id == job.organisation_id)
            && filter.source_id.is_none_or(|id| id == job.source_id)
            && filter.source_version_id.is_none_or(|id| id == job.source_version_id)
            && filter.active.is_none_or(|active| active == job.active)
            && filter.name.as_ref().is_none_or(|name| *name == job.name)
            && filter.input_id.is_none_or(|id| job.role_bindings.iter().any(|binding| binding.input_id == id))
    });
    assert_eq!(found.iter().collect::<Vec<_>>(), expected.collect::<Vec<_>>(), "{scope:?} {filter:?}");
}
