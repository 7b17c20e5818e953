//! Removing what no caller can read any more.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use prediction_domain::model::{
    Job, JobId, PageRequest, Prediction, Run, Scope, Source, SourceId, SourceVersion, Timestamp, ValueCount,
};
use prediction_domain::ports::{Issued, PredictionQuery, Purged, RunFilter, ValueCountQuery, WriteMode};

use crate::Stores;
use crate::builders::{a_job_of, a_prediction, a_run_of, a_source, a_version_of};
use crate::contract::fixture::{any_job, source, stored_job, stored_source, stored_version, version};
use crate::contract::store::history::Dice;
use crate::values::{at, first_page, hours, micros_after};

pub(crate) fn an_empty_store_has_nothing_to_purge(stores: &Stores) {
    assert_eq!(purge(stores, noon(), 100), Purged::default());
}

pub(crate) fn values_go_when_their_retention_has_passed_and_no_earlier(stores: &Stores) {
    let job = job_kept_for(stores, Some(2));
    let values = [a_prediction("risk", noon(), 0.5), a_prediction("wetness", noon(), 1.5)];
    report(stores, &job, noon(), &values);
    report(stores, &job, micros_after(noon(), 1), &values);
    let end = noon().plus(TimeDelta::hours(2));
    assert_eq!(purge(stores, micros_after(end, -1), 100), Purged::default());
    assert_eq!(values_of(stores, &job), 4);
    assert_eq!(purge(stores, end, 100), Purged { values: 2, ..Purged::default() });
    assert_eq!(values_of(stores, &job), 2);
    assert_eq!(purge(stores, end, 100), Purged::default());
    assert_eq!(purge(stores, micros_after(end, 1), 100), Purged { values: 2, ..Purged::default() });
    assert_eq!(values_of(stores, &job), 0);
    assert_eq!(runs_of(stores, &job), 2, "runs stay as long as their job");
}

pub(crate) fn the_oldest_value_that_is_still_stored_is_known(stores: &Stores) {
    let oldest = |now| stores.retention.oldest_expired(now).expect("what has expired can be asked for");
    let [short, long, for_ever] = [Some(2), Some(24), None].map(|retention| job_kept_for(stores, retention));
    assert_eq!(oldest(noon()), None);
    let value = [a_prediction("risk", noon(), 0.5)];
    report(stores, &for_ever, noon().plus(TimeDelta::days(-100)), &value);
    report(stores, &long, noon().plus(TimeDelta::hours(-23)), &value);
    report(stores, &short, noon(), &value);
    report(stores, &short, noon().plus(TimeDelta::hours(1)), &[]);
    let hour = |hours| noon().plus(TimeDelta::hours(hours));
    assert_eq!(oldest(micros_after(hour(1), -1)), None);
    assert_eq!(oldest(hour(1)), Some(hour(1)), "to the microsecond");
    assert_eq!(oldest(hour(90)), Some(hour(1)), "however long ago that was");
    assert_eq!(purge(stores, hour(1), 100).values, 1);
    assert_eq!(oldest(hour(90)), Some(hour(2)), "what is gone does not count");
    assert_eq!(oldest(micros_after(hour(2), -1)), None);
    assert_eq!(purge(stores, hour(90), 100).values, 1);
    assert_eq!(oldest(hour(90)), None, "runs without values do not count, nor what is kept for ever");
}

pub(crate) fn what_is_kept_for_ever_is_kept(stores: &Stores) {
    let job = job_kept_for(stores, None);
    report(stores, &job, at("0001-01-01T00:00:00Z"), &[a_prediction("risk", noon(), 0.5)]);
    assert_eq!(purge(stores, noon(), 100), Purged::default());
    assert_eq!(values_of(stores, &job), 1);
}

pub(crate) fn a_retention_is_taken_as_it_is_now(stores: &Stores) {
    let job = job_kept_for(stores, Some(2));
    report(stores, &job, noon(), &[a_prediction("risk", noon(), 0.5)]);
    let later = noon().plus(TimeDelta::hours(10));
    for (revision, retention, purged) in [(1, None, 0), (2, Some(11), 0), (3, Some(10), 1)] {
        change_retention(stores, &job, revision, retention);
        assert_eq!(purge(stores, later, 100).values, purged, "{retention:?}");
    }
}

