//! A retention that is shortened deletes what others rely on: it is counted, and has to be confirmed.

use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::TimeDelta;
use prediction_domain::model::{Caller, Permission, Source, Timestamp, ValueCount, ViolationCode};
use prediction_domain::ports::{MockStore, UpdateSourceError, WriteMode};
use prediction_domain::requests::{Precondition, Sent, SetUpDraft, SourceChangeDraft, SourceDraft};
use prediction_domain::use_cases::{SourceChanged, UseCaseError, change_source};
use prediction_domain_testkit::builders::{a_prediction, a_run_of};
use prediction_domain_testkit::values::{hours, revision};

use crate::world::{
    OTHER_ORGANISATION, World, customer, everything, given, invalid, operator, places, ports_of, source_of_id,
};

const ANY: Precondition = Precondition::None;

fn to(hours: Option<i128>) -> SourceChangeDraft {
    let retention_hours = hours.map_or(Sent::Null, Sent::Given);
    let source = SourceDraft { retention_hours, ..SourceDraft::default() };
    SourceChangeDraft { source, ..SourceChangeDraft::default() }
}

fn confirmed(draft: SourceChangeDraft) -> SourceChangeDraft {
    SourceChangeDraft { confirm_deletion: Sent::Given(true), ..draft }
}

fn count(values: u64, jobs: u64) -> ValueCount {
    ValueCount { values, jobs, is_at_least: false }
}

/// A source that is kept for ever, with jobs of two organisations: the first one has values that are 1, 10 and 100
/// hours old, the other one has two that are 10 hours old.
pub(crate) fn world_with_values() -> (World, Source) {
    let world = World::new();
    let done = world.set_up(everything()).unwrap();
    let source = Sent::Given(source_of_id(&done.source.id));
    let other = SetUpDraft { organisation_id: given(OTHER_ORGANISATION), source, ..everything() };
    let other = world.set_up(other).unwrap().job;
    let now = world.ports.clock.now();
    let ago = |hours: i64| now.plus(-TimeDelta::hours(hours));
    let report = |job, issued_at: Timestamp, number: i64| {
        let values: Vec<_> =
            (0..number).map(|hour| a_prediction("prediction", now.plus(TimeDelta::hours(hour)), 0.5)).collect();
        let run = prediction_domain::model::Run { issued_at, ..a_run_of(job, &values) };
        world.ports.runs.insert(&run, &values, None).unwrap();
    };
    for hours in [1, 10, 100] {
        report(&done.job, ago(hours), 1);
    }
    report(&other, ago(10), 2);
    (world, done.source)
}

fn change(
    world: &World,
    source: &Source,
    draft: SourceChangeDraft,
    mode: WriteMode,
) -> Result<SourceChanged, UseCaseError> {
    change_source(&world.ports, &operator(), source.id, &draft.into(), &ANY, mode)
}

#[track_caller]
fn refused(result: Result<SourceChanged, UseCaseError>) -> ValueCount {
    match result {
        Err(UseCaseError::WouldDelete(count)) => count,
        other => panic!("not refused for what it deletes: {other:?}"),
    }
}

#[test]
fn what_goes_at_once_is_counted_and_has_to_be_confirmed() {
    // To the microsecond: what is as old as the retention has expired.
    for (shorter, expected) in
        [(101, count(0, 0)), (100, count(1, 1)), (11, count(1, 1)), (10, count(4, 2)), (1, count(5, 2))]
    {
        let (world, source) = world_with_values();
        for mode in [WriteMode::DryRun, WriteMode::Commit] {
            if !expected.is_none() {
                assert_eq!(refused(world.unchanged(|| change(&world, &source, to(Some(shorter)), mode))), expected);
                let not = SourceChangeDraft { confirm_deletion: Sent::Given(false), ..to(Some(shorter)) };
                assert_eq!(refused(world.unchanged(|| change(&world, &source, not, mode))), expected);
            }
        }
        let dry_run = world.unchanged(|| change(&world, &source, confirmed(to(Some(shorter))), WriteMode::DryRun));
        assert_eq!(dry_run.unwrap().deletes, expected, "{shorter}");
        let done = change(&world, &source, confirmed(to(Some(shorter))), WriteMode::Commit).unwrap();
        assert_eq!(
            (done.deletes, done.source.retention_hours),
            (expected, Some(hours(i32::try_from(shorter).unwrap())))
        );
    }
}

