DROP TABLE jobs;
DROP TABLE source_versions;
DROP FUNCTION refuse_source_version_update();
DROP TABLE sources;
