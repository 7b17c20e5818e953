DROP TRIGGER source_versions_are_immutable ON source_versions;
CREATE TRIGGER source_versions_are_immutable BEFORE UPDATE ON source_versions
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_source_version_update();

ALTER TABLE source_versions DROP COLUMN managed_by;
ALTER TABLE inputs DROP COLUMN managed_revision, DROP COLUMN managed_by;
ALTER TABLE jobs DROP COLUMN managed_revision, DROP COLUMN managed_by;
ALTER TABLE sources DROP COLUMN managed_revision, DROP COLUMN managed_by;
