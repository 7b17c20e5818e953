//! Storing many new jobs within a transaction.

use std::collections::BTreeSet;

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Uuid as SqlUuid};
use prediction_domain::model::{Job, OutputId};
use uuid::Uuid;

use super::insert::{InsertJobs, InsertManagedJobs};

/// How many jobs go into one statement at the most.
const AT_ONCE: usize = 1_000;

/// New jobs that are stored together, by one statement.
///
/// None reads outputs of another one of them: the triggers write down the outputs of new jobs at the end of a
/// statement, and what these read is looked for there.
#[derive(Debug, Default)]
pub(crate) struct Together<'a> {
    jobs: Vec<&'a Job>,
    outputs: BTreeSet<OutputId>,
}

impl<'a> Together<'a> {
    /// Whether this job can be one of them.
    pub(crate) fn takes(&self, job: &Job) -> bool {
        self.jobs.len() < AT_ONCE && self.outputs.is_disjoint(&job.role_bindings.outputs())
    }

    pub(crate) fn add(&mut self, job: &'a Job) {
        self.jobs.push(job);
        self.outputs.extend(job.outputs.iter().map(|output| output.id));
    }

    /// Stores them; `false` when a name is taken, or an output that one is to be bound to is not there.
    pub(crate) fn store(self, connection: &mut PgConnection) -> QueryResult<bool> {
        let Self { jobs, .. } = self;
        if jobs.is_empty() {
            return Ok(true);
        }
        let stored: Vec<(Uuid, Uuid)> = if jobs.iter().any(|job| job.management.is_some()) {
            InsertManagedJobs::new(&jobs).load(connection)?
        } else {
            InsertJobs::new(jobs.iter().copied()).load(connection)?
        };
        Ok(stored.len() == jobs.len() && are_bound(connection, &jobs)?)
    }
}

/// Whether new jobs, which were stored just now, are bound to all outputs that they read.
pub(super) fn are_bound(connection: &mut PgConnection, jobs: &[&Job]) -> QueryResult<bool> {
    #[derive(QueryableByName)]
    struct Bound {
        #[diesel(sql_type = BigInt)]
        outputs: i64,
    }
    let readers: Vec<&Job> = jobs.iter().copied().filter(|job| job.role_bindings.have_outputs()).collect();
    if readers.is_empty() {
        return Ok(true);
    }
    let wanted: usize = readers.iter().map(|job| job.role_bindings.outputs().len()).sum();
    let (organisations, ids): (Vec<Uuid>, Vec<Uuid>) =
        readers.iter().map(|job| (job.organisation_id.as_uuid(), job.id.as_uuid())).unzip();
    let bound: Bound = sql_query(
        "SELECT count(*) AS outputs FROM unnest($1, $2) AS reader (organisation_id, id) JOIN bound_outputs \
         ON bound_outputs.organisation_id = reader.organisation_id AND bound_outputs.job_id = reader.id",
    )
    .bind::<Array<SqlUuid>, _>(organisations)
    .bind::<Array<SqlUuid>, _>(ids)
    .get_result(connection)?;
    Ok(usize::try_from(bound.outputs).is_ok_and(|bound| bound == wanted))
}
