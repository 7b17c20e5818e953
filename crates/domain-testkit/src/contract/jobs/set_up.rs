use prediction_domain::model::{Job, Source, SourceName, SourceVersion};
use prediction_domain::ports::{JobSetUp, JobSetUpOutcome, JobSetUpRejected, WriteMode};

use crate::Stores;
use crate::builders::{a_job_of, a_plan_for, a_plan_for_everything, a_source, a_version_of, bindings};
use crate::contract::fixture::{
    all_jobs, any_job, assert_exactly, assert_nothing_changes, catalog, job, set_up, source, stored_job, stored_source,
    stored_version, version,
};
use crate::values::{
    fresh_input_id, fresh_job_id, fresh_source_id, fresh_source_version_id, job_name, source_name, version_label,
};

pub(crate) fn no_plans_have_no_outcomes(stores: &Stores) {
    any_job(stores);
    let outcomes = assert_nothing_changes(stores, || stores.jobs.set_up_many(&[]));
    assert!(outcomes.is_empty());
}

pub(crate) fn a_plan_for_everything_stores_everything(stores: &Stores) {
    let plan = a_plan_for_everything();
    assert_created(stores, &plan);
}

pub(crate) fn a_plan_may_use_a_stored_source_and_version(stores: &Stores) {
    let (_, version) = catalog(stores);
    assert_created(stores, &a_plan_for(a_job_of(&version)));
}

pub(crate) fn a_plan_may_publish_a_version_of_a_stored_source(stores: &Stores) {
    let (source, _) = catalog(stores);
    let version = a_version_of(source.id);
    let job = a_job_of(&version);
    assert_created(stores, &JobSetUp { new_version: Some(version), ..a_plan_for(job) });
}

pub(crate) fn the_same_name_in_two_organisations_makes_two_jobs(stores: &Stores) {
    let (_, version) = catalog(stores);
    let first = stored_job(stores, a_job_of(&version));
    assert_created(stores, &a_plan_for(Job { name: first.name.clone(), ..a_job_of(&version) }));
    assert_exactly(&job(stores, first.id), &Some(first));
}

pub(crate) fn names_in_other_case_make_two_jobs(stores: &Stores) {
    let (_, version) = catalog(stores);
    let first = stored_job(stores, Job { name: job_name("vineyard"), ..a_job_of(&version) });
    let organisation_id = first.organisation_id;
    for name in ["Vineyard", "vine yard", "vinéyard"] {
        assert_created(stores, &a_plan_for(Job { organisation_id, name: job_name(name), ..a_job_of(&version) }));
    }
}

pub(crate) fn a_taken_name_returns_the_stored_job_and_stores_nothing(stores: &Stores) {
    let stored = any_job(stores);
    for plan in [a_plan_for_everything(), JobSetUp { mode: WriteMode::DryRun, ..a_plan_for_everything() }] {
        assert_name_taken(stores, &named_like(&stored, plan), &stored);
    }
}

pub(crate) fn the_same_plan_again_returns_the_stored_job(stores: &Stores) {
    let plan = a_plan_for_everything();
    assert_created(stores, &plan);
    assert_name_taken(stores, &plan, &plan.job);
    assert_name_taken(stores, &JobSetUp { mode: WriteMode::DryRun, ..plan.clone() }, &plan.job);
    let other_bindings = bindings(&[("temperature", fresh_input_id())]);
    let changed = Job { active: false, role_bindings: other_bindings, ..plan.job.clone() };
    assert_name_taken(stores, &JobSetUp { job: changed, ..plan.clone() }, &plan.job);
}

pub(crate) fn a_taken_name_counts_before_everything_else(stores: &Stores) {
    let (source, version) = catalog(stores);
    let stored = stored_job(stores, a_job_of(&version));
    let fresh = |plan| named_like(&stored, plan);
    let taken_version = SourceVersion { version: version.version.clone(), ..a_version_of(source.id) };
    let plans = [
        fresh(with_source_named(&source.name, a_plan_for_everything())),
        fresh(with_version(taken_version)),
        fresh(with_version(a_version_of(fresh_source_id()))),
        fresh(a_plan_for(a_job_of(&a_version_of(source.id)))),
        fresh(a_plan_for(Job { id: stored.id, ..a_job_of(&version) })),
    ];
    for plan in plans {
        assert_name_taken(stores, &plan, &stored);
    }
}

