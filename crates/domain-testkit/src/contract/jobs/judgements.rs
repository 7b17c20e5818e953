//! Jobs of a health are found by what was judged ahead; what happens since then counts all the same.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use chrono::TimeDelta;
use prediction_domain::model::{HealthCounts, HealthFilter, HealthStatus, Job, RunStatus, Scope, Source, Timestamp};
use prediction_domain::ports::{JobFilter, WriteMode};

use super::monitoring::{judge_all, listed, report};
use crate::Stores;
use crate::builders::{a_job_of, a_source, a_version_of};
use crate::contract::fixture::{any_job, stored_job, stored_source, stored_version};
use crate::contract::store::history::Dice;
use crate::values::{at, fresh_organisation_id, minutes};

pub(crate) fn where_there_is_nothing_to_judge_nothing_is_judged(stores: &Stores) {
    assert_eq!(stores.judgements.judge(noon(), 100).expect("jobs can be judged").jobs, 0);
    any_job(stores);
    judge_all(stores, noon());
    let again = stores.judgements.judge(noon(), 100).expect("jobs can be judged");
    assert_eq!((again.jobs, again.is_unfinished), (0, false));
}

/// Whatever happens between two judgements: reports of both kinds, pauses, new promises, deletions.
pub(crate) fn what_happens_ends_what_was_judged(stores: &Stores) {
    for seed in 1..=4 {
        let mut dice = Dice::of(seed);
        let organisations = [(); 2].map(|()| fresh_organisation_id());
        let mut sources: Vec<Source> = [Some(minutes(10)), Some(minutes(60)), None]
            .map(|expected_interval_minutes| stored_source(stores, Source { expected_interval_minutes, ..a_source() }))
            .into();
        let versions = sources.iter().map(|source| stored_version(stores, a_version_of(source.id))).collect::<Vec<_>>();
        let mut now = noon().plus(TimeDelta::days(seed.cast_signed()));
        let mut jobs: Vec<Job> = Vec::new();
        for step in 0..60 {
            match dice.roll(9) {
                0 | 1 => {
                    let organisation_id = organisations[dice.roll(2)];
                    let job = Job { organisation_id, created_at: now, ..a_job_of(&versions[dice.roll(3)]) };
                    jobs.push(stored_job(stores, job));
                }
                2..=4 if !jobs.is_empty() => {
                    let status = if dice.roll(3) > 0 { RunStatus::Succeeded } else { RunStatus::Failed };
                    report(stores, &jobs[dice.roll(jobs.len())], now, status);
                }
                5 if !jobs.is_empty() => {
                    let place = dice.roll(jobs.len());
                    let job = &mut jobs[place];
                    let before = job.revision;
                    let active = !job.active;
                    let activated_at = if active { Some(now) } else { job.activated_at };
                    *job = Job { active, activated_at, revision: before.next(), ..job.clone() };
                    stores.jobs.update(job, before, None, WriteMode::Commit).expect("the job is changed");
                }
                6 => {
                    let source = &mut sources[dice.roll(3)];
                    let before = source.revision;
                    let promise = [None, Some(minutes(10)), Some(minutes(25))][dice.roll(3)];
                    *source = Source { expected_interval_minutes: promise, revision: before.next(), ..source.clone() };
                    stores.sources.update(source, before, WriteMode::Commit).expect("the source is changed");
                }
                7 => judge_all(stores, now),
                // In the middle of a source, or of what has ended.
                _ => drop(stores.judgements.judge(now, 1 + dice.roll(2)).expect("jobs can be judged")),
            }
            // Never the same microsecond twice.
            now = now.plus(TimeDelta::microseconds(1) + TimeDelta::minutes(i64::try_from(dice.roll(8)).expect("few")));
            assert_found(stores, &Scope::of(organisations), now, &format!("seed {seed}, step {step}"));
        }
        // A replica whose clock is behind, and one that is far ahead for a while.
        assert_found(stores, &Scope::of(organisations), now.plus(TimeDelta::minutes(-17)), "behind");
        judge_all(stores, now.plus(TimeDelta::days(700)));
        assert_found(stores, &Scope::of(organisations), now, "ahead");
        judge_all(stores, now);
        assert_found(stores, &Scope::of(organisations), now, "put right");
    }
}

/// While one judges and others report.
pub(crate) fn a_judge_beside_reports_misses_none(stores: &Stores) {
    let source = Source { expected_interval_minutes: Some(minutes(10)), ..a_source() };
    let version = stored_version(stores, a_version_of(stored_source(stores, source).id));
    let organisation_id = fresh_organisation_id();
    let jobs: Vec<Job> = (0..12)
        .map(|_| stored_job(stores, Job { organisation_id, created_at: noon(), ..a_job_of(&version) }))
        .collect();
    let time = |step: i64| noon().plus(TimeDelta::minutes(step * 4) + TimeDelta::microseconds(step));
    let is_over = AtomicBool::new(false);
    let steps: i64 = 12;
    thread::scope(|scope| {
        let judges: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let mut step = 0;
                    while !is_over.load(Ordering::SeqCst) {
                        stores.judgements.judge(time(step % (steps + 1)), 5).expect("jobs can be judged");
                        step += 1;
                    }
                })
            })
            .collect();
        let reporters: Vec<_> = jobs
            .chunks(4)
            .zip(1..)
            .map(|(share, seed)| {
                scope.spawn(move || {
                    let mut dice = Dice::of(seed);
                    for step in 1..=steps {
                        for job in share {
                            let status = if dice.roll(2) == 0 { RunStatus::Succeeded } else { RunStatus::Failed };
                            report(stores, job, time(step), status);
                        }
                    }
                })
            })
            .collect();
        for reporter in reporters {
            reporter.join().expect("reports are stored");
        }
        is_over.store(true, Ordering::SeqCst);
        for judge in judges {
            judge.join().expect("jobs are judged");
        }
    });
    for minutes in [0, 3, 11, 30] {
        assert_found(stores, &Scope::of([organisation_id]), time(steps).plus(TimeDelta::minutes(minutes)), "after");
    }
}

/// Lists and counts by health are what comes of judging every job.
fn assert_found(stores: &Stores, scope: &Scope, now: Timestamp, place: &str) {
    let all: Vec<_> = listed(stores, scope, &JobFilter::default());
    let status = |job: &prediction_domain::model::MonitoredJob| job.clone().judged_at(now).health.status;
    for wanted in HealthStatus::ALL {
        let health = Some(HealthFilter { statuses: BTreeSet::from([wanted]), at: now });
        let found = listed(stores, scope, &JobFilter { health, ..JobFilter::default() });
        let expected: Vec<_> = all.iter().filter(|job| status(job) == wanted).cloned().collect();
        assert_eq!(found, expected, "{place}: {wanted:?} at {now}");
    }
    let expected: HealthCounts = all.iter().map(|job| (status(job), 1)).collect();
    let counted = stores.jobs.count_by_health(scope, &JobFilter::default(), now).expect("jobs can be counted");
    assert_eq!(counted, expected, "{place}: at {now}");
}

fn noon() -> Timestamp {
    at("2026-06-01T12:00:00.000001Z")
}
