//! Runs, and what they predict.

use std::thread;

use prediction_domain::model::{
    Job, MAX_PREDICTIONS, Page, PageRequest, Prediction, PredictionPosition, PredictionsDigest, Run, RunPosition,
    RunStatus, Scope, Timestamp,
};
use prediction_domain::ports::{InsertRunError, Issued, PredictedValue, PredictionQuery, RunFilter, WriteMode};

use crate::Stores;
use crate::builders::{a_job_of, a_prediction, a_run_of};
use crate::contract::fixture::{TEXTS, any_job, catalog, stored_job};
use crate::values::{
    at, description, first_page, fresh_job_id, fresh_organisation_id, fresh_run_id, micros_after, page_after, revision,
    role_name,
};

pub(crate) fn every_field_reads_back_as_it_was_stored(stores: &Stores) {
    let job = any_job(stores);
    let values = [a_prediction("risk", noon(), 0.5), a_prediction("risk", micros_after(noon(), 1), 0.25)];
    let failed = Run { status: RunStatus::Failed, message: Some(description("no\tdata\n")), ..a_run_of(&job, &[]) };
    let runs = [
        (a_run_of(&job, &values), &values[..]),
        (failed, &[]),
        (Run { message: Some(description("with a word")), ..a_run_of(&job, &values) }, &values[..]),
        (Run { job_revision: revision(5_000_000_000), ..a_run_of(&job, &[]) }, &[]),
        (Run { issued_at: at("1969-12-31T23:59:59.999999Z"), ..a_run_of(&job, &[]) }, &[]),
        (Run { issued_at: at("0001-01-01T00:00:00Z"), ..a_run_of(&job, &[]) }, &[]),
        (Run { issued_at: at("9999-12-31T23:59:59.999999Z"), ..a_run_of(&job, &[]) }, &[]),
    ];
    for (run, values) in runs {
        stored_run(stores, &run, values);
        assert_eq!(find(stores, &run), Some(run));
    }
}

pub(crate) fn values_of_every_kind_read_back_as_they_were_stored(stores: &Stores) {
    let job = any_job(stores);
    let numbers = [0.0, -0.0, 0.1, -1.5, f64::MAX, f64::MIN, f64::MIN_POSITIVE, 5e-324, 1e15, 9_007_199_254_740_993.0];
    let times = ["0001-01-01T00:00:00Z", "1969-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"].map(at);
    let numbers =
        numbers.iter().zip(0..).map(|(number, micros)| a_prediction("n", micros_after(noon(), micros), *number));
    let times = times.iter().map(|time| a_prediction("t", *time, 1.0));
    let roles = TEXTS.iter().map(|text| a_prediction(&format!(" {text} "), noon(), 2.0));
    let mut values: Vec<Prediction> = numbers.chain(times).chain(roles).collect();
    let run = stored_run(stores, &a_run_of(&job, &values), &values);
    values.sort_by(|a, b| (&a.role, a.at).cmp(&(&b.role, b.at)));
    let read = predictions(stores, &everything(&job));
    assert_eq!(read.iter().map(|value| &value.prediction).collect::<Vec<_>>(), values.iter().collect::<Vec<_>>());
    assert!(read.iter().all(|value| value.run_id == run.id && value.issued_at == run.issued_at));
}

pub(crate) fn the_largest_report_is_stored(stores: &Stores) {
    let job = any_job(stores);
    let values: Vec<_> = (0..MAX_PREDICTIONS)
        .map(|number| a_prediction("risk", micros_after(noon(), i64::try_from(number).expect("small")), 0.5))
        .collect();
    stored_run(stores, &a_run_of(&job, &values), &values);
    assert_eq!(predictions(stores, &everything(&job)).len(), MAX_PREDICTIONS);
}

