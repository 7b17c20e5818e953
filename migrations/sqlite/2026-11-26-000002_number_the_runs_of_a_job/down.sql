DROP TRIGGER runs_are_numbered;
DROP TABLE run_counters;
ALTER TABLE runs DROP COLUMN number;
