//! Where answers lead: what they tell the parameters of other operations.

use utoipa::openapi::link::{Link, LinkBuilder};

/// An operation, what its answer tells which parameters, and whose parameters these are.
type Lead = (&'static str, &'static [(&'static str, &'static str)], &'static [&'static str]);

const ID: &[(&str, &str)] = &[("id", "$response.body#/id")];
const LEADS: [Lead; 9] = [
    ("create_source", ID, &["get_source", "change_source", "delete_source"]),
    ("create_source_version", ID, &["get_source_version", "delete_source_version"]),
    ("create_source_version", &[("id", "$response.body#/source_id")], &["get_source"]),
    ("set_up_job", &[("id", "$response.body#/source/id")], &["get_source"]),
    ("set_up_job", &[("id", "$response.body#/source_version/id")], &["get_source_version"]),
    (
        "set_up_job",
        &[("id", "$response.body#/job/id")],
        &["get_job", "change_job", "delete_job", "list_job_revisions", "report_run", "list_runs", "list_predictions"],
    ),
    ("change_job", &[("id", "$response.body#/id"), ("revision", "$response.body#/revision")], &["get_job_revision"]),
    ("report_run", &[("id", "$request.path.id"), ("run_id", "$response.body#/id")], &["get_run", "delete_run"]),
    ("report_run", &[("id", "$request.path.id")], &["list_runs", "list_predictions"]),
];

/// The links of an operation's answers, by name.
pub(super) fn of(operation: &str) -> Vec<(&'static str, Link)> {
    let leads = LEADS.into_iter().filter(|(from, ..)| *from == operation);
    let links = leads.flat_map(|(_, parameters, targets)| targets.iter().map(move |target| (*target, parameters)));
    links
        .map(|(target, parameters)| {
            let link = LinkBuilder::new().operation_id(target);
            let link = parameters.iter().fold(link, |link, (name, value)| link.parameter(*name, *value));
            (target, link.build())
        })
        .collect()
}
