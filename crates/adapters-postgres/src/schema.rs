// Generated from a migrated database: `UPDATE_SCHEMA=1 ./scripts/test the_schema_is_that_of_the_migrations`.

diesel::table! {
    bound_outputs (organisation_id, job_id, output_id) {
        organisation_id -> Uuid,
        job_id -> Uuid,
        output_id -> Uuid,
        upstream_job_id -> Uuid,
    }
}

diesel::table! {
    daily_usage (organisation_id, quota) {
        organisation_id -> Uuid,
        quota -> Text,
        day -> Int4,
        used -> Int8,
    }
}

diesel::table! {
    deleted_jobs (organisation_id, job_id) {
        organisation_id -> Uuid,
        job_id -> Uuid,
    }
}

diesel::table! {
    inputs (organisation_id, id) {
        organisation_id -> Uuid,
        id -> Uuid,
        kind -> Text,
        name -> Text,
        name_key -> Text,
        metric -> Nullable<Text>,
        unit -> Nullable<Text>,
        revision -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        managed_by -> Nullable<Text>,
        managed_revision -> Nullable<Int8>,
    }
}

diesel::table! {
    job_counts (organisation_id) {
        organisation_id -> Uuid,
        jobs -> Int8,
    }
}

diesel::table! {
    job_health (organisation_id, job_id) {
        organisation_id -> Uuid,
        job_id -> Uuid,
        sequence_number -> Int8,
        source_id -> Uuid,
        status -> Int2,
        judged_until -> Timestamptz,
    }
}

diesel::table! {
    job_inputs (organisation_id, input_id, sequence_number) {
        organisation_id -> Uuid,
        input_id -> Uuid,
        sequence_number -> Int8,
    }
}

diesel::table! {
    job_revisions (organisation_id, job_id, revision) {
        organisation_id -> Uuid,
        job_id -> Uuid,
        revision -> Int8,
        source_id -> Uuid,
        source_version_id -> Uuid,
        name -> Text,
        active -> Bool,
        role_bindings -> Jsonb,
        outputs -> Jsonb,
        updated_at -> Timestamptz,
        updated_by -> Nullable<Text>,
    }
}

diesel::table! {
    jobs (organisation_id, id) {
        organisation_id -> Uuid,
        id -> Uuid,
        source_id -> Uuid,
        source_version_id -> Uuid,
        name -> Text,
        active -> Bool,
        role_bindings -> Jsonb,
        outputs -> Jsonb,
        revision -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        updated_by -> Nullable<Text>,
        activated_at -> Nullable<Timestamptz>,
        sequence_number -> Int8,
        managed_by -> Nullable<Text>,
        managed_revision -> Nullable<Int8>,
    }
}

diesel::table! {
    judgements (name) {
        name -> Text,
        judged_at -> Timestamptz,
    }
}

diesel::table! {
    leases (name) {
        name -> Text,
        holder -> Uuid,
        expires_at -> Timestamptz,
    }
}

diesel::table! {
    organisations (id) {
        id -> Uuid,
        name -> Text,
    }
}

diesel::table! {
    outputs (id, organisation_id) {
        id -> Uuid,
        organisation_id -> Uuid,
        job_id -> Uuid,
    }
}

diesel::table! {
    predictions (organisation_id, job_id, role, at, issued_at) {
        organisation_id -> Uuid,
        job_id -> Uuid,
        role -> Text,
        at -> Timestamptz,
        issued_at -> Timestamptz,
        value -> Float8,
    }
}

diesel::table! {
    replaced_runs (organisation_id, job_id, id) {
        organisation_id -> Uuid,
        job_id -> Uuid,
        id -> Uuid,
        issued_at -> Timestamptz,
        job_revision -> Int8,
        source_version_id -> Uuid,
        succeeded -> Bool,
        message -> Nullable<Text>,
        prediction_count -> Int4,
        predictions_digest -> Bytea,
        received_at -> Timestamptz,
        replaced_by -> Uuid,
    }
}

diesel::table! {
    run_counters (organisation_id, job_id) {
        organisation_id -> Uuid,
        job_id -> Uuid,
        last_number -> Int8,
    }
}

diesel::table! {
    run_summaries (organisation_id, job_id) {
        organisation_id -> Uuid,
        job_id -> Uuid,
        source_id -> Uuid,
        last_run_at -> Timestamptz,
        last_run_succeeded -> Bool,
        last_success_at -> Nullable<Timestamptz>,
        consecutive_failures -> Int8,
        values_from -> Nullable<Timestamptz>,
        delivered_at -> Nullable<Timestamptz>,
        counted_until -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    runs (organisation_id, job_id, issued_at) {
        organisation_id -> Uuid,
        job_id -> Uuid,
        issued_at -> Timestamptz,
        id -> Uuid,
        job_revision -> Int8,
        source_version_id -> Uuid,
        succeeded -> Bool,
        message -> Nullable<Text>,
        prediction_count -> Int4,
        predictions_digest -> Bytea,
        received_at -> Timestamptz,
        number -> Nullable<Int8>,
        replaces -> Nullable<Uuid>,
    }
}

diesel::table! {
    source_version_lifecycles (source_version_id) {
        source_version_id -> Uuid,
        stage -> Text,
        reason -> Nullable<Text>,
        replaced_by -> Nullable<Uuid>,
        end_of_life_at -> Nullable<Timestamptz>,
        revision -> Int8,
        changed_at -> Nullable<Timestamptz>,
        changed_by -> Nullable<Text>,
    }
}

diesel::table! {
    source_versions (id) {
        id -> Uuid,
        source_id -> Uuid,
        version -> Text,
        version_key -> Text,
        description -> Nullable<Text>,
        input_roles -> Jsonb,
        output_roles -> Jsonb,
        contract_digest -> Text,
        created_at -> Timestamptz,
        sequence_number -> Int8,
        managed_by -> Nullable<Text>,
    }
}

diesel::table! {
    sources (id) {
        id -> Uuid,
        name -> Text,
        name_key -> Text,
        description -> Nullable<Text>,
        expected_interval_minutes -> Nullable<Int4>,
        retention_hours -> Nullable<Int4>,
        revision -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        sequence_number -> Int8,
        owner_organisation_id -> Nullable<Uuid>,
        managed_by -> Nullable<Text>,
        managed_revision -> Nullable<Int8>,
    }
}

diesel::table! {
    unjudged_sources (source_id) {
        source_id -> Uuid,
        organisation_id -> Uuid,
        job_id -> Uuid,
    }
}