pub(crate) fn a_run_of_no_job_is_refused(stores: &Stores) {
    let job = any_job(stores);
    let values = [a_prediction("risk", noon(), 0.5)];
    for stranger in
        [Job { id: fresh_job_id(), ..job.clone() }, Job { organisation_id: fresh_organisation_id(), ..job.clone() }]
    {
        let run = a_run_of(&stranger, &values);
        let error = stores.runs.insert(&run, &values, None).expect_err("there is no such job");
        assert!(matches!(error, InsertRunError::JobMissing), "{error:?}");
        assert_eq!(find(stores, &run), None);
        assert_eq!(predictions(stores, &everything(&stranger)), []);
    }
}

pub(crate) fn a_run_issued_at_a_taken_time_is_refused_with_the_stored_one(stores: &Stores) {
    let job = any_job(stores);
    let values = [a_prediction("risk", noon(), 0.5)];
    let stored = stored_run(stores, &a_run_of(&job, &values), &values);
    let others = [a_prediction("risk", noon(), 0.75), a_prediction("other", noon(), 0.75)];
    let second = Run { issued_at: stored.issued_at, ..a_run_of(&job, &others) };
    for (run, values) in [(&second, &others[..]), (&stored, &values[..])] {
        let error = stores.runs.insert(run, values, None).expect_err("the time is taken");
        assert!(matches!(&error, InsertRunError::IssuedAtTaken(taken) if **taken == stored), "{error:?}");
    }
    assert_eq!(find(stores, &second), None);
    assert_eq!(read(stores, &everything(&job)), [("risk".to_owned(), 0.5)]);
}

pub(crate) fn runs_of_other_jobs_may_be_issued_at_the_same_time(stores: &Stores) {
    let (_, version) = catalog(stores);
    let jobs = [(); 2].map(|()| stored_job(stores, a_job_of(&version)));
    for (job, number) in jobs.iter().zip([1.0, 2.0]) {
        let values = [a_prediction("risk", noon(), number)];
        stored_run(stores, &Run { issued_at: noon(), ..a_run_of(job, &values) }, &values);
    }
    for (job, number) in jobs.iter().zip([1.0, 2.0]) {
        assert_eq!(read(stores, &everything(job)), [("risk".to_owned(), number)]);
    }
}

pub(crate) fn a_run_is_found_only_as_one_of_its_job(stores: &Stores) {
    let (_, version) = catalog(stores);
    let [job, other] = [(); 2].map(|()| stored_job(stores, a_job_of(&version)));
    let run = stored_run(stores, &a_run_of(&job, &[]), &[]);
    let found = |organisation_id, job_id, id| stores.runs.find(organisation_id, job_id, id).expect("runs can be read");
    assert_eq!(found(job.organisation_id, job.id, run.id), Some(run.clone()));
    assert_eq!(found(job.organisation_id, job.id, fresh_run_id()), None);
    assert_eq!(found(job.organisation_id, other.id, run.id), None);
    assert_eq!(found(other.organisation_id, other.id, run.id), None);
    assert_eq!(found(fresh_organisation_id(), job.id, run.id), None);
    assert_eq!(list(stores, &other, &RunFilter::default(), &first_page(10)).items, []);
}

