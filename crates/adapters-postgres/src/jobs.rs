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

use diesel::dsl::{count_star, exists, not};
use diesel::prelude::*;
use prediction_domain::model::{
    Allowance, BoundJobs, HealthCounts, HealthStatus, Job, JobId, JobName, JobRevision, LifecycleStage, MonitoredJob,
    OrganisationId, Page, PageRequest, Readers, Revision, RoleName, Scope, SourceVersionId, Subject, Timestamp,
    ValueProblem,
};
use prediction_domain::ports::{
    DeleteJobError, JobFilter, JobRepository, JobSetUp, JobSetUpOutcome, JobSetUpRejected, StoreFailure,
    UpdateJobError, WriteMode,
};
use uuid::Uuid;

use crate::constraints::ConstraintViolation;
use crate::database::Abort;
use crate::paging::{at_once, placed};
use crate::quotas::{self, Take};
use crate::rows::{
    JobRevisionRow, JsonList, MonitoredJobRow, StoredBinding, StoredOutput, count, read_all, read_optional, revision,
};
use crate::schema::{jobs, source_version_lifecycles};
use crate::store::PostgresStore;

use self::by_name::find_by_name;
use self::chains::BadBinding;
use self::count::{CountBoundRoles, CountJobs};
use self::find::contains;
use self::list::JobList;
use self::revisions::JobRevisions;

diesel::alias!(const others: Alias<OtherJobs> = jobs as others);

impl JobRepository for PostgresStore {
    fn find_many(&self, wanted: &[(Scope, JobId)]) -> Result<Vec<Option<Job>>, StoreFailure> {
        find::find_many(self.database(), wanted)
    }

    fn find_monitored(&self, wanted: &[(Scope, JobId)]) -> Result<Vec<Option<MonitoredJob>>, StoreFailure> {
        find::find_monitored(self.database(), wanted)
    }

    fn find_by_name(&self, organisation_id: OrganisationId, name: &JobName) -> Result<Option<Job>, StoreFailure> {
        let row = self.database().statement(|connection| find_by_name(connection, organisation_id, name))?;
        read_optional(row)
    }

    fn set_up_many(&self, plans: &[JobSetUp]) -> Vec<Result<JobSetUpOutcome, JobSetUpRejected>> {
        set_up::set_up_many(self.database(), plans)
    }

    fn list(&self, scope: &Scope, filter: &JobFilter, page: &PageRequest) -> Result<Page<MonitoredJob>, StoreFailure> {
        let Some(list) = JobList::new(scope, filter) else { return Ok(Page { items: Vec::new(), next: None }) };
        Page::filled(page, at_once::JOBS, |after, most| {
            let query = list.part(after, most);
            let rows = self.database().statement(|connection| query.clone().load::<MonitoredJobRow>(connection))?;
            placed(rows.into_iter().map(|row| {
                let number = row.sequence_number;
                (row, number)
            }))
        })
    }

    fn count_by_health(&self, scope: &Scope, filter: &JobFilter, now: Timestamp) -> Result<HealthCounts, StoreFailure> {
        let Some(query) = CountJobs::new(scope, filter, now) else { return Ok(HealthCounts::default()) };
        let counts: Vec<(i16, i64)> = self.database().statement(|connection| query.clone().load(connection))?;
        let read = |(status, number): &(i16, i64)| {
            let status = HealthStatus::of_number(*status)
                .ok_or_else(|| StoreFailure::Corrupt(format!("a job's health is {status}").into()))?;
            Ok((status, count(*number)?))
        };
        counts.iter().map(read).collect()
    }

    fn count_by_bound_roles(&self, scope: &Scope, filter: &JobFilter) -> Result<Vec<BoundJobs>, StoreFailure> {
        let Some(query) = CountBoundRoles::new(scope, filter) else { return Ok(Vec::new()) };
        let counts: Vec<(Uuid, JsonList<String>, i64)> =
            self.database().statement(|connection| query.clone().load(connection))?;
        let corrupt = |problem: ValueProblem| StoreFailure::Corrupt(problem.into());
        let read = |(version, roles, jobs): (Uuid, JsonList<String>, i64)| {
            let source_version_id = SourceVersionId::from_uuid(version).map_err(corrupt)?;
            let roles =
                roles.0.iter().map(|role| RoleName::restore(role)).collect::<Result<_, _>>().map_err(corrupt)?;
            Ok(BoundJobs { source_version_id, roles, jobs: count(jobs)? })
        };
        counts.into_iter().map(read).collect()
    }

