//! Runs and revisions that are not to be kept.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU64;

use chrono::TimeDelta;
use prediction_domain::model::{
    Job, JobPlace, JobRevision, Keep, KeptHistory, LEAST_KEPT_RUNS, MonitoredJob, PageRequest, Prediction, Revision,
    Run, RunId, RunNumber, RunPosition, RunStatus, Scope, Source, Timestamp, latest_issue,
};
use prediction_domain::ports::{
    Issued, NextInSweep, PredictedValue, PredictionQuery, PurgedHistory, RunFilter, WriteMode,
};

use crate::Stores;
use crate::builders::{a_job_of, a_prediction, a_run_of, a_source, a_version_of};
use crate::contract::fixture::{any_job, stored_job, stored_source, stored_version};
use crate::contract::store::history::Dice;
use crate::values::{at, first_page, hours, micros_after, page_after};

pub(crate) fn what_is_kept_for_ever_is_not_swept(stores: &Stores) {
    let job = any_job(stores);
    for number in 0..20 {
        fail(stores, &job, days(-1_000 + number));
    }
    assert_eq!(sweep(stores, &KeptHistory::default(), now(), 100), (0, 0));
    assert_eq!(runs_of(stores, &job).len(), 20);
}

pub(crate) fn runs_go_when_they_are_older_to_the_microsecond(stores: &Stores) {
    let job = any_job(stores);
    let cutoff = days(-90);
    for micros in [-1, 0, 1] {
        fail(stores, &job, micros_after(cutoff, micros));
    }
    for day in (0..10).rev() {
        fail(stores, &job, days(-day));
    }
    assert_eq!(sweep(stores, &runs(Some(90), None), now(), 100), (1, 0));
    assert_eq!(runs_of(stores, &job).last().map(|run| run.issued_at), Some(cutoff));
    assert_eq!(sweep(stores, &runs(Some(90), None), micros_after(now(), 2), 100), (2, 0));
    assert_eq!(sweep(stores, &runs(Some(90), None), days(1_000), 100), (0, 0), "the ten newest stay");
    assert_eq!(sweep(stores, &runs(None, Some(4)), now(), 100), (6, 0), "unless it is said how many stay");
    assert_eq!(summary_of(stores, &job).consecutive_failures, 13, "what they added up to is known");
}

pub(crate) fn a_success_that_health_needs_stays(stores: &Stores) {
    let job = any_job(stores);
    succeed(stores, &job, days(-402), &[]);
    let last = succeed(stores, &job, days(-400), &[]);
    for day in 0..30 {
        fail(stores, &job, days(-30 + day));
    }
    let before = summary_of(stores, &job);
    assert_eq!(sweep(stores, &runs(Some(60), Some(3)), now(), 7), (28, 0));
    assert_eq!(summary_of(stores, &job), before);
    let left: Vec<Timestamp> = runs_of(stores, &job).iter().map(|run| run.issued_at).collect();
    assert_eq!(left, [days(-1), days(-2), days(-3), last.issued_at]);
}

pub(crate) fn a_run_whose_values_are_stored_stays(stores: &Stores) {
    let source = stored_source(stores, Source { retention_hours: Some(hours(24 * 100)), ..a_source() });
    let job = stored_job(stores, a_job_of(&stored_version(stores, a_version_of(source.id))));
    let value = [a_prediction("risk", now(), 0.5)];
    for day in [-200, -120, -95] {
        succeed(stores, &job, days(day), &value);
        fail(stores, &job, micros_after(days(day), 1));
    }
    for day in (0..12).rev() {
        fail(stores, &job, days(-day));
    }
    assert_eq!(sweep(stores, &runs(Some(90), None), now(), 100), (3, 0), "failures between them go");
    assert_eq!(values_of(stores, &job, Issued::AtAnyTime).len(), 1);
    assert_eq!(stores.retention.purge(now(), 100).expect("values are purged").values, 2);
    assert_eq!(sweep(stores, &runs(Some(90), None), now(), 100), (2, 0));
    let kept = values_of(stores, &job, Issued::AtAnyTime);
    assert_eq!(kept.iter().map(|value| value.issued_at).collect::<Vec<_>>(), [days(-95)]);
    assert!(stores.runs.find(job.organisation_id, job.id, kept[0].run_id).expect("runs can be read").is_some());
}

