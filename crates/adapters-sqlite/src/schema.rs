// Generated from a migrated database: `UPDATE_SCHEMA=1 ./scripts/test schema`.

diesel::table! {
    bound_outputs (organisation_id, job_id, output_id) {
        organisation_id -> Text,
        job_id -> Text,
        output_id -> Text,
        upstream_job_id -> Text,
    }
}

diesel::table! {
    daily_usage (organisation_id, quota) {
        organisation_id -> Text,
        quota -> Text,
        day -> BigInt,
        used -> BigInt,
    }
}

diesel::table! {
    deleted_jobs (organisation_id, job_id) {
        organisation_id -> Text,
        job_id -> Text,
    }
}

diesel::table! {
    inputs (organisation_id, id) {
        organisation_id -> Text,
        id -> Text,
        kind -> Text,
        name -> Text,
        name_key -> Text,
        metric -> Nullable<Text>,
        unit -> Nullable<Text>,
        revision -> BigInt,
        created_at -> BigInt,
        updated_at -> BigInt,
        managed_by -> Nullable<Text>,
        managed_revision -> Nullable<BigInt>,
    }
}

diesel::table! {
    job_counts (organisation_id) {
        organisation_id -> Text,
        jobs -> BigInt,
    }
}

diesel::table! {
    job_inputs (input_id, organisation_id, job_id) {
        input_id -> Text,
        organisation_id -> Text,
        job_id -> Text,
        sequence_number -> Nullable<BigInt>,
    }
}

diesel::table! {
    job_revisions (organisation_id, job_id, revision) {
        organisation_id -> Text,
        job_id -> Text,
        revision -> BigInt,
        source_id -> Text,
        source_version_id -> Text,
        name -> Text,
        active -> BigInt,
        role_bindings -> Text,
        outputs -> Text,
        updated_at -> BigInt,
        updated_by -> Nullable<Text>,
    }
}

diesel::table! {
    jobs (organisation_id, id) {
        #[sql_name = "rowid"]
        sequence_number -> BigInt,
        organisation_id -> Text,
        id -> Text,
        source_id -> Text,
        source_version_id -> Text,
        name -> Text,
        active -> BigInt,
        role_bindings -> Text,
        outputs -> Text,
        revision -> BigInt,
        created_at -> BigInt,
        updated_at -> BigInt,
        updated_by -> Nullable<Text>,
        activated_at -> Nullable<BigInt>,
        judged_status -> Text,
        judged_until -> BigInt,
        managed_by -> Nullable<Text>,
        managed_revision -> Nullable<BigInt>,
    }
}

diesel::table! {
    judgements (name) {
        name -> Text,
        judged_at -> BigInt,
    }
}

diesel::table! {
    leases (name) {
        name -> Text,
        holder -> Text,
        expires_at -> BigInt,
    }
}

diesel::table! {
    organisations (id) {
        id -> Text,
        name -> Text,
    }
}

diesel::table! {
    outputs (id, organisation_id) {
        id -> Text,
        organisation_id -> Text,
        job_id -> Text,
    }
}

diesel::table! {
    predictions (organisation_id, job_id, role, at, issued_at) {
        organisation_id -> Text,
        job_id -> Text,
        role -> Text,
        at -> BigInt,
        issued_at -> BigInt,
        value -> Double,
    }
}

diesel::table! {
    replaced_runs (organisation_id, job_id, id) {
        organisation_id -> Text,
        job_id -> Text,
        id -> Text,
        issued_at -> BigInt,
        job_revision -> BigInt,
        source_version_id -> Text,
        succeeded -> BigInt,
        message -> Nullable<Text>,
        prediction_count -> BigInt,
        predictions_digest -> Binary,
        received_at -> BigInt,
        replaced_by -> Text,
    }
}

diesel::table! {
    run_counters (organisation_id, job_id) {
        organisation_id -> Text,
        job_id -> Text,
        last_number -> BigInt,
    }
}

diesel::table! {
    run_summaries (organisation_id, job_id) {
        organisation_id -> Text,
        job_id -> Text,
        source_id -> Text,
        last_run_at -> BigInt,
        last_run_succeeded -> BigInt,
        last_success_at -> Nullable<BigInt>,
        consecutive_failures -> BigInt,
        values_from -> Nullable<BigInt>,
        delivered_at -> Nullable<BigInt>,
        counted_until -> Nullable<BigInt>,
    }
}

diesel::table! {
    runs (organisation_id, job_id, issued_at) {
        organisation_id -> Text,
        job_id -> Text,
        issued_at -> BigInt,
        id -> Text,
        job_revision -> BigInt,
        source_version_id -> Text,
        succeeded -> BigInt,
        message -> Nullable<Text>,
        prediction_count -> BigInt,
        predictions_digest -> Binary,
        received_at -> BigInt,
        number -> Nullable<BigInt>,
        replaces -> Nullable<Text>,
    }
}

diesel::table! {
    source_version_lifecycles (source_version_id) {
        source_version_id -> Text,
        stage -> Text,
        reason -> Nullable<Text>,
        replaced_by -> Nullable<Text>,
        end_of_life_at -> Nullable<BigInt>,
        revision -> BigInt,
        changed_at -> Nullable<BigInt>,
        changed_by -> Nullable<Text>,
    }
}

diesel::table! {
    source_versions (id) {
        #[sql_name = "rowid"]
        sequence_number -> BigInt,
        id -> Text,
        source_id -> Text,
        version -> Text,
        version_key -> Text,
        description -> Nullable<Text>,
        input_roles -> Text,
        output_roles -> Text,
        contract_digest -> Text,
        created_at -> BigInt,
        managed_by -> Nullable<Text>,
    }
}

diesel::table! {
    sources (id) {
        #[sql_name = "rowid"]
        sequence_number -> BigInt,
        id -> Text,
        name -> Text,
        name_key -> Text,
        description -> Nullable<Text>,
        expected_interval_minutes -> Nullable<BigInt>,
        retention_hours -> Nullable<BigInt>,
        revision -> BigInt,
        created_at -> BigInt,
        updated_at -> BigInt,
        owner_organisation_id -> Nullable<Text>,
        managed_by -> Nullable<Text>,
        managed_revision -> Nullable<BigInt>,
    }
}

diesel::table! {
    unfinished_runs (organisation_id, job_id, issued_at) {
        organisation_id -> Text,
        job_id -> Text,
        issued_at -> BigInt,
        writer -> Text,
        seen_at -> BigInt,
    }
}

diesel::table! {
    unjudged_sources (source_id) {
        source_id -> Text,
        judged_to -> BigInt,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    bound_outputs,
    daily_usage,
    deleted_jobs,
    inputs,
    job_counts,
    job_inputs,
    job_revisions,
    jobs,
    judgements,
    leases,
    organisations,
    outputs,
    predictions,
    replaced_runs,
    run_counters,
    run_summaries,
    runs,
    source_version_lifecycles,
    source_versions,
    sources,
    unfinished_runs,
    unjudged_sources
);
