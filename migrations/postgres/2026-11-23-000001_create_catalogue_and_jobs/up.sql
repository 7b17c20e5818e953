-- Every constraint has a name: crates/adapters-postgres/src/constraints.rs says what a breach of it means.
--
-- What is compared or sorted is collated "C", byte by byte: the rules of equality are the domain's, and an index of a
-- language's collation breaks when the operating system's collation changes.

CREATE TABLE sources (
    id uuid NOT NULL,
    name text COLLATE "C" NOT NULL,
    -- What makes two names the same name; the domain computes it.
    name_key text COLLATE "C" NOT NULL,
    description text COLLATE "C",
    expected_interval_minutes integer,
    retention_hours integer,
    revision bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT sources_pkey PRIMARY KEY (id),
    CONSTRAINT sources_name_key_key UNIQUE (name_key),
    CONSTRAINT sources_name_check CHECK (char_length(name) BETWEEN 1 AND 200),
    CONSTRAINT sources_name_key_check CHECK (name_key <> ''),
    CONSTRAINT sources_description_check CHECK (char_length(description) <= 10000),
    -- Ten years at the most.
    CONSTRAINT sources_expected_interval_minutes_check CHECK (expected_interval_minutes BETWEEN 1 AND 5256000),
    CONSTRAINT sources_retention_hours_check CHECK (retention_hours BETWEEN 1 AND 87600),
    CONSTRAINT sources_revision_check CHECK (revision >= 1)
);

-- Lists are paged by position in creation order.
CREATE INDEX sources_created_at_id_idx ON sources (created_at, id);

CREATE TABLE source_versions (
    id uuid NOT NULL,
    source_id uuid NOT NULL,
    version text COLLATE "C" NOT NULL,
    -- What makes two versions the same version; the domain computes it.
    version_key text COLLATE "C" NOT NULL,
    description text COLLATE "C",
    input_roles jsonb NOT NULL,
    output_roles jsonb NOT NULL,
    contract_digest text COLLATE "C" NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT source_versions_pkey PRIMARY KEY (id),
    CONSTRAINT source_versions_source_id_fkey FOREIGN KEY (source_id) REFERENCES sources (id),
    CONSTRAINT source_versions_source_id_version_key_key UNIQUE (source_id, version_key),
    -- What jobs refer to, so that a job's version is one of the job's source.
    CONSTRAINT source_versions_source_id_id_key UNIQUE (source_id, id),
    CONSTRAINT source_versions_version_check CHECK (char_length(version) BETWEEN 1 AND 100),
    CONSTRAINT source_versions_version_key_check CHECK (version_key <> ''),
    CONSTRAINT source_versions_description_check CHECK (char_length(description) <= 10000),
    -- CASE, because the sides of an AND may be evaluated in either order.
    CONSTRAINT source_versions_input_roles_check CHECK (
        CASE jsonb_typeof(input_roles) WHEN 'array' THEN jsonb_array_length(input_roles) <= 200 ELSE false END
    ),
    CONSTRAINT source_versions_output_roles_check CHECK (
        CASE jsonb_typeof(output_roles) WHEN 'array' THEN jsonb_array_length(output_roles) BETWEEN 1 AND 200 ELSE false END
    ),
    CONSTRAINT source_versions_contract_digest_check CHECK (contract_digest ~ '^sha256:[0-9a-f]{64}$')
);

CREATE INDEX source_versions_created_at_id_idx ON source_versions (created_at, id);
CREATE INDEX source_versions_source_id_created_at_id_idx ON source_versions (source_id, created_at, id);

CREATE FUNCTION refuse_source_version_update() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'source versions are immutable: publish a new version instead' USING ERRCODE = 'restrict_violation';
END;
$$;

-- For each statement, not for each row: even an UPDATE that would change nothing is a mistake.
CREATE TRIGGER source_versions_are_immutable BEFORE UPDATE ON source_versions
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_source_version_update();

-- A job is one aggregate in one row, its bindings and outputs included. The organisation comes first in its keys, so that
-- the table can be distributed by organisation.
CREATE TABLE jobs (
    organisation_id uuid NOT NULL,
    id uuid NOT NULL,
    source_id uuid NOT NULL,
    source_version_id uuid NOT NULL,
    name text COLLATE "C" NOT NULL,
    active boolean NOT NULL,
    role_bindings jsonb NOT NULL,
    outputs jsonb NOT NULL,
    revision bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT jobs_pkey PRIMARY KEY (organisation_id, id),
    CONSTRAINT jobs_organisation_id_name_key UNIQUE (organisation_id, name),
    CONSTRAINT jobs_source_id_source_version_id_fkey
        FOREIGN KEY (source_id, source_version_id) REFERENCES source_versions (source_id, id),
    CONSTRAINT jobs_name_check CHECK (char_length(name) BETWEEN 1 AND 200),
    CONSTRAINT jobs_role_bindings_check CHECK (
        CASE jsonb_typeof(role_bindings) WHEN 'array' THEN jsonb_array_length(role_bindings) <= 200 ELSE false END
    ),
    CONSTRAINT jobs_outputs_check CHECK (
        CASE jsonb_typeof(outputs) WHEN 'array' THEN jsonb_array_length(outputs) <= 200 ELSE false END
    ),
    CONSTRAINT jobs_revision_check CHECK (revision >= 1)
);

-- For a job by its id alone. Not unique: a unique index without the organisation could not be distributed.
CREATE INDEX jobs_id_idx ON jobs (id);
CREATE INDEX jobs_organisation_id_created_at_id_idx ON jobs (organisation_id, created_at, id);
CREATE INDEX jobs_created_at_id_idx ON jobs (created_at, id);
CREATE INDEX jobs_source_version_id_idx ON jobs (source_version_id);
-- Which jobs use this input?
CREATE INDEX jobs_input_ids_idx ON jobs
    USING gin (jsonb_path_query_array(role_bindings, '$[*].input_id') jsonb_path_ops);
