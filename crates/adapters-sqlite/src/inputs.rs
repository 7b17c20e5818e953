//! The directory of inputs, and the names of organisations.

mod organisations;

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Bool, Text};
use prediction_domain::model::{
    Input, InputId, InputPosition, NamePart, Organisation, OrganisationId, Page, PageRequest, Revision, Scope,
};
use prediction_domain::ports::{
    DeleteInputError, InputFilter, InputRepository, PutInputsError, StoreFailure, WriteMode,
};

use crate::constraints::{ConstraintViolation, refused};
use crate::expressions::is_one_of;
use crate::failure::OrStoreFailure as _;
use crate::paging::{at_once, limit};
use crate::rows::{InputContent, InputRow, in_order, job_ids, restore_all, stored_revision};
use crate::schema::{inputs, job_inputs};
use crate::store::SqliteStore;

impl InputRepository for SqliteStore {
    fn find_many(&self, wanted: &[(OrganisationId, InputId)]) -> Result<Vec<Option<Input>>, StoreFailure> {
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let keys = serde_json::json!(wanted).to_string();
        let query = sql_query(BY_KEYS).bind::<Text, _>(keys);
        let rows: Vec<InputRow> = query.load(&mut self.reader()?).or_store_failure()?;
        let key = |input: &Input| (input.organisation_id, input.id);
        Ok(in_order(wanted.iter().copied(), restore_all(&rows)?, key))
    }

    fn find_by_ids(&self, scope: &Scope, ids: &[InputId]) -> Result<Vec<Input>, StoreFailure> {
        let mut query = inputs::table.filter(is_one_of(inputs::id, ids)).select(InputRow::as_select()).into_boxed();
        if let Scope::Organisations(organisations) = scope {
            query = query.filter(is_one_of(inputs::organisation_id, organisations.iter()));
        }
        let query = query.order((inputs::organisation_id, inputs::id));
        let rows: Vec<InputRow> = query.load(&mut self.reader()?).or_store_failure()?;
        restore_all(&rows)
    }

    fn are_bound(&self, wanted: &[(OrganisationId, InputId)]) -> Result<Vec<bool>, StoreFailure> {
        let query = sql_query(ARE_BOUND).bind::<Text, _>(serde_json::json!(wanted).to_string());
        let rows: Vec<IsBound> = query.load(&mut self.reader()?).or_store_failure()?;
        Ok(rows.into_iter().map(|row| row.is_bound).collect())
    }

    fn list(
        &self,
        scope: &Scope,
        filter: &InputFilter,
        page: &PageRequest<InputPosition>,
    ) -> Result<Page<Input, InputPosition>, StoreFailure> {
        let mut reader = self.reader()?;
        let InputFilter { organisation_id, kind, metric, name_part, managed_by } = filter;
        let part = name_part.as_ref().map(NamePart::key);
        Page::filled(page, at_once::TEXTS, |after: Option<InputPosition>, most| {
            let mut query = inputs::table
                .select(InputRow::as_select())
                .order((inputs::organisation_id, inputs::id))
                .limit(limit(most))
                .into_boxed();
            if let Scope::Organisations(organisations) = scope {
                query = query.filter(is_one_of(inputs::organisation_id, organisations.iter()));
            }
            if let Some(organisation_id) = organisation_id {
                query = query.filter(inputs::organisation_id.eq(organisation_id.to_string()));
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
                query = query.filter(sql::<Bool>("instr(name_key, ").bind::<Text, _>(part).sql(") > 0"));
            }
            if let Some(InputPosition { organisation_id, id }) = after {
                // As a comparison of rows, because only that is a range of the index.
                let behind = sql::<Bool>("(inputs.organisation_id, inputs.id) > (");
                let behind = behind.bind::<Text, _>(organisation_id.to_string()).sql(", ");
                query = query.filter(behind.bind::<Text, _>(id.to_string()).sql(")"));
            }
            let rows: Vec<InputRow> = query.load(&mut *reader).or_store_failure()?;
            let inputs: Vec<Input> = restore_all(&rows)?;
            Ok::<_, StoreFailure>(inputs.into_iter().map(|input| (input.clone(), input.position())).collect())
        })
    }

    fn put_many(&self, all: &[Input], mode: WriteMode) -> Result<(), PutInputsError> {
        self.write(mode, |connection| {
            all.iter().try_for_each(|input| put(connection, input, input.revision.previous()))
        })
    }

