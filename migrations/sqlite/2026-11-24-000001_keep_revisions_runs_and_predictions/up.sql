-- Who changed the job last; unknown of what was stored before.
ALTER TABLE jobs ADD COLUMN updated_by TEXT CHECK (length(updated_by) <= 255);

-- What jobs were before they were changed; what they are is in their own rows. Kept by the trigger below, whoever writes.
CREATE TABLE job_revisions (
    organisation_id TEXT NOT NULL,
    job_id TEXT NOT NULL,
    revision INTEGER NOT NULL,
    source_id TEXT NOT NULL,
    source_version_id TEXT NOT NULL,
    name TEXT NOT NULL,
    active INTEGER NOT NULL,
    role_bindings TEXT NOT NULL,
    outputs TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    updated_by TEXT,
    PRIMARY KEY (organisation_id, job_id, revision),
    FOREIGN KEY (organisation_id, job_id) REFERENCES jobs (organisation_id, id) ON DELETE CASCADE,
    -- A version stays as long as a job that had it, or its predictions could not be traced.
    FOREIGN KEY (source_id, source_version_id) REFERENCES source_versions (source_id, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX job_revisions_source_version_id_idx ON job_revisions (source_version_id);

CREATE TRIGGER jobs_keep_their_revisions
AFTER UPDATE ON jobs
WHEN OLD.revision <> NEW.revision
BEGIN
    INSERT INTO job_revisions (
        organisation_id, job_id, revision, source_id, source_version_id, name, active, role_bindings, outputs, updated_at,
        updated_by
    ) VALUES (
        OLD.organisation_id, OLD.id, OLD.revision, OLD.source_id, OLD.source_version_id, OLD.name, OLD.active,
        OLD.role_bindings, OLD.outputs, OLD.updated_at, OLD.updated_by
    );
END;

-- Not bound to its job by a foreign key, so that deleting a job does not wait for all that it predicted: whoever reads
-- looks for the job first.
CREATE TABLE runs (
    organisation_id TEXT NOT NULL CHECK (length(organisation_id) = 36 AND organisation_id = lower(organisation_id)),
    job_id TEXT NOT NULL CHECK (length(job_id) = 36 AND job_id = lower(job_id)),
    -- Microseconds since 1970.
    issued_at INTEGER NOT NULL,
    id TEXT NOT NULL CHECK (length(id) = 36 AND id = lower(id)),
    job_revision INTEGER NOT NULL CHECK (job_revision >= 1),
    source_version_id TEXT NOT NULL,
    succeeded INTEGER NOT NULL CHECK (succeeded IN (0, 1)),
    message TEXT CHECK (length(message) <= 10000),
    prediction_count INTEGER NOT NULL CHECK (prediction_count BETWEEN 0 AND 10000),
    predictions_digest BLOB NOT NULL CHECK (length(predictions_digest) = 32),
    received_at INTEGER NOT NULL,
    PRIMARY KEY (organisation_id, job_id, issued_at),
    UNIQUE (organisation_id, job_id, id)
) STRICT, WITHOUT ROWID;

-- One row per value. Which run it is of is told by the time at which that was issued.
CREATE TABLE predictions (
    organisation_id TEXT NOT NULL,
    job_id TEXT NOT NULL,
    role TEXT NOT NULL,
    at INTEGER NOT NULL,
    issued_at INTEGER NOT NULL,
    value REAL NOT NULL,
    PRIMARY KEY (organisation_id, job_id, role, at, issued_at)
) STRICT, WITHOUT ROWID;

-- For the values of one run, and for those that expire.
CREATE INDEX predictions_organisation_id_job_id_issued_at_idx ON predictions (organisation_id, job_id, issued_at);
