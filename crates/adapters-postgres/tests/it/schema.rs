//! `src/schema.rs` says what the migrations make.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::test_database::TestDatabase;

const HEAD: &str = "\
// Generated from a migrated database: `UPDATE_SCHEMA=1 ./scripts/test the_schema_is_that_of_the_migrations`.
";

#[test]
fn the_schema_is_that_of_the_migrations() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/schema.rs");
    let generated = generate(&TestDatabase::migrated());
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        fs::write(&path, &generated).unwrap();
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), generated, "run this test with UPDATE_SCHEMA=1");
}

fn generate(database: &TestDatabase) -> String {
    let tables = database.texts(
        "SELECT table_name::text AS value FROM information_schema.tables \
         WHERE table_schema = 'public' AND table_name NOT LIKE '\\_\\_%' ORDER BY table_name",
    );
    let mut text = HEAD.to_owned();
    for table in tables {
        let key = database.texts(&format!(
            "SELECT attname::text AS value FROM pg_index, unnest(indkey) WITH ORDINALITY AS key (attnum, place) \
             JOIN pg_attribute USING (attnum) WHERE attrelid = indrelid \
             AND indexrelid IN (to_regclass('{table}_pkey'), to_regclass('{table}_key')) ORDER BY place"
        ));
        let columns = database.texts(&format!(
            "SELECT column_name || ' ' || is_nullable || ' ' || udt_name AS value FROM information_schema.columns \
             WHERE table_schema = 'public' AND table_name = '{table}' ORDER BY ordinal_position"
        ));
        write!(text, "\ndiesel::table! {{\n    {table} ({}) {{\n", key.join(", ")).unwrap();
        for column in columns {
            let mut words = column.split(' ');
            let (name, nullable, sql_type) = (words.next().unwrap(), words.next().unwrap(), words.next().unwrap());
            let sql_type = rust_type(sql_type);
            let sql_type = if nullable == "YES" { format!("Nullable<{sql_type}>") } else { sql_type.to_owned() };
            writeln!(text, "        {name} -> {sql_type},").unwrap();
        }
        text.push_str("    }\n}\n");
    }
    text
}

fn rust_type(sql_type: &str) -> &'static str {
    match sql_type {
        "bool" => "Bool",
        "bytea" => "Bytea",
        "float8" => "Float8",
        "int2" => "Int2",
        "int4" => "Int4",
        "int8" => "Int8",
        "jsonb" => "Jsonb",
        "text" => "Text",
        "timestamptz" => "Timestamptz",
        "uuid" => "Uuid",
        other => panic!("say which type of diesel stands for {other}"),
    }
}
