//! Numbers what was there before it was numbered, by the migration `2026-11-26-000001_number_what_is_created`.
//!
//! From the one that was created last, which gets 0, back to the first. What is stored meanwhile has numbers from 1 on,
//! so the order is right whenever it is read. Of what was created before, clocks are all that is known.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use diesel::result::Error;
use diesel::sql_types::{BigInt, Bool, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use super::Batch;

/// How many rows at a time: a writer that changes one of them waits meanwhile.
const ROWS: u64 = 500;

pub(super) fn sources(connection: &mut PgConnection, progress: Option<&str>) -> QueryResult<Batch> {
    number(connection, progress, "sources", "id")
}

pub(super) fn source_versions(connection: &mut PgConnection, progress: Option<&str>) -> QueryResult<Batch> {
    number(connection, progress, "source_versions", "id")
}

pub(super) fn jobs(connection: &mut PgConnection, progress: Option<&str>) -> QueryResult<Batch> {
    number(connection, progress, "jobs", "organisation_id, id")
}

#[derive(QueryableByName)]
struct Numbered {
    #[diesel(sql_type = BigInt)]
    sequence_number: i64,
    #[diesel(sql_type = Timestamptz)]
    created_at: DateTime<Utc>,
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

fn number(connection: &mut PgConnection, progress: Option<&str>, table: &str, key: &str) -> QueryResult<Batch> {
    let Place { next, created_at, id } = Place::read(progress)?;
    let lowest: Option<Numbered> = diesel::sql_query(format!(
        "WITH batch AS MATERIALIZED (
            SELECT {key}, created_at FROM {table}
            WHERE sequence_number IS NULL AND (created_at, id) <= ($1, $2)
            ORDER BY created_at DESC, id DESC LIMIT {ROWS} FOR NO KEY UPDATE
        ), numbered AS (
            UPDATE {table} SET sequence_number = $3 - place FROM (
                SELECT {key}, row_number() OVER (ORDER BY created_at DESC, id DESC) - 1 AS place FROM batch
            ) AS places
            WHERE ({stored_key}) = ({places_key})
            RETURNING {table}.sequence_number, {table}.created_at, {table}.id
        )
        SELECT sequence_number, created_at, id FROM numbered ORDER BY sequence_number LIMIT 1",
        stored_key = of(table, key),
        places_key = of("places", key),
    ))
    .bind::<Timestamptz, _>(created_at)
    .bind::<SqlUuid, _>(id)
    .bind::<BigInt, _>(next)
    .get_result(connection)
    .optional()?;
    if let Some(Numbered { sequence_number, created_at, id }) = lowest {
        return Ok(Batch::Until(Place { next: sequence_number - 1, created_at, id }.to_string()));
    }
    // Rows that changed in the very moment may have been passed over.
    if is_any_left(connection, table)? {
        Ok(Batch::Until(Place { next, ..Place::START }.to_string()))
    } else {
        Ok(Batch::Last)
    }
}

/// Each column of a key, with its table.
fn of(table: &str, key: &str) -> String {
    key.split(", ").map(|column| format!("{table}.{column}")).collect::<Vec<_>>().join(", ")
}

fn is_any_left(connection: &mut PgConnection, table: &str) -> QueryResult<bool> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Bool)]
        is_any_left: bool,
    }
    let row =
        diesel::sql_query(format!("SELECT EXISTS (SELECT FROM {table} WHERE sequence_number IS NULL) AS is_any_left"));
    Ok(row.get_result::<Row>(connection)?.is_any_left)
}

/// Where the next batch begins.
struct Place {
    next: i64,
    created_at: DateTime<Utc>,
    id: Uuid,
}

impl Place {
    /// Behind all that can be.
    const START: Self = Self {
        next: 0,
        created_at: NaiveDate::from_ymd_opt(100_000, 1, 1)
            .expect("a day")
            .and_hms_opt(0, 0, 0)
            .expect("a time of the day")
            .and_utc(),
        id: Uuid::max(),
    };

    fn read(progress: Option<&str>) -> QueryResult<Self> {
        let Some(progress) = progress else { return Ok(Self::START) };
        let mut words = progress.split(' ');
        let mut word = || words.next().unwrap_or_default();
        let place = (|| {
            Some(Self {
                next: word().parse().ok()?,
                created_at: DateTime::from_timestamp_micros(word().parse().ok()?)?,
                id: word().parse().ok()?,
            })
        })();
        place.ok_or_else(|| Error::DeserializationError(format!("a step cannot go on from {progress:?}").into()))
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} {}", self.next, self.created_at.timestamp_micros(), self.id)
    }
}
