//! The law: a batch gives exactly what its plans would have given one after the other.

use prediction_domain::model::{Job, Source, SourceId, SourceVersion, SourceVersionId};
use prediction_domain::ports::{JobSetUp, JobSetUpOutcome, JobSetUpRejected, WriteMode};

use super::single_jobs::a_job_with_most_bindings;
use crate::Stores;
use crate::builders::{a_job_of, a_plan_for, a_plan_for_everything, a_source, a_version_of, bindings};
use crate::contract::fixture::{
    all_jobs, all_sources, all_versions, assert_exactly, catalog, job, set_up, source, version,
};
use crate::contract::store::history::{Dice, Pool};
use crate::values::{
    fresh_input_id, fresh_job_id, fresh_organisation_id, fresh_source_id, job_name, source_name, version_label,
};

/// An outcome without ids, so that the outcomes of like plans can be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Created,
    /// By the job of the plan with that number.
    NameTaken(usize),
    SourceTaken,
    VersionTaken,
    ReferenceMissing,
}

type SetUpMany = fn(&Stores, &[JobSetUp]) -> Vec<Result<JobSetUpOutcome, JobSetUpRejected>>;

/// The ways to carry out a list of plans: one after the other, all at once, and by threes.
const WAYS: [SetUpMany; 3] = [
    |stores, plans| plans.iter().map(|plan| set_up(stores, plan)).collect(),
    |stores, plans| stores.jobs.set_up_many(plans),
    |stores, plans| plans.chunks(3).flat_map(|plans| stores.jobs.set_up_many(plans)).collect(),
];

pub(crate) fn a_batch_gives_what_its_plans_give_one_after_the_other(stores: &Stores) {
    for set_up_many in WAYS {
        let (plans, expected, lasting) = mixed_plans(stores);
        let (mut sources, mut versions, mut jobs) = (all_sources(stores), all_versions(stores), all_jobs(stores));
        assert_eq!(told(&plans, set_up_many(stores, &plans)), expected);
        for plan in lasting.into_iter().map(|number| plans[number].clone()) {
            sources.extend(plan.new_source);
            versions.extend(plan.new_version);
            jobs.push(plan.job);
        }
        // They are also in the order of the plans.
        assert_exactly(&all_sources(stores), &sources);
        assert_exactly(&all_versions(stores), &versions);
        assert_exactly(&all_jobs(stores), &jobs);
    }
}

pub(crate) fn random_batches_give_what_their_plans_give_one_after_the_other(stores: &Stores) {
    for seed in 1..=30 {
        let [one_by_one, at_once, by_threes] = WAYS.map(|set_up_many| {
            let pool = Pool::stored(&[stores]);
            let mut dice = Dice::of(seed);
            let plans: Vec<_> = (0..dice.roll(24)).map(|_| pool.plan(&mut dice)).collect();
            let told = told(&plans, set_up_many(stores, &plans));
            (told, what_is_stored(stores, &pool, &plans))
        });
        assert_eq!(one_by_one, at_once, "seed {seed}");
        assert_eq!(one_by_one, by_threes, "seed {seed}");
    }
}

pub(crate) fn of_two_plans_with_one_name_the_first_creates_the_job(stores: &Stores) {
    let (_, version) = catalog(stores);
    let first = a_job_of(&version);
    let bound =
        |role| Job { id: fresh_job_id(), role_bindings: bindings(&[(role, fresh_input_id())]), ..first.clone() };
    let plans = [a_plan_for(first.clone()), a_plan_for(bound("temperature")), a_plan_for(bound("humidity"))];
    let outcomes = stores.jobs.set_up_many(&plans);
    assert_eq!(told(&plans, outcomes), [Told::Created, Told::NameTaken(0), Told::NameTaken(0)]);
    assert_exactly(&all_jobs(stores), &vec![first]);
}

pub(crate) fn a_plan_that_fails_fails_alone(stores: &Stores) {
    let (source, version) = catalog(stores);
    let good = || a_plan_for(a_job_of(&version));
    let bad = || a_plan_for(a_job_of(&a_version_of(source.id)));
    let half_bad = || JobSetUp { new_version: None, ..a_plan_for_everything() };
    let plans = [bad(), good(), half_bad(), good(), bad(), bad(), good(), half_bad()];
    let missing = Told::ReferenceMissing;
    assert_eq!(
        told(&plans, stores.jobs.set_up_many(&plans)),
        [missing, Told::Created, missing, Told::Created, missing, missing, Told::Created, missing]
    );
    assert_exactly(&all_jobs(stores), &[1, 3, 6].map(|number: usize| plans[number].job.clone()).to_vec());
    for plan in plans {
        let new_source = plan.new_source.and_then(|new| self::source(stores, new.id));
        assert_eq!(new_source, None);
    }
}

