-- How many jobs an organisation has, of those for which that is limited. There is a row from the first setup on that was limited, and
-- it is right from then on, whoever writes: the triggers below see to it.
CREATE TABLE job_counts (
    organisation_id uuid NOT NULL,
    jobs bigint NOT NULL,
    CONSTRAINT job_counts_pkey PRIMARY KEY (organisation_id),
    CONSTRAINT job_counts_jobs_check CHECK (jobs >= 0)
)
-- A setup changes its row in place, if there is room on the page.
WITH (fillfactor = 50);

-- Held by whoever counts the jobs of an organisation, and shared by those who store or delete some that are not counted yet.
CREATE FUNCTION lock_job_count(organisation uuid, is_to_count boolean) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    key constant bigint := hashtextextended('job_counts ' || organisation, 0);
BEGIN
    IF is_to_count THEN
        PERFORM pg_advisory_xact_lock(key);
    ELSE
        PERFORM pg_advisory_xact_lock_shared(key);
    END IF;
END;
$$;

-- Once for a statement, at its end, in the order of the organisations: nobody waits for a row that waits for another one, and the row
-- is held only until the transaction ends. Jobs of an organisation that is not counted are not counted here either; should somebody
-- be at it, that is waited for.
CREATE FUNCTION count_jobs() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    sign constant bigint := CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END;
    changed record;
BEGIN
    FOR changed IN
        SELECT organisation_id, count(*) AS number FROM changed_jobs GROUP BY organisation_id ORDER BY organisation_id
    LOOP
        UPDATE job_counts SET jobs = jobs + sign * changed.number WHERE organisation_id = changed.organisation_id;
        IF NOT FOUND THEN
            PERFORM lock_job_count(changed.organisation_id, false);
            UPDATE job_counts SET jobs = jobs + sign * changed.number WHERE organisation_id = changed.organisation_id;
        END IF;
    END LOOP;
    RETURN NULL;
END;
$$;

CREATE TRIGGER stored_jobs_are_counted AFTER INSERT ON jobs REFERENCING NEW TABLE AS changed_jobs
    FOR EACH STATEMENT EXECUTE FUNCTION count_jobs();
CREATE TRIGGER deleted_jobs_are_counted AFTER DELETE ON jobs REFERENCING OLD TABLE AS changed_jobs
    FOR EACH STATEMENT EXECUTE FUNCTION count_jobs();

-- What an organisation has used of a quota that is counted by the day: on the day that is written there, and nothing on any other.
CREATE TABLE daily_usage (
    organisation_id uuid NOT NULL,
    quota text COLLATE "C" NOT NULL,
    -- Days after 1970-01-01, in UTC.
    day integer NOT NULL,
    used bigint NOT NULL,
    CONSTRAINT daily_usage_pkey PRIMARY KEY (organisation_id, quota),
    -- Whoever writes puts -1 here when it would be more than may be used, so that nothing of the statement lasts.
    CONSTRAINT daily_usage_used_check CHECK (used >= 0)
)
WITH (fillfactor = 50);

SELECT grant_as_on(ARRAY['jobs'::regclass, 'runs'], added) FROM unnest(ARRAY['job_counts'::regclass, 'daily_usage']) AS added;
