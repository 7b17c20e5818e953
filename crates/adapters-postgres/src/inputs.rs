//! The directory of inputs, and the names of organisations.

mod organisations;

use std::collections::{HashMap, HashSet};

use diesel::PgConnection;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, Bool, Text, Uuid as SqlUuid};
use prediction_domain::model::{
    Input, InputId, InputPosition, JobId, NamePart, Organisation, OrganisationId, Page, PageRequest, Revision, Scope,
};
use prediction_domain::ports::{
    DeleteInputError, InputFilter, InputRepository, PutInputsError, StoreFailure, WriteMode,
};
use uuid::Uuid;

use crate::database::{Abort, Database};
use crate::distributed::by_organisation;
use crate::paging::{at_once, limit};
use crate::rows::{InputContent, InputRow, count, read_all, revision};
use crate::schema::{inputs, job_inputs, jobs};
use crate::store::PostgresStore;

impl InputRepository for PostgresStore {
    fn find_many(&self, wanted: &[(OrganisationId, InputId)]) -> Result<Vec<Option<Input>>, StoreFailure> {
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let rows: Vec<InputRow> = if self.database().is_distributed()? {
            find_on_servers(self.database(), wanted)?
        } else {
            let (organisations, ids) = columns(wanted);
            self.database().statement(|connection| {
                sql_query(BY_KEYS)
                    .bind::<Array<SqlUuid>, _>(&organisations)
                    .bind::<Array<SqlUuid>, _>(&ids)
                    .load(connection)
            })?
        };
        let by_key: HashMap<(Uuid, Uuid), &InputRow> =
            rows.iter().map(|row| ((row.organisation_id, row.id), row)).collect();
        let find = |(organisation_id, id): &(OrganisationId, InputId)| {
            by_key.get(&(organisation_id.as_uuid(), id.as_uuid())).map(|row| Input::try_from(*row)).transpose()
        };
        wanted.iter().map(find).collect()
    }

    fn find_by_ids(&self, scope: &Scope, ids: &[InputId]) -> Result<Vec<Input>, StoreFailure> {
        let ids: Vec<Uuid> = ids.iter().map(InputId::as_uuid).collect();
        let rows: Vec<InputRow> = self.database().statement(|connection| {
            let mut query = inputs::table.filter(inputs::id.eq_any(&ids)).select(InputRow::as_select()).into_boxed();
            if let Scope::Organisations(organisations) = scope {
                query = query.filter(inputs::organisation_id.eq_any(uuids(organisations.iter())));
            }
            query.order((inputs::organisation_id, inputs::id)).load(connection)
        })?;
        read_all(&rows)
    }

    fn are_bound(&self, wanted: &[(OrganisationId, InputId)]) -> Result<Vec<bool>, StoreFailure> {
        if self.database().is_distributed()? {
            return are_bound_on_servers(self.database(), wanted);
        }
        let (organisations, ids) = columns(wanted);
        let rows: Vec<IsBound> = self.database().statement(|connection| {
            sql_query(ARE_BOUND)
                .bind::<Array<SqlUuid>, _>(&organisations)
                .bind::<Array<SqlUuid>, _>(&ids)
                .load(connection)
        })?;
        Ok(rows.into_iter().map(|row| row.is_bound).collect())
    }

    fn list(
        &self,
        scope: &Scope,
        filter: &InputFilter,
        page: &PageRequest<InputPosition>,
    ) -> Result<Page<Input, InputPosition>, StoreFailure> {
        let InputFilter { organisation_id, kind, metric, name_part, managed_by } = filter;
        let part = name_part.as_ref().map(NamePart::key);
        Page::filled(page, at_once::TEXTS, |after: Option<InputPosition>, most| {
            let rows: Vec<InputRow> = self.database().statement(|connection| {
                let mut query = inputs::table.select(InputRow::as_select()).into_boxed();
                if let Scope::Organisations(organisations) = scope {
                    query = query.filter(inputs::organisation_id.eq_any(uuids(organisations.iter())));
                }
                if let Some(organisation_id) = organisation_id {
                    query = query.filter(inputs::organisation_id.eq(organisation_id.as_uuid()));
                }
                if let Some(kind) = kind {
                    query = query.filter(inputs::kind.eq(kind.as_str()));
                }
                if let Some(metric) = metric {
                    query = query.filter(inputs::metric.eq(metric.as_str()));
                }
                if let Some(set) = managed_by {
                    query = query.filter(inputs::managed_by.eq(set.as_str()));
                }
                if let Some(part) = &part {
                    query = query.filter(sql::<Bool>("strpos(name_key, ").bind::<Text, _>(part).sql(") > 0"));
                }
                if let Some(InputPosition { organisation_id, id }) = after {
                    // As a comparison of rows, because only that is a range of the index.
                    let behind = sql::<Bool>("(inputs.organisation_id, inputs.id) > (");
                    let behind = behind.bind::<SqlUuid, _>(organisation_id.as_uuid()).sql(", ");
                    query = query.filter(behind.bind::<SqlUuid, _>(id.as_uuid()).sql(")"));
                }
                query.order((inputs::organisation_id, inputs::id)).limit(limit(most)).load(connection)
            })?;
            let placed = |row: &InputRow| Input::try_from(row).map(|input| (input.clone(), input.position()));
            rows.iter().map(placed).collect::<Result<Vec<_>, StoreFailure>>()
        })
    }