pub(crate) fn a_purge_deletes_no_more_than_it_was_told_and_goes_on(stores: &Stores) {
    let jobs = [Some(1), Some(1), None].map(|retention| job_kept_for(stores, retention));
    for job in &jobs {
        for minute in 0..4 {
            let values: Vec<Prediction> = (0..5).map(|n| a_prediction("risk", micros_after(noon(), n), 0.5)).collect();
            report(stores, job, noon().plus(TimeDelta::minutes(minute)), &values);
        }
    }
    let later = noon().plus(TimeDelta::days(1));
    let mut total = 0;
    for _ in 0..100 {
        let purged = purge(stores, later, 7);
        assert!(purged.values <= 7, "{purged:?}");
        total += purged.values;
        if !purged.is_unfinished {
            break;
        }
        assert!(purged.values > 0 || total == 40, "a purge that has not finished gets on");
    }
    assert_eq!(total, 40);
    assert_eq!(jobs.each_ref().map(|job| values_of(stores, job)), [0, 0, 20]);
}

pub(crate) fn what_belonged_to_a_deleted_job_goes(stores: &Stores) {
    let job = job_kept_for(stores, None);
    let other = stored_job(stores, Job { organisation_id: job.organisation_id, ..a_job_of(&version_of(stores, &job)) });
    for job in [&job, &other] {
        for minute in 0..3 {
            report(stores, job, noon().plus(TimeDelta::minutes(minute)), &[a_prediction("risk", noon(), 0.5)]);
        }
    }
    let scope = Scope::Platform;
    stores.jobs.delete(&scope, job.id, job.revision, WriteMode::DryRun).expect("the job would be deleted");
    assert_eq!(purge(stores, noon(), 100), Purged::default());
    stores.jobs.delete(&scope, job.id, job.revision, WriteMode::Commit).expect("the job is deleted");
    let mut purged = Purged::default();
    for _ in 0..20 {
        let step = purge(stores, noon(), 2);
        assert!(step.values + step.runs <= 2, "{step:?}");
        purged.values += step.values;
        purged.runs += step.runs;
        if !step.is_unfinished {
            break;
        }
    }
    assert_eq!(purged, Purged { values: 3, runs: 3, is_unfinished: false });
    assert_eq!((values_of(stores, &job), runs_of(stores, &job)), (0, 0));
    assert_eq!((values_of(stores, &other), runs_of(stores, &other)), (3, 3));
    assert_eq!(purge(stores, noon(), 100), Purged::default());
}

pub(crate) fn a_deleted_job_without_runs_leaves_nothing_to_purge(stores: &Stores) {
    let job = any_job(stores);
    stores.jobs.delete(&Scope::Platform, job.id, job.revision, WriteMode::Commit).expect("the job is deleted");
    assert_eq!(purge(stores, noon(), 100), Purged::default());
}

pub(crate) fn what_is_reported_after_it_has_expired_goes_too(stores: &Stores) {
    let job = job_kept_for(stores, Some(1));
    let value = || [a_prediction("risk", noon(), 0.5)];
    let now = noon().plus(TimeDelta::hours(5));
    report(stores, &job, noon().plus(TimeDelta::hours(1)), &value());
    report(stores, &job, now, &value());
    assert_eq!(purge(stores, now, 100).values, 1);
    // Between, before and at what was purged already.
    for hour in [2, 0, 3] {
        report(stores, &job, noon().plus(TimeDelta::hours(hour)), &value());
        assert_eq!(purge(stores, now, 100).values, 1, "{hour}");
    }
    assert_eq!(values_of(stores, &job), 1);
}

