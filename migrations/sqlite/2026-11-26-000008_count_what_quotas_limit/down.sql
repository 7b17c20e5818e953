DROP TABLE daily_usage;
DROP TRIGGER deleted_jobs_are_counted;
DROP TRIGGER stored_jobs_are_counted;
DROP TABLE job_counts;
