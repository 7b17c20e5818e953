//! What an organisation may have, or do in a day, only so often.

use prediction_domain::model::{
    Allowance, Day, Job, JobName, OrganisationId, PageRequest, Prediction, Quota, QuotaExceeded, Run, RunStatus, Scope,
    SourceVersion, latest_issue,
};
use prediction_domain::ports::{
    InsertNextError, InsertRunError, JobSetUp, JobSetUpOutcome, JobSetUpRejected, ReplaceRunError, RunFilter,
    UpdateJobError, WriteMode,
};

use super::history::Dice;
use crate::builders::{a_job_of, a_plan_for, a_plan_for_everything, a_prediction, a_run_of};
use crate::contract::fixture::{all_jobs, any_job, assert_nothing_changes, at_once, catalog, job, set_up, stored_job};
use crate::values::{at, first_page, fresh_job_id, fresh_organisation_id, job_name, micros_after};
use crate::{MemoryStore, Stores};

pub(crate) fn as_many_jobs_are_stored_as_there_may_be(stores: &Stores) {
    let (_, version) = catalog(stores);
    let organisation = fresh_organisation_id();
    let plan = |name: &str| limited(2, a_job_named(&version, organisation, name));
    assert_created(stores, &plan("a"));
    assert_created(stores, &plan("b"));
    assert_exceeded(stores, &plan("c"), 2, 2);
    assert_exceeded(stores, &JobSetUp { mode: WriteMode::DryRun, ..plan("c") }, 2, 2);
    assert_exceeded(stores, &JobSetUp { job: plan("c").job, most_jobs: Some(1), ..a_plan_for_everything() }, 1, 2);
    assert_created(stores, &limited(2, a_job_of(&version)));
    // A setup without a limit, or with a higher one, has room.
    assert_created(stores, &limited(3, a_job_named(&version, organisation, "c")));
    assert_created(stores, &a_plan_for(a_job_named(&version, organisation, "d")));
    assert_exceeded(stores, &plan("e"), 2, 4);
}

pub(crate) fn a_job_that_is_there_is_found_whatever_the_quota(stores: &Stores) {
    let (_, version) = catalog(stores);
    let plan = limited(1, a_job_of(&version));
    assert_created(stores, &plan);
    for mode in [WriteMode::Commit, WriteMode::DryRun] {
        for again in [plan.clone(), JobSetUp { job: plan.job.clone(), most_jobs: Some(1), ..a_plan_for_everything() }] {
            let again = JobSetUp { mode, job: Job { id: fresh_job_id(), ..again.job }, ..again };
            let outcome = assert_nothing_changes(stores, || set_up(stores, &again)).expect("the job is found");
            assert_eq!(outcome, JobSetUpOutcome::NameTaken(Box::new(plan.job.clone())));
        }
    }
}

pub(crate) fn jobs_that_were_there_before_count(stores: &Stores) {
    let (_, version) = catalog(stores);
    let organisation = fresh_organisation_id();
    let [a, b] = ["a", "b"].map(|name| stored_job(stores, a_job_named(&version, organisation, name)));
    stores.jobs.delete(&Scope::Platform, a.id, a.revision, WriteMode::Commit).expect("the job is deleted");
    let plan = |name: &str| limited(2, a_job_named(&version, organisation, name));
    assert_created(stores, &plan("c"));
    assert_exceeded(stores, &plan("d"), 2, 2);
    stores.jobs.delete(&Scope::Platform, b.id, b.revision, WriteMode::DryRun).expect("the job would be deleted");
    assert_exceeded(stores, &plan("d"), 2, 2);
    stores.jobs.delete(&Scope::Platform, b.id, b.revision, WriteMode::Commit).expect("the job is deleted");
    assert_created(stores, &JobSetUp { job: plan("d").job, most_jobs: Some(2), ..everything_for(&plan("d").job) });
    assert_exceeded(stores, &plan("e"), 2, 2);
}

