//! The statement that stores a run.

pub(super) mod on_server;

use chrono::{DateTime, Utc};
use diesel::QueryResult;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::{Array, BigInt, Bool, Bytea, Double, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use prediction_domain::model::{Allowance, Description, Prediction, Run, RunStatus, Timestamp};
use uuid::Uuid;

use crate::quotas::{IsLeft, StoredAllowance};
use crate::statement::statement;

/// Stores a run with all of its values by one statement, which is the same text for every number of them, so that it is
/// prepared once.
///
/// Gives back how many jobs there were (none, or the one that it is a run of), and when the run was issued that was
/// stored: none was, when another one was issued at that time. The job cannot be deleted meanwhile. And whether there
/// was room in what it was allowed to use: if not, none was stored. When that is used up by others meanwhile, the
/// statement breaks a constraint.
#[derive(Debug, Clone)]
pub(super) struct InsertRun<'a> {
    organisation_id: Uuid,
    job_id: Uuid,
    issued_at: DateTime<Utc>,
    id: Uuid,
    job_revision: i64,
    source_version_id: Uuid,
    succeeded: bool,
    message: Option<&'a str>,
    prediction_count: i32,
    predictions_digest: &'a [u8],
    received_at: DateTime<Utc>,
    roles: Vec<&'a str>,
    at: Vec<DateTime<Utc>>,
    values: Vec<f64>,
    replaces: Option<Uuid>,
    /// Until when runs can have been issued after which this one is to be issued, if that is not said.
    next_until: Option<DateTime<Utc>>,
    allowance: Option<StoredAllowance>,
}

/// What [`InsertRun`] gives.
pub(super) type Inserted = (i64, Option<DateTime<Utc>>, bool);

impl<'a> InsertRun<'a> {
    /// The run is issued next: reports of one job that come without a time wait for each other, so that each finds the
    /// one before it.
    pub(super) fn next(
        run: &'a Run,
        until: Timestamp,
        predictions: &'a [Prediction],
        allowance: Option<Allowance>,
    ) -> Self {
        Self { next_until: Some(until.as_datetime()), ..Self::new(run, predictions, allowance) }
    }

    pub(super) fn new(run: &'a Run, predictions: &'a [Prediction], allowance: Option<Allowance>) -> Self {
        Self {
            organisation_id: run.organisation_id.as_uuid(),
            job_id: run.job_id.as_uuid(),
            issued_at: run.issued_at.as_datetime(),
            id: run.id.as_uuid(),
            job_revision: run.job_revision.as_i64(),
            source_version_id: run.source_version_id.as_uuid(),
            succeeded: run.status == RunStatus::Succeeded,
            message: run.message.as_ref().map(Description::as_str),
            // What is too large is refused by the table.
            prediction_count: i32::try_from(run.prediction_count).unwrap_or(i32::MAX),
            predictions_digest: run.predictions_digest.as_bytes(),
            received_at: run.received_at.as_datetime(),
            roles: predictions.iter().map(|prediction| prediction.role.as_str()).collect(),
            at: predictions.iter().map(|prediction| prediction.at.as_datetime()).collect(),
            values: predictions.iter().map(|prediction| prediction.value).collect(),
            replaces: run.replaces.map(|id| id.as_uuid()),
            next_until: None,
            allowance: allowance.map(StoredAllowance::from),
        }
    }
}

