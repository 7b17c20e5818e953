//! What is known of how jobs deliver.

use std::collections::{BTreeMap, BTreeSet};
use std::thread;

use chrono::TimeDelta;
use prediction_domain::model::{
    ExpectedIntervalMinutes, Health, HealthCounts, HealthFilter, HealthStatus, Job, JobGrouping, MonitoredJob,
    Monitoring, PageRequest, Run, RunOutcome, RunStatus, RunSummary, Scope, Source, Timestamp,
};
use prediction_domain::ports::{JobFilter, JobGroup, WriteMode};

use crate::Stores;
use crate::builders::{a_job_of, a_run_of, a_source, a_version_of};
use crate::contract::fixture::{any_job, list_monitored, stored_job, stored_source, stored_version, walk};
use crate::contract::store::history::Dice;
use crate::values::{at, description, fresh_job_id, fresh_organisation_id, micros_after, minutes};

pub(crate) fn a_job_that_never_ran_has_no_runs(stores: &Stores) {
    let job = any_job(stores);
    let monitoring = Monitoring { expected_interval_minutes: Some(minutes(60)), runs: RunSummary::default() };
    assert_eq!(monitored(stores, &job), Some(MonitoredJob { job, monitoring }));
}

pub(crate) fn monitored_jobs_are_found_in_the_order_asked_for_and_each_in_its_scope(stores: &Stores) {
    let jobs = [(); 3].map(|()| any_job(stores));
    report(stores, &jobs[1], noon(), RunStatus::Succeeded);
    let [a, b, c] = jobs.each_ref().map(|job| monitored(stores, job));
    let all = Scope::Platform;
    let of_first = Scope::of([jobs[0].organisation_id]);
    let wanted = [
        (all.clone(), jobs[2].id),
        (all.clone(), fresh_job_id()),
        (of_first.clone(), jobs[0].id),
        (of_first, jobs[1].id),
        (all.clone(), jobs[2].id),
        (all, jobs[1].id),
    ];
    assert_eq!(stores.jobs.find_monitored(&wanted).expect("jobs can be read"), [c.clone(), None, a, None, c, b]);
    assert_eq!(stores.jobs.find_monitored(&[]).expect("jobs can be read"), []);
}

pub(crate) fn runs_add_up_in_whatever_order_they_are_reported(stores: &Stores) {
    for seed in 1..=8 {
        let mut dice = Dice::of(seed);
        let job = any_job(stores);
        let mut runs = Vec::new();
        let mut places: Vec<i64> = (0..14).collect();
        while !places.is_empty() {
            let issued_at = micros_after(noon(), places.swap_remove(dice.roll(places.len())));
            let status = if dice.roll(3) == 0 { RunStatus::Succeeded } else { RunStatus::Failed };
            report(stores, &job, issued_at, status);
            runs.push(RunOutcome::at_once(issued_at, status));
            let expected = RunSummary::of(runs.iter().copied());
            let found = monitored(stores, &job).expect("the job is there").monitoring.runs;
            assert_eq!(found, expected, "seed {seed}: {runs:?}");
        }
    }
}

pub(crate) fn runs_that_are_reported_at_the_same_time_add_up(stores: &Stores) {
    for round in 0..4_u64 {
        let job = any_job(stores);
        let mut dice = Dice::of(round + 1);
        let mut runs: Vec<(Timestamp, RunStatus)> = (0..12)
            .map(|micros| {
                let status = if dice.roll(4) == 0 { RunStatus::Succeeded } else { RunStatus::Failed };
                (micros_after(noon(), micros), status)
            })
            .collect();
        // The successes last, so that they come behind failures that were issued later.
        runs.sort_by_key(|(_, status)| *status == RunStatus::Succeeded);
        thread::scope(|scope| {
            for share in runs.chunks(3) {
                let job = &job;
                scope.spawn(move || share.iter().for_each(|(time, status)| report(stores, job, *time, *status)));
            }
        });
        let found = monitored(stores, &job).expect("the job is there").monitoring.runs;
        let outcomes = runs.iter().map(|(issued_at, status)| RunOutcome::at_once(*issued_at, *status));
        assert_eq!(found, RunSummary::of(outcomes), "round {round}: {runs:?}");
    }
}

pub(crate) fn a_report_that_is_refused_adds_nothing(stores: &Stores) {
    let job = any_job(stores);
    report(stores, &job, noon(), RunStatus::Succeeded);
    let before = monitored(stores, &job);
    let again = Run { status: RunStatus::Failed, issued_at: noon(), ..a_run_of(&job, &[]) };
    stores.runs.insert(&again, &[], None).expect_err("the time is taken");
    let stranger = Job { organisation_id: fresh_organisation_id(), ..job.clone() };
    stores.runs.insert(&a_run_of(&stranger, &[]), &[], None).expect_err("there is no such job");
    assert_eq!(monitored(stores, &job), before);
}

