-- What this makes of the data that is there (when jobs were activated, what their runs add up to, whose runs are left over) is
-- taken up afterwards, in batches beside readers and writers: crates/adapters-postgres/src/migrations/steps/watch_jobs.rs.

-- When a change activated the job last; null: since it was set up, or never.
ALTER TABLE jobs ADD COLUMN activated_at timestamptz;

-- What the runs of a job add up to: whether it delivers is judged from this when somebody reads it. Kept by the trigger below,
-- whoever writes. Not bound to its job, like the runs: it goes when they go.
CREATE TABLE run_summaries (
    organisation_id uuid NOT NULL,
    job_id uuid NOT NULL,
    -- The job's, which never changes: what expires is looked for source by source.
    source_id uuid NOT NULL,
    last_run_at timestamptz NOT NULL,
    last_run_succeeded boolean NOT NULL,
    last_success_at timestamptz,
    -- Runs that failed after that.
    consecutive_failures bigint NOT NULL,
    -- No value of the job was issued before; null when it has none.
    values_from timestamptz,
    CONSTRAINT run_summaries_pkey PRIMARY KEY (organisation_id, job_id),
    CONSTRAINT run_summaries_consecutive_failures_check CHECK (consecutive_failures >= 0)
)
-- A report changes its row in place, if there is room on the page.
WITH (fillfactor = 70);

CREATE INDEX run_summaries_source_id_values_from_idx ON run_summaries (source_id, values_from);

CREATE FUNCTION add_up_run() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    is_uncounted boolean;
BEGIN
    INSERT INTO run_summaries AS known (
        organisation_id, job_id, source_id, last_run_at, last_run_succeeded, last_success_at, consecutive_failures,
        values_from
    )
    SELECT jobs.organisation_id, jobs.id, jobs.source_id, NEW.issued_at, NEW.succeeded,
        CASE WHEN NEW.succeeded THEN NEW.issued_at END, CASE WHEN NEW.succeeded THEN 0 ELSE 1 END,
        CASE WHEN NEW.prediction_count > 0 THEN NEW.issued_at END
    FROM jobs WHERE jobs.organisation_id = NEW.organisation_id AND jobs.id = NEW.job_id
    ON CONFLICT ON CONSTRAINT run_summaries_pkey DO UPDATE SET
        last_run_at = GREATEST(known.last_run_at, EXCLUDED.last_run_at),
        last_run_succeeded =
            CASE WHEN EXCLUDED.last_run_at > known.last_run_at THEN EXCLUDED.last_run_succeeded ELSE known.last_run_succeeded END,
        last_success_at = GREATEST(known.last_success_at, EXCLUDED.last_success_at),
        consecutive_failures = CASE
            WHEN NEW.issued_at < known.last_success_at THEN known.consecutive_failures
            WHEN NOT NEW.succeeded THEN known.consecutive_failures + 1
            ELSE 0
        END,
        values_from = LEAST(known.values_from, EXCLUDED.values_from)
    RETURNING NEW.succeeded AND last_success_at = NEW.issued_at AND last_run_at > NEW.issued_at INTO is_uncounted;
    -- A success that is reported behind failures that were issued later. The row is locked by now, so that this statement sees
    -- every run that is in it.
    IF is_uncounted THEN
        UPDATE run_summaries SET consecutive_failures = (
            SELECT count(*) FROM runs
            WHERE runs.organisation_id = NEW.organisation_id AND runs.job_id = NEW.job_id
                AND runs.issued_at > NEW.issued_at AND NOT runs.succeeded
        )
        WHERE run_summaries.organisation_id = NEW.organisation_id AND run_summaries.job_id = NEW.job_id;
    END IF;
    RETURN NULL;
END;
$$;

CREATE TRIGGER runs_add_up AFTER INSERT ON runs FOR EACH ROW EXECUTE FUNCTION add_up_run();

-- Jobs whose runs and values are still to be removed.
CREATE TABLE deleted_jobs (
    organisation_id uuid NOT NULL,
    job_id uuid NOT NULL,
    CONSTRAINT deleted_jobs_pkey PRIMARY KEY (organisation_id, job_id)
);

-- Whoever reports a run holds its job, so by the time a job is deleted there is a summary if there is a run.
CREATE FUNCTION leave_results() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO deleted_jobs (organisation_id, job_id)
    SELECT organisation_id, job_id FROM run_summaries
    WHERE run_summaries.organisation_id = OLD.organisation_id AND run_summaries.job_id = OLD.id
    ON CONFLICT ON CONSTRAINT deleted_jobs_pkey DO NOTHING;
    RETURN NULL;
END;
$$;

CREATE TRIGGER deleted_jobs_leave_results AFTER DELETE ON jobs FOR EACH ROW EXECUTE FUNCTION leave_results();

-- Who does what only one replica is to do at a time, and until when.
CREATE TABLE leases (
    name text COLLATE "C" NOT NULL,
    holder uuid NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT leases_pkey PRIMARY KEY (name)
);

-- A job is of one organisation: without knowing that, PostgreSQL takes a job's runs and values for hardly any where there are
-- many organisations, and walks along whatever index comes first.
CREATE STATISTICS runs_job_statistics (dependencies) ON organisation_id, job_id FROM runs;
CREATE STATISTICS predictions_job_statistics (dependencies) ON organisation_id, job_id FROM predictions;
