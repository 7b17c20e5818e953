//! How the health of a job changes while the job is changed, and while runs come.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::TimeDelta;
use prediction_domain::model::{
    ExpectedIntervalMinutes, Health, HealthStatus, Job, JobWithHealth, MonitoredJob, Monitoring, RunOutcome, RunStatus,
    RunSummary, Timestamp,
};
use prediction_domain::ports::{JobFilter, WriteMode};
use prediction_domain::requests::{
    JobChangeDraft, Precondition, RunDraft, Sent, SetUpDraft, SourceChangeDraft, SourceDraft,
};
use prediction_domain::use_cases::{
    JobQuery, Outcome, change_job, change_source, count_jobs_by_health, delete_job, get_jobs, report_run,
};
use prediction_domain_testkit::builders::{a_job_of, a_version_of};
use prediction_domain_testkit::values::{at, first_page, fresh_source_id, micros_after};
use proptest::prelude::*;

use crate::world::{World, a_source, everything, given, jobs_listed, operator, submit};

const ANY: Precondition = Precondition::None;

/// A job whose source expects a run every ten minutes.
fn world_with_job() -> (World, Job) {
    let world = World::new();
    let source = SourceDraft { expected_interval_minutes: Sent::Given(10), ..a_source("mildew") };
    let done = world.set_up(SetUpDraft { source: Sent::Given(source), ..everything() }).unwrap();
    assert_eq!((done.outcomes.job, done.health.status), (Outcome::Created, HealthStatus::New));
    (world, done.job)
}

fn read(world: &World, job: &Job) -> Health {
    let query = JobQuery::new(&operator(), job.id).unwrap();
    get_jobs(&world.ports, &[query]).unwrap().remove(0).unwrap().health
}

fn set_active(world: &World, job: &Job, active: bool, mode: WriteMode) -> JobWithHealth {
    let draft = JobChangeDraft { active: Sent::Given(active), ..JobChangeDraft::default() };
    let changed = change_job(&world.ports, &operator(), job.id, &draft.into(), &ANY, mode).unwrap();
    JobWithHealth { job: changed.job, health: changed.health }
}

fn fail(world: &World, job: &Job) {
    let draft = RunDraft { status: given("failed"), message: given("no data"), ..RunDraft::default() };
    report_run(&world.ports, &operator(), job.id, submit(draft), WriteMode::Commit).unwrap();
}

fn pass(world: &World, minutes: u64) {
    world.clock.advance(Duration::from_mins(minutes));
}

#[test]
fn a_job_that_is_not_run_becomes_late_and_then_overdue() {
    let (world, job) = world_with_job();
    let next_expected_at = job.created_at.plus(TimeDelta::minutes(10));
    assert_eq!(
        read(&world, &job),
        Health {
            status: HealthStatus::New,
            last_run_at: None,
            last_success_at: None,
            next_expected_at: Some(next_expected_at),
            overdue_since: None,
            consecutive_failures: 0,
            blocked_by: Vec::new(),
        }
    );
    pass(&world, 15);
    assert_eq!(read(&world, &job).status, HealthStatus::Late);
    pass(&world, 6);
    let health = read(&world, &job);
    assert_eq!(health.status, HealthStatus::Overdue);
    assert_eq!(health.overdue_since, Some(next_expected_at.plus(TimeDelta::minutes(10))));
}

#[test]
fn every_answer_that_shows_a_job_shows_its_health() {
    let (world, job) = world_with_job();
    fail(&world, &job);
    fail_later(&world, &job);
    let health = read(&world, &job);
    assert_eq!((health.status, health.consecutive_failures), (HealthStatus::Failing, 2));
    let listed = jobs_listed(&world.ports, &operator(), JobFilter::default(), None, &first_page(50)).unwrap();
    assert_eq!(listed.items, [JobWithHealth { job: job.clone(), health: health.clone() }]);
    let again = world.set_up(everything()).unwrap();
    assert_eq!((again.outcomes.job, again.health), (Outcome::Reused, health.clone()));
    let unchanged = JobWithHealth { job: job.clone(), health: health.clone() };
    assert_eq!(set_active(&world, &job, true, WriteMode::Commit), unchanged);
    let deleted = delete_job(&world.ports, &operator(), job.id, &ANY, WriteMode::DryRun).unwrap();
    assert_eq!(deleted, JobWithHealth { job, health });
}

fn fail_later(world: &World, job: &Job) {
    pass(world, 1);
    fail(world, job);
}

#[test]
fn a_job_that_is_activated_has_a_whole_interval_to_deliver() {
    let (world, job) = world_with_job();
    pass(&world, 60);
    let paused = set_active(&world, &job, false, WriteMode::Commit);
    assert_eq!(paused.health.status, HealthStatus::Paused);
    assert_eq!((paused.health.next_expected_at, paused.job.activated_at), (None, None));
    pass(&world, 60);
    let would_be = set_active(&world, &job, true, WriteMode::DryRun);
    assert_eq!(would_be.health.status, HealthStatus::New);
    assert_eq!(read(&world, &job).status, HealthStatus::Paused);
    let active = set_active(&world, &job, true, WriteMode::Commit);
    assert_eq!(active.job.activated_at, Some(active.job.updated_at));
    assert_eq!(active.health.status, HealthStatus::New);
    assert_eq!(active.health.next_expected_at, Some(active.job.updated_at.plus(TimeDelta::minutes(10))));
    // What is changed of an active job does not put it off.
    pass(&world, 11);
    let rename = JobChangeDraft { name: given("Job B"), ..JobChangeDraft::default() };
    let renamed = change_job(&world.ports, &operator(), job.id, &rename.into(), &ANY, WriteMode::Commit).unwrap();
    assert_eq!((renamed.job.activated_at, renamed.health.status), (active.job.activated_at, HealthStatus::Late));
}

