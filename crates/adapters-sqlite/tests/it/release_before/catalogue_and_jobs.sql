-- What a release before may have stored, by the columns that every release has: 40 sources, 200 versions, 3,000 jobs.
WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 40)
INSERT INTO sources (id, name, name_key, expected_interval_minutes, retention_hours, revision, created_at, updated_at)
SELECT format('00000001-0000-0000-0000-%012d', n), 'source ' || n, 'source ' || n, 60, 24, 1, n, n FROM n;

WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 200)
INSERT INTO source_versions (id, source_id, version, version_key, input_roles, output_roles, contract_digest, created_at)
SELECT format('00000002-0000-0000-0000-%012d', n), format('00000001-0000-0000-0000-%012d', 1 + n % 40), n, n, '[]', '[{}]',
    'sha256:' || format('%064d', n), n FROM n;

WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 3000)
INSERT INTO jobs (organisation_id, id, source_id, source_version_id, name, active, role_bindings, outputs, revision, created_at, updated_at)
SELECT format('00000003-0000-0000-0000-%012d', n % 7), format('00000004-0000-0000-0000-%012d', n),
    format('00000001-0000-0000-0000-%012d', 1 + (1 + n % 200) % 40), format('00000002-0000-0000-0000-%012d', 1 + n % 200), 'job ' || n, 1, '[]', '[]', 1,
    n / 3, n / 3 FROM n;
