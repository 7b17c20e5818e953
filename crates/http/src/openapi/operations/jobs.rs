use prediction_domain::model::HealthStatus;
use utoipa::openapi::schema::ObjectBuilder;

use super::{
    Body, DELETION, JOBS, JOBS_READ, JOBS_WRITE, Operation, Parameter, Request, dry_run, expand, flag, id_filter,
    if_match, if_none_match, name_filter, paged, query, text_schema,
};
use crate::problem::ProblemCode::{Conflict, NotTheOwner, OrganisationOutOfScope, QuotaExceeded, QuotaOfDayExceeded};

const SET_UP: Request = Request {
    schema: "JobSetupRequest",
    examples: &[
        ("tutorial", include_str!("../../../../../docs/examples/setup-job.json")),
        ("everything_at_once", include_str!("../../../../../docs/examples/setup-job-with-everything.json")),
    ],
};
const CHANGE_JOB: Request = Request {
    schema: "JobChange",
    examples: &[("change", include_str!("../../../../../docs/examples/change-job.json"))],
};

/// What can be asked about jobs.
pub(super) fn operations() -> Vec<Operation> {
    let mut operations = on_many();
    operations.extend(on_one());
    operations
}

fn on_many() -> Vec<Operation> {
    vec![
        Operation {
            method: "POST",
            path: "/api/v1/jobs/setup",
            id: "set_up_job",
            tag: JOBS,
            summary: "Set up a job",
            text: "Everything that a job needs in one call: all of it is stored, or nothing. A source or a version that is \
                   described and not there is created, which needs the scope `catalog:create` too, and for a version that \
                   the source is the caller's own. Can be sent again safely: the same content answers 200 with what \
                   is stored, other content 409.",
            access: JOBS_WRITE,
            parameters: vec![dry_run()],
            request: Some(SET_UP),
            answers: vec![
                (200, "It was there already, or with dry_run: what would be set up", Body::One("JobSetup")),
                (201, "It was set up", Body::One("JobSetup")),
            ],
            problems: &[Conflict, NotTheOwner, OrganisationOutOfScope, QuotaExceeded],
        },
        Operation {
            method: "GET",
            path: "/api/v1/jobs",
            id: "list_jobs",
            tag: JOBS,
            summary: "List jobs",
            text: "Those of the token's organisations, in creation order. input_id answers which jobs use an input.",
            access: JOBS_READ,
            parameters: {
                let mut parameters = paged(vec![
                    id_filter("organisation_id", "Only those of that organisation."),
                    id_filter("source_id", "Only those of that source."),
                    id_filter("source_version_id", "Only those that run that version."),
                    flag("active", "Only the active, or only the inactive ones."),
                    name_filter("Only those of that name."),
                    id_filter("input_id", "Only those with that input bound to some role."),
                    health_filter(),
                ]);
                parameters.push(expand());
                parameters
            },
            request: None,
            answers: vec![(200, "A page of jobs", Body::List("Job"))],
            problems: &[OrganisationOutOfScope],
        },
        Operation {
            method: "GET",
            path: "/api/v1/jobs/health",
            id: "count_jobs_by_health",
            tag: JOBS,
            summary: "Count jobs by their health",
            text: "Those of the token's organisations, judged now.",
            access: JOBS_READ,
            parameters: vec![
                id_filter("organisation_id", "Only those of that organisation."),
                id_filter("source_id", "Only those of that source."),
            ],
            request: None,
            answers: vec![(200, "How many there are of each", Body::One("JobHealthCounts"))],
            problems: &[OrganisationOutOfScope],
        },
    ]
}

fn on_one() -> Vec<Operation> {
    vec![
        Operation {
            method: "GET",
            path: "/api/v1/jobs/{id}",
            id: "get_job",
            tag: JOBS,
            summary: "Read a job",
            text: "A job of another organisation is not there.",
            access: JOBS_READ,
            parameters: vec![expand(), if_none_match()],
            request: None,
            answers: vec![(200, "The job", Body::One("Job")), (304, "It has not changed", Body::None)],
            problems: &[],
        },
        Operation {
            method: "PUT",
            path: "/api/v1/jobs/{id}",
            id: "change_job",
            tag: JOBS,
            summary: "Change a job",
            text: "Its name, whether it is active, its version and its bindings; the result is judged like a setup. What \
                   is left out stays. What GET returned can be sent back.",
            access: JOBS_WRITE,
            parameters: vec![dry_run(), if_match()],
            request: Some(CHANGE_JOB),
            answers: vec![(200, "The job as it is now", Body::One("Job"))],
            problems: &[Conflict, QuotaOfDayExceeded],
        },
        Operation {
            method: "DELETE",
            path: "/api/v1/jobs/{id}",
            id: "delete_job",
            tag: JOBS,
            summary: "Delete a job",
            text: "",
            access: JOBS_WRITE,
            parameters: vec![dry_run(), if_match()],
            request: Some(DELETION),
            answers: vec![
                (200, "With dry_run: what would be deleted", Body::One("Job")),
                (204, "It was deleted", Body::None),
            ],
            problems: &[],
        },
    ]
}

fn health_filter() -> Parameter {
    let statuses = HealthStatus::ALL.map(HealthStatus::as_str).join("|");
    let pattern = format!("^({statuses})(,({statuses}))*$");
    let text = "Only those of such a health, judged now: statuses with commas between them, such as overdue,failing.";
    query("health", text, text_schema(ObjectBuilder::new().pattern(Some(pattern))))
}
