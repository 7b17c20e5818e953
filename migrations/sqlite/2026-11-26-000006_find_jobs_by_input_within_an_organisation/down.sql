-- Only PostgreSQL replicates by the identity of rows, and only it leaves dead rows to be removed.
SELECT 1;
