-- Nothing to do: SQLite adds the key to each entry of an index of a table without row ids, whatever the index names.
SELECT 1;
