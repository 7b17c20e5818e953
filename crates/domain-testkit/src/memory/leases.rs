use prediction_domain::model::{ReplicaId, Timestamp};
use prediction_domain::ports::{Lease, LeaseRepository, StoreFailure};

use super::MemoryStore;

impl LeaseRepository for MemoryStore {
    fn hold(&self, lease: Lease, replica: ReplicaId, now: Timestamp, until: Timestamp) -> Result<bool, StoreFailure> {
        let mut state = self.state();
        let is_free = state.leases.get(lease.as_str()).is_none_or(|(holder, held_until)| {
            *holder == replica || *held_until <= now || *held_until > until.plus(until.since(now))
        });
        if is_free {
            state.leases.insert(lease.as_str(), (replica, until));
        }
        Ok(is_free)
    }

    fn release(&self, lease: Lease, replica: ReplicaId, ended: Timestamp) -> Result<(), StoreFailure> {
        let mut state = self.state();
        if let Some((holder, held_until)) = state.leases.get_mut(lease.as_str())
            && *holder == replica
        {
            *held_until = ended;
        }
        Ok(())
    }

    fn end_of(&self, lease: Lease) -> Result<Option<Timestamp>, StoreFailure> {
        Ok(self.state().leases.get(lease.as_str()).map(|(_, held_until)| *held_until))
    }
}
