DROP TRIGGER runs_are_numbered ON runs;
DROP FUNCTION number_run();
DROP TABLE run_counters;
DROP FUNCTION grant_as_on(regclass[], regclass);
ALTER TABLE runs DROP COLUMN number;
