-- Values that are of no run: those of a run that is being stored in parts, and is there when all of them are; and those of a
-- run that was deleted, until all of them are gone. Nobody reads them.
CREATE TABLE unfinished_runs (
    organisation_id TEXT NOT NULL,
    job_id TEXT NOT NULL,
    issued_at INTEGER NOT NULL,
    -- Who stores or deletes them: a process, and one of those in it. Empty when they are only to go.
    writer TEXT NOT NULL,
    -- When a part was stored or deleted last, by the clock of this machine.
    seen_at INTEGER NOT NULL,
    PRIMARY KEY (organisation_id, job_id, issued_at)
) STRICT, WITHOUT ROWID;

CREATE INDEX unfinished_runs_seen_at_idx ON unfinished_runs (seen_at);
