use prediction_domain::model::{
    Job, JobId, Management, Output, OutputId, Revision, SetName, Source, SourceVersion, SourceVersionId,
};
use prediction_domain::ports::{AdoptedVersion, ApplyError, ApplyPlan, Write, WriteMode};

use super::kept_by;
use crate::builders::a_plan_of_nothing;
use crate::contract::fixture::{all_sources, all_versions, assert_exactly, contents};
use crate::contract::jobs::chains::reading;
use crate::contract::store::history::{Dice, Pool};
use crate::values::{fresh_job_id, fresh_output_id, micros_after, set_name};
use crate::{MemoryStore, Stores};

pub(crate) fn random_plans_give_what_the_model_gives(stores: &Stores) {
    let model = MemoryStore::stores();
    let (mut stored, mut refused) = (0, 0);
    for seed in 1..=8 {
        let mut dice = Dice::of(seed);
        let mut pool = Pool::stored(&[stores, &model]);
        for step in 0..80 {
            pool.look_at_jobs_of(&model);
            let plan = random_plan(&pool, &all_sources(&model), &all_versions(&model), &mut dice);
            let (answer, expected) = (stores.apply.apply(&plan), model.apply.apply(&plan));
            assert_eq!(told(&answer), told(&expected), "seed {seed}, step {step}: {plan:#?}");
            *if answer.is_ok() { &mut stored } else { &mut refused } += 1;
        }
        assert_exactly(&contents(stores), &contents(&model));
    }
    assert!(stored > 100 && refused > 100, "{stored} stored, {refused} refused");
}

/// Of several jobs on one cycle, stores may tell another one.
fn told(answer: &Result<(), ApplyError>) -> String {
    match answer {
        Err(ApplyError::Cycle { .. }) => "a cycle".to_owned(),
        Err(ApplyError::Store(failure)) => panic!("the store fails: {failure:?}"),
        other => format!("{other:?}"),
    }
}

/// A few parts, most of which can be stored.
fn random_plan(pool: &Pool, sources: &[Source], versions: &[SourceVersion], dice: &mut Dice) -> ApplyPlan {
    let mode = if dice.one_in(5) { WriteMode::DryRun } else { WriteMode::Commit };
    let mut plan = ApplyPlan { mode, ..a_plan_of_nothing() };
    for _ in 0..=dice.roll(3) {
        match dice.roll(16) {
            0 => plan.sources.push(Write::New(Source { management: management(dice), ..pool.source(dice) })),
            1 | 2 if !sources.is_empty() => {
                let known = dice.pick(sources);
                plan.sources.push(Write::Changed {
                    value: Source {
                        id: known.id,
                        revision: known.revision.next(),
                        management: management(dice),
                        ..known
                    },
                    expected: revision(dice, known.revision),
                });
            }
            3 => {
                let managed_by = management(dice).map(|kept| kept.set);
                plan.new_versions.push(SourceVersion { managed_by, ..pool.version(dice) });
            }
            4 => {
                let id = dice.pick(&pool.versions);
                let from = keeper(versions, id, dice);
                plan.adopted_versions.push(AdoptedVersion { id, from, to: set_name(dice.pick(&["a", "b"])) });
            }
            5 => {
                let id = dice.pick(&pool.versions);
                if let Some(set) = keeper(versions, id, dice) {
                    plan.deleted_versions.push((id, set));
                }
            }
            6 if !sources.is_empty() => {
                let known = dice.pick(sources);
                plan.deleted_sources.push((known.id, revision(dice, known.revision)));
            }
            7 | 8 => {
                let known = pool.known_job(dice);
                plan.deleted_jobs.push((known.organisation_id, known.id, revision(dice, known.revision)));
            }
            9..=11 => {
                let job = pool.job(dice);
                let job = Job { activated_at: None, id: fresh_job_id(), ..job };
                let job = bound(job, &plan, pool, dice);
                plan.jobs.push(Write::New(Job { management: management(dice), ..job }));
            }
            _ => {
                let known = pool.known_job(dice);
                if plan.jobs.iter().any(|job| job.value().id == known.id) {
                    continue;
                }
                plan.jobs.push(change_of(&known, &plan, pool, dice));
            }
        }
    }
    plan
}

/// Mostly the set that keeps a version.
fn keeper(versions: &[SourceVersion], id: SourceVersionId, dice: &mut Dice) -> Option<SetName> {
    if dice.one_in(4) {
        return dice.pick(&[None, Some("a"), Some("b")]).map(set_name);
    }
    versions.iter().find(|version| version.id == id)?.managed_by.clone()
}

fn change_of(known: &Job, plan: &ApplyPlan, pool: &Pool, dice: &mut Dice) -> Write<Job> {
    let expected = revision(dice, known.revision);
    let kept = Job { management: management(dice), ..known.clone() };
    if dice.one_in(3) {
        return Write::Changed { value: kept, expected };
    }
    let other = pool.job(dice);
    let changed = Job {
        name: if dice.one_in(2) { other.name } else { known.name.clone() },
        source_version_id: if dice.one_in(4) { other.source_version_id } else { known.source_version_id },
        active: other.active,
        outputs: if dice.one_in(4) { anew(&known.outputs) } else { known.outputs.clone() },
        revision: known.revision.next(),
        updated_at: micros_after(known.updated_at, 1),
        ..kept
    };
    Write::Changed { value: bound(changed, plan, pool, dice), expected }
}

fn anew(outputs: &[Output]) -> Vec<Output> {
    outputs.iter().map(|output| Output { id: fresh_output_id(), ..output.clone() }).collect()
}

/// Has a job read outputs of known jobs, or of those before it in the plan; or what it read before.
fn bound(job: Job, plan: &ApplyPlan, pool: &Pool, dice: &mut Dice) -> Job {
    if dice.one_in(3) {
        return job;
    }
    let id: JobId = job.id;
    let known = (0..dice.roll(3)).map(|_| pool.known_job(dice)).collect::<Vec<_>>();
    let planned = plan.jobs.iter().map(Write::value).filter(|planned| planned.organisation_id == job.organisation_id);
    let known = known.iter().filter(|known| known.organisation_id == job.organisation_id && known.id != id);
    let mut outputs: Vec<OutputId> =
        known.chain(planned.take(1)).filter_map(|job| job.outputs.first()).map(|output| output.id).collect();
    outputs.sort_unstable();
    outputs.dedup();
    Job { role_bindings: reading(&outputs), ..job }
}

fn management(dice: &mut Dice) -> Option<Management> {
    let set = dice.pick(&[None, Some("a"), Some("b")]);
    set.map(|set| kept_by(set, Revision::FIRST))
}

/// Mostly that one.
fn revision(dice: &mut Dice, current: Revision) -> Revision {
    if dice.one_in(15) { current.next() } else { current }
}
