DROP TABLE source_version_lifecycles;
