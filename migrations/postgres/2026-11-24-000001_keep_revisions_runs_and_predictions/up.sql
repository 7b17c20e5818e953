-- Who changed the job last; unknown of what was stored before.
ALTER TABLE jobs ADD COLUMN updated_by text COLLATE "C";
ALTER TABLE jobs ADD CONSTRAINT jobs_updated_by_check CHECK (char_length(updated_by) <= 255);

-- What jobs were before they were changed; what they are is in their own rows. Kept by the trigger below, whoever writes.
CREATE TABLE job_revisions (
    organisation_id uuid NOT NULL,
    job_id uuid NOT NULL,
    revision bigint NOT NULL,
    source_id uuid NOT NULL,
    source_version_id uuid NOT NULL,
    name text COLLATE "C" NOT NULL,
    active boolean NOT NULL,
    role_bindings jsonb NOT NULL,
    outputs jsonb NOT NULL,
    updated_at timestamptz NOT NULL,
    updated_by text COLLATE "C",
    CONSTRAINT job_revisions_pkey PRIMARY KEY (organisation_id, job_id, revision),
    CONSTRAINT job_revisions_organisation_id_job_id_fkey
        FOREIGN KEY (organisation_id, job_id) REFERENCES jobs (organisation_id, id) ON DELETE CASCADE,
    -- A version stays as long as a job that had it, or its predictions could not be traced.
    CONSTRAINT job_revisions_source_id_source_version_id_fkey
        FOREIGN KEY (source_id, source_version_id) REFERENCES source_versions (source_id, id)
);

CREATE INDEX job_revisions_source_version_id_idx ON job_revisions (source_version_id);

CREATE FUNCTION keep_job_revision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO job_revisions (
        organisation_id, job_id, revision, source_id, source_version_id, name, active, role_bindings, outputs, updated_at,
        updated_by
    ) VALUES (
        OLD.organisation_id, OLD.id, OLD.revision, OLD.source_id, OLD.source_version_id, OLD.name, OLD.active,
        OLD.role_bindings, OLD.outputs, OLD.updated_at, OLD.updated_by
    );
    RETURN NULL;
END;
$$;

CREATE TRIGGER jobs_keep_their_revisions AFTER UPDATE ON jobs
    FOR EACH ROW WHEN (OLD.revision <> NEW.revision) EXECUTE FUNCTION keep_job_revision();

-- Not bound to its job by a foreign key, so that deleting a job does not wait for all that it predicted: whoever reads
-- looks for the job first.
CREATE TABLE runs (
    organisation_id uuid NOT NULL,
    job_id uuid NOT NULL,
    issued_at timestamptz NOT NULL,
    id uuid NOT NULL,
    job_revision bigint NOT NULL,
    source_version_id uuid NOT NULL,
    succeeded boolean NOT NULL,
    message text COLLATE "C",
    prediction_count integer NOT NULL,
    predictions_digest bytea NOT NULL,
    received_at timestamptz NOT NULL,
    CONSTRAINT runs_pkey PRIMARY KEY (organisation_id, job_id, issued_at),
    CONSTRAINT runs_organisation_id_job_id_id_key UNIQUE (organisation_id, job_id, id),
    CONSTRAINT runs_job_revision_check CHECK (job_revision >= 1),
    CONSTRAINT runs_message_check CHECK (char_length(message) <= 10000),
    CONSTRAINT runs_prediction_count_check CHECK (prediction_count BETWEEN 0 AND 10000),
    CONSTRAINT runs_predictions_digest_check CHECK (octet_length(predictions_digest) = 32)
);

-- One row per value. Which run it is of is told by the time at which that was issued.
CREATE TABLE predictions (
    organisation_id uuid NOT NULL,
    job_id uuid NOT NULL,
    role text COLLATE "C" NOT NULL,
    at timestamptz NOT NULL,
    issued_at timestamptz NOT NULL,
    value double precision NOT NULL,
    CONSTRAINT predictions_value_check CHECK (value NOT IN ('NaN', 'Infinity', '-Infinity'))
);

-- Not a primary key, since that cannot be descending: the value that was issued last is the first of its role and time, so
-- that reading needs no sort.
CREATE UNIQUE INDEX predictions_key ON predictions (organisation_id, job_id, role, at, issued_at DESC);

-- For the values of one run, and for those that expire.
CREATE INDEX predictions_issued_at_idx ON predictions (organisation_id, job_id, issued_at, role, at);
