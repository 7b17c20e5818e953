DROP INDEX IF EXISTS predictions_organisation_id_job_id_issued_at_idx;
CREATE INDEX IF NOT EXISTS predictions_issued_at_idx ON predictions (organisation_id, job_id, issued_at, role, at);
