//! Lists of jobs.

use diesel::prelude::*;
use prediction_domain::model::{MonitoredJob, OrganisationId, Page, PageRequest, Position, Scope};
use prediction_domain::ports::{JobFilter, ListedName, ListedNames, StoreFailure};

use crate::expressions::unindexed;
use crate::failure::OrStoreFailure as _;
use crate::jobs::by_health;
use crate::jobs::by_input;
use crate::jobs::conditions::{Condition, Part, narrowed, part_of, users_of};
use crate::jobs::listed::{ListedRow, NameRow};
use crate::paging::at_once;
use crate::rows::{MonitoredJobRow, restore_all};
use crate::schema::{job_inputs, jobs};

/// A page of the jobs in a scope.
pub(crate) fn list(
    connection: &mut SqliteConnection,
    scope: &Scope,
    filter: &JobFilter,
    page: &PageRequest,
) -> Result<Page<MonitoredJob>, StoreFailure> {
    let scope = &narrowed(scope, filter);
    Page::filled(page, at_once::JOBS, |after, most| {
        let rows: Vec<MonitoredJobRow> =
            part_of_list(connection, scope, filter, Part { after, most }).or_store_failure()?;
        let positions = rows.iter().map(|row| Position::behind(row.sequence_number));
        Ok(restore_all(&rows)?.into_iter().zip(positions).collect())
    })
}

/// The names of the jobs of a part of it.
pub(crate) fn names(
    connection: &mut SqliteConnection,
    scope: &Scope,
    filter: &JobFilter,
    part: Part,
) -> Result<ListedNames, StoreFailure> {
    let scope = narrowed(scope, filter);
    let scopes: Vec<Scope> = match &scope {
        Scope::Organisations(ids) => ids.iter().map(|id| Scope::of([*id])).collect(),
        Scope::Platform => vec![scope],
    };
    let limit = ListedNames::of_each(part.most, scopes.len());
    let rows = connection.transaction(|connection| {
        let read = |scope: &Scope| part_of_list(connection, scope, filter, Part { most: limit, ..part });
        scopes.iter().map(read).collect::<QueryResult<Vec<Vec<NameRow>>>>()
    });
    let parts = rows.or_store_failure()?.into_iter().map(|part| part.into_iter().map(ListedName::try_from).collect());
    Ok(ListedNames::merged(parts.collect::<Result<Vec<_>, StoreFailure>>()?, limit))
}

fn part_of_list<Row: ListedRow>(
    connection: &mut SqliteConnection,
    scope: &Scope,
    filter: &JobFilter,
    part: Part,
) -> QueryResult<Vec<Row>> {
    match (filter.input_id, &filter.health, scope) {
        (None, Some(health), scope) if filter.name.is_none() => {
            by_health::list(connection, scope, filter, health, part)
        }
        (Some(input_id), _, Scope::Platform) => {
            Row::load(part_of(filter, part, users_of(input_id, scope, filter)), connection)
        }
        (None, _, Scope::Platform) => in_creation_order(connection, None, filter, part, None),
        (_, _, Scope::Organisations(ids)) => {
            connection.transaction(|connection| merged(connection, ids.iter().copied(), filter, part))
        }
    }
}

/// An index gives the jobs of *one* organisation in creation order, so each is asked for by itself, in one snapshot,
/// and the answers are merged. None is asked for what would come behind a full page, so that many organisations with
/// many jobs cost little more than as many looks into the index.
fn merged<Row: ListedRow>(
    connection: &mut SqliteConnection,
    organisations: impl Iterator<Item = OrganisationId>,
    filter: &JobFilter,
    part: Part,
) -> QueryResult<Vec<Row>> {
    let wanted = part.most;
    let mut rows: Vec<Row> = Vec::new();
    for organisation in organisations {
        let last = rows.get(wanted - 1).map(Row::number);
        rows.extend(match filter.input_id {
            // A name is of one job.
            Some(input_id) if filter.name.is_none() => {
                let users = by_input::list(connection, organisation, input_id, filter, part, last)?;
                users.into_iter().map(Row::from).collect()
            }
            _ => in_creation_order(connection, Some(organisation), filter, part, last)?,
        });
        rows.sort_unstable_by_key(Row::number);
        rows.truncate(wanted);
    }
    Ok(rows)
}

/// The first jobs of an organisation, or of all, behind the page's position and before another place.
fn in_creation_order<Row: ListedRow>(
    connection: &mut SqliteConnection,
    organisation: Option<OrganisationId>,
    filter: &JobFilter,
    part: Part,
    before: Option<i64>,
) -> QueryResult<Vec<Row>> {
    let mut found: Vec<Condition> = Vec::new();
    match (organisation, filter.source_version_id) {
        // The index by version would lead through the jobs of all others that run it.
        (Some(organisation), Some(version)) => {
            found.push(Box::new(jobs::organisation_id.eq(organisation.to_string())));
            found.push(Box::new(unindexed(jobs::source_version_id).eq(version.to_string())));
        }
        (Some(organisation), None) => found.push(Box::new(jobs::organisation_id.eq(organisation.to_string()))),
        (None, Some(version)) => found.push(Box::new(jobs::source_version_id.eq(version.to_string()))),
        (None, None) => {}
    }
    if let Some(input_id) = filter.input_id {
        let uses = job_inputs::table.filter(job_inputs::input_id.eq(input_id.to_string()));
        let own = job_inputs::organisation_id.eq(jobs::organisation_id).and(job_inputs::job_id.eq(jobs::id));
        found.push(Box::new(diesel::dsl::exists(uses.filter(own))));
    }
    if let Some(number) = before {
        found.push(Box::new(jobs::sequence_number.lt(number)));
    }
    Row::load(part_of(filter, part, found), connection)
}