pub(crate) fn a_plan_may_use_what_an_earlier_one_stored(stores: &Stores) {
    let everything = a_plan_for_everything();
    let Some((new_source, new_version)) = everything.new_source.clone().zip(everything.new_version.clone()) else {
        unreachable!("the plan is for everything");
    };
    let second_version = a_version_of(new_source.id);
    let plans = [
        everything,
        a_plan_for(a_job_of(&new_version)),
        JobSetUp { new_version: Some(second_version.clone()), ..a_plan_for(a_job_of(&second_version)) },
        a_plan_for(a_job_of(&second_version)),
    ];
    assert_eq!(told(&plans, stores.jobs.set_up_many(&plans)), [Told::Created; 4]);
    assert_exactly(&all_jobs(stores), &plans.map(|plan| plan.job).to_vec());
}

pub(crate) fn a_plan_may_not_use_what_an_earlier_dry_run_made(stores: &Stores) {
    let everything = a_plan_for_everything();
    let new_version = everything.new_version.clone().expect("the plan is for everything");
    let dry_run = JobSetUp { mode: WriteMode::DryRun, ..everything.clone() };
    let user = a_plan_for(a_job_of(&new_version));
    let plans = [dry_run.clone(), user.clone(), dry_run.clone(), everything, user, dry_run];
    assert_eq!(
        told(&plans, stores.jobs.set_up_many(&plans)),
        [
            Told::Created,
            Told::ReferenceMissing,
            Told::Created,
            Told::Created,
            Told::Created,
            Told::NameTaken(0) // The job of the plan of which there was a dry run first is the one that was created.
        ]
    );
}

pub(crate) fn a_batch_of_three_hundred_small_plans_is_stored(stores: &Stores) {
    let (_, version) = catalog(stores);
    let organisation_id = fresh_organisation_id();
    let plans: Vec<_> = (0..300)
        .map(|number| match number % 3 {
            0 => a_plan_for_everything(),
            1 => a_plan_for(Job { organisation_id, ..a_job_of(&version) }),
            _ => a_plan_for(a_job_of(&version)),
        })
        .collect();
    assert_eq!(told(&plans, stores.jobs.set_up_many(&plans)), [Told::Created; 300]);
    assert_exactly(&all_jobs(stores), &plans.into_iter().map(|plan| plan.job).collect());
}

pub(crate) fn a_batch_of_the_largest_jobs_is_stored(stores: &Stores) {
    let (_, version) = catalog(stores);
    // More values than a statement may have parameters (65,535 in PostgreSQL).
    let plans: Vec<_> =
        (0..110).map(|_| a_plan_for(a_job_with_most_bindings(&version, |number| format!("role {number}")))).collect();
    assert_eq!(told(&plans, stores.jobs.set_up_many(&plans)), [Told::Created; 110]);
    assert_exactly(&all_jobs(stores), &plans.into_iter().map(|plan| plan.job).collect());
}