pub(crate) fn values_of_a_source_are_counted_by_when_they_were_issued(stores: &Stores) {
    let job = job_kept_for(stores, None);
    let version = version_of(stores, &job);
    let others = [(); 2].map(|()| stored_job(stores, a_job_of(&version)));
    let foreign = job_kept_for(stores, None);
    let two = [a_prediction("risk", noon(), 0.5), a_prediction("wetness", noon(), 0.5)];
    for hour in 0..3 {
        report(stores, &job, noon().plus(TimeDelta::hours(hour)), &two);
    }
    report(stores, &others[0], noon().plus(TimeDelta::hours(2)), &two[..1]);
    report(stores, &others[1], noon(), &[]);
    report(stores, &foreign, noon(), &two);
    let hour = |hours| Some(noon().plus(TimeDelta::hours(hours)));
    for (after, until, expected) in [
        (None, micros_after(noon(), -1), (0, 0)),
        (None, noon(), (2, 1)),
        (hour(0), noon(), (0, 0)),
        (hour(0), micros_after(noon(), 3_600_000_000), (2, 1)),
        (hour(-1), noon().plus(TimeDelta::hours(2)), (7, 2)),
        (hour(1), noon().plus(TimeDelta::hours(200)), (3, 2)),
        (hour(2), noon().plus(TimeDelta::hours(200)), (0, 0)),
    ] {
        let counted = counted(stores, job.source_id, after, until, (100, 10));
        assert_eq!(
            counted,
            ValueCount { values: expected.0, jobs: expected.1, is_at_least: false },
            "{after:?} {until}"
        );
    }
    let all = |source_id| counted(stores, source_id, None, noon().plus(TimeDelta::days(1)), (100, 10));
    assert_eq!(all(crate::values::fresh_source_id()), ValueCount::default());
    // Values that no caller can read any more do not count, whether they are purged or not.
    stores.jobs.delete(&Scope::Platform, job.id, job.revision, WriteMode::Commit).expect("the job is deleted");
    assert_eq!(all(job.source_id), ValueCount { values: 1, jobs: 1, is_at_least: false });
}

pub(crate) fn a_count_of_values_ends_where_it_was_told(stores: &Stores) {
    let job = job_kept_for(stores, None);
    let version = version_of(stores, &job);
    let jobs: Vec<Job> = (0..3).map(|_| stored_job(stores, a_job_of(&version))).collect();
    for job in &jobs {
        let values: Vec<Prediction> = (0..5).map(|n| a_prediction("risk", micros_after(noon(), n), 0.5)).collect();
        report(stores, job, noon(), &values);
    }
    let counted = |values, jobs| counted(stores, job.source_id, None, noon(), (values, jobs));
    let count = |values, jobs, is_at_least| ValueCount { values, jobs, is_at_least };
    assert_eq!(counted(15, 3), count(15, 3, false), "as many as there are");
    assert_eq!(counted(14, 3), count(14, 3, true));
    assert_eq!(counted(1, 3), count(1, 3, true), "all jobs are known, and of their values one");
    let of_two = counted(15, 2);
    assert_eq!((of_two.jobs, of_two.is_at_least), (2, true));
    assert!(of_two.values >= 10, "{of_two:?}");
    let of_one = counted(7, 1);
    assert_eq!((of_one.jobs, of_one.is_at_least), (1, true));
    assert!((5..=7).contains(&of_one.values), "{of_one:?}");
}

/// Whatever happens in whatever order, and however the clock jumps: what is there afterwards is exactly what has not
/// expired at any of the moments at which it was purged.
pub(crate) fn nothing_younger_than_its_retention_is_ever_deleted(stores: &Stores) {
    for seed in 1..=10 {
        let mut dice = Dice::of(seed);
        let mut world = World::default();
        let mut now = noon();
        for step in 0..120 {
            match dice.roll(12) {
                0 => world.add_source(stores, &mut dice),
                1 | 2 => world.add_job(stores, &mut dice),
                3 => world.change_retention(stores, &mut dice),
                4 if dice.roll(3) == 0 => world.delete_job(stores, &mut dice),
                5 => now = noon().plus(TimeDelta::minutes(i64::try_from(dice.roll(6_000)).expect("small") - 3_000)),
                6 | 7 => drop(world.purge(stores, now, dice.roll(9))),
                _ => world.report(stores, &mut dice, now),
            }
            world.check(stores, &format!("seed {seed}, step {step}"));
        }
        // To the end: then nothing is left that has expired.
        while world.purge(stores, now, 50).is_unfinished {}
        world.forget_expired(now);
        world.check(stores, &format!("seed {seed}, at the end"));
    }
}