pub(crate) fn what_the_source_promises_is_read_as_it_is_now(stores: &Stores) {
    let source = stored_source(stores, a_source());
    let job = stored_job(stores, a_job_of(&stored_version(stores, a_version_of(source.id))));
    for (revision, minutes) in [(1, Some(minutes(7))), (2, None), (3, Some(minutes(ExpectedIntervalMinutes::MAX)))] {
        let expected = crate::values::revision(revision);
        let changed = Source { expected_interval_minutes: minutes, revision: expected.next(), ..source.clone() };
        stores.sources.update(&changed, expected, WriteMode::Commit).expect("the source is changed");
        let found = monitored(stores, &job).expect("the job is there");
        assert_eq!(found.monitoring.expected_interval_minutes, minutes);
    }
}

pub(crate) fn when_a_job_was_activated_reads_back(stores: &Stores) {
    let job = any_job(stores);
    let mut before = job.revision;
    for activated_at in [Some(micros_after(noon(), 1)), None, Some(at("0001-01-01T00:00:00Z"))] {
        let changed = Job { activated_at, revision: before.next(), ..job.clone() };
        stores.jobs.update(&changed, before, None, WriteMode::Commit).expect("the job is changed");
        assert_eq!(monitored(stores, &job).map(|found| found.job), Some(changed));
        before = before.next();
    }
}

/// Each status begins and ends at its microsecond, the same in the domain and in the list and the counts of a store.
pub(crate) fn every_transition_is_at_its_microsecond(stores: &Stores) {
    use HealthStatus::{Failing, Late, New, OnTime, Overdue, Paused, Unmonitored};
    let success = |minute| (minute, RunStatus::Succeeded);
    let failure = |minute| (minute, RunStatus::Failed);
    let case = |interval, runs: &[(i64, RunStatus)], transitions: &[(TimeDelta, HealthStatus)]| Case {
        interval,
        active: true,
        activated: None,
        runs: runs.to_vec(),
        transitions: transitions.to_vec(),
    };
    // The moment before that minute, so that the minute itself is the first.
    let before = |number| minute(number) - TimeDelta::microseconds(1);
    let activated = |minutes, case| Case { activated: Some(minutes), ..case };
    let paused = |case| Case { active: false, ..case };
    let cases = [
        case(Some(7), &[], &[(minute(0), New), (minute(7), Late), (minute(14), Overdue)]),
        // The grace is five minutes at the least.
        case(Some(2), &[], &[(minute(0), New), (minute(2), Late), (minute(7), Overdue)]),
        case(Some(5), &[], &[(minute(0), New), (minute(5), Late), (minute(10), Overdue)]),
        case(Some(7), &[success(3)], &[(minute(3), OnTime), (minute(10), Late), (minute(17), Overdue)]),
        case(Some(7), &[failure(3)], &[(minute(3), Failing), (minute(14), Overdue)]),
        case(Some(7), &[success(3), failure(4)], &[(minute(4), Failing), (minute(17), Overdue)]),
        case(Some(7), &[failure(3), success(4)], &[(minute(4), OnTime), (minute(11), Late), (minute(18), Overdue)]),
        // An activation is as good as a success, if it came later.
        activated(9, case(Some(7), &[success(3)], &[(minute(9), OnTime), (minute(16), Late), (minute(23), Overdue)])),
        activated(2, case(Some(7), &[success(3)], &[(minute(3), OnTime), (minute(10), Late), (minute(17), Overdue)])),
        activated(9, case(Some(7), &[], &[(minute(9), New), (minute(16), Late), (minute(23), Overdue)])),
        activated(9, case(Some(7), &[failure(3)], &[(minute(9), Failing), (minute(23), Overdue)])),
        // What lies more than five minutes ahead is not believed before its time has come.
        case(
            Some(7),
            &[success(30)],
            &[(minute(0), OnTime), (minute(7), Late), (minute(14), Overdue), (before(25), OnTime), (minute(37), Late)],
        ),
        activated(
            30,
            case(
                Some(7),
                &[success(3)],
                &[
                    (minute(3), OnTime),
                    (minute(10), Late),
                    (minute(17), Overdue),
                    (before(25), OnTime),
                    (minute(37), Late),
                ],
            ),
        ),
        activated(30, case(Some(7), &[], &[(minute(0), Overdue), (before(25), New), (minute(37), Late)])),
        activated(
            30,
            case(Some(7), &[failure(3)], &[(minute(3), Overdue), (before(25), Failing), (minute(44), Overdue)]),
        ),
        paused(case(Some(7), &[success(3)], &[(minute(3), Paused), (minute(99), Paused)])),
        case(None, &[failure(3)], &[(minute(3), Unmonitored), (minute(99), Unmonitored)]),
        paused(case(None, &[], &[(minute(3), Paused)])),
    ];
    for (day, case) in (0..).zip(cases) {
        let Case { interval, active, activated, runs, transitions } = case;
        // What was judged on the days before does not hold.
        let noon = || noon().plus(TimeDelta::days(day));
        let source = Source { expected_interval_minutes: interval.map(minutes), ..a_source() };
        let version = stored_version(stores, a_version_of(stored_source(stores, source).id));
        let mut job = stored_job(stores, Job { active, created_at: noon(), ..a_job_of(&version) });
        if let Some(minutes) = activated {
            let activated_at = Some(noon().plus(minute(minutes)));
            let before = job.revision;
            job = Job { activated_at, revision: before.next(), ..job };
            stores.jobs.update(&job, before, None, WriteMode::Commit).expect("the job is changed");
        }
        for (minutes, status) in runs {
            report(stores, &job, noon().plus(minute(minutes)), status);
        }
        for (place, (from, status)) in transitions.iter().enumerate() {
            // "More than an interval": at the boundary itself the status before still holds, but for the first.
            let first = noon().plus(*from).plus(TimeDelta::microseconds(i64::from(place > 0)));
            if let Some((_, before)) = place.checked_sub(1).map(|before| transitions[before]) {
                assert_health(stores, &job, micros_after(first, -1), before);
            }
            assert_health(stores, &job, first, *status);
            // The same when the health was judged ahead, also for a reader whose clock has not reached that time.
            judge_all(stores, first);
            assert_health(stores, &job, first, *status);
            if let Some((_, before)) = place.checked_sub(1).map(|before| transitions[before]) {
                assert_health(stores, &job, micros_after(first, -1), before);
            }
        }
    }
}

