DROP TRIGGER run_summaries_sum_up;
DROP TRIGGER runs_add_up;
ALTER TABLE run_summaries DROP COLUMN counted_until;
ALTER TABLE run_summaries DROP COLUMN delivered_at;
DROP TABLE replaced_runs;
ALTER TABLE runs DROP COLUMN replaces;

CREATE TRIGGER runs_add_up
AFTER INSERT ON runs
BEGIN
    INSERT INTO run_summaries (
        organisation_id, job_id, source_id, last_run_at, last_run_succeeded, last_success_at, consecutive_failures
    )
    SELECT jobs.organisation_id, jobs.id, jobs.source_id, NEW.issued_at, NEW.succeeded,
        CASE NEW.succeeded WHEN 1 THEN NEW.issued_at END, 1 - NEW.succeeded
    FROM jobs WHERE jobs.organisation_id = NEW.organisation_id AND jobs.id = NEW.job_id
    ON CONFLICT (organisation_id, job_id) DO UPDATE SET
        last_run_at = max(last_run_at, excluded.last_run_at),
        last_run_succeeded =
            CASE WHEN excluded.last_run_at > last_run_at THEN excluded.last_run_succeeded ELSE last_run_succeeded END,
        -- `max` of a null is null.
        last_success_at =
            coalesce(max(last_success_at, excluded.last_success_at), last_success_at, excluded.last_success_at),
        consecutive_failures = CASE
            WHEN excluded.last_run_at < last_success_at THEN consecutive_failures
            WHEN excluded.last_run_succeeded = 0 THEN consecutive_failures + 1
            WHEN excluded.last_run_at >= last_run_at THEN 0
            ELSE (
                SELECT count(*) FROM runs AS later
                WHERE later.organisation_id = excluded.organisation_id AND later.job_id = excluded.job_id
                    AND later.issued_at > excluded.last_run_at AND later.succeeded = 0
            )
        END;
    UPDATE run_summaries SET values_from = NEW.issued_at
    WHERE organisation_id = NEW.organisation_id AND job_id = NEW.job_id
        AND NEW.prediction_count > 0 AND (values_from IS NULL OR values_from > NEW.issued_at);
END;
