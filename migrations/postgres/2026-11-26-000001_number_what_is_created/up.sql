-- Creation order is that of these numbers: clocks stand still, are put right, and differ between replicas. What is stored from now
-- on is numbered by its default, also by a release that does not know of it. What is there gets numbers up to 0 in steps, which
-- also make the indexes and say NOT NULL: crates/adapters-postgres/src/migrations/steps.rs.

CREATE SEQUENCE sources_sequence_number_seq AS bigint;
ALTER TABLE sources ADD COLUMN sequence_number bigint;
ALTER TABLE sources ALTER COLUMN sequence_number SET DEFAULT nextval('sources_sequence_number_seq');
ALTER SEQUENCE sources_sequence_number_seq OWNED BY sources.sequence_number;

CREATE SEQUENCE source_versions_sequence_number_seq AS bigint;
ALTER TABLE source_versions ADD COLUMN sequence_number bigint;
ALTER TABLE source_versions ALTER COLUMN sequence_number SET DEFAULT nextval('source_versions_sequence_number_seq');
ALTER SEQUENCE source_versions_sequence_number_seq OWNED BY source_versions.sequence_number;

CREATE SEQUENCE jobs_sequence_number_seq AS bigint;
ALTER TABLE jobs ADD COLUMN sequence_number bigint;
ALTER TABLE jobs ALTER COLUMN sequence_number SET DEFAULT nextval('jobs_sequence_number_seq');
ALTER SEQUENCE jobs_sequence_number_seq OWNED BY jobs.sequence_number;

-- Whoever may store something may number it.
DO $$
DECLARE
    writer record;
BEGIN
    FOR writer IN
        SELECT tables.relname AS of_table, CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(acl.grantee)) END AS role
        FROM pg_class AS tables, aclexplode(tables.relacl) AS acl
        WHERE tables.oid IN ('sources'::regclass, 'source_versions'::regclass, 'jobs'::regclass)
            AND acl.privilege_type = 'INSERT' AND acl.grantee <> tables.relowner
    LOOP
        EXECUTE format('GRANT USAGE ON SEQUENCE %I TO %s', writer.of_table || '_sequence_number_seq', writer.role);
    END LOOP;
END;
$$;

-- Until the versions that are there are numbered, that is the one change that is let through. The step puts the trigger back.
DROP TRIGGER source_versions_are_immutable ON source_versions;
CREATE TRIGGER source_versions_are_immutable BEFORE UPDATE ON source_versions FOR EACH ROW WHEN (
    OLD.sequence_number IS NOT NULL OR to_jsonb(NEW) - 'sequence_number' IS DISTINCT FROM to_jsonb(OLD) - 'sequence_number'
) EXECUTE FUNCTION refuse_source_version_update();