    fn delete(
        &self,
        organisation_id: OrganisationId,
        id: InputId,
        expected: Revision,
        mode: WriteMode,
    ) -> Result<(), DeleteInputError> {
        self.write(mode, |connection| delete(connection, (organisation_id, id), expected))
    }

    fn name_organisation(&self, organisation: &Organisation, mode: WriteMode) -> Result<(), StoreFailure> {
        self.write(mode, |connection| organisations::name(connection, organisation))
    }

    fn find_organisation(&self, id: OrganisationId) -> Result<Option<Organisation>, StoreFailure> {
        organisations::find(&mut *self.reader()?, id)
    }

    fn list_organisations(
        &self,
        scope: &Scope,
        page: &PageRequest<OrganisationId>,
    ) -> Result<Page<Organisation, OrganisationId>, StoreFailure> {
        organisations::list(&mut *self.reader()?, scope, page)
    }
}

/// Each by its key: pairs in a JSON array. As two conditions on columns it would be each organisation with each id.
const BY_KEYS: &str = "SELECT inputs.* FROM json_each(?) AS wanted CROSS JOIN inputs \
     ON inputs.organisation_id = wanted.value ->> 0 AND inputs.id = wanted.value ->> 1";

/// One row for each key, in their order.
const ARE_BOUND: &str = "SELECT EXISTS (SELECT 1 FROM job_inputs AS used \
     WHERE used.organisation_id = wanted.value ->> 0 AND used.input_id = wanted.value ->> 1) AS is_bound \
     FROM json_each(?) AS wanted ORDER BY wanted.key";

#[derive(Debug, QueryableByName)]
struct IsBound {
    #[diesel(sql_type = Bool)]
    is_bound: bool,
}

/// Stores an input in the place of that revision, or of nothing.
pub(crate) fn put(
    connection: &mut SqliteConnection,
    input: &Input,
    expected: Option<Revision>,
) -> Result<(), PutInputsError> {
    let is_put = match expected {
        None => insert(connection, input)?,
        Some(expected) => update(connection, input, expected)?,
    };
    if is_put { Ok(()) } else { Err(PutInputsError::Stale) }
}

/// Deletes an input that is at that revision and that no job has bound.
pub(crate) fn delete(
    connection: &mut SqliteConnection,
    (organisation_id, id): (OrganisationId, InputId),
    expected: Revision,
) -> Result<(), DeleteInputError> {
    let key = (organisation_id.to_string(), id.to_string());
    let row = inputs::table.find(key.clone());
    let current = row.clone().select(inputs::revision).first(connection).optional().or_store_failure()?;
    let current = stored_revision("inputs", &id, current)?.ok_or(DeleteInputError::Missing)?;
    if current != expected {
        return Err(DeleteInputError::Stale { current });
    }
    let users =
        job_inputs::table.filter(job_inputs::organisation_id.eq(&key.0)).filter(job_inputs::input_id.eq(&key.1));
    let jobs: i64 = users.count().get_result(connection).or_store_failure()?;
    if jobs > 0 {
        let first: Vec<String> = users
            .order(job_inputs::sequence_number)
            .limit(limit(DeleteInputError::MAX_NAMED))
            .select(job_inputs::job_id)
            .load(connection)
            .or_store_failure()?;
        return Err(DeleteInputError::InUse { jobs: jobs.unsigned_abs(), first: job_ids(&first)? });
    }
    diesel::delete(row).execute(connection).or_store_failure()?;
    Ok(())
}

/// Stores a new input; `false` when there is one of that id.
fn insert(connection: &mut SqliteConnection, input: &Input) -> Result<bool, StoreFailure> {
    let inserted = diesel::insert_into(inputs::table).values(InputRow::from(input)).execute(connection);
    match refused(inserted).or_store_failure()? {
        Ok(_) => Ok(true),
        Err(ConstraintViolation::Taken) => Ok(false),
        Err(refusal) => Err(refusal.into()),
    }
}

/// Replaces an input that is at that revision; `false` when that is not what is stored.
fn update(connection: &mut SqliteConnection, input: &Input, expected: Revision) -> Result<bool, StoreFailure> {
    let row = inputs::table.find((input.organisation_id.to_string(), input.id.to_string()));
    let changed = diesel::update(row).filter(inputs::revision.eq(expected.as_i64())).set(InputContent::from(input));
    Ok(changed.execute(connection).or_store_failure()? == 1)
}
