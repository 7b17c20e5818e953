//! Which jobs are listed or counted, and the part of them that is read.

use std::collections::BTreeSet;

use diesel::QueryResult;
use diesel::pg::Pg;
use diesel::query_builder::AstPass;
use diesel::sql_types::{Array, Bool, Jsonb, Text, Uuid as SqlUuid};
use prediction_domain::model::{LifecycleStage, OrganisationId, Scope};
use prediction_domain::ports::JobFilter;
use uuid::Uuid;

use super::monitoring::HealthCondition;
use crate::paging::push_unplanned;
use crate::rows::JsonList;

/// So many jobs behind a place.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Part {
    pub(super) after: Option<i64>,
    pub(super) limit: i64,
}

/// Which jobs are listed, or counted.
#[derive(Debug, Clone)]
pub(super) struct Conditions {
    pub(super) tenants: Tenants,
    pub(super) input: Option<Input>,
    source_id: Option<Uuid>,
    source_version_id: Option<Uuid>,
    version_stages: Option<VersionStages>,
    active: Option<bool>,
    pub(super) name: Option<String>,
    pub(super) managed_by: Option<String>,
    pub(super) health: Option<HealthCondition>,
    /// The tables are distributed over several servers.
    pub(super) is_distributed: bool,
}

/// The input that jobs are to use.
#[derive(Debug, Clone)]
pub(super) struct Input {
    pub(super) id: Uuid,
    /// As the index on all role bindings wants it.
    list: JsonList<Uuid>,
}

/// Whose jobs are listed.
#[derive(Debug, Clone)]
pub(super) enum Tenants {
    All,
    One(Uuid),
    Several(Vec<Uuid>),
}

impl Conditions {
    /// `None` when no job can fulfil them.
    pub(super) fn new(scope: &Scope, filter: &JobFilter, is_distributed: bool) -> Option<Self> {
        let JobFilter {
            organisation_id,
            source_id,
            source_version_id,
            version_stages,
            active,
            name,
            input_id,
            health,
            managed_by,
        } = filter;
        if health.as_ref().is_some_and(|health| health.statuses.is_empty())
            || version_stages.as_ref().is_some_and(BTreeSet::is_empty)
        {
            return None;
        }
        Some(Self {
            tenants: Tenants::of(scope, *organisation_id)?,
            input: input_id.map(|id| Input { id: id.as_uuid(), list: JsonList(vec![id.as_uuid()]) }),
            source_id: source_id.map(|id| id.as_uuid()),
            source_version_id: source_version_id.map(|id| id.as_uuid()),
            version_stages: version_stages.as_ref().map(VersionStages::of),
            active: *active,
            name: name.as_ref().map(ToString::to_string),
            managed_by: managed_by.as_ref().map(ToString::to_string),
            health: health.as_ref().map(HealthCondition::new),
            is_distributed,
        })
    }

    /// Whether they ask for nothing but whose jobs they are.
    pub(super) fn are_of_tenants_only(&self) -> bool {
        matches!(
            self,
            Self {
                tenants: _,
                input: None,
                source_id: None,
                source_version_id: None,
                version_stages: None,
                active: None,
                name: None,
                managed_by: None,
                health: None,
                is_distributed: _
            }
        )
    }

    /// Whether they are of all organisations.
    pub(super) fn are_of_all(&self) -> bool {
        matches!(self.tenants, Tenants::All)
    }

