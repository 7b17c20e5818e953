ALTER TABLE sources DROP COLUMN owner_organisation_id;