/// A job and its story, in minutes after it was set up.
struct Case {
    /// Of its source.
    interval: Option<i32>,
    active: bool,
    activated: Option<i64>,
    runs: Vec<(i64, RunStatus)>,
    /// From which moment on it is in which status.
    transitions: Vec<(TimeDelta, HealthStatus)>,
}

pub(crate) fn jobs_are_listed_and_counted_by_every_health(stores: &Stores) {
    let mut dice = Dice::of(3);
    let organisations = [(); 3].map(|()| fresh_organisation_id());
    let intervals = [None, Some(minutes(1)), Some(minutes(7)), Some(minutes(60))];
    let versions = intervals.map(|expected_interval_minutes| {
        let source = stored_source(stores, Source { expected_interval_minutes, ..a_source() });
        stored_version(stores, a_version_of(source.id))
    });
    for _ in 0..60 {
        let organisation_id = organisations[dice.roll(3)];
        let created_at = noon().plus(minute(i64::try_from(dice.roll(90)).expect("small")));
        let active = dice.roll(4) > 0;
        let job = Job { organisation_id, created_at, active, ..a_job_of(&versions[dice.roll(4)]) };
        let job = stored_job(stores, job);
        for _ in 0..dice.roll(3) {
            let status = if dice.roll(2) == 0 { RunStatus::Succeeded } else { RunStatus::Failed };
            let micros = i64::try_from(dice.roll(5_400_000_000)).expect("an hour and a half");
            report(stores, &job, micros_after(noon(), micros), status);
        }
    }
    let now = noon().plus(minute(100));
    let scopes = [
        Scope::Platform,
        Scope::of([organisations[0]]),
        Scope::of(organisations.iter().copied().take(2)),
        Scope::of([fresh_organisation_id()]),
        Scope::of([]),
    ];
    let filters = [
        JobFilter::default(),
        JobFilter { organisation_id: Some(organisations[1]), ..JobFilter::default() },
        JobFilter { source_id: Some(versions[2].source_id), ..JobFilter::default() },
        JobFilter { active: Some(true), source_version_id: Some(versions[3].id), ..JobFilter::default() },
    ];
    // Whether nothing was judged ahead, or some time ago, just now, or by a clock that is ahead.
    for judged_at in [None, Some(minute(70)), Some(minute(100)), Some(minute(102))] {
        if let Some(judged_at) = judged_at {
            judge_all(stores, noon().plus(judged_at));
        }
        for (scope, filter) in scopes.iter().flat_map(|scope| filters.iter().map(move |filter| (scope, filter))) {
            let all = listed(stores, scope, filter);
            let status = |job: &MonitoredJob| Health::evaluate(&job.job, &job.monitoring, now).status;
            let expected: HealthCounts = all.iter().map(|job| (status(job), 1)).collect();
            let counted = stores.jobs.count_by_health(scope, filter, now).expect("jobs can be counted");
            assert_eq!(counted, expected, "{scope:?} {filter:?}");
            for grouping in JobGrouping::ALL {
                let mut expected: BTreeMap<JobGroup, HealthCounts> = BTreeMap::new();
                for found in &all {
                    let id = match grouping {
                        JobGrouping::Source => found.job.source_id.to_string(),
                        JobGrouping::Organisation => found.job.organisation_id.to_string(),
                        _ => found.job.source_version_id.to_string(),
                    };
                    let group = JobGroup::parse(grouping, &id).expect("it is an id");
                    expected.entry(group).or_default().extend([(status(found), 1)]);
                }
                let counted = stores.jobs.count_each_by_health(scope, filter, grouping, now);
                assert_eq!(counted.expect("jobs can be counted"), expected, "{grouping} {scope:?} {filter:?}");
            }
            for statuses in subsets(&mut dice) {
                let expected: Vec<&MonitoredJob> = all.iter().filter(|job| statuses.contains(&status(job))).collect();
                let health = Some(HealthFilter { statuses, at: now });
                let filter = JobFilter { health, ..filter.clone() };
                assert_eq!(listed(stores, scope, &filter).iter().collect::<Vec<_>>(), expected, "{scope:?} {filter:?}");
            }
        }
    }
}

