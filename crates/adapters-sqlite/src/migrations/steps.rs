//! What migrations leave to be done beside running readers and writers.
//!
//! To add a step, put it at the end of [`STEPS`], with the version of its migration, and a `&str` that tells how far it
//! is. It is done once in each database when all migrations are applied, and written down in `__migration_steps`. The
//! service is not ready before.

mod job_inputs;
mod outputs;
mod places;

use std::thread::sleep;
use std::time::{Duration, Instant};

use diesel::prelude::*;

use super::bookkeeping::__migration_steps;

/// A piece of work.
pub(super) struct Step {
    /// The version of the migration that it belongs to.
    pub(super) migration: &'static str,
    /// What it does, as an imperative phrase. Never changed once it is released.
    pub(super) name: &'static str,
    /// One batch, in a short transaction. It is told what the one before said, in whatever process that was.
    batch: fn(&mut SqliteConnection, progress: Option<&str>) -> QueryResult<Batch>,
}

/// How far a batch has come.
pub(super) enum Batch {
    /// There is more to do, from here.
    Until(String),
    /// It was the last.
    Last,
}

/// Every step, in the order in which they are done.
pub(super) const STEPS: [Step; 3] = [
    Step { migration: "20261126000006", name: "number the uses of inputs that were there", batch: job_inputs::number },
    Step { migration: CHAINED, name: "write down the outputs of the jobs that were there", batch: outputs::fill },
    Step { migration: CHAINED, name: "write down which jobs that were there read them", batch: outputs::fill_bound },
];

/// `2026-11-27-000003_know_which_jobs_read_outputs_of_others`.
const CHAINED: &str = "20261127000003";

/// How long others are left alone between two batches at the most: as long as the batch took.
const LONGEST_REST: Duration = Duration::from_millis(50);

impl Step {
    /// Does what is not done yet. To be called under the file's lock.
    pub(super) fn run(&self, connection: &mut SqliteConnection) -> QueryResult<()> {
        loop {
            let begun = Instant::now();
            if !connection.immediate_transaction(|connection| self.one_batch(connection))? {
                return Ok(());
            }
            sleep(begun.elapsed().min(LONGEST_REST));
        }
    }

    /// Tells whether there is more to do.
    fn one_batch(&self, connection: &mut SqliteConnection) -> QueryResult<bool> {
        let row = __migration_steps::table.find(self.name);
        let progress: Option<String> = row.select(__migration_steps::progress).first(connection)?;
        match (self.batch)(connection, progress.as_deref())? {
            Batch::Until(progress) => {
                diesel::update(row).set(__migration_steps::progress.eq(progress)).execute(connection)?;
                Ok(true)
            }
            Batch::Last => {
                diesel::update(row).set(__migration_steps::is_finished.eq(true)).execute(connection)?;
                Ok(false)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use diesel::connection::SimpleConnection as _;

    use super::*;

    /// A step that ends in the middle is gone on with where it was.
    #[test]
    fn a_step_goes_on_where_it_was() {
        let mut connection = SqliteConnection::establish(":memory:").unwrap();
        connection
            .batch_execute(
                "CREATE TABLE __migration_steps (name TEXT NOT NULL PRIMARY KEY, progress TEXT, is_finished INTEGER NOT NULL);
                 INSERT INTO __migration_steps VALUES ('count', NULL, 0);
                 CREATE TABLE batches (place TEXT NOT NULL);",
            )
            .unwrap();
        let count = Step {
            migration: "",
            name: "count",
            batch: |connection, progress| {
                let place = progress.map_or(0, |progress| progress.parse().unwrap());
                diesel::sql_query(format!("INSERT INTO batches VALUES ('{place}')")).execute(connection)?;
                // Another writer is in the way of the third.
                let is_free: bool = diesel::select(diesel::dsl::sql::<diesel::sql_types::Bool>(
                    "NOT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'obstacle')",
                ))
                .get_result(connection)?;
                match place {
                    2 if !is_free => Err(diesel::result::Error::NotFound),
                    3 => Ok(Batch::Last),
                    _ => Ok(Batch::Until((place + 1).to_string())),
                }
            },
        };
        connection.batch_execute("CREATE TABLE obstacle (x)").unwrap();
        count.run(&mut connection).unwrap_err();
        connection.batch_execute("DROP TABLE obstacle").unwrap();
        count.run(&mut connection).unwrap();
        let places: Vec<String> =
            diesel::dsl::sql::<diesel::sql_types::Text>("SELECT place FROM batches ORDER BY rowid")
                .load(&mut connection)
                .unwrap();
        assert_eq!(places, ["0", "1", "2", "3"]);
    }
}
