//! Who purges, and when.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use mockall::Sequence;
use prediction_domain::model::{JobId, JobPlace, Keep, KeptHistory, OrganisationId, TrustedTime};
use prediction_domain::ports::{
    Clock as _, Lease, MockLeaseRepository, MockStore, NextInSweep, Purged, PurgedHistory, StoreFailure,
};
use prediction_domain::use_cases::{Backlog, ClockWatch, PurgeStep, Purger, SweptHistory};
use prediction_domain_testkit::values::at;
use prediction_domain_testkit::{FixedClock, MemoryStore, SequentialIds};

const NOTHING: PurgeStep = PurgeStep::Purged(Purged { values: 0, runs: 0, is_unfinished: false });

/// As a process has it whose clock that is.
fn watch(clock: &Arc<FixedClock>) -> Arc<ClockWatch> {
    Arc::new(ClockWatch::begin(clock.clone(), clock.clone()))
}

#[test]
fn one_replica_purges_and_another_goes_on_when_it_is_gone() {
    let stores = MemoryStore::stores();
    let clock = Arc::new(FixedClock::default());
    let ids = SequentialIds::default();
    let replica = || Purger::new(&stores, watch(&clock), &ids);
    let (mut first, mut second) = (replica(), replica());
    assert_eq!(first.step(10).unwrap(), NOTHING);
    assert_eq!(second.step(10).unwrap(), PurgeStep::LeftToAnother);
    // As long as the first one is at it, its lease never ends.
    for _ in 0..10 {
        clock.advance(Duration::from_secs(14));
        assert_eq!(first.step(10).unwrap(), NOTHING);
        assert_eq!(second.step(10).unwrap(), PurgeStep::LeftToAnother);
    }
    // Killed: it gives nothing back.
    drop(first);
    clock.advance(Duration::from_secs(14));
    assert_eq!(second.step(10).unwrap(), PurgeStep::LeftToAnother);
    clock.advance(Duration::from_secs(16));
    assert_eq!(second.step(10).unwrap(), NOTHING);
    // Stopped in order: no replica has to wait.
    second.stop().unwrap();
    assert_eq!(replica().step(10).unwrap(), NOTHING);
}

#[test]
fn a_lease_is_asked_for_when_half_of_it_is_over() {
    let mut store = MockStore::default();
    store.leases.expect_end_of().returning(|_| Ok(None));
    store.leases.expect_hold().times(2).returning(|_, _, now, until| {
        assert_eq!(until, now.plus(TimeDelta::seconds(Purger::LEASE_SECONDS)));
        Ok(true)
    });
    store.retention.expect_purge().times(4).returning(|_, limit| {
        assert_eq!(limit, 7);
        Ok(Purged::default())
    });
    let clock = Arc::new(FixedClock::default());
    let mut purger = Purger::new(&store.into(), watch(&clock), &SequentialIds::default());
    for seconds in [0, 14, 2, 10] {
        clock.advance(Duration::from_secs(seconds));
        assert_eq!(purger.step(7).unwrap(), NOTHING);
    }
}

#[test]
fn a_lease_is_asked_for_again_when_the_clock_was_set_back() {
    let mut store = MockStore::default();
    store.leases.expect_end_of().returning(|_| Ok(None));
    store.leases.expect_hold().times(2).returning(|_, _, _, _| Ok(true));
    store.retention.expect_purge().returning(|_, _| Ok(Purged::default()));
    let clock = Arc::new(FixedClock::default());
    let mut purger = Purger::new(&store.into(), watch(&clock), &SequentialIds::default());
    purger.step(1).unwrap();
    clock.set(at("2020-01-01T00:00:00Z"));
    purger.step(1).unwrap();
}

