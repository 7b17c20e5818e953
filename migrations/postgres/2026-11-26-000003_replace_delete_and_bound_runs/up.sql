-- The run that failed and that this one did over, issued at the same time.
ALTER TABLE runs ADD COLUMN replaces uuid;

-- Runs that failed, and in whose place stands one that succeeded.
CREATE TABLE replaced_runs (
    organisation_id uuid NOT NULL,
    job_id uuid NOT NULL,
    id uuid NOT NULL,
    issued_at timestamptz NOT NULL,
    job_revision bigint NOT NULL,
    source_version_id uuid NOT NULL,
    succeeded boolean NOT NULL,
    message text COLLATE "C",
    prediction_count integer NOT NULL,
    predictions_digest bytea NOT NULL,
    received_at timestamptz NOT NULL,
    replaced_by uuid NOT NULL,
    CONSTRAINT replaced_runs_pkey PRIMARY KEY (organisation_id, job_id, id),
    CONSTRAINT replaced_runs_succeeded_check CHECK (NOT succeeded)
);
SELECT grant_as_on(ARRAY['jobs'::regclass, 'runs'], 'replaced_runs');

-- When the job delivered last: of each run that succeeded the time at which it was issued, or received if that was earlier; of
-- these the latest. Null of what was added up before: then it is last_success_at.
ALTER TABLE run_summaries ADD COLUMN delivered_at timestamptz;
-- Runs that were issued later are left out, since they were reported under a clock that was ahead; null when there are none.
ALTER TABLE run_summaries ADD COLUMN counted_until timestamptz;

-- When a run is issued of which the report comes now: after every run of its job that was issued since then and until `latest`.
-- A function, so that it sees what was stored while its statement waited for the job.
CREATE FUNCTION next_issued_at(organisation uuid, job uuid, earliest timestamptz, latest timestamptz)
RETURNS timestamptz LANGUAGE plpgsql AS $$
DECLARE
    newest timestamptz;
BEGIN
    SELECT runs.issued_at INTO newest FROM runs
    WHERE runs.organisation_id = organisation AND runs.job_id = job AND runs.issued_at BETWEEN earliest AND latest
    ORDER BY runs.issued_at DESC LIMIT 1;
    IF newest IS NULL THEN
        RETURN earliest;
    ELSIF newest < latest THEN
        RETURN newest + interval '1 microsecond';
    END IF;
    -- What is behind it may be taken: the first gap.
    RETURN (
        SELECT taken.issued_at + interval '1 microsecond' FROM runs AS taken
        WHERE taken.organisation_id = organisation AND taken.job_id = job AND taken.issued_at >= latest
            AND NOT EXISTS (
                SELECT FROM runs AS next
                WHERE next.organisation_id = organisation AND next.job_id = job
                    AND next.issued_at = taken.issued_at + interval '1 microsecond'
            )
        ORDER BY taken.issued_at LIMIT 1
    );
END;
$$;

-- What the runs of a job add up to that were issued until then, or all of them, if none was. Its row has to be locked. Of the
-- runs no more than the last 10,000 are looked at: if all of these failed, when it last succeeded is not known any more.
CREATE FUNCTION sum_up_runs(organisation uuid, job uuid, until timestamptz) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    counted_to timestamptz := until;
    newest record;
    success record;
BEGIN
    SELECT runs.issued_at, runs.succeeded INTO newest FROM runs
    WHERE runs.organisation_id = organisation AND runs.job_id = job AND runs.issued_at <= counted_to
    ORDER BY runs.issued_at DESC LIMIT 1;
    IF NOT FOUND THEN
        counted_to := 'infinity';
        SELECT runs.issued_at, runs.succeeded INTO newest FROM runs
        WHERE runs.organisation_id = organisation AND runs.job_id = job
        ORDER BY runs.issued_at DESC LIMIT 1;
    END IF;
    IF NOT FOUND THEN
        DELETE FROM run_summaries WHERE run_summaries.organisation_id = organisation AND run_summaries.job_id = job;
        RETURN;
    END IF;
    SELECT recent.issued_at, LEAST(recent.issued_at, recent.received_at) AS delivered_at INTO success FROM (
        SELECT runs.issued_at, runs.received_at, runs.succeeded FROM runs
        WHERE runs.organisation_id = organisation AND runs.job_id = job AND runs.issued_at <= counted_to
        ORDER BY runs.issued_at DESC LIMIT 10000
    ) AS recent
    WHERE recent.succeeded ORDER BY recent.issued_at DESC LIMIT 1;
    UPDATE run_summaries SET
        last_run_at = newest.issued_at,
        last_run_succeeded = newest.succeeded,
        last_success_at = success.issued_at,
        -- Whatever delivered later was issued later than that.
        delivered_at = (
            SELECT max(LEAST(recent.issued_at, recent.received_at)) FROM (
                SELECT runs.issued_at, runs.received_at, runs.succeeded FROM runs
                WHERE runs.organisation_id = organisation AND runs.job_id = job
                    AND runs.issued_at BETWEEN success.delivered_at AND success.issued_at
                ORDER BY runs.issued_at DESC LIMIT 10000
            ) AS recent
            WHERE recent.succeeded
        ),
        consecutive_failures = (
            SELECT count(*) FROM (
                SELECT FROM runs
                WHERE runs.organisation_id = organisation AND runs.job_id = job
                    AND runs.issued_at > COALESCE(success.issued_at, '-infinity') AND runs.issued_at <= counted_to
                ORDER BY runs.issued_at DESC LIMIT 10000
            ) AS failed
        ),
        counted_until = CASE WHEN EXISTS (
            SELECT FROM runs
            WHERE runs.organisation_id = organisation AND runs.job_id = job AND runs.issued_at > until
        ) THEN until END
    WHERE run_summaries.organisation_id = organisation AND run_summaries.job_id = job;
