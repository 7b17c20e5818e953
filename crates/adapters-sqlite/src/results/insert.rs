//! The statements that store a run.

use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::{BigInt, Double, Text};
use diesel::sqlite::Sqlite;
use prediction_domain::model::{Prediction, Run};

use crate::rows::{NewPredictionRow, RunRow};
use crate::schema::runs;
use crate::statement::statement;

/// How many values one statement stores: what it costs to run a statement is then little beside the values, and it
/// takes no longer than what others do. Two sizes of statement, this one and one value, are all that is ever prepared.
const VALUES_AT_ONCE: usize = 16;

/// Stores a run, without its values.
pub(super) fn insert_run(connection: &mut SqliteConnection, run: &Run) -> QueryResult<()> {
    diesel::insert_into(runs::table).values(RunRow::from(run)).execute(connection)?;
    Ok(())
}

/// The values of a run, in the order of the index, so that what comes one after the other is stored side by side.
pub(super) struct Values<'a>(Vec<NewPredictionRow<'a>>);

impl<'a> Values<'a> {
    pub(super) fn of(predictions: &'a [Prediction]) -> Self {
        let mut rows: Vec<NewPredictionRow<'a>> = predictions.iter().map(NewPredictionRow::from).collect();
        rows.sort_unstable_by_key(NewPredictionRow::place);
        Self(rows)
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// What is to be executed for them.
    pub(super) fn statements(&self) -> impl ExactSizeIterator<Item = SomeValues<'_>> {
        let full = self.0.chunks_exact(VALUES_AT_ONCE);
        let rest = full.remainder();
        let statements: Vec<_> = full.chain(rest.chunks(1)).map(SomeValues).collect();
        statements.into_iter()
    }
}

/// What one statement stores.
pub(super) struct SomeValues<'a>(&'a [NewPredictionRow<'a>]);

impl SomeValues<'_> {
    /// How many.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn execute(&self, connection: &mut SqliteConnection, run: &Run) -> QueryResult<()> {
        let statement = InsertValues {
            organisation_id: &run.organisation_id.to_string(),
            job_id: &run.job_id.to_string(),
            issued_at: run.issued_at.as_micros(),
            rows: self.0,
        };
        statement.execute(connection)?;
        Ok(())
    }
}

/// `INSERT INTO predictions … VALUES (…), (…)`: what the values have in common is sent once.
struct InsertValues<'a> {
    organisation_id: &'a str,
    job_id: &'a str,
    issued_at: i64,
    rows: &'a [NewPredictionRow<'a>],
}

impl QueryFragment<Sqlite> for InsertValues<'_> {
    /// Each `?` is numbered in the order in which it comes, and named by its number from then on.
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("INSERT INTO predictions (organisation_id, job_id, issued_at, role, at, value) VALUES (");
        out.push_bind_param::<Text, _>(self.organisation_id)?;
        out.push_sql(", ");
        out.push_bind_param::<Text, _>(self.job_id)?;
        out.push_sql(", ");
        out.push_bind_param::<BigInt, _>(&self.issued_at)?;
        for (index, row) in self.rows.iter().enumerate() {
            out.push_sql(if index == 0 { ", " } else { "), (?1, ?2, ?3, " });
            out.push_bind_param::<Text, _>(row.role)?;
            out.push_sql(", ");
            out.push_bind_param::<BigInt, _>(&row.at)?;
            out.push_sql(", ");
            out.push_bind_param::<Double, _>(&row.value)?;
        }
        out.push_sql(")");
        Ok(())
    }
}

// The number of rows is not part of the type, so diesel must compare the text.
statement! { varying InsertValues<'_> }
