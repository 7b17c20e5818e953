DROP TRIGGER job_inputs_follow_delete ON jobs;
DROP TRIGGER job_inputs_follow_update ON jobs;
DROP TRIGGER job_inputs_follow_insert ON jobs;
DROP FUNCTION keep_job_inputs();
DROP TABLE job_inputs;