/// What there is, and what may have gone.
#[derive(Default)]
struct World {
    sources: Vec<(Source, Option<i64>)>,
    jobs: Vec<(Job, usize)>,
    deleted: Vec<Job>,
    /// Each run of a job with its values, and whether they had expired at a moment at which they were purged.
    runs: BTreeMap<(JobId, Timestamp), (usize, bool)>,
}

impl World {
    fn add_source(&mut self, stores: &Stores, dice: &mut Dice) {
        let retention = retention(dice);
        let source = Source { retention_hours: retention.map(hours), ..a_source() };
        self.sources.push((stored_source(stores, source), retention.map(i64::from)));
    }

    fn add_job(&mut self, stores: &Stores, dice: &mut Dice) {
        let Some(place) = dice.roll(self.sources.len() + 1).checked_sub(1) else { return };
        let version = stored_version(stores, a_version_of(self.sources[place].0.id));
        self.jobs.push((stored_job(stores, a_job_of(&version)), place));
    }

    fn change_retention(&mut self, stores: &Stores, dice: &mut Dice) {
        let Some(place) = dice.roll(self.sources.len() + 1).checked_sub(1) else { return };
        let (source, kept) = &mut self.sources[place];
        let retention = retention(dice);
        let before = source.revision;
        *source = Source { retention_hours: retention.map(hours), revision: before.next(), ..source.clone() };
        *kept = retention.map(i64::from);
        stores.sources.update(source, before, WriteMode::Commit).expect("the source is changed");
    }

    fn delete_job(&mut self, stores: &Stores, dice: &mut Dice) {
        let Some(place) = dice.roll(self.jobs.len() + 1).checked_sub(1) else { return };
        let (job, _) = self.jobs.swap_remove(place);
        stores.jobs.delete(&Scope::Platform, job.id, job.revision, WriteMode::Commit).expect("the job is deleted");
        self.deleted.push(job);
    }

    fn report(&mut self, stores: &Stores, dice: &mut Dice, now: Timestamp) {
        let Some(place) = dice.roll(self.jobs.len() + 1).checked_sub(1) else { return };
        let job = &self.jobs[place].0;
        let issued_at = now.plus(-TimeDelta::minutes(i64::try_from(dice.roll(400)).expect("small")));
        let values: Vec<Prediction> = (0..dice.roll(5))
            .map(|number| a_prediction("risk", micros_after(noon(), i64::try_from(number).expect("small")), 0.5))
            .collect();
        let run = Run { issued_at, ..a_run_of(job, &values) };
        if stores.runs.insert(&run, &values, None).is_ok() {
            self.runs.insert((job.id, issued_at), (values.len(), false));
        }
    }

    fn purge(&mut self, stores: &Stores, now: Timestamp, limit: usize) -> Purged {
        for (job, place) in &self.jobs {
            let Some(hours) = self.sources[*place].1 else { continue };
            let end = now.plus(-TimeDelta::hours(hours));
            for (_, (_, has_expired)) in self.runs.range_mut((job.id, at("0001-01-01T00:00:00Z"))..=(job.id, end)) {
                *has_expired = true;
            }
        }
        purge(stores, now, limit)
    }

    /// Of what has expired by now, nothing is left.
    fn forget_expired(&mut self, now: Timestamp) {
        for (job, place) in &self.jobs {
            let Some(hours) = self.sources[*place].1 else { continue };
            let end = now.plus(-TimeDelta::hours(hours));
            for (_, run) in self.runs.range_mut((job.id, at("0001-01-01T00:00:00Z"))..=(job.id, end)) {
                *run = (0, false);
            }
        }
        for job in self.deleted.drain(..) {
            self.runs.retain(|(job_id, _), _| *job_id != job.id);
        }
    }

