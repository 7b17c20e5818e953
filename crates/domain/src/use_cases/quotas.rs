use std::num::NonZeroU64;
use std::sync::Arc;

use crate::model::{Allowance, Day, Quota, QuotaExceeded, Run, report_amount};
use crate::ports::Clock;

use super::{Ports, UseCaseError};

/// How much each organisation may have, or do in a day; nothing is limited unless it is said here.
///
/// One limit is for all organisations. For some to have limits of their own, this would be asked for the organisation:
/// the ports take the limit with each write, and know of no other.
#[derive(Clone, Default)]
pub struct Quotas {
    /// How many jobs it may have.
    pub jobs: Option<NonZeroU64>,
    /// How many values may be reported of its jobs in a day.
    pub values_per_day: Option<NonZeroU64>,
    /// How often its jobs may be changed in a day.
    pub changes_per_day: Option<NonZeroU64>,
    /// Tells which day it is, in UTC. `None`: the clock that everything else goes by.
    pub calendar: Option<Arc<dyn Clock>>,
}

impl Ports {
    /// What the report of a run may use.
    pub(super) fn allowance_of_report(&self, run: &Run) -> Option<Allowance> {
        self.allowance(Quota::ValuesPerDay, self.quotas.values_per_day, report_amount(run))
    }

    /// What a change of a job may use.
    pub(super) fn allowance_of_change(&self) -> Option<Allowance> {
        self.allowance(Quota::ChangesPerDay, self.quotas.changes_per_day, 1)
    }

    fn allowance(&self, quota: Quota, limit: Option<NonZeroU64>, amount: u64) -> Option<Allowance> {
        let limit = limit?.get();
        Some(Allowance { quota, day: Day::of(self.calendar().now()), limit, amount })
    }

    fn calendar(&self) -> &Arc<dyn Clock> {
        self.quotas.calendar.as_ref().unwrap_or(&self.clock)
    }

    /// Refuses what is more than a day's quota: it can be done when the next day begins, unless it is more than any day
    /// has.
    pub(super) fn exceeded_today(&self, exceeded: QuotaExceeded, allowance: Option<Allowance>) -> UseCaseError {
        let now = self.calendar().now();
        // Of the day that was asked for: midnight may have passed in between.
        let day = allowance.map_or_else(|| Day::of(now), |allowance| allowance.day);
        let wait = day.next().begin().since(now).to_std().unwrap_or_default();
        UseCaseError::QuotaExceeded { exceeded, wait: (exceeded.amount <= exceeded.limit).then_some(wait) }
    }
}
