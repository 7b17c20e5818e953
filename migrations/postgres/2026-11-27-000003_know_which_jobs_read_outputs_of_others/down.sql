DROP TRIGGER bound_outputs_follow_update ON jobs;
DROP TRIGGER bound_outputs_follow_insert ON jobs;
DROP TRIGGER outputs_follow_delete ON jobs;
DROP TRIGGER outputs_follow_update ON jobs;
DROP TRIGGER inputs_and_outputs_follow_insert ON jobs;
DROP FUNCTION keep_bound_outputs();
DROP FUNCTION keep_outputs();
DROP FUNCTION keep_inputs_and_outputs_of_new_jobs();

CREATE OR REPLACE FUNCTION keep_job_inputs() RETURNS trigger LANGUAGE plpgsql AS $$
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

DROP TABLE bound_outputs;
DROP TABLE outputs;
