//! Which jobs read outputs of which others.
//!
//! Triggers keep `outputs` and `bound_outputs` with the rows of jobs. What no trigger can judge is judged here, in the
//! transaction of the change: whether all outputs are there, and whether a job comes to read its own. Changes of that
//! kind take turns within an organisation, so that each sees what the others did; all other changes pay nothing.

mod on_servers;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Bool, Integer, Jsonb, Nullable, SmallInt, Text, Uuid as SqlUuid};
use prediction_domain::model::{
    ChainLink, Health, HealthStatus, Job, JobId, JobName, JobOutput, JobsInUse, Metric, OrganisationId, Output,
    OutputId, Readers, RoleName, Scope, SourceVersionId, Timestamp, Unit, ValueProblem,
};
use prediction_domain::ports::{ChainRepository, JobFilter, StoreFailure};
use uuid::Uuid;

use super::conditions::Conditions;
use super::find::contains;
use super::monitoring;
use crate::distributed::push_only;
use crate::paging::limit;
use crate::rows::{JsonList, count};
use crate::schema::bound_outputs;
use crate::statement::statement;
use crate::store::PostgresStore;

impl ChainRepository for PostgresStore {
    fn find_outputs(&self, wanted: &[(Scope, OutputId)]) -> Result<Vec<Option<JobOutput>>, StoreFailure> {
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let rows: Vec<OutputRow> = match keys(wanted) {
            Some(keys) if self.database().is_distributed()? => on_servers::find_outputs(self.database(), keys)?,
            Some(keys) => {
                let (ids, organisations): (Vec<Uuid>, Vec<Uuid>) = keys.into_iter().unzip();
                let query = format!(
                    "{OUTPUT} FROM unnest($1, $2) AS wanted (id, organisation_id) JOIN outputs ON outputs.id = wanted.id \
                     AND outputs.organisation_id = wanted.organisation_id {WITH_JOB}"
                );
                self.database().statement(|connection| {
                    let query = sql_query(&query).bind::<Array<SqlUuid>, _>(&ids);
                    query.bind::<Array<SqlUuid>, _>(&organisations).load(connection)
                })?
            }
            None => {
                let ids: Vec<Uuid> = wanted.iter().map(|(_, id)| id.as_uuid()).collect();
                let query = format!("{OUTPUT} FROM outputs {WITH_JOB} WHERE outputs.id = ANY ($1)");
                self.database()
                    .statement(|connection| sql_query(&query).bind::<Array<SqlUuid>, _>(&ids).load(connection))?
            }
        };
        let mut by_id: BTreeMap<Uuid, Vec<&OutputRow>> = BTreeMap::new();
        for row in &rows {
            by_id.entry(row.id).or_default().push(row);
        }
        let find = |(scope, id): &(Scope, OutputId)| {
            let rows = by_id.get(&id.as_uuid());
            let visible = rows.into_iter().flatten().find(|row| contains(scope, row.organisation_id));
            visible.map(|row| JobOutput::try_from(*row)).transpose()
        };
        wanted.iter().map(find).collect()
    }

    fn readers_of(
        &self,
        organisation_id: OrganisationId,
        jobs: &BTreeSet<JobId>,
        most: usize,
    ) -> Result<Vec<JobId>, StoreFailure> {
        let upstream: Vec<Uuid> = jobs.iter().map(JobId::as_uuid).collect();
        let rows: Vec<FoundJob> = self.database().statement(|connection| {
            sql_query(
                "SELECT DISTINCT reader.job_id FROM unnest($2) AS upstream (id) CROSS JOIN LATERAL (\
                 SELECT DISTINCT job_id FROM bound_outputs WHERE organisation_id = $1 AND upstream_job_id = upstream.id \
                 ORDER BY job_id LIMIT $3) AS reader ORDER BY job_id LIMIT $3",
            )
            .bind::<SqlUuid, _>(organisation_id.as_uuid())
            .bind::<Array<SqlUuid>, _>(&upstream)
            .bind::<BigInt, _>(limit(most))
            .load(connection)
        })?;
        rows.into_iter().map(|row| job_id(row.job_id)).collect()
    }

