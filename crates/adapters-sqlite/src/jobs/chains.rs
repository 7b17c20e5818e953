//! Which jobs read outputs of which others.
//!
//! Triggers keep `outputs` and `bound_outputs` with the rows of jobs. What no trigger can judge is judged here, in the
//! transaction of the change, of which there is one at a time: whether all outputs are there, and whether a job comes
//! to read its own.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_query;
use diesel::sql_types::{BigInt, Bool, Nullable, Text};
use diesel::sqlite::Sqlite;
use prediction_domain::model::{
    ChainLink, Health, HealthStatus, Job, JobId, JobName, JobOutput, JobsInUse, Metric, OrganisationId, Output,
    OutputId, Readers, RoleName, Scope, SourceVersionId, Timestamp, Unit, ValueProblem,
};
use prediction_domain::ports::{ChainRepository, JobFilter, StoreFailure};
use serde_json::json;

use super::conditions::{conditions, narrowed};
use super::count::within;
use super::monitoring::{StatusAt, monitored, status_at};
use crate::expressions::is_one_of;
use crate::failure::OrStoreFailure as _;
use crate::paging::limit;
use crate::rows::{job_ids, json as stored_json};
use crate::schema::{bound_outputs, jobs, outputs};
use crate::statement::statement;
use crate::store::SqliteStore;

impl ChainRepository for SqliteStore {
    fn find_outputs(&self, wanted: &[(Scope, OutputId)]) -> Result<Vec<Option<JobOutput>>, StoreFailure> {
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let (wanted_outputs, keys) = match keys(wanted) {
            Some(keys) => (OF_KEYS, json!(keys)),
            None => (OF_IDS, json!(wanted.iter().map(|(_, id)| *id).collect::<BTreeSet<OutputId>>())),
        };
        let rows: Vec<OutputRow> = sql_query(format!("{OUTPUT} {wanted_outputs} {WITH_JOB}"))
            .bind::<Text, _>(keys.to_string())
            .load(&mut *self.reader()?)
            .or_store_failure()?;
        let mut by_id: BTreeMap<OutputId, Vec<JobOutput>> = BTreeMap::new();
        for row in &rows {
            let output = JobOutput::try_from(row)?;
            by_id.entry(output.output.id).or_default().push(output);
        }
        let find = |(scope, id): &(Scope, OutputId)| {
            by_id.get(id).into_iter().flatten().find(|output| scope.contains(output.organisation_id)).cloned()
        };
        Ok(wanted.iter().map(find).collect())
    }

    fn readers_of(
        &self,
        organisation_id: OrganisationId,
        jobs: &BTreeSet<JobId>,
        most: usize,
    ) -> Result<Vec<JobId>, StoreFailure> {
        let readers: Vec<String> = bound_outputs::table
            .filter(bound_outputs::organisation_id.eq(organisation_id.to_string()))
            .filter(is_one_of(bound_outputs::upstream_job_id, jobs))
            .select(bound_outputs::job_id)
            .distinct()
            .order(bound_outputs::job_id)
            .limit(limit(most))
            .load(&mut *self.reader()?)
            .or_store_failure()?;
        job_ids(&readers)
    }

    fn count_readers(&self, organisation_id: OrganisationId, id: JobId) -> Result<Readers, StoreFailure> {
        readers(&mut *self.reader()?, organisation_id, id, &[])
    }

    fn links_between(
        &self,
        organisation_id: OrganisationId,
        from: &BTreeSet<JobId>,
        to: JobId,
    ) -> Result<Vec<ChainLink>, StoreFailure> {
        let from: Vec<String> = from.iter().map(ToString::to_string).collect();
        let mut reader = self.reader()?;
        if !leads_to(&mut reader, organisation_id, &from, to)? {
            return Ok(Vec::new());
        }
        let rows: Vec<Link> = sql_query(LINKS)
            .bind::<Text, _>(json!(from).to_string())
            .bind::<Text, _>(organisation_id.to_string())
            .bind::<Text, _>(to.to_string())
            .load(&mut *reader)
            .or_store_failure()?;
        let link =
            |row: &Link| Ok(ChainLink { job_id: job_id(&row.job_id)?, upstream_job_id: job_id(&row.upstream_job_id)? });
        rows.iter().map(link).collect()
    }

