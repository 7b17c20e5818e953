DROP TRIGGER job_inputs_follow_update;
DROP TRIGGER job_inputs_follow_insert;
DROP INDEX job_inputs_organisation_id_input_id_sequence_number_idx;
ALTER TABLE job_inputs DROP COLUMN sequence_number;

CREATE TRIGGER job_inputs_follow_insert
AFTER INSERT ON jobs
BEGIN
    INSERT INTO job_inputs (input_id, organisation_id, job_id)
    SELECT DISTINCT value ->> 'input_id', NEW.organisation_id, NEW.id FROM json_each(NEW.role_bindings);
END;

CREATE TRIGGER job_inputs_follow_update
AFTER UPDATE OF organisation_id, id, role_bindings ON jobs
WHEN OLD.organisation_id <> NEW.organisation_id OR OLD.id <> NEW.id OR OLD.role_bindings <> NEW.role_bindings
BEGIN
    DELETE FROM job_inputs
    WHERE input_id IN (SELECT value ->> 'input_id' FROM json_each(OLD.role_bindings))
        AND organisation_id = OLD.organisation_id AND job_id = OLD.id;
    INSERT INTO job_inputs (input_id, organisation_id, job_id)
    SELECT DISTINCT value ->> 'input_id', NEW.organisation_id, NEW.id FROM json_each(NEW.role_bindings);
END;
