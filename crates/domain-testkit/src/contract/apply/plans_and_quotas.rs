use prediction_domain::model::{Allowance, Day, Job, OrganisationId, Quota, QuotaExceeded, Revision};
use prediction_domain::ports::{ApplyError, ApplyPlan, Write, WriteMode};

use super::{a_plan_of_jobs, apply, assert_refused, changed, kept_by};
use crate::Stores;
use crate::builders::{a_job_of, a_plan_of_nothing};
use crate::contract::fixture::{all_jobs, catalog, stored_job};
use crate::values::fresh_organisation_id;

#[track_caller]
fn assert_exceeded(stores: &Stores, plan: &ApplyPlan, whose: OrganisationId, expected: QuotaExceeded) {
    assert_refused(stores, plan, |error| {
        matches!(error, ApplyError::QuotaExceeded { organisation_id, exceeded }
            if *organisation_id == whose && *exceeded == expected)
    });
}

pub(crate) fn a_plan_makes_as_many_jobs_as_there_may_be(stores: &Stores) {
    let (_, version) = catalog(stores);
    let [full, other] = [(); 2].map(|()| fresh_organisation_id());
    let new = |organisation_id| Job { organisation_id, ..a_job_of(&version) };
    let plan = |count: usize| {
        let jobs: Vec<Job> = (0..count).map(|_| new(full)).chain([new(other)]).collect();
        ApplyPlan { most_jobs: Some(3), ..a_plan_of_jobs(&jobs) }
    };
    let exceeded = |used, amount| QuotaExceeded { quota: Quota::Jobs, limit: 3, used, amount };
    assert_exceeded(stores, &plan(4), full, exceeded(0, 4));
    let before = stored_job(stores, new(full));
    assert_exceeded(stores, &plan(3), full, exceeded(1, 3));
    apply(stores, &plan(2));
    assert_exceeded(stores, &plan(1), full, exceeded(3, 1));
    // A job can be exchanged for another one, but not for two.
    let deleted_jobs = vec![(full, before.id, before.revision)];
    let exchange = |count| ApplyPlan { deleted_jobs: deleted_jobs.clone(), ..plan(count) };
    assert_exceeded(stores, &exchange(2), full, exceeded(3, 1));
    apply(stores, &ApplyPlan { mode: WriteMode::DryRun, ..exchange(1) });
    // A change needs no room, and a deletion makes some.
    let plan_of_change = ApplyPlan { most_jobs: Some(1), deleted_jobs, ..a_plan_of_nothing() };
    let changes = all_jobs(stores).into_iter().filter(|job| job.id != before.id).map(changed).collect();
    apply(stores, &ApplyPlan { jobs: changes, ..plan_of_change });
    apply(stores, &ApplyPlan { mode: WriteMode::DryRun, ..plan(1) });
    apply(stores, &plan(1));
    apply(stores, &ApplyPlan { most_jobs: None, ..plan(1) });
}

pub(crate) fn the_changes_of_a_plan_use_what_may_be_changed_in_a_day(stores: &Stores) {
    let (_, version) = catalog(stores);
    let organisation = fresh_organisation_id();
    let mut jobs = [(); 3].map(|()| stored_job(stores, Job { organisation_id: organisation, ..a_job_of(&version) }));
    let other = stored_job(stores, a_job_of(&version));
    let allowance = Allowance { quota: Quota::ChangesPerDay, day: Day::from_number(20_000), limit: 5, amount: 1 };
    let plan = |jobs: &[Job]| {
        let changes = jobs.iter().cloned().map(changed).collect();
        ApplyPlan { jobs: changes, allowance: Some(allowance), ..a_plan_of_nothing() }
    };
    let dry = ApplyPlan { mode: WriteMode::DryRun, ..plan(&jobs) };
    apply(stores, &dry);
    apply(stores, &dry);
    apply(stores, &plan(&jobs));
    for job in &mut jobs {
        job.revision = job.revision.next();
    }
    let exceeded = |amount| Allowance { amount, ..allowance }.exceeded(3);
    let [first, second, third] = jobs.clone();
    assert_exceeded(stores, &plan(&[other.clone(), first, second, third]), organisation, exceeded(3));
    // New jobs and what makes no revision use nothing.
    let kept = jobs.clone().map(|job| {
        let expected = job.revision;
        Write::Changed { value: Job { management: Some(kept_by("set", Revision::FIRST)), ..job }, expected }
    });
    let new = Write::New(Job { organisation_id: organisation, ..a_job_of(&version) });
    let unlimited = kept.into_iter().chain([new]).collect();
    apply(stores, &ApplyPlan { jobs: unlimited, allowance: Some(allowance), ..a_plan_of_nothing() });
    apply(stores, &plan(&jobs[..2]));
    assert_exceeded(stores, &plan(&jobs[2..]), organisation, allowance.exceeded(5));
    apply(stores, &plan(&[other]));
    apply(stores, &ApplyPlan { allowance: None, ..plan(&jobs[2..]) });
}
