-- Logical replication, which an upgrade of PostgreSQL without downtime rests on, refuses to delete from a table whose rows it
-- cannot tell apart. A table with a primary key has that; this one has an index that does as well.
ALTER TABLE predictions REPLICA IDENTITY USING INDEX predictions_key;

-- Values come and go all the time. By default a fifth of the table would be dead, or new, before anything was done about it.
ALTER TABLE predictions SET (
    autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_vacuum_insert_scale_factor = 0.05,
    autovacuum_analyze_scale_factor = 0.02
);
