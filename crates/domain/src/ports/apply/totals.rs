//! What a plan makes and uses as a whole, which quotas are judged by: so it does not matter which part comes first.

use std::collections::BTreeMap;

use super::{ApplyPlan, Write};
use crate::model::{Allowance, Job, OrganisationId};

impl ApplyPlan {
    /// How many more jobs each organisation has in the end, of those that do not lose as many as they get.
    #[must_use]
    pub fn more_jobs(&self) -> BTreeMap<OrganisationId, u64> {
        let mut more = self.count_jobs(|job| matches!(job, Write::New(_)));
        for (organisation_id, ..) in &self.deleted_jobs {
            if let Some(amount) = more.get_mut(organisation_id) {
                *amount = amount.saturating_sub(1);
            }
        }
        more.retain(|_, amount| *amount > 0);
        more
    }

    /// What the changes of jobs use as a whole, of each organisation with any that make a new revision.
    #[must_use]
    pub fn allowances(&self) -> BTreeMap<OrganisationId, Allowance> {
        let Some(each) = self.allowance else { return BTreeMap::new() };
        let changes =
            self.count_jobs(|job| matches!(job, Write::Changed { value, expected } if value.revision != *expected));
        let all = |count| Allowance { amount: each.amount.saturating_mul(count), ..each };
        changes.into_iter().map(|(organisation_id, count)| (organisation_id, all(count))).collect()
    }

    fn count_jobs(&self, counts: impl Fn(&Write<Job>) -> bool) -> BTreeMap<OrganisationId, u64> {
        let mut numbers = BTreeMap::new();
        for job in self.jobs.iter().filter(|job| counts(job)) {
            *numbers.entry(job.value().organisation_id).or_default() += 1;
        }
        numbers
    }
}