    /// `unnest(…)` of the organisations; of one that is null, if they are of all.
    pub(super) fn push_each_tenant<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("unnest(");
        match &self.tenants {
            Tenants::All => out.push_sql("CAST(ARRAY[NULL] AS uuid[])"),
            Tenants::One(id) => {
                out.push_sql("ARRAY[");
                out.push_bind_param::<SqlUuid, _>(id)?;
                out.push_sql("]");
            }
            Tenants::Several(ids) => out.push_bind_param::<Array<SqlUuid>, _>(ids)?,
        }
        out.push_sql(")");
        Ok(())
    }

    /// ` AND …` on the column of that table.
    pub(super) fn push_tenants_of<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>, table: &str) -> QueryResult<()> {
        let mut push_column = || {
            for part in [" AND ", table, ".organisation_id = "] {
                out.push_sql(part);
            }
        };
        match &self.tenants {
            Tenants::All => Ok(()),
            Tenants::One(id) => {
                push_column();
                out.push_bind_param::<SqlUuid, _>(id)
            }
            Tenants::Several(ids) => {
                push_column();
                out.push_sql("ANY (");
                out.push_bind_param::<Array<SqlUuid>, _>(ids)?;
                out.push_sql(")");
                Ok(())
            }
        }
    }

    /// All of them, for a statement that has joined what the judgement of health needs.
    pub(super) fn push_all_joined<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(" WHERE TRUE");
        if let Some(input) = &self.input {
            out.push_sql(" AND ");
            self.push_has_input(out, input)?;
        }
        self.push_tenants(out)?;
        self.push_filters(out)?;
        self.health.as_ref().map_or(Ok(()), |health| health.push(out))
    }

    /// In the form for which there is an index.
    pub(super) fn push_has_input<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>, input: &'b Input) -> QueryResult<()> {
        // The plan must not depend on the values either: PostgreSQL knows which inputs are used most, by all
        // organisations.
        let push_used = |out: &mut AstPass<'_, 'b, Pg>| -> QueryResult<()> {
            out.push_sql("jobs.sequence_number IN (SELECT used.sequence_number FROM job_inputs AS used");
            out.push_sql(" WHERE used.input_id = ");
            push_unplanned::<SqlUuid, _>(out, &input.id)?;
            out.push_sql(" AND used.organisation_id = ");
            Ok(())
        };
        match &self.tenants {
            Tenants::All => {
                out.push_sql("jsonb_path_query_array(jobs.role_bindings, '$[*].input_id') @> ");
                return out.push_bind_param::<Jsonb, _>(&input.list);
            }
            Tenants::One(id) => {
                push_used(out)?;
                push_unplanned::<SqlUuid, _>(out, id)?;
            }
            Tenants::Several(ids) => {
                push_used(out)?;
                out.push_sql("ANY (CAST(");
                push_unplanned::<Array<SqlUuid>, _>(out, ids)?;
                out.push_sql(" AS uuid[]))");
            }
        }
        if self.is_distributed {
            // The server that has a job has its inputs.
            out.push_sql(" AND used.organisation_id = jobs.organisation_id");
        }
        out.push_sql(")");
        Ok(())
    }

    pub(super) fn push_tenants<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.push_tenants_of(out, "jobs")
    }

    pub(super) fn push_filters<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        if let Some(id) = &self.source_id {
            out.push_sql(" AND jobs.source_id = ");
            out.push_bind_param::<SqlUuid, _>(id)?;
        }
        if let Some(id) = &self.source_version_id {
            out.push_sql(" AND jobs.source_version_id = ");
            out.push_bind_param::<SqlUuid, _>(id)?;
        }
        if let Some(stages) = &self.version_stages {
            out.push_sql(" AND jobs.source_version_id ");
            out.push_sql(if stages.is_active_wanted { "NOT IN" } else { "IN" });
            out.push_sql(" (SELECT source_version_id FROM source_version_lifecycles WHERE stage = ANY(");
            out.push_bind_param::<Array<Text>, _>(&stages.listed)?;
            out.push_sql("))");
        }
        if let Some(active) = &self.active {
            out.push_sql(" AND jobs.active = ");
            out.push_bind_param::<Bool, _>(active)?;
        }
        if let Some(set) = &self.managed_by {
            out.push_sql(" AND jobs.managed_by = ");
            out.push_bind_param::<Text, _>(set)?;
        }
        self.push_name(out)
    }

    pub(super) fn push_name<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        if let Some(name) = &self.name {
            out.push_sql(" AND jobs.name = ");
            out.push_bind_param::<Text, _>(name)?;
        }
        Ok(())
    }

    /// The filters, health among them, for a statement that reads nothing but jobs.
    pub(super) fn push_filters_apart<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.push_filters(out)?;
        self.health.as_ref().map_or(Ok(()), |health| health.push_apart(out))
    }
}

/// The stages of versions that are asked for. A version without a row is active, so if that stage is wanted, the other
/// ones are left out.
#[derive(Debug, Clone)]
struct VersionStages {
    is_active_wanted: bool,
    listed: Vec<&'static str>,
}

impl VersionStages {
    fn of(wanted: &BTreeSet<LifecycleStage>) -> Self {
        let is_active_wanted = wanted.contains(&LifecycleStage::Active);
        let listed = LifecycleStage::ALL.into_iter().filter(|stage| wanted.contains(stage) != is_active_wanted);
        Self { is_active_wanted, listed: listed.map(LifecycleStage::as_str).collect() }
    }
}

impl Tenants {
    fn of(scope: &Scope, filter: Option<OrganisationId>) -> Option<Self> {
        match (scope, filter) {
            (scope, Some(organisation_id)) => {
                scope.contains(organisation_id).then(|| Self::One(organisation_id.as_uuid()))
            }
            (Scope::Platform, None) => Some(Self::All),
            (Scope::Organisations(organisations), None) => {
                let ids: Vec<Uuid> = organisations.iter().map(OrganisationId::as_uuid).collect();
                match ids.as_slice() {
                    [] => None,
                    [only] => Some(Self::One(*only)),
                    _ => Some(Self::Several(ids)),
                }
            }
        }
    }
}