END;
$$;

CREATE OR REPLACE FUNCTION add_up_run() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    -- Nothing can be issued later, as long as the clock is right by which the report was received.
    latest constant timestamptz := NEW.received_at + interval '300 seconds';
    is_late_success boolean;
    is_ahead boolean;
    failures_after bigint;
    success_before timestamptz;
    failures_before bigint;
BEGIN
    INSERT INTO run_summaries AS known (
        organisation_id, job_id, source_id, last_run_at, last_run_succeeded, last_success_at, delivered_at,
        consecutive_failures, values_from
    )
    SELECT jobs.organisation_id, jobs.id, jobs.source_id, NEW.issued_at, NEW.succeeded,
        CASE WHEN NEW.succeeded THEN NEW.issued_at END,
        CASE WHEN NEW.succeeded THEN LEAST(NEW.issued_at, NEW.received_at) END,
        CASE WHEN NEW.succeeded THEN 0 ELSE 1 END,
        CASE WHEN NEW.prediction_count > 0 THEN NEW.issued_at END
    FROM jobs WHERE jobs.organisation_id = NEW.organisation_id AND jobs.id = NEW.job_id
    ON CONFLICT ON CONSTRAINT run_summaries_pkey DO UPDATE SET
        last_run_at = GREATEST(known.last_run_at, EXCLUDED.last_run_at),
        last_run_succeeded =
            CASE WHEN EXCLUDED.last_run_at > known.last_run_at THEN EXCLUDED.last_run_succeeded ELSE known.last_run_succeeded END,
        last_success_at = GREATEST(known.last_success_at, EXCLUDED.last_success_at),
        delivered_at = GREATEST(COALESCE(known.delivered_at, known.last_success_at), EXCLUDED.delivered_at),
        consecutive_failures = CASE
            WHEN NEW.issued_at < known.last_success_at THEN known.consecutive_failures
            WHEN NOT NEW.succeeded THEN known.consecutive_failures + 1
            WHEN NEW.issued_at >= known.last_run_at THEN 0
            -- Of these some are to be taken off, below.
            ELSE known.consecutive_failures
        END,
        values_from = LEAST(known.values_from, EXCLUDED.values_from)
    RETURNING NEW.succeeded AND last_success_at = NEW.issued_at AND last_run_at > NEW.issued_at,
        counted_until IS NOT NULL OR last_run_at > latest
    INTO is_late_success, is_ahead;
    -- The row is locked by now, so that each statement from here on sees every run that is in it.
    IF is_ahead THEN
        PERFORM sum_up_runs(NEW.organisation_id, NEW.job_id, latest);
    ELSIF is_late_success THEN
        -- A success that is reported behind failures that were issued later. Those after it are counted, or if they are many,
        -- those before it are taken off. Where both are many, there have been so many at the least.
        failures_after := (
            SELECT count(*) FROM (
                SELECT FROM runs
                WHERE runs.organisation_id = NEW.organisation_id AND runs.job_id = NEW.job_id
                    AND runs.issued_at > NEW.issued_at
                ORDER BY runs.issued_at LIMIT 1000
            ) AS later
        );
        IF failures_after = 1000 THEN
            success_before := (
                SELECT earlier.issued_at FROM (
                    SELECT runs.issued_at, runs.succeeded FROM runs
                    WHERE runs.organisation_id = NEW.organisation_id AND runs.job_id = NEW.job_id
                        AND runs.issued_at < NEW.issued_at
                    ORDER BY runs.issued_at DESC LIMIT 1000
                ) AS earlier
                WHERE earlier.succeeded ORDER BY earlier.issued_at DESC LIMIT 1
            );
            failures_before := (
                SELECT count(*) FROM (
                    SELECT FROM runs
                    WHERE runs.organisation_id = NEW.organisation_id AND runs.job_id = NEW.job_id
                        AND runs.issued_at < NEW.issued_at AND runs.issued_at > COALESCE(success_before, '-infinity')
                    ORDER BY runs.issued_at DESC LIMIT 1000
                ) AS earlier
            );
        END IF;
        UPDATE run_summaries SET consecutive_failures = CASE
            WHEN failures_before < 1000 THEN GREATEST(consecutive_failures - failures_before, failures_after)
            ELSE failures_after
        END
        WHERE run_summaries.organisation_id = NEW.organisation_id AND run_summaries.job_id = NEW.job_id;
    END IF;
    RETURN NULL;
END;
$$;
