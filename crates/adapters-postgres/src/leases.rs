//! Which replica does what one does at a time.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::upsert::excluded;
use prediction_domain::model::{ReplicaId, Timestamp};
use prediction_domain::ports::{Lease, LeaseRepository, StoreFailure};

use crate::schema::leases;
use crate::store::PostgresStore;

impl LeaseRepository for PostgresStore {
    fn hold(&self, lease: Lease, replica: ReplicaId, now: Timestamp, until: Timestamp) -> Result<bool, StoreFailure> {
        let row = (
            leases::name.eq(lease.as_str()),
            leases::holder.eq(replica.as_uuid()),
            leases::expires_at.eq(until.as_datetime()),
        );
        let is_free = leases::holder
            .eq(replica.as_uuid())
            .or(leases::expires_at.le(now.as_datetime()))
            .or(leases::expires_at.gt(until.plus(until.since(now)).as_datetime()));
        let taken = self.database().statement(|connection| {
            let taken = diesel::insert_into(leases::table).values(&row).on_conflict(leases::name).do_update().set((
                leases::holder.eq(excluded(leases::holder)),
                leases::expires_at.eq(excluded(leases::expires_at)),
            ));
            diesel::query_dsl::methods::FilterDsl::filter(taken, is_free).execute(connection)
        })?;
        Ok(taken == 1)
    }

    fn release(&self, lease: Lease, replica: ReplicaId, ended: Timestamp) -> Result<(), StoreFailure> {
        let held = leases::table.find(lease.as_str()).filter(leases::holder.eq(replica.as_uuid()));
        let end = leases::expires_at.eq(ended.as_datetime());
        self.database().statement(|connection| diesel::update(held).set(end).execute(connection))?;
        Ok(())
    }

    fn end_of(&self, lease: Lease) -> Result<Option<Timestamp>, StoreFailure> {
        let end = leases::table.find(lease.as_str()).select(leases::expires_at);
        let end: Option<DateTime<Utc>> = self.database().statement(|connection| end.first(connection).optional())?;
        Ok(end.map(Timestamp::truncated))
    }
}
