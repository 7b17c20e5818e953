//! Pages end by what their items weigh, alike in all stores.

use std::fmt::Debug;

use prediction_domain::model::{
    Job, MonitoredJob, Page, PageRequest, Run, RunStatus, Scope, Source, SourceVersion, SourceVersionHead, Weight,
};
use prediction_domain::ports::{JobFilter, RunFilter, SourceFilter, SourceVersionFilter, WriteMode};

use crate::Stores;
use crate::builders::{a_contract, a_job_of, a_run_of, a_source, a_version_of, bindings};
use crate::contract::fixture::{stored_job, stored_source, stored_version};
use crate::values::{description, fresh_input_id, micros_after};

/// Texts of sizes that meet budgets and batches in every way: many small ones, then larger and larger, then small
/// again.
fn texts() -> impl Iterator<Item = String> {
    [1, 1, 9_000, 10_000, 10_000, 4, 10_000, 1].into_iter().cycle().take(90).map(|size| "x".repeat(size))
}

/// Budgets of which none is a multiple of a weight.
const BUDGETS: [usize; 4] = [1, 11_111, 54_321, PageRequest::BUDGET];

/// Walks through a list with several budgets. Each page holds as much as it may, and the pages together hold
/// everything.
fn assert_weighed<T: Weight + PartialEq + Debug, Place: Copy>(
    all: &[T],
    list: impl Fn(&PageRequest<Place>) -> Page<T, Place>,
) {
    for budget in BUDGETS {
        for limit in [3, 200] {
            let mut place = 0;
            let mut after = None;
            loop {
                let request = PageRequest::new(limit, after).expect("a valid limit").within(budget);
                let page = list(&request);
                let mut weight = 0;
                let fits = |item: &&T| {
                    weight += item.weight();
                    weight <= budget
                };
                let fitting = all[place..].iter().take(limit.into()).take_while(fits).count();
                let end = all.len().min(place + fitting.max(1));
                assert_eq!(page.items, all[place..end], "from {place} on, {limit} of {budget} bytes");
                assert_eq!(page.next.is_some(), end < all.len(), "from {place} on, {limit} of {budget} bytes");
                place = end;
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
            assert_eq!(place, all.len());
        }
    }
}

pub(crate) fn pages_of_sources_end_by_weight(stores: &Stores) {
    let all: Vec<Source> = texts()
        .map(|text| stored_source(stores, Source { description: Some(description(&text)), ..a_source() }))
        .collect();
    assert_weighed(&all, |page| stores.sources.list(&SourceFilter::default(), page).expect("sources can be listed"));
}

pub(crate) fn pages_of_source_versions_end_by_weight(stores: &Stores) {
    let source = stored_source(stores, a_source());
    let version = |text: String| SourceVersion {
        description: Some(description(&text)),
        contract: a_contract(),
        ..a_version_of(source.id)
    };
    let all: Vec<SourceVersion> = texts().map(|text| stored_version(stores, version(text))).collect();
    for filter in
        [None, Some(source.id)].map(|source_id| SourceVersionFilter { source_id, stages: None, managed_by: None })
    {
        assert_weighed(&all, |page| stores.source_versions.list(&filter, page).expect("versions can be listed"));
        let heads: Vec<SourceVersionHead> = all.iter().cloned().map(SourceVersionHead::from).collect();
        assert_weighed(&heads, |page| {
            stores.source_versions.list_heads(&filter, page).expect("versions can be listed")
        });
    }
}

pub(crate) fn pages_of_jobs_and_revisions_end_by_weight(stores: &Stores) {
    let source = stored_source(stores, a_source());
    let version = stored_version(stores, a_version_of(source.id));
    let roles: Vec<String> = (0..200).map(|number| format!("role {number} {}", "x".repeat(80))).collect();
    let bound = |count: usize| {
        let input = fresh_input_id();
        bindings(&roles[..count].iter().map(|role| (role.as_str(), input)).collect::<Vec<_>>())
    };
    let counts = [0, 1, 200, 3, 200, 200, 2, 90];
    let jobs: Vec<Job> = (0..72)
        .map(|number| Job { role_bindings: bound(counts[number % counts.len()]), ..a_job_of(&version) })
        .map(|job| stored_job(stores, job))
        .collect();
    let wanted: Vec<(Scope, _)> = jobs.iter().map(|job| (Scope::Platform, job.id)).collect();
    let all = stores.jobs.find_monitored(&wanted).expect("jobs can be read");
    let all: Vec<MonitoredJob> = all.into_iter().map(|job| job.expect("it is there")).collect();
    let organisations = Scope::of(jobs.iter().map(|job| job.organisation_id));
    for scope in [Scope::Platform, organisations] {
        assert_weighed(&all, |page| stores.jobs.list(&scope, &JobFilter::default(), page).expect("jobs can be listed"));
    }

    let mut job = jobs[0].clone();
    for number in 0..70 {
        let changed = Job {
            role_bindings: bound(counts[number % counts.len()]),
            revision: job.revision.next(),
            updated_at: micros_after(job.updated_at, 1),
            ..job.clone()
        };
        stores.jobs.update(&changed, job.revision, None, WriteMode::Commit).expect("the job is changed");
        job = changed;
    }
    let revisions = |page: &PageRequest<_>| {
        stores.jobs.revisions(job.organisation_id, job.id, page).expect("revisions can be listed")
    };
    let all = revisions(&PageRequest::new(200, None).expect("a valid limit").within(usize::MAX)).items;
    assert_eq!(all.len(), 71);
    assert_weighed(&all, revisions);
}

pub(crate) fn pages_of_runs_end_by_weight(stores: &Stores) {
    let source = stored_source(stores, a_source());
    let job = stored_job(stores, a_job_of(&stored_version(stores, a_version_of(source.id))));
    let mut all: Vec<Run> = texts()
        .zip(0..)
        .map(|(text, micros)| {
            let issued_at = micros_after(job.created_at, micros);
            let message = Some(description(&text));
            Run { issued_at, received_at: issued_at, status: RunStatus::Failed, message, ..a_run_of(&job, &[]) }
        })
        .collect();
    for run in &all {
        stores.runs.insert(run, &[], None).expect("the run is stored");
    }
    all.reverse();
    assert_weighed(&all, |page| {
        let listed = stores.runs.list(job.organisation_id, job.id, &RunFilter::default(), page);
        listed.expect("runs can be listed")
    });
}
