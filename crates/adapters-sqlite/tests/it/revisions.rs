//! The schema keeps what jobs were, whichever program writes.

use diesel::connection::SimpleConnection as _;
use prediction_domain::model::{Job, JobRevision, Revision};
use prediction_domain_testkit::values::{first_page, job_name, revision};

use crate::test_database::{Database, number};

#[test]
fn what_is_changed_behind_the_stores_back_is_kept() {
    let (database, _, job) = Database::with_a_job();
    let mut connection = database.connect();
    connection.batch_execute("UPDATE jobs SET name = 'second', updated_by = NULL, revision = 2").unwrap();
    let changed = Job { name: job_name("second"), updated_by: None, revision: revision(2), ..job.clone() };
    let listed = database.jobs().revisions(job.organisation_id, job.id, &first_page(10)).unwrap().items;
    assert_eq!(listed, [job.clone(), changed].map(JobRevision::from));

    connection.batch_execute("DELETE FROM jobs").unwrap();
    assert_eq!(number(&mut connection, "SELECT count(*) FROM job_revisions"), 0);
}

/// It was not changed, as far as its readers are told.
#[test]
fn a_job_that_keeps_its_revision_leaves_none() {
    let (database, _, job) = Database::with_a_job();
    database.connect().batch_execute("UPDATE jobs SET name = 'another'").unwrap();
    let listed = database.jobs().revisions(job.organisation_id, job.id, &first_page(10)).unwrap().items;
    assert_eq!(listed.iter().map(|kept| kept.revision).collect::<Vec<_>>(), [Revision::FIRST]);
}
