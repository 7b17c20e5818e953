-- The organisation that a source belongs to; null: the platform. So are those that were stored before, and those that the release
-- before stores.
ALTER TABLE sources ADD COLUMN owner_organisation_id TEXT
    CHECK (length(owner_organisation_id) = 36 AND owner_organisation_id = lower(owner_organisation_id));

-- Its list in creation order: every index ends with the row id.
CREATE INDEX sources_owner_organisation_id_idx ON sources (owner_organisation_id);