    fn put_many(&self, all: &[Input], mode: WriteMode) -> Result<(), PutInputsError> {
        let (new, changed): (Vec<&Input>, Vec<&Input>) =
            all.iter().partition(|input| input.revision == Revision::FIRST);
        let changed: Vec<(&Input, i64)> =
            changed.into_iter().map(|input| (input, input.revision.as_i64() - 1)).collect();
        self.database().transaction(mode, |connection| put(connection, new.clone(), changed.clone()))
    }

    fn delete(
        &self,
        organisation_id: OrganisationId,
        id: InputId,
        expected: Revision,
        mode: WriteMode,
    ) -> Result<(), DeleteInputError> {
        self.database().transaction(mode, |connection| delete(connection, (organisation_id, id), expected))
    }

    fn name_organisation(&self, organisation: &Organisation, mode: WriteMode) -> Result<(), StoreFailure> {
        organisations::name(self.database(), organisation, mode)
    }

    fn find_organisation(&self, id: OrganisationId) -> Result<Option<Organisation>, StoreFailure> {
        organisations::find(self.database(), id)
    }

    fn list_organisations(
        &self,
        scope: &Scope,
        page: &PageRequest<OrganisationId>,
    ) -> Result<Page<Organisation, OrganisationId>, StoreFailure> {
        organisations::list(self.database(), scope, page)
    }
}

/// Each by its key. As two conditions on columns it would be each organisation with each id.
const BY_KEYS: &str = "SELECT inputs.* FROM unnest($1, $2) AS wanted(organisation_id, id) \
     JOIN inputs ON inputs.organisation_id = wanted.organisation_id AND inputs.id = wanted.id";

/// One row for each key, in their order.
const ARE_BOUND: &str = "SELECT EXISTS (SELECT FROM job_inputs AS used \
     WHERE used.organisation_id = wanted.organisation_id AND used.input_id = wanted.id) AS is_bound \
     FROM unnest($1, $2) WITH ORDINALITY AS wanted(organisation_id, id, place) ORDER BY place";

/// The same as [`BY_KEYS`] of distributed tables: each organisation is asked for on its server, and no other server
/// has to be there.
fn find_on_servers(database: &Database, wanted: &[(OrganisationId, InputId)]) -> Result<Vec<InputRow>, StoreFailure> {
    let mut rows: Vec<InputRow> = Vec::new();
    let keys = wanted.iter().map(|(organisation_id, id)| (organisation_id.as_uuid(), id.as_uuid()));
    for (organisation, ids) in by_organisation(keys) {
        let found: Vec<InputRow> = database.statement(|connection| {
            let of_organisation = inputs::table.filter(inputs::organisation_id.eq(organisation));
            of_organisation.filter(inputs::id.eq_any(&ids)).select(InputRow::as_select()).load(connection)
        })?;
        rows.extend(found);
    }
    Ok(rows)
}

/// The same of distributed tables: each organisation is asked for on its server.
fn are_bound_on_servers(database: &Database, wanted: &[(OrganisationId, InputId)]) -> Result<Vec<bool>, StoreFailure> {
    let mut bound: HashSet<(Uuid, Uuid)> = HashSet::new();
    let keys = wanted.iter().map(|(organisation_id, id)| (organisation_id.as_uuid(), id.as_uuid()));
    for (organisation, ids) in by_organisation(keys.clone()) {
        let found: Vec<Uuid> = database.statement(|connection| {
            let of_organisation = job_inputs::table.filter(job_inputs::organisation_id.eq(organisation));
            let of_inputs = of_organisation.filter(job_inputs::input_id.eq_any(&ids));
            of_inputs.select(job_inputs::input_id).distinct().load(connection)
        })?;
        bound.extend(found.into_iter().map(|id| (organisation, id)));
    }
    Ok(keys.map(|key| bound.contains(&key)).collect())
}