pub(crate) fn runs_are_listed_from_the_last_issued_on_pages_of_every_size(stores: &Stores) {
    let job = any_job(stores);
    let mut runs: Vec<Run> = [3, 0, 4, 1, 2]
        .map(|micros| Run { issued_at: micros_after(noon(), micros), ..a_run_of(&job, &[]) })
        .map(|run| stored_run(stores, &run, &[]))
        .into();
    runs.sort_by_key(|run| std::cmp::Reverse(run.issued_at));
    for limit in 1..=6 {
        let mut after = None;
        let mut listed = Vec::new();
        loop {
            let page = list(stores, &job, &RunFilter::default(), &page_after(limit, after));
            assert!(page.items.len() <= usize::from(limit));
            listed.extend(page.items);
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(listed, runs, "limit {limit}");
    }
    let behind_all = RunPosition { issued_at: at("0001-01-01T00:00:00Z"), id: fresh_run_id() };
    assert_eq!(list(stores, &job, &RunFilter::default(), &page_after(5, Some(behind_all))).items, []);
}

pub(crate) fn runs_are_filtered_by_status_and_time(stores: &Stores) {
    let job = any_job(stores);
    let runs: Vec<Run> = (0..6)
        .map(|micros| {
            let status = if micros % 2 == 0 { RunStatus::Succeeded } else { RunStatus::Failed };
            stored_run(stores, &Run { status, issued_at: micros_after(noon(), micros), ..a_run_of(&job, &[]) }, &[])
        })
        .collect();
    let bounds =
        [None, Some(-1), Some(0), Some(3), Some(5), Some(6)].map(|micros| micros.map(|m| micros_after(noon(), m)));
    for status in [None, Some(RunStatus::Succeeded), Some(RunStatus::Failed)] {
        for from in bounds {
            for to in bounds {
                let filter = RunFilter { status, from, to, known_at: None };
                let expected = runs.iter().rev().filter(|run| {
                    status.is_none_or(|status| run.status == status)
                        && from.is_none_or(|from| run.issued_at >= from)
                        && to.is_none_or(|to| run.issued_at < to)
                });
                let page = list(stores, &job, &filter, &first_page(PageRequest::MAX_LIMIT));
                assert_eq!(page.items.iter().collect::<Vec<_>>(), expected.collect::<Vec<_>>(), "{filter:?}");
            }
        }
    }
}

pub(crate) fn the_value_that_was_issued_last_is_read(stores: &Stores) {
    let job = any_job(stores);
    // They need not come in the order in which they were issued.
    for (minutes, values) in [
        (2, &[("risk", 0, 0.2), ("risk", 1, 0.21)][..]),
        (1, &[("risk", 0, 0.1), ("wetness", 0, 1.0)]),
        (3, &[("risk", 1, 0.31), ("risk", 2, 0.32)]),
    ] {
        issued(stores, &job, minutes, values);
    }
    let expected = [("risk", 0.2), ("risk", 0.31), ("risk", 0.32), ("wetness", 1.0)];
    assert_eq!(read(stores, &everything(&job)), expected.map(|(role, value)| (role.to_owned(), value)));
}

pub(crate) fn values_are_read_as_of_any_time(stores: &Stores) {
    let job = any_job(stores);
    for minutes in 1..=3 {
        issued(stores, &job, minutes, &[("risk", 0, f64::from(i32::try_from(minutes).expect("small")))]);
    }
    let as_of = |time| {
        let values = read(stores, &PredictionQuery { issued: Issued::Until(time), ..everything(&job) });
        values.first().map(|(_, value)| *value)
    };
    assert_eq!(as_of(micros_after(minute(1), -1)), None);
    assert_eq!(as_of(minute(1)), Some(1.0));
    assert_eq!(as_of(micros_after(minute(2), -1)), Some(1.0));
    assert_eq!(as_of(minute(2)), Some(2.0));
    assert_eq!(as_of(minute(99)), Some(3.0));
}

pub(crate) fn the_values_of_one_run_are_read(stores: &Stores) {
    let job = any_job(stores);
    issued(stores, &job, 1, &[("risk", 0, 0.1), ("risk", 1, 0.11)]);
    issued(stores, &job, 2, &[("risk", 0, 0.2)]);
    let of = |minutes| read(stores, &PredictionQuery { issued: Issued::At(minute(minutes)), ..everything(&job) });
    assert_eq!(of(1), [0.1, 0.11].map(|value| ("risk".to_owned(), value)));
    assert_eq!(of(2), [("risk".to_owned(), 0.2)]);
    assert_eq!(of(3), []);
}

pub(crate) fn values_are_filtered_by_role_and_time(stores: &Stores) {
    let job = any_job(stores);
    let values: Vec<(&str, i64, f64)> =
        ["a", "B", "ä", "a "].iter().flat_map(|role| (0..4).map(|micros| (*role, micros, 0.5))).collect();
    issued(stores, &job, 1, &values);
    let bounds = [None, Some(-1), Some(0), Some(2), Some(4)];
    for role in [None, Some("a"), Some("A"), Some("ä"), Some("a ")] {
        for from in bounds {
            for to in bounds {
                let time = |micros: Option<i64>| micros.map(|micros| micros_after(noon(), micros));
                let query =
                    PredictionQuery { role: role.map(role_name), from: time(from), to: time(to), ..everything(&job) };
                let mut expected: Vec<(String, i64)> = values
                    .iter()
                    .filter(|(of, micros, _)| {
                        role.is_none_or(|role| role == *of)
                            && from.is_none_or(|from| *micros >= from)
                            && to.is_none_or(|to| *micros < to)
                    })
                    .map(|(of, micros, _)| ((*of).to_owned(), *micros))
                    .collect();
                expected.sort();
                let found = predictions(stores, &query).into_iter().map(|value| {
                    (value.prediction.role.to_string(), value.prediction.at.as_micros() - noon().as_micros())
                });
                assert_eq!(found.collect::<Vec<_>>(), expected, "{query:?}");
            }
        }
    }
}

pub(crate) fn values_are_paged_by_role_and_time(stores: &Stores) {
    let job = any_job(stores);
    let values: Vec<(&str, i64, f64)> =
        ["b", "a", "Z"].iter().flat_map(|role| (0..3).map(|micros| (*role, micros, 0.5))).collect();
    issued(stores, &job, 1, &values);
    issued(stores, &job, 2, &values[2..5]);
    let whole = predictions(stores, &everything(&job));
    assert_eq!(whole.len(), values.len());
    for limit in 1..=values.len() {
        let mut after = None;
        let mut paged = Vec::new();
        loop {
            let page = predictions(stores, &PredictionQuery { after: after.clone(), limit, ..everything(&job) });
            let Some(last) = page.last() else { break };
            assert!(page.len() <= limit);
            after = Some(PredictionPosition { role: last.prediction.role.clone(), at: last.prediction.at });
            paged.extend(page);
        }
        assert_eq!(paged, whole, "limit {limit}");
    }
}

pub(crate) fn what_was_issued_too_long_ago_is_not_read(stores: &Stores) {
    let job = any_job(stores);
    issued(stores, &job, 1, &[("risk", 0, 0.1), ("risk", 1, 0.11)]);
    issued(stores, &job, 2, &[("risk", 0, 0.2)]);
    let after = |limit| read(stores, &PredictionQuery { issued_after: Some(limit), ..everything(&job) });
    assert_eq!(after(micros_after(minute(1), -1)).len(), 2);
    assert_eq!(after(minute(1)), [("risk".to_owned(), 0.2)]);
    assert_eq!(after(micros_after(minute(2), -1)), [("risk".to_owned(), 0.2)]);
    assert_eq!(after(minute(2)), []);
    let of_first = PredictionQuery { issued: Issued::At(minute(1)), ..everything(&job) };
    assert_eq!(read(stores, &PredictionQuery { issued_after: Some(minute(1)), ..of_first }), []);
}

pub(crate) fn a_run_that_failed_hides_no_values(stores: &Stores) {
    let job = any_job(stores);
    issued(stores, &job, 1, &[("risk", 0, 0.1)]);
    let failed = Run { status: RunStatus::Failed, issued_at: minute(2), ..a_run_of(&job, &[]) };
    stored_run(stores, &failed, &[]);
    assert_eq!(read(stores, &everything(&job)), [("risk".to_owned(), 0.1)]);
}

pub(crate) fn the_runs_of_a_deleted_job_are_not_found(stores: &Stores) {
    let (_, version) = catalog(stores);
    let job = stored_job(stores, a_job_of(&version));
    issued(stores, &job, 1, &[("risk", 0, 0.1)]);
    stores.jobs.delete(&Scope::Platform, job.id, job.revision, WriteMode::Commit).expect("the job is deleted");
    let again = stored_job(stores, Job { id: fresh_job_id(), ..job.clone() });
    assert_eq!(read(stores, &everything(&again)), []);
    assert_eq!(list(stores, &again, &RunFilter::default(), &first_page(10)).items, []);
    let run = a_run_of(&job, &[]);
    let error = stores.runs.insert(&run, &[], None).expect_err("the job is deleted");
    assert!(matches!(error, InsertRunError::JobMissing), "{error:?}");
}

pub(crate) fn of_many_reports_of_one_run_one_is_stored(stores: &Stores) {
    let job = any_job(stores);
    for round in 0..8 {
        let reports: Vec<(Run, [Prediction; 1])> = (0..4)
            .map(|number| {
                let values = [a_prediction("risk", noon(), f64::from(number))];
                (Run { issued_at: minute(round), ..a_run_of(&job, &values) }, values)
            })
            .collect();
        let stored: Vec<Run> = thread::scope(|scope| {
            let report = |(run, values): &(Run, [Prediction; 1])| match stores.runs.insert(run, values, None) {
                Ok(()) => run.clone(),
                Err(InsertRunError::IssuedAtTaken(taken)) => *taken,
                Err(error) => panic!("{error:?}"),
            };
            let threads: Vec<_> = reports.iter().map(|one| scope.spawn(move || report(one))).collect();
            threads.into_iter().map(|thread| thread.join().expect("no report panics")).collect()
        });
        assert!(stored.iter().all(|run| *run == stored[0]), "{stored:?}");
        let read = predictions(stores, &PredictionQuery { issued: Issued::At(minute(round)), ..everything(&job) });
        assert_eq!(read.len(), 1);
        let values: Vec<Prediction> = read.into_iter().map(|value| value.prediction).collect();
        assert_eq!(PredictionsDigest::of(&values), stored[0].predictions_digest);
    }
}

fn noon() -> Timestamp {
    at("2026-06-01T12:00:00Z")
}

/// So many minutes after noon.
fn minute(number: i64) -> Timestamp {
    micros_after(noon(), number * 60_000_000)
}

fn stored_run(stores: &Stores, run: &Run, predictions: &[Prediction]) -> Run {
    stores.runs.insert(run, predictions, None).expect("the run is stored");
    run.clone()
}

/// A stored run that was issued so many minutes after noon, with values of roles about microseconds after noon.
fn issued(stores: &Stores, job: &Job, minutes: i64, values: &[(&str, i64, f64)]) {
    let values: Vec<_> =
        values.iter().map(|(role, micros, value)| a_prediction(role, micros_after(noon(), *micros), *value)).collect();
    stored_run(stores, &Run { issued_at: minute(minutes), ..a_run_of(job, &values) }, &values);
}

fn find(stores: &Stores, run: &Run) -> Option<Run> {
    stores.runs.find(run.organisation_id, run.job_id, run.id).expect("runs can be read")
}

fn list(stores: &Stores, job: &Job, filter: &RunFilter, page: &PageRequest<RunPosition>) -> Page<Run, RunPosition> {
    let found = stores.runs.list(job.organisation_id, job.id, filter, page).expect("runs can be listed");
    if page.after.is_none() && *filter == RunFilter::default() {
        assert_newest(stores, job, found.items.first());
    }
    found
}

/// The newest run of a job is the first one in the list, also when others are asked for.
#[track_caller]
pub(super) fn assert_newest(stores: &Stores, job: &Job, run: Option<&Run>) {
    let key = (job.organisation_id, job.id);
    let wanted = [(fresh_organisation_id(), job.id), key, (job.organisation_id, fresh_job_id()), key];
    let newest = stores.runs.newest(&wanted).expect("runs can be read");
    assert_eq!(newest, [None, run.cloned(), None, run.cloned()]);
    assert_eq!(stores.runs.newest(&[]).expect("runs can be read"), []);
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
        limit: MAX_PREDICTIONS + 1,
    }
}

fn predictions(stores: &Stores, query: &PredictionQuery) -> Vec<PredictedValue> {
    stores.runs.predictions(query).expect("values can be read").values
}

/// The roles and values that are read.
fn read(stores: &Stores, query: &PredictionQuery) -> Vec<(String, f64)> {
    let found = predictions(stores, query).into_iter();
    found.map(|value| (value.prediction.role.to_string(), value.prediction.value)).collect()
}
