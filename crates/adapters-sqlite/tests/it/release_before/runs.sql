-- One run for each job; each third failed.
INSERT INTO runs (organisation_id, job_id, issued_at, id, job_revision, source_version_id, succeeded, message, prediction_count, predictions_digest, received_at)
SELECT organisation_id, id, created_at, id, 1, source_version_id, created_at % 3 > 0, NULL, created_at % 3 > 0, zeroblob(32), created_at FROM jobs;

INSERT INTO predictions (organisation_id, job_id, role, at, issued_at, value)
SELECT organisation_id, job_id, 'prediction', issued_at, issued_at, 1 FROM runs WHERE succeeded = 1;