    fn count_readers(&self, organisation_id: OrganisationId, id: JobId) -> Result<Readers, StoreFailure> {
        let key = (organisation_id.as_uuid(), id.as_uuid());
        let row = self.database().statement(|connection| readers(connection, key, &[]))?;
        row.try_into()
    }

    fn links_between(
        &self,
        organisation_id: OrganisationId,
        from: &BTreeSet<JobId>,
        to: JobId,
    ) -> Result<Vec<ChainLink>, StoreFailure> {
        let from: Vec<Uuid> = from.iter().map(JobId::as_uuid).collect();
        let (organisation, to) = (organisation_id.as_uuid(), to.as_uuid());
        if !self.database().statement(|connection| leads_to(connection, organisation, &from, to))? {
            return Ok(Vec::new());
        }
        let rows: Vec<Link> = self.database().statement(|connection| {
            sql_query(LINKS)
                .bind::<SqlUuid, _>(organisation)
                .bind::<Array<SqlUuid>, _>(&from)
                .bind::<SqlUuid, _>(to)
                .load(connection)
        })?;
        let link =
            |row: Link| Ok(ChainLink { job_id: job_id(row.job_id)?, upstream_job_id: job_id(row.upstream_job_id)? });
        rows.into_iter().map(link).collect()
    }

    fn outputs_in_use(&self, wanted: &[(OrganisationId, JobId)]) -> Result<Vec<BTreeSet<OutputId>>, StoreFailure> {
        if self.database().is_distributed()? {
            return on_servers::outputs_in_use(self.database(), wanted);
        }
        let (organisations, jobs) = columns(wanted);
        let rows: Vec<ReadOutput> = self.database().statement(|connection| {
            sql_query(
                "SELECT wanted.place, read.output_id FROM unnest($1, $2) WITH ORDINALITY \
                 AS wanted (organisation_id, job_id, place) CROSS JOIN LATERAL (\
                 SELECT (output ->> 'id')::uuid AS output_id FROM jobs CROSS JOIN LATERAL \
                 jsonb_array_elements(jobs.outputs) AS output WHERE jobs.organisation_id = wanted.organisation_id \
                 AND jobs.id = wanted.job_id AND EXISTS (SELECT FROM bound_outputs \
                 WHERE output_id = (output ->> 'id')::uuid AND organisation_id = wanted.organisation_id OFFSET 0) \
                 OFFSET 0) AS read",
            )
            .bind::<Array<SqlUuid>, _>(&organisations)
            .bind::<Array<SqlUuid>, _>(&jobs)
            .load(connection)
        })?;
        let mut found = vec![BTreeSet::new(); wanted.len()];
        for row in rows {
            at(&mut found, row.place)?.insert(OutputId::from_uuid(row.output_id).map_err(corrupt)?);
        }
        Ok(found)
    }

    fn count_jobs_in_use(&self, scope: &Scope, filter: &JobFilter) -> Result<Vec<JobsInUse>, StoreFailure> {
        let is_distributed = self.database().is_distributed()?;
        let Some(conditions) = Conditions::new(scope, filter, is_distributed) else { return Ok(Vec::new()) };
        let query = CountJobsInUse { conditions };
        let counts: Vec<(Uuid, JsonList<String>, JsonList<String>, i64)> =
            self.database().statement(|connection| query.clone().load(connection))?;
        let roles = |roles: JsonList<String>| -> Result<Vec<RoleName>, StoreFailure> {
            roles.0.iter().map(|role| RoleName::restore(role)).collect::<Result<_, _>>().map_err(corrupt)
        };
        let read = |(version, bound, read, jobs)| {
            let source_version_id = SourceVersionId::from_uuid(version).map_err(corrupt)?;
            Ok(JobsInUse { source_version_id, roles: roles(bound)?, outputs: roles(read)?, jobs: count(jobs)? })
        };
        counts.into_iter().map(read).collect()
    }

