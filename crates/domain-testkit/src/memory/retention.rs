use prediction_domain::model::{ReplicaId, Run, Timestamp};
use prediction_domain::ports::{Purged, RetentionRepository, StoreFailure};

use super::{MemoryStore, State};

impl RetentionRepository for MemoryStore {
    fn hold_lease(&self, replica: ReplicaId, now: Timestamp, until: Timestamp) -> Result<bool, StoreFailure> {
        let mut state = self.state();
        let is_free = state.lease.is_none_or(|(holder, held_until)| holder == replica || held_until <= now);
        if is_free {
            state.lease = Some((replica, until));
        }
        Ok(is_free)
    }

    fn release_lease(&self, replica: ReplicaId) -> Result<(), StoreFailure> {
        let mut state = self.state();
        state.lease = state.lease.filter(|(holder, _)| *holder != replica);
        Ok(())
    }

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
        let purged = Purged { values, runs: (count - runs.len()) as u64, is_unfinished: left == 0 };
        state.runs = runs;
        Ok(purged)
    }
}

impl State {
    /// Whether nobody can read the values of a run: they have expired, or its job is deleted.
    fn is_unreadable(&self, run: &Run, now: Timestamp) -> bool {
        let Some(job) = self.jobs.get(&run.job_id) else { return true };
        let retention = self.sources.get(&job.source_id).and_then(|source| source.retention_hours);
        retention.is_some_and(|hours| run.issued_at <= now.plus(-hours.as_time()))
    }
}
