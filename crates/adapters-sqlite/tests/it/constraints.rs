//! The second line: what the schema refuses, whichever program writes.

use diesel::connection::SimpleConnection as _;
use prediction_domain::model::{
    ExpectedIntervalMinutes, Job, MAX_BINDINGS, MAX_DESCRIPTION_CHARS, MAX_NAME_CHARS, MAX_PREDICTIONS, MAX_ROLES,
    MAX_WORD_CHARS, RetentionHours, Subject,
};
use prediction_domain::ports::WriteMode;
use prediction_domain_testkit::builders::{a_plan_for_everything, a_run_of, a_version_of};

use crate::test_database::Database;

#[test]
fn a_stored_contract_refuses_any_update() {
    let (database, _, _) = Database::with_a_job();
    for set in ["input_roles = '[]'", "description = NULL", "version = version"] {
        let error = database.connect().batch_execute(&format!("UPDATE source_versions SET {set}")).unwrap_err();
        assert_eq!(error.to_string(), "source versions are immutable: publish a new version instead", "{set}");
    }
}

#[test]
fn a_job_cannot_run_a_version_of_another_source() {
    let (database, _, job) = Database::with_a_job();
    let other = a_plan_for_everything();
    database.set_up(&other);
    let foreign = other.new_version.unwrap();
    let mut connection = database.connect();
    for set in [
        format!("source_version_id = '{}'", foreign.id),
        format!("source_id = '{}'", foreign.source_id),
        "source_version_id = '77777777-7777-7777-7777-777777777777'".to_owned(),
    ] {
        let error = connection.batch_execute(&format!("UPDATE jobs SET {set} WHERE id = '{}'", job.id)).unwrap_err();
        assert_eq!(error.to_string(), "FOREIGN KEY constraint failed", "{set}");
    }
    connection
        .batch_execute(&format!(
            "UPDATE jobs SET source_id = '{}', source_version_id = '{}' WHERE id = '{}'",
            foreign.source_id, foreign.id, job.id
        ))
        .unwrap();
}

#[test]
fn what_is_referred_to_cannot_be_deleted() {
    let (database, version, _) = Database::with_a_job();
    let mut connection = database.connect();
    for sql in [
        format!("DELETE FROM source_versions WHERE id = '{}'", version.id),
        format!("DELETE FROM sources WHERE id = '{}'", version.source_id),
    ] {
        assert_eq!(connection.batch_execute(&sql).unwrap_err().to_string(), "FOREIGN KEY constraint failed", "{sql}");
    }
}

/// Or what it predicted could not be traced.
#[test]
fn a_version_that_a_job_had_cannot_be_deleted() {
    let (database, version, job) = Database::with_a_job();
    let next = a_version_of(version.source_id);
    database.versions().insert(&next, WriteMode::Commit).unwrap();
    let changed = Job { source_version_id: next.id, revision: job.revision.next(), ..job.clone() };
    database.jobs().update(&changed, job.revision, None, WriteMode::Commit).unwrap();
    let mut connection = database.connect();
    let delete = format!("DELETE FROM source_versions WHERE id = '{}'", version.id);
    assert_eq!(connection.batch_execute(&delete).unwrap_err().to_string(), "FOREIGN KEY constraint failed");
    connection.batch_execute(&format!("DELETE FROM jobs WHERE id = '{}'", job.id)).unwrap();
    connection.batch_execute(&delete).unwrap();
}

#[test]
fn what_is_unique_of_a_run_is_refused_a_second_time() {
    let (database, _, job) = Database::with_a_job();
    database.runs().insert(&a_run_of(&job, &[]), &[], None).unwrap();
    let mut connection = database.connect();
    let mut copy = |issued_at: &str, id: &str| {
        connection.batch_execute(&format!(
            "INSERT INTO runs (organisation_id, job_id, issued_at, id, job_revision, source_version_id, succeeded, \
             message, prediction_count, predictions_digest, received_at) SELECT organisation_id, job_id, {issued_at}, {id}, job_revision, source_version_id, \
             succeeded, message, prediction_count, predictions_digest, received_at FROM runs LIMIT 1"
        ))
    };
    let other = "'77777777-7777-7777-7777-777777777777'";
    for (issued_at, id, columns) in [
        ("issued_at", other, "runs.organisation_id, runs.job_id, runs.issued_at"),
        ("issued_at + 1", "id", "runs.organisation_id, runs.job_id, runs.id"),
    ] {
        let error = copy(issued_at, id).unwrap_err().to_string();
        assert_eq!(error, format!("UNIQUE constraint failed: {columns}"));
    }
    copy("issued_at + 1", other).unwrap();
}

