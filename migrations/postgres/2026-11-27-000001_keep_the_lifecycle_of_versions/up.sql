-- What became of source versions after they were published. A version without a row is active: so all begin. The versions themselves
-- stay immutable.
CREATE TABLE source_version_lifecycles (
    source_version_id uuid NOT NULL,
    stage text COLLATE "C" NOT NULL,
    reason text COLLATE "C",
    replaced_by uuid,
    end_of_life_at timestamptz,
    revision bigint NOT NULL,
    changed_at timestamptz,
    changed_by text COLLATE "C",
    CONSTRAINT source_version_lifecycles_pkey PRIMARY KEY (source_version_id),
    CONSTRAINT source_version_lifecycles_source_version_id_fkey
        FOREIGN KEY (source_version_id) REFERENCES source_versions (id) ON DELETE CASCADE,
    CONSTRAINT source_version_lifecycles_replaced_by_fkey
        FOREIGN KEY (replaced_by) REFERENCES source_versions (id) ON DELETE SET NULL,
    CONSTRAINT source_version_lifecycles_stage_check CHECK (stage IN ('active', 'deprecated', 'withdrawn')),
    CONSTRAINT source_version_lifecycles_reason_check CHECK (char_length(reason) <= 10000),
    -- The first revision is that of a version without a row.
    CONSTRAINT source_version_lifecycles_revision_check CHECK (revision >= 2)
);

-- For the deletion of a version that replaces others.
CREATE INDEX source_version_lifecycles_replaced_by_idx ON source_version_lifecycles (replaced_by);

SELECT grant_as_on(ARRAY['sources'::regclass, 'source_versions'], 'source_version_lifecycles'::regclass);