pub(crate) fn a_taken_source_is_rejected_and_nothing_is_stored(stores: &Stores) {
    let stored = stored_source(stores, Source { name: source_name("Straße"), ..a_source() });
    for new_source in [
        Source { id: stored.id, ..a_source() },
        Source { name: stored.name.clone(), ..a_source() },
        Source { name: source_name("STRASSE"), ..a_source() },
        stored.clone(),
    ] {
        let version = a_version_of(new_source.id);
        let job = a_job_of(&version);
        let plan = JobSetUp {
            new_source: Some(new_source),
            new_version: Some(version),
            job,
            most_jobs: None,
            mode: WriteMode::Commit,
        };
        let rejected = assert_rejected(stores, &plan);
        assert!(matches!(rejected, JobSetUpRejected::SourceTaken), "{rejected:?}");
    }
}

pub(crate) fn a_taken_version_is_rejected_and_nothing_is_stored(stores: &Stores) {
    let source = stored_source(stores, a_source());
    let stored = stored_version(stores, SourceVersion { version: version_label("v1.0"), ..a_version_of(source.id) });
    let (other_source, _) = catalog(stores);
    for new_version in [
        SourceVersion { id: stored.id, ..a_version_of(source.id) },
        SourceVersion { id: stored.id, ..a_version_of(other_source.id) },
        SourceVersion { version: stored.version.clone(), ..a_version_of(source.id) },
        SourceVersion { version: version_label("1.0"), ..a_version_of(source.id) },
        stored.clone(),
    ] {
        let rejected = assert_rejected(stores, &with_version(new_version));
        assert!(matches!(rejected, JobSetUpRejected::VersionTaken), "{rejected:?}");
    }
    // The source that would have come with it does not come either.
    let plan = a_plan_for_everything();
    let new_version = plan.new_version.map(|version| SourceVersion { id: stored.id, ..version });
    let job = Job { source_version_id: stored.id, ..plan.job };
    let rejected = assert_rejected(stores, &JobSetUp { new_version, job, ..plan });
    assert!(matches!(rejected, JobSetUpRejected::VersionTaken), "{rejected:?}");
}

pub(crate) fn a_missing_reference_is_rejected_and_nothing_is_stored(stores: &Stores) {
    let (source, _) = catalog(stores);
    let everything = a_plan_for_everything();
    let plans = [
        // No such version.
        a_plan_for(a_job_of(&a_version_of(source.id))),
        // Neither source nor version.
        a_plan_for(a_job_of(&a_version_of(fresh_source_id()))),
        // A new version of no source.
        JobSetUp { new_source: None, ..everything.clone() },
        // A new source without the version.
        JobSetUp { new_version: None, ..everything.clone() },
    ];
    for plan in plans {
        let rejected = assert_rejected(stores, &plan);
        assert!(matches!(rejected, JobSetUpRejected::ReferenceMissing), "{rejected:?}");
    }
    // Nothing is in the way of doing it properly.
    assert_created(stores, &everything);
}

pub(crate) fn a_version_of_another_source_is_a_missing_reference(stores: &Stores) {
    let (source, version) = catalog(stores);
    let (other_source, foreign) = catalog(stores);
    let new_version = a_version_of(source.id);
    let plans = [
        a_plan_for(Job { source_id: source.id, ..a_job_of(&foreign) }),
        a_plan_for(Job { source_id: fresh_source_id(), ..a_job_of(&version) }),
        JobSetUp {
            new_version: Some(new_version.clone()),
            ..a_plan_for(Job { source_id: other_source.id, ..a_job_of(&new_version) })
        },
        {
            let new_source = a_source();
            let job = Job { source_id: new_source.id, ..a_job_of(&version) };
            JobSetUp { new_source: Some(new_source), ..a_plan_for(job) }
        },
    ];
    for plan in plans {
        let rejected = assert_rejected(stores, &plan);
        assert!(matches!(rejected, JobSetUpRejected::ReferenceMissing), "{rejected:?}");
    }
}

pub(crate) fn a_taken_source_counts_before_a_taken_version(stores: &Stores) {
    let (source, version) = catalog(stores);
    let new_source = Source { name: source.name, ..a_source() };
    let new_version = SourceVersion { id: version.id, ..a_version_of(new_source.id) };
    let rejected = assert_rejected(stores, &JobSetUp { new_source: Some(new_source), ..with_version(new_version) });
    assert!(matches!(rejected, JobSetUpRejected::SourceTaken), "{rejected:?}");
    let again = SourceVersion { source_id: source.id, ..version };
    let rejected = assert_rejected(
        stores,
        &JobSetUp { new_source: Some(Source { id: source.id, ..a_source() }), ..with_version(again) },
    );
    assert!(matches!(rejected, JobSetUpRejected::SourceTaken), "{rejected:?}");
}