pub(crate) fn a_failure_that_was_replaced_goes_with_the_run_in_its_place(stores: &Stores) {
    let job = any_job(stores);
    let failed = fail(stores, &job, days(-100));
    let over = Run {
        replaces: Some(failed.id),
        issued_at: failed.issued_at,
        received_at: failed.issued_at,
        ..a_run_of(&job, &[])
    };
    stores.runs.replace(&over, &[], None).expect("the failure is replaced");
    succeed(stores, &job, days(-1), &[]);
    assert_eq!(sweep(stores, &runs(Some(200), Some(2)), now(), 100), (0, 0));
    assert_eq!(sweep(stores, &runs(None, Some(1)), now(), 100), (2, 0));
    for id in [failed.id, over.id] {
        assert_eq!(stores.runs.find(job.organisation_id, job.id, id).expect("runs can be read"), None);
    }
    // What is reported again then is another run.
    stores.runs.insert(&failed, &[], None).expect("its time is free");
}

pub(crate) fn revisions_go_when_others_took_their_place_long_ago(stores: &Stores) {
    let mut job = any_job(stores);
    for day in [-100, -90, -1] {
        job = change(stores, &job, days(day));
    }
    let left = |expected: &[i64]| {
        let left: Vec<i64> = revisions_of(stores, &job).iter().map(|kept| kept.revision.as_i64()).collect();
        assert_eq!(left, expected);
    };
    let kept = revisions(Some(90), None);
    assert_eq!(sweep(stores, &kept, now(), 100), (0, 1), "the first was replaced 100 days ago");
    left(&[2, 3, 4]);
    assert_eq!(sweep(stores, &kept, micros_after(now(), 1), 100), (0, 1), "the second 90 days ago");
    assert_eq!(sweep(stores, &kept, micros_after(now(), 1), 100), (0, 0), "the third yesterday");
    left(&[3, 4]);
    assert_eq!(sweep(stores, &revisions(None, Some(2)), now(), 100), (0, 0));
    let ran = Run { job_revision: Revision::new(3).expect("a number"), ..a_run_of(&job, &[]) };
    stores.runs.insert(&ran, &[], None).expect("the run is stored");
    assert_eq!(sweep(stores, &revisions(Some(1), Some(1)), days(500), 100), (0, 0), "a run refers to it");
    stores
        .runs
        .delete(job.organisation_id, job.id, ran.id, None, latest_issue(now()), WriteMode::Commit)
        .expect("it is deleted");
    assert_eq!(sweep(stores, &revisions(None, Some(1)), now(), 100), (0, 1));
    left(&[4]);
    // A version that nothing refers to any more can be deleted.
    assert_eq!(sweep(stores, &revisions(Some(1), Some(1)), days(5_000), 100), (0, 0), "the current one stays");
}

pub(crate) fn a_sweep_goes_on_in_small_steps_through_all_jobs(stores: &Stores) {
    let jobs: Vec<Job> = (0..70).map(|_| any_job(stores)).collect();
    for (number, job) in jobs.iter().enumerate().filter(|(number, _)| number % 9 == 0) {
        for n in 0..5 {
            fail(stores, job, micros_after(days(-100), i64::try_from(number * 10 + n).expect("small")));
        }
    }
    let kept = runs(None, Some(2));
    let (mut after, mut steps, mut total) = (None, 0, 0);
    loop {
        let PurgedHistory { runs, revisions, next } = step(stores, &kept, now(), after, 4);
        assert!(runs <= 4 && revisions == 0);
        total += runs;
        steps += 1;
        match next {
            NextInSweep::Again => assert_eq!(runs, 4, "as many as there may be"),
            NextInSweep::Behind(place) => {
                assert!(after < Some(place), "it gets on");
                after = Some(place);
            }
            NextInSweep::Done => break,
        }
        assert!(steps < 200, "it comes to an end");
    }
    assert_eq!(total, 8 * 3);
    assert!(jobs.iter().all(|job| runs_of(stores, job).len() <= 2));
}

/// Whatever happened before, and whatever is to be kept: what is asked afterwards is answered as before, but for the
/// history that is gone; and gone is exactly what is not to be kept.
pub(crate) fn nothing_is_missed_but_what_is_not_to_be_kept(stores: &Stores) {
    for seed in 1..=4 {
        let mut dice = Dice::of(seed);
        let mut world = World::default();
        for round in 0..4 {
            for _ in 0..60 {
                world.act(stores, &mut dice);
            }
            let kept = KeptHistory { runs: keep(&mut dice), revisions: keep(&mut dice) };
            let now = days(i64::try_from(dice.roll(60)).expect("small"));
            let when = format!("seed {seed}, round {round}, {kept:?}");
            let before: Vec<Answers> = world.jobs.iter().map(|job| Answers::of(stores, job)).collect();
            sweep(stores, &kept, now, 1 + dice.roll(20));
            for before in before {
                before.compare(stores, &kept, now, &when);
            }
            assert_eq!(sweep(stores, &kept, now, 100), (0, 0), "{when}: once is enough");
        }
    }
}

