//! The statement that lists jobs.

use diesel::dsl::AsSelect;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::{Array, BigInt, Text, Uuid as SqlUuid};
use diesel::{QueryResult, SelectableHelper as _};
use prediction_domain::model::{Position, Scope};
use prediction_domain::ports::{JobFilter, ListedNames};
use uuid::Uuid;

use super::by_health;
use super::by_input;
use super::conditions::{Conditions, Input, Part, Tenants};
use super::monitoring;
use crate::paging::{self, push_unplanned};
use crate::rows::{JobRow, MonitoredJobSql};
use crate::statement::statement;

/// Lists jobs in creation order, with what is to be known to judge their health.
///
/// No single form is quick in all cases, so there are eight:
/// - of all organisations: along the index in creation order, up to the limit;
/// - of one organisation: along its part of the index by organisation;
/// - of several organisations: the first jobs of each in that way, then the first of those;
/// - of a set, of organisations: along the part of the index by organisation and set of each, likewise;
/// - of a set, of all organisations: along the index by set, up to the limit;
/// - with an input, of organisations: along the part of `job_inputs` of each and the input, likewise;
/// - with an input, of all, or with a name: the jobs that have it are found first, then sorted; a name is of one job in
///   an organisation, of which an input is looked up;
/// - of a health: along what was judged before, see [`by_health`].
///
/// What is read for an organisation follows from its own jobs alone: how long an answer takes must not tell what others
/// have.
///
/// Where the planner would choose otherwise it is left no choice. It takes jobs to be spread evenly, and may look
/// for the jobs of an organisation, or with an input, among all jobs in creation order, which is slow when they
/// happen to be at the end.
///
/// What is read beside the jobs is joined to the page, at the end.
#[derive(Clone)]
pub(super) struct JobList {
    columns: AsSelect<JobRow, Pg>,
    conditions: Conditions,
    part: Part,
    /// How many of all organisations together.
    merged: i64,
    /// The tables are distributed over several servers: see [`Self::push_flat`].
    is_distributed: bool,
}

impl JobList {
    /// `None` when there can be no job to list.
    pub(super) fn new(scope: &Scope, filter: &JobFilter, is_distributed: bool) -> Option<Self> {
        let conditions = Conditions::new(scope, filter, is_distributed)?;
        Some(Self { columns: JobRow::as_select(), conditions, part: Part::default(), merged: 0, is_distributed })
    }

    /// So many jobs behind a place.
    pub(super) fn part(&self, after: Option<Position>, most: usize) -> Self {
        let part = Part { after: after.map(Position::number), limit: paging::limit(most) };
        Self { part, merged: part.limit, ..self.clone() }
    }

    /// Whether what is listed of several organisations is read of each of them: all but jobs of one name.
    fn is_read_by_tenant(&self) -> bool {
        self.conditions.name.is_none()
    }

