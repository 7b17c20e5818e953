//! Jobs of a health, found by what was judged before.
//!
//! A judgement holds at a time when it was not judged by a later one, has not ended, and its source promises what it
//! did. What holds is read along an index, up to the end of the page; what does not is judged here, job by job.

use std::collections::BTreeMap;

use diesel::dsl::count_star;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::{BigInt, Text};
use diesel::sqlite::Sqlite;
use prediction_domain::model::{HealthCounts, HealthFilter, HealthStatus, OrganisationId, Scope, Timestamp};
use prediction_domain::ports::{JobFilter, StoreFailure};

use crate::expressions::{is_one_of, unindexed};
use crate::failure::OrStoreFailure as _;
use crate::jobs::conditions::{Condition, Part, named, part_of, sorted_part_of};
use crate::jobs::listed::ListedRow;
use crate::jobs::monitoring::{monitored, status_at};
use crate::schema::{jobs, judgements, unjudged_sources};
use crate::statement::statement;

/// What is known about judgements.
struct Known {
    /// By which time jobs were judged last.
    judged_at: i64,
    /// Of whose jobs no judgement holds.
    unjudged_sources: Vec<String>,
}

impl Known {
    fn read(connection: &mut SqliteConnection) -> QueryResult<Self> {
        Ok(Self {
            judged_at: judgements::table.find("health").select(judgements::judged_at).first(connection)?,
            unjudged_sources: unjudged_sources::table.select(unjudged_sources::source_id).load(connection)?,
        })
    }

    /// Whether no job was judged by a later time.
    fn is_usable(&self, at: Timestamp) -> bool {
        self.judged_at <= at.as_micros()
    }

    /// That a judgement holds, or does not on account of its source though it has not ended. Not in a form for an
    /// index: most do hold.
    fn push_has_not_ended(&self, found: &mut Vec<Condition>, at: Timestamp, is_unjudged: bool) {
        found.push(Box::new(unindexed(jobs::judged_until).ge(at.as_micros())));
        let of_source = is_one_of(jobs::source_id, &self.unjudged_sources);
        if is_unjudged {
            found.push(Box::new(of_source));
        } else if !self.unjudged_sources.is_empty() {
            found.push(Box::new(diesel::dsl::not(of_source)));
        }
    }
}

/// The first jobs of a health behind the page's place, in creation order.
pub(crate) fn list<Row: ListedRow>(
    connection: &mut SqliteConnection,
    scope: &Scope,
    filter: &JobFilter,
    health: &HealthFilter,
    part: Part,
) -> QueryResult<Vec<Row>> {
    if matches!(scope, Scope::Organisations(ids) if ids.is_empty()) {
        return Ok(Vec::new());
    }
    connection.transaction(|connection| {
        let known = Known::read(connection)?;
        let mut merged = Merged { rows: Vec::new(), wanted: part.most };
        match scope {
            Scope::Platform => list_of(connection, None, filter, health, part, &known, &mut merged)?,
            Scope::Organisations(ids) => {
                for id in ids.iter() {
                    list_of(connection, Some(*id), filter, health, part, &known, &mut merged)?;
                }
            }
        }
        Ok(merged.rows)
    })
}

/// The first rows of all that were read.
struct Merged<Row> {
    rows: Vec<Row>,
    wanted: usize,
}

impl<Row: ListedRow> Merged<Row> {
    fn add(&mut self, rows: Vec<Row>) {
        self.rows.extend(rows);
        self.rows.sort_unstable_by_key(Row::number);
        self.rows.truncate(self.wanted);
    }

    /// Nothing is looked for behind a full page.
    fn push_end(&self, found: &mut Vec<Condition>) {
        if let Some(last) = self.rows.get(self.wanted - 1) {
            found.push(Box::new(jobs::sequence_number.lt(last.number())));
        }
    }
}

/// The jobs of one organisation, or of all.
fn list_of<Row: ListedRow>(
    connection: &mut SqliteConnection,
    organisation: Option<OrganisationId>,
    filter: &JobFilter,
    health: &HealthFilter,
    part: Part,
    known: &Known,
    merged: &mut Merged<Row>,
) -> QueryResult<()> {
    let of = |merged: &Merged<Row>| {
        let mut found: Vec<Condition> = Vec::new();
        if let Some(id) = organisation {
            found.push(Box::new(jobs::organisation_id.eq(id.to_string())));
        }
        if let Some(id) = filter.source_version_id {
            found.push(Box::new(unindexed(jobs::source_version_id).eq(id.to_string())));
        }
        merged.push_end(&mut found);
        found
    };
    if !known.is_usable(health.at) {
        let found = of(merged);
        merged.add(Row::load(part_of(filter, part, found), connection)?);
        return Ok(());
    }
    let beside = JobFilter { health: None, ..filter.clone() };
    for status in &health.statuses {
        let mut found = of(merged);
        found.push(Box::new(jobs::judged_status.eq(status.as_str())));
        known.push_has_not_ended(&mut found, health.at, false);
        merged.add(Row::load(part_of(&beside, part, found), connection)?);
    }
    // What has ended is few, and not looked for by its places.
    let mut found = of(&Merged { rows: Vec::new(), wanted: merged.wanted });
    found.push(Box::new(jobs::judged_until.lt(health.at.as_micros())));
    merged.add(Row::load(sorted_part_of(filter, part, found), connection)?);
    if !known.unjudged_sources.is_empty() {
        let mut found = of(merged);
        known.push_has_not_ended(&mut found, health.at, true);
        merged.add(Row::load(part_of(filter, part, found), connection)?);
    }
    Ok(())
}