#[derive(Default)]
struct World {
    jobs: Vec<Job>,
}

impl World {
    fn act(&mut self, stores: &Stores, dice: &mut Dice) {
        let small = |number: usize| i64::try_from(number).expect("small");
        if self.jobs.is_empty() || dice.roll(15) == 0 {
            let retention_hours = [None, Some(hours(24 * 40)), Some(hours(24 * 200))][dice.roll(3)];
            let source = stored_source(stores, Source { retention_hours, ..a_source() });
            self.jobs.push(stored_job(stores, a_job_of(&stored_version(stores, a_version_of(source.id)))));
        }
        let place = dice.roll(self.jobs.len());
        let job = self.jobs[place].clone();
        match dice.roll(12) {
            0 | 1 => {
                let changed_at = job.updated_at.max(days(-250)).plus(TimeDelta::days(small(dice.roll(40))));
                self.jobs[place] = change(stores, &job, changed_at);
            }
            2 => drop(stores.retention.purge(days(small(dice.roll(60)) - 30), 1 + dice.roll(20))),
            3 => {
                let failed = runs_of(stores, &job).into_iter().find(|run| run.status == RunStatus::Failed);
                let Some(failed) = failed else { return };
                let values = [a_prediction("risk", now(), 0.25)];
                let over = Run { replaces: Some(failed.id), issued_at: failed.issued_at, ..a_run_of(&job, &values) };
                stores.runs.replace(&over, &values, None).expect("the failure is replaced");
            }
            4 => {
                let runs = runs_of(stores, &job);
                let Some(run) = dice.roll(runs.len() + 1).checked_sub(1).map(|place| &runs[place]) else { return };
                let until = latest_issue(now());
                stores
                    .runs
                    .delete(job.organisation_id, job.id, run.id, None, until, WriteMode::Commit)
                    .expect("it is deleted");
            }
            number => {
                let issued_at = match dice.roll(12) {
                    0 => days(700 + small(dice.roll(5))),
                    _ => micros_after(days(-small(dice.roll(250))), small(dice.roll(1_000_000))),
                };
                let values: Vec<Prediction> =
                    (0..dice.roll(4)).map(|n| a_prediction("risk", micros_after(now(), small(n)), 0.5)).collect();
                let (status, values) =
                    if number % 2 == 0 { (RunStatus::Failed, Vec::new()) } else { (RunStatus::Succeeded, values) };
                let revisions = revisions_of(stores, &job);
                let job_revision = revisions[dice.roll(revisions.len())].revision;
                let ahead = TimeDelta::seconds([0, 3, 200][dice.roll(3)]);
                let received_at = if issued_at > days(300) { issued_at } else { issued_at.plus(-ahead) };
                let run = Run { issued_at, received_at, status, job_revision, ..a_run_of(&job, &values) };
                drop(stores.runs.insert(&run, &values, None));
            }
        }
    }
}

/// What is answered about a job.
struct Answers {
    job: Job,
    monitored: MonitoredJob,
    values: Vec<Vec<PredictedValue>>,
    runs: Vec<Run>,
    replaced: Vec<Run>,
    revisions: Vec<JobRevision>,
    last_run: RunNumber,
}

impl Answers {
    fn of(stores: &Stores, job: &Job) -> Self {
        let runs = runs_of(stores, job);
        let replaced = runs.iter().filter_map(|run| run.replaces).filter_map(|id| find(stores, job, id)).collect();
        let last_run =
            stores.runs.predictions(&everything(job, Issued::AtAnyTime)).expect("values can be read").last_run;
        Self {
            monitored: monitored(stores, job),
            values: Self::values(stores, job, last_run),
            revisions: revisions_of(stores, job),
            job: job.clone(),
            runs,
            replaced,
            last_run,
        }
    }

    /// By each kind of reading, also one that began before.
    fn values(stores: &Stores, job: &Job, last_run: RunNumber) -> Vec<Vec<PredictedValue>> {
        let query = everything(job, Issued::AtAnyTime);
        let queries = [
            query.clone(),
            PredictionQuery { issued: Issued::Until(days(-60)), ..query.clone() },
            PredictionQuery { known_at: Some(days(-60)), ..query.clone() },
            PredictionQuery { issued_after: Some(days(-90)), ..query.clone() },
            PredictionQuery { last_run: Some(last_run), ..query },
        ];
        queries.iter().map(|query| stores.runs.predictions(query).expect("values can be read").values).collect()
    }

