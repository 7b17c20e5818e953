//! The side table that answers "which jobs use this input?" follows the jobs, whichever program writes them.

use std::collections::BTreeSet;

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_types::Text;
use prediction_domain::model::{Job, Revision, Scope};
use prediction_domain::ports::{JobRepository as _, WriteMode};
use prediction_domain_testkit::builders::{a_job_of, a_plan_for, bindings};
use prediction_domain_testkit::values::fresh_input_id;

use crate::test_database::{Database, number};

#[test]
fn inputs_follow_insert_update_and_delete() {
    let (database, version, job) = Database::with_a_job();
    let other = database.set_up_job(&version);
    assert_eq!(stored(&database), expected(&[&job, &other]));

    let kept = job.role_bindings.as_slice()[0].input_id;
    let changed = Job {
        role_bindings: bindings(&[("a", kept), ("b", fresh_input_id()), ("c", kept)]),
        revision: job.revision.next(),
        ..job.clone()
    };
    database.store.update(&changed, job.revision, None, WriteMode::DryRun).unwrap();
    assert_eq!(stored(&database), expected(&[&job, &other]), "a dry run leaves no trace");
    database.store.update(&changed, job.revision, None, WriteMode::Commit).unwrap();
    assert_eq!(stored(&database), expected(&[&changed, &other]));

    database.store.delete(&Scope::Platform, changed.id, changed.revision, WriteMode::Commit).unwrap();
    assert_eq!(stored(&database), expected(&[&other]));
    database.store.delete(&Scope::Platform, other.id, Revision::FIRST, WriteMode::Commit).unwrap();
    assert_eq!(stored(&database), BTreeSet::new());
}

#[test]
fn inputs_follow_what_is_written_behind_the_stores_back() {
    let (database, _, job) = Database::with_a_job();
    let mut connection = database.connect();
    connection.batch_execute("UPDATE jobs SET organisation_id = 'aaaaaaaa-7777-7777-7777-777777777777'").unwrap();
    let moved = number(
        &mut connection,
        "SELECT count(*) FROM job_inputs WHERE organisation_id = 'aaaaaaaa-7777-7777-7777-777777777777'",
    );
    assert_eq!(moved, 2);
    connection
        .batch_execute("UPDATE jobs SET role_bindings = '[{\"input_id\": \"bbbbbbbb-7777-7777-7777-777777777777\"}]'")
        .unwrap();
    assert_eq!(number(&mut connection, "SELECT count(*) FROM job_inputs"), 1);
    let error = connection.batch_execute("UPDATE jobs SET role_bindings = '[{\"input\": 1}]'").unwrap_err();
    assert_eq!(error.to_string(), "NOT NULL constraint failed: job_inputs.input_id");
    connection.batch_execute(&format!("DELETE FROM jobs WHERE id = '{}'", job.id)).unwrap();
    assert_eq!(number(&mut connection, "SELECT count(*) FROM job_inputs"), 0);
}

#[test]
fn a_set_up_that_is_refused_leaves_no_inputs() {
    let (database, version, job) = Database::with_a_job();
    let clash = Job { organisation_id: job.organisation_id, name: job.name.clone(), ..a_job_of(&version) };
    assert!(database.store.set_up_many(&[a_plan_for(clash)])[0].is_ok());
    assert_eq!(stored(&database), expected(&[&job]));
}

fn stored(database: &Database) -> BTreeSet<(String, String, String)> {
    #[derive(QueryableByName)]
    struct Use {
        #[diesel(sql_type = Text)]
        input: String,
        #[diesel(sql_type = Text)]
        organisation: String,
        #[diesel(sql_type = Text)]
        job: String,
    }
    // By the place in creation order, under which the use is found.
    let uses: Vec<Use> = diesel::sql_query(
        "SELECT input_id AS input, job_inputs.organisation_id AS organisation, coalesce(jobs.id, 'none') AS job FROM job_inputs \
         LEFT JOIN jobs ON jobs.rowid = job_inputs.sequence_number AND jobs.id = job_inputs.job_id",
    )
    .load(&mut database.connect())
    .unwrap();
    uses.into_iter().map(|found| (found.input, found.organisation, found.job)).collect()
}

fn expected(jobs: &[&Job]) -> BTreeSet<(String, String, String)> {
    let of_job = |job: &&Job| {
        let (organisation, id) = (job.organisation_id.to_string(), job.id.to_string());
        let inputs: Vec<_> = job.role_bindings.iter().map(|binding| binding.input_id.to_string()).collect();
        inputs.into_iter().map(move |input| (input, organisation.clone(), id.clone()))
    };
    jobs.iter().flat_map(of_job).collect()
}
