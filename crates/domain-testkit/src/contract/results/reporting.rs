//! Runs that are issued next, replaced and deleted, and what that makes of what the runs of a job add up to.

use std::collections::BTreeSet;
use std::thread;

use chrono::TimeDelta;
use prediction_domain::model::{
    Job, MAX_SECONDS_AHEAD, Prediction, Revision, Run, RunOutcome, RunStatus, RunSummary, Scope, Timestamp,
    latest_issue,
};
use prediction_domain::ports::{
    DeleteRunError, InsertNextError, InsertRunError, Issued, PredictionQuery, ReplaceRunError, RunFilter, WriteMode,
};

use crate::Stores;
use crate::builders::{a_job_of, a_prediction, a_run_of};
use crate::contract::fixture::{any_job, catalog, stored_job};
use crate::contract::results::runs::assert_newest;
use crate::contract::store::history::Dice;
use crate::values::{at, description, first_page, fresh_job_id, fresh_organisation_id, fresh_run_id, micros_after};

pub(crate) fn each_run_that_comes_without_a_time_is_issued_after_those_before(stores: &Stores) {
    let job = any_job(stores);
    let mut expected = noon();
    for _ in 0..5 {
        assert_eq!(next(stores, &job, noon()), expected);
        expected = micros_after(expected, 1);
    }
    // A replica whose clock is ahead, and again the one that is behind.
    assert_eq!(next(stores, &job, seconds(2)), seconds(2));
    assert_eq!(next(stores, &job, noon()), micros_after(seconds(2), 1));
    // The clock is set back by a second, and goes on.
    assert_eq!(next(stores, &job, seconds(-1)), micros_after(seconds(2), 2));
    assert_eq!(next(stores, &job, seconds(1)), micros_after(seconds(2), 3));
    assert_eq!(next(stores, &job, seconds(60)), seconds(60));
}

pub(crate) fn no_report_waits_for_a_time_that_is_further_ahead_than_clocks_differ(stores: &Stores) {
    let job = any_job(stores);
    let years_ahead = at("2028-06-01T12:00:00Z");
    report(stores, &job, years_ahead, RunStatus::Succeeded);
    assert_eq!(next(stores, &job, noon()), noon());
    let years_ago = at("2020-06-01T12:00:00Z");
    assert_eq!(next(stores, &job, years_ago), years_ago);
    assert_eq!(next(stores, &job, years_ago), micros_after(years_ago, 1));
    assert_eq!(next(stores, &job, noon()), micros_after(noon(), 1));
    assert_eq!(next(stores, &job, years_ahead), micros_after(years_ahead, 1));
}

pub(crate) fn a_run_that_comes_without_a_time_finds_one_that_is_free(stores: &Stores) {
    let limit = latest_issue(noon());
    for taken in [&[0][..], &[-1, 0], &[0, 1], &[0, 1, 2], &[0, 2], &[1, 2], &[-1]] {
        let job = any_job(stores);
        let times: BTreeSet<Timestamp> = taken.iter().map(|micros| micros_after(limit, *micros)).collect();
        for time in &times {
            report(stores, &job, *time, RunStatus::Failed);
        }
        let mut all = times.clone();
        for _ in 0..4 {
            let issued_at = next(stores, &job, noon());
            assert!(issued_at >= times.range(..=limit).next_back().copied().unwrap_or(noon()), "{taken:?}");
            assert!(all.insert(issued_at), "{issued_at} is taken: {taken:?}");
        }
    }
}