    fn blocking(&self, wanted: &[(OrganisationId, JobId)], now: Timestamp) -> Result<Vec<Vec<JobId>>, StoreFailure> {
        let mut found = vec![Vec::new(); wanted.len()];
        for (places, query) in Blocking::of(wanted, now, self.database().is_distributed()?) {
            let rows: Vec<(i64, Uuid)> = self.database().statement(|connection| query.clone().load(connection))?;
            for (place, id) in rows {
                let place = usize::try_from(place - 1).ok().and_then(|place| places.get(place));
                let place = place.ok_or_else(|| StoreFailure::Corrupt("the answer is to another question".into()))?;
                found[*place].push(job_id(id)?);
            }
        }
        Ok(found)
    }
}

/// The outputs to which a job that is to be stored would be bound, and is not yet.
pub(super) fn bound_anew(connection: &mut PgConnection, key: (Uuid, Uuid), job: &Job) -> QueryResult<Vec<Uuid>> {
    let bound = job.role_bindings.outputs();
    if bound.is_empty() {
        return Ok(Vec::new());
    }
    let before: Vec<BoundOutput> = sql_query(
        "SELECT (binding ->> 'input_id')::uuid AS output_id FROM jobs CROSS JOIN LATERAL \
         jsonb_array_elements(jobs.role_bindings) AS binding \
         WHERE organisation_id = $1 AND id = $2 AND binding ->> 'input_type' = 'output'",
    )
    .bind::<SqlUuid, _>(key.0)
    .bind::<SqlUuid, _>(key.1)
    .load(connection)?;
    let is_new = |id: &Uuid| before.iter().all(|bound| bound.output_id != *id);
    Ok(bound.iter().map(OutputId::as_uuid).filter(is_new).collect())
}

#[derive(Debug, QueryableByName)]
struct BoundOutput {
    #[diesel(sql_type = SqlUuid)]
    output_id: Uuid,
}

/// Waits until no other transaction binds outputs in this organisation, and keeps others from it until this one ends.
pub(crate) fn take_turn(connection: &mut PgConnection, organisation: Uuid) -> QueryResult<()> {
    sql_query("SELECT pg_advisory_xact_lock($1, hashtext($2))")
        .bind::<Integer, _>(TURNS)
        .bind::<Text, _>(organisation.to_string())
        .execute(connection)
        .map(drop)
}

/// Tells the locks of [`take_turn`] from others: an arbitrary number. Two organisations with the same hash take turns
/// with each other, which does no harm.
const TURNS: i32 = 0x6368_6169;

/// Whether a job that was stored just now is bound to all of these outputs.
pub(super) fn is_bound_to(connection: &mut PgConnection, key: (Uuid, Uuid), ids: &[Uuid]) -> QueryResult<bool> {
    if ids.is_empty() {
        return Ok(true);
    }
    let of_job = bound_outputs::organisation_id.eq(key.0).and(bound_outputs::job_id.eq(key.1));
    let bound = bound_outputs::table.filter(of_job).filter(bound_outputs::output_id.eq_any(ids)).count();
    let bound: i64 = bound.get_result(connection)?;
    Ok(usize::try_from(bound).is_ok_and(|bound| bound == ids.len()))
}

/// Whether a stored job reads its own output, over whatever others. To be called after [`take_turn`].
pub(super) fn closes_cycle(connection: &mut PgConnection, key: (Uuid, Uuid)) -> QueryResult<bool> {
    let upstream: Vec<Uuid> = bound_outputs::table
        .filter(bound_outputs::organisation_id.eq(key.0))
        .filter(bound_outputs::job_id.eq(key.1))
        .select(bound_outputs::upstream_job_id)
        .distinct()
        .load(connection)?;
    leads_to(connection, key.0, &upstream, key.1)
}

