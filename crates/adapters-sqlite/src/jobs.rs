//! Jobs. Each is one row, its bindings and outputs included.

mod by_health;
mod by_input;
mod by_name;
mod chains;
mod conditions;
mod count;
mod find;
mod insert;
mod judgements;
mod list;
pub(crate) mod monitoring;
mod revisions;
mod set_up;

use std::collections::BTreeMap;

use diesel::prelude::*;
use prediction_domain::model::{
    Allowance, BoundJobs, HealthCounts, Job, JobId, JobName, JobRevision, LifecycleStage, MonitoredJob, OrganisationId,
    OutputId, Page, PageRequest, Revision, Scope, Timestamp,
};
use prediction_domain::ports::{
    DeleteJobError, JobFilter, JobRepository, JobSetUp, JobSetUpOutcome, JobSetUpRejected, StoreFailure,
    UpdateJobError, WriteMode,
};

use crate::constraints::{ConstraintViolation, refused};
use crate::failure::OrStoreFailure as _;
use crate::jobs::by_name::find_by_name;
use crate::paging::at_once;
use crate::quotas::take;
use crate::rows::{JobChanges, job_organisation, stored_revision};
use crate::schema::{jobs, source_version_lifecycles, source_versions};
use crate::store::SqliteStore;

impl JobRepository for SqliteStore {
    fn find_many(&self, wanted: &[(Scope, JobId)]) -> Result<Vec<Option<Job>>, StoreFailure> {
        find::find_many(&mut *self.reader()?, wanted)
    }

    fn find_monitored(&self, wanted: &[(Scope, JobId)]) -> Result<Vec<Option<MonitoredJob>>, StoreFailure> {
        find::find_monitored(&mut *self.reader()?, wanted)
    }

    fn find_by_name(&self, organisation_id: OrganisationId, name: &JobName) -> Result<Option<Job>, StoreFailure> {
        find_by_name(&mut *self.reader()?, organisation_id, name)
    }

    fn set_up_many(&self, plans: &[JobSetUp]) -> Vec<Result<JobSetUpOutcome, JobSetUpRejected>> {
        set_up::set_up_many(self, plans)
    }

    fn list(&self, scope: &Scope, filter: &JobFilter, page: &PageRequest) -> Result<Page<MonitoredJob>, StoreFailure> {
        list::list(&mut *self.reader()?, scope, filter, page)
    }

    fn count_by_health(&self, scope: &Scope, filter: &JobFilter, now: Timestamp) -> Result<HealthCounts, StoreFailure> {
        count::count_by_health(&mut *self.reader()?, scope, filter, now)
    }

    fn count_by_bound_roles(&self, scope: &Scope, filter: &JobFilter) -> Result<Vec<BoundJobs>, StoreFailure> {
        count::count_by_bound_roles(&mut *self.reader()?, scope, filter)
    }

    fn count_of_stages(&self) -> Result<BTreeMap<LifecycleStage, u64>, StoreFailure> {
        let mut reader = self.reader()?;
        let retired: Vec<(String, String)> = source_version_lifecycles::table
            .filter(source_version_lifecycles::stage.ne(LifecycleStage::Active.as_str()))
            .select((source_version_lifecycles::stage, source_version_lifecycles::source_version_id))
            .load(&mut *reader)
            .or_store_failure()?;
        let mut counts = BTreeMap::new();
        // Not a join: SQLite, which keeps no statistics here, might walk through all jobs.
        for (stage, version) in retired {
            let stage = LifecycleStage::parse(&stage).map_err(|problem| StoreFailure::Corrupt(problem.into()))?;
            let jobs = jobs::table.filter(jobs::source_version_id.eq(version)).count();
            let count: i64 = jobs.get_result(&mut *reader).or_store_failure()?;
            *counts.entry(stage).or_insert(0) += count.unsigned_abs();
        }
        Ok(counts)
    }

