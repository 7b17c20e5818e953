//! `src/schema.rs` is what the migrated database says.

use std::fmt::Write as _;
use std::path::Path;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use crate::test_database::Database;

#[derive(QueryableByName)]
struct Table {
    #[diesel(sql_type = Text)]
    name: String,
}

#[derive(QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    declared_type: String,
    #[diesel(sql_type = BigInt)]
    is_required: i64,
    /// 0, or the place in the primary key.
    #[diesel(sql_type = BigInt)]
    key_place: i64,
}

#[test]
fn schema_is_what_the_migrated_database_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/schema.rs");
    let generated = generate(&mut Database::migrated().connect());
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(&path, &generated).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap();
    assert!(written == generated, "src/schema.rs is out of date: run this test with UPDATE_SCHEMA=1\n{generated}");
}

fn generate(connection: &mut SqliteConnection) -> String {
    let tables: Vec<Table> = diesel::sql_query(
        "SELECT name FROM pragma_table_list \
         WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE '\\_\\_%' ESCAPE '\\' \
         ORDER BY name",
    )
    .load(connection)
    .unwrap();
    let mut text = "// Generated from a migrated database: `UPDATE_SCHEMA=1 ./scripts/test schema`.\n".to_owned();
    for table in &tables {
        write_table(&mut text, &table.name, &columns(connection, &table.name));
    }
    let names: Vec<&str> = tables.iter().map(|table| table.name.as_str()).collect();
    // One a line, as rustfmt writes what is longer than a line.
    writeln!(text, "\ndiesel::allow_tables_to_appear_in_same_query!(\n    {}\n);", names.join(",\n    ")).unwrap();
    text
}

fn columns(connection: &mut SqliteConnection, table: &str) -> Vec<Column> {
    diesel::sql_query(
        "SELECT name, type AS declared_type, \"notnull\" AS is_required, pk AS key_place FROM pragma_table_info(?) ORDER BY cid",
    )
    .bind::<Text, _>(table)
    .load(connection)
    .unwrap()
}

fn write_table(text: &mut String, name: &str, columns: &[Column]) {
    let mut key: Vec<&Column> = columns.iter().filter(|column| column.key_place > 0).collect();
    key.sort_by_key(|column| column.key_place);
    let key: Vec<&str> = key.into_iter().map(|column| column.name.as_str()).collect();
    writeln!(text, "\ndiesel::table! {{\n    {name} ({}) {{", key.join(", ")).unwrap();
    if is_listed_in_creation_order(name) {
        text.push_str("        #[sql_name = \"rowid\"]\n        sequence_number -> BigInt,\n");
    }
    for column in columns {
        writeln!(text, "        {} -> {},", column.name, diesel_type(column)).unwrap();
    }
    text.push_str("    }\n}\n");
}

/// By row ids, which are no columns.
fn is_listed_in_creation_order(table: &str) -> bool {
    ["sources", "source_versions", "jobs"].contains(&table)
}

/// STRICT tables have few types.
fn diesel_type(column: &Column) -> String {
    let sql_type = match column.declared_type.as_str() {
        "INTEGER" => "BigInt",
        "REAL" => "Double",
        "TEXT" => "Text",
        "BLOB" => "Binary",
        other => panic!("the column {} has the type {other}, which this test does not know", column.name),
    };
    if column.is_required == 1 { sql_type.to_owned() } else { format!("Nullable<{sql_type}>") }
}
