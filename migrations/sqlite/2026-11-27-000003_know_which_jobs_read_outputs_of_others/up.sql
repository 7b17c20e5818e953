-- The job of each output: an output is bound, and its values are read, by its id alone. Kept by the triggers below, whoever writes; what
-- is there is taken up by a step.
CREATE TABLE outputs (
    id TEXT NOT NULL,
    organisation_id TEXT NOT NULL,
    job_id TEXT NOT NULL,
    -- The id first: callers of all organisations name an output by it.
    PRIMARY KEY (id, organisation_id)
) STRICT, WITHOUT ROWID;

-- Which job reads which output of which other one, within an organisation. An output that is read cannot be deleted. What was bound by a
-- release that did not look for outputs, and is none, has no row.
CREATE TABLE bound_outputs (
    organisation_id TEXT NOT NULL,
    job_id TEXT NOT NULL,
    output_id TEXT NOT NULL,
    -- The job of the output.
    upstream_job_id TEXT NOT NULL,
    PRIMARY KEY (organisation_id, job_id, output_id),
    FOREIGN KEY (organisation_id, job_id) REFERENCES jobs (organisation_id, id) ON DELETE CASCADE,
    FOREIGN KEY (output_id, organisation_id) REFERENCES outputs (id, organisation_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX bound_outputs_output_id_organisation_id_idx ON bound_outputs (output_id, organisation_id);
CREATE INDEX bound_outputs_upstream_idx ON bound_outputs (organisation_id, upstream_job_id, job_id);

CREATE TRIGGER outputs_follow_insert
AFTER INSERT ON jobs
BEGIN
    INSERT OR IGNORE INTO outputs (id, organisation_id, job_id)
    SELECT value ->> 'id', NEW.organisation_id, NEW.id FROM json_each(NEW.outputs);
END;

CREATE TRIGGER outputs_follow_update
AFTER UPDATE OF outputs ON jobs
WHEN OLD.outputs <> NEW.outputs
BEGIN
    DELETE FROM outputs
    WHERE id IN (SELECT value ->> 'id' FROM json_each(OLD.outputs)) AND organisation_id = OLD.organisation_id AND job_id = OLD.id
        AND id NOT IN (SELECT value ->> 'id' FROM json_each(NEW.outputs));
    INSERT OR IGNORE INTO outputs (id, organisation_id, job_id)
    SELECT value ->> 'id', NEW.organisation_id, NEW.id FROM json_each(NEW.outputs);
END;

CREATE TRIGGER outputs_follow_delete
AFTER DELETE ON jobs
BEGIN
    DELETE FROM outputs
    WHERE id IN (SELECT value ->> 'id' FROM json_each(OLD.outputs)) AND organisation_id = OLD.organisation_id AND job_id = OLD.id;
END;

CREATE TRIGGER bound_outputs_follow_insert
AFTER INSERT ON jobs
WHEN instr(NEW.role_bindings, '"output"') > 0
BEGIN
    INSERT OR IGNORE INTO bound_outputs (organisation_id, job_id, output_id, upstream_job_id)
    SELECT NEW.organisation_id, NEW.id, outputs.id, outputs.job_id
    FROM json_each(NEW.role_bindings) AS binding
    CROSS JOIN outputs ON outputs.id = binding.value ->> 'input_id' AND outputs.organisation_id = NEW.organisation_id
    WHERE binding.value ->> 'input_type' = 'output';
END;

CREATE TRIGGER bound_outputs_follow_update
AFTER UPDATE OF role_bindings ON jobs
WHEN OLD.role_bindings <> NEW.role_bindings
    AND (instr(OLD.role_bindings, '"output"') > 0 OR instr(NEW.role_bindings, '"output"') > 0)
BEGIN
    DELETE FROM bound_outputs
    WHERE organisation_id = NEW.organisation_id AND job_id = NEW.id AND output_id NOT IN (
        SELECT value ->> 'input_id' FROM json_each(NEW.role_bindings) WHERE value ->> 'input_type' = 'output'
    );
    INSERT OR IGNORE INTO bound_outputs (organisation_id, job_id, output_id, upstream_job_id)
    SELECT NEW.organisation_id, NEW.id, outputs.id, outputs.job_id
    FROM json_each(NEW.role_bindings) AS binding
    CROSS JOIN outputs ON outputs.id = binding.value ->> 'input_id' AND outputs.organisation_id = NEW.organisation_id
    WHERE binding.value ->> 'input_type' = 'output';
END;
