use crate::Stores;
use crate::contract::fixture::any_job;

pub(crate) fn connections_are_told_without_waiting(stores: &Stores) {
    any_job(stores);
    assert_eq!(stores.statistics.connections().busy, 0, "no connection is at work");
}
