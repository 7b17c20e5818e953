//! Jobs that are found by their ids.

use std::collections::{BTreeSet, HashMap, HashSet};

use diesel::dsl::AsSelect;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::{Array, Uuid as SqlUuid};
use prediction_domain::model::{Job, JobId, MonitoredJob, OrganisationId, Scope};
use prediction_domain::ports::StoreFailure;
use uuid::Uuid;

use super::monitoring;
use crate::database::Database;
use crate::paging::push_unplanned;
use crate::rows::{JobRow, MonitoredJobRow, MonitoredJobSql};
use crate::schema::jobs;
use crate::statement::statement;

/// One statement for all callers: it finds the jobs by their ids alone, and the scope of each question is judged
/// when the answers are put together.
///
/// That is safe because nothing of a row leaves this function, nor is it even read into a job, before the scope of
/// that very question was found to contain the organisation that is stored in it. A condition on the organisation
/// in the statement could only be the union of all scopes that wait together, which proves nothing for any of them.
pub(super) fn find_many(database: &Database, wanted: &[(Scope, JobId)]) -> Result<Vec<Option<Job>>, StoreFailure> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<Uuid> = wanted.iter().map(|(_, id)| id.as_uuid()).collect();
    let organisations = if database.is_distributed()? { organisations(wanted) } else { None };
    let rows: Vec<JobRow> = database.statement(|connection| {
        let query = jobs::table.filter(jobs::id.eq_any(&ids)).select(JobRow::as_select());
        match &organisations {
            Some(organisations) => query.filter(jobs::organisation_id.eq_any(organisations)).load(connection),
            None => query.load(connection),
        }
    })?;
    answer_each(wanted, rows, |row| row)
}

/// See [`find_many`].
pub(super) fn find_monitored(
    database: &Database,
    wanted: &[(Scope, JobId)],
) -> Result<Vec<Option<MonitoredJob>>, StoreFailure> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let ids = wanted.iter().map(|(_, id)| id.as_uuid()).collect();
    let rows: Vec<MonitoredJobRow> = if database.is_distributed()? {
        let query = DistributedJobs { columns: JobRow::as_select(), ids, organisations: organisations(wanted) };
        database.statement(|connection| query.clone().load(connection))?
    } else {
        let query = MonitoredJobs::new(ids);
        database.statement(|connection| query.clone().load(connection))?
    };
    answer_each(wanted, rows, |row| &row.job)
}

/// Gives each asker the row of that id that is in their scope, read.
fn answer_each<Row, Found>(
    wanted: &[(Scope, JobId)],
    rows: Vec<Row>,
    job: impl Fn(&Row) -> &JobRow,
) -> Result<Vec<Option<Found>>, StoreFailure>
where
    Row: Clone,
    Found: TryFrom<Row, Error = StoreFailure>,
{
    // Ids are unique in an organisation; nothing but chance makes them unique among all.
    let mut by_id: HashMap<Uuid, Vec<Row>> = HashMap::with_capacity(rows.len());
    for row in rows {
        by_id.entry(job(&row).id).or_default().push(row);
    }
    let is_asked_once = wanted.iter().map(|(_, id)| id).collect::<HashSet<_>>().len() == wanted.len();
    let find = |(scope, id): &(Scope, JobId)| {
        let Some(rows) = by_id.get_mut(&id.as_uuid()) else { return Ok(None) };
        let Some(visible) = rows.iter().position(|row| contains(scope, job(row).organisation_id)) else {
            return Ok(None);
        };
        let row = if is_asked_once { rows.swap_remove(visible) } else { rows[visible].clone() };
        Found::try_from(row).map(Some)
    };
    wanted.iter().map(find).collect()
}

/// Whether an organisation, as it is stored, is in a scope.
pub(super) fn contains(scope: &Scope, organisation_id: Uuid) -> bool {
    OrganisationId::from_uuid(organisation_id).is_ok_and(|organisation_id| scope.contains(organisation_id))
}

/// Finds jobs by their ids alone, with what is to be known to judge their health: see [`find_many`].
#[derive(Clone)]
struct MonitoredJobs {
    columns: AsSelect<JobRow, Pg>,
    ids: Vec<Uuid>,
}

impl MonitoredJobs {
    fn new(ids: Vec<Uuid>) -> Self {
        Self { columns: JobRow::as_select(), ids }
    }
}

impl QueryFragment<Pg> for MonitoredJobs {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT ");
        self.columns.walk_ast(out.reborrow())?;
        out.push_sql(monitoring::COLUMNS);
        out.push_sql(" FROM jobs");
        out.push_sql(monitoring::JOINED_TO_FEW);
        // With the cast it is an array, not a subquery of rows.
        out.push_sql(" WHERE jobs.id = ANY (CAST(");
        push_unplanned::<Array<SqlUuid>, _>(&mut out, &self.ids)?;
        out.push_sql(" AS uuid[]))");
        Ok(())
    }
}

/// The organisations that are in the scopes of all these questions together, unless one is of all: those whose servers
/// have to be asked. It is no proof for any of the questions.
fn organisations(wanted: &[(Scope, JobId)]) -> Option<Vec<Uuid>> {
    let mut all = BTreeSet::new();
    for (scope, _) in wanted {
        match scope {
            Scope::Platform => return None,
            Scope::Organisations(some) => all.extend(some.iter().map(OrganisationId::as_uuid)),
        }
    }
    Some(all.into_iter().collect())
}

/// The same of distributed tables: only those servers are asked that have one of the organisations. Both tables need
/// the condition.
#[derive(Clone)]
struct DistributedJobs {
    columns: AsSelect<JobRow, Pg>,
    ids: Vec<Uuid>,
    organisations: Option<Vec<Uuid>>,
}

impl DistributedJobs {
    fn push_of<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>, column: &str) -> QueryResult<()> {
        let Some(organisations) = &self.organisations else { return Ok(()) };
        out.push_sql(" AND ");
        out.push_sql(column);
        if let [only] = organisations.as_slice() {
            out.push_sql(" = ");
            return out.push_bind_param::<SqlUuid, _>(only);
        }
        out.push_sql(" = ANY (");
        out.push_bind_param::<Array<SqlUuid>, _>(organisations)?;
        out.push_sql(")");
        Ok(())
    }
}

impl QueryFragment<Pg> for DistributedJobs {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let out = &mut out;
        out.push_sql("SELECT ");
        self.columns.walk_ast(out.reborrow())?;
        out.push_sql(monitoring::COLUMNS);
        out.push_sql(" FROM jobs");
        out.push_sql(monitoring::JOINED_TO_MANY);
        self.push_of(out, "run_summaries.organisation_id")?;
        out.push_sql(" WHERE jobs.id = ANY (");
        out.push_bind_param::<Array<SqlUuid>, _>(&self.ids)?;
        out.push_sql(")");
        self.push_of(out, "jobs.organisation_id")
    }
}

statement! { varying DistributedJobs => MonitoredJobSql }

// It is one text, prepared once.
statement! { cached MonitoredJobs => MonitoredJobSql }