#[derive(Debug, QueryableByName)]
struct IsBound {
    #[diesel(sql_type = Bool)]
    is_bound: bool,
}

/// Keys as two columns.
fn columns(keys: &[(OrganisationId, InputId)]) -> (Vec<Uuid>, Vec<Uuid>) {
    keys.iter().map(|(organisation_id, id)| (organisation_id.as_uuid(), id.as_uuid())).unzip()
}

/// So many rows of twelve columns each: a statement has 65,535 parameters at the most.
const INSERTED_AT_ONCE: usize = 1_000;

fn uuids<'a>(organisations: impl Iterator<Item = &'a OrganisationId>) -> Vec<Uuid> {
    organisations.map(OrganisationId::as_uuid).collect()
}

/// Stores new inputs, and those that are to replace such a revision.
pub(crate) fn put(
    connection: &mut PgConnection,
    mut new: Vec<&Input>,
    mut changed: Vec<(&Input, i64)>,
) -> Result<(), Abort<PutInputsError>> {
    // In one order, so that of two that put the same inputs one waits for the other.
    new.sort_by_key(|input| input.position());
    changed.sort_by_key(|(input, _)| input.position());
    for (input, expected) in changed {
        if !update(connection, input, expected)? {
            return Err(Abort::Refused(PutInputsError::Stale));
        }
    }
    for few in new.chunks(INSERTED_AT_ONCE) {
        let rows: Vec<InputRow> = few.iter().map(|input| InputRow::from(*input)).collect();
        let inserted = diesel::insert_into(inputs::table).values(&rows).on_conflict_do_nothing().execute(connection)?;
        if inserted != few.len() {
            return Err(Abort::Refused(PutInputsError::Stale));
        }
    }
    Ok(())
}

/// Deletes an input that is at that revision and that no job has bound.
pub(crate) fn delete(
    connection: &mut PgConnection,
    (organisation_id, id): (OrganisationId, InputId),
    expected: Revision,
) -> Result<(), Abort<DeleteInputError>> {
    let key = (organisation_id.as_uuid(), id.as_uuid());
    let current = inputs::table.find(key).select(inputs::revision).for_update();
    let current = current.first(connection).optional()?.ok_or(Abort::Refused(DeleteInputError::Missing))?;
    let current = revision(current)?;
    if current != expected {
        return Err(Abort::Refused(DeleteInputError::Stale { current }));
    }
    let of_input = job_inputs::organisation_id.eq(key.0).and(job_inputs::input_id.eq(key.1));
    let jobs = count(job_inputs::table.filter(of_input).count().get_result(connection)?)?;
    if jobs > 0 {
        let first = first_users(connection, organisation_id, id)?;
        return Err(Abort::Refused(DeleteInputError::InUse { jobs, first }));
    }
    diesel::delete(inputs::table.find(key)).execute(connection)?;
    Ok(())
}

/// Replaces an input that is at that revision; `false` when that is not what is stored.
fn update(connection: &mut PgConnection, input: &Input, expected: i64) -> QueryResult<bool> {
    let row = inputs::table.find((input.organisation_id.as_uuid(), input.id.as_uuid()));
    let changed = diesel::update(row).filter(inputs::revision.eq(expected)).set(InputContent::from(input));
    Ok(changed.execute(connection)? == 1)
}

/// The first jobs of an organisation that have an input bound.
fn first_users<E: From<StoreFailure>>(
    connection: &mut PgConnection,
    organisation_id: OrganisationId,
    id: InputId,
) -> Result<Vec<JobId>, Abort<E>> {
    let numbers: Vec<i64> = job_inputs::table
        .filter(job_inputs::organisation_id.eq(organisation_id.as_uuid()))
        .filter(job_inputs::input_id.eq(id.as_uuid()))
        .order(job_inputs::sequence_number)
        .limit(limit(DeleteInputError::MAX_NAMED))
        .select(job_inputs::sequence_number)
        .load(connection)?;
    let found: Vec<Uuid> = jobs::table
        .filter(jobs::organisation_id.eq(organisation_id.as_uuid()))
        .filter(jobs::sequence_number.eq_any(numbers))
        .order(jobs::sequence_number)
        .select(jobs::id)
        .load(connection)?;
    let ids: Result<Vec<JobId>, _> = found.into_iter().map(JobId::from_uuid).collect();
    Ok(ids.map_err(|problem| StoreFailure::Corrupt(problem.into()))?)
}
