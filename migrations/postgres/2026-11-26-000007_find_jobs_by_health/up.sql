-- Health is judged when it is read, and found by what was judged before: the last judgement of each job, and until when it holds if
-- nothing happens. What happens ends it, by the triggers below, whoever writes; where it has ended, the reader judges anew, so that no
-- answer rests on a judgement that does not hold. The service judges in the background what has ended (crates/adapters-postgres/src/
-- judgements.rs). A report that keeps a job on time changes nothing here, but locks the row.

CREATE TABLE job_health (
    organisation_id uuid NOT NULL,
    job_id uuid NOT NULL,
    -- That of the job, like the source: jobs of a health are listed in creation order.
    sequence_number bigint NOT NULL,
    source_id uuid NOT NULL,
    -- The place of the status in HealthStatus::ALL.
    status smallint NOT NULL,
    -- The last moment at which it holds.
    judged_until timestamptz NOT NULL,
    CONSTRAINT job_health_pkey PRIMARY KEY (organisation_id, job_id),
    CONSTRAINT job_health_status_check CHECK (status BETWEEN 0 AND 6)
)
WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);

CREATE INDEX job_health_organisation_id_status_idx ON job_health (organisation_id, status, sequence_number);
CREATE INDEX job_health_organisation_id_judged_until_idx ON job_health (organisation_id, judged_until);
-- For the platform, and for those who judge. The condition is always true, and said by these alone: for one organisation PostgreSQL
-- would at times take these indexes for as good as its own, and look at what is others'.
CREATE INDEX job_health_status_idx ON job_health (status, sequence_number) WHERE judged_until >= '-infinity';
CREATE INDEX job_health_judged_until_idx ON job_health (judged_until) WHERE judged_until >= '-infinity';

-- Sources that promise something else than before: nothing holds that was judged of their jobs, until all of them are judged anew.
CREATE TABLE unjudged_sources (
    source_id uuid NOT NULL,
    -- The last job that was judged anew.
    organisation_id uuid NOT NULL,
    job_id uuid NOT NULL,
    CONSTRAINT unjudged_sources_pkey PRIMARY KEY (source_id)
);

-- By which time jobs were judged last. A reader whose clock is behind that judges all jobs itself.
CREATE TABLE judgements (
    name text COLLATE "C" NOT NULL,
    judged_at timestamptz NOT NULL,
    CONSTRAINT judgements_pkey PRIMARY KEY (name)
);

INSERT INTO judgements (name, judged_at) VALUES ('health', '-infinity');

-- The jobs of one organisation, or of all, whose judgement does not hold at a time: those that were judged by a later time are all; then
-- those whose judgement has ended, and those of sources that promise something else now. A function, so that PostgreSQL takes them for
-- few, which they nearly always are, and looks each up: it cannot know that the rest is not looked for where there is none.
CREATE FUNCTION unjudged_jobs(organisation uuid, at timestamptz) RETURNS SETOF job_health LANGUAGE plpgsql STABLE ROWS 20 AS $$
DECLARE
    is_ahead boolean := (SELECT judged_at > at FROM judgements WHERE name = 'health');
BEGIN
    IF organisation IS NULL THEN
        RETURN QUERY SELECT * FROM job_health WHERE judged_until < at AND judged_until >= '-infinity';
    ELSE
        RETURN QUERY SELECT * FROM job_health WHERE organisation_id = organisation AND judged_until < at;
    END IF;
    IF is_ahead OR EXISTS (SELECT FROM unjudged_sources) THEN
        RETURN QUERY SELECT * FROM job_health
        WHERE (organisation IS NULL OR organisation_id = organisation) AND judged_until >= at
            AND (is_ahead OR source_id IN (SELECT source_id FROM unjudged_sources));
    END IF;
END;
$$;

SELECT grant_as_on(ARRAY['jobs'::regclass, 'runs', 'sources'], added)
FROM unnest(ARRAY['job_health'::regclass, 'unjudged_sources', 'judgements']) AS added;

