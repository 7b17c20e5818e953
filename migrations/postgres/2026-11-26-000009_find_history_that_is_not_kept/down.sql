DROP INDEX IF EXISTS runs_without_values_idx;
DROP INDEX IF EXISTS runs_job_revision_idx;
DROP INDEX IF EXISTS replaced_runs_job_revision_idx;
