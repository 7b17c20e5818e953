-- The place of a run among those of its job, in the order in which they were committed: whoever has seen a number has seen all
-- that are lower, whatever clocks say. Null: it was there before runs were numbered.
ALTER TABLE runs ADD COLUMN number INTEGER;

-- The last number of each job. It is never given again, also when a run is removed.
CREATE TABLE run_counters (
    organisation_id TEXT NOT NULL,
    job_id TEXT NOT NULL,
    last_number INTEGER NOT NULL CHECK (last_number >= 1),
    PRIMARY KEY (organisation_id, job_id),
    FOREIGN KEY (organisation_id, job_id) REFERENCES jobs (organisation_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- Whoever inserts, the release before included. A run of no job gets none.
CREATE TRIGGER runs_are_numbered
AFTER INSERT ON runs
BEGIN
    INSERT INTO run_counters (organisation_id, job_id, last_number)
    SELECT jobs.organisation_id, jobs.id, 1
    FROM jobs WHERE jobs.organisation_id = NEW.organisation_id AND jobs.id = NEW.job_id
    ON CONFLICT (organisation_id, job_id) DO UPDATE SET last_number = last_number + 1;
    UPDATE runs SET number = (
        SELECT last_number FROM run_counters
        WHERE run_counters.organisation_id = NEW.organisation_id AND run_counters.job_id = NEW.job_id
    )
    WHERE organisation_id = NEW.organisation_id AND job_id = NEW.job_id AND issued_at = NEW.issued_at;
END;