    /// No value is missing that did not have to go, and none came back.
    fn check(&self, stores: &Stores, when: &str) {
        for (job, _) in &self.jobs {
            let mut found: BTreeMap<Timestamp, usize> = BTreeMap::new();
            let runs = self.runs.range((job.id, at("0001-01-01T00:00:00Z"))..=(job.id, at("9999-01-01T00:00:00Z")));
            for ((_, issued_at), (count, has_expired)) in runs {
                let query = PredictionQuery { issued: Issued::At(*issued_at), ..everything(job) };
                let values = stores.runs.predictions(&query).expect("values can be read").values.len();
                found.insert(*issued_at, values);
                assert!(values == *count || *has_expired && values < *count, "{when}: {values} of {count}");
            }
            assert_eq!(runs_of(stores, job), found.len(), "{when}");
        }
    }
}

fn retention(dice: &mut Dice) -> Option<i32> {
    [None, Some(1), Some(2), Some(3), Some(24)][dice.roll(5)]
}

fn job_kept_for(stores: &Stores, retention: Option<i32>) -> Job {
    let source = stored_source(stores, Source { retention_hours: retention.map(hours), ..a_source() });
    stored_job(stores, a_job_of(&stored_version(stores, a_version_of(source.id))))
}

fn version_of(stores: &Stores, job: &Job) -> SourceVersion {
    version(stores, job.source_version_id).expect("the version is there")
}

fn change_retention(stores: &Stores, job: &Job, revision: i64, retention: Option<i32>) {
    let stored = source(stores, job.source_id).expect("the source is there");
    let before = crate::values::revision(revision);
    let changed = Source { retention_hours: retention.map(hours), revision: before.next(), ..stored };
    stores.sources.update(&changed, before, WriteMode::Commit).expect("the source is changed");
}

/// So many values at the most, of so many jobs.
fn counted(
    stores: &Stores,
    source_id: SourceId,
    issued_after: Option<Timestamp>,
    issued_until: Timestamp,
    (most_values, most_jobs): (usize, usize),
) -> ValueCount {
    let query = ValueCountQuery { source_id, issued_after, issued_until, most_values, most_jobs };
    stores.runs.count_values(&query).expect("values can be counted")
}

fn purge(stores: &Stores, now: Timestamp, limit: usize) -> Purged {
    stores.retention.purge(now, limit).expect("the store can be purged")
}

fn report(stores: &Stores, job: &Job, issued_at: Timestamp, values: &[Prediction]) {
    let run = Run { issued_at, ..a_run_of(job, values) };
    stores.runs.insert(&run, values, None).expect("the run is stored");
}

fn values_of(stores: &Stores, job: &Job) -> usize {
    let runs =
        stores.runs.list(job.organisation_id, job.id, &RunFilter::default(), &first_page(PageRequest::MAX_LIMIT));
    let runs = runs.expect("runs can be listed").items;
    let count = |run: &Run| {
        let query = PredictionQuery { issued: Issued::At(run.issued_at), ..everything(job) };
        stores.runs.predictions(&query).expect("values can be read").values.len()
    };
    runs.iter().map(count).sum()
}

fn runs_of(stores: &Stores, job: &Job) -> usize {
    let page = first_page(PageRequest::MAX_LIMIT);
    stores.runs.list(job.organisation_id, job.id, &RunFilter::default(), &page).expect("runs can be listed").items.len()
}

fn everything(job: &Job) -> PredictionQuery {
    PredictionQuery {
        organisation_id: job.organisation_id,
        job_id: job.id,
        role: None,
        from: None,
        to: None,
        issued: Issued::AtAnyTime,
        issued_after: None,
        known_at: None,
        last_run: None,
        after: None,
        limit: 1_000,
    }
}

fn noon() -> Timestamp {
    at("2026-06-01T12:00:00.000001Z")
}
