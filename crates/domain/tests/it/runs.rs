//! What is judged of a report: rules that hold for any report, and the boundaries of time.

use prediction_domain::model::{
    Contract, Diagnostics, MAX_PREDICTIONS, OutputRole, Path, Prediction, PredictionsDigest, Timestamp, ViolationCode,
};
use prediction_domain::ports::WriteMode;
use prediction_domain::requests::{PredictionDraft, RunDraft, Sent, Submission, validate_predictions};
use prediction_domain::use_cases::{JobQuery, Outcome, RunReported, UseCaseError, get_jobs, report_run};
use prediction_domain_testkit::builders::a_prediction;
use prediction_domain_testkit::values::{at, micros_after};
use proptest::prelude::*;

use crate::world::{World, everything, given, operator};

fn contract() -> Contract {
    let optional = OutputRole { required: false, ..OutputRole::required("wetness", "minutes").unwrap() };
    Contract::new(Vec::new(), vec![OutputRole::required("risk", "probability").unwrap(), optional]).unwrap()
}

fn a_draft(role: &str, at: Timestamp, value: f64) -> Sent<PredictionDraft> {
    Sent::Given(PredictionDraft { role: given(role), at: given(&at.to_string()), value: Sent::Given(value) })
}

fn judged(drafts: &[Sent<PredictionDraft>]) -> Result<Vec<Prediction>, Vec<ViolationCode>> {
    let mut diagnostics = Diagnostics::default();
    let predictions = validate_predictions(&mut diagnostics, &Path::of("predictions"), Some(&contract()), drafts);
    let violations = diagnostics.finish(predictions);
    violations.map_err(|violations| violations.iter().map(|violation| violation.code).collect())
}

fn noon() -> Timestamp {
    at("2026-06-01T12:00:00Z")
}

proptest! {
    #[test]
    fn values_are_accepted_exactly_when_nothing_is_wrong_with_them(
        values in prop::collection::vec((0..3_usize, 0..6_i64, -1e9..1e9_f64), 0..12),
    ) {
        let roles = ["risk", "wetness", "rsk"];
        let drafts: Vec<_> =
            values.iter().map(|(role, micros, value)| a_draft(roles[*role], micros_after(noon(), *micros), *value)).collect();
        let unknown = values.iter().filter(|(role, ..)| *role == 2).count();
        let mut places: Vec<_> = values.iter().map(|(role, micros, _)| (*role, *micros)).collect();
        places.sort_unstable();
        places.dedup();
        let twice = values.len() - places.len();
        let missing = usize::from(values.iter().all(|(role, ..)| *role != 0));
        match judged(&drafts) {
            Ok(predictions) => {
                prop_assert_eq!((unknown, twice, missing), (0, 0, 0));
                prop_assert_eq!(predictions.len(), values.len());
            }
            Err(codes) => {
                let count = |code| codes.iter().filter(|other| **other == code).count();
                prop_assert_eq!(count(ViolationCode::UnknownRole), unknown);
                prop_assert_eq!(count(ViolationCode::DuplicateValue), twice);
                prop_assert_eq!(count(ViolationCode::MissingRequiredRole), missing);
                prop_assert_eq!(codes.len(), unknown + twice + missing);
            }
        }
    }

    #[test]
    fn a_digest_depends_on_the_values_and_not_on_their_order(
        values in prop::collection::btree_map((0..3_usize, 0..9_i64), -1e9..1e9_f64, 1..9),
        seed in any::<u64>(),
    ) {
        let roles = ["a", "ab", "b"];
        let make = |((role, micros), value): (&(usize, i64), &f64)| {
            a_prediction(roles[*role], micros_after(noon(), *micros), *value)
        };
        let predictions: Vec<Prediction> = values.iter().map(make).collect();
        let mut shuffled = predictions.clone();
        let length = shuffled.len();
        shuffled.rotate_left(usize::try_from(seed % 7).unwrap() % length);
        shuffled.reverse();
        prop_assert_eq!(PredictionsDigest::of(&shuffled), PredictionsDigest::of(&predictions));
        let mut changed = predictions.clone();
        changed[0].value += 1.0;
        prop_assert_ne!(PredictionsDigest::of(&changed), PredictionsDigest::of(&predictions));
        changed.pop();
        prop_assert_ne!(PredictionsDigest::of(&changed), PredictionsDigest::of(&predictions));
    }
}

#[test]
fn zero_has_no_sign_in_a_digest() {
    let of = |value| PredictionsDigest::of(&[a_prediction("risk", noon(), value)]);
    assert_eq!(of(0.0), of(-0.0));
}

/// Whatever order they come in, and whether or not it is clear which role is meant by the first.
#[test]
fn which_roles_there_are_is_said_once() {
    for roles in [["rsk", "frost", "wet"], ["frost", "rsk", "wet"]] {
        let drafts: Vec<_> = roles.iter().map(|role| a_draft(role, noon(), 1.0)).collect();
        let mut diagnostics = Diagnostics::default();
        validate_predictions(&mut diagnostics, &Path::of("predictions"), Some(&contract()), &drafts);
        let violations = diagnostics.into_violations().unwrap();
        let unknown = violations.iter().filter(|violation| violation.code == ViolationCode::UnknownRole);
        let expected: Vec<_> = unknown.map(|violation| violation.expected.clone()).collect();
        assert_eq!(expected, [Some(serde_json::json!(["risk", "wetness"])), None, None], "{roles:?}");
    }
}

