-- What became of source versions after they were published. A version without a row is active: so all begin. The versions themselves
-- stay immutable.
CREATE TABLE source_version_lifecycles (
    source_version_id TEXT NOT NULL PRIMARY KEY REFERENCES source_versions (id) ON DELETE CASCADE,
    stage TEXT NOT NULL CHECK (stage IN ('active', 'deprecated', 'withdrawn')),
    reason TEXT CHECK (length(reason) <= 10000),
    replaced_by TEXT REFERENCES source_versions (id) ON DELETE SET NULL,
    end_of_life_at INTEGER,
    -- The first revision is that of a version without a row.
    revision INTEGER NOT NULL CHECK (revision >= 2),
    changed_at INTEGER,
    changed_by TEXT
) STRICT, WITHOUT ROWID;

-- For the deletion of a version that replaces others.
CREATE INDEX source_version_lifecycles_replaced_by_idx ON source_version_lifecycles (replaced_by);
