CREATE INDEX IF NOT EXISTS predictions_issued_at_idx ON predictions (organisation_id, job_id, issued_at, role, at);
CREATE INDEX IF NOT EXISTS runs_job_revision_idx ON runs (organisation_id, job_id, job_revision);
DROP INDEX IF EXISTS predictions_of_run_idx;
DROP INDEX IF EXISTS runs_of_revision_idx;