/// The jobs that read outputs of a job, but for those that stay.
pub(super) fn readers(connection: &mut PgConnection, key: (Uuid, Uuid), staying: &[Uuid]) -> QueryResult<ReadersRow> {
    sql_query(format!(
        "WITH readers AS (SELECT DISTINCT job_id FROM bound_outputs WHERE organisation_id = $1 AND upstream_job_id = $2 \
         AND output_id <> ALL ($3)) SELECT (SELECT count(*) FROM readers) AS jobs, \
         ARRAY(SELECT job_id FROM readers ORDER BY job_id LIMIT {}) AS first",
        Readers::MAX_NAMED
    ))
    .bind::<SqlUuid, _>(key.0)
    .bind::<SqlUuid, _>(key.1)
    .bind::<Array<SqlUuid>, _>(staying)
    .get_result(connection)
}

#[derive(Debug, QueryableByName)]
pub(crate) struct ReadersRow {
    #[diesel(sql_type = BigInt)]
    jobs: i64,
    #[diesel(sql_type = Array<SqlUuid>)]
    first: Vec<Uuid>,
}

impl TryFrom<ReadersRow> for Readers {
    type Error = StoreFailure;

    fn try_from(row: ReadersRow) -> Result<Self, StoreFailure> {
        Ok(Self { jobs: count(row.jobs)?, first: row.first.into_iter().map(job_id).collect::<Result<_, _>>()? })
    }
}

#[derive(Debug, QueryableByName)]
struct FoundJob {
    #[diesel(sql_type = SqlUuid)]
    job_id: Uuid,
}

#[derive(Debug, QueryableByName)]
struct Link {
    #[diesel(sql_type = SqlUuid)]
    job_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    upstream_job_id: Uuid,
}

#[derive(Debug, QueryableByName)]
struct ReadOutput {
    #[diesel(sql_type = BigInt)]
    place: i64,
    #[diesel(sql_type = SqlUuid)]
    output_id: Uuid,
}

/// The keys of these outputs, each in each organisation of its scope: what is outside is not looked at, so that it
/// takes as long as what there is not. `None` if a scope has all organisations.
fn keys(wanted: &[(Scope, OutputId)]) -> Option<BTreeSet<(Uuid, Uuid)>> {
    let mut keys = BTreeSet::new();
    for (scope, id) in wanted {
        let Scope::Organisations(organisations) = scope else { return None };
        keys.extend(organisations.iter().map(|organisation| (id.as_uuid(), organisation.as_uuid())));
    }
    Some(keys)
}

/// Outputs, each with its job, and nothing else of that.
const OUTPUT: &str = "SELECT outputs.id, outputs.organisation_id, outputs.job_id, jobs.name AS job_name, \
    jobs.source_version_id, found.output ->> 'role' AS role, found.output ->> 'metric' AS metric, \
    found.output ->> 'unit' AS unit";

const WITH_JOB: &str = "JOIN jobs ON jobs.organisation_id = outputs.organisation_id AND jobs.id = outputs.job_id \
    CROSS JOIN LATERAL (SELECT output FROM jsonb_array_elements(jobs.outputs) AS output \
    WHERE output ->> 'id' = outputs.id::text LIMIT 1) AS found";

#[derive(Debug, QueryableByName)]
struct OutputRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    organisation_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    job_id: Uuid,
    #[diesel(sql_type = Text)]
    job_name: String,
    #[diesel(sql_type = SqlUuid)]
    source_version_id: Uuid,
    #[diesel(sql_type = Text)]
    role: String,
    #[diesel(sql_type = Text)]
    metric: String,
    #[diesel(sql_type = Nullable<Text>)]
    unit: Option<String>,
}

impl TryFrom<&OutputRow> for JobOutput {
    type Error = StoreFailure;

    fn try_from(row: &OutputRow) -> Result<Self, StoreFailure> {
        let read = || {
            Ok(Self {
                output: Output {
                    id: OutputId::from_uuid(row.id)?,
                    role: RoleName::restore(&row.role)?,
                    metric: Metric::restore(&row.metric)?,
                    unit: row.unit.as_deref().map(Unit::restore).transpose()?,
                },
                organisation_id: OrganisationId::from_uuid(row.organisation_id)?,
                job_id: JobId::from_uuid(row.job_id)?,
                job_name: JobName::restore(&row.job_name)?,
                source_version_id: SourceVersionId::from_uuid(row.source_version_id)?,
            })
        };
        read().map_err(corrupt)
    }
}

