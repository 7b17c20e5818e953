-- Runs without values can go as soon as they are old: those between runs that have values are found here.
CREATE INDEX runs_without_values_idx ON runs (organisation_id, job_id, issued_at) WHERE prediction_count = 0;

-- Whether a run refers to a revision.
CREATE INDEX runs_job_revision_idx ON runs (organisation_id, job_id, job_revision);
CREATE INDEX replaced_runs_job_revision_idx ON replaced_runs (organisation_id, job_id, job_revision);