    /// The page, without what is read beside the jobs.
    fn push_page<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let Conditions { tenants, input, name, health, .. } = &self.conditions;
        match (input, name, health, tenants) {
            (Some(input), .., Tenants::All) => {
                out.push_sql("WITH bound AS MATERIALIZED (SELECT * FROM jobs WHERE ");
                self.conditions.push_has_input(out, input)?;
                out.push_sql(") SELECT * FROM bound AS jobs");
                self.push_conditions(out)
            }
            (Some(input), None, _, Tenants::One(id)) => {
                self.users(input).push(out, |out| push_unplanned::<SqlUuid, _>(out, id))
            }
            (Some(input), None, _, Tenants::Several(ids)) => {
                self.push_merged(out, ids, |out| self.users(input).push(out, push_tenant))
            }
            (input, Some(_), ..) => {
                out.push_sql("WITH named AS MATERIALIZED (SELECT * FROM jobs WHERE TRUE");
                self.conditions.push_tenants(out)?;
                self.conditions.push_name(out)?;
                if let Some(input) = input {
                    by_input::push_uses(out, input)?;
                }
                out.push_sql(") SELECT * FROM named AS jobs");
                self.push_conditions(out)
            }
            (None, None, Some(health), tenants) => {
                let walk = by_health::HealthWalk { conditions: &self.conditions, health, part: &self.part };
                match tenants {
                    Tenants::All => walk.push(out, None::<&fn(&mut AstPass<'_, 'b, Pg>) -> QueryResult<()>>),
                    Tenants::One(id) => {
                        let push_one = |out: &mut AstPass<'_, 'b, Pg>| push_unplanned::<SqlUuid, _>(out, id);
                        walk.push(out, Some(&push_one))
                    }
                    Tenants::Several(ids) => self.push_merged(out, ids, |out| walk.push(out, Some(&push_tenant))),
                }
            }
            (None, None, None, Tenants::All) => {
                out.push_sql("SELECT * FROM jobs");
                self.push_conditions(out)
            }
            (None, None, None, Tenants::One(id)) => {
                out.push_sql("SELECT *");
                self.push_walk(out, |out| push_unplanned::<SqlUuid, _>(out, id))
            }
            (None, None, None, Tenants::Several(ids)) => self.push_merged(out, ids, |out| {
                out.push_sql("SELECT *");
                self.push_walk(out, push_tenant)
            }),
        }
    }

    /// The first jobs of each organisation, and of those the first.
    fn push_merged<'b>(
        &'b self,
        out: &mut AstPass<'_, 'b, Pg>,
        ids: &'b Vec<Uuid>,
        push_first: impl FnOnce(&mut AstPass<'_, 'b, Pg>) -> QueryResult<()>,
    ) -> QueryResult<()> {
        out.push_sql("SELECT jobs.* FROM unnest(");
        out.push_bind_param::<Array<SqlUuid>, _>(ids)?;
        out.push_sql(") AS tenant (organisation_id) CROSS JOIN LATERAL (");
        push_first(out)?;
        out.push_sql(") AS jobs ORDER BY jobs.sequence_number LIMIT ");
        push_unplanned::<BigInt, _>(out, &self.merged)
    }

    /// All of it without a subquery: of distributed tables each server then finds the first jobs of its own, and those
    /// are merged. What organisation it is has to be said by an equality there, which tells the server to ask.
    fn push_flat<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>, are_names: bool) -> QueryResult<()> {
        out.push_sql(" FROM jobs");
        if !are_names || self.conditions.health.is_some() {
            out.push_sql(monitoring::JOINED_TO_MANY);
        }
        self.conditions.push_all_joined(out)?;
        if let Some(after) = &self.part.after {
            out.push_sql(" AND jobs.sequence_number > ");
            out.push_bind_param::<BigInt, _>(after)?;
        }
        out.push_sql(" ORDER BY jobs.sequence_number LIMIT ");
        out.push_bind_param::<BigInt, _>(&self.merged)
    }

    fn users<'b>(&'b self, input: &'b Input) -> by_input::InputWalk<'b> {
        by_input::InputWalk { conditions: &self.conditions, input, part: &self.part }
    }

    /// All conditions as they come, and the order.
    fn push_conditions<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(" WHERE TRUE");
        self.conditions.push_tenants(out)?;
        self.conditions.push_filters_apart(out)?;
        self.push_end(out)
    }

    /// Where the page begins and ends.
    fn push_end<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        if let Some(after) = &self.part.after {
            out.push_sql(" AND jobs.sequence_number > ");
            out.push_bind_param::<BigInt, _>(after)?;
        }
        out.push_sql(" ORDER BY jobs.sequence_number LIMIT ");
        out.push_bind_param::<BigInt, _>(&self.part.limit)
    }

    /// The jobs of one organisation, along its part of the index.
    ///
    /// The organisation is given as a range, and named in the order: were it an equality, the planner would know that
    /// all rows have the same, and consider the index without it, too. The range has both ends also when it goes on
    /// from a position, or the planner takes what is left of it for more than it is, and sorts.
    ///
    /// The set, which is an equality, has no part in the order: the index by set gives it as well, and less to read.
    fn push_walk<'b>(
        &'b self,
        out: &mut AstPass<'_, 'b, Pg>,
        push_organisation: impl Fn(&mut AstPass<'_, 'b, Pg>) -> QueryResult<()>,
    ) -> QueryResult<()> {
        out.push_sql(" FROM jobs WHERE jobs.organisation_id <= ");
        push_organisation(out)?;
        out.push_sql(" AND jobs.organisation_id >= ");
        push_organisation(out)?;
        if let Some(after) = &self.part.after {
            // By all columns of the index by set, if that is what it goes along.
            let set = self.conditions.managed_by.as_ref();
            out.push_sql(" AND (jobs.organisation_id, ");
            out.push_sql(if set.is_some() {
                "jobs.managed_by, jobs.sequence_number) > ("
            } else {
                "jobs.sequence_number) > ("
            });
            push_organisation(out)?;
            out.push_sql(", ");
            if let Some(set) = set {
                push_unplanned::<Text, _>(out, set)?;
                out.push_sql(", ");
            }
            push_unplanned::<BigInt, _>(out, after)?;
            out.push_sql(")");
        }
        self.conditions.push_filters_apart(out)?;
        out.push_sql(" ORDER BY jobs.organisation_id, jobs.sequence_number LIMIT ");
        push_unplanned::<BigInt, _>(out, &self.part.limit)
    }
}

