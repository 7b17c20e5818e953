//! Which replica does what one does at a time.

use chrono::TimeDelta;
use prediction_domain::model::{ReplicaId, Timestamp};
use prediction_domain::ports::Lease;

use crate::Stores;
use crate::ids::fresh_uuid;
use crate::values::{at, micros_after};

pub(crate) fn a_lease_is_held_by_one_until_it_ends(stores: &Stores) {
    let [a, b] = [(); 2].map(|()| ReplicaId::from_uuid(fresh_uuid()).expect("not nil"));
    let hold = |replica, now, until| {
        stores.leases.hold(Lease::Purge, replica, seconds(now), seconds(until)).expect("the lease can be asked for")
    };
    assert!(hold(a, 0, 30), "no replica has it");
    assert!(!hold(b, 10, 40), "a has it");
    assert!(hold(a, 15, 45), "a prolongs it");
    assert!(!hold(b, 44, 74), "a has it still");
    assert!(hold(b, 45, 75), "it has ended");
    assert!(!hold(a, 46, 76), "b has it");
    stores.leases.release(Lease::Purge, a, seconds(46)).expect("nothing happens");
    assert!(!hold(a, 47, 77), "b has it still");
    stores.leases.release(Lease::Purge, b, seconds(47)).expect("it is given back");
    assert!(hold(a, 48, 78), "no replica has it");
}

pub(crate) fn the_end_of_the_last_lease_is_known(stores: &Stores) {
    let [a, b] = [(); 2].map(|()| ReplicaId::from_uuid(fresh_uuid()).expect("not nil"));
    let end = || stores.leases.end_of(Lease::Purge).expect("the lease can be asked for");
    assert_eq!(end(), None);
    assert!(stores.leases.hold(Lease::Purge, a, seconds(0), seconds(30)).expect("the lease can be asked for"));
    assert_eq!(end(), Some(seconds(30)));
    assert!(!stores.leases.hold(Lease::Purge, b, seconds(1), seconds(31)).expect("the lease can be asked for"));
    stores.leases.release(Lease::Purge, b, seconds(-1)).expect("nothing happens");
    assert_eq!(end(), Some(seconds(30)));
    stores.leases.release(Lease::Purge, a, seconds(5)).expect("it is given back");
    assert_eq!(end(), Some(seconds(5)), "given back, it still tells when it ended");
}

/// Clocks differ between replicas, and jump. A lease that no clock near this one can have given belongs to no replica.
pub(crate) fn a_lease_that_ends_too_far_ahead_is_held_by_no_replica(stores: &Stores) {
    let [a, b] = [(); 2].map(|()| ReplicaId::from_uuid(fresh_uuid()).expect("not nil"));
    let hold = |replica, now: Timestamp| {
        stores.leases.hold(Lease::Purge, replica, now, now.plus(TimeDelta::seconds(30))).expect("it can be asked for")
    };
    assert!(hold(a, seconds(0)));
    for behind in [-1, -29, -30] {
        assert!(!hold(b, seconds(behind)), "a has it, by a clock that is {behind} s behind its own");
    }
    assert!(hold(b, micros_after(seconds(-30), -1)), "no replica can hold a lease of twice the length");
    let years = TimeDelta::days(730);
    assert!(hold(a, seconds(0).plus(years)), "by a clock that is ahead by years, the lease of b ended long ago");
    assert!(hold(b, seconds(1)), "a clock that is right does not wait for years");
    assert!(!hold(a, seconds(2)), "b has it, also when the clock of a is right again");
    assert!(hold(a, seconds(0).plus(-years)), "a clock that was set back does not wait for years either");
    assert!(hold(b, seconds(3)), "the lease of a is over by the right clock");
}

fn seconds(number: i64) -> Timestamp {
    at("2026-06-01T12:00:00.000001Z").plus(TimeDelta::seconds(number))
}
