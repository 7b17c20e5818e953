-- Triggers and indexes go with their tables.
DROP TABLE job_inputs;
DROP TABLE jobs;
DROP TABLE source_versions;
DROP TABLE sources;
