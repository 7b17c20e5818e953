use prediction_domain::model::{Input, InputPosition, Job, Revision, Source, SourceVersion, SourceVersionId};
use prediction_domain::ports::{AdoptedVersion, ApplyError, ApplyPlan, Write, WriteMode};

use super::{a_plan_of_jobs, assert_refused, changed};
use crate::Stores;
use crate::builders::{a_job_of, a_plan_of_nothing, a_source, a_version_of, an_input_of, bindings};
use crate::contract::fixture::{catalog, stored_job, stored_source, stored_version};
use crate::contract::jobs::chains::reading;
use crate::values::{
    fresh_input_id, fresh_job_id, fresh_organisation_id, fresh_output_id, fresh_source_id, fresh_source_version_id,
    revision, set_name, source_name,
};

/// What plans are about.
struct Stored {
    source: Source,
    other_source: Source,
    version: SourceVersion,
    had: SourceVersion,
    input: Input,
    job: Job,
    other_job: Job,
}

/// A job that has an input bound and had another version, another job of its organisation, and more.
fn stored(stores: &Stores) -> Stored {
    let (source, version) = catalog(stores);
    let other_source = stored_source(stores, a_source());
    let had = stored_version(stores, a_version_of(source.id));
    let before = a_job_of(&had);
    let input = an_input_of(before.organisation_id);
    stores.inputs.put_many(std::slice::from_ref(&input), WriteMode::Commit).expect("the input is stored");
    let before = stored_job(stores, before);
    let job = Job {
        source_version_id: version.id,
        role_bindings: bindings(&[("temperature", input.id)]),
        revision: before.revision.next(),
        ..before.clone()
    };
    stores.jobs.update(&job, before.revision, None, WriteMode::Commit).expect("the job is changed");
    let other_job = stored_job(stores, Job { organisation_id: job.organisation_id, ..a_job_of(&version) });
    Stored { source, other_source, version, had, input, job, other_job }
}

/// Each plan begins with what could be stored.
#[track_caller]
fn assert_overtaken(stores: &Stores, plans: impl IntoIterator<Item = ApplyPlan>) {
    for plan in plans {
        let mut sources = vec![Write::New(a_source())];
        sources.extend(plan.sources);
        let new_versions = [a_version_of(sources[0].value().id)].into_iter().chain(plan.new_versions).collect();
        let plan = ApplyPlan { sources, new_versions, ..plan };
        assert_refused(stores, &plan, |error| matches!(error, ApplyError::Overtaken));
    }
}

fn sources(source: Write<Source>) -> ApplyPlan {
    ApplyPlan { sources: vec![source], ..a_plan_of_nothing() }
}

fn versions(version: SourceVersion) -> ApplyPlan {
    ApplyPlan { new_versions: vec![version], ..a_plan_of_nothing() }
}

fn inputs(input: Write<Input>) -> ApplyPlan {
    ApplyPlan { inputs: vec![input], ..a_plan_of_nothing() }
}

fn jobs(job: Write<Job>) -> ApplyPlan {
    ApplyPlan { jobs: vec![job], ..a_plan_of_nothing() }
}

/// At the next revision, in the place of one that is not there.
fn stale<T>(value: T) -> Write<T> {
    Write::Changed { value, expected: revision(7) }
}

pub(crate) fn a_plan_is_overtaken_by_what_is_taken(stores: &Stores) {
    let Stored { source, other_source, version, input, job, other_job, .. } = stored(stores);
    let same_name = source_name(&source.name.as_str().to_uppercase());
    let renamed = Source { name: same_name.clone(), revision: other_source.revision.next(), ..other_source };
    assert_overtaken(
        stores,
        [
            sources(Write::New(Source { id: source.id, ..a_source() })),
            sources(Write::New(Source { name: same_name, ..a_source() })),
            sources(Write::Changed { value: renamed, expected: Revision::FIRST }),
            versions(SourceVersion { id: version.id, ..a_version_of(source.id) }),
            versions(SourceVersion { version: version.version.clone(), ..a_version_of(source.id) }),
            inputs(Write::New(Input { id: input.id, ..an_input_of(input.organisation_id) })),
            a_plan_of_jobs([&Job { id: job.id, organisation_id: job.organisation_id, ..a_job_of(&version) }]),
            a_plan_of_jobs([&Job {
                name: job.name.clone(),
                organisation_id: job.organisation_id,
                ..a_job_of(&version)
            }]),
            jobs(changed(Job { name: job.name, ..other_job })),
        ],
    );
}

