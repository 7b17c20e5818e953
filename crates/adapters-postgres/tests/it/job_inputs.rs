//! The side table that answers "which jobs of an organisation use this input?" follows the jobs, whichever program
//! writes them.

use std::collections::BTreeSet;

use prediction_domain::model::{Job, Revision, Scope};
use prediction_domain::ports::WriteMode;
use prediction_domain_testkit::builders::{a_job_of, a_plan_for, a_plan_for_everything, bindings};
use prediction_domain_testkit::values::fresh_input_id;

use crate::test_database::{TestDatabase, jobs};

#[test]
fn inputs_follow_insert_update_and_delete() {
    let database = TestDatabase::migrated();
    let store = database.store();
    let plan = a_plan_for_everything();
    let other = a_job_of(plan.new_version.as_ref().unwrap());
    let job = plan.job.clone();
    for outcome in jobs(&store).set_up_many(&[plan, a_plan_for(other.clone())]) {
        outcome.unwrap();
    }
    assert_eq!(stored(&database), expected(&[&job, &other]));

    let kept = job.role_bindings.as_slice()[0].input_id;
    let changed = Job {
        role_bindings: bindings(&[("a", kept), ("b", fresh_input_id()), ("c", kept)]),
        revision: job.revision.next(),
        ..job.clone()
    };
    jobs(&store).update(&changed, job.revision, None, WriteMode::DryRun).unwrap();
    assert_eq!(stored(&database), expected(&[&job, &other]), "a dry run leaves no trace");
    jobs(&store).update(&changed, job.revision, None, WriteMode::Commit).unwrap();
    assert_eq!(stored(&database), expected(&[&changed, &other]));

    jobs(&store).delete(&Scope::Platform, changed.id, changed.revision, WriteMode::Commit).unwrap();
    assert_eq!(stored(&database), expected(&[&other]));
    jobs(&store).delete(&Scope::Platform, other.id, Revision::FIRST, WriteMode::Commit).unwrap();
    assert_eq!(stored(&database), BTreeSet::new());
}

fn stored(database: &TestDatabase) -> BTreeSet<String> {
    let used = "SELECT concat_ws(' ', job_inputs.organisation_id, input_id, jobs.id) AS value \
                FROM job_inputs LEFT JOIN jobs USING (organisation_id, sequence_number)";
    database.texts(used).into_iter().collect()
}

fn expected(jobs: &[&Job]) -> BTreeSet<String> {
    let of_job = |job: &&Job| {
        let (organisation, id) = (job.organisation_id, job.id);
        let inputs: Vec<_> = job.role_bindings.iter().map(|binding| binding.input_id).collect();
        inputs.into_iter().map(move |input| format!("{organisation} {input} {id}"))
    };
    jobs.iter().flat_map(of_job).collect()
}