/// How many jobs there are of each health: all by what was judged, without those of which that does not hold, which are
/// judged. `None` when they were judged by a later time.
pub(crate) fn count(
    connection: &mut SqliteConnection,
    scope: &Scope,
    now: Timestamp,
) -> Result<Option<HealthCounts>, StoreFailure> {
    let counted = connection.transaction(|connection| {
        let known = Known::read(connection)?;
        if !known.is_usable(now) {
            return Ok(None);
        }
        let mut counts: BTreeMap<String, i64> = BTreeMap::new();
        let judged: Vec<(String, i64)> = match scope {
            Scope::Platform => {
                let judged = jobs::table.group_by(jobs::judged_status).select((jobs::judged_status, count_star()));
                judged.load(connection)?
            }
            Scope::Organisations(ids) => CountJudged::of(ids.iter()).load(connection)?,
        };
        for (status, number) in judged {
            *counts.entry(status).or_default() += number;
        }
        let mut ended = of_scope(scope);
        ended.push(Box::new(jobs::judged_until.lt(now.as_micros())));
        let mut unjudged = vec![ended];
        if !known.unjudged_sources.is_empty() {
            let mut of_sources = of_scope(scope);
            known.push_has_not_ended(&mut of_sources, now, true);
            unjudged.push(of_sources);
        }
        for conditions in unjudged {
            // Not along the index of what they are grouped by: they are few.
            let mut pairs = monitored().select((unindexed(jobs::judged_status), status_at(now))).into_boxed();
            for condition in conditions {
                pairs = pairs.filter(condition);
            }
            let pairs: Vec<(String, String, i64)> = CountPairs(pairs).load(connection)?;
            for (before, status, number) in pairs {
                *counts.entry(before).or_default() -= number;
                *counts.entry(status).or_default() += number;
            }
        }
        QueryResult::Ok(Some(counts))
    });
    let Some(counts) = counted.or_store_failure()? else { return Ok(None) };
    let read = |(status, count): (&String, &i64)| Ok((named(status)?, count.unsigned_abs()));
    Ok(Some(counts.iter().map(read).collect::<Result<_, StoreFailure>>()?))
}

fn of_scope(scope: &Scope) -> Vec<Condition> {
    match scope {
        Scope::Platform => Vec::new(),
        Scope::Organisations(ids) => vec![Box::new(is_one_of(jobs::organisation_id, ids.iter()))],
    }
}

/// How many jobs of some organisations were judged how. Each status of each organisation is counted by itself, along
/// the index of both: otherwise SQLite puts all jobs in order first, or reads those of others, by what it knows of the
/// table.
struct CountJudged {
    /// JSON arrays.
    organisations: String,
    statuses: String,
}

impl CountJudged {
    fn of<'a>(organisations: impl Iterator<Item = &'a OrganisationId>) -> Self {
        let organisations: Vec<String> = organisations.map(ToString::to_string).collect();
        let statuses: Vec<&str> = HealthStatus::ALL.iter().map(|status| status.as_str()).collect();
        Self {
            organisations: serde_json::Value::from(organisations).to_string(),
            statuses: serde_json::Value::from(statuses).to_string(),
        }
    }
}

impl QueryFragment<Sqlite> for CountJudged {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql(
            "SELECT status.value, sum((SELECT count(*) FROM jobs WHERE jobs.organisation_id = tenant.value \
             AND jobs.judged_status = status.value)) FROM json_each(",
        );
        out.push_bind_param::<Text, _>(&self.organisations)?;
        out.push_sql(") AS tenant CROSS JOIN json_each(");
        out.push_bind_param::<Text, _>(&self.statuses)?;
        out.push_sql(") AS status GROUP BY 1");
        Ok(())
    }
}

statement! { cached CountJudged => (Text, BigInt) }

/// Each pair of values that a query gives, and how often. See [`CountEach`](crate::jobs::count).
pub(super) struct CountPairs<Values>(pub(super) Values);

impl<Values: QueryFragment<Sqlite>> QueryFragment<Sqlite> for CountPairs<Values> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("SELECT *, count(*) FROM (");
        self.0.walk_ast(out.reborrow())?;
        out.push_sql(") GROUP BY 1, 2");
        Ok(())
    }
}

// The conditions are not part of the type, so diesel must compare the text.
statement! { varying [Values] CountPairs<Values> => (Text, Text, BigInt) }