#[test]
fn a_sweep_goes_on_where_it_was_and_rests_for_some_times_as_long_as_it_took() {
    let kept = KeptHistory { runs: Some(Keep { age: Some(TimeDelta::days(90)), newest: None }), revisions: None };
    let place = JobPlace {
        organisation_id: OrganisationId::parse("77777777-7777-7777-7777-777777777777").unwrap(),
        job_id: JobId::parse("aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa").unwrap(),
    };
    let mut store = MockStore::default();
    store.leases.expect_end_of().returning(|_| Ok(None));
    store.leases.expect_hold().returning(|_, _, _, _| Ok(true));
    store.retention.expect_purge().returning(|_, _| Ok(Purged::default()));
    let mut order = Sequence::new();
    let behind = NextInSweep::Behind(place);
    let steps = [
        (None, Ok((5, NextInSweep::Again))),
        (None, Ok((2, behind))),
        (Some(place), Err(())),
        (Some(place), Ok((1, NextInSweep::Done))),
        (None, Ok((0, NextInSweep::Done))),
    ];
    for (from, answer) in steps {
        store.retention.expect_purge_history().times(1).in_sequence(&mut order).returning(
            move |told, _, after, limit| {
                assert_eq!((*told, after, limit), (kept, from, 7));
                match answer {
                    Ok((runs, next)) => Ok(PurgedHistory { runs, revisions: runs * 2, next }),
                    Err(()) => Err(StoreFailure::Unavailable("no connection".into())),
                }
            },
        );
    }
    let clock = Arc::new(FixedClock::default());
    let mut purger = Purger::new(&store.into(), watch(&clock), &SequentialIds::default()).keeping(kept);
    let mut swept = |seconds| {
        clock.advance(Duration::from_secs(seconds));
        assert_eq!(purger.step(7).unwrap(), NOTHING, "values are deleted whatever becomes of the history");
        let SweptHistory { runs, revisions, is_unfinished } = purger.sweep(7).ok()?;
        assert_eq!(revisions, runs * 2);
        Some((runs, is_unfinished))
    };
    assert_eq!(swept(0), Some((5, true)));
    assert_eq!(swept(1), Some((2, true)));
    assert_eq!(swept(1), None, "a step that fails is done again");
    assert_eq!(swept(2), Some((1, false)));
    // It took four seconds.
    assert_eq!(swept(20), Some((0, false)));
    assert_eq!(swept(15), Some((0, false)));
    assert_eq!(swept(1), Some((0, false)));
}

/// Else a replica whose database was away for hours in the middle of a sweep would keep all history for days.
#[test]
fn a_sweep_that_was_interrupted_for_longer_than_the_lease_begins_again() {
    let kept = KeptHistory { runs: Some(Keep { age: Some(TimeDelta::days(90)), newest: None }), revisions: None };
    let place = JobPlace {
        organisation_id: OrganisationId::parse("77777777-7777-7777-7777-777777777777").unwrap(),
        job_id: JobId::parse("aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa").unwrap(),
    };
    let mut store = MockStore::default();
    store.leases.expect_end_of().returning(|_| Ok(None));
    store.leases.expect_hold().returning(|_, _, _, _| Ok(true));
    store.retention.expect_purge().returning(|_, _| Ok(Purged::default()));
    let mut order = Sequence::new();
    for next in [NextInSweep::Behind(place), NextInSweep::Done, NextInSweep::Done] {
        store.retention.expect_purge_history().times(1).in_sequence(&mut order).returning(move |_, _, after, _| {
            assert_eq!(after, None, "from the first job");
            Ok(PurgedHistory { runs: 1, revisions: 0, next })
        });
    }
    let clock = Arc::new(FixedClock::default());
    let mut purger = Purger::new(&store.into(), watch(&clock), &SequentialIds::default()).keeping(kept);
    assert_eq!(purger.sweep(7).unwrap().runs, 0, "not without the lease");
    purger.step(7).unwrap();
    assert!(purger.sweep(7).unwrap().is_unfinished);
    clock.advance(Duration::from_hours(10));
    assert_eq!(purger.sweep(7).unwrap().runs, 0, "the lease has ended");
    purger.step(7).unwrap();
    assert!(!purger.sweep(7).unwrap().is_unfinished);
    clock.advance(Duration::from_secs(1));
    purger.step(7).unwrap();
    assert_eq!(purger.sweep(7).unwrap().runs, 1, "it took no time, and so does not rest for days");
}

#[test]
fn nothing_is_deleted_without_the_lease() {
    let mut order = Sequence::new();
    let mut store = MockStore::default();
    store.leases.expect_end_of().returning(|_| Ok(None));
    let hold = |leases: &mut MockLeaseRepository, order: &mut Sequence, answer: fn() -> Result<bool, StoreFailure>| {
        leases.expect_hold().times(1).in_sequence(order).returning(move |_, _, _, _| answer());
    };
    hold(&mut store.leases, &mut order, || Err(StoreFailure::Unavailable("no connection".into())));
    hold(&mut store.leases, &mut order, || Ok(false));
    hold(&mut store.leases, &mut order, || Ok(true));
    store.retention.expect_purge().times(1).in_sequence(&mut order).returning(|_, _| Ok(Purged::default()));
    let mut purger = Purger::new(&store.into(), watch(&Arc::new(FixedClock::default())), &SequentialIds::default());
    assert!(matches!(purger.step(1), Err(StoreFailure::Unavailable(_))));
    assert_eq!(purger.step(1).unwrap(), PurgeStep::LeftToAnother);
    assert_eq!(purger.step(1).unwrap(), NOTHING);
}

