use std::sync::Arc;

use crate::document::{Access, Body, Operation, Parameter, id_filter, paged_by, query, tags, time_filter};
use crate::routes::Endpoint;
use actix_web::http::header;
use prediction_domain::model::{Caller, JobId, Permission, RoleName, RunId, Timestamp};
use prediction_domain::use_cases::PredictionFilter;
use prediction_wire::WORD;

use super::csv;
use super::predicted::Predicted;
use crate::request::{Call, Query};
use crate::routes::{Answer, insert, page as page_of};
use prediction_wire as wire;

pub(in crate::routes) const ENDPOINT: Endpoint = Endpoint { describe, handler: |route| route.to(handle) };

fn describe() -> Operation {
    Operation::get("/api/v1/jobs/{id}/predictions", "list_predictions")
        .tag(tags::RUNS)
        .summary("Read what a job predicts")
        .text(
            "For each role and time the value of the run that was issued last, by role and time. Values older than the \
             source's retention_hours are not shown. All pages of one reading tell what was known when the first was \
             read: a run that is reported meanwhile is no part of them. With `Accept: text/csv` the same as CSV (RFC \
             4180): all rows, or with limit so many, with a link to the next ones.",
        )
        .access(Access::Scope(Permission::PredictionsRead))
        .parameters(paged_by(
            [query("role", "Only values of this output role.", WORD.schema())].into_iter().chain(filters()).collect(),
            PredictionFilter::MAX_LIMIT,
            PredictionFilter::DEFAULT_LIMIT,
        ))
        .answer(200, "A page of values", Body::PageOrCsv("Prediction", super::csv::ABOUT))
}

/// What values of a job, or of an output, can be filtered by.
pub(in crate::routes) fn filters() -> Vec<Parameter> {
    vec![
        time_filter("from", "Only values about this time or later."),
        time_filter("to", "Only values about a time before this one."),
        time_filter("as_of", "Only values of runs issued at this time or before, whenever they were received."),
        time_filter("known_at", "Only values of runs that the service had received by this time: what was known then."),
        id_filter("run_id", "Exactly the values of this run."),
    ]
}

async fn handle(call: Call) -> Answer {
    let caller = call.caller().await?;
    let id = call.id(JobId::parse)?;
    answer(&call, caller, Predicted::By(id)).await
}

/// Answers with values, as JSON or as CSV.
pub(in crate::routes) async fn answer(call: &Call, caller: Arc<Caller>, of: Predicted) -> Answer {
    let mut query = call.query();
    let filter = PredictionFilter {
        role: match of {
            Predicted::By(_) => query.read("role", RoleName::parse),
            Predicted::In(_) => None,
        },
        from: query.read("from", Timestamp::parse),
        to: query.read("to", Timestamp::parse),
        as_of: query.read("as_of", Timestamp::parse),
        known_at: query.read("known_at", Timestamp::parse),
        run_id: query.read("run_id", RunId::parse),
    };
    let (limit, after) = query.prediction_page(&of.list());
    let list = query.finish_list()?;

    if call.wants_csv() {
        let rows = csv::Rows { caller, of, filter, after, limit };
        return csv::answer(call.service(), rows, |next| {
            let cursor = Query::prediction_cursor(&list, Some(next))?;
            Some(call.query().with("cursor", &cursor))
        })
        .await;
    }
    let limit = limit.unwrap_or(PredictionFilter::DEFAULT_LIMIT);
    let found = call.service().read(move |ports| of.read(ports, &caller, &filter, after, limit)).await?;
    let next_cursor = Query::prediction_cursor(&list, found.next.as_ref());
    let items = found.items.into_iter().map(wire::Prediction::from).collect();
    let mut answer = page_of(call, wire::Page { items, next_cursor }).await?;
    insert(&mut answer, header::VARY, "Accept");
    Ok(answer)
}
