-- Without the table they would be in the way of values of other runs.
DELETE FROM predictions WHERE EXISTS (
    SELECT 1 FROM unfinished_runs
    WHERE unfinished_runs.organisation_id = predictions.organisation_id AND unfinished_runs.job_id = predictions.job_id
        AND unfinished_runs.issued_at = predictions.issued_at
);
DROP TABLE unfinished_runs;
