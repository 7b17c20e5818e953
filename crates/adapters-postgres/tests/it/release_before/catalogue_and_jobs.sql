-- What a release before may have stored, by the columns that every release has: 40 sources, 200 versions, 3,000 jobs.
CREATE FUNCTION pg_temp.id(kind int, n int) RETURNS uuid LANGUAGE sql AS
    $$ SELECT (lpad(kind::text, 8, '0') || '-0000-0000-0000-' || lpad(n::text, 12, '0'))::uuid $$;

INSERT INTO sources (id, name, name_key, expected_interval_minutes, retention_hours, revision, created_at, updated_at)
SELECT pg_temp.id(1, n), 'source ' || n, 'source ' || n, 60, 24, 1, timestamptz '2026-06-01Z' + n * interval '1 s', timestamptz '2026-06-01Z'
FROM generate_series(1, 40) AS n;

INSERT INTO source_versions (id, source_id, version, version_key, input_roles, output_roles, contract_digest, created_at)
SELECT pg_temp.id(2, n), pg_temp.id(1, 1 + n % 40), n::text, n::text, '[]', '[{}]', 'sha256:' || repeat('0', 64),
    timestamptz '2026-06-02Z' + n * interval '1 s'
FROM generate_series(1, 200) AS n;

-- The clock stood still now and then.
INSERT INTO jobs (organisation_id, id, source_id, source_version_id, name, active, role_bindings, outputs, revision, created_at, updated_at)
SELECT pg_temp.id(3, n % 7), pg_temp.id(4, n), pg_temp.id(1, 1 + (1 + n % 200) % 40), pg_temp.id(2, 1 + n % 200), 'job ' || n, true, '[]', '[]', 1,
    timestamptz '2026-06-03Z' + n / 3 * interval '1 s', timestamptz '2026-06-03Z'
FROM generate_series(1, 3000) AS n;