/// Whether a way upstream from one of these jobs leads to another one, or begins at it. Each step looks the links of a
/// job up: without OFFSET, PostgreSQL might read all links at each step.
fn leads_to(connection: &mut PgConnection, organisation: Uuid, from: &[Uuid], to: Uuid) -> QueryResult<bool> {
    #[derive(QueryableByName)]
    struct Found {
        #[diesel(sql_type = Bool)]
        leads_there: bool,
    }
    let found: Found = sql_query(
        "WITH RECURSIVE upstream (id) AS (SELECT unnest($2) UNION \
         SELECT link.upstream_job_id FROM upstream CROSS JOIN LATERAL (SELECT upstream_job_id FROM bound_outputs \
         WHERE organisation_id = $1 AND job_id = upstream.id OFFSET 0) AS link) \
         SELECT EXISTS (SELECT FROM upstream WHERE id = $3) AS leads_there",
    )
    .bind::<SqlUuid, _>(organisation)
    .bind::<Array<SqlUuid>, _>(from)
    .bind::<SqlUuid, _>(to)
    .get_result(connection)?;
    Ok(found.leads_there)
}

/// The links on all ways upstream from these jobs, up to another one.
const LINKS: &str = "WITH RECURSIVE upstream (job_id, upstream_job_id) AS (SELECT NULL::uuid, unnest($2) UNION \
    SELECT reached.upstream_job_id, link.upstream_job_id FROM upstream AS reached CROSS JOIN LATERAL (\
    SELECT upstream_job_id FROM bound_outputs WHERE organisation_id = $1 AND job_id = reached.upstream_job_id OFFSET 0) \
    AS link WHERE reached.upstream_job_id <> $3) \
    SELECT job_id, upstream_job_id FROM upstream WHERE job_id IS NOT NULL";

/// Counts jobs of which others read outputs.
#[derive(Debug, Clone)]
struct CountJobsInUse {
    conditions: Conditions,
}

impl QueryFragment<Pg> for CountJobsInUse {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let out = &mut out;
        if self.conditions.is_distributed {
            return on_servers::push_count_in_use(out, &self.conditions);
        }
        out.push_sql(
            "SELECT jobs.source_version_id, jsonb_path_query_array(jobs.role_bindings, '$[*].role'), read.roles, count(*) \
             FROM jobs CROSS JOIN LATERAL (SELECT jsonb_agg(output -> 'role') AS roles \
             FROM jsonb_array_elements(jobs.outputs) AS output WHERE EXISTS (SELECT FROM bound_outputs \
             WHERE output_id = (output ->> 'id')::uuid AND organisation_id = jobs.organisation_id OFFSET 0)) AS read \
             WHERE read.roles IS NOT NULL",
        );
        self.conditions.push_tenants(out)?;
        self.conditions.push_filters(out)?;
        out.push_sql(" GROUP BY 1, 2, 3");
        Ok(())
    }
}

statement! { varying CountJobsInUse => (SqlUuid, Jsonb, Jsonb, BigInt) }

/// The nearest jobs upstream of each of some jobs that are in the way.
#[derive(Debug, Clone)]
struct Blocking {
    organisations: Vec<Uuid>,
    jobs: Vec<Uuid>,
    statuses: Vec<i16>,
    now: DateTime<Utc>,
    /// The only organisation of which they are, where tables are distributed.
    only: Option<Uuid>,
}

impl Blocking {
    /// One statement for all jobs, or one for those of each organisation; each with the places of its jobs.
    fn of(wanted: &[(OrganisationId, JobId)], now: Timestamp, is_distributed: bool) -> Vec<(Vec<usize>, Self)> {
        let statuses = HealthStatus::BLOCKING.map(HealthStatus::number).to_vec();
        let mut parts: BTreeMap<Option<Uuid>, Vec<usize>> = BTreeMap::new();
        for (place, (organisation_id, _)) in wanted.iter().enumerate() {
            parts.entry(is_distributed.then(|| organisation_id.as_uuid())).or_default().push(place);
        }
        let part = |(only, places): (Option<Uuid>, Vec<usize>)| {
            let of_part: Vec<(OrganisationId, JobId)> = places.iter().map(|place| wanted[*place]).collect();
            let (organisations, jobs) = columns(&of_part);
            (places, Self { organisations, jobs, statuses: statuses.clone(), now: now.as_datetime(), only })
        };
        parts.into_iter().map(part).collect()
    }

