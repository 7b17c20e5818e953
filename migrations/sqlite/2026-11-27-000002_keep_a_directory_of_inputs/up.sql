-- What organisations tell of the things that their jobs are bound to. Each has a directory of its own: two may tell of things with the
-- same id, and neither learns of the other. A binding does not need a row here.
CREATE TABLE inputs (
    organisation_id TEXT NOT NULL,
    id TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (length(kind) BETWEEN 1 AND 100),
    name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    -- The name without case: in it, parts of names are looked for.
    name_key TEXT NOT NULL,
    metric TEXT CHECK (length(metric) BETWEEN 1 AND 100),
    unit TEXT CHECK (length(unit) BETWEEN 1 AND 100),
    revision INTEGER NOT NULL CHECK (revision >= 1),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (organisation_id, id)
) STRICT, WITHOUT ROWID;

-- For callers of all organisations, who name an input by its id alone.
CREATE INDEX inputs_id_idx ON inputs (id);

-- What people call organisations, which belong to another system.
CREATE TABLE organisations (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 200)
) STRICT, WITHOUT ROWID;
