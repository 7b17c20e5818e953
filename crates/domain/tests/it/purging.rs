//! Who purges, and when.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use mockall::Sequence;
use prediction_domain::ports::{MockRetentionRepository, Purged, StoreFailure};
use prediction_domain::use_cases::{PurgeStep, Purger};
use prediction_domain_testkit::{FixedClock, MemoryStore, SequentialIds};

const NOTHING: PurgeStep = PurgeStep::Purged(Purged { values: 0, runs: 0, is_unfinished: false });

#[test]
fn one_replica_purges_and_another_goes_on_when_it_is_gone() {
    let stores = MemoryStore::stores();
    let clock = Arc::new(FixedClock::default());
    let ids = SequentialIds::default();
    let replica = || Purger::new(stores.retention.clone(), clock.clone(), &ids);
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
    // Stopped in order: nobody has to wait.
    second.stop().unwrap();
    assert_eq!(replica().step(10).unwrap(), NOTHING);
}

#[test]
fn a_lease_is_asked_for_when_half_of_it_is_over() {
    let mut retention = MockRetentionRepository::new();
    retention.expect_hold_lease().times(2).returning(|_, now, until| {
        assert_eq!(until, now.plus(TimeDelta::seconds(Purger::LEASE_SECONDS)));
        Ok(true)
    });
    retention.expect_purge().times(4).returning(|_, limit| {
        assert_eq!(limit, 7);
        Ok(Purged::default())
    });
    let clock = Arc::new(FixedClock::default());
    let mut purger = Purger::new(Arc::new(retention), clock.clone(), &SequentialIds::default());
    for seconds in [0, 14, 2, 10] {
        clock.advance(Duration::from_secs(seconds));
        assert_eq!(purger.step(7).unwrap(), NOTHING);
    }
}

#[test]
fn a_lease_is_asked_for_again_when_the_clock_was_set_back() {
    let mut retention = MockRetentionRepository::new();
    retention.expect_hold_lease().times(2).returning(|_, _, _| Ok(true));
    retention.expect_purge().returning(|_, _| Ok(Purged::default()));
    let clock = Arc::new(FixedClock::default());
    let mut purger = Purger::new(Arc::new(retention), clock.clone(), &SequentialIds::default());
    purger.step(1).unwrap();
    clock.set(prediction_domain_testkit::values::at("2020-01-01T00:00:00Z"));
    purger.step(1).unwrap();
}

#[test]
fn nothing_is_deleted_without_the_lease() {
    let mut order = Sequence::new();
    let mut retention = MockRetentionRepository::new();
    let hold =
        |retention: &mut MockRetentionRepository, order: &mut Sequence, answer: fn() -> Result<bool, StoreFailure>| {
            retention.expect_hold_lease().times(1).in_sequence(order).returning(move |_, _, _| answer());
        };
    hold(&mut retention, &mut order, || Err(StoreFailure::Unavailable("no connection".into())));
    hold(&mut retention, &mut order, || Ok(false));
    hold(&mut retention, &mut order, || Ok(true));
    retention.expect_purge().times(1).in_sequence(&mut order).returning(|_, _| Ok(Purged::default()));
    let mut purger = Purger::new(Arc::new(retention), Arc::new(FixedClock::default()), &SequentialIds::default());
    assert!(matches!(purger.step(1), Err(StoreFailure::Unavailable(_))));
    assert_eq!(purger.step(1).unwrap(), PurgeStep::LeftToAnother);
    assert_eq!(purger.step(1).unwrap(), NOTHING);
}
