DROP TRIGGER runs_are_numbered ON runs;
DROP FUNCTION number_run();
DROP TABLE run_counters;
ALTER TABLE runs DROP COLUMN number;
