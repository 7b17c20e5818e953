-- What the release of commit ea6a920 sends, with values in the place of parameters. It serves beside the next one.

INSERT INTO "sources" ("id", "name", "name_key", "description", "expected_interval_minutes", "retention_hours", "revision", "created_at", "updated_at")
VALUES ('00000001-0000-0000-0000-000000000001', 'A model', 'a model', NULL, 60, 720, 1, '2026-06-01Z', '2026-06-01Z') ON CONFLICT DO NOTHING;

INSERT INTO "source_versions" ("id", "source_id", "version", "version_key", "description", "input_roles", "output_roles", "contract_digest", "created_at")
VALUES ('00000002-0000-0000-0000-000000000001', '00000001-0000-0000-0000-000000000001', '1.0.0', '1.0.0', NULL, '[]',
    '[{"role": "prediction", "metric": "celsius", "unit": null, "required": true}]', 'sha256:' || repeat('0', 64), '2026-06-01Z')
ON CONFLICT DO NOTHING;

INSERT INTO jobs (organisation_id, id, source_id, source_version_id, name, active, role_bindings, outputs, revision, created_at, updated_at, updated_by)
SELECT organisation_id, id, source_id, source_version_id, name, active, role_bindings, outputs, revision, created_at, updated_at, updated_by
FROM unnest(
    ARRAY['00000003-0000-0000-0000-000000000001', '00000003-0000-0000-0000-000000000001', '00000003-0000-0000-0000-000000000001']::uuid[],
    ARRAY['00000004-0000-0000-0000-000000000001', '00000004-0000-0000-0000-000000000002', '00000004-0000-0000-0000-000000000003']::uuid[],
    array_fill('00000001-0000-0000-0000-000000000001'::uuid, ARRAY[3]),
    array_fill('00000002-0000-0000-0000-000000000001'::uuid, ARRAY[3]),
    ARRAY['a job', 'another', 'a third'], ARRAY[true, true, true], ARRAY['[]', '[]', '[]']::jsonb[], ARRAY['[]', '[]', '[]']::jsonb[],
    ARRAY[1, 1, 1]::bigint[], array_fill('2026-06-01Z'::timestamptz, ARRAY[3]), array_fill('2026-06-01Z'::timestamptz, ARRAY[3]),
    ARRAY['somebody', NULL, NULL]
) WITH ORDINALITY AS planned (organisation_id, id, source_id, source_version_id, name, active, role_bindings, outputs, revision, created_at, updated_at, updated_by, ordinality)
ORDER BY organisation_id, name, ordinality ON CONFLICT ON CONSTRAINT jobs_organisation_id_name_key DO NOTHING RETURNING organisation_id, id;

UPDATE "jobs" SET "source_version_id" = '00000002-0000-0000-0000-000000000001', "name" = 'renamed', "active" = true, "role_bindings" = '[]',
    "outputs" = '[]', "revision" = 2, "updated_at" = '2026-06-02Z', "updated_by" = NULL, "activated_at" = NULL
WHERE "jobs"."id" = '00000004-0000-0000-0000-000000000003' AND "jobs"."revision" = 1;

UPDATE "sources" SET "name" = 'A model', "name_key" = 'a model', "description" = 'changed', "expected_interval_minutes" = 30, "retention_hours" = 720,
    "revision" = 2, "updated_at" = '2026-06-02Z' WHERE "sources"."id" = '00000001-0000-0000-0000-000000000001' AND "sources"."revision" = 1;

SELECT "sources"."id", "sources"."name", "sources"."name_key", "sources"."description", "sources"."expected_interval_minutes",
    "sources"."retention_hours", "sources"."revision", "sources"."created_at", "sources"."updated_at" FROM "sources"
WHERE ("sources"."created_at", "sources"."id") > ('2026-01-01Z', '00000001-0000-0000-0000-000000000001')
ORDER BY "sources"."created_at", "sources"."id" LIMIT 51;

