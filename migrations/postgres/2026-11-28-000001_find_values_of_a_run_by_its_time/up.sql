-- The values of one run, and those that expire, are found by when they were issued. The index for that also had the role and the
-- time of each value, so each entry was another one, and no two could share one: 154 of the 376 bytes of a value. It is made anew
-- without them in a step, beside those who read and write: crates/adapters-postgres/src/migrations/steps.rs.
SELECT 1;