pub(crate) fn of_many_runs_without_a_time_each_has_one_of_its_own(stores: &Stores) {
    const EACH: usize = 12;
    let job = any_job(stores);
    let times: Vec<Timestamp> = thread::scope(|scope| {
        let reporter = |number: usize| {
            let job = &job;
            scope.spawn(move || {
                // Clocks that stand still, differ, and of which one steps back.
                let clock = |round: usize| match number {
                    0..4 => noon(),
                    4 => seconds(2),
                    5 => seconds(-2),
                    _ => seconds(if round < EACH / 2 { 3 } else { -3 }),
                };
                (0..EACH).map(|round| next(stores, job, clock(round))).collect::<Vec<_>>()
            })
        };
        // One more thread reports runs that say when they were issued, at the same times.
        let given = scope.spawn(|| {
            let times = (0..EACH).map(|micros| micros_after(noon(), i64::try_from(micros).expect("small") * 3));
            let report = |issued_at: &Timestamp| {
                let run = Run { issued_at: *issued_at, received_at: noon(), ..a_run_of(&job, &[]) };
                match stores.runs.insert(&run, &[], None) {
                    Ok(()) => true,
                    Err(InsertRunError::IssuedAtTaken(_)) => false,
                    Err(error) => panic!("{error:?}"),
                }
            };
            times.filter(report).collect::<Vec<_>>()
        });
        let threads: Vec<_> = (0..8).map(reporter).collect();
        let times = threads.into_iter().flat_map(|thread| thread.join().expect("no report panics"));
        let times: Vec<Timestamp> = times.collect();
        [times, given.join().expect("no report panics")].concat()
    });
    let distinct: BTreeSet<Timestamp> = times.iter().copied().collect();
    assert_eq!(distinct.len(), times.len());
    let stored: BTreeSet<Timestamp> = listed(stores, &job).iter().map(|run| run.issued_at).collect();
    assert_eq!(stored, distinct, "what was answered is what is stored");
}

pub(crate) fn a_run_without_a_time_needs_its_job(stores: &Stores) {
    let job = any_job(stores);
    for stranger in
        [Job { id: fresh_job_id(), ..job.clone() }, Job { organisation_id: fresh_organisation_id(), ..job.clone() }]
    {
        let run = a_run_of(&stranger, &[]);
        let error =
            stores.runs.insert_next(&run, latest_issue(run.issued_at), &[], None).expect_err("there is no such job");
        assert!(matches!(error, InsertNextError::JobMissing), "{error:?}");
    }
}

pub(crate) fn a_success_takes_the_place_of_a_failure(stores: &Stores) {
    let job = any_job(stores);
    report(stores, &job, seconds(-60), RunStatus::Succeeded);
    report(stores, &job, seconds(-30), RunStatus::Failed);
    let failed = report(stores, &job, noon(), RunStatus::Failed);
    let later = report(stores, &job, seconds(30), RunStatus::Failed);
    assert_eq!(summary(stores, &job).consecutive_failures, 3);
    let values = [a_prediction("risk", noon(), 0.5)];
    let run = Run { received_at: seconds(40), ..replacing(&job, &failed, &values) };
    stores.runs.replace(&run, &values, None).expect("the failure is replaced");
    assert_eq!(find(stores, &run), Some(run.clone()));
    assert_eq!(find(stores, &failed), Some(Run { replaced_by: Some(run.id), ..failed.clone() }));
    assert_eq!(listed(stores, &job)[..2], [later, run.clone()]);
    assert_eq!(values_of(stores, &job), [0.5]);
    assert_sums_up(stores, &job, None);
    assert_eq!(summary(stores, &job).consecutive_failures, 1);
    let again = Run { replaces: None, ..replacing(&job, &failed, &[]) };
    let error = stores.runs.insert(&again, &[], None).expect_err("its time is taken");
    assert!(matches!(&error, InsertRunError::IssuedAtTaken(taken) if **taken == run), "{error:?}");
}

pub(crate) fn what_is_not_there_or_succeeded_is_not_replaced(stores: &Stores) {
    let job = any_job(stores);
    let succeeded = report(stores, &job, noon(), RunStatus::Succeeded);
    let failed = report(stores, &job, seconds(1), RunStatus::Failed);
    let before = (listed(stores, &job), summary(stores, &job));
    let gone = [
        replacing(&job, &succeeded, &[]),
        Run { replaces: Some(fresh_run_id()), ..replacing(&job, &failed, &[]) },
        Run { issued_at: seconds(2), ..replacing(&job, &failed, &[]) },
        Run { replaces: None, ..replacing(&job, &failed, &[]) },
    ];
    for run in gone {
        let error = stores.runs.replace(&run, &[], None).expect_err("it is not there");
        assert!(matches!(error, ReplaceRunError::Gone), "{error:?}");
    }
    let stranger = Job { organisation_id: fresh_organisation_id(), ..job.clone() };
    let error = stores.runs.replace(&replacing(&stranger, &failed, &[]), &[], None).expect_err("there is no such job");
    assert!(matches!(error, ReplaceRunError::JobMissing), "{error:?}");
    assert_eq!((listed(stores, &job), summary(stores, &job)), before);
}