    fn count_of_stages(&self) -> Result<BTreeMap<LifecycleStage, u64>, StoreFailure> {
        let counts: Vec<(String, i64)> = self.database().statement(|connection| {
            source_version_lifecycles::table
                .inner_join(jobs::table.on(jobs::source_version_id.eq(source_version_lifecycles::source_version_id)))
                .filter(source_version_lifecycles::stage.ne(LifecycleStage::Active.as_str()))
                .group_by(source_version_lifecycles::stage)
                .select((source_version_lifecycles::stage, count_star()))
                .load(connection)
        })?;
        let read = |(stage, number): (String, i64)| {
            let stage = LifecycleStage::parse(&stage).map_err(|problem| StoreFailure::Corrupt(problem.into()))?;
            Ok((stage, count(number)?))
        };
        counts.into_iter().map(read).collect()
    }

    fn update(
        &self,
        job: &Job,
        expected: Revision,
        allowance: Option<Allowance>,
        mode: WriteMode,
    ) -> Result<(), UpdateJobError> {
        match (self.update_within(job, expected, allowance, mode), &allowance) {
            (Err(UpdateJobError::QuotaExceeded(_)), Some(allowance)) => {
                let organisation = job.organisation_id.as_uuid();
                let used = self.database().statement(|connection| quotas::used(connection, organisation, allowance));
                Err(UpdateJobError::QuotaExceeded(allowance.exceeded(used.map_err(StoreFailure::from)?)))
            }
            (Err(UpdateJobError::OutputsInUse(_)), _) => {
                let key = (job.organisation_id.as_uuid(), job.id.as_uuid());
                let staying: Vec<Uuid> = job.outputs.iter().map(|output| output.id.as_uuid()).collect();
                let readers = self.database().statement(|connection| chains::readers(connection, key, &staying));
                let readers = Readers::try_from(readers.map_err(StoreFailure::from)?)?;
                // If there are none any more, what was to be bound is gone: the caller looks again.
                Err(if readers.jobs > 0 {
                    UpdateJobError::OutputsInUse(readers)
                } else {
                    UpdateJobError::OutputMissing
                })
            }
            (updated, _) => updated,
        }
    }

