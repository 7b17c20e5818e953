use super::fixture::any_job;
use crate::Stores;

pub(super) fn an_empty_store_can_do_its_work(stores: &Stores) {
    stores.health.check().expect("the store can do its work");
}

pub(super) fn a_store_in_use_can_do_its_work(stores: &Stores) {
    any_job(stores);
    stores.health.check().expect("the store can do its work");
}
