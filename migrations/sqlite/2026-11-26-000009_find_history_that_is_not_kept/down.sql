DROP INDEX replaced_runs_job_revision_idx;
DROP INDEX runs_job_revision_idx;
DROP INDEX runs_without_values_idx;