pub(crate) fn of_many_that_replace_one_failure_one_does(stores: &Stores) {
    for _ in 0..4 {
        let job = any_job(stores);
        let failed = report(stores, &job, noon(), RunStatus::Failed);
        let stored: Vec<Run> = thread::scope(|scope| {
            let retry = |number: i32| {
                let (job, failed) = (&job, &failed);
                scope.spawn(move || {
                    let values = [a_prediction("risk", noon(), f64::from(number))];
                    let run = replacing(job, failed, &values);
                    match stores.runs.replace(&run, &values, None) {
                        Ok(()) => Some(run),
                        Err(ReplaceRunError::Gone) => None,
                        Err(error) => panic!("{error:?}"),
                    }
                })
            };
            let threads: Vec<_> = (0..4).map(retry).collect();
            threads.into_iter().filter_map(|thread| thread.join().expect("no report panics")).collect()
        });
        assert_eq!(stored.len(), 1);
        assert_eq!(listed(stores, &job), stored);
        assert_eq!(values_of(stores, &job).len(), 1);
        assert_sums_up(stores, &job, None);
    }
}

pub(crate) fn a_deleted_run_is_as_if_it_had_never_been_reported(stores: &Stores) {
    let job = any_job(stores);
    let mut runs = Vec::new();
    for (second, status, number) in [
        (0, RunStatus::Succeeded, 0.0),
        (1, RunStatus::Failed, 0.0),
        (2, RunStatus::Succeeded, 0.2),
        (3, RunStatus::Failed, 0.0),
        (4, RunStatus::Failed, 0.0),
    ] {
        let values = [a_prediction("risk", noon(), number)];
        let values = if status == RunStatus::Succeeded { &values[..] } else { &[] };
        let run = Run { issued_at: seconds(second), received_at: seconds(10), status, ..a_run_of(&job, values) };
        stores.runs.insert(&run, values, None).expect("the run is stored");
        runs.push(run);
    }
    for (place, left) in [(4, 0.2), (2, 0.0), (1, 0.0), (0, f64::NAN), (3, f64::NAN)] {
        let run = &runs[place];
        let dry_run = delete(stores, &job, run, WriteMode::DryRun);
        assert_eq!((dry_run, find(stores, run)), (Some(run.clone()), Some(run.clone())));
        assert_eq!(delete(stores, &job, run, WriteMode::Commit), Some(run.clone()));
        assert_eq!(delete(stores, &job, run, WriteMode::Commit), None);
        assert_eq!(find(stores, run), None);
        assert!(!listed(stores, &job).contains(run));
        let expected = if left.is_nan() { vec![] } else { vec![left] };
        assert_eq!(values_of(stores, &job), expected);
        assert_sums_up(stores, &job, None);
    }
    assert_eq!(summary(stores, &job), RunSummary::default());
    let again = report(stores, &job, seconds(2), RunStatus::Failed);
    assert_eq!(listed(stores, &job), [again]);
    assert_sums_up(stores, &job, None);
}

pub(crate) fn a_run_is_deleted_only_as_one_of_its_job(stores: &Stores) {
    let (_, version) = catalog(stores);
    let [job, other] = [(); 2].map(|()| stored_job(stores, a_job_of(&version)));
    let run = report(stores, &job, noon(), RunStatus::Succeeded);
    let delete = |organisation_id, job_id, id| {
        unless_missing(stores.runs.delete(organisation_id, job_id, id, None, seconds(60), WriteMode::Commit))
    };
    assert_eq!(delete(job.organisation_id, job.id, fresh_run_id()), None);
    assert_eq!(delete(job.organisation_id, other.id, run.id), None);
    assert_eq!(delete(other.organisation_id, other.id, run.id), None);
    assert_eq!(delete(fresh_organisation_id(), job.id, run.id), None);
    assert_eq!(find(stores, &run), Some(run));
}