    fn compare(&self, stores: &Stores, kept: &KeptHistory, now: Timestamp, when: &str) {
        let job = &self.job;
        assert_eq!(monitored(stores, job), self.monitored, "{when}: health is as before");
        assert_eq!(Self::values(stores, job, self.last_run), self.values, "{when}: values are as before");
        let after = runs_of(stores, job);
        let gone = self.runs_not_kept(stores, kept.runs, now);
        let expected: Vec<Run> = self.runs.iter().filter(|run| !gone.contains(&run.id)).cloned().collect();
        assert_eq!(after, expected, "{when}: of runs exactly those are gone that are not to be kept");
        for run in &self.runs {
            assert_eq!(find(stores, job, run.id).is_none(), gone.contains(&run.id), "{when}");
        }
        for replaced in &self.replaced {
            let by = replaced.replaced_by.expect("it was replaced");
            let found = find(stores, job, replaced.id);
            assert_eq!(
                found.as_ref(),
                Some(replaced).filter(|_| !gone.contains(&by)),
                "{when}: it goes with the other"
            );
        }
        for value in self.values.iter().flatten() {
            let run = find(stores, job, value.run_id).expect("a value leads to its run");
            let revision = stores.jobs.revision(job.organisation_id, job.id, run.job_revision);
            assert!(revision.expect("revisions can be read").is_some(), "{when}: and that to what the job was");
        }
        let gone = self.revisions_not_kept(&after, &gone, kept.revisions, now);
        let expected: Vec<JobRevision> =
            self.revisions.iter().filter(|kept| !gone.contains(&kept.revision)).cloned().collect();
        assert_eq!(revisions_of(stores, job), expected, "{when}: and of revisions");
        assert_eq!(expected.last().map(|kept| kept.revision), Some(job.revision), "{when}: the current one is there");
    }

    fn runs_not_kept(&self, stores: &Stores, keep: Option<Keep>, now: Timestamp) -> BTreeSet<RunId> {
        let summary = &self.monitored.monitoring.runs;
        let (Some(keep), Some((last_run_at, _))) = (keep, summary.last_run) else { return BTreeSet::new() };
        let with_values: BTreeMap<Timestamp, bool> = self
            .runs
            .iter()
            .map(|run| (run.issued_at, !values_of(stores, &self.job, Issued::At(run.issued_at)).is_empty()))
            .collect();
        let values_from = with_values.iter().find(|(_, has_values)| **has_values).map(|(issued_at, _)| *issued_at);
        let success = self.runs.iter().find(|run| Some(run.issued_at) == summary.last_success_at);
        // Of the runs that count, the last issued first.
        let counted = self.runs.iter().filter(|run| run.issued_at <= last_run_at).enumerate();
        let gone = counted.filter(|(place, run)| {
            let place = *place as u64;
            let is_old = keep.age.is_some_and(|age| run.issued_at < now.plus(-age)) && place >= LEAST_KEPT_RUNS;
            let is_surplus = keep.newest.is_some_and(|newest| place >= newest.get());
            let may_have_values = run.prediction_count > 0 && values_from.is_some_and(|from| run.issued_at >= from);
            let is_needed = success.is_some_and(|success| {
                let delivered_at = success.issued_at.min(success.received_at);
                run.status == RunStatus::Succeeded && (delivered_at..=success.issued_at).contains(&run.issued_at)
            });
            (is_old || is_surplus) && !may_have_values && !is_needed
        });
        gone.map(|(_, run)| run.id).collect()
    }

    fn revisions_not_kept(
        &self,
        runs: &[Run],
        gone: &BTreeSet<RunId>,
        keep: Option<Keep>,
        now: Timestamp,
    ) -> BTreeSet<Revision> {
        let Some(keep) = keep else { return BTreeSet::new() };
        let replaced = self.replaced.iter().filter(|run| run.replaced_by.is_some_and(|by| !gone.contains(&by)));
        let referred: BTreeSet<Revision> = runs.iter().chain(replaced).map(|run| run.job_revision).collect();
        let pairs = self.revisions.windows(2).filter(|pair| {
            let is_old = keep.age.is_some_and(|age| pair[1].changed_at < now.plus(-age));
            let behind = self.job.revision.as_i64() - pair[0].revision.as_i64();
            let is_surplus = keep.newest.is_some_and(|newest| behind.unsigned_abs() >= newest.get());
            (is_old || is_surplus) && !referred.contains(&pair[0].revision)
        });
        pairs.map(|pair| pair[0].revision).collect()
    }
}