    fn revisions(
        &self,
        organisation_id: OrganisationId,
        id: JobId,
        page: &PageRequest<Revision>,
    ) -> Result<Page<JobRevision, Revision>, StoreFailure> {
        Page::filled(page, at_once::JOBS, |after: Option<Revision>, most| {
            let query = JobRevisions::new((organisation_id, id), after.map_or(0, Revision::as_i64), i64::MAX, most);
            let rows = self.database().statement(|connection| query.load::<JobRevisionRow>(connection))?;
            let revisions: Vec<JobRevision> = read_all(rows)?;
            Ok(revisions
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
        let number = revision.as_i64();
        let query = JobRevisions::new((organisation_id, id), number - 1, number, 1);
        let found = self.database().statement(|connection| query.load::<JobRevisionRow>(connection))?;
        read_optional(found.into_iter().next())
    }

    fn delete(&self, scope: &Scope, id: JobId, expected: Revision, mode: WriteMode) -> Result<(), DeleteJobError> {
        self.database().transaction(mode, |connection| {
            let candidates: Vec<(Uuid, i64)> = jobs::table
                .filter(jobs::id.eq(id.as_uuid()))
                .select((jobs::organisation_id, jobs::revision))
                .order(jobs::organisation_id)
                .load(connection)?;
            let stored = candidates.into_iter().find(|(organisation_id, _)| contains(scope, *organisation_id));
            let (organisation_id, current) = stored.ok_or(Abort::Refused(DeleteJobError::Missing))?;
            let current = revision(current)?;
            if current != expected {
                return Err(Abort::Refused(DeleteJobError::Stale { current }));
            }
            let readers = Readers::try_from(chains::readers(connection, (organisation_id, id.as_uuid()), &[])?)?;
            if readers.jobs > 0 {
                return Err(Abort::Refused(DeleteJobError::OutputsInUse(readers)));
            }
            let deleted = diesel::delete(jobs::table.find((organisation_id, id.as_uuid())))
                .filter(jobs::revision.eq(expected.as_i64()))
                .execute(connection)
                .map_err(Abort::again_after(ConstraintViolation::BoundOutput))?;
            if deleted == 0 {
                return Err(Abort::Retry);
            }
            Ok(())
        })
    }
}

impl PostgresStore {
    /// The caller, whose connection still works, asks how much of the quota is used.
    fn update_within(
        &self,
        job: &Job,
        expected: Revision,
        allowance: Option<Allowance>,
        mode: WriteMode,
    ) -> Result<(), UpdateJobError> {
        let key = (job.organisation_id.as_uuid(), job.id.as_uuid());
        let used_up = |allowance: Allowance| Abort::Refused(UpdateJobError::QuotaExceeded(allowance.exceeded(0)));
        self.database().transaction(mode, |connection| {
            if let Some(allowance) = allowance {
                // An organisation that has used up its quota writes nothing.
                let used = quotas::used(connection, key.0, &allowance)?;
                if allowance.take(Some((allowance.day, used))).is_err() {
                    let current: Option<i64> =
                        jobs::table.find(key).select(jobs::revision).first(connection).optional()?;
                    let current = revision(current.ok_or(Abort::Refused(UpdateJobError::Missing))?)?;
                    if current != expected {
                        return Err(Abort::Refused(UpdateJobError::Stale { current }));
                    }
                    return Err(used_up(allowance));
                }
            }
            let bound_anew = chains::bound_anew(connection, key, job)?;
            if !bound_anew.is_empty() {
                chains::take_turn(connection, key.0)?;
            }
            let same_name = others.filter(others.field(jobs::organisation_id).eq(key.0));
            let same_name = same_name.filter(others.field(jobs::name).eq(job.name.as_str()));
            let same_name = same_name.filter(others.field(jobs::id).ne(key.1));
            let bindings: JsonList<_> = job.role_bindings.iter().map(StoredBinding::from).collect();
            let outputs: JsonList<_> = job.outputs.iter().map(StoredOutput::from).collect();
            let changed = diesel::update(jobs::table.find(key))
                .filter(jobs::revision.eq(expected.as_i64()))
                .filter(not(exists(same_name)))
                .set((
                    jobs::source_version_id.eq(job.source_version_id.as_uuid()),
                    jobs::name.eq(job.name.as_str()),
                    jobs::active.eq(job.active),
                    jobs::activated_at.eq(job.activated_at.map(|time| time.as_datetime())),
                    jobs::role_bindings.eq(bindings),
                    jobs::outputs.eq(outputs),
                    jobs::revision.eq(job.revision.as_i64()),
                    jobs::updated_at.eq(job.updated_at.as_datetime()),
                    jobs::updated_by.eq(job.updated_by.as_ref().map(Subject::as_str)),
                ))
                .execute(connection)
                .map_err(|error| match ConstraintViolation::of(&error) {
                    Some(ConstraintViolation::JobName) => Abort::Retry,
                    Some(ConstraintViolation::VersionOfJob) => Abort::Refused(UpdateJobError::VersionMissing),
                    // Who reads them is asked when this transaction is undone.
                    Some(ConstraintViolation::BoundOutput) => {
                        Abort::Refused(UpdateJobError::OutputsInUse(Readers::default()))
                    }
                    _ => Abort::Statement(error),
                })?;
            if changed == 1 {
                if !bound_anew.is_empty() {
                    chains::judge(connection, key, &bound_anew)?.map_err(|bad| {
                        Abort::Refused(match bad {
                            BadBinding::OutputMissing => UpdateJobError::OutputMissing,
                            BadBinding::Cycle => UpdateJobError::Cycle,
                        })
                    })?;
                }
                return match allowance {
                    Some(allowance) if !Take::new(job.organisation_id, allowance).run(connection)? => {
                        Err(used_up(allowance))
                    }
                    _ => Ok(()),
                };
            }
            let current: Option<i64> = jobs::table.find(key).select(jobs::revision).first(connection).optional()?;
            let current = revision(current.ok_or(Abort::Refused(UpdateJobError::Missing))?)?;
            if current != expected {
                return Err(Abort::Refused(UpdateJobError::Stale { current }));
            }
            match find_by_name(connection, job.organisation_id, &job.name)? {
                Some(taken) if taken.id != key.1 => {
                    Err(Abort::Refused(UpdateJobError::NameTaken(Box::new(Job::try_from(taken)?))))
                }
                _ => Err(Abort::Retry),
            }
        })
    }
}
