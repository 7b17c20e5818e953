-- The set of things that is kept by a document and that each of these belongs to, and the revision that the document made or saw last;
-- null: it is kept by hand. A version never changes, so it has no revision.
ALTER TABLE sources ADD COLUMN managed_by TEXT CHECK (length(managed_by) BETWEEN 1 AND 100);
ALTER TABLE sources ADD COLUMN managed_revision INTEGER
    CHECK (managed_revision >= 1 AND (managed_by IS NULL) = (managed_revision IS NULL));
ALTER TABLE jobs ADD COLUMN managed_by TEXT CHECK (length(managed_by) BETWEEN 1 AND 100);
ALTER TABLE jobs ADD COLUMN managed_revision INTEGER
    CHECK (managed_revision >= 1 AND (managed_by IS NULL) = (managed_revision IS NULL));
ALTER TABLE inputs ADD COLUMN managed_by TEXT CHECK (length(managed_by) BETWEEN 1 AND 100);
ALTER TABLE inputs ADD COLUMN managed_revision INTEGER
    CHECK (managed_revision >= 1 AND (managed_by IS NULL) = (managed_revision IS NULL));
ALTER TABLE source_versions ADD COLUMN managed_by TEXT CHECK (length(managed_by) BETWEEN 1 AND 100);

-- It ends with the row id, which is creation order.
CREATE INDEX jobs_managed_by_organisation_id_idx ON jobs (managed_by, organisation_id) WHERE managed_by IS NOT NULL;

-- As it was, but for the set. It does not guard a column that a later migration adds, unless that one makes it anew.
DROP TRIGGER source_versions_are_immutable;
CREATE TRIGGER source_versions_are_immutable
BEFORE UPDATE OF
    rowid, _rowid_, oid, id, source_id, version, version_key, description, input_roles, output_roles, contract_digest, created_at
ON source_versions
BEGIN
    SELECT RAISE(ABORT, 'source versions are immutable: publish a new version instead');
END;