/// A list with everything that can become of a plan, what is to be told, and the numbers of the plans that last.
fn mixed_plans(stores: &Stores) -> (Vec<JobSetUp>, Vec<Told>, Vec<usize>) {
    let name = |text: &str| source_name(&format!("{text} {}", fresh_source_id()));
    let (source, version) = catalog(stores);
    let (_, foreign) = catalog(stores);
    let organisation_id = fresh_organisation_id();
    let job = |name, version: &SourceVersion| Job { organisation_id, name: job_name(name), ..a_job_of(version) };
    let dry_run = |plan| JobSetUp { mode: WriteMode::DryRun, ..plan };
    let with_version = |version: SourceVersion, plan| JobSetUp { new_version: Some(version), ..plan };
    let with_source = |source: Source, plan| JobSetUp { new_source: Some(source), ..plan };

    let first_new = Source { name: name("Straße"), ..a_source() };
    let first_version = SourceVersion { version: version_label("v1"), ..a_version_of(first_new.id) };
    let second_new = a_source();
    let second_version = a_version_of(second_new.id);
    let same_name = Source { name: source_name(&first_new.name.as_str().to_uppercase()), ..a_source() };
    let of_same_name = a_version_of(same_name.id);
    let same_label = SourceVersion { version: version_label("1"), ..a_version_of(first_new.id) };
    let of_nothing = a_version_of(fresh_source_id());
    let a = a_plan_for(job("a", &version));

    let plans = [
        (a.clone(), Told::Created),
        (a_plan_for(job("a", &version)), Told::NameTaken(0)),
        (a, Told::NameTaken(0)),
        (dry_run(a_plan_for(job("b", &version))), Told::Created),
        (a_plan_for(job("b", &version)), Told::Created),
        (a_plan_for(job("c", &a_version_of(source.id))), Told::ReferenceMissing),
        (
            with_source(first_new, with_version(first_version.clone(), a_plan_for(job("c", &first_version)))),
            Told::Created,
        ),
        (
            with_source(same_name, with_version(of_same_name.clone(), a_plan_for(job("d", &of_same_name)))),
            Told::SourceTaken,
        ),
        (with_version(same_label.clone(), a_plan_for(job("d", &same_label))), Told::VersionTaken),
        (a_plan_for(job("d", &first_version)), Told::Created),
        (
            dry_run(with_source(
                second_new.clone(),
                with_version(second_version.clone(), a_plan_for(job("e", &second_version))),
            )),
            Told::Created,
        ),
        (a_plan_for(job("f", &second_version)), Told::ReferenceMissing),
        (
            with_source(second_new, with_version(second_version.clone(), a_plan_for(job("e", &second_version)))),
            Told::Created,
        ),
        (a_plan_for(Job { organisation_id: fresh_organisation_id(), ..job("a", &version) }), Told::Created),
        (a_plan_for(Job { source_id: source.id, ..job("g", &foreign) }), Told::ReferenceMissing),
        (with_source(source, with_version(version.clone(), a_plan_for(job("a", &version)))), Told::NameTaken(0)),
        (dry_run(a_plan_for(job("d", &version))), Told::NameTaken(9)),
        (with_version(of_nothing.clone(), a_plan_for(job("g", &of_nothing))), Told::ReferenceMissing),
        (a_plan_for(job("g", &version)), Told::Created),
        (a_plan_for(job("g", &a_version_of(fresh_source_id()))), Told::NameTaken(18)),
    ];
    let (plans, told) = plans.into_iter().unzip();
    (plans, told, vec![0, 4, 6, 9, 12, 13, 18])
}

fn told(plans: &[JobSetUp], outcomes: Vec<Result<JobSetUpOutcome, JobSetUpRejected>>) -> Vec<Told> {
    assert_eq!(outcomes.len(), plans.len(), "each plan has one outcome");
    let tell = |outcome| match outcome {
        Ok(JobSetUpOutcome::Created) => Told::Created,
        Ok(JobSetUpOutcome::NameTaken(by)) => {
            let planned = plans.iter().position(|plan| format!("{:?}", plan.job) == format!("{by:?}"));
            Told::NameTaken(planned.expect("the name is taken by the job of a plan, exactly as planned"))
        }
        Err(JobSetUpRejected::SourceTaken) => Told::SourceTaken,
        Err(JobSetUpRejected::VersionTaken) => Told::VersionTaken,
        Err(JobSetUpRejected::ReferenceMissing) => Told::ReferenceMissing,
        Err(
            other @ (JobSetUpRejected::QuotaExceeded(_) | JobSetUpRejected::OutputMissing | JobSetUpRejected::Store(_)),
        ) => panic!("{other:?}"),
    };
    outcomes.into_iter().map(tell).collect()
}

/// The plans whose sources, versions and jobs are stored, by number.
fn what_is_stored(stores: &Stores, pool: &Pool, plans: &[JobSetUp]) -> [Vec<Option<usize>>; 3] {
    let source_of = |id: &SourceId| {
        source(stores, *id).and_then(|found| plans.iter().position(|plan| plan.new_source.as_ref() == Some(&found)))
    };
    let version_of = |id: &SourceVersionId| {
        version(stores, *id).and_then(|found| plans.iter().position(|plan| plan.new_version.as_ref() == Some(&found)))
    };
    let job_of = |(number, plan): (usize, &JobSetUp)| job(stores, plan.job.id).map(|_| number);
    [
        pool.sources.iter().map(source_of).collect(),
        pool.versions.iter().map(version_of).collect(),
        plans.iter().enumerate().map(job_of).collect(),
    ]
}
