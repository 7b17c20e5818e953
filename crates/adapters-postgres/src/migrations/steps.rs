//! What migrations leave to be done beside running readers and writers.
//!
//! A migration that adds a column does not fill it: that is a step, which is done when all migrations are applied. To
//! add one, put it at the end of [`STEPS`], with the version of its migration. It is done once in each database,
//! whichever process begins and whichever ends it, and written down in `__migration_steps`. The service is not ready
//! before.

mod index;
mod job_health;
mod job_inputs;
mod keys;
mod number;
mod outputs;
mod watch_jobs;

use std::thread::sleep;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;

use self::index::Index;
use super::bookkeeping::{self, Bookkeeping, Standing};
use super::lock_retry::{GivenUp, LockRetry, Trial};
use super::statements::statements;
use super::{Outcome, Tell};
use crate::start_up::StartUpError;

/// A piece of work.
pub(super) struct Step {
    /// The version of the migration that it belongs to.
    pub(super) migration: &'static str,
    /// What it does, as an imperative phrase. Never changed once it is released.
    pub(super) name: &'static str,
    work: Work,
}

/// What there is to do.
#[derive(Clone, Copy)]
enum Work {
    /// One batch after the other, each in a short transaction that no other process does at the same time. A batch is
    /// told what the one before said, in whatever process that was.
    Batches(fn(&mut PgConnection, progress: Option<&str>) -> QueryResult<Batch>),
    /// An index, made while others write to the table.
    Index(Index),
    /// Changes of the schema that rest on steps before, and need locks only for a moment: as in a migration.
    Schema(&'static str),
    /// An index that nothing uses any more goes. The service does not wait for that: what is in the way for long, such
    /// as a backup or a vacuum of a large table, leaves it to the next start.
    Disposal(&'static str),
}

/// How long a disposal is tried.
const LONGEST_DISPOSAL: Duration = Duration::from_secs(5);

impl Step {
    /// Whether the service does without it for as long as it is not done.
    pub(super) const fn can_wait(&self) -> bool {
        matches!(self.work, Work::Disposal(_))
    }
}

/// How far a batch has come.
pub(super) enum Batch {
    /// There is more to do, from here.
    Until(String),
    /// It was the last.
    Last,
}

/// `2026-11-26-000001_number_what_is_created`.
const NUMBERED: &str = "20261126000001";
/// `2026-11-26-000005_source_owners`.
const OWNED: &str = "20261126000005";
/// `2026-11-26-000009_find_history_that_is_not_kept`.
const KEPT: &str = "20261126000009";
/// `2026-11-27-000003_know_which_jobs_read_outputs_of_others`.
const CHAINED: &str = "20261127000003";
/// `2026-11-27-000004_know_what_sets_keep`.
const MANAGED: &str = "20261127000004";
/// `2026-11-28-000001_restrict_indexes_of_results`.
const RESTRICTED: &str = "20261128000001";

/// Every step, in the order in which they are done.
pub(super) const STEPS: [Step; 27] = [
    Step {
        migration: "20261125000001",
        name: "add up the runs of jobs that were there",
        work: Work::Batches(watch_jobs::add_up_runs),
    },
    Step {
        migration: "20261125000001",
        name: "find runs of jobs that are gone",
        work: Work::Batches(watch_jobs::find_runs_without_job),
    },
    Step { migration: NUMBERED, name: "number the sources that were there", work: Work::Batches(number::sources) },
    Step {
        migration: NUMBERED,
        name: "number the source versions that were there",
        work: Work::Batches(number::source_versions),
    },
    Step { migration: NUMBERED, name: "number the jobs that were there", work: Work::Batches(number::jobs) },
    Step {
        migration: NUMBERED,
        name: "make sources_sequence_number_idx",
        work: Work::Index(Index { name: "sources_sequence_number_idx", on: "sources (sequence_number)" }),
    },
    Step {
        migration: NUMBERED,
        name: "make source_versions_sequence_number_idx",
        work: Work::Index(Index {
            name: "source_versions_sequence_number_idx",
            on: "source_versions (sequence_number)",
        }),
    },
    Step {
        migration: NUMBERED,
        name: "make source_versions_source_id_sequence_number_idx",
        work: Work::Index(Index {
            name: "source_versions_source_id_sequence_number_idx",
            on: "source_versions (source_id, sequence_number)",
        }),
    },
    Step {
        migration: NUMBERED,
        name: "make jobs_sequence_number_idx",
        work: Work::Index(Index { name: "jobs_sequence_number_idx", on: "jobs (sequence_number)" }),
    },
    Step {
        migration: NUMBERED,
        name: "make jobs_organisation_id_sequence_number_idx",
        work: Work::Index(Index {
            name: "jobs_organisation_id_sequence_number_idx",
            on: "jobs (organisation_id, sequence_number)",
        }),
    },
    // Three steps, since a step that looks through a table for what is missing must not lock others out meanwhile.
    Step {
        migration: NUMBERED,
        name: "demand numbers of what is stored",
        work: Work::Schema(
            "ALTER TABLE sources ADD CONSTRAINT is_numbered CHECK (sequence_number IS NOT NULL) NOT VALID;
            ALTER TABLE source_versions ADD CONSTRAINT is_numbered CHECK (sequence_number IS NOT NULL) NOT VALID;
            ALTER TABLE jobs ADD CONSTRAINT is_numbered CHECK (sequence_number IS NOT NULL) NOT VALID",
        ),
    },
    Step {
        migration: NUMBERED,
        name: "look whether everything has a number",
        work: Work::Schema(
            "ALTER TABLE sources VALIDATE CONSTRAINT is_numbered;
            ALTER TABLE source_versions VALIDATE CONSTRAINT is_numbered;
            ALTER TABLE jobs VALIDATE CONSTRAINT is_numbered",
        ),
    },
    Step {
        migration: NUMBERED,
        name: "say that everything has a number",
        work: Work::Schema(
            "ALTER TABLE sources ALTER COLUMN sequence_number SET NOT NULL, DROP CONSTRAINT is_numbered;
            ALTER TABLE source_versions ALTER COLUMN sequence_number SET NOT NULL, DROP CONSTRAINT is_numbered;
            ALTER TABLE jobs ALTER COLUMN sequence_number SET NOT NULL, DROP CONSTRAINT is_numbered;
            DROP TRIGGER source_versions_are_immutable ON source_versions;
            CREATE TRIGGER source_versions_are_immutable BEFORE UPDATE ON source_versions
                FOR EACH STATEMENT EXECUTE FUNCTION refuse_source_version_update()",
        ),
    },
    Step {
        migration: "20261126000006",
        name: "write down the inputs of the jobs that were there",
        work: Work::Batches(job_inputs::fill),
    },
    Step {
        migration: OWNED,
        name: "make sources_owner_organisation_id_sequence_number_idx",
        work: Work::Index(Index {
            name: "sources_owner_organisation_id_sequence_number_idx",
            on: "sources (owner_organisation_id, sequence_number)",
        }),
    },
    Step {
        migration: KEPT,
        name: "make runs_without_values_idx",
        work: Work::Index(Index {
            name: "runs_without_values_idx",
            on: "runs (organisation_id, job_id, issued_at) WHERE prediction_count = 0",
        }),
    },
    Step {
        migration: KEPT,
        name: "make replaced_runs_job_revision_idx",
        work: Work::Index(Index {
            name: "replaced_runs_job_revision_idx",
            on: "replaced_runs (organisation_id, job_id, job_revision)",
        }),
    },
    Step {
        migration: "20261126000007",
        name: "have the health of the jobs that were there judged",
        work: Work::Batches(job_health::fill),
    },
    Step {
        migration: CHAINED,
        name: "write down the outputs of the jobs that were there",
        work: Work::Batches(outputs::fill),
    },
    Step {
        migration: CHAINED,
        name: "write down which jobs that were there read them",
        work: Work::Batches(outputs::fill_bound),
    },
    // A step, since numbering, which comes before, makes the trigger anew. The trigger does not guard a column that a
    // later migration adds, unless that one makes it anew.
    Step {
        migration: MANAGED,
        name: "let the set of a source version change",
        work: Work::Schema(
            "DROP TRIGGER source_versions_are_immutable ON source_versions;
            CREATE TRIGGER source_versions_are_immutable BEFORE UPDATE OF id, source_id, version, version_key, description,
                input_roles, output_roles, contract_digest, created_at, sequence_number ON source_versions
                FOR EACH STATEMENT EXECUTE FUNCTION refuse_source_version_update()",
        ),
    },
    Step {
        migration: MANAGED,
        name: "make jobs_organisation_id_managed_by_sequence_number_idx",
        work: Work::Index(Index {
            name: "jobs_organisation_id_managed_by_sequence_number_idx",
            on: "jobs (organisation_id, managed_by, sequence_number) WHERE managed_by IS NOT NULL",
        }),
    },
    Step {
        migration: MANAGED,
        name: "make jobs_managed_by_sequence_number_idx",
        work: Work::Index(Index {
            name: "jobs_managed_by_sequence_number_idx",
            on: "jobs (managed_by, sequence_number) WHERE managed_by IS NOT NULL",
        }),
    },
    // Their conditions are always true: only those statements use them that say so. `results/asked_for.rs`
    Step {
        migration: RESTRICTED,
        name: "make predictions_of_run_idx",
        work: Work::Index(Index {
            name: "predictions_of_run_idx",
            on: "predictions (organisation_id, job_id, issued_at) WHERE issued_at >= '-infinity'",
        }),
    },
    Step {
        migration: RESTRICTED,
        name: "make runs_of_revision_idx",
        work: Work::Index(Index {
            name: "runs_of_revision_idx",
            on: "runs (organisation_id, job_id, job_revision) WHERE job_revision >= 1",
        }),
    },
    // What they replace. The release before finds what it looks for along the keys then, more slowly: ADR 45.
    Step {
        migration: RESTRICTED,
        name: "drop predictions_issued_at_idx",
        work: Work::Disposal("predictions_issued_at_idx"),
    },
    Step {
        migration: RESTRICTED,
        name: "drop runs_job_revision_idx",
        work: Work::Disposal("runs_job_revision_idx"),
    },
];

/// How long others are left alone between two batches at the most: as long as the batch took.
const LONGEST_REST: Duration = Duration::from_millis(50);
/// The names of the steps of a migration.
pub(super) fn of(version: &str) -> impl Iterator<Item = &'static str> {
    STEPS.iter().filter(move |step| step.migration == version).map(|step| step.name)
}

/// Does what is not done yet.
pub(super) fn run(connection: &mut PgConnection, retry: &LockRetry, tell: Tell<'_>) -> Result<(), StartUpError> {
    let bookkeeping = Bookkeeping::read(connection).map_err(StartUpError::migrations_unknown)?;
    for step in STEPS.iter().filter(|step| bookkeeping.is_unfinished(step.name)) {
        tell(&format!("step of a migration: {}: begins", step.name));
        let outcome = match step.work {
            Work::Batches(batch) => in_batches(connection, retry, tell, step.name, batch),
            Work::Index(index) => index.make(connection, retry, tell, step.name),
            Work::Schema(sql) => change_schema(connection, retry, tell, step.name, sql),
            Work::Disposal(index) => dispose(connection, retry, tell, step.name, index),
        };
        if outcome.map_err(|error| StartUpError::step_failed(step.name, &error))? == Outcome::Applied {
            tell(&format!("step of a migration: {}: done", step.name));
        }
    }
    Ok(())
}

fn in_batches(
    connection: &mut PgConnection,
    retry: &LockRetry,
    tell: Tell<'_>,
    step: &str,
    batch: fn(&mut PgConnection, Option<&str>) -> QueryResult<Batch>,
) -> Result<Outcome, GivenUp> {
    let mut begun = Instant::now();
    let mut told = Instant::now();
    while retry.try_again(tell, step, || one_batch(connection, retry, step, batch))? {
        if told.elapsed() > Duration::from_secs(10) {
            tell(&format!("step of a migration: {step}: under way"));
            told = Instant::now();
        }
        sleep(begun.elapsed().min(LONGEST_REST));
        begun = Instant::now();
    }
    Ok(Outcome::Applied)
}

/// Tells whether there is more to do.
fn one_batch(
    connection: &mut PgConnection,
    retry: &LockRetry,
    step: &str,
    batch: fn(&mut PgConnection, Option<&str>) -> QueryResult<Batch>,
) -> Trial<bool> {
    let is_unfinished = connection.build_transaction().read_committed().run(|connection| {
        connection.batch_execute("SET LOCAL statement_timeout = 0")?;
        connection.batch_execute(&retry.lock_timeout())?;
        let Standing::Unfinished(progress) = bookkeeping::take_step(connection, step)? else { return Ok(false) };
        match batch(connection, progress.as_deref())? {
            Batch::Until(progress) => bookkeeping::note_progress(connection, step, &progress).map(|()| true),
            Batch::Last => bookkeeping::finish_step(connection, step).map(|_| false),
        }
    });
    is_unfinished.into()
}

fn change_schema(
    connection: &mut PgConnection,
    retry: &LockRetry,
    tell: Tell<'_>,
    step: &str,
    sql: &str,
) -> Result<Outcome, GivenUp> {
    retry.try_again(tell, step, || {
        let outcome = connection.build_transaction().read_committed().run(|connection| {
            connection.batch_execute("SET LOCAL statement_timeout = 0")?;
            connection.batch_execute(&retry.lock_timeout())?;
            let Standing::Unfinished(_) = bookkeeping::take_step(connection, step)? else {
                return Ok(Outcome::WasThere);
            };
            for statement in statements(sql) {
                connection.batch_execute(statement)?;
            }
            bookkeeping::finish_step(connection, step)?;
            Ok(Outcome::Applied)
        });
        outcome.into()
    })
}

/// Drops an index, or says how an operator does, where others are in the way.
fn dispose(
    connection: &mut PgConnection,
    retry: &LockRetry,
    tell: Tell<'_>,
    step: &str,
    index: &str,
) -> Result<Outcome, GivenUp> {
    let brief = LockRetry { give_up_after: retry.give_up_after.min(LONGEST_DISPOSAL), ..*retry };
    match change_schema(connection, &brief, tell, step, &format!("DROP INDEX IF EXISTS {index}")) {
        Err(GivenUp::Hindered { .. }) => {
            tell(&format!(
                "{step}: others are in the way; it is left to the next start, and takes space until then. \
                 By hand: DROP INDEX CONCURRENTLY {index}"
            ));
            Ok(Outcome::Left)
        }
        outcome => outcome,
    }
}
