//! Storing many new jobs within a transaction.

use std::collections::BTreeSet;

use diesel::prelude::*;
use prediction_domain::model::{Job, OutputId};
use uuid::Uuid;

use super::chains;
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
        Ok(stored.len() == jobs.len() && chains::are_bound(connection, &jobs)?)
    }
}
