//! What is counted before values are deleted.

use prediction_domain::ports::ValueCountQuery;
use prediction_domain_testkit::values::hours;

use super::{plans, with_a_value};

#[test]
fn what_a_shorter_retention_would_delete_is_counted_from_indexes() {
    let (database, version, job) = with_a_value();
    let found = plans(&database, "", || {
        let issued_until = job.created_at.plus(hours(1).as_time());
        let query = ValueCountQuery {
            source_id: version.source_id,
            issued_after: None,
            issued_until,
            most_values: 10,
            most_jobs: 10,
        };
        assert_eq!(database.runs().count_values(&query).unwrap().values, 1);
    });
    let [plan] = <[String; 1]>::try_from(found).unwrap();
    for part in [
        "SEARCH run_summaries USING COVERING INDEX run_summaries_source_id_values_from_idx (source_id=? AND values_from<?)",
        "SEARCH jobs EXISTS USING COVERING INDEX sqlite_autoindex_jobs_1 (organisation_id=? AND id=?)",
        "SEARCH predictions USING COVERING INDEX predictions_organisation_id_job_id_issued_at_idx \
         (organisation_id=? AND job_id=? AND issued_at>? AND issued_at<?)",
    ] {
        assert!(plan.contains(part), "{plan}");
    }
    for table in ["run_summaries", "jobs", "predictions"] {
        assert!(!plan.contains(&format!("SCAN {table}")), "{plan}");
    }
}