/// With few names and little room, so that plans meet in every way.
pub(crate) fn a_batch_gives_what_its_plans_give_one_after_the_other_up_to_the_quota(stores: &Stores) {
    let model = MemoryStore::stores();
    let organisations = [(); 2].map(|()| fresh_organisation_id());
    let (source, version) = catalog(stores);
    model.sources.insert(&source, WriteMode::Commit).expect("the source is stored");
    model.source_versions.insert(&version, WriteMode::Commit).expect("the version is stored");
    let mut dice = Dice::of(7);
    for round in 0..12 {
        let plans: Vec<JobSetUp> = (0..=dice.roll(12))
            .map(|_| {
                let name = format!("job {}", dice.roll(9));
                let job = a_job_named(&version, organisations[dice.roll(2)], &name);
                let plan = match dice.roll(4) {
                    0 => everything_for(&job),
                    _ => a_plan_for(job),
                };
                let most_jobs = [None, Some(2), Some(4), Some(4)][dice.roll(4)];
                let mode = if dice.roll(6) == 0 { WriteMode::DryRun } else { WriteMode::Commit };
                JobSetUp { most_jobs, mode, ..plan }
            })
            .collect();
        let expected: Vec<String> = plans.iter().map(|plan| format!("{:?}", set_up(&model, plan))).collect();
        let told: Vec<String> = stores.jobs.set_up_many(&plans).iter().map(|outcome| format!("{outcome:?}")).collect();
        assert_eq!(told, expected, "round {round}");
        let count = all_jobs(stores).len();
        assert_eq!(count, all_jobs(&model).len());
        for job in all_jobs(stores).into_iter().filter(|_| dice.roll(3) == 0) {
            for stores in [stores, &model] {
                stores
                    .jobs
                    .delete(&Scope::Platform, job.id, job.revision, WriteMode::Commit)
                    .expect("the job is deleted");
            }
        }
    }
}

