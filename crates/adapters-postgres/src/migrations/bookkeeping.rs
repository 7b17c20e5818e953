//! What is written down about migrations and steps.

use std::collections::HashSet;

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_types::Bool;

use super::Migration;

diesel::table! {
    /// Where diesel writes down what is applied.
    __diesel_schema_migrations (version) {
        version -> Text,
        run_on -> Timestamp,
    }
}

diesel::table! {
    /// The steps of migrations that this or another release has applied, with how far they are.
    __migration_steps (name) {
        name -> Text,
        progress -> Nullable<Text>,
        finished_at -> Nullable<Timestamptz>,
    }
}

/// What is applied, and what is still to be done.
#[derive(Debug, Default)]
pub(super) struct Bookkeeping {
    applied: HashSet<String>,
    unfinished: HashSet<String>,
}

impl Bookkeeping {
    /// Looks for the tables first, since a statement that fails would end the transaction around it.
    pub(super) fn read(connection: &mut PgConnection) -> QueryResult<Self> {
        let tables = tables(connection)?;
        let mut found = Self::default();
        if tables.migrations {
            let versions = __diesel_schema_migrations::table.select(__diesel_schema_migrations::version);
            found.applied = versions.load(connection)?.into_iter().collect();
        }
        if tables.steps {
            let unfinished = __migration_steps::table.filter(__migration_steps::finished_at.is_null());
            found.unfinished = unfinished.select(__migration_steps::name).load(connection)?.into_iter().collect();
        }
        Ok(found)
    }

    pub(super) fn has(&self, migration: &Migration) -> bool {
        self.applied.contains(&migration.version())
    }

    pub(super) fn is_unfinished(&self, step: &str) -> bool {
        self.unfinished.contains(step)
    }
}

/// Makes the tables that are not there yet.
pub(super) fn prepare(connection: &mut PgConnection) -> QueryResult<()> {
    let tables = tables(connection)?;
    if !tables.migrations {
        connection.batch_execute(
            "CREATE TABLE __diesel_schema_migrations (
                version varchar(50) PRIMARY KEY NOT NULL,
                run_on timestamp NOT NULL DEFAULT current_timestamp
            )",
        )?;
    }
    if !tables.steps {
        connection.batch_execute(
            "CREATE TABLE __migration_steps (
                name text COLLATE \"C\" NOT NULL,
                progress text COLLATE \"C\",
                finished_at timestamptz,
                CONSTRAINT __migration_steps_pkey PRIMARY KEY (name)
            )",
        )?;
    }
    Ok(())
}

/// Writes down that a migration is applied, and that its steps are to be done. A step whose migration was applied by a
/// release that did not know of it is not written down, and not done: that release did the same within the migration.
pub(super) fn write_down(
    connection: &mut PgConnection,
    migration: &Migration,
    steps: impl Iterator<Item = &'static str>,
) -> QueryResult<()> {
    let version = migration.version();
    diesel::insert_into(__diesel_schema_migrations::table)
        .values(__diesel_schema_migrations::version.eq(&version))
        .execute(connection)?;
    for step in steps {
        diesel::insert_into(__migration_steps::table)
            .values(__migration_steps::name.eq(step))
            .on_conflict(__migration_steps::name)
            .do_update()
            // The migration was undone by hand, and is done again.
            .set((__migration_steps::progress.eq(None::<String>), __migration_steps::finished_at.eq(None::<Never>)))
            .execute(connection)?;
    }
    Ok(())
}

/// How far a step is.
pub(super) enum Standing {
    /// It is to be gone on with from here.
    Unfinished(Option<String>),
    /// There is nothing to do.
    Finished,
}

/// Takes a step for this transaction. Others who want it wait, or take another turn.
pub(super) fn take_step(connection: &mut PgConnection, name: &str) -> QueryResult<Standing> {
    let unfinished = __migration_steps::table.filter(__migration_steps::finished_at.is_null());
    let progress = unfinished.filter(__migration_steps::name.eq(name)).select(__migration_steps::progress).for_update();
    let progress = progress.first(connection).optional()?;
    Ok(progress.map_or(Standing::Finished, Standing::Unfinished))
}

/// Writes down how far a step is now.
pub(super) fn note_progress(connection: &mut PgConnection, name: &str, progress: &str) -> QueryResult<()> {
    diesel::update(__migration_steps::table.find(name))
        .set(__migration_steps::progress.eq(progress))
        .execute(connection)
        .map(drop)
}

/// Lets one process at a time begin what cannot be held in a transaction: tells whether it is this one. A process that
/// has begun is soon seen at it; if not, it died, and another one may begin after some seconds. A claim of a clock that
/// was put back since is none.
pub(super) fn claim_step(connection: &mut PgConnection, name: &str) -> QueryResult<bool> {
    let claimed = diesel::sql_query(
        "UPDATE __migration_steps SET progress = extract(epoch FROM clock_timestamp())::text \
         WHERE name = $1 AND finished_at IS NULL \
         AND (progress IS NULL OR abs(progress::numeric - extract(epoch FROM clock_timestamp())) > 5)",
    );
    Ok(claimed.bind::<diesel::sql_types::Text, _>(name).execute(connection)? == 1)
}

/// Writes down that a step is done. Tells whether it was not before.
pub(super) fn finish_step(connection: &mut PgConnection, name: &str) -> QueryResult<bool> {
    let unfinished = __migration_steps::table.filter(__migration_steps::finished_at.is_null());
    let changed = diesel::update(unfinished.filter(__migration_steps::name.eq(name)))
        .set(__migration_steps::finished_at.eq(diesel::dsl::now))
        .execute(connection)?;
    Ok(changed == 1)
}

type Never = chrono::DateTime<chrono::Utc>;

#[derive(QueryableByName)]
struct Tables {
    #[diesel(sql_type = Bool)]
    migrations: bool,
    #[diesel(sql_type = Bool)]
    steps: bool,
}

fn tables(connection: &mut PgConnection) -> QueryResult<Tables> {
    // Not `to_regclass`: it believes what the session knew when the transaction began, so before it waited for others.
    diesel::sql_query(
        "SELECT COALESCE(bool_or(relname = '__diesel_schema_migrations'), false) AS migrations, \
         COALESCE(bool_or(relname = '__migration_steps'), false) AS steps FROM pg_catalog.pg_class \
         WHERE relname IN ('__diesel_schema_migrations', '__migration_steps') AND pg_table_is_visible(oid)",
    )
    .get_result(connection)
}