-- A job that is not numbered yet is left to the step.
CREATE FUNCTION keep_job_health() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO job_health (organisation_id, job_id, sequence_number, source_id, status, judged_until)
        SELECT NEW.organisation_id, NEW.id, NEW.sequence_number, NEW.source_id, 0,
            CASE WHEN NEW.active THEN '-infinity' ELSE 'infinity' END::timestamptz
        WHERE NEW.sequence_number IS NOT NULL
        ON CONFLICT ON CONSTRAINT job_health_pkey DO NOTHING;
    ELSIF TG_OP = 'UPDATE' THEN
        UPDATE job_health SET judged_until = '-infinity'
        WHERE job_health.organisation_id = NEW.organisation_id AND job_health.job_id = NEW.id;
    ELSE
        DELETE FROM job_health WHERE job_health.organisation_id = OLD.organisation_id AND job_health.job_id = OLD.id;
    END IF;
    RETURN NULL;
END;
$$;

CREATE TRIGGER job_health_follows_insert AFTER INSERT ON jobs FOR EACH ROW EXECUTE FUNCTION keep_job_health();
CREATE TRIGGER job_health_follows_update AFTER UPDATE OF active, activated_at ON jobs FOR EACH ROW
    WHEN ((OLD.active, OLD.activated_at) IS DISTINCT FROM (NEW.active, NEW.activated_at)) EXECUTE FUNCTION keep_job_health();
CREATE TRIGGER job_health_follows_delete AFTER DELETE ON jobs FOR EACH ROW EXECUTE FUNCTION keep_job_health();

-- Ends a judgement that the runs of the job no longer bear out. Its row is locked in any case, so that one who judges at the same time
-- either has seen these runs, or is seen here.
CREATE FUNCTION end_judgement() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    job record;
    judged record;
    delivered_before timestamptz;
    delivered timestamptz;
BEGIN
    IF TG_OP = 'DELETE' THEN
        job := OLD;
    ELSE
        job := NEW;
    END IF;
    SELECT status, judged_until INTO judged FROM job_health
    WHERE job_health.organisation_id = job.organisation_id AND job_health.job_id = job.job_id FOR NO KEY UPDATE;
    -- 0 is paused, and 1 unmonitored: runs do not matter.
    IF NOT FOUND OR judged.judged_until = '-infinity' OR (judged.status <= 1 AND judged.judged_until = 'infinity') THEN
        RETURN NULL;
    END IF;
    IF TG_OP = 'UPDATE' THEN
        delivered_before := COALESCE(OLD.delivered_at, OLD.last_success_at);
        delivered := COALESCE(NEW.delivered_at, NEW.last_success_at);
        -- Overdue (2): only that it delivers would change that. Failing (3), late (4), on time (6): it stays so as long as the newest
        -- run ends like the one before, and what is failing or on time does also when it has delivered since, until it would have
        -- ended anyway.
        IF delivered IS NOT DISTINCT FROM delivered_before THEN
            IF judged.status = 2 OR (judged.status IN (3, 4, 6) AND NEW.last_run_succeeded = OLD.last_run_succeeded) THEN
                RETURN NULL;
            END IF;
        ELSIF judged.status IN (3, 6) AND NEW.last_run_succeeded = OLD.last_run_succeeded
            AND delivered > delivered_before AND delivered <= judged.judged_until
            -- Believed by every reader for whom the judgement holds.
            AND delivered <= (SELECT judged_at + interval '300 seconds' FROM judgements WHERE name = 'health')
        THEN
            RETURN NULL;
        END IF;
    END IF;
    UPDATE job_health SET judged_until = '-infinity'
    WHERE job_health.organisation_id = job.organisation_id AND job_health.job_id = job.job_id;
    RETURN NULL;
END;
$$;

CREATE TRIGGER runs_end_judgements AFTER INSERT OR DELETE
    OR UPDATE OF last_run_at, last_run_succeeded, last_success_at, delivered_at ON run_summaries
    FOR EACH ROW EXECUTE FUNCTION end_judgement();

CREATE FUNCTION end_judgements_of_source() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO unjudged_sources (source_id, organisation_id, job_id)
    VALUES (NEW.id, '00000000-0000-0000-0000-000000000000', '00000000-0000-0000-0000-000000000000')
    ON CONFLICT ON CONSTRAINT unjudged_sources_pkey DO UPDATE SET
        organisation_id = EXCLUDED.organisation_id, job_id = EXCLUDED.job_id;
    RETURN NULL;
END;
$$;

CREATE TRIGGER sources_end_judgements AFTER UPDATE OF expected_interval_minutes ON sources FOR EACH ROW
    WHEN (OLD.expected_interval_minutes IS DISTINCT FROM NEW.expected_interval_minutes)
    EXECUTE FUNCTION end_judgements_of_source();
