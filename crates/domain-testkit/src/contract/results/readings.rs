//! Readings of values: pages that belong together, and what was known at a time.

use std::collections::BTreeSet;
use std::thread;

use prediction_domain::model::{
    Job, MAX_PREDICTIONS, Prediction, PredictionPosition, Run, RunId, RunNumber, RunStatus, Timestamp,
};
use prediction_domain::ports::{Issued, PredictedValue, PredictedValues, PredictionQuery, RunFilter};

use crate::builders::{a_plan_for_everything, a_prediction, a_run_of};
use crate::contract::fixture::{any_job, set_up};
use crate::contract::store::history::Dice;
use crate::values::{at, first_page, micros_after, page_after, role_name};
use crate::{MemoryStore, Stores};

/// Whatever is reported between two pages, and wherever it belongs.
pub(crate) fn pages_of_one_reading_belong_together(stores: &Stores) {
    for limit in 1..=9 {
        let job = any_job(stores);
        let first = report(stores, &job, (2, 2), &[("a", 0), ("a", 1), ("a", 2), ("b", 1), ("c", 0)]);
        report(stores, &job, (4, 1), &[("a", 2), ("b", 0), ("b", 1)]);
        let whole = read(stores, &everything(&job));
        assert_eq!(whole.values.len(), 6);
        let queries = [
            everything(&job),
            PredictionQuery { issued: Issued::Until(second(9)), ..everything(&job) },
            PredictionQuery { known_at: Some(second(9)), ..everything(&job) },
            PredictionQuery { issued: Issued::At(first.issued_at), ..everything(&job) },
            PredictionQuery { role: Some(role_name("a")), ..everything(&job) },
        ];
        let mut readings: Vec<Reading> =
            queries.into_iter().map(|query| Reading::begin(stores, PredictionQuery { limit, ..query })).collect();
        let mut issued = (5, 3, 1);
        while readings.iter().any(|reading| reading.next.is_some()) {
            // After all others, between them and before, by clocks that differ; over values that are there and beside
            // them.
            for seconds in [issued.0, issued.1, issued.2] {
                let run = Run { issued_at: micros_after(second(seconds), issued.0), ..a_run_of(&job, &[]) };
                store(stores, &run, &[("a", 0), ("a", 1), ("a", 3), ("b", 1), ("bb", 0), ("d", 0)]);
            }
            issued.0 += 1;
            for reading in &mut readings {
                reading.go_on(stores);
            }
        }
        for reading in readings {
            assert_eq!(reading.read, reading.expected, "limit {limit}: {:?}", reading.query);
        }
    }
}

/// A reading that was begun tells what it would have told then, and a new one tells all that was acknowledged.
pub(crate) fn a_reading_is_about_what_there_was_while_many_report(stores: &Stores) {
    let job = any_job(stores);
    thread::scope(|scope| {
        for writer in 0..4 {
            let job = &job;
            scope.spawn(move || {
                for number in 0..12 {
                    // Each writer goes back in time, so that what comes later was mostly issued earlier.
                    let issued_at = micros_after(second(1_000 - number), writer);
                    let run = Run { issued_at, ..a_run_of(job, &[]) };
                    store(stores, &run, &[("a", writer), ("b", number), ("c", 0)]);
                    let all = PredictionQuery { issued: Issued::At(issued_at), ..everything(job) };
                    assert_eq!(read(stores, &all).values.len(), 3, "what is acknowledged can be read");
                }
            });
        }
        for _ in 0..12 {
            let begun = read(stores, &everything(&job));
            for _ in 0..3 {
                let later = PredictionQuery { last_run: Some(begun.last_run), ..everything(&job) };
                assert_eq!(read(stores, &later), begun);
            }
        }
    });
}

pub(crate) fn runs_are_numbered_in_the_order_in_which_they_are_stored(stores: &Stores) {
    let job = any_job(stores);
    let other = any_job(stores);
    let mut last = RunNumber::NONE;
    for number in 0..5 {
        let run = report(stores, &job, (9 - number, 9 - number), &[("a", number)]);
        report(stores, &other, (number, number), &[("a", 0)]);
        let found = read(stores, &everything(&job));
        assert!(found.last_run > last, "{:?}", found.last_run);
        let before = PredictionQuery { last_run: Some(last), ..everything(&job) };
        assert_eq!(read(stores, &before), PredictedValues { values: found.values_but_of(run.id), last_run: last });
        last = found.last_run;

        // What is refused is no run, and takes nothing away.
        let again = Run { issued_at: run.issued_at, ..a_run_of(&job, &[]) };
        stores.runs.insert(&again, &[], None).expect_err("the time is taken");
        assert_eq!(read(stores, &PredictionQuery { last_run: Some(last), ..everything(&job) }), found);
    }
    let of_others = read(stores, &PredictionQuery { last_run: Some(RunNumber::NONE), ..everything(&other) });
    assert_eq!(of_others.values, []);
}

