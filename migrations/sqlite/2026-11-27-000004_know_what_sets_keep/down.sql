DROP TRIGGER source_versions_are_immutable;
CREATE TRIGGER source_versions_are_immutable
BEFORE UPDATE ON source_versions
BEGIN
    SELECT RAISE(ABORT, 'source versions are immutable: publish a new version instead');
END;

DROP INDEX jobs_managed_by_organisation_id_idx;
ALTER TABLE source_versions DROP COLUMN managed_by;
ALTER TABLE inputs DROP COLUMN managed_revision;
ALTER TABLE inputs DROP COLUMN managed_by;
ALTER TABLE jobs DROP COLUMN managed_revision;
ALTER TABLE jobs DROP COLUMN managed_by;
ALTER TABLE sources DROP COLUMN managed_revision;
ALTER TABLE sources DROP COLUMN managed_by;
