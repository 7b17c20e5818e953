DROP TABLE daily_usage;
DROP TRIGGER deleted_jobs_are_counted ON jobs;
DROP TRIGGER stored_jobs_are_counted ON jobs;
DROP FUNCTION count_jobs();
DROP FUNCTION lock_job_count(uuid, boolean);
DROP TABLE job_counts;
