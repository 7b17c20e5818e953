//! What cases begin with, and how they look at a store.

use std::fmt::Debug;
use std::sync::Barrier;
use std::thread;

use prediction_domain::model::{
    Input, Job, JobId, MonitoredJob, Page, PageRequest, Scope, Source, SourceId, SourceVersion, SourceVersionId,
};
use prediction_domain::ports::{
    InputFilter, JobFilter, JobSetUp, JobSetUpOutcome, JobSetUpRejected, SourceFilter, SourceVersionFilter, WriteMode,
};

use crate::Stores;
use crate::builders::{a_job_of, a_plan_for, a_source, a_version_of};
use crate::values::{first_page, page_after};

/// Text that stores have got wrong: scripts, quotes, escapes, look-alikes of nothing, patterns and markup.
pub(crate) const TEXTS: [&str; 20] = [
    "Rebstock-Überwachung № 5",
    "葡萄の病気",
    "مراقبة الكرم",
    "👩‍🌾🍇\u{1F1E8}\u{1F1ED}",
    "a\"b'c`d",
    "back\\slash \\n \\u0041 \\x41",
    "{a,b}",
    "{\"a\": [1]}",
    "NULL",
    "undefined",
    "\\N",
    "100%_?*",
    "$1 :name @p ? ;",
    "'); DROP TABLE job; --",
    "<b>&amp;</b>",
    "e\u{301} is not \u{e9}",
    "a\u{a0}b\u{2003}c\u{200b}d",
    "line\u{2028}separator",
    "\u{fffd}\u{fffe}\u{10ffff}",
    "0",
];

pub(crate) fn stored_source(stores: &Stores, source: Source) -> Source {
    // A dry run leaves nothing that would be in the way.
    stores.sources.insert(&source, WriteMode::DryRun).expect("the source could be stored");
    stores.sources.insert(&source, WriteMode::Commit).expect("the source is stored");
    source
}

pub(crate) fn stored_version(stores: &Stores, version: SourceVersion) -> SourceVersion {
    stores.source_versions.insert(&version, WriteMode::DryRun).expect("the version could be stored");
    stores.source_versions.insert(&version, WriteMode::Commit).expect("the version is stored");
    version
}

pub(crate) fn stored_job(stores: &Stores, job: Job) -> Job {
    assert_eq!(set_up(stores, &a_plan_for(job.clone())).expect("the job is stored"), JobSetUpOutcome::Created);
    job
}

/// A stored source with a stored version.
pub(crate) fn catalog(stores: &Stores) -> (Source, SourceVersion) {
    let source = stored_source(stores, a_source());
    let version = stored_version(stores, a_version_of(source.id));
    (source, version)
}

/// A stored job with a source and a version of its own.
pub(crate) fn any_job(stores: &Stores) -> Job {
    let (_, version) = catalog(stores);
    stored_job(stores, a_job_of(&version))
}

pub(crate) fn set_up(stores: &Stores, plan: &JobSetUp) -> Result<JobSetUpOutcome, JobSetUpRejected> {
    let [outcome] =
        <[_; 1]>::try_from(stores.jobs.set_up_many(std::slice::from_ref(plan))).expect("one plan has one outcome");
    outcome
}

pub(crate) fn source(stores: &Stores, id: SourceId) -> Option<Source> {
    let [found] = <[_; 1]>::try_from(stores.sources.find_many(&[id]).expect("sources can be read"))
        .expect("one id has one answer");
    found
}

pub(crate) fn version(stores: &Stores, id: SourceVersionId) -> Option<SourceVersion> {
    let [found] = <[_; 1]>::try_from(stores.source_versions.find_many(&[id]).expect("versions can be read"))
        .expect("one id has one answer");
    found
}

pub(crate) fn job(stores: &Stores, id: JobId) -> Option<Job> {
    job_within(stores, Scope::Platform, id)
}

pub(crate) fn job_within(stores: &Stores, scope: Scope, id: JobId) -> Option<Job> {
    let [found] = <[_; 1]>::try_from(stores.jobs.find_many(&[(scope, id)]).expect("jobs can be read"))
        .expect("one id has one answer");
    found
}

/// Everything that is stored.
#[derive(Debug)]
#[expect(dead_code, reason = "read by its Debug form only")]
pub(crate) struct Contents {
    sources: Vec<Source>,
    versions: Vec<SourceVersion>,
    jobs: Vec<Job>,
    inputs: Vec<Input>,
}

pub(crate) fn contents(stores: &Stores) -> Contents {
    Contents {
        sources: all_sources(stores),
        versions: all_versions(stores),
        jobs: all_jobs(stores),
        inputs: first_inputs(stores),
    }
}

pub(crate) fn first_inputs(stores: &Stores) -> Vec<Input> {
    let page = first_page(PageRequest::MAX_LIMIT);
    stores.inputs.list(&Scope::Platform, &InputFilter::default(), &page).expect("inputs can be listed").items
}

pub(crate) fn all_sources(stores: &Stores) -> Vec<Source> {
    walk(PageRequest::MAX_LIMIT, |page| {
        stores.sources.list(&SourceFilter::default(), page).expect("sources can be listed")
    })
}

pub(crate) fn all_versions(stores: &Stores) -> Vec<SourceVersion> {
    walk(PageRequest::MAX_LIMIT, |page| {
        stores.source_versions.list(&SourceVersionFilter::default(), page).expect("versions can be listed")
    })
}