impl QueryFragment<Pg> for InsertRun<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("WITH job AS (SELECT organisation_id, id FROM jobs WHERE organisation_id = ");
        out.push_bind_param::<SqlUuid, _>(&self.organisation_id)?;
        out.push_sql(" AND id = ");
        out.push_bind_param::<SqlUuid, _>(&self.job_id)?;
        out.push_sql(if self.next_until.is_some() { " FOR NO KEY UPDATE" } else { " FOR KEY SHARE" });
        if let Some(allowance) = &self.allowance {
            out.push_sql("), room AS MATERIALIZED (SELECT ");
            allowance.push_is_left(&mut out, &self.organisation_id)?;
            out.push_sql(" AS is_left");
        }
        out.push_sql(
            "), run AS (INSERT INTO runs (organisation_id, job_id, issued_at, id, job_revision, source_version_id, \
             succeeded, message, prediction_count, predictions_digest, received_at, replaces) \
             SELECT organisation_id, id, ",
        );
        if let Some(until) = &self.next_until {
            out.push_sql("next_issued_at(organisation_id, id, ");
            out.push_bind_param::<Timestamptz, _>(&self.issued_at)?;
            out.push_sql(", ");
            out.push_bind_param::<Timestamptz, _>(until)?;
            out.push_sql(")");
        } else {
            out.push_bind_param::<Timestamptz, _>(&self.issued_at)?;
        }
        out.push_sql(", ");
        out.push_bind_param::<SqlUuid, _>(&self.id)?;
        out.push_sql(", ");
        out.push_bind_param::<BigInt, _>(&self.job_revision)?;
        out.push_sql(", ");
        out.push_bind_param::<SqlUuid, _>(&self.source_version_id)?;
        out.push_sql(", ");
        out.push_bind_param::<Bool, _>(&self.succeeded)?;
        out.push_sql(", ");
        out.push_bind_param::<Nullable<Text>, _>(&self.message)?;
        out.push_sql(", ");
        out.push_bind_param::<Integer, _>(&self.prediction_count)?;
        out.push_sql(", ");
        out.push_bind_param::<Bytea, _>(&self.predictions_digest)?;
        out.push_sql(", ");
        out.push_bind_param::<Timestamptz, _>(&self.received_at)?;
        out.push_sql(", ");
        out.push_bind_param::<Nullable<SqlUuid>, _>(&self.replaces)?;
        out.push_sql(" FROM job");
        if self.allowance.is_some() {
            out.push_sql(" CROSS JOIN room WHERE room.is_left");
        }
        out.push_sql(
            " ON CONFLICT ON CONSTRAINT runs_pkey DO NOTHING RETURNING organisation_id, job_id, issued_at), \
             stored AS (INSERT INTO predictions (organisation_id, job_id, role, at, issued_at, value) \
             SELECT run.organisation_id, run.job_id, predicted.role, predicted.at, run.issued_at, predicted.value \
             FROM run CROSS JOIN unnest(",
        );
        out.push_bind_param::<Array<Text>, _>(&self.roles)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Timestamptz>, _>(&self.at)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Double>, _>(&self.values)?;
        out.push_sql(") AS predicted (role, at, value)");
        if let Some(allowance) = &self.allowance {
            // Last, so that others of the organisation wait for as short a time as can be: and not for the purge of the
            // job's values either, for which the triggers at the end of the statement would wait.
            out.push_sql(
                " RETURNING 1), summary AS MATERIALIZED (SELECT 1 FROM run_summaries WHERE organisation_id = ",
            );
            out.push_bind_param::<SqlUuid, _>(&self.organisation_id)?;
            out.push_sql(" AND job_id = ");
            out.push_bind_param::<SqlUuid, _>(&self.job_id)?;
            out.push_sql(" AND EXISTS (SELECT FROM run) FOR NO KEY UPDATE), used AS (");
            allowance.push_take(
                &mut out,
                |out| {
                    out.push_sql("run.organisation_id");
                    Ok(())
                },
                Some(
                    "run CROSS JOIN (SELECT count(*) FROM stored) AS values_of_run \
                     CROSS JOIN (SELECT count(*) FROM summary) AS held",
                ),
            )?;
        }
        out.push_sql(") SELECT (SELECT count(*) FROM job), (SELECT issued_at FROM run), ");
        out.push_sql(if self.allowance.is_some() { "(SELECT is_left FROM room)" } else { "true" });
        Ok(())
    }
}

// One of four statements, which are told apart by their text.
statement! { varying InsertRun<'_> => (BigInt, Nullable<Timestamptz>, IsLeft) }
