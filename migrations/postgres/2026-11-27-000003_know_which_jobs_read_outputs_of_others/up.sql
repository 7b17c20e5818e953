-- The job of each output: an output is bound, and its values are read, by its id alone. Kept by the triggers below, whoever writes; what
-- is there is taken up by a step.
CREATE TABLE outputs (
    id uuid NOT NULL,
    organisation_id uuid NOT NULL,
    job_id uuid NOT NULL,
    -- The id first: callers of all organisations name an output by it.
    CONSTRAINT outputs_pkey PRIMARY KEY (id, organisation_id)
);

-- Which job reads which output of which other one, within an organisation. An output that is read cannot be deleted. What was bound by a
-- release that did not look for outputs, and is none, has no row.
CREATE TABLE bound_outputs (
    organisation_id uuid NOT NULL,
    job_id uuid NOT NULL,
    output_id uuid NOT NULL,
    -- The job of the output.
    upstream_job_id uuid NOT NULL,
    CONSTRAINT bound_outputs_pkey PRIMARY KEY (organisation_id, job_id, output_id),
    CONSTRAINT bound_outputs_organisation_id_job_id_fkey FOREIGN KEY (organisation_id, job_id)
        REFERENCES jobs (organisation_id, id) ON DELETE CASCADE,
    CONSTRAINT bound_outputs_output_id_organisation_id_fkey FOREIGN KEY (output_id, organisation_id)
        REFERENCES outputs (id, organisation_id)
);

CREATE INDEX bound_outputs_output_id_organisation_id_idx ON bound_outputs (output_id, organisation_id);
CREATE INDEX bound_outputs_upstream_idx ON bound_outputs (organisation_id, upstream_job_id, job_id);

SELECT grant_as_on(ARRAY['jobs'::regclass], added) FROM unnest(ARRAY['outputs'::regclass, 'bound_outputs']) AS added;

-- For each statement, since jobs are set up many at a time: their inputs, too, from now on. So the outputs cost setups no more than
-- that saves.
CREATE FUNCTION keep_inputs_and_outputs_of_new_jobs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- A job that is not numbered yet is left to the step.
    INSERT INTO job_inputs (organisation_id, input_id, sequence_number)
    SELECT DISTINCT added.organisation_id, (binding ->> 'input_id')::uuid, added.sequence_number
    FROM added CROSS JOIN LATERAL jsonb_array_elements(added.role_bindings) AS binding
    WHERE added.sequence_number IS NOT NULL AND binding ->> 'input_id' IS NOT NULL;
    INSERT INTO outputs (id, organisation_id, job_id)
    SELECT (output ->> 'id')::uuid, added.organisation_id, added.id
    FROM added CROSS JOIN LATERAL jsonb_array_elements(added.outputs) AS output
    ON CONFLICT ON CONSTRAINT outputs_pkey DO NOTHING;
    RETURN NULL;
END;
$$;

-- As it was, but for what is inserted.
CREATE OR REPLACE FUNCTION keep_job_inputs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        RETURN NULL;
    END IF;
    DELETE FROM job_inputs USING (
        SELECT (binding ->> 'input_id')::uuid AS input_id FROM jsonb_array_elements(OLD.role_bindings) AS binding
    ) AS bound
    WHERE job_inputs.organisation_id = OLD.organisation_id AND job_inputs.input_id = bound.input_id
        AND job_inputs.sequence_number = OLD.sequence_number;
    IF TG_OP = 'UPDATE' AND NEW.sequence_number IS NOT NULL THEN
        INSERT INTO job_inputs (organisation_id, input_id, sequence_number)
        SELECT NEW.organisation_id, (binding ->> 'input_id')::uuid, NEW.sequence_number
        FROM jsonb_array_elements(NEW.role_bindings) AS binding WHERE binding ->> 'input_id' IS NOT NULL
        ON CONFLICT ON CONSTRAINT job_inputs_pkey DO NOTHING;
    END IF;
    RETURN NULL;
END;
$$;

CREATE FUNCTION keep_outputs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM outputs USING jsonb_array_elements(OLD.outputs) AS output
    WHERE outputs.id = (output ->> 'id')::uuid AND outputs.organisation_id = OLD.organisation_id AND outputs.job_id = OLD.id
        AND (TG_OP = 'DELETE' OR outputs.id <> ALL (
            ARRAY(SELECT (kept ->> 'id')::uuid FROM jsonb_array_elements(NEW.outputs) AS kept)
        ));
    IF TG_OP = 'UPDATE' THEN
        INSERT INTO outputs (id, organisation_id, job_id)
        SELECT (output ->> 'id')::uuid, NEW.organisation_id, NEW.id FROM jsonb_array_elements(NEW.outputs) AS output
        ON CONFLICT ON CONSTRAINT outputs_pkey DO NOTHING;
    END IF;
    RETURN NULL;
END;
$$;

CREATE FUNCTION keep_bound_outputs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        DELETE FROM bound_outputs
        WHERE organisation_id = NEW.organisation_id AND job_id = NEW.id AND output_id <> ALL (
            ARRAY(
                SELECT (binding ->> 'input_id')::uuid FROM jsonb_array_elements(NEW.role_bindings) AS binding
                WHERE binding ->> 'input_type' = 'output'
            )
        );
    END IF;
    INSERT INTO bound_outputs (organisation_id, job_id, output_id, upstream_job_id)
    SELECT NEW.organisation_id, NEW.id, outputs.id, outputs.job_id
    FROM jsonb_array_elements(NEW.role_bindings) AS binding
    JOIN outputs ON outputs.id = (binding ->> 'input_id')::uuid AND outputs.organisation_id = NEW.organisation_id
    WHERE binding ->> 'input_type' = 'output'
    ON CONFLICT ON CONSTRAINT bound_outputs_pkey DO NOTHING;
    RETURN NULL;
END;
$$;

CREATE TRIGGER inputs_and_outputs_follow_insert AFTER INSERT ON jobs REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION keep_inputs_and_outputs_of_new_jobs();
CREATE TRIGGER outputs_follow_update AFTER UPDATE OF outputs ON jobs
    FOR EACH ROW WHEN (OLD.outputs IS DISTINCT FROM NEW.outputs) EXECUTE FUNCTION keep_outputs();
CREATE TRIGGER outputs_follow_delete AFTER DELETE ON jobs FOR EACH ROW EXECUTE FUNCTION keep_outputs();

CREATE TRIGGER bound_outputs_follow_insert AFTER INSERT ON jobs
    FOR EACH ROW WHEN (NEW.role_bindings @> '[{"input_type": "output"}]') EXECUTE FUNCTION keep_bound_outputs();
CREATE TRIGGER bound_outputs_follow_update AFTER UPDATE OF role_bindings ON jobs
    FOR EACH ROW WHEN (
        OLD.role_bindings IS DISTINCT FROM NEW.role_bindings
        AND (OLD.role_bindings @> '[{"input_type": "output"}]' OR NEW.role_bindings @> '[{"input_type": "output"}]')
    ) EXECUTE FUNCTION keep_bound_outputs();
