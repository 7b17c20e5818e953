//! Jobs. Each is one row, its bindings and outputs included.

mod by_health;
mod by_input;
mod by_name;
mod chains;
mod conditions;
mod count;
pub(crate) mod delete;
mod find;
mod insert;
mod judgements;
mod list;
pub(crate) mod monitoring;
mod revisions;
mod set_up;
pub(crate) mod store_many;
pub(crate) mod update;

use std::collections::BTreeMap;

use diesel::dsl::count_star;
use diesel::prelude::*;
use prediction_domain::model::{
    Allowance, BoundJobs, HealthCounts, HealthStatus, Job, JobGrouping, JobId, JobName, JobRevision, LifecycleStage,
    MonitoredJob, OrganisationId, Page, PageRequest, Position, Revision, RoleName, Scope, SourceVersionId, Timestamp,
    ValueProblem,
};
use prediction_domain::ports::{
    DeleteJobError, JobFilter, JobGroup, JobRepository, JobSetUp, JobSetUpOutcome, JobSetUpRejected, ListedName,
    ListedNames, StoreFailure, UpdateJobError, WriteMode,
};
use uuid::Uuid;

use crate::paging::{at_once, placed};
use crate::rows::{JobRevisionRow, JsonList, MonitoredJobRow, count, read_all, read_optional};
use crate::schema::{jobs, source_version_lifecycles};
use crate::store::PostgresStore;

pub(crate) use self::chains::take_turn;

use self::by_name::find_by_name;
use self::count::{CountBoundRoles, CountEachGroup, CountJobs};
use self::list::{JobList, JobNames};
use self::revisions::JobRevisions;

/// How many jobs are of a health.
fn counted(status: i16, number: i64) -> Result<(HealthStatus, u64), StoreFailure> {
    let status = HealthStatus::of_number(status)
        .ok_or_else(|| StoreFailure::Corrupt(format!("a job's health is {status}").into()))?;
    Ok((status, count(number)?))
}

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
        let Some(list) = JobList::new(scope, filter, self.database().is_distributed()?) else {
            return Ok(Page { items: Vec::new(), next: None });
        };
        Page::filled(page, at_once::JOBS, |after, most| {
            let query = list.part(after, most);
            let rows = self.database().statement(|connection| query.clone().load::<MonitoredJobRow>(connection))?;
            placed(rows.into_iter().map(|row| {
                let number = row.sequence_number;
                (row, number)
            }))
        })
    }

    fn names(
        &self,
        scope: &Scope,
        filter: &JobFilter,
        after: Option<Position>,
        most: usize,
    ) -> Result<ListedNames, StoreFailure> {
        let Some(list) = JobList::new(scope, filter, self.database().is_distributed()?) else {
            return Ok(ListedNames::default());
        };
        let (query, limit) = JobNames::new(&list, after, most);
        let rows: Vec<(Uuid, Uuid, String, i64)> =
            self.database().statement(|connection| query.clone().load(connection))?;
        let corrupt = |problem: ValueProblem| StoreFailure::Corrupt(problem.into());
        let read = |(organisation, id, name, number): (Uuid, Uuid, String, i64)| {
            Ok(ListedName {
                organisation_id: OrganisationId::from_uuid(organisation).map_err(corrupt)?,
                id: JobId::from_uuid(id).map_err(corrupt)?,
                name: JobName::restore(&name).map_err(corrupt)?,
                position: Position::behind(number),
            })
        };
        let names = rows.into_iter().map(read).collect::<Result<Vec<ListedName>, StoreFailure>>()?;
        let mut parts: BTreeMap<Option<OrganisationId>, Vec<ListedName>> = BTreeMap::new();
        for named in names {
            let part = query.is_of_several().then_some(named.organisation_id);
            parts.entry(part).or_default().push(named);
        }
        Ok(ListedNames::merged(parts.into_values(), limit))
    }

    fn count_by_health(&self, scope: &Scope, filter: &JobFilter, now: Timestamp) -> Result<HealthCounts, StoreFailure> {
        let Some(query) = CountJobs::new(scope, filter, now, self.database().is_distributed()?) else {
            return Ok(HealthCounts::default());
        };
        let counts: Vec<(i16, i64)> = self.database().statement(|connection| query.clone().load(connection))?;
        counts.iter().map(|(status, number)| counted(*status, *number)).collect()
    }

    fn count_each_by_health(
        &self,
        scope: &Scope,
        filter: &JobFilter,
        grouping: JobGrouping,
        now: Timestamp,
    ) -> Result<BTreeMap<JobGroup, HealthCounts>, StoreFailure> {
        let Some(query) = CountEachGroup::new(scope, filter, grouping, now, self.database().is_distributed()?) else {
            return Ok(BTreeMap::new());
        };
        let counts: Vec<(Uuid, i16, i64)> = self.database().statement(|connection| query.clone().load(connection))?;
        let mut groups: BTreeMap<JobGroup, HealthCounts> = BTreeMap::new();
        let corrupt = |problem: ValueProblem| StoreFailure::Corrupt(problem.into());
        for (id, status, number) in counts {
            let group = JobGroup::parse(grouping, &id.to_string()).map_err(corrupt)?;
            groups.entry(group).or_default().extend([counted(status, number)?]);
        }
        Ok(groups)
    }

    fn count_by_bound_roles(&self, scope: &Scope, filter: &JobFilter) -> Result<Vec<BoundJobs>, StoreFailure> {
        let Some(query) = CountBoundRoles::new(scope, filter, self.database().is_distributed()?) else {
            return Ok(Vec::new());
        };
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
        update::update(self.database(), job, expected, allowance, mode)
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
        self.database().transaction(mode, |connection| delete::delete(connection, scope, id, expected))
    }
}
