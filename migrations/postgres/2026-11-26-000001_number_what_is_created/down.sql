ALTER TABLE jobs DROP COLUMN sequence_number;
ALTER TABLE source_versions DROP COLUMN sequence_number CASCADE;
ALTER TABLE sources DROP COLUMN sequence_number;

DROP TRIGGER IF EXISTS source_versions_are_immutable ON source_versions;
CREATE TRIGGER source_versions_are_immutable BEFORE UPDATE ON source_versions
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_source_version_update();
