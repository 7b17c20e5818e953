//! Which setups of a batch can be planned together, so that each is judged as if those before it were stored already.

use std::collections::BTreeSet;

use super::PreparedSetUp;
use super::plan::Plan;
use crate::model::{JobName, OrganisationId};
use crate::ports::{JobSetUp, WriteMode};

/// Plans that are made from one reading of the store, and stored together.
#[derive(Default)]
pub(super) struct Wave {
    plans: Vec<(usize, Plan)>,
    jobs: BTreeSet<(OrganisationId, JobName)>,
}

impl Wave {
    /// Whether this setup, which cannot be done as things are, might be when the wave is stored: it may refer to a
    /// source, a version or a job that the wave creates.
    pub(super) fn may_help(&self, prepared: &PreparedSetUp) -> bool {
        self.stores_job_of(prepared)
            || self.lasting().any(|plan| plan.new_source.is_some() || plan.new_version.is_some())
    }

    /// Whether this plan would have been another one if the wave had been stored before, or would change one of the
    /// wave that may still have to be made anew.
    pub(super) fn changes(&self, prepared: &PreparedSetUp, plan: &Plan) -> bool {
        (plan.rests_on_absence && self.stores_job_of(prepared))
            || self.plans.iter().any(|(_, earlier)| overlap(&earlier.set_up, &plan.set_up))
            || (plan.version_is_newest && self.lasting().any(|earlier| publishes_for(earlier, &plan.set_up)))
    }

    /// Adds the plan of the setup with that index.
    pub(super) fn add(&mut self, index: usize, plan: Plan) {
        if plan.set_up.mode == WriteMode::Commit {
            self.jobs.insert((plan.set_up.job.organisation_id, plan.set_up.job.name.clone()));
        }
        self.plans.push((index, plan));
    }

    /// The plans in order, each with the index of its setup.
    pub(super) fn into_plans(self) -> Vec<(usize, Plan)> {
        self.plans
    }

    /// What is stored, not a dry run.
    fn lasting(&self) -> impl Iterator<Item = &JobSetUp> {
        self.plans.iter().map(|(_, plan)| &plan.set_up).filter(|plan| plan.mode == WriteMode::Commit)
    }

    fn stores_job_of(&self, prepared: &PreparedSetUp) -> bool {
        let key = prepared.organisation_id.zip(prepared.job_name.clone());
        key.is_some_and(|key| self.jobs.contains(&key))
    }
}

/// Whether both create a source of one id or name, or a version of one id or label. Two dry runs do not meet.
fn overlap(earlier: &JobSetUp, later: &JobSetUp) -> bool {
    let sources = earlier.new_source.as_ref().zip(later.new_source.as_ref());
    let versions = earlier.new_version.as_ref().zip(later.new_version.as_ref());
    let same = sources.is_some_and(|(a, b)| a.id == b.id || a.name.key() == b.name.key())
        || versions
            .is_some_and(|(a, b)| a.id == b.id || (a.source_id == b.source_id && a.version.key() == b.version.key()));
    same && (earlier.mode == WriteMode::Commit || later.mode == WriteMode::Commit)
}

/// Whether a version is published of the source of the later job.
fn publishes_for(earlier: &JobSetUp, later: &JobSetUp) -> bool {
    earlier.new_version.as_ref().is_some_and(|version| version.source_id == later.job.source_id)
}