/// The organisation whose turn it is in [`JobList::push_merged`].
#[expect(clippy::unnecessary_wraps, reason = "one of two ways to name an organisation; the other can fail")]
fn push_tenant(out: &mut AstPass<'_, '_, Pg>) -> QueryResult<()> {
    out.push_sql("tenant.organisation_id");
    Ok(())
}

impl QueryFragment<Pg> for JobList {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let out = &mut out;
        out.push_sql("SELECT ");
        self.columns.walk_ast(out.reborrow())?;
        out.push_sql(monitoring::COLUMNS);
        if self.is_distributed {
            return self.push_flat(out, false);
        }
        out.push_sql(" FROM (");
        self.push_page(out)?;
        out.push_sql(") AS jobs");
        out.push_sql(monitoring::JOINED_TO_FEW);
        out.push_sql(" ORDER BY jobs.sequence_number");
        Ok(())
    }
}

// Each combination of conditions is a statement of its own, prepared once and found by its text.
statement! { varying JobList => MonitoredJobSql }

/// The names of the jobs of a list, without what is read beside them. Of several organisations, so many of each: put
/// together, they are the list up to where the first of them ends.
#[derive(Clone)]
pub(super) struct JobNames(JobList);

impl JobNames {
    /// About so many behind a place; and how many of an organisation.
    pub(super) fn new(list: &JobList, after: Option<Position>, most: usize) -> (Self, usize) {
        let organisations = match &list.conditions.tenants {
            Tenants::Several(ids) => ids.len(),
            Tenants::All | Tenants::One(_) => 1,
        };
        let limit = ListedNames::of_each(most, organisations);
        let all = limit.saturating_mul(organisations);
        let merged = paging::limit(all);
        let limit = if list.is_distributed { all } else { limit };
        (Self(JobList { merged, ..list.part(after, limit) }), limit)
    }

    pub(super) fn is_of_several(&self) -> bool {
        matches!(self.0.conditions.tenants, Tenants::Several(_)) && self.0.is_read_by_tenant() && !self.0.is_distributed
    }
}

impl QueryFragment<Pg> for JobNames {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let out = &mut out;
        out.push_sql("SELECT jobs.organisation_id, jobs.id, jobs.name, jobs.sequence_number");
        if self.0.is_distributed {
            return self.0.push_flat(out, true);
        }
        out.push_sql(" FROM (");
        self.0.push_page(out)?;
        out.push_sql(") AS jobs ORDER BY jobs.sequence_number");
        Ok(())
    }
}

statement! { varying JobNames => (SqlUuid, SqlUuid, Text, BigInt) }
