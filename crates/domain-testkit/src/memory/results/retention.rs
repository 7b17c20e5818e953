use prediction_domain::model::{JobPlace, KeptHistory, Run, Timestamp};
use prediction_domain::ports::{Purged, PurgedHistory, RetentionRepository, StoreFailure};

use crate::memory::{MemoryStore, State};

impl RetentionRepository for MemoryStore {
    fn purge(&self, now: Timestamp, limit: usize) -> Result<Purged, StoreFailure> {
        let mut state = self.state();
        let mut runs = std::mem::take(&mut state.runs);
        let mut left = limit;
        let mut values = 0;
        for (run, predictions) in runs.values_mut() {
            if state.is_unreadable(run, now) {
                let kept = predictions.split_off(left.min(predictions.len()));
                left -= predictions.len();
                values += predictions.len() as u64;
                *predictions = kept;
            }
        }
        let count = runs.len();
        runs.retain(|_, (run, predictions)| {
            let is_kept = left == 0 || !predictions.is_empty() || state.jobs.contains_key(&run.job_id);
            left -= usize::from(!is_kept);
            is_kept
        });
        let mut replaced_runs = std::mem::take(&mut state.replaced_runs);
        let replaced = replaced_runs.len();
        replaced_runs.retain(|_, run| {
            let is_kept = left == 0 || state.jobs.contains_key(&run.job_id);
            left -= usize::from(!is_kept);
            is_kept
        });
        let gone = count + replaced - runs.len() - replaced_runs.len();
        let purged = Purged { values, runs: gone as u64, is_unfinished: left == 0 };
        state.replaced_runs = replaced_runs;
        state.runs = runs;
        Ok(purged)
    }

    fn purge_history(
        &self,
        kept: &KeptHistory,
        now: Timestamp,
        after: Option<JobPlace>,
        limit: usize,
    ) -> Result<PurgedHistory, StoreFailure> {
        Ok(self.state().purge_history(kept, now, after, limit))
    }

    fn oldest_expired(&self, now: Timestamp) -> Result<Option<Timestamp>, StoreFailure> {
        let state = self.state();
        let stored = state.runs.values().filter(|(_, predictions)| !predictions.is_empty());
        Ok(stored.filter_map(|(run, _)| state.expires_at(run)).filter(|expires_at| *expires_at <= now).min())
    }
}

impl State {
    /// Whether no caller can read the values of a run: they have expired, or its job is deleted.
    fn is_unreadable(&self, run: &Run, now: Timestamp) -> bool {
        !self.jobs.contains_key(&run.job_id) || self.expires_at(run).is_some_and(|expires_at| expires_at <= now)
    }

    /// When the values of a run expire, while its job is there.
    fn expires_at(&self, run: &Run) -> Option<Timestamp> {
        let source = self.sources.get(&self.jobs.get(&run.job_id)?.source_id)?;
        Some(run.issued_at.plus(source.retention_hours?.as_time()))
    }
}
