-- The run that failed and that this one did over, issued at the same time.
ALTER TABLE runs ADD COLUMN replaces TEXT;

-- Runs that failed, and in whose place stands one that succeeded.
CREATE TABLE replaced_runs (
    organisation_id TEXT NOT NULL,
    job_id TEXT NOT NULL,
    id TEXT NOT NULL,
    issued_at INTEGER NOT NULL,
    job_revision INTEGER NOT NULL,
    source_version_id TEXT NOT NULL,
    succeeded INTEGER NOT NULL CHECK (succeeded = 0),
    message TEXT,
    prediction_count INTEGER NOT NULL,
    predictions_digest BLOB NOT NULL,
    received_at INTEGER NOT NULL,
    replaced_by TEXT NOT NULL,
    PRIMARY KEY (organisation_id, job_id, id)
) STRICT, WITHOUT ROWID;

-- When the job delivered last: of each run that succeeded the time at which it was issued, or received if that was earlier; of
-- these the latest. Null of what was added up before: then it is last_success_at.
ALTER TABLE run_summaries ADD COLUMN delivered_at INTEGER;
-- Runs that were issued later are left out, since they were reported under a clock that was ahead; null when there are none.
-- Whoever sets it has the runs summed up anew, by the trigger below.
ALTER TABLE run_summaries ADD COLUMN counted_until INTEGER;

-- What the runs of a job add up to that were issued until then, or all of them, if none was. Of the runs no more than the last
-- 10,000 are looked at: if all of these failed, when it last succeeded is not known any more.
CREATE TRIGGER run_summaries_sum_up
AFTER UPDATE OF counted_until ON run_summaries
WHEN NEW.counted_until IS NOT NULL
BEGIN
    DELETE FROM run_summaries
    WHERE organisation_id = NEW.organisation_id AND job_id = NEW.job_id
        AND NOT EXISTS (
            SELECT 1 FROM runs WHERE runs.organisation_id = NEW.organisation_id AND runs.job_id = NEW.job_id
        );
    UPDATE run_summaries SET
        last_run_at = newest.issued_at,
        last_run_succeeded = newest.succeeded,
        last_success_at = (
            SELECT recent.issued_at FROM (
                SELECT runs.issued_at, runs.succeeded FROM runs
                WHERE runs.organisation_id = NEW.organisation_id AND runs.job_id = NEW.job_id
                    AND runs.issued_at <= newest.issued_at
                ORDER BY runs.issued_at DESC LIMIT 10000
            ) AS recent
            WHERE recent.succeeded = 1 ORDER BY recent.issued_at DESC LIMIT 1
        )
    FROM (
        -- Of two subqueries in `coalesce` the second is only looked at when the first gives nothing.
        SELECT runs.issued_at, runs.succeeded FROM runs
        WHERE runs.organisation_id = NEW.organisation_id AND runs.job_id = NEW.job_id
            AND runs.issued_at = coalesce(
                (
                    SELECT max(counted.issued_at) FROM runs AS counted
                    WHERE counted.organisation_id = NEW.organisation_id AND counted.job_id = NEW.job_id
                        AND counted.issued_at <= NEW.counted_until
                ),
                (
                    SELECT max(any_run.issued_at) FROM runs AS any_run
                    WHERE any_run.organisation_id = NEW.organisation_id AND any_run.job_id = NEW.job_id
                )
            )
    ) AS newest
    WHERE run_summaries.organisation_id = NEW.organisation_id AND run_summaries.job_id = NEW.job_id;
    UPDATE run_summaries SET
        -- Whatever delivered later than the newest success was issued later than that delivered.
        delivered_at = (
            SELECT max(min(recent.issued_at, recent.received_at)) FROM (
                SELECT runs.issued_at, runs.received_at, runs.succeeded FROM runs
                WHERE runs.organisation_id = NEW.organisation_id AND runs.job_id = NEW.job_id
                    AND runs.issued_at <= run_summaries.last_success_at
                    AND runs.issued_at >= (
                        SELECT min(success.issued_at, success.received_at) FROM runs AS success
                        WHERE success.organisation_id = NEW.organisation_id AND success.job_id = NEW.job_id
                            AND success.issued_at = run_summaries.last_success_at
                    )
                ORDER BY runs.issued_at DESC LIMIT 10000
            ) AS recent
            WHERE recent.succeeded = 1
        ),
        consecutive_failures = (
            SELECT count(*) FROM (
                SELECT 1 FROM runs
                WHERE runs.organisation_id = NEW.organisation_id AND runs.job_id = NEW.job_id
                    AND runs.issued_at > coalesce(run_summaries.last_success_at, -9223372036854775807)
                    AND runs.issued_at <= run_summaries.last_run_at
                ORDER BY runs.issued_at DESC LIMIT 10000
            )
        ),
        counted_until = CASE WHEN EXISTS (
            SELECT 1 FROM runs
            WHERE runs.organisation_id = NEW.organisation_id AND runs.job_id = NEW.job_id
                AND runs.issued_at > NEW.counted_until
        ) THEN NEW.counted_until END
    WHERE organisation_id = NEW.organisation_id AND job_id = NEW.job_id;
