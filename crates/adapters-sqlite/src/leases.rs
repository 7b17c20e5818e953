//! Which replica does what one does at a time.

use diesel::prelude::*;
use diesel::upsert::excluded;
use prediction_domain::model::{ReplicaId, Timestamp};
use prediction_domain::ports::{Lease, LeaseRepository, StoreFailure};

use crate::failure::OrStoreFailure as _;
use crate::schema::leases;
use crate::store::SqliteStore;

impl LeaseRepository for SqliteStore {
    fn hold(&self, lease: Lease, replica: ReplicaId, now: Timestamp, until: Timestamp) -> Result<bool, StoreFailure> {
        use diesel::query_dsl::methods::FilterDsl as _;

        let holder = replica.to_string();
        let taken = diesel::insert_into(leases::table)
            .values((
                leases::name.eq(lease.as_str()),
                leases::holder.eq(&holder),
                leases::expires_at.eq(until.as_micros()),
            ))
            .on_conflict(leases::name)
            .do_update()
            .set((leases::holder.eq(excluded(leases::holder)), leases::expires_at.eq(excluded(leases::expires_at))))
            .filter(
                leases::holder
                    .eq(&holder)
                    .or(leases::expires_at.le(now.as_micros()))
                    .or(leases::expires_at.gt(until.plus(until.since(now)).as_micros())),
            )
            .execute(&mut *self.writer()?)
            .or_store_failure()?;
        Ok(taken == 1)
    }

    fn release(&self, lease: Lease, replica: ReplicaId, ended: Timestamp) -> Result<(), StoreFailure> {
        let held = leases::table.find(lease.as_str()).filter(leases::holder.eq(replica.to_string()));
        diesel::update(held)
            .set(leases::expires_at.eq(ended.as_micros()))
            .execute(&mut *self.writer()?)
            .or_store_failure()?;
        Ok(())
    }

    fn end_of(&self, lease: Lease) -> Result<Option<Timestamp>, StoreFailure> {
        let end = leases::table.find(lease.as_str()).select(leases::expires_at);
        let end: Option<i64> = end.first(&mut *self.reader()?).optional().or_store_failure()?;
        // No replica has left what cannot be a time.
        Ok(end.and_then(Timestamp::from_micros))
    }
}