    fn outputs_in_use(&self, wanted: &[(OrganisationId, JobId)]) -> Result<Vec<BTreeSet<OutputId>>, StoreFailure> {
        let rows: Vec<ReadOutput> = sql_query(
            "SELECT wanted.key AS place, output.value ->> 'id' AS output_id FROM json_each(?) AS wanted \
             CROSS JOIN jobs ON jobs.organisation_id = wanted.value ->> 0 AND jobs.id = wanted.value ->> 1 \
             CROSS JOIN json_each(jobs.outputs) AS output WHERE EXISTS (SELECT 1 FROM bound_outputs \
             WHERE output_id = output.value ->> 'id' AND organisation_id = jobs.organisation_id)",
        )
        .bind::<Text, _>(json!(wanted).to_string())
        .load(&mut *self.reader()?)
        .or_store_failure()?;
        let mut found = vec![BTreeSet::new(); wanted.len()];
        for row in rows {
            at(&mut found, row.place)?.insert(OutputId::parse(&row.output_id).map_err(corrupt)?);
        }
        Ok(found)
    }

    fn count_jobs_in_use(&self, scope: &Scope, filter: &JobFilter) -> Result<Vec<JobsInUse>, StoreFailure> {
        let scope = &narrowed(scope, filter);
        let read_roles = sql::<Text>(
            "(SELECT json_group_array(json_object('role', value ->> 'role')) FROM json_each(jobs.outputs) \
             WHERE EXISTS (SELECT 1 FROM bound_outputs WHERE output_id = value ->> 'id' \
             AND organisation_id = jobs.organisation_id))",
        );
        let is_read = sql::<Bool>(
            "EXISTS (SELECT 1 FROM bound_outputs WHERE bound_outputs.organisation_id = jobs.organisation_id \
             AND bound_outputs.upstream_job_id = jobs.id)",
        );
        let mut query =
            monitored().select((jobs::source_version_id, jobs::role_bindings, read_roles)).filter(is_read).into_boxed();
        for condition in within(scope, filter).into_iter().chain(conditions(filter)) {
            query = query.filter(condition);
        }
        let roles_of = |text: &str| {
            stored_json::roles_of_bindings(text).map_err(|unreadable| StoreFailure::Corrupt(unreadable.into()))
        };
        let mut counts: HashMap<(String, String, String), u64> = HashMap::new();
        let mut reader = self.reader()?;
        for row in query.load_iter::<(String, String, String), _>(&mut *reader).or_store_failure()? {
            let (version, bindings, read) = row.or_store_failure()?;
            *counts.entry((version, roles_of(&bindings)?, roles_of(&read)?)).or_default() += 1;
        }
        let roles = |roles: &str| -> Result<Vec<RoleName>, StoreFailure> {
            roles.split_terminator('\0').map(RoleName::restore).collect::<Result<_, _>>().map_err(corrupt)
        };
        let count = |((version, bound, read), jobs): ((String, String, String), u64)| {
            let source_version_id = SourceVersionId::parse(&version).map_err(corrupt)?;
            Ok(JobsInUse { source_version_id, roles: roles(&bound)?, outputs: roles(&read)?, jobs })
        };
        counts.into_iter().map(count).collect()
    }

    fn blocking(&self, wanted: &[(OrganisationId, JobId)], now: Timestamp) -> Result<Vec<Vec<JobId>>, StoreFailure> {
        let query = Blocking { wanted: json!(wanted).to_string(), status: status_at(now) };
        let rows: Vec<(i64, String)> = query.load(&mut *self.reader()?).or_store_failure()?;
        let mut found = vec![Vec::new(); wanted.len()];
        for (place, id) in rows {
            at(&mut found, place)?.push(job_id(&id)?);
        }
        Ok(found)
    }
}

/// The outputs that a job is to have bound and has not yet. Most jobs have none: they ask nothing.
pub(super) fn bound_anew(connection: &mut SqliteConnection, job: &Job) -> Result<BTreeSet<OutputId>, StoreFailure> {
    #[derive(QueryableByName)]
    struct Bound {
        #[diesel(sql_type = Text)]
        output_id: String,
    }
    let mut bound = job.role_bindings.outputs();
    if bound.is_empty() {
        return Ok(bound);
    }
    let before: Vec<Bound> = sql_query(
        "SELECT value ->> 'input_id' AS output_id FROM jobs CROSS JOIN json_each(jobs.role_bindings) \
         WHERE jobs.organisation_id = ? AND jobs.id = ? AND value ->> 'input_type' = 'output'",
    )
    .bind::<Text, _>(job.organisation_id.to_string())
    .bind::<Text, _>(job.id.to_string())
    .load(connection)
    .or_store_failure()?;
    for row in before {
        bound.remove(&OutputId::parse(&row.output_id).map_err(corrupt)?);
    }
    Ok(bound)
}