const YEARS: TimeDelta = TimeDelta::days(730);
const MINUTE: Duration = Duration::from_mins(1);
const DAY: Duration = Duration::from_hours(24);

fn set_ahead(clock: &FixedClock, by: TimeDelta) {
    clock.set(clock.now().plus(by));
}

/// What a purge is told the time is.
fn told(watch: &ClockWatch, clock: &FixedClock) -> TimeDelta {
    watch.now().since(clock.now())
}

#[test]
fn a_clock_that_is_ahead_for_seconds_is_never_believed() {
    let clock = Arc::new(FixedClock::default());
    let watch = watch(&clock);
    let start = clock.now();
    clock.advance(MINUTE);
    set_ahead(&clock, YEARS);
    for seconds in 0..4 {
        assert_eq!(watch.now(), start.plus(TimeDelta::seconds(60 + seconds)));
        assert_eq!(watch.deviation(), YEARS);
        clock.advance(Duration::from_secs(1));
    }
    set_ahead(&clock, -YEARS);
    assert_eq!(watch.now(), clock.now());
    assert_eq!(watch.deviation(), TimeDelta::zero(), "when it is back, all is well at once");
}

/// However often the time is read meanwhile.
#[test]
fn a_clock_that_stays_ahead_is_believed_after_as_long_again_but_a_day_at_the_most() {
    let hour = TimeDelta::hours(1);
    for (jump, doubted) in [
        (TimeDelta::seconds(11), MINUTE * 5),
        (TimeDelta::minutes(4), MINUTE * 5),
        (hour, MINUTE * 60),
        (hour * 8, MINUTE * 480),
        (TimeDelta::days(30), DAY),
        (YEARS, DAY),
    ] {
        for steps in [1, 300] {
            let clock = Arc::new(FixedClock::default());
            let watch = watch(&clock);
            set_ahead(&clock, jump);
            assert_eq!(watch.deviation(), jump);
            for _ in 0..steps {
                assert_eq!(told(&watch, &clock), -jump);
                clock.advance((doubted / steps).saturating_sub(Duration::from_millis(1)));
            }
            assert_eq!(told(&watch, &clock), -jump);
            clock.advance(Duration::from_secs(1));
            assert_eq!(told(&watch, &clock), TimeDelta::zero(), "{jump} in {steps}");
            assert_eq!(watch.deviation(), TimeDelta::zero());
        }
    }
}

#[test]
fn a_clock_that_keeps_jumping_is_doubted_until_it_stands() {
    let clock = Arc::new(FixedClock::default());
    let watch = watch(&clock);
    let start = clock.now();
    for minute in 0..100 {
        assert_eq!(watch.now(), start.plus(TimeDelta::minutes(minute)));
        set_ahead(&clock, if minute % 2 == 0 { TimeDelta::minutes(7) } else { TimeDelta::minutes(-3) });
        watch.now();
        clock.advance(MINUTE);
    }
}

#[test]
fn a_clock_that_is_set_back_is_followed_at_once_and_may_come_back() {
    let clock = Arc::new(FixedClock::default());
    let watch = watch(&clock);
    set_ahead(&clock, -YEARS);
    assert_eq!((told(&watch, &clock), watch.deviation()), (TimeDelta::zero(), -YEARS));
    clock.advance(MINUTE * 4);
    set_ahead(&clock, YEARS);
    assert_eq!((told(&watch, &clock), watch.deviation()), (TimeDelta::zero(), TimeDelta::zero()));
    // For good, after a while: then to come back is a jump like any other.
    set_ahead(&clock, -YEARS);
    watch.now();
    clock.advance(MINUTE * 5);
    assert_eq!((told(&watch, &clock), watch.deviation()), (TimeDelta::zero(), TimeDelta::zero()));
    set_ahead(&clock, YEARS);
    assert_eq!(told(&watch, &clock), -YEARS);
}

#[test]
fn a_clock_may_be_set_right_by_some_seconds() {
    let clock = Arc::new(FixedClock::default());
    let watch = watch(&clock);
    for seconds in [TrustedTime::TOLERANCE_SECONDS, -TrustedTime::TOLERANCE_SECONDS, 3] {
        set_ahead(&clock, TimeDelta::seconds(seconds));
        assert_eq!((told(&watch, &clock), watch.deviation()), (TimeDelta::zero(), TimeDelta::zero()));
        clock.advance(MINUTE);
    }
}