pub(crate) fn of_many_setups_at_once_as_many_are_made_as_there_is_room_for(stores: &Stores) {
    let (_, version) = catalog(stores);
    for is_counted in [false, true] {
        let organisation = fresh_organisation_id();
        if is_counted {
            assert_created(stores, &limited(11, a_job_named(&version, organisation, "the first")));
        }
        let room = if is_counted { 11 } else { 10 };
        let outcomes = at_once(64, |number| {
            let plan = limited(room, a_job_named(&version, organisation, &format!("job {number}")));
            // Some in batches, some with what only one can store, some as dry runs.
            match number % 4 {
                0 => vec![set_up(stores, &JobSetUp { job: plan.job.clone(), ..limited_everything(room, &plan.job) })],
                1 => vec![set_up(stores, &JobSetUp { mode: WriteMode::DryRun, ..plan })],
                _ => stores.jobs.set_up_many(&[plan]),
            }
        });
        let stored = all_jobs(stores).into_iter().filter(|job| job.organisation_id == organisation).count();
        assert_eq!(stored as u64, room);
        let mut created = 0;
        for (number, outcome) in outcomes.into_iter().flatten().enumerate() {
            match outcome {
                Ok(JobSetUpOutcome::Created) => created += usize::from(number % 4 != 1),
                Err(JobSetUpRejected::QuotaExceeded(exceeded)) => assert_eq!(exceeded.limit, room),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(created, 10);
    }
}

pub(crate) fn jobs_that_are_stored_and_deleted_at_once_are_counted_right(stores: &Stores) {
    let (_, version) = catalog(stores);
    for round in 0..6 {
        let organisation = fresh_organisation_id();
        let old: Vec<Job> =
            (0..8).map(|n| stored_job(stores, a_job_named(&version, organisation, &format!("old {n}")))).collect();
        at_once(16, |number| {
            if let Some(old) = old.get(number) {
                stores.jobs.delete(&Scope::Platform, old.id, old.revision, WriteMode::Commit).expect("it is deleted");
            } else {
                let job = a_job_named(&version, organisation, &format!("new {number}"));
                let plan = if number % 2 == 0 { a_plan_for(job) } else { limited(100, job) };
                assert_eq!(set_up(stores, &plan).expect("the job is stored"), JobSetUpOutcome::Created);
            }
        });
        assert_exceeded(stores, &limited(8, a_job_named(&version, organisation, "more")), 8, 8);
        assert_created(stores, &limited(9, a_job_named(&version, organisation, &format!("more in {round}"))));
    }
}

pub(crate) fn as_much_is_reported_in_a_day_as_may_be(stores: &Stores) {
    let job = any_job(stores);
    let values: Vec<Prediction> = (0..3).map(|n| a_prediction("risk", micros_after(noon(), n), 0.5)).collect();
    let run = |number| Run { issued_at: micros_after(noon(), number), ..a_run_of(&job, &values) };
    let insert = |run: &Run, allowance| stores.runs.insert(run, &values, Some(allowance));
    insert(&run(0), of_day(1, 6)).expect("there is room");
    assert_refused(insert(&run(1), of_day(1, 5)), 6, 5);
    insert(&run(1), of_day(1, 4)).expect("there is just enough room, and what is refused uses nothing");
    assert_refused(insert(&run(2), of_day(1, 1)), 10, 1);
    assert_eq!(runs_of(stores, &job), 2, "what is refused is not stored");
    assert_refused(insert(&run(2), of_day(0, 1)), 10, 1);
    insert(&run(2), of_day(2, 10)).expect("another day has begun");
    assert_refused(insert(&run(3), of_day(1, 1)), 10, 1);
    insert(&run(3), of_day(4, 10)).expect("another day has begun");
    insert(&run(4), of_day(2, 10)).expect("a day that is far ahead was a mistake");
    assert_refused(insert(&run(5), of_day(9, 11)), 0, 11);
    insert(&run(5), Allowance { limit: 30, ..of_day(2, 20) }).expect("the limit is what it is now");
    stores.runs.insert(&run(6), &values, None).expect("nothing is limited");
    let other = Allowance { quota: Quota::ChangesPerDay, ..of_day(2, 10) };
    insert(&run(7), other).expect("one quota is not another");
    let stranger = any_job(stores);
    stores.runs.insert(&a_run_of(&stranger, &values), &values, Some(of_day(2, 10))).expect("it is another's quota");
}

pub(crate) fn what_cannot_be_stored_is_told_before_a_quota_and_uses_nothing(stores: &Stores) {
    let job = any_job(stores);
    let run = Run { issued_at: noon(), ..a_run_of(&job, &[]) };
    stores.runs.insert(&run, &[], Some(of_day(1, 9))).expect("there is room");
    for amount in [1, 100] {
        let again = Run { issued_at: noon(), ..a_run_of(&job, &[]) };
        let error = stores.runs.insert(&again, &[], Some(of_day(1, amount))).expect_err("the time is taken");
        assert!(matches!(error, InsertRunError::IssuedAtTaken(taken) if *taken == run));
        let stranger = Job { id: fresh_job_id(), ..job.clone() };
        let nowhere = a_run_of(&stranger, &[]);
        let error = stores.runs.insert(&nowhere, &[], Some(of_day(1, amount))).expect_err("there is no such job");
        assert!(matches!(error, InsertRunError::JobMissing));
        let error = stores.runs.insert_next(&nowhere, latest_issue(noon()), &[], Some(of_day(1, amount)));
        assert!(matches!(error, Err(InsertNextError::JobMissing)));
        let error = stores.runs.replace(&Run { replaces: Some(run.id), ..again }, &[], Some(of_day(1, amount)));
        assert!(matches!(error, Err(ReplaceRunError::Gone)));
    }
    let last = Run { issued_at: micros_after(noon(), 1), ..a_run_of(&job, &[]) };
    stores.runs.insert(&last, &[], Some(of_day(1, 1))).expect("there is room for one");
}

pub(crate) fn every_way_to_report_uses_the_quota(stores: &Stores) {
    let job = any_job(stores);
    let failed = Run { issued_at: noon(), status: RunStatus::Failed, ..a_run_of(&job, &[]) };
    stores.runs.insert(&failed, &[], Some(of_day(1, 2))).expect("there is room");
    let next = a_run_of(&job, &[]);
    let until = latest_issue(next.issued_at);
    stores.runs.insert_next(&next, until, &[], Some(of_day(1, 3))).expect("there is room");
    let refused = stores.runs.insert_next(&a_run_of(&job, &[]), until, &[], Some(of_day(1, 6)));
    assert!(matches!(refused, Err(InsertNextError::QuotaExceeded(exceeded)) if exceeded == of_day(1, 6).exceeded(5)));
    let values = [a_prediction("risk", noon(), 0.5)];
    let over = Run { issued_at: noon(), replaces: Some(failed.id), ..a_run_of(&job, &values) };
    let refused = stores.runs.replace(&over, &values, Some(of_day(1, 6)));
    assert!(matches!(refused, Err(ReplaceRunError::QuotaExceeded(exceeded)) if exceeded == of_day(1, 6).exceeded(5)));
    let kept = stores.runs.find(job.organisation_id, job.id, failed.id).expect("runs can be read");
    assert_eq!(kept, Some(failed), "what is not replaced is as it was");
    stores.runs.replace(&over, &values, Some(of_day(1, 5))).expect("there is just enough room");
    assert_eq!(runs_of(stores, &job), 2);
}

pub(crate) fn of_many_reports_at_once_as_many_are_stored_as_there_is_room_for(stores: &Stores) {
    let first = any_job(stores);
    let (_, version) = catalog(stores);
    let others = (0..3).map(|n| stored_job(stores, a_job_named(&version, first.organisation_id, &format!("job {n}"))));
    let jobs: Vec<Job> = others.collect();
    let values = [a_prediction("risk", noon(), 0.5), a_prediction("wetness", noon(), 0.5)];
    let outcomes = at_once(24, |number| {
        let job = &jobs[number % jobs.len()];
        let run =
            Run { issued_at: micros_after(noon(), i64::try_from(number).expect("small")), ..a_run_of(job, &values) };
        let allowance = Some(of_day(1, 2));
        match number % 2 {
            0 => stores.runs.insert(&run, &values, allowance).map_err(|error| match error {
                InsertRunError::QuotaExceeded(exceeded) => exceeded,
                other => panic!("{other:?}"),
            }),
            _ => stores.runs.insert_next(&run, latest_issue(noon()), &values, allowance).map(drop).map_err(|error| {
                match error {
                    InsertNextError::QuotaExceeded(exceeded) => exceeded,
                    other => panic!("{other:?}"),
                }
            }),
        }
    });
    let refused: Vec<QuotaExceeded> = outcomes.into_iter().filter_map(Result::err).collect();
    assert_eq!(refused, vec![of_day(1, 2).exceeded(10); 19]);
    assert_eq!(jobs.iter().map(|job| runs_of(stores, job)).sum::<usize>(), 5);
}

pub(crate) fn as_many_changes_are_made_in_a_day_as_may_be(stores: &Stores) {
    let mut stored = any_job(stores);
    let allowance = |day| Some(Allowance { quota: Quota::ChangesPerDay, limit: 2, ..of_day(day, 1) });
    let change = |stored: &Job| Job { active: !stored.active, revision: stored.revision.next(), ..stored.clone() };
    for _ in 0..3 {
        let changed = change(&stored);
        stores.jobs.update(&changed, stored.revision, allowance(1), WriteMode::DryRun).expect("it would be changed");
    }
    for _ in 0..2 {
        let changed = change(&stored);
        stores.jobs.update(&changed, stored.revision, allowance(1), WriteMode::Commit).expect("there is room");
        stored = changed;
    }
    for mode in [WriteMode::DryRun, WriteMode::Commit] {
        let changed = change(&stored);
        let refused = stores.jobs.update(&changed, stored.revision, allowance(1), mode).expect_err("it is used up");
        assert!(
            matches!(refused, UpdateJobError::QuotaExceeded(exceeded) if (exceeded.limit, exceeded.used) == (2, 2))
        );
        let stale = stores.jobs.update(&changed, stored.revision.next(), allowance(1), mode).expect_err("it is stale");
        assert!(matches!(stale, UpdateJobError::Stale { current } if current == stored.revision));
        let missing = Job { id: fresh_job_id(), ..changed };
        let missing = stores.jobs.update(&missing, stored.revision, allowance(1), mode).expect_err("it is missing");
        assert!(matches!(missing, UpdateJobError::Missing));
    }
    assert_eq!(job(stores, stored.id), Some(stored.clone()));
    let changed = change(&stored);
    stores.jobs.update(&changed, stored.revision, allowance(2), WriteMode::Commit).expect("another day has begun");
    let (stored, changed) = (&changed, change(&changed));
    stores.jobs.update(&changed, stored.revision, None, WriteMode::Commit).expect("nothing is limited");
}

fn noon() -> prediction_domain::model::Timestamp {
    at("2026-06-01T12:00:00.000001Z")
}

/// So much of the ten values of a day.
fn of_day(day: i32, amount: u64) -> Allowance {
    Allowance { quota: Quota::ValuesPerDay, day: Day::from_number(20_000 + day), limit: 10, amount }
}

fn a_job_named(version: &SourceVersion, organisation_id: OrganisationId, name: &str) -> Job {
    let name: JobName = job_name(name);
    Job { organisation_id, name, ..a_job_of(version) }
}

fn limited(most: u64, job: Job) -> JobSetUp {
    JobSetUp { most_jobs: Some(most), ..a_plan_for(job) }
}

/// A plan that stores a source and a version beside a job of that name.
fn everything_for(job: &Job) -> JobSetUp {
    let plan = a_plan_for_everything();
    let named = Job { organisation_id: job.organisation_id, name: job.name.clone(), ..plan.job };
    JobSetUp { job: named, ..plan }
}

fn limited_everything(most: u64, job: &Job) -> JobSetUp {
    JobSetUp { most_jobs: Some(most), ..everything_for(job) }
}

#[track_caller]
fn assert_created(stores: &Stores, plan: &JobSetUp) {
    assert_eq!(set_up(stores, plan).expect("the plan is carried out"), JobSetUpOutcome::Created);
}

#[track_caller]
fn assert_exceeded(stores: &Stores, plan: &JobSetUp, limit: u64, used: u64) {
    let refused = assert_nothing_changes(stores, || set_up(stores, plan)).expect_err("there is no room");
    let expected = QuotaExceeded { quota: Quota::Jobs, limit, used, amount: 1 };
    assert!(matches!(&refused, JobSetUpRejected::QuotaExceeded(exceeded) if *exceeded == expected), "{refused:?}");
}

#[track_caller]
fn assert_refused(stored: Result<(), InsertRunError>, used: u64, amount: u64) {
    let refused = stored.expect_err("there is not enough room");
    let expected = of_day(0, amount).exceeded(used);
    assert!(matches!(&refused, InsertRunError::QuotaExceeded(exceeded) if *exceeded == expected), "{refused:?}");
}

fn runs_of(stores: &Stores, job: &Job) -> usize {
    let page = first_page(PageRequest::MAX_LIMIT);
    stores.runs.list(job.organisation_id, job.id, &RunFilter::default(), &page).expect("runs can be listed").items.len()
}
