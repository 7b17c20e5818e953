-- "Which jobs of an organisation use this input?" is answered in creation order, so the uses have that order, too: the row id of the
-- job. What is there is numbered by a step; null: it is not yet.
ALTER TABLE job_inputs ADD COLUMN sequence_number INTEGER;

-- It ends with the key, which names the job.
CREATE INDEX job_inputs_organisation_id_input_id_sequence_number_idx ON job_inputs (organisation_id, input_id, sequence_number);

DROP TRIGGER job_inputs_follow_insert;
CREATE TRIGGER job_inputs_follow_insert
AFTER INSERT ON jobs
BEGIN
    INSERT INTO job_inputs (input_id, organisation_id, job_id, sequence_number)
    SELECT DISTINCT value ->> 'input_id', NEW.organisation_id, NEW.id, NEW.rowid FROM json_each(NEW.role_bindings);
END;

DROP TRIGGER job_inputs_follow_update;
CREATE TRIGGER job_inputs_follow_update
AFTER UPDATE OF organisation_id, id, role_bindings ON jobs
WHEN OLD.organisation_id <> NEW.organisation_id OR OLD.id <> NEW.id OR OLD.role_bindings <> NEW.role_bindings
BEGIN
    DELETE FROM job_inputs
    WHERE input_id IN (SELECT value ->> 'input_id' FROM json_each(OLD.role_bindings))
        AND organisation_id = OLD.organisation_id AND job_id = OLD.id;
    INSERT INTO job_inputs (input_id, organisation_id, job_id, sequence_number)
    SELECT DISTINCT value ->> 'input_id', NEW.organisation_id, NEW.id, NEW.rowid FROM json_each(NEW.role_bindings);
END;
