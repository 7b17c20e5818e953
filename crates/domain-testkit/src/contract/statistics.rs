use super::fixture::any_job;
use crate::Stores;

pub(super) fn connections_are_told_without_waiting(stores: &Stores) {
    any_job(stores);
    assert_eq!(stores.statistics.connections().busy, 0, "nobody is at work");
}