    fn update(
        &self,
        job: &Job,
        expected: Revision,
        allowance: Option<Allowance>,
        mode: WriteMode,
    ) -> Result<(), UpdateJobError> {
        self.write(mode, |connection| {
            let current = revision(connection, job)?.ok_or(UpdateJobError::Missing)?;
            if current != expected {
                return Err(UpdateJobError::Stale { current });
            }
            if let Err(exceeded) = take(connection, job.organisation_id, allowance).or_store_failure()? {
                return Err(UpdateJobError::QuotaExceeded(exceeded));
            }
            let bound_anew = chains::bound_anew(connection, job)?;
            match update(connection, job).or_store_failure()? {
                Ok(()) => {
                    if !chains::are_there(connection, job.organisation_id, &bound_anew).or_store_failure()? {
                        return Err(UpdateJobError::OutputMissing);
                    }
                    if !bound_anew.is_empty() && chains::closes_cycle(connection, job)? {
                        return Err(UpdateJobError::Cycle);
                    }
                    Ok(())
                }
                Err(refusal @ ConstraintViolation::Taken) => {
                    Err(find_by_name(connection, job.organisation_id, &job.name)?.map_or_else(
                        || StoreFailure::from(refusal).into(),
                        |taken| UpdateJobError::NameTaken(Box::new(taken)),
                    ))
                }
                // SQLite does not say which reference.
                Err(ConstraintViolation::Reference) => {
                    let staying: Vec<OutputId> = job.outputs.iter().map(|output| output.id).collect();
                    let readers = chains::readers(connection, job.organisation_id, job.id, &staying)?;
                    if readers.jobs > 0 && has_version(connection, job).or_store_failure()? {
                        return Err(UpdateJobError::OutputsInUse(readers));
                    }
                    Err(UpdateJobError::VersionMissing)
                }
                Err(refusal) => Err(StoreFailure::from(refusal).into()),
            }
        })
    }

    fn revisions(
        &self,
        organisation_id: OrganisationId,
        id: JobId,
        page: &PageRequest<Revision>,
    ) -> Result<Page<JobRevision, Revision>, StoreFailure> {
        let mut reader = self.reader()?;
        Page::filled(page, at_once::JOBS, |after, most| {
            let found = revisions::list(&mut reader, organisation_id, id, after, most)?;
            Ok(found
                .into_iter()
                .map(|revision| {
                    let place = revision.revision;
                    (revision, place)
                })
                .collect())
        })
    }

    fn revision(
        &self,
        organisation_id: OrganisationId,
        id: JobId,
        revision: Revision,
    ) -> Result<Option<JobRevision>, StoreFailure> {
        revisions::find(&mut *self.reader()?, organisation_id, id, revision)
    }

    fn delete(&self, scope: &Scope, id: JobId, expected: Revision, mode: WriteMode) -> Result<(), DeleteJobError> {
        self.write(mode, |connection| {
            let (organisation_id, current) = revision_in(connection, scope, id)?.ok_or(DeleteJobError::Missing)?;
            if current != expected {
                return Err(DeleteJobError::Stale { current });
            }
            let readers = chains::readers(connection, organisation_id, id, &[])?;
            if readers.jobs > 0 {
                return Err(DeleteJobError::OutputsInUse(readers));
            }
            diesel::delete(jobs::table.filter(jobs::id.eq(id.to_string()))).execute(connection).or_store_failure()?;
            Ok(())
        })
    }
}

/// The version is not looked up: with the stored source, it has to satisfy the composite foreign key.
fn update(connection: &mut SqliteConnection, job: &Job) -> QueryResult<Result<(), ConstraintViolation>> {
    let row = jobs::table.find((job.organisation_id.to_string(), job.id.to_string()));
    refused(diesel::update(row).set(JobChanges::from(job)).execute(connection).map(drop))
}

fn revision(connection: &mut SqliteConnection, job: &Job) -> Result<Option<Revision>, StoreFailure> {
    let row = jobs::table.find((job.organisation_id.to_string(), job.id.to_string())).select(jobs::revision);
    stored_revision("jobs", &job.id, row.first(connection).optional().or_store_failure()?)
}

/// Whether there is the version that a job is to run, of its source.
fn has_version(connection: &mut SqliteConnection, job: &Job) -> QueryResult<bool> {
    let version = source_versions::table
        .filter(source_versions::id.eq(job.source_version_id.to_string()))
        .filter(source_versions::source_id.eq(job.source_id.to_string()));
    diesel::select(diesel::dsl::exists(version)).get_result(connection)
}

/// The revision of a job, and whose it is.
fn revision_in(
    connection: &mut SqliteConnection,
    scope: &Scope,
    id: JobId,
) -> Result<Option<(OrganisationId, Revision)>, StoreFailure> {
    let row = jobs::table.filter(jobs::id.eq(id.to_string())).select((jobs::organisation_id, jobs::revision));
    let Some((organisation_id, number)) = row.first::<(String, i64)>(connection).optional().or_store_failure()? else {
        return Ok(None);
    };
    let organisation_id = job_organisation(id, &organisation_id)?;
    if !scope.contains(organisation_id) {
        return Ok(None);
    }
    Ok(stored_revision("jobs", &id, Some(number))?.map(|revision| (organisation_id, revision)))
}