pub(crate) fn a_condition_on_health_is_one_among_others(stores: &Stores) {
    let [job, other] = [(); 2].map(|()| any_job(stores));
    report(stores, &job, noon(), RunStatus::Failed);
    report(stores, &other, noon(), RunStatus::Failed);
    let health = Some(HealthFilter { statuses: BTreeSet::from([HealthStatus::Failing]), at: job.created_at });
    let input_id = job.role_bindings.iter().next().map(|binding| binding.input_id);
    let list = |filter| listed(stores, &Scope::Platform, &filter).into_iter().map(|job| job.job).collect::<Vec<_>>();
    let failing = JobFilter { health, ..JobFilter::default() };
    assert_eq!(list(failing.clone()), [job.clone(), other]);
    assert_eq!(list(JobFilter { name: Some(job.name.clone()), ..failing.clone() }), std::slice::from_ref(&job));
    assert_eq!(list(JobFilter { input_id, ..failing }), [job]);
}

pub(crate) fn judge_all(stores: &Stores, at: Timestamp) {
    while stores.judgements.judge(at, 7).expect("jobs can be judged").is_unfinished {}
}

fn assert_health(stores: &Stores, job: &Job, now: Timestamp, status: HealthStatus) {
    let found = monitored(stores, job).expect("the job is there");
    let judged = Health::evaluate(&found.job, &found.monitoring, now);
    assert_eq!(judged.status, status, "at {now}: {found:#?}");
    let scope = Scope::of([job.organisation_id]);
    for other in HealthStatus::ALL {
        let health = Some(HealthFilter { statuses: BTreeSet::from([other]), at: now });
        let listed = listed(stores, &scope, &JobFilter { health, ..JobFilter::default() });
        assert_eq!(listed.len(), usize::from(other == status), "{other:?} at {now}: {found:#?}");
    }
    let counted = stores.jobs.count_by_health(&scope, &JobFilter::default(), now).expect("jobs can be counted");
    assert_eq!(counted, HealthCounts::from_iter([(status, 1)]), "at {now}: {found:#?}");
}

/// Some sets of statuses, all single ones among them.
fn subsets(dice: &mut Dice) -> Vec<BTreeSet<HealthStatus>> {
    let single = HealthStatus::ALL.into_iter().map(|status| BTreeSet::from([status]));
    let random = (0..5).map(|_| HealthStatus::ALL.into_iter().filter(|_| dice.roll(2) == 0).collect());
    single.chain(random).collect()
}

pub(crate) fn listed(stores: &Stores, scope: &Scope, filter: &JobFilter) -> Vec<MonitoredJob> {
    let limit = if filter.health.is_some() { 7 } else { PageRequest::MAX_LIMIT };
    walk(limit, |page| list_monitored(stores, scope, filter, page))
}

fn monitored(stores: &Stores, job: &Job) -> Option<MonitoredJob> {
    let [found] =
        <[_; 1]>::try_from(stores.jobs.find_monitored(&[(Scope::Platform, job.id)]).expect("jobs can be read"))
            .expect("one id has one answer");
    found
}

pub(crate) fn report(stores: &Stores, job: &Job, issued_at: Timestamp, status: RunStatus) {
    let message = (status == RunStatus::Failed).then(|| description("no data"));
    let run = Run { issued_at, received_at: issued_at, status, message, ..a_run_of(job, &[]) };
    stores.runs.insert(&run, &[], None).expect("the run is stored");
}

fn noon() -> Timestamp {
    at("2026-06-01T12:00:00.000001Z")
}

const fn minute(number: i64) -> TimeDelta {
    TimeDelta::minutes(number)
}
