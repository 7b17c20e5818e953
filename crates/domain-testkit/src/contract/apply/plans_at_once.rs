use prediction_domain::model::{CheckedBindings, Input, Job};
use prediction_domain::ports::{ApplyError, ApplyPlan, UpdateJobError, Write, WriteMode};

use super::plans_and_chains::{Chain, bound};
use super::{a_plan_of_jobs, changed};
use crate::Stores;
use crate::builders::{a_job_of, a_plan_of_nothing, a_source, a_version_of, an_input_of};
use crate::contract::fixture::{all_jobs, assert_exactly, at_once, catalog, first_inputs, job, stored_job};
use crate::values::{fresh_input_id, fresh_job_id, fresh_organisation_id};

/// How often a race is run: none is lost every time.
const ROUNDS: usize = 8;

pub(crate) fn of_many_plans_for_the_same_things_one_is_stored(stores: &Stores) {
    for round in 0..ROUNDS {
        let (source, organisation_id) = (a_source(), fresh_organisation_id());
        let version = a_version_of(source.id);
        let jobs = [(); 20].map(|()| Job { organisation_id, ..a_job_of(&version) });
        let inputs = [(); 20].map(|()| an_input_of(organisation_id));
        let plan = ApplyPlan {
            sources: vec![Write::New(source)],
            new_versions: vec![version],
            inputs: inputs.map(Write::New).to_vec(),
            ..a_plan_of_jobs(&jobs)
        };
        // Some make nothing but the jobs and inputs, of another version.
        let (_, other) = catalog(stores);
        let beside = |plan: &ApplyPlan| {
            let anew = |job: &Job| Job { id: fresh_job_id(), outputs: Vec::new(), ..job.clone() };
            let anew = |job: &Job| Job { source_id: other.source_id, source_version_id: other.id, ..anew(job) };
            let jobs: Vec<Job> = jobs.iter().rev().map(anew).collect();
            let inputs = plan.inputs.iter().rev().cloned().collect();
            ApplyPlan { inputs, ..a_plan_of_jobs(&jobs) }
        };
        let answers = at_once(6, |number| {
            let plan = if number % 2 == round % 2 { plan.clone() } else { beside(&plan) };
            stores.apply.apply(&plan)
        });
        let refused: Vec<_> = answers.iter().filter_map(|answer| answer.as_ref().err()).collect();
        assert_eq!(refused.len(), answers.len() - 1, "{answers:?}");
        assert!(refused.iter().all(|error| matches!(error, ApplyError::Overtaken)), "{refused:?}");
        let of_round = |job: &&Job| job.organisation_id == organisation_id;
        assert_eq!(all_jobs(stores).iter().filter(of_round).count(), jobs.len());
        let of_round = |input: &&Input| input.organisation_id == organisation_id;
        assert_eq!(first_inputs(stores).iter().filter(of_round).count(), plan.inputs.len());
    }
}

pub(crate) fn of_a_plan_and_a_change_of_one_job_one_is_made(stores: &Stores) {
    let (_, version) = catalog(stores);
    for round in 0..ROUNDS {
        let jobs = [(); 4].map(|()| stored_job(stores, a_job_of(&version)));
        let by_hand = Job { active: false, revision: jobs[2].revision.next(), ..jobs[2].clone() };
        let changes = jobs.iter().map(|job| changed(Job { role_bindings: CheckedBindings::default(), ..job.clone() }));
        let plan = ApplyPlan { jobs: changes.collect(), ..a_plan_of_nothing() };
        let answers = at_once(2, |number| {
            if number == round % 2 {
                stores.apply.apply(&plan).map_err(|error| format!("{error:?}"))
            } else {
                let updated = stores.jobs.update(&by_hand, jobs[2].revision, None, WriteMode::Commit);
                updated.map_err(|error| match error {
                    UpdateJobError::Stale { .. } => "Overtaken".to_owned(),
                    other => format!("{other:?}"),
                })
            }
        });
        let refused: Vec<_> = answers.iter().filter_map(|answer| answer.as_ref().err()).collect();
        assert_eq!(refused, ["Overtaken"], "{answers:?}");
        let is_planned = answers[round % 2].is_ok();
        let expected: Vec<Job> =
            if is_planned { plan.jobs.iter().map(|job| job.value().clone()).collect() } else { jobs.to_vec() };
        for (place, expected) in expected.into_iter().enumerate() {
            let expected = if place == 2 && !is_planned { by_hand.clone() } else { expected };
            assert_exactly(&job(stores, expected.id), &Some(expected));
        }
    }
}

/// Each changes all of them, one from the first and one from the last on, and makes some of its own.
pub(crate) fn plans_in_opposite_orders_get_through(stores: &Stores) {
    let (_, version) = catalog(stores);
    let organisations = [(); 2].map(|()| fresh_organisation_id());
    let of = |number: usize| Job { organisation_id: organisations[number % 2], ..a_job_of(&version) };
    let mut jobs: Vec<Job> = (0..10).map(|number| stored_job(stores, of(number))).collect();
    for round in 0..ROUNDS {
        let answers = at_once(4, |number| {
            let mut changes: Vec<Write<Job>> = jobs.iter().cloned().map(changed).collect();
            changes.extend((0..4).map(|number| Write::New(of(number))));
            if number % 2 == 0 {
                changes.reverse();
            }
            let inputs = organisations.map(|id| Write::New(Input { id: fresh_input_id(), ..an_input_of(id) }));
            stores.apply.apply(&ApplyPlan { jobs: changes, inputs: inputs.to_vec(), ..a_plan_of_nothing() })
        });
        let refused: Vec<_> = answers.iter().filter_map(|answer| answer.as_ref().err()).collect();
        assert_eq!(refused.len(), 3, "{round}: {answers:?}");
        assert!(refused.iter().all(|error| matches!(error, ApplyError::Overtaken)), "{refused:?}");
        for job in &mut jobs {
            job.revision = job.revision.next();
        }
    }
    assert_eq!(all_jobs(stores).len(), 10 + 4 * ROUNDS);
}

pub(crate) fn plans_and_changes_close_no_cycle(stores: &Stores) {
    for _ in 0..ROUNDS {
        let chain = Chain::new(stores);
        let jobs = [(); 4].map(|()| stored_job(stores, chain.job(&[])));
        // Two plans and two changes, each of which has one job read the next one; a plan over a new one.
        let answers = at_once(4, |number| {
            let (job, next) = (&jobs[number], &jobs[(number + 1) % 4]);
            let between = chain.job(&[next]);
            match number {
                0 | 1 => {
                    let plan = vec![Write::New(between.clone()), bound(job, &[&between])];
                    let applied = stores.apply.apply(&ApplyPlan { jobs: plan, ..a_plan_of_nothing() });
                    applied.map_err(|error| assert!(matches!(error, ApplyError::Cycle { .. }), "{error:?}"))
                }
                _ => {
                    let change = bound(job, &[next]);
                    let updated = stores.jobs.update(change.value(), job.revision, None, WriteMode::Commit);
                    updated.map_err(|error| assert!(matches!(error, UpdateJobError::Cycle), "{error:?}"))
                }
            }
        });
        assert_eq!(answers.iter().filter(|answer| answer.is_err()).count(), 1);
    }
}
