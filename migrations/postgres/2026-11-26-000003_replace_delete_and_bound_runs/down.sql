CREATE OR REPLACE FUNCTION add_up_run() RETURNS trigger LANGUAGE plpgsql AS $$
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

DROP FUNCTION sum_up_runs;
DROP FUNCTION next_issued_at;
ALTER TABLE run_summaries DROP COLUMN counted_until;
ALTER TABLE run_summaries DROP COLUMN delivered_at;
DROP TABLE replaced_runs;
ALTER TABLE runs DROP COLUMN replaces;