pub(crate) fn a_plan_is_overtaken_by_what_was_changed_or_deleted(stores: &Stores) {
    let Stored { source, version, input, job, .. } = stored(stores);
    let unused = stored_version(stores, a_version_of(source.id));
    let kept = adopted(stores, &stored_version(stores, a_version_of(source.id)), "kept");
    let second = |job: Job| Job { revision: Revision::FIRST.next(), ..job };
    let key = |job: &Job, expected| vec![(job.organisation_id, job.id, expected)];
    let nowhere = InputPosition { organisation_id: fresh_organisation_id(), id: input.id };
    let plan = a_plan_of_nothing;
    assert_overtaken(
        stores,
        [
            sources(stale(source.clone())),
            sources(Write::Changed {
                value: Source { id: fresh_source_id(), ..a_source() },
                expected: Revision::FIRST,
            }),
            versions(a_version_of(fresh_source_id())),
            adopting(fresh_source_version_id(), None, "a"),
            adopting(version.id, Some("b"), "a"),
            adopting(kept.id, None, "a"),
            adopting(kept.id, Some("b"), "a"),
            inputs(stale(input.clone())),
            inputs(Write::Changed {
                value: Input { id: fresh_input_id(), ..input.clone() },
                expected: Revision::FIRST,
            }),
            jobs(stale(job.clone())),
            jobs(Write::Changed { value: second(a_job_of(&version)), expected: Revision::FIRST }),
            jobs(changed(Job { organisation_id: fresh_organisation_id(), ..job.clone() })),
            ApplyPlan { deleted_jobs: key(&job, Revision::FIRST), ..plan() },
            ApplyPlan { deleted_jobs: key(&Job { id: fresh_job_id(), ..job.clone() }, job.revision), ..plan() },
            ApplyPlan {
                deleted_jobs: key(&Job { organisation_id: fresh_organisation_id(), ..job.clone() }, job.revision),
                ..plan()
            },
            deleting(&[fresh_source_version_id()], "kept"),
            deleting(&[kept.id], "b"),
            deleting(&[unused.id], "kept"),
            deleting(&[kept.id, kept.id], "kept"),
            ApplyPlan { deleted_sources: vec![(fresh_source_id(), Revision::FIRST)], ..plan() },
            ApplyPlan { deleted_sources: vec![(source.id, revision(7))], ..plan() },
            ApplyPlan { deleted_inputs: vec![(nowhere, input.revision)], ..plan() },
            ApplyPlan { deleted_inputs: vec![(input.position(), revision(7))], ..plan() },
        ],
    );
}

fn adopting(id: SourceVersionId, from: Option<&str>, to: &str) -> ApplyPlan {
    let adopted_versions = vec![AdoptedVersion { id, from: from.map(set_name), to: set_name(to) }];
    ApplyPlan { adopted_versions, ..a_plan_of_nothing() }
}

fn deleting(versions: &[SourceVersionId], set: &str) -> ApplyPlan {
    let deleted_versions = versions.iter().map(|id| (*id, set_name(set))).collect();
    ApplyPlan { deleted_versions, ..a_plan_of_nothing() }
}

/// A version that a set keeps from now on.
fn adopted(stores: &Stores, version: &SourceVersion, set: &str) -> SourceVersion {
    stores.apply.apply(&adopting(version.id, None, set)).expect("it is adopted");
    SourceVersion { managed_by: Some(set_name(set)), ..version.clone() }
}

pub(crate) fn a_plan_is_overtaken_by_what_refers_to_things(stores: &Stores) {
    let Stored { source, other_source, version, had, input, job, other_job } = stored(stores);
    for used in [&version, &had] {
        adopted(stores, used, "kept");
    }
    let foreign = stored_job(stores, a_job_of(&version));
    let of_job = |id| Job { organisation_id: job.organisation_id, role_bindings: reading(&[id]), ..a_job_of(&version) };
    let own = of_job(fresh_output_id());
    let own = Job { role_bindings: reading(&[own.outputs[0].id]), ..own };
    let later = of_job(fresh_output_id());
    let early = of_job(later.outputs[0].id);
    let later = Job { role_bindings: reading(&[]), ..later };
    let elsewhere = SourceVersion { source_id: other_source.id, ..version.clone() };
    let plan = a_plan_of_nothing;
    assert_overtaken(
        stores,
        [
            a_plan_of_jobs([&a_job_of(&a_version_of(source.id))]),
            a_plan_of_jobs([&a_job_of(&elsewhere)]),
            a_plan_of_jobs([&of_job(fresh_output_id())]),
            a_plan_of_jobs([&of_job(foreign.outputs[0].id)]),
            a_plan_of_jobs([&own]),
            a_plan_of_jobs([&early, &later]),
            jobs(changed(Job { source_version_id: fresh_source_version_id(), ..other_job.clone() })),
            jobs(changed(Job { role_bindings: reading(&[fresh_output_id()]), ..other_job.clone() })),
            deleting(&[version.id], "kept"),
            deleting(&[had.id], "kept"),
            ApplyPlan { deleted_sources: vec![(source.id, source.revision)], ..plan() },
            ApplyPlan { deleted_inputs: vec![(input.position(), input.revision)], ..plan() },
        ],
    );
}
