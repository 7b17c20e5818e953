-- SQLite takes the longest index that fits, with or without statistics.
SELECT 1;