#[test]
fn a_list_that_is_too_long_is_told_once_and_mistakes_are_told_up_to_a_number() {
    let too_long: Vec<_> = (0..=MAX_PREDICTIONS).map(|_| Sent::Null).collect();
    assert_eq!(judged(&too_long), Err(vec![ViolationCode::TooManyItems]));
    let wrong: Vec<_> = (0..5_000).map(|_| Sent::Null).collect();
    assert_eq!(judged(&wrong).unwrap_err().len(), 200);
}

#[test]
fn required_roles_are_not_called_missing_when_a_role_cannot_be_read() {
    let unreadable = Sent::Given(PredictionDraft { role: Sent::Null, at: given("x"), value: Sent::Given(1.0) });
    let codes = judged(&[unreadable]).unwrap_err();
    assert_eq!(codes, [ViolationCode::InvalidTime, ViolationCode::WrongType]);
}

#[test]
fn a_run_can_be_issued_up_to_five_minutes_ahead() {
    let world = World::new();
    let job = world.set_up(everything()).unwrap().job;
    let now = noon();
    world.clock.set(now);
    let report_at = |issued_at: &str| {
        let draft = RunDraft {
            issued_at: given(issued_at),
            status: given("failed"),
            message: given("a try"),
            ..RunDraft::default()
        };
        report_run(&world.ports, &operator(), job.id, Submission::from(draft), WriteMode::Commit)
    };
    let report = |micros: i64| report_at(&micros_after(now, micros).to_string());
    assert_eq!(report(300_000_000).unwrap().outcome, Outcome::Created);
    match report(300_000_001) {
        Err(UseCaseError::Invalid(violations)) => assert_eq!(violations[0].code, ViolationCode::InTheFuture),
        other => panic!("{other:?}"),
    }
    assert_eq!(report_at("-0001-06-01T12:00:00Z").map_err(|_| ()), Err(()), "before the year 0");
    assert_eq!(report(-31_536_000_000_000_000).unwrap().outcome, Outcome::Created, "a thousand years ago");
}

#[test]
fn a_clock_that_is_set_back_refuses_what_it_took_before_and_loses_nothing() {
    let world = World::new();
    let job = world.set_up(everything()).unwrap().job;
    world.clock.set(noon());
    let draft = || RunDraft {
        issued_at: given(&noon().to_string()),
        status: given("failed"),
        message: given("a try"),
        ..RunDraft::default()
    };
    let first = report_run(&world.ports, &operator(), job.id, draft().into(), WriteMode::Commit).unwrap();
    world.clock.set(micros_after(noon(), -3_600_000_000));
    let refused = report_run(&world.ports, &operator(), job.id, draft().into(), WriteMode::Commit);
    assert!(matches!(refused, Err(UseCaseError::Invalid(_))), "it is an hour ahead now");
    world.clock.set(micros_after(noon(), 1));
    let again = report_run(&world.ports, &operator(), job.id, draft().into(), WriteMode::Commit).unwrap();
    assert_eq!((again.outcome, again.run), (Outcome::Reused, first.run));
}

/// What a rehearsal says is what the report does then; and nothing is stored by it, nor counted.
#[test]
fn a_rehearsal_of_a_report_tells_what_it_would_do() {
    let world = World::new();
    let job = world.set_up(everything()).unwrap().job;
    world.clock.set(noon());
    let report = |issued_at: Option<i64>, status: &str, message: &str, mode| {
        let draft = RunDraft {
            issued_at: issued_at.map_or(Sent::Absent, |micros| given(&micros_after(noon(), micros).to_string())),
            status: given(status),
            message: given(message),
            predictions: if status == "succeeded" {
                Sent::Given(vec![a_draft("prediction", noon(), 1.0)])
            } else {
                Sent::Absent
            },
            ..RunDraft::default()
        };
        report_run(&world.ports, &operator(), job.id, Submission::from(draft), mode)
    };
    let told = |reported: Result<RunReported, UseCaseError>| match reported {
        Ok(RunReported { run, outcome, .. }) => format!("{outcome:?} {:?} {}", run.replaces, run.issued_at),
        Err(error) => format!("{error:?}"),
    };
    let query = || JobQuery::new(&operator(), job.id).unwrap();
    let health = || get_jobs(&world.ports, &[query()]).unwrap().remove(0).unwrap().health;
    let mut done = Vec::new();
    for (issued_at, status, message) in [
        (Some(0), "failed", "no data"),
        (Some(0), "failed", "no data"),
        (Some(0), "failed", "another reason"),
        (Some(0), "succeeded", "done over"),
        (Some(0), "failed", "no data"),
        (Some(0), "succeeded", "once more"),
        (Some(1), "succeeded", ""),
        (Some(-1), "failed", "late"),
        (None, "failed", "now"),
        (Some(301_000_000), "failed", "too far ahead"),
    ] {
        let before = health();
        let rehearsed = told(report(issued_at, status, message, WriteMode::DryRun));
        assert_eq!(health(), before, "{status} {message}");
        let reported = told(report(issued_at, status, message, WriteMode::Commit));
        // A time that the service gives out may be the next one that is free.
        if issued_at.is_some() {
            assert_eq!(rehearsed, reported, "{issued_at:?} {status} {message}");
        }
        done.push(rehearsed);
    }
    assert_eq!(done.iter().filter(|told| told.starts_with("Created")).count(), 5, "{done:#?}");
}
