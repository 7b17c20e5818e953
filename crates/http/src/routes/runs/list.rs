use crate::document::{Access, Body, Operation, paged, query, tags, time_filter};
use crate::routes::Endpoint;
use prediction_domain::model::Permission;
use prediction_domain::model::{JobId, RunStatus, Timestamp};
use prediction_domain::ports::RunFilter;
use prediction_domain::use_cases::list_runs;
use prediction_wire::RUN_STATUS;

use crate::request::{Call, Query};
use crate::routes::{Answer, page as page_of};
use prediction_wire as wire;

pub(in crate::routes) const ENDPOINT: Endpoint = Endpoint { describe, handler: |route| route.to(handle) };

fn describe() -> Operation {
    Operation::get("/api/v1/jobs/{id}/runs", "list_runs")
        .tag(tags::RUNS)
        .summary("List the runs of a job")
        .text("In the order of issue, the latest first.")
        .access(Access::Scope(Permission::PredictionsRead))
        .parameters(paged(vec![
            query("status", "Only runs with this status.", RUN_STATUS.schema()),
            time_filter("from", "Only runs issued at this time or later."),
            time_filter("to", "Only runs issued before this time."),
            time_filter("known_at", "Only runs that the service had received by this time."),
        ]))
        .answer(200, "A page of runs", Body::Page("Run"))
}

async fn handle(call: Call) -> Answer {
    let caller = call.caller().await?;
    let id = call.id(JobId::parse)?;
    let mut query = call.query();
    let filter = RunFilter {
        status: query.read("status", RunStatus::parse),
        from: query.read("from", Timestamp::parse),
        to: query.read("to", Timestamp::parse),
        known_at: query.read("known_at", Timestamp::parse),
    };
    let page = query.page(&format!("runs of {id}"));
    let list = query.finish_list()?;

    let found = call.service().read(move |ports| list_runs(ports, &caller, id, &filter, &page)).await?;
    let next_cursor = Query::cursor(&list, found.next.as_ref());
    let items = found.items.into_iter().map(wire::Run::from).collect();
    page_of(&call, wire::Page { items, next_cursor }).await
}