/// Whether the organisation of a job has all of these outputs.
pub(crate) fn are_there(
    connection: &mut SqliteConnection,
    organisation_id: OrganisationId,
    ids: &BTreeSet<OutputId>,
) -> QueryResult<bool> {
    if ids.is_empty() {
        return Ok(true);
    }
    let found = outputs::table.filter(is_one_of(outputs::id, ids));
    let found: i64 =
        found.filter(outputs::organisation_id.eq(organisation_id.to_string())).count().get_result(connection)?;
    Ok(usize::try_from(found).is_ok_and(|found| found == ids.len()))
}

/// Whether a job that was stored just now reads its own output, over whatever others.
pub(crate) fn closes_cycle(connection: &mut SqliteConnection, job: &Job) -> Result<bool, StoreFailure> {
    let upstream: Vec<String> = bound_outputs::table
        .filter(bound_outputs::organisation_id.eq(job.organisation_id.to_string()))
        .filter(bound_outputs::job_id.eq(job.id.to_string()))
        .select(bound_outputs::upstream_job_id)
        .distinct()
        .load(connection)
        .or_store_failure()?;
    leads_to(connection, job.organisation_id, &upstream, job.id)
}

/// The jobs that read outputs of a job, but for those that stay.
pub(super) fn readers(
    connection: &mut SqliteConnection,
    organisation_id: OrganisationId,
    id: JobId,
    staying: &[OutputId],
) -> Result<Readers, StoreFailure> {
    let of_job = || {
        bound_outputs::table
            .filter(bound_outputs::organisation_id.eq(organisation_id.to_string()))
            .filter(bound_outputs::upstream_job_id.eq(id.to_string()))
            .filter(diesel::dsl::not(is_one_of(bound_outputs::output_id, staying)))
    };
    let count = of_job().select(diesel::dsl::count(bound_outputs::job_id).aggregate_distinct());
    let jobs: i64 = count.get_result(connection).or_store_failure()?;
    if jobs == 0 {
        return Ok(Readers::default());
    }
    let first = of_job().select(bound_outputs::job_id).distinct().order(bound_outputs::job_id);
    let first: Vec<String> = first.limit(limit(Readers::MAX_NAMED)).load(connection).or_store_failure()?;
    Ok(Readers { jobs: jobs.unsigned_abs(), first: job_ids(&first)? })
}

#[derive(Debug, QueryableByName)]
struct Link {
    #[diesel(sql_type = Text)]
    job_id: String,
    #[diesel(sql_type = Text)]
    upstream_job_id: String,
}

#[derive(Debug, QueryableByName)]
struct ReadOutput {
    #[diesel(sql_type = BigInt)]
    place: i64,
    #[diesel(sql_type = Text)]
    output_id: String,
}

/// The keys of these outputs, each in each organisation of its scope: what is outside is not looked at, so that it
/// takes as long as what there is not. `None` if a scope has all organisations.
fn keys(wanted: &[(Scope, OutputId)]) -> Option<BTreeSet<(OutputId, OrganisationId)>> {
    let mut keys = BTreeSet::new();
    for (scope, id) in wanted {
        let Scope::Organisations(organisations) = scope else { return None };
        keys.extend(organisations.iter().map(|organisation| (*id, *organisation)));
    }
    Some(keys)
}

/// Outputs, each with its job, and nothing else of that.
const OUTPUT: &str = "SELECT outputs.id, outputs.organisation_id, outputs.job_id, jobs.name AS job_name, \
    jobs.source_version_id, output.value ->> 'role' AS role, output.value ->> 'metric' AS metric, \
    output.value ->> 'unit' AS unit FROM json_each(?) AS wanted";

/// Pairs in a JSON array.
const OF_KEYS: &str = "CROSS JOIN outputs ON outputs.id = wanted.value ->> 0 \
    AND outputs.organisation_id = wanted.value ->> 1";

const OF_IDS: &str = "CROSS JOIN outputs ON outputs.id = wanted.value";

const WITH_JOB: &str = "CROSS JOIN jobs ON jobs.organisation_id = outputs.organisation_id AND jobs.id = outputs.job_id \
    CROSS JOIN json_each(jobs.outputs) AS output ON output.value ->> 'id' = outputs.id";

#[derive(Debug, QueryableByName)]
struct OutputRow {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Text)]
    organisation_id: String,
    #[diesel(sql_type = Text)]
    job_id: String,
    #[diesel(sql_type = Text)]
    job_name: String,
    #[diesel(sql_type = Text)]
    source_version_id: String,
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
                    id: OutputId::parse(&row.id)?,
                    role: RoleName::restore(&row.role)?,
                    metric: Metric::restore(&row.metric)?,
                    unit: row.unit.as_deref().map(Unit::restore).transpose()?,
                },
                organisation_id: OrganisationId::parse(&row.organisation_id)?,
                job_id: JobId::parse(&row.job_id)?,
                job_name: JobName::restore(&row.job_name)?,
                source_version_id: SourceVersionId::parse(&row.source_version_id)?,
            })
        };
        read().map_err(corrupt)
    }
}

