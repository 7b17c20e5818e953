//! How much there is, and how busy the store is.

use diesel::dsl::count_star;
use diesel::prelude::*;
use prediction_domain::ports::{ConnectionCounts, JobCounts, StoreFailure, StoreStatistics};

use crate::errors::OrStoreFailure as _;
use crate::schema::jobs;
use crate::store::SqliteStore;

impl StoreStatistics for SqliteStore {
    fn count_jobs(&self) -> Result<JobCounts, StoreFailure> {
        let mut reader = self.reader()?;
        let counts: Vec<(i64, i64)> = jobs::table
            .group_by(jobs::active)
            .select((jobs::active, count_star()))
            .load(&mut reader)
            .or_store_failure()?;
        Ok(counts.into_iter().map(|(active, count)| (active != 0, count.unsigned_abs())).collect())
    }

    fn connections(&self) -> ConnectionCounts {
        self.pools().counts()
    }
}
