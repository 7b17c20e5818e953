//! Rows that another program changed into what cannot be.

use prediction_domain::model::{PageRequest, Scope};
use prediction_domain::ports::{JobFilter, JobSetUp, StoreFailure};
use prediction_domain_testkit::builders::{a_job_of, a_plan_for, a_plan_for_everything};

use crate::test_database::{TestDatabase, jobs, source_versions, sources};

fn database_with(plan: &JobSetUp) -> TestDatabase {
    let database = TestDatabase::migrated();
    jobs(&database.store()).set_up_many(std::slice::from_ref(plan)).remove(0).unwrap();
    database
}

#[test]
fn a_corrupt_job_is_told_apart() {
    let plan = a_plan_for_everything();
    let job = &plan.job;
    let binding = r#"{"role": "a", "input_id": "77777777-7777-7777-7777-777777777777", "input_type": "sensor"}"#;
    for change in [
        format!("role_bindings = '[{binding}, {binding}]'"),
        r#"role_bindings = '[{"role": "a"}]'"#.to_owned(),
        "role_bindings = '[7]'".to_owned(),
        r#"outputs = '[{"id": "00000000-0000-0000-0000-000000000000", "role": "a", "metric": "b"}]'"#.to_owned(),
        r"name = E'a\tb'".to_owned(),
        r"managed_by = E'a\tb', managed_revision = 1".to_owned(),
    ] {
        let database = database_with(&plan);
        database.execute(&format!("UPDATE jobs SET {change}"));
        let store = database.store();
        assert_corrupt(&jobs(&store).find_many(&[(Scope::Platform, job.id)]), &change);
        let page = PageRequest::new(1, None).unwrap();
        assert_corrupt(&jobs(&store).list(&Scope::Platform, &JobFilter::default(), &page), &change);
    }
}

#[test]
fn a_corrupt_job_is_as_invisible_to_others_as_any() {
    let plan = a_plan_for_everything();
    let database = database_with(&plan);
    database.execute("UPDATE jobs SET role_bindings = '[{\"role\": \"\", \"input_id\": \"77777777-7777-7777-7777-777777777777\", \"input_type\": \"\"}]'");
    let other = a_job_of(plan.new_version.as_ref().unwrap());
    let scope = Scope::of([other.organisation_id]);
    let store = database.store();
    jobs(&store).set_up_many(&[a_plan_for(other.clone())]).remove(0).unwrap();
    let wanted = [(scope.clone(), plan.job.id), (scope, other.id)];
    assert_eq!(jobs(&store).find_many(&wanted).unwrap(), [None, Some(other.clone())]);
    let found = jobs(&store).find_monitored(&wanted).unwrap();
    assert_eq!(found.into_iter().map(|found| found.map(|found| found.job)).collect::<Vec<_>>(), [None, Some(other)]);
}

#[test]
fn a_corrupt_source_is_told_apart() {
    let plan = a_plan_for_everything();
    let id = plan.new_source.as_ref().unwrap().id;
    let set = r"managed_by = E'a\x01b', managed_revision = 1";
    for change in [r"description = E'a\x01b'", set, "owner_organisation_id = '00000000-0000-0000-0000-000000000000'"] {
        let database = database_with(&plan);
        database.execute(&format!("UPDATE sources SET {change}"));
        assert_corrupt(&sources(&database.store()).find_many(&[id]), change);
    }
}

#[test]
fn a_contract_that_was_changed_behind_the_trigger_is_told_apart() {
    let plan = a_plan_for_everything();
    for change in [
        "input_roles = jsonb_set(input_roles, '{0,required}', 'false')",
        "output_roles = output_roles || output_roles",
        "input_roles = '[{}]'",
    ] {
        let database = database_with(&plan);
        database
            .execute(&format!("ALTER TABLE source_versions DISABLE TRIGGER USER; UPDATE source_versions SET {change}"));
        assert_corrupt(&source_versions(&database.store()).find_many(&[plan.new_version.as_ref().unwrap().id]), change);
    }
}

fn assert_corrupt<T: std::fmt::Debug>(answer: &Result<T, StoreFailure>, change: &str) {
    assert!(matches!(answer, Err(StoreFailure::Corrupt(_))), "{change}: {answer:?}");
}