/// Whether a way upstream from one of these jobs leads to another one, or begins at it.
fn leads_to(
    connection: &mut SqliteConnection,
    organisation_id: OrganisationId,
    from: &[String],
    to: JobId,
) -> Result<bool, StoreFailure> {
    #[derive(QueryableByName)]
    struct Found {
        #[diesel(sql_type = Bool)]
        leads_there: bool,
    }
    let found: Found = sql_query(
        "WITH RECURSIVE upstream (id) AS (SELECT value FROM json_each(?) UNION \
         SELECT link.upstream_job_id FROM upstream CROSS JOIN bound_outputs AS link \
         ON link.organisation_id = ? AND link.job_id = upstream.id) \
         SELECT EXISTS (SELECT 1 FROM upstream WHERE id = ?) AS leads_there",
    )
    .bind::<Text, _>(json!(from).to_string())
    .bind::<Text, _>(organisation_id.to_string())
    .bind::<Text, _>(to.to_string())
    .get_result(connection)
    .or_store_failure()?;
    Ok(found.leads_there)
}

/// The links on all ways upstream from these jobs, up to another one.
const LINKS: &str = "WITH RECURSIVE upstream (job_id, upstream_job_id) AS (SELECT NULL, value FROM json_each(?) UNION \
    SELECT link.job_id, link.upstream_job_id FROM upstream AS reached CROSS JOIN bound_outputs AS link \
    ON link.organisation_id = ? AND link.job_id = reached.upstream_job_id WHERE reached.upstream_job_id <> ?) \
    SELECT job_id, upstream_job_id FROM upstream WHERE job_id IS NOT NULL";

/// The nearest jobs upstream of each of some jobs that are in the way.
struct Blocking {
    /// Pairs in a JSON array.
    wanted: String,
    status: StatusAt,
}

impl Blocking {
    /// The status of the job of a link.
    fn push_status<'b>(&'b self, out: &mut AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("(SELECT ");
        self.status.walk_ast(out.reborrow())?;
        out.push_sql(
            " FROM jobs LEFT JOIN sources ON sources.id = jobs.source_id LEFT JOIN run_summaries \
             ON run_summaries.organisation_id = jobs.organisation_id AND run_summaries.job_id = jobs.id \
             WHERE jobs.organisation_id = link.organisation_id AND jobs.id = link.upstream_job_id)",
        );
        Ok(())
    }
}

impl QueryFragment<Sqlite> for Blocking {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        let blocking = HealthStatus::BLOCKING.map(|status| format!("'{}'", status.as_str())).join(", ");
        out.push_sql(
            "WITH RECURSIVE upstream (place, organisation_id, id, status, depth) AS (\
             SELECT wanted.key, link.organisation_id, link.upstream_job_id, ",
        );
        self.push_status(&mut out)?;
        out.push_sql(", 1 FROM json_each(");
        out.push_bind_param::<Text, _>(&self.wanted)?;
        out.push_sql(
            ") AS wanted CROSS JOIN bound_outputs AS link \
             ON link.organisation_id = wanted.value ->> 0 AND link.job_id = wanted.value ->> 1 UNION \
             SELECT reached.place, link.organisation_id, link.upstream_job_id, ",
        );
        self.push_status(&mut out)?;
        out.push_sql(&format!(
            ", reached.depth + 1 FROM upstream AS reached CROSS JOIN bound_outputs AS link \
             ON link.organisation_id = reached.organisation_id AND link.job_id = reached.id \
             WHERE reached.status NOT IN ({blocking}) AND reached.depth < {}) \
             SELECT place, id FROM (SELECT place, id, row_number() OVER (PARTITION BY place ORDER BY id) AS number \
             FROM (SELECT DISTINCT place, id FROM upstream WHERE status IN ({blocking}))) \
             WHERE number <= {} ORDER BY place, id",
            Health::DEPTH_OF_BLOCKING,
            Health::MAX_BLOCKING
        ));
        Ok(())
    }
}

// It is one text, prepared once.
statement! { cached Blocking => (BigInt, Text) }

/// What is found at a place that is counted from 0.
fn at<T>(found: &mut [T], place: i64) -> Result<&mut T, StoreFailure> {
    let index = usize::try_from(place).ok();
    index.and_then(|index| found.get_mut(index)).ok_or_else(|| StoreFailure::Internal("an answer has no place".into()))
}

fn job_id(id: &str) -> Result<JobId, StoreFailure> {
    JobId::parse(id).map_err(corrupt)
}

fn corrupt(problem: ValueProblem) -> StoreFailure {
    StoreFailure::Corrupt(problem.into())
}
