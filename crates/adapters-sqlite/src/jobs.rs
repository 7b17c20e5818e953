//! Jobs. Each is one row, its bindings and outputs included.

mod by_health;
mod by_input;
mod by_name;
pub(crate) mod chains;
mod conditions;
mod count;
pub(crate) mod delete;
mod find;
pub(crate) mod insert;
mod judgements;
mod list;
mod listed;
pub(crate) mod monitoring;
mod revisions;
mod set_up;
pub(crate) mod update;

use std::collections::BTreeMap;

use diesel::prelude::*;
use prediction_domain::model::{
    Allowance, BoundJobs, HealthCounts, Job, JobGrouping, JobId, JobName, JobRevision, LifecycleStage, MonitoredJob,
    OrganisationId, Page, PageRequest, Position, Revision, Scope, Timestamp,
};
use prediction_domain::ports::{
    DeleteJobError, JobFilter, JobGroup, JobRepository, JobSetUp, JobSetUpOutcome, JobSetUpRejected, ListedNames,
    StoreFailure, UpdateJobError, WriteMode,
};

use crate::failure::OrStoreFailure as _;
use crate::jobs::by_name::find_by_name;
use crate::jobs::conditions::Part;
use crate::paging::at_once;
use crate::quotas::take;
use crate::schema::{jobs, source_version_lifecycles};
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

    fn names(
        &self,
        scope: &Scope,
        filter: &JobFilter,
        after: Option<Position>,
        most: usize,
    ) -> Result<ListedNames, StoreFailure> {
        list::names(&mut *self.reader()?, scope, filter, Part { after, most })
    }

    fn count_each_by_health(
        &self,
        scope: &Scope,
        filter: &JobFilter,
        grouping: JobGrouping,
        now: Timestamp,
    ) -> Result<BTreeMap<JobGroup, HealthCounts>, StoreFailure> {
        count::count_each_by_health(&mut *self.reader()?, scope, filter, grouping, now)
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
            update::judge_revision(connection, job, expected)?;
            if let Err(exceeded) = take(connection, job.organisation_id, allowance).or_store_failure()? {
                return Err(UpdateJobError::QuotaExceeded(exceeded));
            }
            if update::replace(connection, job)? && chains::closes_cycle(connection, job)? {
                return Err(UpdateJobError::Cycle);
            }
            Ok(())
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
        self.write(mode, |connection| delete::delete(connection, scope, id, expected))
    }
}
