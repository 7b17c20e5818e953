use diesel::prelude::*;
use prediction_domain::model::{JobId, Prediction, RoleName, RunId, RunNumber};
use prediction_domain::ports::PredictedValue;

use super::{CorruptRow, Reading};

/// A value to be stored, without what it has in common with the others of its run.
#[derive(Debug)]
pub(crate) struct NewPredictionRow<'a> {
    pub(crate) role: &'a str,
    pub(crate) at: i64,
    pub(crate) value: f64,
}

impl<'a> NewPredictionRow<'a> {
    /// Its place in the primary key.
    pub(crate) fn place(&self) -> (&'a str, i64) {
        (self.role, self.at)
    }
}

impl<'a> From<&'a Prediction> for NewPredictionRow<'a> {
    fn from(prediction: &'a Prediction) -> Self {
        let Prediction { role, at, value } = prediction;
        Self { role: role.as_str(), at: at.as_micros(), value: *value }
    }
}

/// A value of a role that is known, with the id of its run.
#[derive(Debug, Queryable)]
pub(crate) struct PredictionRow {
    at: i64,
    issued_at: i64,
    value: f64,
    run_id: String,
}

impl PredictionRow {
    pub(crate) fn restore(&self, job_id: JobId, role: &RoleName) -> Result<PredictedValue, CorruptRow> {
        // There can be very many, so their names are only made up for a message.
        let named = |row| CorruptRow { id: format!("{job_id}/{role}/{}/{}", self.at, self.issued_at), ..row };
        let run_id = Reading { table: "runs", id: &self.run_id }.column("id", RunId::parse(&self.run_id))?;
        self.restore_unnamed(role, run_id).map_err(named)
    }

    fn restore_unnamed(&self, role: &RoleName, run_id: RunId) -> Result<PredictedValue, CorruptRow> {
        let reading = Reading { table: "predictions", id: "" };
        let value = if self.value.is_finite() { Ok(self.value) } else { Err("not a finite number") };
        Ok(PredictedValue {
            prediction: Prediction::new(role.clone(), reading.time("at", self.at)?, reading.column("value", value)?),
            issued_at: reading.time("issued_at", self.issued_at)?,
            run_id,
        })
    }
}

/// The role of values that are read without it.
pub(crate) fn stored_role(job_id: JobId, role: &str) -> Result<RoleName, CorruptRow> {
    Reading { table: "predictions", id: &format!("{job_id}/{role}") }.column("role", RoleName::restore(role))
}

/// The number of the last run of a job.
pub(crate) fn stored_number(job_id: JobId, number: i64) -> Result<RunNumber, CorruptRow> {
    let number = RunNumber::new(number).ok_or("a number is not negative");
    Reading { table: "run_counters", id: &job_id.to_string() }.column("last_number", number)
}