/// Whatever the clocks of those say that issued and received it.
pub(crate) fn what_was_issued_by_a_clock_that_is_ahead_is_read(stores: &Stores) {
    let job = any_job(stores);
    let latest = at("9999-12-31T23:59:59.999999Z");
    for (number, time) in (0..).zip([second(0), micros_after(second(0), 1), second(2), second(9_999_999), latest]) {
        let run = Run { issued_at: time, received_at: time, ..a_run_of(&job, &[]) };
        store(stores, &run, &[("a", 0), ("b", number)]);
        let found = read(stores, &everything(&job)).values;
        assert_eq!(found[0].run_id, run.id);
        assert_eq!(found.len(), 2 + usize::try_from(number).expect("small"));
    }
}

/// Both times, at every boundary: when a run was issued, and when it was received.
pub(crate) fn what_was_known_at_a_time_is_read(stores: &Stores) {
    let job = any_job(stores);
    // A backfill: the second was received last. Two were received at the same time.
    let times = [(1, 1), (2, 9), (3, 4), (4, 4), (5, 6)];
    let runs: Vec<Run> = times.map(|times| report(stores, &job, times, &[("a", 0), ("b", times.0)])).into();
    let boundaries = |times: Vec<Timestamp>| {
        let around = times.into_iter().flat_map(|time| [-1, 0, 1].map(|micros| micros_after(time, micros)));
        around.map(Some).chain([None]).collect::<Vec<_>>()
    };
    for known_at in boundaries(runs.iter().map(|run| run.received_at).collect()) {
        let known = |run: &&Run| known_at.is_none_or(|time| run.received_at <= time);
        for until in boundaries(runs.iter().map(|run| run.issued_at).collect()) {
            let issued = until.map_or(Issued::AtAnyTime, Issued::Until);
            let query = PredictionQuery { issued, known_at, ..everything(&job) };
            let expected = runs.iter().filter(known).filter(|run| until.is_none_or(|time| run.issued_at <= time));
            let expected: Vec<RunId> = expected.map(|run| run.id).collect();
            let found = read(stores, &query).values;
            assert_eq!(found.first().map(|value| value.run_id), expected.last().copied(), "{query:?}");
            let others: Vec<RunId> = found.iter().skip(1).map(|value| value.run_id).collect();
            assert_eq!(others, expected, "{query:?}");
        }
        for run in &runs {
            let query = PredictionQuery { issued: Issued::At(run.issued_at), known_at, ..everything(&job) };
            assert_eq!(read(stores, &query).values.len(), if known(&run) { 2 } else { 0 }, "{query:?}");
        }
        let expected: Vec<&Run> = runs.iter().rev().filter(known).collect();
        for limit in 1..=6 {
            let filter = RunFilter { known_at, ..RunFilter::default() };
            let mut page = stores.runs.list(job.organisation_id, job.id, &filter, &first_page(limit)).expect("a list");
            let mut listed = page.items;
            while page.next.is_some() {
                let request = page_after(limit, page.next);
                page = stores.runs.list(job.organisation_id, job.id, &filter, &request).expect("a list");
                listed.append(&mut page.items);
            }
            assert_eq!(listed.iter().collect::<Vec<_>>(), expected, "{known_at:?}, {limit} a page");
        }
    }
}

