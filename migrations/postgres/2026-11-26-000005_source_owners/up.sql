-- The organisation that a source belongs to; null: the platform. So are those that were stored before, and those that the release
-- before stores. The index of it is made by a step: crates/adapters-postgres/src/migrations/steps.rs.
ALTER TABLE sources ADD COLUMN owner_organisation_id uuid;
