-- What the release of commit ea6a920 sends, with values in the place of parameters. It serves beside the next one.

INSERT INTO `sources` (`id`, `name`, `name_key`, `description`, `expected_interval_minutes`, `retention_hours`, `revision`, `created_at`, `updated_at`)
VALUES ('00000001-0000-0000-0000-000000000001', 'A model', 'a model', NULL, 60, 720, 1, 1, 1);

INSERT INTO `source_versions` (`id`, `source_id`, `version`, `version_key`, `description`, `input_roles`, `output_roles`, `contract_digest`, `created_at`)
VALUES ('00000002-0000-0000-0000-000000000001', '00000001-0000-0000-0000-000000000001', '1.0.0', '1.0.0', NULL, '[]',
    '[{"role": "prediction", "metric": "celsius", "unit": null, "required": true}]', 'sha256:' || format('%064d', 1), 1);

INSERT INTO `jobs` (`organisation_id`, `id`, `source_id`, `source_version_id`, `name`, `active`, `role_bindings`, `outputs`, `revision`, `created_at`, `updated_at`, `updated_by`, `activated_at`)
VALUES ('00000003-0000-0000-0000-000000000001', '00000004-0000-0000-0000-000000000001', '00000001-0000-0000-0000-000000000001',
    '00000002-0000-0000-0000-000000000001', 'a job', 1, '[]', '[]', 1, 1, 1, 'somebody', NULL);

UPDATE `jobs` SET `source_version_id` = '00000002-0000-0000-0000-000000000001', `name` = 'renamed', `active` = 1, `role_bindings` = '[]',
    `outputs` = '[]', `revision` = 2, `updated_at` = 2, `updated_by` = NULL, `activated_at` = NULL
WHERE `jobs`.`id` = '00000004-0000-0000-0000-000000000001' AND `jobs`.`revision` = 1;

UPDATE `sources` SET `description` = 'changed', `revision` = 2, `updated_at` = 2 WHERE `sources`.`id` = '00000001-0000-0000-0000-000000000001';

SELECT `id`, `name` FROM `sources` WHERE (created_at, id) > (0, '') ORDER BY `created_at`, `id` LIMIT 51;
SELECT `id` FROM `source_versions` WHERE `source_id` = '00000001-0000-0000-0000-000000000001' ORDER BY `created_at` DESC, `id` DESC LIMIT 1;
SELECT `jobs`.`id`, `run_summaries`.`last_run_at` FROM `jobs`
LEFT JOIN `run_summaries` ON `run_summaries`.`organisation_id` = `jobs`.`organisation_id` AND `run_summaries`.`job_id` = `jobs`.`id`
WHERE `jobs`.`organisation_id` = '00000003-0000-0000-0000-000000000001' ORDER BY `jobs`.`created_at`, `jobs`.`id` LIMIT 51;

INSERT INTO `runs` (`organisation_id`, `job_id`, `issued_at`, `id`, `job_revision`, `source_version_id`, `succeeded`, `message`, `prediction_count`, `predictions_digest`, `received_at`)
VALUES ('00000003-0000-0000-0000-000000000001', '00000004-0000-0000-0000-000000000001', 3, '00000005-0000-0000-0000-000000000001', 2,
    '00000002-0000-0000-0000-000000000001', 1, NULL, 1, zeroblob(32), 3);
INSERT INTO predictions (organisation_id, job_id, role, at, issued_at, value)
VALUES ('00000003-0000-0000-0000-000000000001', '00000004-0000-0000-0000-000000000001', 'prediction', 3, 3, 1.5);