pub(crate) fn a_taken_version_counts_before_a_missing_reference(stores: &Stores) {
    let (_, version) = catalog(stores);
    let of_nothing = SourceVersion { id: version.id, ..a_version_of(fresh_source_id()) };
    let rejected = assert_rejected(stores, &with_version(of_nothing));
    assert!(matches!(rejected, JobSetUpRejected::VersionTaken), "{rejected:?}");
}

pub(crate) fn a_taken_job_id_is_a_failure_and_nothing_is_stored(stores: &Stores) {
    let stored = any_job(stores);
    let plan = a_plan_for_everything();
    // The service makes the ids of jobs, so the caller has done nothing wrong. But this must neither pass for success
    // nor leave half of the plan behind.
    let job = Job { id: stored.id, organisation_id: stored.organisation_id, ..plan.job.clone() };
    let rejected = assert_rejected(stores, &JobSetUp { job, ..plan.clone() });
    assert!(matches!(rejected, JobSetUpRejected::Store(_)), "{rejected:?}");
    assert_created(stores, &plan);
}

pub(crate) fn a_dry_run_is_judged_and_stores_nothing(stores: &Stores) {
    let (source, version) = catalog(stores);
    let stored = stored_job(stores, a_job_of(&version));
    let dry_run = |plan: &JobSetUp| {
        let plan = JobSetUp { mode: WriteMode::DryRun, ..plan.clone() };
        assert_nothing_changes(stores, || set_up(stores, &plan))
    };
    let everything = a_plan_for_everything();
    let plans = [
        everything.clone(),
        a_plan_for(a_job_of(&version)),
        named_like(&stored, a_plan_for_everything()),
        with_source_named(&source.name, a_plan_for_everything()),
        with_version(SourceVersion { version: version.version.clone(), ..a_version_of(source.id) }),
        JobSetUp { new_source: None, ..a_plan_for_everything() },
        a_plan_for(Job { source_version_id: fresh_source_version_id(), ..a_job_of(&version) }),
    ];
    for plan in plans {
        let dry_run = dry_run(&plan);
        let done = set_up(stores, &plan);
        assert_eq!(format!("{dry_run:?}"), format!("{done:?}"));
    }
    assert_exactly(&job(stores, everything.job.id), &Some(everything.job));
}

/// A plan that publishes that version for a job that runs it.
fn with_version(new_version: SourceVersion) -> JobSetUp {
    let job = a_job_of(&new_version);
    JobSetUp { new_version: Some(new_version), ..a_plan_for(job) }
}

/// The plan with another name for its new source.
fn with_source_named(name: &SourceName, plan: JobSetUp) -> JobSetUp {
    let new_source = plan.new_source.map(|source| Source { name: name.clone(), ..source });
    JobSetUp { new_source, ..plan }
}

/// The plan, for a job with an id of its own and the organisation and the name of that job.
fn named_like(job: &Job, plan: JobSetUp) -> JobSetUp {
    let planned = Job { id: fresh_job_id(), organisation_id: job.organisation_id, name: job.name.clone(), ..plan.job };
    JobSetUp { job: planned, ..plan }
}

#[track_caller]
fn assert_created(stores: &Stores, plan: &JobSetUp) {
    let before = all_jobs(stores).len();
    assert_eq!(set_up(stores, plan).expect("the plan can be carried out"), JobSetUpOutcome::Created);
    assert_exactly(&job(stores, plan.job.id), &Some(plan.job.clone()));
    if let Some(new_source) = &plan.new_source {
        assert_exactly(&source(stores, new_source.id), &Some(new_source.clone()));
    }
    if let Some(new_version) = &plan.new_version {
        assert_exactly(&version(stores, new_version.id), &Some(new_version.clone()));
    }
    assert_eq!(all_jobs(stores).len(), before + 1);
}

#[track_caller]
fn assert_name_taken(stores: &Stores, plan: &JobSetUp, by: &Job) {
    let outcome = assert_nothing_changes(stores, || set_up(stores, plan)).expect("the name is looked at first");
    assert_exactly(&outcome, &JobSetUpOutcome::NameTaken(Box::new(by.clone())));
}

#[track_caller]
fn assert_rejected(stores: &Stores, plan: &JobSetUp) -> JobSetUpRejected {
    assert_nothing_changes(stores, || set_up(stores, plan)).expect_err("the plan is rejected")
}
