//! What the tables themselves refuse, whichever program writes to them.

use diesel::connection::SimpleConnection as _;
use diesel::result::{DatabaseErrorKind, Error};
use prediction_domain::model::{
    ExpectedIntervalMinutes, MAX_BINDINGS, MAX_DESCRIPTION_CHARS, MAX_NAME_CHARS, MAX_ROLES, MAX_WORD_CHARS,
    RetentionHours,
};
use prediction_domain::ports::WriteMode;
use prediction_domain_testkit::builders::{a_plan_for_everything, a_source, a_version_of};

use crate::test_database::{TestDatabase, jobs, migration_texts, source_versions};

#[test]
fn a_published_contract_refuses_every_update() {
    let database = TestDatabase::migrated();
    let plan = a_plan_for_everything();
    jobs(&database.store()).set_up_many(std::slice::from_ref(&plan)).remove(0).unwrap();
    for sql in [
        "UPDATE source_versions SET output_roles = '[{}]'",
        "UPDATE source_versions SET description = description",
        "UPDATE source_versions SET version = 'x' WHERE false",
    ] {
        let error = database.connection().batch_execute(sql).unwrap_err();
        let Error::DatabaseError(DatabaseErrorKind::RestrictViolation, information) = &error else {
            panic!("{sql}: {error:?}");
        };
        assert_eq!(information.message(), "source versions are immutable: publish a new version instead");
    }
    let version = plan.new_version.unwrap();
    assert_eq!(source_versions(&database.store()).find_many(&[version.id]).unwrap(), [Some(version)]);
}

#[test]
fn a_job_runs_a_version_of_its_own_source() {
    let database = TestDatabase::migrated();
    let store = database.store();
    let (plan, other) = (a_plan_for_everything(), a_plan_for_everything());
    for answer in jobs(&store).set_up_many(&[plan.clone(), other.clone()]) {
        answer.unwrap();
    }
    let other_source = other.new_source.unwrap().id;
    let other_version = other.new_version.unwrap().id;
    for change in [
        format!("source_version_id = '{other_version}'"),
        format!("source_id = '{other_source}'"),
        "source_version_id = gen_random_uuid()".to_owned(),
    ] {
        let sql = format!("UPDATE jobs SET {change} WHERE id = '{}'", plan.job.id);
        let error = database.connection().batch_execute(&sql).unwrap_err();
        assert_breaks(&error, DatabaseErrorKind::ForeignKeyViolation, "jobs_source_id_source_version_id_fkey");
    }
    for (sql, constraint) in [
        ("DELETE FROM source_versions", "jobs_source_id_source_version_id_fkey"),
        ("DELETE FROM sources", "source_versions_source_id_fkey"),
    ] {
        let error = database.connection().batch_execute(sql).unwrap_err();
        assert_breaks(&error, DatabaseErrorKind::ForeignKeyViolation, constraint);
    }
}

#[test]
fn every_constraint_is_named_in_the_migrations() {
    let migrations = migration_texts().concat();
    let names = TestDatabase::migrated().texts(
        "SELECT conname::text AS value FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid \
         WHERE relnamespace = 'public'::regnamespace AND relname NOT LIKE '\\_\\_%' AND contype IN ('c', 'f', 'p', 'u', 'x')",
    );
    assert!(!names.is_empty());
    for name in names {
        assert!(
            migrations.contains(&format!("CONSTRAINT {name}\n")) || migrations.contains(&format!("CONSTRAINT {name} ")),
            "{name}"
        );
    }
}

#[test]
fn the_limits_are_those_of_the_domain() {
    let database = TestDatabase::migrated();
    let between =
        |value: &str, least: i32, most: i64| format!("CHECK ((({value} >= {least}) AND ({value} <= {most})))");
    let list = |column: &str, least: Option<i32>, most: usize| {
        let length = format!("jsonb_array_length({column})");
        let rule = match least {
            Some(least) => format!("(({length} >= {least}) AND ({length} <= {most}))"),
            None => format!("({length} <= {most})"),
        };
        format!("CHECK ( CASE jsonb_typeof({column}) WHEN 'array'::text THEN {rule} ELSE false END)")
    };
    let chars = |most: usize| i64::try_from(most).unwrap();
    let rules = [
        ("sources_name_check", between("char_length(name)", 1, chars(MAX_NAME_CHARS))),
        ("sources_description_check", format!("CHECK ((char_length(description) <= {MAX_DESCRIPTION_CHARS}))")),
        (
            "sources_expected_interval_minutes_check",
            between("expected_interval_minutes", 1, ExpectedIntervalMinutes::MAX.into()),
        ),
        ("sources_retention_hours_check", between("retention_hours", 1, RetentionHours::MAX.into())),
        ("source_versions_version_check", between("char_length(version)", 1, chars(MAX_WORD_CHARS))),
        ("source_versions_description_check", format!("CHECK ((char_length(description) <= {MAX_DESCRIPTION_CHARS}))")),
        ("source_versions_input_roles_check", list("input_roles", None, MAX_ROLES)),
        ("source_versions_output_roles_check", list("output_roles", Some(1), MAX_ROLES)),
        ("jobs_name_check", between("char_length(name)", 1, chars(MAX_NAME_CHARS))),
        ("jobs_role_bindings_check", list("role_bindings", None, MAX_BINDINGS)),
        ("jobs_outputs_check", list("outputs", None, MAX_ROLES)),
    ];
    // What was there before they were keeps them, since it is null.
    let kept = ["sources", "source_versions", "jobs", "inputs"].map(|table| {
        let set = between("char_length(managed_by)", 1, chars(MAX_WORD_CHARS));
        (format!("{table}_managed_by_check"), format!("{set} NOT VALID"))
    });
    let rules = rules.into_iter().map(|(name, rule)| (name.to_owned(), rule)).chain(kept);
    for (name, rule) in rules {
        let sql = format!("SELECT pg_get_constraintdef(oid) AS value FROM pg_constraint WHERE conname = '{name}'");
        let stored = database.texts(&sql).concat().split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(stored, rule, "{name}");
    }
}

#[test]
fn a_set_and_its_revision_are_stored_together() {
    let database = TestDatabase::migrated();
    jobs(&database.store()).set_up_many(&[a_plan_for_everything()]).remove(0).unwrap();
    for table in ["sources", "jobs"] {
        for (change, constraint) in [
            ("managed_by = 'a'", "management_check"),
            ("managed_revision = 1", "management_check"),
            ("managed_by = 'a', managed_revision = 0", "managed_revision_check"),
            ("managed_by = '', managed_revision = 1", "managed_by_check"),
        ] {
            let error = database.connection().batch_execute(&format!("UPDATE {table} SET {change}")).unwrap_err();
            assert_breaks(&error, DatabaseErrorKind::CheckViolation, &format!("{table}_{constraint}"));
        }
        database.execute(&format!("UPDATE {table} SET managed_by = 'a', managed_revision = 1"));
    }
}

#[test]
fn a_version_cannot_lose_its_source_between_check_and_write() {
    let database = TestDatabase::migrated();
    let error = source_versions(&database.store()).insert(&a_version_of(a_source().id), WriteMode::Commit).unwrap_err();
    assert_eq!(error.to_string(), "there is no such source");
}

fn assert_breaks(error: &Error, kind: DatabaseErrorKind, constraint: &str) {
    let Error::DatabaseError(actual, information) = error else {
        panic!("{error:?}");
    };
    assert_eq!(format!("{actual:?}"), format!("{kind:?}"));
    assert_eq!(information.constraint_name(), Some(constraint));
}