/// A caller who has seen a run deletes the run as it was seen, or is told that it has changed since.
pub(crate) fn a_run_is_deleted_only_at_the_revision_that_is_expected(stores: &Stores) {
    let job = any_job(stores);
    let failed = report(stores, &job, noon(), RunStatus::Failed);
    let delete = |run: &Run, expected: Revision, mode| {
        stores.runs.delete(job.organisation_id, job.id, run.id, Some(expected), seconds(60), mode)
    };
    let stale = |deleted: Result<Run, DeleteRunError>| match deleted {
        Err(DeleteRunError::Stale { current }) => current,
        other => panic!("{other:?}"),
    };
    let second = Revision::FIRST.next();
    assert_eq!(stale(delete(&failed, second, WriteMode::Commit)), Revision::FIRST);
    let run = replacing(&job, &failed, &[]);
    stores.runs.replace(&run, &[], None).expect("the failure is replaced");
    let replaced = Run { replaced_by: Some(run.id), ..failed.clone() };
    assert_eq!(stale(delete(&failed, Revision::FIRST, WriteMode::DryRun)), second);
    assert_eq!(stale(delete(&failed, Revision::FIRST, WriteMode::Commit)), second);
    assert_eq!((find(stores, &failed), find(stores, &run)), (Some(replaced), Some(run.clone())));
    delete(&run, Revision::FIRST, WriteMode::Commit).expect("it is as expected");
    assert_eq!(stale(delete(&failed, second, WriteMode::Commit)), Revision::FIRST);
    assert_eq!(find(stores, &failed), Some(failed.clone()));
    let run = replacing(&job, &failed, &[]);
    stores.runs.replace(&run, &[], None).expect("the failure is replaced");
    delete(&failed, second, WriteMode::Commit).expect("it is as expected");
    assert_eq!((find(stores, &failed), listed(stores, &job)), (None, vec![Run { replaces: None, ..run }]));
}

pub(crate) fn a_deleted_success_gives_its_place_back_to_the_failure(stores: &Stores) {
    let job = any_job(stores);
    let failed = report(stores, &job, noon(), RunStatus::Failed);
    let values = [a_prediction("risk", noon(), 0.5)];
    let run = replacing(&job, &failed, &values);
    stores.runs.replace(&run, &values, None).expect("the failure is replaced");
    assert_eq!(delete(stores, &job, &run, WriteMode::DryRun), Some(run.clone()));
    assert_eq!(listed(stores, &job), std::slice::from_ref(&run));
    assert_eq!(delete(stores, &job, &run, WriteMode::Commit), Some(run.clone()));
    assert_eq!(listed(stores, &job), std::slice::from_ref(&failed));
    assert_eq!((find(stores, &run), find(stores, &failed)), (None, Some(failed.clone())));
    assert!(values_of(stores, &job).is_empty());
    assert_sums_up(stores, &job, None);
    // It can be done over once more; and what was replaced can be deleted, too.
    let run = replacing(&job, &failed, &[]);
    stores.runs.replace(&run, &[], None).expect("the failure is replaced");
    let replaced = Run { replaced_by: Some(run.id), ..failed };
    assert_eq!(delete(stores, &job, &replaced, WriteMode::Commit), Some(replaced.clone()));
    assert_eq!(find(stores, &replaced), None);
    assert_eq!(listed(stores, &job), [Run { replaces: None, ..run }]);
    assert_sums_up(stores, &job, None);
}

pub(crate) fn runs_add_up_after_any_deletion_and_replacement(stores: &Stores) {
    for seed in 1..=4 {
        let mut dice = Dice::of(seed);
        let job = any_job(stores);
        for _ in 0..60 {
            let place = seconds(i64::try_from(dice.roll(20)).expect("small"));
            let runs = listed(stores, &job);
            let there = runs.iter().find(|run| run.issued_at == place);
            match there {
                None => drop(report_one_of_both(stores, &job, place, &mut dice)),
                Some(run) if run.status == RunStatus::Failed && dice.roll(2) == 0 => {
                    let run = Run { received_at: seconds(20), ..replacing(&job, run, &[]) };
                    stores.runs.replace(&run, &[], None).expect("the failure is replaced");
                }
                Some(run) => drop(delete(stores, &job, run, WriteMode::Commit)),
            }
            assert_sums_up(stores, &job, None);
        }
    }
}

