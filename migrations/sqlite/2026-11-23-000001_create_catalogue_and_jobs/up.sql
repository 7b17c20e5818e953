-- Ids are lower-case hyphenated UUIDs, so that their order as text is their order as bytes; times are microseconds since
-- 1970-01-01T00:00:00Z. The limits in the checks are the public constants of prediction-domain's model: they are the second
-- line, for writers that are not this program.

CREATE TABLE sources (
    id TEXT NOT NULL PRIMARY KEY CHECK (length(id) = 36 AND id = lower(id)),
    name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    -- SourceName::key: what makes two names the same one.
    name_key TEXT NOT NULL UNIQUE CHECK (name_key <> ''),
    description TEXT CHECK (length(description) <= 10000),
    -- Both at most ten years.
    expected_interval_minutes INTEGER CHECK (expected_interval_minutes BETWEEN 1 AND 5256000),
    retention_hours INTEGER CHECK (retention_hours BETWEEN 1 AND 87600),
    revision INTEGER NOT NULL CHECK (revision >= 1),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

CREATE INDEX sources_created_at_id_idx ON sources (created_at, id);

CREATE TABLE source_versions (
    id TEXT NOT NULL PRIMARY KEY CHECK (length(id) = 36 AND id = lower(id)),
    source_id TEXT NOT NULL REFERENCES sources (id),
    version TEXT NOT NULL CHECK (length(version) BETWEEN 1 AND 100),
    -- VersionLabel::key: what makes two labels the same version.
    version_key TEXT NOT NULL CHECK (version_key <> ''),
    description TEXT CHECK (length(description) <= 10000),
    input_roles TEXT NOT NULL
        CHECK (json_valid(input_roles) AND json_type(input_roles) = 'array' AND json_array_length(input_roles) <= 200),
    output_roles TEXT NOT NULL
        CHECK (
            json_valid(output_roles) AND json_type(output_roles) = 'array'
            AND json_array_length(output_roles) BETWEEN 1 AND 200
        ),
    contract_digest TEXT NOT NULL CHECK (contract_digest GLOB 'sha256:*' AND length(contract_digest) = 71),
    created_at INTEGER NOT NULL,
    UNIQUE (source_id, version_key),
    -- What a job refers to: a version together with its source.
    UNIQUE (source_id, id)
) STRICT;

CREATE INDEX source_versions_created_at_id_idx ON source_versions (created_at, id);
CREATE INDEX source_versions_source_id_created_at_id_idx ON source_versions (source_id, created_at, id);

CREATE TRIGGER source_versions_are_immutable
BEFORE UPDATE ON source_versions
BEGIN
    SELECT RAISE(ABORT, 'source versions are immutable: publish a new version instead');
END;

CREATE TABLE jobs (
    organisation_id TEXT NOT NULL CHECK (length(organisation_id) = 36 AND organisation_id = lower(organisation_id)),
    id TEXT NOT NULL CHECK (length(id) = 36 AND id = lower(id)),
    source_id TEXT NOT NULL,
    source_version_id TEXT NOT NULL,
    name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    active INTEGER NOT NULL CHECK (active IN (0, 1)),
    role_bindings TEXT NOT NULL
        CHECK (
            json_valid(role_bindings) AND json_type(role_bindings) = 'array'
            AND json_array_length(role_bindings) <= 200
        ),
    outputs TEXT NOT NULL
        CHECK (json_valid(outputs) AND json_type(outputs) = 'array' AND json_array_length(outputs) <= 200),
    revision INTEGER NOT NULL CHECK (revision >= 1),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    -- The organisation first, so that whatever belongs to a job can refer to it only within its organisation.
    PRIMARY KEY (organisation_id, id),
    UNIQUE (organisation_id, name),
    -- A version of another source cannot be stored.
    FOREIGN KEY (source_id, source_version_id) REFERENCES source_versions (source_id, id)
) STRICT;

CREATE UNIQUE INDEX jobs_id_idx ON jobs (id);
CREATE INDEX jobs_organisation_id_created_at_id_idx ON jobs (organisation_id, created_at, id);
CREATE INDEX jobs_created_at_id_idx ON jobs (created_at, id);
CREATE INDEX jobs_source_version_id_created_at_id_idx ON jobs (source_version_id, created_at, id);

-- "Which jobs use this input?": derived from jobs.role_bindings by the triggers below, whoever writes.
CREATE TABLE job_inputs (
    input_id TEXT NOT NULL CHECK (length(input_id) = 36 AND input_id = lower(input_id)),
    organisation_id TEXT NOT NULL,
    job_id TEXT NOT NULL,
    PRIMARY KEY (input_id, organisation_id, job_id)
) STRICT, WITHOUT ROWID;

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

CREATE TRIGGER job_inputs_follow_delete
AFTER DELETE ON jobs
BEGIN
    DELETE FROM job_inputs
    WHERE input_id IN (SELECT value ->> 'input_id' FROM json_each(OLD.role_bindings))
        AND organisation_id = OLD.organisation_id AND job_id = OLD.id;
END;
