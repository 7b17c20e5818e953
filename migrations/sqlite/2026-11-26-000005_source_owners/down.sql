DROP INDEX sources_owner_organisation_id_idx;
ALTER TABLE sources DROP COLUMN owner_organisation_id;
