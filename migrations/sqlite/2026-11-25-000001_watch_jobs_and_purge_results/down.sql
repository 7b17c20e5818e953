DROP TABLE leases;
DROP TRIGGER deleted_jobs_leave_results;
DROP TABLE deleted_jobs;
DROP TRIGGER runs_add_up;
DROP TABLE run_summaries;
ALTER TABLE jobs DROP COLUMN activated_at;
