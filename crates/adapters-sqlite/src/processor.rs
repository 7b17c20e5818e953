//! Giving the processor away, where one statement after the other keeps it.
//!
//! A thread that is woken while all processors are busy is put behind one of those that are running. There it can wait
//! for milliseconds, also when another processor has nothing to do by then: Linux looks for that only from time to time
//! where a processor never has nothing to do for long. What others wait for takes a tenth of that.

use std::thread;

use diesel::connection::DefaultLoadingMode;
use diesel::prelude::*;
use diesel::query_dsl::methods::LoadQuery;

/// How many rows are read at a time: some twenty microseconds.
const ROWS_AT_ONCE: usize = 32;

/// Lets others run first that wait for this processor. Costs less than a microsecond if there are none.
pub(crate) fn give_way() {
    thread::yield_now();
}

/// Loads what may be thousands of rows.
pub(crate) fn load_many<'query, Row: 'query>(
    query: impl LoadQuery<'query, SqliteConnection, Row>,
    connection: &mut SqliteConnection,
) -> QueryResult<Vec<Row>> {
    let mut rows = Vec::new();
    for row in query.load_iter::<Row, DefaultLoadingMode>(connection)? {
        rows.push(row?);
        if rows.len() % ROWS_AT_ONCE == 0 {
            give_way();
        }
    }
    Ok(rows)
}
