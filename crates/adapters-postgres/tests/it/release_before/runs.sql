-- One run for each job; each third failed.
INSERT INTO runs (organisation_id, job_id, issued_at, id, job_revision, source_version_id, succeeded, message, prediction_count, predictions_digest, received_at)
SELECT organisation_id, id, created_at + interval '1 day', id, 1, source_version_id, right(id::text, 1) NOT IN ('0', '3', '6', '9'), NULL,
    CASE WHEN right(id::text, 1) IN ('0', '3', '6', '9') THEN 0 ELSE 1 END, decode(repeat('00', 32), 'hex'), created_at + interval '1 day'
FROM jobs;

INSERT INTO predictions (organisation_id, job_id, role, at, issued_at, value)
SELECT organisation_id, job_id, 'prediction', issued_at, issued_at, 1 FROM runs WHERE succeeded;