SELECT "source_versions"."id", "source_versions"."source_id", "source_versions"."version", "source_versions"."version_key",
    "source_versions"."description", "source_versions"."input_roles", "source_versions"."output_roles", "source_versions"."contract_digest",
    "source_versions"."created_at" FROM "source_versions" WHERE "source_versions"."source_id" = '00000001-0000-0000-0000-000000000001'
ORDER BY "source_versions"."created_at" DESC, "source_versions"."id" DESC LIMIT 1;

SELECT "jobs"."organisation_id", "jobs"."id", "jobs"."source_id", "jobs"."source_version_id", "jobs"."name", "jobs"."active", "jobs"."role_bindings",
    "jobs"."outputs", "jobs"."revision", "jobs"."created_at", "jobs"."updated_at", "jobs"."updated_by", "jobs"."activated_at",
    runs.last_run_at, runs.last_run_succeeded, runs.last_success_at, runs.consecutive_failures
FROM (SELECT * FROM jobs WHERE organisation_id = '00000003-0000-0000-0000-000000000001' ORDER BY created_at, id LIMIT 51) AS jobs
LEFT JOIN run_summaries AS runs ON runs.organisation_id = jobs.organisation_id AND runs.job_id = jobs.id;

WITH job AS (SELECT organisation_id, id FROM jobs WHERE organisation_id = '00000003-0000-0000-0000-000000000001'
        AND id = '00000004-0000-0000-0000-000000000001' FOR KEY SHARE),
    run AS (INSERT INTO runs (organisation_id, job_id, issued_at, id, job_revision, source_version_id, succeeded, message, prediction_count, predictions_digest, received_at)
        SELECT organisation_id, id, '2026-06-03Z'::timestamptz, '00000005-0000-0000-0000-000000000001'::uuid, 1::bigint, '00000002-0000-0000-0000-000000000001'::uuid, true, NULL::text, 2,
            decode(repeat('00', 32), 'hex'), '2026-06-03Z'::timestamptz
        FROM job ON CONFLICT ON CONSTRAINT runs_pkey DO NOTHING RETURNING organisation_id, job_id, issued_at),
    stored AS (INSERT INTO predictions (organisation_id, job_id, role, at, issued_at, value)
        SELECT run.organisation_id, run.job_id, predicted.role, predicted.at, run.issued_at, predicted.value
        FROM run CROSS JOIN unnest(ARRAY['prediction', 'prediction'], ARRAY['2026-06-03Z', '2026-06-04Z']::timestamptz[], ARRAY[1.5, 2.5]::double precision[]) AS predicted (role, at, value))
SELECT (SELECT count(*) FROM job), (SELECT count(*) FROM run);

WITH job AS (SELECT organisation_id, id FROM jobs WHERE organisation_id = '00000003-0000-0000-0000-000000000001'
        AND id = '00000004-0000-0000-0000-000000000002' FOR KEY SHARE),
    run AS (INSERT INTO runs (organisation_id, job_id, issued_at, id, job_revision, source_version_id, succeeded, message, prediction_count, predictions_digest, received_at)
        SELECT organisation_id, id, '2026-06-03Z'::timestamptz, '00000005-0000-0000-0000-000000000002'::uuid, 1::bigint, '00000002-0000-0000-0000-000000000001'::uuid, false, 'broken'::text, 0,
            decode(repeat('00', 32), 'hex'), '2026-06-03Z'::timestamptz
        FROM job ON CONFLICT ON CONSTRAINT runs_pkey DO NOTHING RETURNING organisation_id, job_id, issued_at)
SELECT (SELECT count(*) FROM job), (SELECT count(*) FROM run);

SELECT DISTINCT ON (role, at) role, at, value, issued_at FROM predictions
WHERE organisation_id = '00000003-0000-0000-0000-000000000001' AND job_id = '00000004-0000-0000-0000-000000000001'
ORDER BY role, at, issued_at DESC;