pub(crate) fn what_was_issued_ahead_counts_by_when_it_was_received(stores: &Stores) {
    let job = any_job(stores);
    let ahead = Run { issued_at: seconds(200), received_at: noon(), ..a_run_of(&job, &[]) };
    stores.runs.insert(&ahead, &[], None).expect("the run is stored");
    let found = summary(stores, &job);
    assert_eq!((found.last_success_at, found.delivered_at), (Some(seconds(200)), Some(noon())));
    // The runner's clock is right again: what it delivers is not the newest, and counts.
    report(stores, &job, seconds(30), RunStatus::Succeeded);
    let found = summary(stores, &job);
    assert_eq!((found.last_success_at, found.delivered_at), (Some(seconds(200)), Some(seconds(30))));
    assert_sums_up(stores, &job, None);
    let thirtieth = listed(stores, &job).pop().expect("two runs");
    delete(stores, &job, &thirtieth, WriteMode::Commit);
    assert_eq!(summary(stores, &job).delivered_at, Some(noon()));
    // It was reported late: it delivered when it was issued.
    let late = Run { issued_at: seconds(-90), received_at: seconds(90), ..a_run_of(&job, &[]) };
    stores.runs.insert(&late, &[], None).expect("the run is stored");
    assert_eq!(summary(stores, &job).delivered_at, Some(noon()));
}

pub(crate) fn runs_of_a_clock_that_was_wrong_do_not_count_once_it_is_right(stores: &Stores) {
    let job = any_job(stores);
    report(stores, &job, seconds(-10), RunStatus::Succeeded);
    report(stores, &job, seconds(-5), RunStatus::Failed);
    // For a moment the clock is years ahead.
    let wrong = report(stores, &job, at("2028-06-01T12:00:00Z"), RunStatus::Succeeded);
    assert_eq!(summary(stores, &job).last_run, Some((wrong.issued_at, RunStatus::Succeeded)));
    for (second, status, failures) in [
        (0, RunStatus::Failed, 2),
        (5, RunStatus::Failed, 3),
        (10, RunStatus::Succeeded, 0),
        (15, RunStatus::Failed, 1),
    ] {
        report(stores, &job, seconds(second), status);
        assert_sums_up(stores, &job, Some(seconds(second)));
        let found = summary(stores, &job);
        assert_eq!((found.last_run, found.consecutive_failures), (Some((seconds(second), status)), failures));
    }
    // Then years behind, and right again.
    let years_ago = at("2020-06-01T12:00:00Z");
    report(stores, &job, years_ago, RunStatus::Failed);
    assert_sums_up(stores, &job, Some(years_ago));
    report(stores, &job, seconds(20), RunStatus::Failed);
    assert_sums_up(stores, &job, Some(seconds(20)));
    assert_eq!(summary(stores, &job).consecutive_failures, 2);
    delete(stores, &job, &wrong, WriteMode::Commit);
    assert_sums_up(stores, &job, None);
    // The only run that there is counts, whatever its time.
    let other = any_job(stores);
    let ahead = at("2028-06-01T12:00:00Z");
    let only = Run { issued_at: ahead, received_at: noon(), ..a_run_of(&other, &[]) };
    stores.runs.insert(&only, &[], None).expect("the run is stored");
    assert_eq!(summary(stores, &other).last_run, Some((ahead, RunStatus::Succeeded)));
}

/// Where it is counted is no matter of the answer, unless both before and after the success there are very many.
pub(crate) fn a_success_that_comes_late_behind_many_failures_counts_those_after_it(stores: &Stores) {
    let job = any_job(stores);
    let failures: i64 = 1_200;
    for second in 0..failures {
        report(stores, &job, seconds(second), RunStatus::Failed);
    }
    let failures_after = |micros: i64| {
        let run = Run { issued_at: micros_after(noon(), micros), received_at: seconds(2_000), ..a_run_of(&job, &[]) };
        stores.runs.insert(&run, &[], None).expect("the run is stored");
        summary(stores, &job).consecutive_failures
    };
    assert_eq!(failures_after(-1), 1_200);
    assert_eq!(failures_after(50_000_001), 1_149, "fifty-one are before it");
    assert_eq!(failures_after(1_100_000_001), 99);
    assert_eq!(failures_after(1_199_000_001), 0);
}

pub(crate) fn what_was_replaced_goes_with_its_job(stores: &Stores) {
    let job = any_job(stores);
    for second in 0..5 {
        let failed = report(stores, &job, seconds(second), RunStatus::Failed);
        let values = [a_prediction("risk", noon(), 0.5)];
        stores.runs.replace(&replacing(&job, &failed, &values), &values, None).expect("the failure is replaced");
    }
    stores.jobs.delete(&Scope::Platform, job.id, job.revision, WriteMode::Commit).expect("the job is deleted");
    let (mut values, mut runs) = (0, 0);
    for _ in 0..20 {
        let purged = stores.retention.purge(noon(), 2).expect("the store can be purged");
        assert!(purged.values + purged.runs <= 2, "{purged:?}");
        (values, runs) = (values + purged.values, runs + purged.runs);
        if !purged.is_unfinished {
            break;
        }
    }
    assert_eq!((values, runs), (5, 10));
}

