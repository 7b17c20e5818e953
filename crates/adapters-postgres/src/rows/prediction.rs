use chrono::{DateTime, Utc};
use diesel::Queryable;
use diesel::sql_types::{BigInt, Double, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use prediction_domain::model::{Prediction, RoleName, RunId, RunNumber, Timestamp};
use prediction_domain::ports::{PredictedValue, StoreFailure};
use uuid::Uuid;

use super::corrupt;

/// What a [`PredictionRow`] consists of.
pub(crate) type PredictionSql = (Text, Timestamptz, Double, Timestamptz, SqlUuid, Nullable<BigInt>);

/// A row of `predictions`, with the id of its run.
#[derive(Debug, Clone, Queryable)]
#[diesel(check_for_backend(Pg))]
pub(crate) struct PredictionRow {
    role: String,
    at: DateTime<Utc>,
    value: f64,
    issued_at: DateTime<Utc>,
    run_id: Uuid,
    /// Of the last run of the job; the same in all rows.
    last_number: Option<i64>,
}

impl PredictionRow {
    pub(crate) fn last_run(&self) -> Option<RunNumber> {
        RunNumber::new(self.last_number?)
    }
}

impl TryFrom<PredictionRow> for PredictedValue {
    type Error = StoreFailure;

    fn try_from(row: PredictionRow) -> Result<Self, StoreFailure> {
        let corrupt = corrupt("predictions", row.run_id);
        let role = RoleName::restore(&row.role).map_err(|problem| corrupt(problem.into()))?;
        Ok(Self {
            prediction: Prediction::new(role, Timestamp::truncated(row.at), row.value),
            issued_at: Timestamp::truncated(row.issued_at),
            run_id: RunId::from_uuid(row.run_id).map_err(|problem| corrupt(problem.into()))?,
        })
    }
}
