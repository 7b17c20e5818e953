use std::collections::BTreeSet;

use prediction_domain::model::{
    HealthFilter, HealthStatus, Input, InputPosition, Job, OrganisationId, Page, PageRequest, Revision, Scope, Source,
    SourceVersion, SourceVersionHead,
};
use prediction_domain::ports::{ApplyPlan, InputFilter, JobFilter, SourceFilter, SourceVersionFilter, Write};

use super::{a_plan_of_jobs, apply, kept_by};
use crate::Stores;
use crate::builders::{a_job_of, a_source, a_version_of, an_input_of};
use crate::contract::fixture::{assert_pages, list_named, versions};
use crate::values::{fresh_organisation_id, set_name};

/// The sets of things, in turns: none, one, and one that is called almost the same.
const SETS: [Option<&str>; 3] = [None, Some("vineyard"), Some("Vineyard")];

struct Stored {
    sources: Vec<Source>,
    versions: Vec<SourceVersion>,
    inputs: Vec<Input>,
    jobs: Vec<Job>,
    organisations: [OrganisationId; 2],
}

/// Twelve of each kind.
fn stored(stores: &Stores) -> Stored {
    let organisations = [(); 2].map(|()| fresh_organisation_id());
    let kept = |number: usize| SETS[number % 3].map(|set| kept_by(set, Revision::FIRST));
    let numbers = || 0..12_usize;
    let sources: Vec<Source> = numbers().map(|number| Source { management: kept(number), ..a_source() }).collect();
    let version = |number: usize| SourceVersion {
        managed_by: SETS[number % 3].map(set_name),
        ..a_version_of(sources[number / 6].id)
    };
    let versions: Vec<SourceVersion> = numbers().map(version).collect();
    let input = |number| Input { management: kept(number), ..an_input_of(organisations[number % 2]) };
    let mut inputs: Vec<Input> = numbers().map(input).collect();
    let job = |number| Job {
        organisation_id: organisations[number % 2],
        active: number % 4 < 2,
        management: kept(number),
        ..a_job_of(&versions[number % 5])
    };
    let jobs: Vec<Job> = numbers().map(job).collect();
    let plan = ApplyPlan {
        sources: sources.iter().cloned().map(Write::New).collect(),
        new_versions: versions.clone(),
        inputs: inputs.iter().cloned().map(Write::New).collect(),
        ..a_plan_of_jobs(&jobs)
    };
    apply(stores, &plan);
    inputs.sort_by_key(Input::position);
    Stored { sources, versions, inputs, jobs, organisations }
}

pub(crate) fn lists_are_filtered_by_the_set_that_keeps_things(stores: &Stores) {
    let stored = stored(stores);
    for set in ["vineyard", "Vineyard", "vineyar"] {
        let managed_by = Some(set_name(set));
        let kept = |management: &Option<prediction_domain::model::Management>| {
            management.as_ref().is_some_and(|management| management.set.as_str() == set)
        };
        let expected: Vec<_> = stored.sources.iter().filter(|source| kept(&source.management)).cloned().collect();
        let filter = SourceFilter { managed_by: managed_by.clone(), ..SourceFilter::default() };
        assert_pages(&expected, |page| stores.sources.list(&filter, page).expect("sources can be listed"));

        let source_id = Some(stored.sources[0].id);
        for source_id in [None, source_id] {
            let is_wanted = |version: &&SourceVersion| {
                version.managed_by == managed_by && source_id.is_none_or(|id| id == version.source_id)
            };
            let expected: Vec<_> = stored.versions.iter().filter(is_wanted).cloned().collect();
            let filter = SourceVersionFilter { source_id, managed_by: managed_by.clone(), ..Default::default() };
            assert_pages(&expected, |page| versions(stores, &filter, page));
            let expected: Vec<SourceVersionHead> = expected.into_iter().map(Into::into).collect();
            assert_pages(&expected, |page| stores.source_versions.list_heads(&filter, page).expect("are listed"));
        }

        let expected: Vec<_> = stored.inputs.iter().filter(|input| kept(&input.management)).cloned().collect();
        let filter = InputFilter { managed_by: managed_by.clone(), ..InputFilter::default() };
        let list = |page: &PageRequest<InputPosition>| stores.inputs.list(&Scope::Platform, &filter, page);
        assert_pages(&expected, |page| list(page).expect("inputs can be listed"));
    }
}

pub(crate) fn jobs_of_a_set_are_filtered_and_counted_by_more(stores: &Stores) {
    let Stored { jobs, organisations: [one, other], .. } = stored(stores);
    let now = jobs[11].created_at;
    let paused = HealthFilter { statuses: BTreeSet::from([HealthStatus::Paused]), at: now };
    let input = jobs[1].role_bindings.as_slice()[0].input_id;
    let filters = [
        JobFilter::default(),
        JobFilter { active: Some(true), ..JobFilter::default() },
        JobFilter { organisation_id: Some(one), ..JobFilter::default() },
        JobFilter { source_version_id: Some(jobs[1].source_version_id), ..JobFilter::default() },
        JobFilter { name: Some(jobs[1].name.clone()), ..JobFilter::default() },
        JobFilter { input_id: Some(input), ..JobFilter::default() },
        JobFilter { health: Some(paused), ..JobFilter::default() },
    ];
    for set in ["vineyard", "Vineyard", "vineyar"] {
        for scope in [Scope::Platform, Scope::of([one]), Scope::of([one, other]), Scope::of([])] {
            for filter in &filters {
                let filter = JobFilter { managed_by: Some(set_name(set)), ..filter.clone() };
                // The rest of the filter is judged by what the store answers without the set.
                let unkept = JobFilter { managed_by: None, ..filter.clone() };
                let all: Page<Job> = list_named(stores, &scope, &unkept, &crate::values::first_page(200));
                let kept = |job: &Job| job.management.as_ref().is_some_and(|kept| kept.set.as_str() == set);
                let expected: Vec<Job> = all.items.into_iter().filter(kept).collect();
                assert_pages(&expected, |page| list_named(stores, &scope, &filter, page));
                let counted = stores.jobs.count_by_health(&scope, &filter, now).expect("jobs are counted");
                let paused = expected.iter().filter(|job| !job.active).count() as u64;
                assert_eq!(counted.of(HealthStatus::Paused), paused, "{filter:?}");
                let total: u64 = HealthStatus::ALL.into_iter().map(|status| counted.of(status)).sum();
                assert_eq!(total, expected.len() as u64, "{filter:?}");
                if filter.health.is_none() && filter.input_id.is_none() {
                    let counts = stores.jobs.count_by_bound_roles(&scope, &filter).expect("jobs are counted");
                    assert_eq!(counts.iter().map(|count| count.jobs).sum::<u64>(), expected.len() as u64);
                }
            }
        }
    }
}