fn noon() -> Timestamp {
    at("2026-06-01T12:00:00Z")
}

/// So many seconds after noon.
fn seconds(number: i64) -> Timestamp {
    noon().plus(TimeDelta::seconds(number))
}

/// When a run is issued that comes without a time, by a clock that shows this one.
fn next(stores: &Stores, job: &Job, now: Timestamp) -> Timestamp {
    let run = Run { issued_at: now, received_at: now, ..a_run_of(job, &[]) };
    let until = now.plus(TimeDelta::seconds(MAX_SECONDS_AHEAD));
    let issued_at = stores.runs.insert_next(&run, until, &[], None).expect("the run is stored");
    assert_eq!(find(stores, &run), Some(Run { issued_at, ..run }));
    issued_at
}

fn report(stores: &Stores, job: &Job, issued_at: Timestamp, status: RunStatus) -> Run {
    let message = (status == RunStatus::Failed).then(|| description("no data"));
    let run = Run { issued_at, received_at: issued_at, status, message, ..a_run_of(job, &[]) };
    stores.runs.insert(&run, &[], None).expect("the run is stored");
    run
}

fn report_one_of_both(stores: &Stores, job: &Job, issued_at: Timestamp, dice: &mut Dice) -> Run {
    let status = if dice.roll(3) == 0 { RunStatus::Succeeded } else { RunStatus::Failed };
    let run = Run { issued_at, received_at: seconds(20), status, ..a_run_of(job, &[]) };
    stores.runs.insert(&run, &[], None).expect("the run is stored");
    run
}

/// A success in the place of a failure.
fn replacing(job: &Job, failed: &Run, values: &[Prediction]) -> Run {
    let Run { issued_at, received_at, .. } = *failed;
    Run { issued_at, received_at, replaces: Some(failed.id), ..a_run_of(job, values) }
}

fn delete(stores: &Stores, job: &Job, run: &Run, mode: WriteMode) -> Option<Run> {
    let until = seconds(1_000);
    unless_missing(stores.runs.delete(job.organisation_id, job.id, run.id, None, until, mode))
}

fn unless_missing(deleted: Result<Run, DeleteRunError>) -> Option<Run> {
    match deleted {
        Ok(run) => Some(run),
        Err(DeleteRunError::Missing) => None,
        Err(error) => panic!("runs can be deleted: {error:?}"),
    }
}

fn find(stores: &Stores, run: &Run) -> Option<Run> {
    stores.runs.find(run.organisation_id, run.job_id, run.id).expect("runs can be read")
}

fn listed(stores: &Stores, job: &Job) -> Vec<Run> {
    let page = stores.runs.list(job.organisation_id, job.id, &RunFilter::default(), &first_page(200));
    let runs = page.expect("runs can be listed").items;
    assert_newest(stores, job, runs.first());
    runs
}

fn summary(stores: &Stores, job: &Job) -> RunSummary {
    let found = stores.jobs.find_monitored(&[(Scope::Platform, job.id)]).expect("jobs can be read");
    found.into_iter().flatten().next().expect("the job is there").monitoring.runs
}

/// The stored summary is what the listed runs add up to: all of them, or the runs issued until the latest time that can
/// be right now.
#[track_caller]
fn assert_sums_up(stores: &Stores, job: &Job, now: Option<Timestamp>) {
    let runs = listed(stores, job);
    let outcomes = runs.iter().map(RunOutcome::from);
    let expected = match now {
        Some(now) => RunSummary::of_issued_until(latest_issue(now), outcomes),
        None => RunSummary::of(outcomes),
    };
    assert_eq!(summary(stores, job), expected, "{runs:#?}");
}

fn values_of(stores: &Stores, job: &Job) -> Vec<f64> {
    let query = PredictionQuery {
        organisation_id: job.organisation_id,
        job_id: job.id,
        role: None,
        from: None,
        to: None,
        issued: Issued::Until(at("9999-12-31T23:59:59.999999Z")),
        known_at: None,
        last_run: None,
        issued_after: None,
        after: None,
        limit: 100,
    };
    let found = stores.runs.predictions(&query).expect("values can be read");
    found.values.into_iter().map(|value| value.prediction.value).collect()
}
