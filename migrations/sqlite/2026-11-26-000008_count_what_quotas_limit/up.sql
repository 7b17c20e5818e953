-- How many jobs an organisation has, of those for which that is limited. There is a row from the first setup on that was limited, and
-- it is right from then on, whoever writes: the triggers below see to it.
CREATE TABLE job_counts (
    organisation_id TEXT NOT NULL PRIMARY KEY,
    jobs INTEGER NOT NULL CHECK (jobs >= 0)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER stored_jobs_are_counted
AFTER INSERT ON jobs
BEGIN
    UPDATE job_counts SET jobs = jobs + 1 WHERE organisation_id = NEW.organisation_id;
END;

CREATE TRIGGER deleted_jobs_are_counted
AFTER DELETE ON jobs
BEGIN
    UPDATE job_counts SET jobs = jobs - 1 WHERE organisation_id = OLD.organisation_id;
END;

-- What an organisation has used of a quota that is counted by the day: on the day that is written there, and nothing on any other.
CREATE TABLE daily_usage (
    organisation_id TEXT NOT NULL,
    quota TEXT NOT NULL,
    -- Days after 1970-01-01, in UTC.
    day INTEGER NOT NULL,
    used INTEGER NOT NULL CHECK (used >= 0),
    PRIMARY KEY (organisation_id, quota)
) STRICT, WITHOUT ROWID;
