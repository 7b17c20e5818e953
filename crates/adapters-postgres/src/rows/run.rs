use std::error::Error;

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::{Queryable, Selectable};
use prediction_domain::model::{
    Description, JobId, OrganisationId, PredictionsDigest, Run, RunId, RunStatus, SourceVersionId, Timestamp,
};
use prediction_domain::ports::StoreFailure;
use uuid::Uuid;

use super::{corrupt, revision};
use crate::schema::{replaced_runs, runs};

/// A row of `runs`.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = runs, check_for_backend(Pg))]
pub(crate) struct RunRow {
    organisation_id: Uuid,
    job_id: Uuid,
    pub(crate) issued_at: DateTime<Utc>,
    pub(crate) id: Uuid,
    job_revision: i64,
    source_version_id: Uuid,
    succeeded: bool,
    message: Option<String>,
    pub(crate) prediction_count: i32,
    predictions_digest: Vec<u8>,
    received_at: DateTime<Utc>,
    pub(crate) replaces: Option<Uuid>,
}

/// A row of `replaced_runs`.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = replaced_runs, check_for_backend(Pg))]
pub(crate) struct ReplacedRunRow {
    organisation_id: Uuid,
    job_id: Uuid,
    pub(crate) issued_at: DateTime<Utc>,
    id: Uuid,
    job_revision: i64,
    source_version_id: Uuid,
    succeeded: bool,
    message: Option<String>,
    prediction_count: i32,
    predictions_digest: Vec<u8>,
    received_at: DateTime<Utc>,
    pub(crate) replaced_by: Uuid,
}

impl TryFrom<RunRow> for Run {
    type Error = StoreFailure;

    fn try_from(row: RunRow) -> Result<Self, StoreFailure> {
        let id = row.id;
        read(row, None).map_err(corrupt("runs", id))
    }
}

impl TryFrom<ReplacedRunRow> for Run {
    type Error = StoreFailure;

    fn try_from(row: ReplacedRunRow) -> Result<Self, StoreFailure> {
        let ReplacedRunRow { organisation_id, job_id, issued_at, id, job_revision, source_version_id, .. } = row;
        let ReplacedRunRow { succeeded, message, prediction_count, predictions_digest, received_at, .. } = row;
        let run = RunRow {
            organisation_id,
            job_id,
            issued_at,
            id,
            job_revision,
            source_version_id,
            succeeded,
            message,
            prediction_count,
            predictions_digest,
            received_at,
            replaces: None,
        };
        read(run, Some(row.replaced_by)).map_err(corrupt("replaced_runs", id))
    }
}

fn read(row: RunRow, replaced_by: Option<Uuid>) -> Result<Run, Box<dyn Error + Send + Sync>> {
    let digest = <[u8; 32]>::try_from(row.predictions_digest).map_err(|_| "a digest has not 32 bytes")?;
    Ok(Run {
        id: RunId::from_uuid(row.id)?,
        organisation_id: OrganisationId::from_uuid(row.organisation_id)?,
        job_id: JobId::from_uuid(row.job_id)?,
        job_revision: revision(row.job_revision)?,
        source_version_id: SourceVersionId::from_uuid(row.source_version_id)?,
        issued_at: Timestamp::truncated(row.issued_at),
        status: if row.succeeded { RunStatus::Succeeded } else { RunStatus::Failed },
        message: row.message.as_deref().map(Description::restore).transpose()?,
        prediction_count: u32::try_from(row.prediction_count)?,
        predictions_digest: PredictionsDigest::from_bytes(digest),
        received_at: Timestamp::truncated(row.received_at),
        replaces: row.replaces.map(RunId::from_uuid).transpose()?,
        replaced_by: replaced_by.map(RunId::from_uuid).transpose()?,
    })
}
