//! What reads which outputs is looked up, and no table is walked through for it.

use std::collections::BTreeSet;

use prediction_domain::model::Scope;
use prediction_domain::ports::ChainRepository as _;
use prediction_domain_testkit::values::fresh_output_id;

use super::{plans, recorded};

#[test]
fn chains_are_followed_along_indexes() {
    let (database, _, job) = recorded();
    let (organisation, jobs) = (job.organisation_id, BTreeSet::from([job.id]));
    let keys = [(organisation, job.id)];
    let asked = [
        plans(&database, "SELECT", || {
            database.store.find_outputs(&[(Scope::Platform, fresh_output_id())]).unwrap();
        }),
        plans(&database, "SELECT", || {
            database.store.readers_of(organisation, &jobs, 10).unwrap();
        }),
        plans(&database, "SELECT", || {
            database.store.count_readers(organisation, job.id).unwrap();
        }),
        plans(&database, "SELECT", || {
            database.store.outputs_in_use(&keys).unwrap();
        }),
        // From itself to itself, so that both questions are asked.
        plans(&database, "WITH", || {
            database.store.links_between(organisation, &jobs, job.id).unwrap();
        }),
        plans(&database, "WITH", || {
            database.store.blocking(&keys, job.created_at).unwrap();
        }),
    ];
    for found in asked {
        assert!(!found.is_empty(), "a statement is run");
        for plan in found {
            let walked = plan.split("; ").find(|step| {
                step.starts_with("SCAN")
                    && !["json_each", "wanted", "output", "upstream", "reached", "found", "numbered", "(", "CONSTANT"]
                        .iter()
                        .any(|made| step.strip_prefix("SCAN ").is_some_and(|what| what.starts_with(made)))
            });
            assert_eq!(walked, None, "{plan}");
        }
    }
}
