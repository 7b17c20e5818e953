use crate::document::{Access, Body, Operation, paged, tags};
use crate::routes::Endpoint;
use prediction_domain::model::JobId;
use prediction_domain::model::Permission;
use prediction_domain::use_cases::list_job_revisions;

use crate::request::{Call, Query};
use crate::routes::{Answer, page as page_of};
use prediction_wire as wire;

pub(in crate::routes) const ENDPOINT: Endpoint = Endpoint { describe, handler: |route| route.to(handle) };

fn describe() -> Operation {
    Operation::get("/api/v1/jobs/{id}/revisions", "list_job_revisions")
        .tag(tags::JOBS)
        .summary("List what a job was")
        .text("The job at each of its revisions, from the first that was kept to the current one.")
        .access(Access::Scope(Permission::JobsRead))
        .parameters(paged(vec![]))
        .answer(200, "A page of revisions", Body::Page("JobRevision"))
}

async fn handle(call: Call) -> Answer {
    let caller = call.caller().await?;
    let id = call.id(JobId::parse)?;
    let mut query = call.query();
    let page = query.page(&format!("revisions of {id}"));
    let list = query.finish_list()?;

    let found = call.service().read(move |ports| list_job_revisions(ports, &caller, id, &page)).await?;
    let next_cursor = Query::cursor(&list, found.next.as_ref());
    let items = found.items.into_iter().map(wire::JobRevision::from).collect();
    page_of(&call, wire::Page { items, next_cursor }).await
}