END;

DROP TRIGGER runs_add_up;

-- Only a success that comes behind failures that were issued later counts them, or if they are many, takes off those that were
-- issued earlier; where both are many, there have been so many at the least. All else follows from what is known. Values are
-- mostly newer than those that are there: the second statement then finds nothing, and the index is left as it is. The third
-- is for runs that were issued later than they can have been by the clock that this report was received under.
CREATE TRIGGER runs_add_up
AFTER INSERT ON runs
BEGIN
    INSERT INTO run_summaries (
        organisation_id, job_id, source_id, last_run_at, last_run_succeeded, last_success_at, delivered_at,
        consecutive_failures
    )
    SELECT jobs.organisation_id, jobs.id, jobs.source_id, NEW.issued_at, NEW.succeeded,
        CASE NEW.succeeded WHEN 1 THEN NEW.issued_at END,
        CASE NEW.succeeded WHEN 1 THEN min(NEW.issued_at, NEW.received_at) END, 1 - NEW.succeeded
    FROM jobs WHERE jobs.organisation_id = NEW.organisation_id AND jobs.id = NEW.job_id
    ON CONFLICT (organisation_id, job_id) DO UPDATE SET
        last_run_at = max(last_run_at, excluded.last_run_at),
        last_run_succeeded =
            CASE WHEN excluded.last_run_at > last_run_at THEN excluded.last_run_succeeded ELSE last_run_succeeded END,
        -- `max` of a null is null.
        last_success_at =
            coalesce(max(last_success_at, excluded.last_success_at), last_success_at, excluded.last_success_at),
        delivered_at = coalesce(
            max(coalesce(delivered_at, last_success_at), excluded.delivered_at),
            delivered_at, last_success_at, excluded.delivered_at
        ),
        consecutive_failures = CASE
            WHEN excluded.last_run_at < last_success_at THEN consecutive_failures
            WHEN excluded.last_run_succeeded = 0 THEN consecutive_failures + 1
            WHEN excluded.last_run_at >= last_run_at THEN 0
            WHEN (
                SELECT count(*) FROM (
                    SELECT 1 FROM runs AS later
                    WHERE later.organisation_id = excluded.organisation_id AND later.job_id = excluded.job_id
                        AND later.issued_at > excluded.last_run_at
                    ORDER BY later.issued_at LIMIT 1000
                )
            ) < 1000 THEN (
                SELECT count(*) FROM runs AS later
                WHERE later.organisation_id = excluded.organisation_id AND later.job_id = excluded.job_id
                    AND later.issued_at > excluded.last_run_at
            )
            ELSE max(1000, consecutive_failures - (
                -- Without a limit that could be reached: the next condition is looked at first.
                SELECT CASE WHEN count(*) < 1000 THEN count(*) ELSE 9223372036854775807 / 2 END FROM (
                    SELECT 1 FROM runs AS earlier
                    WHERE earlier.organisation_id = excluded.organisation_id AND earlier.job_id = excluded.job_id
                        AND earlier.issued_at < excluded.last_run_at
                        AND earlier.issued_at > coalesce(last_success_at, -9223372036854775807)
                    ORDER BY earlier.issued_at DESC LIMIT 1000
                )
            ))
        END;
    UPDATE run_summaries SET values_from = NEW.issued_at
    WHERE organisation_id = NEW.organisation_id AND job_id = NEW.job_id
        AND NEW.prediction_count > 0 AND (values_from IS NULL OR values_from > NEW.issued_at);
    UPDATE run_summaries SET counted_until = NEW.received_at + 300000000
    WHERE organisation_id = NEW.organisation_id AND job_id = NEW.job_id
        AND (counted_until IS NOT NULL OR last_run_at > NEW.received_at + 300000000);
END;