#[test]
fn what_has_expired_already_is_not_counted_again() {
    let (world, source) = world_with_values();
    change(&world, &source, confirmed(to(Some(50))), WriteMode::Commit).unwrap();
    assert_eq!(refused(change(&world, &source, to(Some(10)), WriteMode::Commit)), count(3, 2));
    assert_eq!(refused(change(&world, &source, to(Some(1)), WriteMode::Commit)), count(4, 2));
}

#[test]
fn what_deletes_nothing_needs_no_confirmation() {
    let (world, source) = world_with_values();
    change(&world, &source, to(Some(200)), WriteMode::Commit).unwrap();
    for longer in [Some(200), Some(201), Some(87_600), None] {
        let changed = change(&world, &source, to(longer), WriteMode::Commit).unwrap();
        assert_eq!(changed.deletes, ValueCount::default(), "{longer:?}");
    }
    let rename = SourceDraft { name: given("rust"), ..SourceDraft::default() };
    let rename = SourceChangeDraft { source: rename, ..SourceChangeDraft::default() };
    assert_eq!(change(&world, &source, rename, WriteMode::Commit).unwrap().deletes, ValueCount::default());
    let unneeded = confirmed(to(Some(200)));
    assert_eq!(change(&world, &source, unneeded, WriteMode::Commit).unwrap().deletes, ValueCount::default());
}

/// Only the owner learns how many values others have.
#[test]
fn a_stranger_learns_no_count() {
    let (world, source) = world_with_values();
    let stranger: Caller = customer(&Permission::ALL);
    for draft in [to(Some(1)), confirmed(to(Some(1)))] {
        let refused = change_source(&world.ports, &stranger, source.id, &draft.into(), &ANY, WriteMode::DryRun);
        assert!(matches!(refused, Err(UseCaseError::Denied(_))), "{refused:?}");
    }
}

#[test]
fn a_confirmation_is_true_or_false() {
    let (world, source) = world_with_values();
    let null = SourceChangeDraft { confirm_deletion: Sent::Null, ..to(None) };
    assert_eq!(
        invalid(change(&world, &source, null, WriteMode::Commit)),
        places(&[("confirm_deletion", ViolationCode::WrongType)])
    );
}

/// A request that reads, counts and is overtaken judges anew: by then there may be something to confirm.
#[test]
fn a_count_is_about_the_revision_that_is_changed() {
    let (world, source) = world_with_values();
    let mut mocks = MockStore::default();
    let reads = AtomicUsize::new(0);
    mocks.sources.expect_find_many().times(2).returning(move |_| {
        // Shortened by another caller, and then no more.
        let (number, kept) = if reads.fetch_add(1, Ordering::SeqCst) == 0 { (1, Some(hours(10))) } else { (2, None) };
        Ok(vec![Some(Source { revision: revision(number), retention_hours: kept, ..source.clone() })])
    });
    let counts = AtomicUsize::new(0);
    mocks.runs.expect_count_values().times(2).returning(move |query| {
        let is_first = counts.fetch_add(1, Ordering::SeqCst) == 0;
        assert_eq!(query.issued_after.is_some(), is_first);
        Ok(if is_first { ValueCount::default() } else { count(7, 3) })
    });
    mocks.sources.expect_update().times(1).returning(|_, expected, _| {
        assert_eq!(expected, revision(1));
        Err(UpdateSourceError::Stale { current: revision(2) })
    });
    let ports = ports_of(mocks);
    let id = world.contents().0[0].id;
    let refused_ = change_source(&ports, &operator(), id, &to(Some(5)).into(), &ANY, WriteMode::Commit);
    assert_eq!(refused(refused_), count(7, 3));
}
