-- "Which jobs of an organisation use this input?": one row per job and input, in creation order. The index on all role bindings tells
-- the jobs of all organisations, so that an answer took the longer the more of them used the input. Kept by the triggers below,
-- whoever writes; what is there is taken up by a step.
CREATE TABLE job_inputs (
    organisation_id uuid NOT NULL,
    input_id uuid NOT NULL,
    -- That of the job.
    sequence_number bigint NOT NULL,
    CONSTRAINT job_inputs_pkey PRIMARY KEY (organisation_id, input_id, sequence_number)
);

SELECT grant_as_on(ARRAY['jobs'::regclass], 'job_inputs');

-- A job that is not numbered yet is left to the step.
CREATE FUNCTION keep_job_inputs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        DELETE FROM job_inputs USING (
            SELECT (binding ->> 'input_id')::uuid AS input_id FROM jsonb_array_elements(OLD.role_bindings) AS binding
        ) AS bound
        WHERE job_inputs.organisation_id = OLD.organisation_id AND job_inputs.input_id = bound.input_id
            AND job_inputs.sequence_number = OLD.sequence_number;
    END IF;
    IF TG_OP <> 'DELETE' AND NEW.sequence_number IS NOT NULL THEN
        INSERT INTO job_inputs (organisation_id, input_id, sequence_number)
        SELECT NEW.organisation_id, (binding ->> 'input_id')::uuid, NEW.sequence_number
        FROM jsonb_array_elements(NEW.role_bindings) AS binding WHERE binding ->> 'input_id' IS NOT NULL
        ON CONFLICT ON CONSTRAINT job_inputs_pkey DO NOTHING;
    END IF;
    RETURN NULL;
END;
$$;

CREATE TRIGGER job_inputs_follow_insert AFTER INSERT ON jobs FOR EACH ROW EXECUTE FUNCTION keep_job_inputs();
CREATE TRIGGER job_inputs_follow_update AFTER UPDATE OF role_bindings ON jobs
    FOR EACH ROW WHEN (OLD.role_bindings IS DISTINCT FROM NEW.role_bindings) EXECUTE FUNCTION keep_job_inputs();
CREATE TRIGGER job_inputs_follow_delete AFTER DELETE ON jobs FOR EACH ROW EXECUTE FUNCTION keep_job_inputs();