    /// The jobs one step upstream of those of a table, each with its status.
    fn push_step<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>, table: &str) -> QueryResult<()> {
        out.push_sql(&format!(
            " CROSS JOIN LATERAL (SELECT DISTINCT upstream_job_id AS id FROM bound_outputs \
             WHERE organisation_id = {table}.organisation_id AND job_id = {table}.id"
        ));
        push_only(out, "bound_outputs", self.only.as_ref())?;
        out.push_sql(" OFFSET 0) AS link CROSS JOIN LATERAL (SELECT (");
        monitoring::push_status(out, &self.now)?;
        out.push_sql(")::smallint AS status FROM jobs");
        out.push_sql(if self.only.is_some() { monitoring::JOINED_TO_MANY } else { monitoring::JOINED_TO_FEW });
        out.push_sql(&format!(" WHERE jobs.organisation_id = {table}.organisation_id AND jobs.id = link.id"));
        push_only(out, "jobs", self.only.as_ref())?;
        out.push_sql(" OFFSET 0) AS judged");
        Ok(())
    }
}

impl QueryFragment<Pg> for Blocking {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let out = &mut out;
        out.push_sql(
            "WITH RECURSIVE upstream (place, organisation_id, id, status, depth) AS (\
             SELECT wanted.place, wanted.organisation_id, link.id, judged.status, 1 FROM unnest(",
        );
        out.push_bind_param::<Array<SqlUuid>, _>(&self.organisations)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<SqlUuid>, _>(&self.jobs)?;
        out.push_sql(") WITH ORDINALITY AS wanted (organisation_id, id, place)");
        self.push_step(out, "wanted")?;
        out.push_sql(
            " UNION SELECT reached.place, reached.organisation_id, link.id, judged.status, reached.depth + 1 \
             FROM upstream AS reached",
        );
        self.push_step(out, "reached")?;
        out.push_sql(" WHERE reached.status <> ALL (");
        out.push_bind_param::<Array<SmallInt>, _>(&self.statuses)?;
        out.push_sql(&format!(") AND reached.depth < {}", Health::DEPTH_OF_BLOCKING));
        out.push_sql(
            ") SELECT place, id FROM (SELECT place, id, row_number() OVER (PARTITION BY place ORDER BY id) AS number \
             FROM (SELECT DISTINCT place, id FROM upstream WHERE status = ANY (",
        );
        out.push_bind_param::<Array<SmallInt>, _>(&self.statuses)?;
        out.push_sql(&format!(")) AS found) AS numbered WHERE number <= {} ORDER BY place, id", Health::MAX_BLOCKING));
        Ok(())
    }
}

statement! { varying Blocking => (BigInt, SqlUuid) }

/// Keys as two columns.
fn columns(keys: &[(OrganisationId, JobId)]) -> (Vec<Uuid>, Vec<Uuid>) {
    keys.iter().map(|(organisation_id, id)| (organisation_id.as_uuid(), id.as_uuid())).unzip()
}

/// What is found at a place that is counted from 1.
fn at<T>(found: &mut [T], place: i64) -> Result<&mut T, StoreFailure> {
    let index = usize::try_from(place - 1).ok();
    index.and_then(|index| found.get_mut(index)).ok_or_else(|| StoreFailure::Internal("an answer has no place".into()))
}

fn job_id(id: Uuid) -> Result<JobId, StoreFailure> {
    JobId::from_uuid(id).map_err(corrupt)
}

fn corrupt(problem: ValueProblem) -> StoreFailure {
    StoreFailure::Corrupt(problem.into())
}
