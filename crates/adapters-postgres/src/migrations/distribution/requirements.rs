//! What a distributed database needs, and what is there already.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Bool, Integer, Nullable, Text};

use super::places::{FIRST, PLACES, Place};

/// The first version of Citus whose servers know the tables of each other, which triggers need.
const FIRST_VERSION: i32 = 11;

#[derive(QueryableByName)]
struct Extension {
    #[diesel(sql_type = Text)]
    version: String,
    #[diesel(sql_type = Integer)]
    major: i32,
}

#[derive(QueryableByName)]
struct Cluster {
    #[diesel(sql_type = Bool)]
    is_coordinator: bool,
    #[diesel(sql_type = Bool)]
    knows_coordinator: bool,
    #[diesel(sql_type = Bool)]
    has_workers: bool,
}

#[derive(QueryableByName)]
struct NodeAnswer {
    #[diesel(sql_type = Text)]
    node: String,
    #[diesel(sql_type = Bool)]
    success: bool,
    #[diesel(sql_type = Text)]
    result: String,
}

/// Everything that keeps the tables from being distributed: what it is, and what to do about it.
pub(super) fn wrong_with(connection: &mut PgConnection) -> QueryResult<Vec<String>> {
    let extension: Option<Extension> = sql_query(
        "SELECT extversion AS version, split_part(split_part(extversion, '.', 1), '-', 1)::integer AS major \
         FROM pg_extension WHERE extname = 'citus'",
    )
    .get_result(connection)
    .optional()?;
    let Some(extension) = extension else {
        return Ok(vec![
            "the extension citus is not in this database: have shared_preload_libraries = 'citus' and \
             citus.enable_unsafe_triggers = on in postgresql.conf of every server, restart them, create this database on each, \
             and say CREATE EXTENSION citus in it on each; then, here, SELECT citus_set_coordinator_host('this host') and \
             SELECT citus_add_node('host', port) for each other server"
                .to_owned(),
        ]);
    };
    let mut wrong = Vec::new();
    if extension.major < FIRST_VERSION {
        wrong.push(format!(
            "the extension citus is version {}, and {FIRST_VERSION}.0 is the first that will do: update it on every server",
            extension.version
        ));
        return Ok(wrong);
    }
    let cluster: Cluster = sql_query(
        "SELECT (SELECT groupid FROM pg_dist_local_group) = 0 AS is_coordinator, \
         EXISTS (SELECT FROM pg_dist_node WHERE groupid = 0) AS knows_coordinator, \
         EXISTS (SELECT FROM pg_dist_node WHERE groupid <> 0 AND noderole = 'primary' AND isactive AND shouldhaveshards) \
           AS has_workers",
    )
    .get_result(connection)?;
    if !cluster.is_coordinator {
        wrong.push("this server is not the coordinator: name the coordinator in the database URL".to_owned());
        return Ok(wrong);
    }
    if !cluster.knows_coordinator {
        wrong.push(
            "the other servers do not know this one: say SELECT citus_set_coordinator_host('this host') here"
                .to_owned(),
        );
    }
    if !cluster.has_workers {
        wrong.push(
            "there is no server to distribute to: say SELECT citus_add_node('host', port) here for each of them"
                .to_owned(),
        );
    }
    wrong.extend(wrong_with_nodes(connection)?);
    wrong.extend(wrong_places(connection)?);
    Ok(wrong)
}

/// What is wrong with servers: they do not answer, or do not allow triggers.
fn wrong_with_nodes(connection: &mut PgConnection) -> QueryResult<Vec<String>> {
    let answers: Vec<NodeAnswer> = sql_query(
        "SELECT format('%s:%s', nodename, nodeport) AS node, success, COALESCE(result, '') AS result \
         FROM run_command_on_all_nodes('SHOW citus.enable_unsafe_triggers', give_warning_for_connection_errors => true) \
         JOIN pg_dist_node USING (nodeid) ORDER BY nodeid",
    )
    .load(connection)?;
    let wrong = answers.into_iter().filter_map(|NodeAnswer { node, success, result }| {
        if !success {
            Some(format!("the server {node} does not answer: {}", result.trim()))
        } else if result != "on" {
            Some(format!(
                "the server {node} allows no triggers: have citus.enable_unsafe_triggers = on in its postgresql.conf"
            ))
        } else {
            None
        }
    });
    Ok(wrong.collect())
}

/// Tables that somebody has placed otherwise.
fn wrong_places(connection: &mut PgConnection) -> QueryResult<Vec<String>> {
    let there = placed(connection)?;
    let group = there.get(FIRST).map(|first| first.group);
    let wrong = PLACES.iter().filter_map(|(table, place)| {
        let found = there.get(*table)?;
        let is_right = match place {
            Place::WithOrganisation(column) => {
                found.column.as_deref() == Some(*column) && group.is_none_or(|group| group == found.group)
            }
            Place::Everywhere => found.is_everywhere,
            Place::Here => false,
        };
        (!is_right).then(|| {
            format!("the table {table} is distributed in another way: say SELECT undistribute_table('{table}'), and run this again")
        })
    });
    Ok(wrong.collect())
}

/// How a table is placed.
#[derive(QueryableByName)]
pub(super) struct Placed {
    #[diesel(sql_type = Text)]
    table: String,
    #[diesel(sql_type = Nullable<Text>)]
    column: Option<String>,
    #[diesel(sql_type = Bool)]
    is_everywhere: bool,
    #[diesel(sql_type = Integer)]
    group: i32,
}

/// The tables that are placed.
pub(super) fn placed(connection: &mut PgConnection) -> QueryResult<HashMap<String, Placed>> {
    let rows: Vec<Placed> = sql_query(
        "SELECT relname::text AS table, column_to_column_name(logicalrelid, partkey) AS column, \
         partmethod = 'n' AND repmodel = 't' AS is_everywhere, colocationid AS \"group\" \
         FROM pg_dist_partition JOIN pg_class ON pg_class.oid = logicalrelid WHERE pg_table_is_visible(logicalrelid)",
    )
    .load(connection)?;
    Ok(rows.into_iter().map(|row| (row.table.clone(), row)).collect())
}
