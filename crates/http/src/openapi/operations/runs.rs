//! What jobs were, their runs, and what these predicted.

use prediction_domain::model::{MAX_WORD_CHARS, Permission, RunStatus};
use prediction_domain::use_cases::PredictionFilter;
use utoipa::openapi::schema::ObjectBuilder;

use super::{
    Access, Body, DELETION, JOBS, JOBS_READ, JOBS_WRITE, Operation, Parameter, Request, dry_run, id_filter, if_match,
    if_none_match, paged, paged_by, query, text_schema, time_filter,
};
use crate::openapi::texts;
use crate::problem::ProblemCode::{Conflict, QuotaExceeded, QuotaOfDayExceeded};

const RUNS: &str = "runs";
const PREDICTIONS_READ: Access = Access::Scope(Permission::PredictionsRead);
const PREDICTIONS_WRITE: Access = Access::Scope(Permission::PredictionsWrite);

const REPORT_RUN: Request = Request {
    schema: "NewRun",
    examples: &[
        ("succeeded", include_str!("../../../../../docs/examples/report-run.json")),
        ("failed", include_str!("../../../../../docs/examples/report-failed-run.json")),
    ],
};

pub(super) fn operations() -> Vec<Operation> {
    let mut operations = revision_operations();
    operations.extend(run_operations());
    operations
}

/// An operation that reads.
fn read(
    path: &'static str,
    id: &'static str,
    tag: &'static str,
    access: Access,
    summary: &'static str,
    text: &'static str,
) -> Operation {
    Operation {
        method: "GET",
        path,
        id,
        tag,
        summary,
        text,
        access,
        parameters: vec![],
        request: None,
        answers: vec![],
        problems: &[],
    }
}

fn listed(text: &'static str, schema: &'static str) -> Vec<(u16, &'static str, Body)> {
    vec![(200, text, Body::List(schema))]
}

fn single(text: &'static str, schema: &'static str) -> Vec<(u16, &'static str, Body)> {
    vec![(200, text, Body::One(schema)), (304, "The reader has it already", Body::None)]
}

fn revision_operations() -> Vec<Operation> {
    vec![
        Operation {
            parameters: paged(vec![]),
            answers: listed("A page of revisions", "JobRevision"),
            ..read(
                "/api/v1/jobs/{id}/revisions",
                "list_job_revisions",
                JOBS,
                JOBS_READ,
                "List what a job was",
                "At each of its revisions, from the first that was kept to the current one.",
            )
        },
        Operation {
            parameters: vec![if_none_match()],
            answers: single("What the job was", "JobRevision"),
            ..read(
                "/api/v1/jobs/{id}/revisions/{revision}",
                "get_job_revision",
                JOBS,
                JOBS_READ,
                "Read what a job was",
                "At that revision. It is kept as long as the job, and so is the version that it had.",
            )
        },
    ]
}

fn run_operations() -> Vec<Operation> {
    vec![
        Operation {
            method: "POST",
            request: Some(REPORT_RUN),
            answers: vec![
                (200, "The same report was there already", Body::One("RunReported")),
                (201, "It was stored", Body::One("RunReported")),
            ],
            problems: &[Conflict, QuotaExceeded, QuotaOfDayExceeded],
            ..read(
                "/api/v1/jobs/{id}/runs",
                "report_run",
                RUNS,
                PREDICTIONS_WRITE,
                "Report a run",
                "With everything that it predicted: all of it is stored, or nothing. Can be sent again safely: the same \
                 report for one issued_at answers 200, another one 409. A success takes the place of a failure that was \
                 issued at the same time. A report of at most 4 MiB.",
            )
        },
        Operation {
            parameters: paged(vec![
                status_filter(),
                time_filter("from", "Only those issued then or later."),
                time_filter("to", "Only those issued before then."),
                time_filter("known_at", "Only those that the service had received by then."),
            ]),
            answers: listed("A page of runs", "Run"),
            ..read(
                "/api/v1/jobs/{id}/runs",
                "list_runs",
                RUNS,
                PREDICTIONS_READ,
                "List the runs of a job",
                "The last issued first.",
            )
        },
        Operation {
            parameters: vec![if_none_match()],
            answers: single("The run", "Run"),
            ..read(
                "/api/v1/jobs/{id}/runs/{run_id}",
                "get_run",
                RUNS,
                PREDICTIONS_READ,
                "Read a run",
                "Also one that failed and was replaced: it has replaced_by.",
            )
        },
        Operation {
            method: "DELETE",
            parameters: vec![dry_run(), if_match()],
            request: Some(DELETION),
            answers: vec![
                (200, "With dry_run: what would be deleted", Body::One("Run")),
                (204, "It was deleted", Body::None),
            ],
            ..read(
                "/api/v1/jobs/{id}/runs/{run_id}",
                "delete_run",
                RUNS,
                JOBS_WRITE,
                "Delete a run",
                "With its values, as if it had never been reported: health is judged without it, and a failed run that it \
                 replaced is in its place again.",
            )
        },
        Operation {
            parameters: paged_by(
                vec![
                    role_filter(),
                    time_filter("from", "Only those about then or later."),
                    time_filter("to", "Only those about a time before then."),
                    time_filter("as_of", "Only those of runs issued then or before, whenever they were received."),
                    time_filter(
                        "known_at",
                        "Only those of runs that the service had received by then: what was known.",
                    ),
                    id_filter("run_id", "Exactly those of that run."),
                ],
                PredictionFilter::MAX_LIMIT,
                PredictionFilter::DEFAULT_LIMIT,
            ),
            answers: listed("A page of values", "Prediction"),
            ..read(
                "/api/v1/jobs/{id}/predictions",
                "list_predictions",
                RUNS,
                PREDICTIONS_READ,
                "Read what a job predicts",
                "For each role and time the value of the run that was issued last, by role and time. What is older than \
                 the source's retention_hours is not shown. All pages of one reading tell what was known when the first was \
                 read: a run that is reported meanwhile is no part of them. With `Accept: text/csv` the same as CSV (RFC 4180): all rows, \
                 or with limit so many, with a link to the next ones.",
            )
        },
    ]
}

fn status_filter() -> Parameter {
    let values = RunStatus::ALL.map(RunStatus::as_str);
    query("status", "Only those that ended like this.", text_schema(ObjectBuilder::new().enum_values(Some(values))))
}

fn role_filter() -> Parameter {
    let word = ObjectBuilder::new().min_length(Some(1)).max_length(Some(MAX_WORD_CHARS)).pattern(Some(texts::word()));
    query("role", "Only those of that output role.", text_schema(word))
}
