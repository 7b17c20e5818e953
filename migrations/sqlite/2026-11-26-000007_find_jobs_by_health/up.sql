-- Health is judged when it is read, and found by what was judged before: the last judgement of each job, and until when it holds if
-- nothing happens. What happens ends it, by the triggers below, whoever writes; where it has ended, the reader judges anew, so that no
-- answer rests on a judgement that does not hold. The service judges in the background what has ended (crates/adapters-sqlite/src/
-- judgements.rs). A report that keeps a job on time changes nothing here.

-- The status, and the last moment at which it holds: long ago, of what is not judged.
ALTER TABLE jobs ADD COLUMN judged_status TEXT NOT NULL DEFAULT 'paused';
ALTER TABLE jobs ADD COLUMN judged_until INTEGER NOT NULL DEFAULT -4000000000000000000;

-- Each ends with the row id, which is creation order.
CREATE INDEX jobs_organisation_id_judged_status_idx ON jobs (organisation_id, judged_status);
CREATE INDEX jobs_judged_status_idx ON jobs (judged_status);
CREATE INDEX jobs_organisation_id_judged_until_idx ON jobs (organisation_id, judged_until);
CREATE INDEX jobs_judged_until_idx ON jobs (judged_until);

-- Sources that promise something else than before: nothing holds that was judged of their jobs, until all of them are judged anew.
CREATE TABLE unjudged_sources (
    source_id TEXT NOT NULL PRIMARY KEY,
    -- The last job that was judged anew, by its place in creation order.
    judged_to INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- By which time jobs were judged last. A reader whose clock is behind that judges all jobs itself.
CREATE TABLE judgements (
    name TEXT NOT NULL PRIMARY KEY,
    judged_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO judgements (name, judged_at) VALUES ('health', -4000000000000000000);

CREATE TRIGGER changes_end_judgements
AFTER UPDATE OF active, activated_at ON jobs
WHEN OLD.active <> NEW.active OR OLD.activated_at IS NOT NEW.activated_at
BEGIN
    UPDATE jobs SET judged_until = -4000000000000000000 WHERE organisation_id = NEW.organisation_id AND id = NEW.id;
END;

CREATE TRIGGER first_runs_end_judgements
AFTER INSERT ON run_summaries
BEGIN
    UPDATE jobs SET judged_until = -4000000000000000000
    WHERE organisation_id = NEW.organisation_id AND id = NEW.job_id
        AND judged_until > -4000000000000000000 AND judged_status NOT IN ('paused', 'unmonitored');
END;

-- What is paused or unmonitored: runs do not matter. Overdue: only that it delivers would change that. Failing, late, on time: it stays
-- so as long as the newest run ends like the one before, and what is failing or on time does also when it has delivered since, until
-- it would have ended anyway.
CREATE TRIGGER runs_end_judgements
AFTER UPDATE OF last_run_at, last_run_succeeded, last_success_at, delivered_at ON run_summaries
BEGIN
    UPDATE jobs SET judged_until = -4000000000000000000
    WHERE organisation_id = NEW.organisation_id AND id = NEW.job_id
        AND judged_until > -4000000000000000000
        AND NOT CASE
            WHEN judged_status IN ('paused', 'unmonitored') THEN 1
            WHEN coalesce(NEW.delivered_at, NEW.last_success_at) IS coalesce(OLD.delivered_at, OLD.last_success_at)
                THEN judged_status = 'overdue' OR (
                    judged_status IN ('failing', 'late', 'on_time') AND NEW.last_run_succeeded = OLD.last_run_succeeded
                )
            ELSE judged_status IN ('failing', 'on_time') AND NEW.last_run_succeeded = OLD.last_run_succeeded
                AND coalesce(
                    coalesce(NEW.delivered_at, NEW.last_success_at) > coalesce(OLD.delivered_at, OLD.last_success_at), 0
                )
                AND coalesce(coalesce(NEW.delivered_at, NEW.last_success_at) <= judged_until, 0)
                -- Believed by every reader for whom the judgement holds.
                AND coalesce(NEW.delivered_at, NEW.last_success_at)
                    <= (SELECT judged_at + 300000000 FROM judgements WHERE name = 'health')
        END;
END;

CREATE TRIGGER deleted_runs_end_judgements
AFTER DELETE ON run_summaries
BEGIN
    UPDATE jobs SET judged_until = -4000000000000000000
    WHERE organisation_id = OLD.organisation_id AND id = OLD.job_id AND judged_status NOT IN ('paused', 'unmonitored');
END;

CREATE TRIGGER sources_end_judgements
AFTER UPDATE OF expected_interval_minutes ON sources
WHEN OLD.expected_interval_minutes IS NOT NEW.expected_interval_minutes
BEGIN
    INSERT INTO unjudged_sources (source_id, judged_to) VALUES (NEW.id, -9223372036854775807)
    ON CONFLICT (source_id) DO UPDATE SET judged_to = excluded.judged_to;
END;