/// What was believed until then is in the store.
#[test]
fn a_start_goes_on_with_the_time_that_was_believed_before() {
    let hour = TimeDelta::hours(1);
    for (stopped, doubted) in [
        (TimeDelta::seconds(20), Duration::ZERO),
        (hour, Duration::ZERO),
        (hour * 5, Duration::from_hours(5)),
        (TimeDelta::days(30), DAY),
        (YEARS, DAY),
    ] {
        let stores = MemoryStore::stores();
        let clock = Arc::new(FixedClock::default());
        let mut before = Purger::new(&stores, watch(&clock), &SequentialIds::default());
        before.step(1).unwrap();
        // By now its lease was half over, or it was stopped and gave it back.
        let end = stores.leases.end_of(Lease::Purge).unwrap().unwrap();
        set_ahead(&clock, stopped + TimeDelta::seconds(30));
        let clock_of_start = watch(&clock);
        let mut purger = Purger::new(&stores, clock_of_start.clone(), &SequentialIds::default());
        purger.step(1).unwrap();
        if doubted.is_zero() {
            assert_eq!(told(&clock_of_start, &clock), TimeDelta::zero());
            continue;
        }
        assert_eq!(clock_of_start.now(), end, "{stopped}");
        // It has taken the lease all the same, and writes down the time that it believes.
        assert_eq!(stores.leases.end_of(Lease::Purge).unwrap(), Some(end.plus(TimeDelta::seconds(30))));
        // A restart changes nothing about it.
        drop(purger);
        let again = watch(&clock);
        let mut purger = Purger::new(&stores, again.clone(), &SequentialIds::default());
        purger.step(1).unwrap();
        assert_eq!(again.now(), end.plus(TimeDelta::seconds(30)), "{stopped}");
        clock.advance(doubted.saturating_sub(Duration::from_mins(2)));
        assert_ne!(again.deviation(), TimeDelta::zero());
        clock.advance(Duration::from_mins(3));
        assert_eq!(told(&again, &clock), TimeDelta::zero(), "{stopped}");
    }
}

/// A machine whose clock is unknown until it was asked for.
#[test]
fn a_start_long_ago_is_believed_when_the_clock_is_set_right() {
    let clock = Arc::new(FixedClock::at(at("1970-01-01T00:00:10Z")));
    let watch = watch(&clock);
    watch.recall(at("2026-06-01T12:00:00Z"));
    assert_eq!(told(&watch, &clock), TimeDelta::zero());
    clock.advance(MINUTE);
    clock.set(at("2026-06-01T12:01:05Z"));
    assert_eq!((told(&watch, &clock), watch.deviation()), (TimeDelta::zero(), TimeDelta::zero()));
}

/// The whole of it: nothing is deleted, no replica waits for a lease of another century, and all goes on.
#[test]
fn a_jump_deletes_nothing_and_leaves_no_lease_behind() {
    let mut store = MockStore::default();
    let clock = Arc::new(FixedClock::default());
    let latest = clock.now().plus(TimeDelta::minutes(10));
    store.leases.expect_end_of().returning(|_| Ok(None));
    store.leases.expect_hold().returning(move |_, _, now, until| {
        assert!(now <= latest && until <= latest);
        Ok(true)
    });
    store.retention.expect_purge().returning(move |now, _| {
        assert!(now <= latest, "{now}");
        Ok(Purged::default())
    });
    store.retention.expect_oldest_expired().returning(move |now| {
        assert!(now <= latest, "{now}");
        Ok(None)
    });
    store.leases.expect_release().times(1).returning(move |_, _, ended| {
        assert!(ended <= latest, "{ended}");
        Ok(())
    });
    let mut purger = Purger::new(&store.into(), watch(&clock), &SequentialIds::default());
    for jump in [TimeDelta::zero(), YEARS, YEARS, -YEARS * 2, -YEARS, YEARS * 4] {
        set_ahead(&clock, jump);
        purger.step(1).unwrap();
        assert_eq!(purger.oldest_expired().unwrap(), None);
        clock.advance(MINUTE);
    }
    purger.stop().unwrap();
}

#[test]
fn how_far_it_is_behind_goes_by_the_time_that_is_believed() {
    let mut store = MockStore::default();
    let since = at("2026-06-01T11:00:00.000001Z");
    store.retention.expect_oldest_expired().returning(move |_| Ok(Some(since)));
    let clock = Arc::new(FixedClock::default());
    let purger = Purger::new(&store.into(), watch(&clock), &SequentialIds::default());
    set_ahead(&clock, YEARS);
    clock.advance(MINUTE);
    assert_eq!(purger.oldest_expired().unwrap(), Some(Backlog { since, age: MINUTE * 61 }));
}
