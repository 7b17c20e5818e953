-- When a change activated the job last; null: since it was set up, or never.
ALTER TABLE jobs ADD COLUMN activated_at INTEGER;

-- Jobs that were paused once and are active again: the first revision of the stretch that lasts until now. If that is the
-- current one, it is in the row of the job.
UPDATE jobs SET activated_at = coalesce(
    (
        SELECT kept.updated_at FROM job_revisions AS kept
        WHERE kept.organisation_id = jobs.organisation_id AND kept.job_id = jobs.id
            AND kept.revision > (
                SELECT max(paused.revision) FROM job_revisions AS paused
                WHERE paused.organisation_id = jobs.organisation_id AND paused.job_id = jobs.id AND paused.active = 0
            )
        ORDER BY kept.revision LIMIT 1
    ),
    updated_at
)
WHERE active = 1
    AND EXISTS (
        SELECT 1 FROM job_revisions AS paused
        WHERE paused.organisation_id = jobs.organisation_id AND paused.job_id = jobs.id AND paused.active = 0
    );

-- What the runs of a job add up to: whether it delivers is judged from this when somebody reads it. Kept by the trigger below,
-- whoever writes. Not bound to its job, like the runs: it goes when they go.
CREATE TABLE run_summaries (
    organisation_id TEXT NOT NULL,
    job_id TEXT NOT NULL,
    -- The job's, which never changes: what expires is looked for source by source.
    source_id TEXT NOT NULL,
    last_run_at INTEGER NOT NULL,
    last_run_succeeded INTEGER NOT NULL CHECK (last_run_succeeded IN (0, 1)),
    last_success_at INTEGER,
    -- Runs that failed after that.
    consecutive_failures INTEGER NOT NULL CHECK (consecutive_failures >= 0),
    -- No value of the job was issued before; null when it has none.
    values_from INTEGER,
    PRIMARY KEY (organisation_id, job_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX run_summaries_source_id_values_from_idx ON run_summaries (source_id, values_from);

-- Only a success that comes behind failures that were issued later counts them; all else follows from what is known. Values
-- are mostly newer than those that are there: the second statement then finds nothing, and the index is left as it is.
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

-- Each job is looked up in the indexes of its runs, however many those are.
INSERT INTO run_summaries (
    organisation_id, job_id, source_id, last_run_at, last_run_succeeded, last_success_at, consecutive_failures, values_from
)
SELECT ran.organisation_id, ran.job_id, ran.source_id, ran.last_run_at, ran.last_run_succeeded, ran.last_success_at,
    (
        SELECT count(*) FROM runs
        WHERE runs.organisation_id = ran.organisation_id AND runs.job_id = ran.job_id
            AND (ran.last_success_at IS NULL OR runs.issued_at > ran.last_success_at)
    ),
    (
        SELECT runs.issued_at FROM runs
        WHERE runs.organisation_id = ran.organisation_id AND runs.job_id = ran.job_id AND runs.prediction_count > 0
        ORDER BY runs.issued_at LIMIT 1
    )
FROM (
    SELECT jobs.organisation_id, jobs.id AS job_id, jobs.source_id, newest.issued_at AS last_run_at,
        newest.succeeded AS last_run_succeeded,
        (
            SELECT runs.issued_at FROM runs
            WHERE runs.organisation_id = jobs.organisation_id AND runs.job_id = jobs.id AND runs.succeeded = 1
            ORDER BY runs.issued_at DESC LIMIT 1
        ) AS last_success_at
    FROM jobs
    CROSS JOIN runs AS newest ON newest.organisation_id = jobs.organisation_id AND newest.job_id = jobs.id
        AND newest.issued_at = (
            SELECT max(runs.issued_at) FROM runs
            WHERE runs.organisation_id = jobs.organisation_id AND runs.job_id = jobs.id
        )
) AS ran;

-- Jobs whose runs and values are still to be removed.
CREATE TABLE deleted_jobs (
    organisation_id TEXT NOT NULL,
    job_id TEXT NOT NULL,
    PRIMARY KEY (organisation_id, job_id)
) STRICT, WITHOUT ROWID;

INSERT INTO deleted_jobs (organisation_id, job_id)
SELECT DISTINCT runs.organisation_id, runs.job_id FROM runs
WHERE NOT EXISTS (SELECT 1 FROM jobs WHERE jobs.organisation_id = runs.organisation_id AND jobs.id = runs.job_id);

-- A run is never without its summary, so a job without one has left nothing.
CREATE TRIGGER deleted_jobs_leave_results
AFTER DELETE ON jobs
BEGIN
    INSERT INTO deleted_jobs (organisation_id, job_id)
    SELECT organisation_id, job_id FROM run_summaries
    WHERE run_summaries.organisation_id = OLD.organisation_id AND run_summaries.job_id = OLD.id
    ON CONFLICT (organisation_id, job_id) DO NOTHING;
END;

-- Who does what only one process is to do at a time, and until when.
CREATE TABLE leases (
    name TEXT NOT NULL PRIMARY KEY,
    holder TEXT NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
