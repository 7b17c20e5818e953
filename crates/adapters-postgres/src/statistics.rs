//! How much there is, and how busy the store is.

use diesel::dsl::count_star;
use diesel::prelude::*;
use prediction_domain::ports::{ConnectionCounts, JobCounts, StoreFailure, StoreStatistics};

use crate::schema::jobs;
use crate::store::PostgresStore;

impl StoreStatistics for PostgresStore {
    fn count_jobs(&self) -> Result<JobCounts, StoreFailure> {
        let counts: Vec<(bool, i64)> = self.database().statement(|connection| {
            jobs::table.group_by(jobs::active).select((jobs::active, count_star())).load(connection)
        })?;
        Ok(counts.into_iter().map(|(active, count)| (active, count.unsigned_abs())).collect())
    }

    fn connections(&self) -> ConnectionCounts {
        let state = self.pool_state();
        ConnectionCounts { busy: state.connections.saturating_sub(state.idle), idle: state.idle }
    }
}
