//! Many things that are stored at once, as a document describes them.

pub(crate) mod managed_lists;
pub(crate) mod needs;
pub(crate) mod overtaken_plans;
pub(crate) mod plans;
pub(crate) mod plans_and_chains;
pub(crate) mod plans_and_quotas;
pub(crate) mod plans_at_once;
mod random_plans;

use prediction_domain::model::{Job, Management, Revision};
use prediction_domain::ports::{ApplyError, ApplyPlan, Write, WriteMode};

use crate::Stores;
use crate::builders::a_plan_of_nothing;
use crate::contract::fixture::assert_nothing_changes;
use crate::values::set_name;

/// What that set has made of a thing at a revision.
fn kept_by(set: &str, revision: Revision) -> Management {
    Management { set: set_name(set), revision }
}

#[track_caller]
fn apply(stores: &Stores, plan: &ApplyPlan) {
    stores.apply.apply(plan).unwrap_or_else(|error| panic!("{error:?}"));
}

/// Fails unless a plan is refused for that reason, as a dry run, too, and leaves nothing.
#[track_caller]
fn assert_refused(stores: &Stores, plan: &ApplyPlan, told: impl Fn(&ApplyError) -> bool) {
    for mode in [WriteMode::DryRun, WriteMode::Commit] {
        let plan = ApplyPlan { mode, ..plan.clone() };
        let refused = assert_nothing_changes(stores, || stores.apply.apply(&plan));
        assert!(refused.as_ref().is_err_and(&told), "{refused:?}: {plan:#?}");
    }
}

/// Jobs that are new.
fn a_plan_of_jobs<'a>(jobs: impl IntoIterator<Item = &'a Job>) -> ApplyPlan {
    ApplyPlan { jobs: jobs.into_iter().cloned().map(Write::New).collect(), ..a_plan_of_nothing() }
}

/// A job that is changed to this, its next revision.
fn changed(job: Job) -> Write<Job> {
    let expected = job.revision;
    Write::Changed { value: Job { revision: expected.next(), ..job }, expected }
}
