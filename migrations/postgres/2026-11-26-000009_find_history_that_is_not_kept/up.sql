-- What is not to be kept of the history of jobs is found along three indexes, which are made in steps beside those who read and write:
-- crates/adapters-postgres/src/migrations/steps.rs.
SELECT 1;
