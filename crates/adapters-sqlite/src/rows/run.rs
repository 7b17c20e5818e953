use diesel::prelude::*;
use diesel::sqlite::Sqlite;
use prediction_domain::model::{
    Description, JobId, OrganisationId, PredictionsDigest, Run, RunId, RunStatus, SourceVersionId,
};

use super::{CorruptRow, Reading};
use crate::schema::{replaced_runs, runs};

// `treat_none_as_default_value`: see `JobRow`.
#[derive(Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = runs, check_for_backend(Sqlite), treat_none_as_default_value = false)]
pub(crate) struct RunRow {
    organisation_id: String,
    job_id: String,
    pub(crate) issued_at: i64,
    pub(crate) id: String,
    job_revision: i64,
    source_version_id: String,
    succeeded: i64,
    message: Option<String>,
    prediction_count: i64,
    predictions_digest: Vec<u8>,
    received_at: i64,
    pub(crate) replaces: Option<String>,
}

/// A row of `replaced_runs`.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = replaced_runs, check_for_backend(Sqlite), treat_none_as_default_value = false)]
pub(crate) struct ReplacedRunRow {
    organisation_id: String,
    job_id: String,
    id: String,
    pub(crate) issued_at: i64,
    job_revision: i64,
    source_version_id: String,
    succeeded: i64,
    message: Option<String>,
    prediction_count: i64,
    predictions_digest: Vec<u8>,
    received_at: i64,
    pub(crate) replaced_by: String,
}

impl RunRow {
    /// What is kept of it when another run takes its place.
    pub(crate) fn replaced_by(self, id: RunId) -> ReplacedRunRow {
        ReplacedRunRow {
            organisation_id: self.organisation_id,
            job_id: self.job_id,
            id: self.id,
            issued_at: self.issued_at,
            job_revision: self.job_revision,
            source_version_id: self.source_version_id,
            succeeded: self.succeeded,
            message: self.message,
            prediction_count: self.prediction_count,
            predictions_digest: self.predictions_digest,
            received_at: self.received_at,
            replaced_by: id.to_string(),
        }
    }

    pub(crate) fn has_values(&self) -> bool {
        self.prediction_count > 0
    }

    pub(crate) fn is_failed(&self) -> bool {
        self.succeeded == 0
    }
}

impl ReplacedRunRow {
    /// What it was before another run took its place.
    pub(crate) fn into_run(self) -> RunRow {
        RunRow {
            organisation_id: self.organisation_id,
            job_id: self.job_id,
            id: self.id,
            issued_at: self.issued_at,
            job_revision: self.job_revision,
            source_version_id: self.source_version_id,
            succeeded: self.succeeded,
            message: self.message,
            prediction_count: self.prediction_count,
            predictions_digest: self.predictions_digest,
            received_at: self.received_at,
            replaces: None,
        }
    }

    /// The run, with what took its place.
    pub(crate) fn restore(self) -> Result<Run, CorruptRow> {
        let by = RunId::parse(&self.replaced_by);
        let replaced_by = Reading { table: "replaced_runs", id: &self.id }.column("replaced_by", by)?;
        Ok(Run { replaced_by: Some(replaced_by), ..Run::try_from(&self.into_run())? })
    }
}

impl From<&Run> for RunRow {
    fn from(run: &Run) -> Self {
        let Run {
            id,
            organisation_id,
            job_id,
            job_revision,
            source_version_id,
            issued_at,
            status,
            message,
            prediction_count,
            predictions_digest,
            received_at,
            replaces,
            replaced_by: _,
        } = run;
        Self {
            organisation_id: organisation_id.to_string(),
            job_id: job_id.to_string(),
            issued_at: issued_at.as_micros(),
            id: id.to_string(),
            job_revision: job_revision.as_i64(),
            source_version_id: source_version_id.to_string(),
            succeeded: succeeded(*status),
            message: message.as_ref().map(|text| text.as_str().to_owned()),
            prediction_count: (*prediction_count).into(),
            predictions_digest: predictions_digest.as_bytes().to_vec(),
            received_at: received_at.as_micros(),
            replaces: replaces.map(|id| id.to_string()),
        }
    }
}

impl TryFrom<&RunRow> for Run {
    type Error = CorruptRow;

    fn try_from(row: &RunRow) -> Result<Self, CorruptRow> {
        let reading = Reading { table: "runs", id: &row.id };
        let succeeded = reading.flag("succeeded", row.succeeded)?;
        let digest = <[u8; 32]>::try_from(row.predictions_digest.as_slice());
        Ok(Self {
            id: reading.column("id", RunId::parse(&row.id))?,
            organisation_id: reading.column("organisation_id", OrganisationId::parse(&row.organisation_id))?,
            job_id: reading.column("job_id", JobId::parse(&row.job_id))?,
            job_revision: reading.revision_in("job_revision", row.job_revision)?,
            source_version_id: reading.column("source_version_id", SourceVersionId::parse(&row.source_version_id))?,
            issued_at: reading.time("issued_at", row.issued_at)?,
            status: if succeeded { RunStatus::Succeeded } else { RunStatus::Failed },
            message: reading.column("message", row.message.as_deref().map(Description::restore).transpose())?,
            prediction_count: reading.column("prediction_count", u32::try_from(row.prediction_count))?,
            predictions_digest: PredictionsDigest::from_bytes(reading.column("predictions_digest", digest)?),
            received_at: reading.time("received_at", row.received_at)?,
            replaces: reading.column("replaces", row.replaces.as_deref().map(RunId::parse).transpose())?,
            replaced_by: None,
        })
    }
}

/// How a status is stored.
pub(crate) fn succeeded(status: RunStatus) -> i64 {
    i64::from(status == RunStatus::Succeeded)
}
