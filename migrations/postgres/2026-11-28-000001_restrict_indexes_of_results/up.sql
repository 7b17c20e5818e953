-- The values of a run, those that expire, and the runs of a revision are found along indexes that only those statements use which ask for
-- them. They are made in steps beside those who read and write, and then those that they replace go:
-- crates/adapters-postgres/src/migrations/steps.rs.
SELECT 1;