/// Few and many issues of a value, and every combination of conditions.
pub(crate) fn every_reading_gives_what_the_model_gives(stores: &Stores) {
    let model = MemoryStore::stores();
    for seed in 1..=4 {
        let mut dice = Dice::of(seed);
        let mut number = |sides: i64| i64::try_from(dice.roll(usize::try_from(sides).expect("small"))).expect("small");
        let plan = a_plan_for_everything();
        for stores in [stores, &model] {
            set_up(stores, &plan).expect("the job is stored");
        }
        let job = plan.job;
        for minute in 0..40 {
            let (issued_at, received_at) = (micros_after(second(minute), number(3)), second(number(50)));
            // Of some times a value comes with each run, of others with hardly any.
            let mut values = BTreeSet::new();
            for _ in 0..number(9) {
                let role = ["a", "B", "ä"][usize::try_from(number(3)).expect("small")];
                values.insert((role, number(3) * number(5)));
            }
            let values: Vec<_> = values.into_iter().collect();
            let status = if values.is_empty() { RunStatus::Failed } else { RunStatus::Succeeded };
            let run = Run { issued_at, received_at, status, ..a_run_of(&job, &[]) };
            for stores in [stores, &model] {
                store(stores, &run, &values);
            }
        }
        for _ in 0..150 {
            let mut maybe = |times: i64, sides: i64| (number(times) == 0).then(|| second(number(sides)));
            let (until, issued_after, known_at) = (maybe(2, 45), maybe(3, 30), maybe(3, 60));
            let at_run = maybe(8, 40);
            let role = |number: i64| role_name(["a", "B", "ä", "zz"][usize::try_from(number).expect("small")]);
            let place = |number: i64| micros_after(noon(), number);
            let query = PredictionQuery {
                role: (number(3) == 0).then(|| role(number(4))),
                from: (number(4) == 0).then(|| place(number(6))),
                to: (number(4) == 0).then(|| place(number(10))),
                issued: at_run.map_or(until.map_or(Issued::AtAnyTime, Issued::Until), Issued::At),
                issued_after,
                known_at,
                last_run: if number(2) == 0 { RunNumber::new(number(45)) } else { None },
                after: (number(3) == 0).then(|| PredictionPosition { role: role(number(4)), at: place(number(9)) }),
                limit: usize::try_from(number(12)).expect("small") + 1,
                ..everything(&job)
            };
            assert_eq!(read(stores, &query).values, read(&model, &query).values, "seed {seed}: {query:?}");
        }
    }
}

/// A reading, page by page.
struct Reading {
    query: PredictionQuery,
    /// What it would tell if all of it were read at once, when it begins.
    expected: Vec<PredictedValue>,
    read: Vec<PredictedValue>,
    next: Option<(RunNumber, PredictionPosition)>,
}

impl Reading {
    fn begin(stores: &Stores, query: PredictionQuery) -> Self {
        let expected = read(stores, &PredictionQuery { limit: MAX_PREDICTIONS, ..query.clone() }).values;
        let mut reading = Self { query, expected, read: Vec::new(), next: None };
        reading.read_page(stores, None);
        reading
    }

    fn go_on(&mut self, stores: &Stores) {
        if let Some(next) = self.next.take() {
            self.read_page(stores, Some(next));
        }
    }

    fn read_page(&mut self, stores: &Stores, next: Option<(RunNumber, PredictionPosition)>) {
        let (last_run, after) = next.unzip();
        let page = read(stores, &PredictionQuery { last_run, after, ..self.query.clone() });
        if let Some(last_run) = last_run {
            assert_eq!(page.last_run, last_run);
        }
        assert!(page.values.len() <= self.query.limit);
        self.next = page.values.last().map(|last| {
            (page.last_run, PredictionPosition { role: last.prediction.role.clone(), at: last.prediction.at })
        });
        self.read.extend(page.values);
    }
}

trait ButOf {
    fn values_but_of(&self, run_id: RunId) -> Vec<PredictedValue>;
}

impl ButOf for PredictedValues {
    fn values_but_of(&self, run_id: RunId) -> Vec<PredictedValue> {
        self.values.iter().filter(|value| value.run_id != run_id).cloned().collect()
    }
}

/// A stored run that was issued and received so many seconds after noon.
fn report(stores: &Stores, job: &Job, (issued, received): (i64, i64), values: &[(&str, i64)]) -> Run {
    let run = Run { issued_at: second(issued), received_at: second(received), ..a_run_of(job, &[]) };
    store(stores, &run, values);
    run
}

/// Stores a run with values of roles about microseconds after noon.
fn store(stores: &Stores, run: &Run, values: &[(&str, i64)]) {
    let value = |(role, micros): &(&str, i64)| a_prediction(role, micros_after(noon(), *micros), 0.5);
    let values: Vec<Prediction> = values.iter().map(value).collect();
    stores.runs.insert(run, &values, None).expect("the run is stored");
}

fn read(stores: &Stores, query: &PredictionQuery) -> PredictedValues {
    stores.runs.predictions(query).expect("values can be read")
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
        limit: MAX_PREDICTIONS,
    }
}

fn noon() -> Timestamp {
    at("2026-06-01T12:00:00.000001Z")
}

fn second(number: i64) -> Timestamp {
    micros_after(noon(), number * 1_000_000)
}