pub(crate) fn all_jobs(stores: &Stores) -> Vec<Job> {
    walk(PageRequest::MAX_LIMIT, |page| list_jobs(stores, &Scope::Platform, &JobFilter::default(), page))
}

/// A page of jobs, without what is to be known to judge their health.
pub(crate) fn list_jobs(stores: &Stores, scope: &Scope, filter: &JobFilter, page: &PageRequest) -> Page<Job> {
    let Page { items, next } = stores.jobs.list(scope, filter, page).expect("jobs can be listed");
    Page { items: items.into_iter().map(|found| found.job).collect(), next }
}

/// The same, where nobody writes at the same time: compared with the list of their names.
pub(crate) fn list_named(stores: &Stores, scope: &Scope, filter: &JobFilter, page: &PageRequest) -> Page<Job> {
    let Page { items, next } = list_monitored(stores, scope, filter, page);
    Page { items: items.into_iter().map(|found| found.job).collect(), next }
}

/// A page of jobs, which is the one that the list of their names has.
pub(crate) fn list_monitored(
    stores: &Stores,
    scope: &Scope,
    filter: &JobFilter,
    page: &PageRequest,
) -> Page<MonitoredJob> {
    let found = stores.jobs.list(scope, filter, page).expect("jobs can be listed");
    let mut names = Vec::new();
    let mut after = page.after;
    loop {
        let part = stores.jobs.names(scope, filter, after, found.items.len() + 1).expect("names can be listed");
        assert!(part.names.iter().all(|named| after.is_none_or(|after| named.position > after)));
        assert!(part.next.is_none_or(|next| after.is_none_or(|after| next > after)), "each part goes on");
        names.extend(part.names);
        after = part.next;
        if names.len() > found.items.len() || after.is_none() {
            break;
        }
    }
    assert_eq!(names.len() > found.items.len(), found.next.is_some(), "{scope:?} {filter:?}");
    names.truncate(found.items.len());
    let named = names.iter().map(|named| (named.organisation_id, named.id, &named.name));
    let jobs = found.items.iter().map(|MonitoredJob { job, .. }| (job.organisation_id, job.id, &job.name));
    assert!(named.eq(jobs), "{scope:?} {filter:?}: {names:?}");
    if let Some(next) = found.next {
        assert_eq!(names.last().map(|named| named.position), Some(next));
    }
    found
}

/// All pages of a list, one after the other.
pub(crate) fn walk<T>(limit: u16, list: impl Fn(&PageRequest) -> Page<T>) -> Vec<T> {
    let mut page = list(&first_page(limit));
    let mut after = None;
    let mut items = Vec::new();
    loop {
        assert!(page.items.len() <= usize::from(limit), "a page holds no more than was asked for");
        items.append(&mut page.items);
        let Some(next) = page.next else {
            return items;
        };
        assert!(after.is_none_or(|after| after < next), "each page starts behind the one before");
        after = Some(next);
        page = list(&page_after(limit, after));
        assert!(!page.items.is_empty(), "a page that is followed by nothing is the last one");
    }
}

/// Fails unless both are the same in every detail.
///
/// Contracts and bindings are equal whatever their order, but stores keep the order: so it is the `Debug` forms that
/// are compared, which show everything.
#[track_caller]
pub(crate) fn assert_exactly<T: Debug>(found: &T, expected: &T) {
    let (found, expected) = (format!("{found:#?}"), format!("{expected:#?}"));
    assert!(found == expected, "found {found}\nexpected {expected}");
}

/// Fails unless the store holds the same before and after.
#[track_caller]
pub(crate) fn assert_nothing_changes<T>(stores: &Stores, act: impl FnOnce() -> T) -> T {
    let before = contents(stores);
    let result = act();
    assert_exactly(&contents(stores), &before);
    result
}

/// Calls the same function in many threads that start together.
pub(crate) fn at_once<T: Send>(count: usize, act: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let start = Barrier::new(count);
    let (start, act) = (&start, &act);
    thread::scope(|scope| {
        let threads: Vec<_> = (0..count)
            .map(|number| {
                scope.spawn(move || {
                    start.wait();
                    act(number)
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("no call panics")).collect()
    })
}

pub(crate) fn versions(stores: &Stores, filter: &SourceVersionFilter, page: &PageRequest) -> Page<SourceVersion> {
    stores.source_versions.list(filter, page).expect("versions can be listed")
}

/// Walks the list with pages of every size, and compares each page.
#[track_caller]
pub(crate) fn assert_pages<T: Clone + Debug, Place: Copy>(
    expected: &[T],
    list: impl Fn(&PageRequest<Place>) -> Page<T, Place>,
) {
    let most = u16::try_from(expected.len()).expect("few items") + 1;
    for limit in (1..=most).chain([PageRequest::MAX_LIMIT]) {
        let mut after = None;
        for start in (0..expected.len().max(1)).step_by(usize::from(limit)) {
            let page = list(&page_after(limit, after));
            let end = expected.len().min(start + usize::from(limit));
            assert_exactly(&page.items, &expected[start..end].to_vec());
            assert_eq!(page.next.is_some(), end < expected.len(), "limit {limit}, items {start}..{end}");
            after = page.next;
        }
    }
}
