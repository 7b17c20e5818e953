DROP INDEX source_versions_source_id_idx;
DROP INDEX jobs_source_version_id_idx;
DROP INDEX jobs_organisation_id_idx;
