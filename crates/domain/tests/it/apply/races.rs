//! A store that changes between the plan and its writing.

use std::sync::{Arc, Mutex};

use prediction_domain::model::{ApplyAction, InputPosition, JobId, OrganisationId, SourceVersionId};
use prediction_domain::ports::{ApplyError, ApplyPlan, ApplyRepository, StoreFailure};
use prediction_domain::requests::ApplyDraft;
use prediction_domain::use_cases::{Ports, UseCaseError};

use super::pictures::is_unchanged;
use super::words::{actions, done, dry_run, everything, job_named, mildew, pause_by_hand, run, with_jobs};
use crate::world::{World, given, operator};

type Interruption = Box<dyn FnMut() -> Result<(), ApplyError> + Send>;

/// Something happens each time before a plan is stored.
struct Interrupted {
    store: Arc<dyn ApplyRepository>,
    by: Mutex<Interruption>,
}

impl ApplyRepository for Interrupted {
    fn apply(&self, plan: &ApplyPlan) -> Result<(), ApplyError> {
        (self.by.lock().unwrap())()?;
        self.store.apply(plan)
    }

    fn unused_versions(
        &self,
        versions: &[SourceVersionId],
        without: &[(OrganisationId, JobId)],
    ) -> Result<Vec<bool>, StoreFailure> {
        self.store.unused_versions(versions, without)
    }

    fn unused_inputs(
        &self,
        inputs: &[InputPosition],
        without: &[(OrganisationId, JobId)],
    ) -> Result<Vec<bool>, StoreFailure> {
        self.store.unused_inputs(inputs, without)
    }

    fn count_runs(&self, jobs: &[(OrganisationId, JobId)]) -> Result<Vec<u64>, StoreFailure> {
        self.store.count_runs(jobs)
    }
}

fn interrupted(world: &World, by: impl FnMut() -> Result<(), ApplyError> + Send + 'static) -> Ports {
    let store = Arc::clone(&world.ports.apply);
    Ports { apply: Arc::new(Interrupted { store, by: Mutex::new(Box::new(by)) }), ..world.ports.clone() }
}

/// Another apply, once.
fn once(world: &World, draft: ApplyDraft) -> Ports {
    let (ports, mut draft) = (world.ports.clone(), Some(draft));
    interrupted(world, move || {
        if let Some(draft) = draft.take() {
            run(&ports, &operator(), &draft).unwrap();
        }
        Ok(())
    })
}

#[test]
fn of_two_applies_at_once_the_second_sees_the_first() {
    let world = World::new();
    let draft = with_jobs(vec![mildew("Job A", &[])]);
    let applied = run(&once(&world, draft.clone()), &operator(), &draft).unwrap();
    assert!(is_unchanged(&applied), "{:?}", actions(&applied));

    let other = with_jobs(vec![mildew("Job B", &[])]);
    let both = with_jobs(vec![mildew("Job A", &[]), mildew("Job B", &[])]);
    let applied = run(&once(&world, other), &operator(), &both).unwrap();
    assert!(is_unchanged(&applied), "{:?}", actions(&applied));
}

#[test]
fn a_plan_that_was_looked_at_is_not_replaced_by_another_one() {
    let world = World::new();
    let both = with_jobs(vec![mildew("Job A", &[]), mildew("Job B", &[])]);
    let seen = dry_run(&world.ports, &operator(), &both).unwrap().plan_digest;
    let ports = once(&world, with_jobs(vec![mildew("Job A", &[])]));
    let expecting = ApplyDraft { expect_plan: given(&seen), ..both };
    let refused = run(&ports, &operator(), &expecting);
    let Err(UseCaseError::PlanOutdated(plan)) = refused else { panic!("{refused:?}") };
    let created = plan.changes.iter().filter(|change| change.action == ApplyAction::Create).count();
    assert_eq!(created, 1, "only Job B is left to do");
    assert_eq!(everything(&world).2.len(), 1);
}

#[test]
fn a_job_that_is_changed_by_hand_meanwhile_is_planned_anew() {
    let world = World::new();
    let active = |is_active| {
        let job = prediction_domain::requests::DescribedJobDraft {
            active: prediction_domain::requests::Sent::Given(is_active),
            ..mildew("Job A", &[])
        };
        with_jobs(vec![job])
    };
    done(&world, &active(true));
    let mut job = Some(job_named(&world, "Job A"));
    let by_hand = World { ports: world.ports.clone(), clock: world.clock.clone() };
    let ports = interrupted(&world, move || {
        if let Some(job) = job.take() {
            pause_by_hand(&by_hand, &job, false);
        }
        Ok(())
    });
    let applied = run(&ports, &operator(), &active(false)).unwrap();
    assert!(is_unchanged(&applied));
    assert!(applied.changes.iter().any(|change| change.changed_outside.is_some()));
}

#[test]
fn a_store_that_never_stands_still_is_told_of() {
    let world = World::new();
    let ports = interrupted(&world, || Err(ApplyError::Overtaken));
    let draft = with_jobs(vec![mildew("Job A", &[])]);
    let refused = run(&ports, &operator(), &draft);
    assert!(matches!(refused, Err(UseCaseError::Store(StoreFailure::Unavailable(_)))), "{refused:?}");

    let cycle = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&cycle);
    let id = JobId::parse("aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa").unwrap();
    let ports = interrupted(&world, move || {
        *counted.lock().unwrap() += 1;
        Err(ApplyError::Cycle { job_id: id })
    });
    let refused = run(&ports, &operator(), &draft);
    let Err(UseCaseError::Invalid(violations)) = refused else { panic!("{refused:?}") };
    assert_eq!(violations.iter().next().unwrap().path.to_json_pointer(), "/jobs/role_bindings");
    assert_eq!(*cycle.lock().unwrap(), 8);
}
