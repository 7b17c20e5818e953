//! How the values of a run are deleted in parts.

use prediction_domain::model::Prediction;
use prediction_domain::ports::WriteMode;
use prediction_domain_testkit::builders::{a_prediction, a_run_of};
use prediction_domain_testkit::values::micros_after;

use super::{plans, recorded};

#[test]
fn the_values_of_a_run_are_deleted_along_their_index_and_in_its_order() {
    let (database, _, job) = recorded();
    let values: Vec<Prediction> =
        (0..200).map(|later| a_prediction("risk", micros_after(job.created_at, later), 0.5)).collect();
    let run = a_run_of(&job, &values);
    database.runs().insert(&run, &values, None).unwrap();
    let found = plans(&database, "", || {
        let (organisation, id) = (run.organisation_id, run.job_id);
        database.runs().delete(organisation, id, run.id, None, run.received_at, WriteMode::Commit).unwrap();
    });
    let found: Vec<&String> = found.iter().filter(|plan| plan.contains("predictions")).collect();
    let of_run = "SEARCH predictions USING COVERING INDEX predictions_organisation_id_job_id_issued_at_idx \
                  (organisation_id=? AND job_id=? AND issued_at=?";
    let behind = of_run.replace("issued_at=?", "issued_at>?");
    let looked_for = format!("{of_run})");
    // The value is no part of the index.
    let deleted = format!("{of_run} AND (role,at)<(?,?))").replace("COVERING ", "");
    let in_parts = std::iter::repeat_n([&looked_for, &deleted], 4).flatten();
    let mut expected: Vec<&String> = in_parts.collect();
    // Where values begin then is looked for after the first part.
    let behind = format!("{behind})");
    expected.insert(2, &behind);
    assert_eq!(found, expected);
}