fn keep(dice: &mut Dice) -> Option<Keep> {
    let age = [None, Some(30), Some(100)][dice.roll(3)].map(TimeDelta::days);
    let newest = NonZeroU64::new([0, 1, 3, 12][dice.roll(4)]);
    (age.is_some() || newest.is_some()).then_some(Keep { age, newest })
}

fn runs(days: Option<i64>, newest: Option<u64>) -> KeptHistory {
    let keep = Keep { age: days.map(TimeDelta::days), newest: newest.and_then(NonZeroU64::new) };
    KeptHistory { runs: Some(keep), revisions: None }
}

fn revisions(days: Option<i64>, newest: Option<u64>) -> KeptHistory {
    KeptHistory { runs: None, revisions: runs(days, newest).runs }
}

fn step(stores: &Stores, kept: &KeptHistory, now: Timestamp, after: Option<JobPlace>, limit: usize) -> PurgedHistory {
    stores.retention.purge_history(kept, now, after, limit).expect("the store can be swept")
}

/// How many runs and revisions a whole sweep deletes.
fn sweep(stores: &Stores, kept: &KeptHistory, now: Timestamp, limit: usize) -> (u64, u64) {
    let (mut after, mut total) = (None, (0, 0));
    loop {
        let PurgedHistory { runs, revisions, next } = step(stores, kept, now, after, limit);
        total = (total.0 + runs, total.1 + revisions);
        match next {
            NextInSweep::Again => assert!(runs + revisions > 0, "it gets on"),
            NextInSweep::Behind(place) => after = Some(place),
            NextInSweep::Done => return total,
        }
    }
}

fn report(stores: &Stores, run: Run, values: &[Prediction]) -> Run {
    stores.runs.insert(&run, values, None).expect("the run is stored");
    run
}

fn fail(stores: &Stores, job: &Job, issued_at: Timestamp) -> Run {
    let run = Run { issued_at, received_at: issued_at, status: RunStatus::Failed, ..a_run_of(job, &[]) };
    report(stores, run, &[])
}

fn succeed(stores: &Stores, job: &Job, issued_at: Timestamp, values: &[Prediction]) -> Run {
    report(stores, Run { issued_at, received_at: issued_at, ..a_run_of(job, values) }, values)
}

fn change(stores: &Stores, job: &Job, updated_at: Timestamp) -> Job {
    let changed = Job { active: !job.active, revision: job.revision.next(), updated_at, ..job.clone() };
    stores.jobs.update(&changed, job.revision, None, WriteMode::Commit).expect("the job is changed");
    changed
}

fn monitored(stores: &Stores, job: &Job) -> MonitoredJob {
    let found = stores.jobs.find_monitored(&[(Scope::Platform, job.id)]).expect("jobs can be read");
    found.into_iter().flatten().next().expect("the job is there")
}

fn summary_of(stores: &Stores, job: &Job) -> prediction_domain::model::RunSummary {
    monitored(stores, job).monitoring.runs
}

fn find(stores: &Stores, job: &Job, id: RunId) -> Option<Run> {
    stores.runs.find(job.organisation_id, job.id, id).expect("runs can be read")
}

/// All of them, the last issued first.
fn runs_of(stores: &Stores, job: &Job) -> Vec<Run> {
    let mut page = first_page::<RunPosition>(PageRequest::MAX_LIMIT);
    let mut runs = Vec::new();
    loop {
        let found = stores.runs.list(job.organisation_id, job.id, &RunFilter::default(), &page);
        let mut found = found.expect("runs can be listed");
        runs.append(&mut found.items);
        let Some(next) = found.next else { return runs };
        page = page_after(PageRequest::MAX_LIMIT, Some(next));
    }
}

fn revisions_of(stores: &Stores, job: &Job) -> Vec<JobRevision> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = stores.jobs.revisions(job.organisation_id, job.id, &page_after(200, after));
        let page = page.expect("revisions can be read");
        all.extend(page.items);
        after = page.next;
        if after.is_none() {
            return all;
        }
    }
}

fn values_of(stores: &Stores, job: &Job, issued: Issued) -> Vec<PredictedValue> {
    stores.runs.predictions(&everything(job, issued)).expect("values can be read").values
}

fn everything(job: &Job, issued: Issued) -> PredictionQuery {
    PredictionQuery {
        organisation_id: job.organisation_id,
        job_id: job.id,
        role: None,
        from: None,
        to: None,
        issued,
        issued_after: None,
        known_at: None,
        last_run: None,
        after: None,
        limit: 1_000,
    }
}

fn now() -> Timestamp {
    at("2026-06-01T12:00:00.000001Z")
}

fn days(number: i64) -> Timestamp {
    now().plus(TimeDelta::days(number))
}