#[test]
fn what_a_source_promises_is_judged_as_it_is_now() {
    let (world, job) = world_with_job();
    pass(&world, 25);
    assert_eq!(read(&world, &job).status, HealthStatus::Overdue);
    for (interval, status) in [(Sent::Given(20), HealthStatus::Late), (Sent::Null, HealthStatus::Unmonitored)] {
        let source = SourceDraft { expected_interval_minutes: interval, ..SourceDraft::default() };
        let draft = SourceChangeDraft { source, ..SourceChangeDraft::default() };
        change_source(&world.ports, &operator(), job.source_id, &draft.into(), &ANY, WriteMode::Commit).unwrap();
        assert_eq!(read(&world, &job).status, status);
    }
}

#[test]
fn lists_and_counts_are_judged_by_the_clock() {
    let (world, job) = world_with_job();
    let listed = |status| {
        let healths = Some(BTreeSet::from([status]));
        jobs_listed(&world.ports, &operator(), JobFilter::default(), healths, &first_page(50)).unwrap().items.len()
    };
    let counted = |status| {
        let (counts, at) = count_jobs_by_health(&world.ports, &operator(), &JobFilter::default()).unwrap();
        assert_eq!(at, world.ports.clock.now());
        assert_eq!(counts.iter().map(|(_, count)| count).sum::<u64>(), 1);
        counts.of(status)
    };
    for (minutes, status) in [(0, HealthStatus::New), (11, HealthStatus::Late), (10, HealthStatus::Overdue)] {
        pass(&world, minutes);
        assert_eq!(read(&world, &job).status, status);
        for other in HealthStatus::ALL {
            assert_eq!((listed(other), counted(other)), if other == status { (1, 1) } else { (0, 0) });
        }
    }
}

/// What the design says of health, written down once more as it says it.
fn status_by_the_table(job: &Job, monitoring: &Monitoring, now: Timestamp) -> HealthStatus {
    let Some(interval) = monitoring.expected_interval_minutes.map(|minutes| i64::from(minutes.as_i32()) * 60_000_000)
    else {
        return if job.active { HealthStatus::Unmonitored } else { HealthStatus::Paused };
    };
    let activation = job.activated_at.unwrap_or(job.created_at).as_micros();
    let times = [Some(activation), monitoring.runs.delivered_at.map(|delivered_at| delivered_at.as_micros())];
    // What is more than five minutes ahead tells nothing.
    let believed = times.into_iter().flatten().filter(|time| *time <= now.as_micros() + 300_000_000);
    let since = believed.max().map_or(i64::MAX, |later| now.as_micros() - later);
    let grace = interval.max(300_000_000);
    match (job.active, since > interval + grace, monitoring.runs.last_run, since > interval) {
        (false, ..) => HealthStatus::Paused,
        (_, true, ..) => HealthStatus::Overdue,
        (_, _, Some((_, RunStatus::Failed)), _) => HealthStatus::Failing,
        (.., true) => HealthStatus::Late,
        (_, _, None, _) => HealthStatus::New,
        _ => HealthStatus::OnTime,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn health_is_what_the_table_says(
        active in any::<bool>(),
        activated in prop::option::of(-20_i64..20),
        interval in prop::option::of(1_i128..12),
        runs in prop::collection::btree_map(-20_i64..20, any::<bool>(), 0..4),
        minutes in -25_i64..45,
        micros in -1_i64..=1,
    ) {
        let noon = at("2026-06-01T12:00:00Z");
        let time = |minutes: i64| micros_after(noon, minutes * 60_000_000);
        let job = Job {
            active,
            activated_at: activated.map(time),
            created_at: noon,
            ..a_job_of(&a_version_of(fresh_source_id()))
        };
        let status = |succeeded| if succeeded { RunStatus::Succeeded } else { RunStatus::Failed };
        let monitoring = Monitoring {
            expected_interval_minutes: interval.map(|minutes| ExpectedIntervalMinutes::new(minutes).unwrap()),
            runs: RunSummary::of(
                runs.iter().map(|(minutes, succeeded)| RunOutcome::at_once(time(*minutes), status(*succeeded))),
            ),
        };
        let now = micros_after(time(minutes), micros);
        let health = MonitoredJob { job: job.clone(), monitoring }.judged_at(now).health;
        prop_assert_eq!(health.status, status_by_the_table(&job, &monitoring, now));
        let is_overdue = health.status == HealthStatus::Overdue;
        prop_assert_eq!(health.overdue_since.is_some(), is_overdue && health.next_expected_at.is_some());
        prop_assert_eq!(health.last_run_at, runs.keys().next_back().map(|minutes| time(*minutes)));
        let failures = runs.values().rev().take_while(|succeeded| !**succeeded).count();
        prop_assert_eq!(health.consecutive_failures, failures as u64);
        if let Some(next) = health.next_expected_at {
            prop_assert_eq!(now > next, matches!(health.status, HealthStatus::Late | HealthStatus::Overdue)
                || (health.status == HealthStatus::Failing && now > next));
        }
    }
}

#[test]
fn statuses_have_names() {
    for status in HealthStatus::ALL {
        assert_eq!(HealthStatus::parse(status.as_str()).unwrap(), status);
        assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
    }
    let problem = HealthStatus::parse("overdu").unwrap_err();
    assert_eq!(problem.hint.as_deref(), Some("did you mean \"overdue\"?"));
}
