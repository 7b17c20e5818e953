//! What is recorded about migrations and steps.

use std::collections::BTreeSet;

use diesel::prelude::*;

diesel::table! {
    /// Where diesel keeps account of what was applied.
    __diesel_schema_migrations (version) {
        version -> Text,
    }
}

diesel::table! {
    /// The steps of migrations that this or another release has applied, with how far they are.
    __migration_steps (name) {
        name -> Text,
        progress -> Nullable<Text>,
        is_finished -> Bool,
    }
}

diesel::table! {
    sqlite_schema (name) {
        name -> Text,
    }
}

/// The versions of the migrations that were applied: none as long as there is no account of them.
pub(super) fn applied_versions(connection: &mut SqliteConnection) -> QueryResult<BTreeSet<String>> {
    if !has_table(connection, "__diesel_schema_migrations")? {
        return Ok(BTreeSet::new());
    }
    let versions = __diesel_schema_migrations::table.select(__diesel_schema_migrations::version).load(connection);
    Ok(versions?.into_iter().collect())
}

/// The names of the steps that are to be done.
pub(super) fn unfinished_steps(connection: &mut SqliteConnection) -> QueryResult<BTreeSet<String>> {
    if !has_table(connection, "__migration_steps")? {
        return Ok(BTreeSet::new());
    }
    let unfinished = __migration_steps::table.filter(__migration_steps::is_finished.eq(false));
    let names: Vec<String> = unfinished.select(__migration_steps::name).load(connection)?;
    Ok(names.into_iter().collect())
}

fn has_table(connection: &mut SqliteConnection, name: &str) -> QueryResult<bool> {
    let tables = sqlite_schema::table.filter(sqlite_schema::name.eq(name));
    diesel::select(diesel::dsl::exists(tables)).get_result(connection)
}
