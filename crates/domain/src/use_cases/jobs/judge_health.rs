use std::sync::Arc;

use chrono::TimeDelta;

use crate::ports::{Judged, JudgementRepository, StoreFailure};

use crate::use_cases::ClockWatch;

/// Judges the health of jobs ahead of the requests that ask for it, step by step. No caller starts it, so it needs no
/// permission.
///
/// It goes by time that can be relied on, and is a little behind it, so that a replica whose clock is behind can use
/// what this one has judged, too.
pub struct HealthJudge {
    judgements: Arc<dyn JudgementRepository>,
    watch: Arc<ClockWatch>,
}

impl HealthJudge {
    /// How far it is behind, in seconds: what became late since then is judged by each reader.
    pub const LAG_SECONDS: i64 = 5;

    /// Makes one.
    #[must_use]
    pub fn new(judgements: Arc<dyn JudgementRepository>, watch: Arc<ClockWatch>) -> Self {
        Self { judgements, watch }
    }

    /// Judges so many jobs at the most.
    pub fn step(&self, limit: usize) -> Result<Judged, StoreFailure> {
        self.judgements.judge(self.watch.now().plus(-TimeDelta::seconds(Self::LAG_SECONDS)), limit)
    }
}
