DROP TABLE predictions;
DROP TABLE runs;
DROP TRIGGER jobs_keep_their_revisions ON jobs;
DROP FUNCTION keep_job_revision();
DROP TABLE job_revisions;
ALTER TABLE jobs DROP COLUMN updated_by;
