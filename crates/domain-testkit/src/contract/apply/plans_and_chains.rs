use std::collections::BTreeSet;

use prediction_domain::model::{Job, JobId, OrganisationId, OutputId, Readers, SourceVersion};
use prediction_domain::ports::{ApplyError, ApplyPlan, Write};

use super::{a_plan_of_jobs, apply, assert_refused, changed};
use crate::Stores;
use crate::builders::{a_job_of, a_plan_of_nothing};
use crate::contract::fixture::{assert_exactly, catalog, job, stored_job};
use crate::contract::jobs::chains::reading;
use crate::values::fresh_organisation_id;

/// Jobs of one organisation.
pub(super) struct Chain {
    organisation_id: OrganisationId,
    version: SourceVersion,
}

impl Chain {
    pub(super) fn new(stores: &Stores) -> Self {
        Self { organisation_id: fresh_organisation_id(), version: catalog(stores).1 }
    }

    /// A job that reads the outputs of these.
    pub(super) fn job(&self, upstream: &[&Job]) -> Job {
        let role_bindings = reading(&outputs(upstream));
        Job { organisation_id: self.organisation_id, role_bindings, ..a_job_of(&self.version) }
    }
}

/// A job that comes to read the outputs of these.
pub(super) fn bound(job: &Job, upstream: &[&Job]) -> Write<Job> {
    changed(Job { role_bindings: reading(&outputs(upstream)), ..job.clone() })
}

fn outputs(jobs: &[&Job]) -> Vec<OutputId> {
    jobs.iter().map(|job| job.outputs[0].id).collect()
}

fn plan(jobs: impl IntoIterator<Item = Write<Job>>) -> ApplyPlan {
    ApplyPlan { jobs: jobs.into_iter().collect(), ..a_plan_of_nothing() }
}

pub(crate) fn jobs_of_a_plan_may_read_each_other(stores: &Stores) {
    let chain = Chain::new(stores);
    let there = stored_job(stores, chain.job(&[]));
    let first = chain.job(&[]);
    let beside = chain.job(&[&there]);
    let second = chain.job(&[&first, &beside]);
    let third = chain.job(&[&second, &first, &there]);
    apply(stores, &a_plan_of_jobs([&first, &beside, &second, &third]));
    let readers = |jobs: &[&Job]| {
        let jobs: BTreeSet<JobId> = jobs.iter().map(|job| job.id).collect();
        stores.chains.readers_of(chain.organisation_id, &jobs, 9).expect("readers are found")
    };
    assert_eq!(readers(&[&first]), [second.id, third.id]);
    assert_eq!(readers(&[&there]), [beside.id, third.id]);
    assert_eq!(readers(&[&second]), [third.id]);
    // One that was there comes to read new ones, which read others that were there.
    let new = chain.job(&[&third]);
    let last = stored_job(stores, chain.job(&[]));
    apply(stores, &plan([Write::New(new.clone()), bound(&last, &[&new])]));
    assert_eq!(readers(&[&new]), [last.id]);
}

pub(crate) fn a_plan_closes_no_cycle(stores: &Stores) {
    let chain = Chain::new(stores);
    let first = stored_job(stores, chain.job(&[]));
    let second = stored_job(stores, chain.job(&[&first]));
    let [third, fourth] = [(); 2].map(|()| stored_job(stores, chain.job(&[])));
    let new = chain.job(&[&second]);
    let newer = chain.job(&[&new, &fourth]);
    let closing: [(Vec<Write<Job>>, Vec<&Job>); 5] = [
        (vec![bound(&first, &[&first])], vec![&first]),
        (vec![bound(&first, &[&second])], vec![&first]),
        (vec![bound(&third, &[&second]), bound(&first, &[&third])], vec![&first, &third]),
        (vec![Write::New(new.clone()), bound(&first, &[&new])], vec![&first]),
        (
            vec![
                Write::New(new.clone()),
                Write::New(newer.clone()),
                bound(&third, &[&newer]),
                bound(&first, &[&third]),
            ],
            vec![&first, &third],
        ),
    ];
    for (jobs, over) in closing {
        assert_refused(
            stores,
            &plan(jobs),
            |error| matches!(error, ApplyError::Cycle { job_id } if over.iter().any(|job| job.id == *job_id)),
        );
    }
    apply(stores, &plan([Write::New(new), Write::New(newer.clone()), bound(&third, &[&newer])]));
}

pub(crate) fn a_cycle_between_two_writes_of_a_plan_is_none(stores: &Stores) {
    let chain = Chain::new(stores);
    let first = stored_job(stores, chain.job(&[]));
    let second = stored_job(stores, chain.job(&[&first]));
    let turned = plan([bound(&first, &[&second]), bound(&second, &[])]);
    apply(stores, &turned);
    assert_exactly(&job(stores, first.id).as_ref(), &Some(turned.jobs[0].value()));
}

pub(crate) fn a_plan_takes_no_output_away_that_is_read(stores: &Stores) {
    let chain = Chain::new(stores);
    let first = stored_job(stores, chain.job(&[]));
    let second = stored_job(stores, chain.job(&[&first]));
    let third = stored_job(stores, chain.job(&[&first]));
    let told = Readers { jobs: 2, first: vec![second.id, third.id] };
    let in_use = |error: &ApplyError, expected: &Readers| {
        matches!(error, ApplyError::OutputsInUse { organisation_id, job_id, readers }
            if (*organisation_id, *job_id) == (first.organisation_id, first.id) && readers == expected)
    };
    let without = changed(Job { outputs: Vec::new(), ..first.clone() });
    assert_refused(stores, &plan([without.clone()]), |error| in_use(error, &told));
    let gone = |jobs: &[&Job]| jobs.iter().map(|job| (job.organisation_id, job.id, job.revision)).collect();
    let deletion = |jobs: &[&Job]| ApplyPlan { deleted_jobs: gone(jobs), ..a_plan_of_nothing() };
    let told = Readers { jobs: 1, first: vec![third.id] };
    assert_refused(stores, &deletion(&[&second, &first]), |error| in_use(error, &told));
    // Also by a job that the plan itself makes.
    let new = chain.job(&[&first]);
    let told = Readers { jobs: 1, first: vec![new.id] };
    let with_new = ApplyPlan { jobs: vec![Write::New(new)], ..deletion(&[&third, &second, &first]) };
    assert_refused(stores, &with_new, |error| in_use(error, &told));
    // When those that read it are changed before, it may go.
    apply(stores, &plan([bound(&second, &[]), bound(&third, &[]), without]));
}
