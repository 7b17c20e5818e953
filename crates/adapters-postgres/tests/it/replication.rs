//! Logical replication, for an upgrade of PostgreSQL without downtime, takes every change that the service makes.

use crate::test_database::TestDatabase;

/// PostgreSQL refuses to update or delete rows of a published table that it cannot tell apart. All tables are looked
/// at, also those that are only inserted into today, and that of the migrations.
#[test]
fn every_table_tells_its_rows_apart() {
    let database = TestDatabase::migrated();
    let without = database.texts(
        "SELECT relname::text AS value FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace \
         AND NOT EXISTS (SELECT FROM pg_index WHERE indrelid = pg_class.oid \
           AND indisvalid AND indisunique AND indimmediate AND indpred IS NULL AND indexprs IS NULL \
           AND CASE relreplident WHEN 'd' THEN indisprimary WHEN 'i' THEN indisreplident ELSE false END \
           AND NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = pg_class.oid AND attnum = ANY (indkey::smallint[]) \
             AND NOT attnotnull))",
    );
    assert_eq!(without, Vec::<String>::new(), "give it a primary key, or a REPLICA IDENTITY");
}

/// The same, by trying it, where the server writes down enough for replication (`wal_level = logical`).
#[test]
fn a_published_table_can_be_purged() {
    let database = TestDatabase::migrated();
    if database.texts("SELECT current_setting('wal_level') AS value") != ["logical"] {
        return;
    }
    database.execute(
        "CREATE PUBLICATION everything FOR ALL TABLES; \
         INSERT INTO predictions VALUES (gen_random_uuid(), gen_random_uuid(), 'risk', now(), now(), 1); \
         DELETE FROM predictions",
    );
}
