//! Jobs of a health are found and counted from the indexes of what was judged. See [`crate::query_plans`].

use std::collections::BTreeSet;

use prediction_domain::model::{HealthFilter, HealthStatus, Position, Scope};
use prediction_domain::ports::JobFilter;
use prediction_domain_testkit::values::{fresh_organisation_id, page_after};

use crate::query_plans::{MONITORED, list, monitored, plans, recorded};

/// What was judged and holds is walked along an index in creation order, up to the end of the page; what has ended is
/// few.
#[test]
fn jobs_of_a_health_are_found_from_what_was_judged() {
    let (database, version, job) = recorded();
    let statuses = BTreeSet::from([HealthStatus::OnTime, HealthStatus::Late]);
    let health = Some(HealthFilter { statuses, at: job.created_at });
    let by_health = JobFilter { health, ..JobFilter::default() };
    let page = page_after(20, Some(Position::behind(1)));
    for filter in [
        by_health.clone(),
        JobFilter { source_id: Some(version.source_id), ..by_health.clone() },
        JobFilter { source_version_id: Some(version.id), ..by_health.clone() },
    ] {
        let listed = |scope: &Scope| {
            let all = plans(&database, "SELECT", || {
                database.jobs().list(scope, &filter, &page).unwrap();
            });
            assert_eq!(all[..2], ["SEARCH judgements USING PRIMARY KEY (name=?)", "SCAN unjudged_sources"]);
            all[2..].to_vec()
        };
        let walk = |index: &str| monitored(&format!("SEARCH jobs USING INDEX {index}"));
        let assert_found = |found: Vec<String>, walks: [String; 3]| {
            let [first, second, ended] = <[String; 3]>::try_from(found).unwrap();
            assert_eq!([&first, &second], [&walks[0], &walks[1]]);
            assert!(ended.starts_with(&walks[2]) && ended.ends_with("USE TEMP B-TREE FOR ORDER BY"), "{ended}");
        };
        let of_one = [
            walk("jobs_organisation_id_judged_status_idx (organisation_id=? AND judged_status=? AND rowid>?)"),
            walk("jobs_organisation_id_judged_status_idx (organisation_id=? AND judged_status=? AND rowid>?)"),
            walk("jobs_organisation_id_judged_until_idx (organisation_id=? AND judged_until<?)"),
        ];
        assert_found(listed(&Scope::of([job.organisation_id])), of_one);
        let of_all = [
            walk("jobs_judged_status_idx (judged_status=? AND rowid>?)"),
            walk("jobs_judged_status_idx (judged_status=? AND rowid>?)"),
            walk("jobs_judged_until_idx (judged_until<?)"),
        ];
        assert_found(listed(&Scope::Platform), of_all);
    }
    // Behind an input, each job is judged.
    let input_id = Some(job.role_bindings.as_slice()[0].input_id);
    let all = plans(&database, "SELECT", || list(&database, &Scope::Platform, &JobFilter { input_id, ..by_health }));
    assert!(all.iter().all(|plan| plan.starts_with("SEARCH jobs USING INDEX jobs_id_idx (id=?")), "{all:?}");
}

#[test]
fn jobs_are_counted_by_health_from_what_their_scope_is_found_by() {
    let (database, version, job) = recorded();
    let count = |scope: Scope, filter: JobFilter| {
        plans(&database, "SELECT", || {
            database.jobs().count_by_health(&scope, &filter, job.created_at).unwrap();
        })
    };
    // What was judged is counted in an index, and only what has ended is judged.
    let all = count(Scope::Platform, JobFilter::default());
    assert_eq!(all[2], "SCAN jobs USING COVERING INDEX jobs_judged_status_idx");
    assert!(all[3].starts_with("SEARCH jobs USING INDEX jobs_judged_until_idx (judged_until<?)"), "{all:?}");
    let all = count(Scope::of([job.organisation_id, fresh_organisation_id()]), JobFilter::default());
    let index = "SEARCH jobs USING COVERING INDEX jobs_organisation_id_judged_status_idx (organisation_id=? AND judged_status=?)";
    assert!(all[2].contains(index) && !all[2].contains("SCAN jobs"), "{all:?}");
    let index = "SEARCH jobs USING INDEX jobs_organisation_id_judged_until_idx (organisation_id=? AND judged_until<?)";
    assert!(all[3].starts_with(index) && all[3].contains(MONITORED), "{all:?}");

    let judged = |scope: Scope, filter: JobFilter| {
        let [plan] = <[String; 1]>::try_from(count(scope, filter)).unwrap();
        assert!(plan.contains(MONITORED), "{plan}");
        plan
    };
    let of_version = JobFilter { source_version_id: Some(version.id), ..JobFilter::default() };
    let plan = judged(Scope::Platform, of_version);
    assert!(plan.starts_with("SEARCH jobs USING INDEX jobs_source_version_id_idx"), "{plan}");
    let input_id = Some(job.role_bindings.as_slice()[0].input_id);
    let plan = judged(Scope::of([job.organisation_id]), JobFilter { input_id, ..JobFilter::default() });
    assert!(plan.starts_with("SEARCH jobs USING INDEX jobs_id_idx (id=?"), "{plan}");
}