/// Each limit of the domain's model, and one more than it.
#[test]
fn the_limits_are_those_of_the_model() {
    let (database, version, job) = Database::with_a_job();
    database.runs().insert(&a_run_of(&job, &[]), &[], None).unwrap();
    let unused = a_version_of(version.source_id);
    database.versions().insert(&unused, WriteMode::Commit).unwrap();
    let mut connection = database.connect();
    // Or the ids of the job could not be changed.
    connection.batch_execute("DELETE FROM run_counters").unwrap();
    // A stored contract cannot be changed, so copies of it are stored.
    let copy_version = |columns: &str, values: String| {
        let (id, digest) =
            ("lower(printf('%s-7777-7777-7777-%s', hex(randomblob(4)), hex(randomblob(6))))", "contract_digest");
        let all = ["version", "description", "input_roles", "output_roles"];
        let selected: Vec<&str> =
            all.iter().map(|name| if *name == columns { values.as_str() } else { name }).collect();
        format!(
            "INSERT INTO source_versions (id, source_id, version_key, contract_digest, created_at, {}) \
             SELECT {id}, source_id, hex(randomblob(8)), {digest}, created_at, {} FROM source_versions WHERE id = '{}'",
            all.join(", "),
            selected.join(", "),
            unused.id
        )
    };
    let text = |length: usize| format!("'{}'", "é".repeat(length));
    let list = |length: usize| format!("'[{}]'", vec!["{}"; length].join(","));
    let bound = |length: usize| {
        format!("'[{}]'", vec![r#"{"input_id": "77777777-7777-7777-7777-777777777777"}"#; length].join(","))
    };
    let number = |number: i32| number.to_string();
    let minutes = ExpectedIntervalMinutes::MAX;
    let hours = RetentionHours::MAX;
    let update = |table: &str, column: &str, value: String| format!("UPDATE {table} SET {column} = {value}");
    for (within, beyond) in [
        (update("sources", "name", text(MAX_NAME_CHARS)), update("sources", "name", text(MAX_NAME_CHARS + 1))),
        (update("sources", "name", text(1)), update("sources", "name", text(0))),
        (
            update("sources", "description", text(MAX_DESCRIPTION_CHARS)),
            update("sources", "description", text(MAX_DESCRIPTION_CHARS + 1)),
        ),
        (
            update("sources", "expected_interval_minutes", number(minutes)),
            update("sources", "expected_interval_minutes", number(minutes + 1)),
        ),
        (
            update("sources", "expected_interval_minutes", number(1)),
            update("sources", "expected_interval_minutes", number(0)),
        ),
        (update("sources", "retention_hours", number(hours)), update("sources", "retention_hours", number(hours + 1))),
        (update("sources", "retention_hours", number(1)), update("sources", "retention_hours", number(0))),
        (update("sources", "revision", number(1)), update("sources", "revision", number(0))),
        (copy_version("version", text(MAX_WORD_CHARS)), copy_version("version", text(MAX_WORD_CHARS + 1))),
        (copy_version("version", text(1)), copy_version("version", text(0))),
        (
            copy_version("description", text(MAX_DESCRIPTION_CHARS)),
            copy_version("description", text(MAX_DESCRIPTION_CHARS + 1)),
        ),
        (copy_version("input_roles", list(MAX_ROLES)), copy_version("input_roles", list(MAX_ROLES + 1))),
        (copy_version("input_roles", list(0)), copy_version("input_roles", "'{}'".to_owned())),
        (copy_version("output_roles", list(MAX_ROLES)), copy_version("output_roles", list(MAX_ROLES + 1))),
        (copy_version("output_roles", list(1)), copy_version("output_roles", list(0))),
        (update("jobs", "name", text(MAX_NAME_CHARS)), update("jobs", "name", text(MAX_NAME_CHARS + 1))),
        (update("jobs", "name", text(1)), update("jobs", "name", text(0))),
        (update("jobs", "active", number(0)), update("jobs", "active", number(2))),
        (
            update("jobs", "role_bindings", bound(MAX_BINDINGS)),
            update("jobs", "role_bindings", bound(MAX_BINDINGS + 1)),
        ),
        (update("jobs", "role_bindings", list(0)), update("jobs", "role_bindings", "'[}'".to_owned())),
        (update("jobs", "outputs", list(MAX_ROLES)), update("jobs", "outputs", list(MAX_ROLES + 1))),
        (update("jobs", "revision", number(1)), update("jobs", "revision", number(0))),
        (
            update("jobs", "updated_by", text(Subject::MAX_CHARS)),
            update("jobs", "updated_by", text(Subject::MAX_CHARS + 1)),
        ),
        (update("runs", "job_revision", number(1)), update("runs", "job_revision", number(0))),
        (update("runs", "succeeded", number(0)), update("runs", "succeeded", number(2))),
        (
            update("runs", "message", text(MAX_DESCRIPTION_CHARS)),
            update("runs", "message", text(MAX_DESCRIPTION_CHARS + 1)),
        ),
        (
            update("runs", "prediction_count", MAX_PREDICTIONS.to_string()),
            update("runs", "prediction_count", (MAX_PREDICTIONS + 1).to_string()),
        ),
        (update("runs", "prediction_count", number(0)), update("runs", "prediction_count", number(-1))),
        (
            update("runs", "predictions_digest", "zeroblob(32)".to_owned()),
            update("runs", "predictions_digest", "zeroblob(31)".to_owned()),
        ),
        (
            update("runs", "id", "'aaaaaaaa-7777-7777-7777-777777777777'".to_owned()),
            update("runs", "id", "'AAAAAAAA-7777-7777-7777-777777777777'".to_owned()),
        ),
        (
            update("jobs", "organisation_id", "'aaaaaaaa-7777-7777-7777-777777777777'".to_owned()),
            update("jobs", "organisation_id", "'AAAAAAAA-7777-7777-7777-777777777777'".to_owned()),
        ),
    ] {
        connection.batch_execute(&within).unwrap_or_else(|error| panic!("{within}: {error}"));
        let error = connection.batch_execute(&beyond).unwrap_err().to_string();
        assert!(error.starts_with("CHECK constraint failed"), "{beyond}: {error}");
    }
}

#[test]
fn a_set_and_its_revision_are_stored_together() {
    let (database, _, _) = Database::with_a_job();
    let mut connection = database.connect();
    let set = |length: usize| format!("managed_revision = 1, managed_by = '{}'", "é".repeat(length));
    for table in ["sources", "jobs"] {
        let refused = ["managed_by = 'a'", "managed_revision = 1", "managed_by = 'a', managed_revision = 0"];
        for change in refused.map(ToOwned::to_owned).into_iter().chain([set(0), set(MAX_WORD_CHARS + 1)]) {
            let error = connection.batch_execute(&format!("UPDATE {table} SET {change}")).unwrap_err().to_string();
            assert!(error.starts_with("CHECK constraint failed"), "{change}: {error}");
        }
        connection.batch_execute(&format!("UPDATE {table} SET {}", set(MAX_WORD_CHARS))).unwrap();
    }
    let error = connection.batch_execute("UPDATE source_versions SET managed_by = ''").unwrap_err().to_string();
    assert!(error.starts_with("CHECK constraint failed"), "{error}");
}

#[test]
fn what_runs_cannot_add_up_to_is_refused() {
    let (database, _, job) = Database::with_a_job();
    database.runs().insert(&a_run_of(&job, &[]), &[], None).unwrap();
    let mut connection = database.connect();
    for (table, within, beyond) in [
        ("run_summaries", "last_run_succeeded = 0", "last_run_succeeded = 2"),
        ("run_summaries", "consecutive_failures = 0", "consecutive_failures = -1"),
        ("run_counters", "last_number = 1", "last_number = 0"),
    ] {
        connection.batch_execute(&format!("UPDATE {table} SET {within}")).unwrap();
        let error = connection.batch_execute(&format!("UPDATE {table} SET {beyond}")).unwrap_err().to_string();
        assert!(error.starts_with("CHECK constraint failed"), "{beyond}: {error}");
    }
}
