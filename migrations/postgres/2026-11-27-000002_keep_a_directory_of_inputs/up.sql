-- What organisations tell of the things that their jobs are bound to. Each has a directory of its own: two may tell of things with the
-- same id, and neither learns of the other. A binding does not need a row here.
CREATE TABLE inputs (
    organisation_id uuid NOT NULL,
    id uuid NOT NULL,
    kind text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    -- The name without case: in it, parts of names are looked for.
    name_key text COLLATE "C" NOT NULL,
    metric text COLLATE "C",
    unit text COLLATE "C",
    revision bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT inputs_pkey PRIMARY KEY (organisation_id, id),
    CONSTRAINT inputs_kind_check CHECK (char_length(kind) BETWEEN 1 AND 100),
    CONSTRAINT inputs_name_check CHECK (char_length(name) BETWEEN 1 AND 200),
    CONSTRAINT inputs_metric_check CHECK (char_length(metric) BETWEEN 1 AND 100),
    CONSTRAINT inputs_unit_check CHECK (char_length(unit) BETWEEN 1 AND 100),
    CONSTRAINT inputs_revision_check CHECK (revision >= 1)
);

-- For callers of all organisations, who name an input by its id alone.
CREATE INDEX inputs_id_idx ON inputs (id);

-- What people call organisations, which belong to another system.
CREATE TABLE organisations (
    id uuid NOT NULL,
    name text COLLATE "C" NOT NULL,
    CONSTRAINT organisations_pkey PRIMARY KEY (id),
    CONSTRAINT organisations_name_check CHECK (char_length(name) BETWEEN 1 AND 200)
);

SELECT grant_as_on(ARRAY['jobs'::regclass], added) FROM unnest(ARRAY['inputs'::regclass, 'organisations']) AS added;
