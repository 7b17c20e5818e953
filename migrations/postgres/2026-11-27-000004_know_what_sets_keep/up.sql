-- The set of things that is kept by a document and that each of these belongs to, and the revision that the document made or saw last;
-- null: it is kept by hand. A version never changes, so it has no revision.
-- The index by set, and that the set of a version may change, are steps:
-- crates/adapters-postgres/src/migrations/steps.rs.
ALTER TABLE sources
    ADD COLUMN managed_by text COLLATE "C",
    ADD COLUMN managed_revision bigint,
    ADD CONSTRAINT sources_managed_by_check CHECK (char_length(managed_by) BETWEEN 1 AND 100) NOT VALID,
    ADD CONSTRAINT sources_managed_revision_check CHECK (managed_revision >= 1) NOT VALID,
    ADD CONSTRAINT sources_management_check CHECK ((managed_by IS NULL) = (managed_revision IS NULL)) NOT VALID;
-- Before jobs, since whoever stores a version with its job takes them in this order.
ALTER TABLE source_versions
    ADD COLUMN managed_by text COLLATE "C",
    ADD CONSTRAINT source_versions_managed_by_check CHECK (char_length(managed_by) BETWEEN 1 AND 100) NOT VALID;
ALTER TABLE jobs
    ADD COLUMN managed_by text COLLATE "C",
    ADD COLUMN managed_revision bigint,
    ADD CONSTRAINT jobs_managed_by_check CHECK (char_length(managed_by) BETWEEN 1 AND 100) NOT VALID,
    ADD CONSTRAINT jobs_managed_revision_check CHECK (managed_revision >= 1) NOT VALID,
    ADD CONSTRAINT jobs_management_check CHECK ((managed_by IS NULL) = (managed_revision IS NULL)) NOT VALID;
ALTER TABLE inputs
    ADD COLUMN managed_by text COLLATE "C",
    ADD COLUMN managed_revision bigint,
    ADD CONSTRAINT inputs_managed_by_check CHECK (char_length(managed_by) BETWEEN 1 AND 100) NOT VALID,
    ADD CONSTRAINT inputs_managed_revision_check CHECK (managed_revision >= 1) NOT VALID,
    ADD CONSTRAINT inputs_management_check CHECK ((managed_by IS NULL) = (managed_revision IS NULL)) NOT VALID;
