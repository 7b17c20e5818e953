use prediction_domain::ports::Lease;

use crate::Stores;
use crate::contract::fixture::{any_job, assert_nothing_changes};

pub(crate) fn an_empty_store_can_do_its_work(stores: &Stores) {
    stores.health.check().expect("the store can do its work");
}

/// And nothing of it stays.
pub(crate) fn a_little_can_be_written(stores: &Stores) {
    any_job(stores);
    for _ in 0..3 {
        assert_nothing_changes(stores, || stores.health.try_write().expect("the store can be written to"));
        assert_eq!(stores.leases.end_of(Lease::Purge).expect("the lease can be asked for"), None);
    }
}

pub(crate) fn a_store_in_use_can_do_its_work(stores: &Stores) {
    any_job(stores);
    stores.health.check().expect("the store can do its work");
}
