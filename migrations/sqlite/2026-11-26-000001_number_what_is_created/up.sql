-- Creation order is that of the row ids, which SQLite gives to rows as they are stored: one writer at a time, and no clock. Every index
-- ends with them, so these are the lists of an organisation, of a version and of a source in creation order.
CREATE INDEX jobs_organisation_id_idx ON jobs (organisation_id);
CREATE INDEX jobs_source_version_id_idx ON jobs (source_version_id);
CREATE INDEX source_versions_source_id_idx ON source_versions (source_id);
