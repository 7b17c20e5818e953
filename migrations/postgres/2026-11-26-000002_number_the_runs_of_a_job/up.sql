-- The place of a run among those of its job, in the order in which they were committed: whoever has seen a number has seen all
-- that are lower, whatever clocks say. Null: it was there before runs were numbered.
ALTER TABLE runs ADD COLUMN number bigint;
ALTER TABLE runs ADD CONSTRAINT runs_number_check CHECK (number >= 1) NOT VALID;

-- Who may use a new table: roles that write one of the tables that were there write it as well, since triggers do it as that role, and
-- those that read one of them read it. For each migration that makes a table, so that the release before goes on beside it.
CREATE FUNCTION grant_as_on(existing regclass[], added regclass) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    grantee record;
BEGIN
    FOR grantee IN
        SELECT CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(acl.grantee)) END AS role,
            bool_or(acl.privilege_type IN ('INSERT', 'UPDATE', 'DELETE')) AS is_writer
        FROM pg_class AS tables, aclexplode(tables.relacl) AS acl
        WHERE tables.oid = ANY (existing) AND acl.grantee <> tables.relowner
            AND acl.privilege_type IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE')
        GROUP BY acl.grantee
    LOOP
        EXECUTE format(
            CASE WHEN grantee.is_writer THEN 'GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO %s' ELSE 'GRANT SELECT ON %s TO %s' END,
            added, grantee.role
        );
    END LOOP;
END;
$$;

-- The last number of each job. It is never given again, also when a run is removed; there are gaps where a report was refused.
CREATE TABLE run_counters (
    organisation_id uuid NOT NULL,
    job_id uuid NOT NULL,
    last_number bigint NOT NULL,
    CONSTRAINT run_counters_pkey PRIMARY KEY (organisation_id, job_id),
    CONSTRAINT run_counters_organisation_id_job_id_fkey
        FOREIGN KEY (organisation_id, job_id) REFERENCES jobs (organisation_id, id) ON DELETE CASCADE,
    CONSTRAINT run_counters_last_number_check CHECK (last_number >= 1)
)
-- A report changes its row in place, if there is room on the page.
WITH (fillfactor = 70);
SELECT grant_as_on(ARRAY['jobs'::regclass, 'runs'], 'run_counters');

-- Whoever inserts, the release before included. The row is locked until the run is committed, so that nobody can get a higher
-- number and be committed before. A run of no job gets none.
CREATE FUNCTION number_run() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO run_counters AS known (organisation_id, job_id, last_number)
    SELECT jobs.organisation_id, jobs.id, 1 FROM jobs
    WHERE jobs.organisation_id = NEW.organisation_id AND jobs.id = NEW.job_id
    ON CONFLICT ON CONSTRAINT run_counters_pkey DO UPDATE SET last_number = known.last_number + 1
    RETURNING known.last_number INTO NEW.number;
    RETURN NEW;
END;
$$;

CREATE TRIGGER runs_are_numbered BEFORE INSERT ON runs FOR EACH ROW EXECUTE FUNCTION number_run();
