use prediction_domain::model::Job;
use prediction_domain::ports::JobCounts;

use super::fixture::{any_job, catalogue, stored_job};
use crate::Stores;
use crate::builders::a_job_of;

pub(super) fn jobs_of_all_organisations_are_counted_by_state(stores: &Stores) {
    let count = || stores.statistics.count_jobs().expect("jobs can be counted");
    assert_eq!(count(), JobCounts::default());
    let (_, version) = catalogue(stores);
    stored_job(stores, Job { active: true, ..a_job_of(&version) });
    for _ in 0..2 {
        stored_job(stores, Job { active: false, ..a_job_of(&version) });
    }
    assert_eq!(count(), JobCounts { active: 1, inactive: 2 });
}

pub(super) fn connections_are_told_without_waiting(stores: &Stores) {
    any_job(stores);
    assert_eq!(stores.statistics.connections().busy, 0, "nobody is at work");
}
