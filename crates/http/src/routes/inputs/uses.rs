use crate::document::{Access, Body, Operation, paged, tags};
use crate::routes::Endpoint;
use prediction_domain::model::{InputId, Permission};
use prediction_domain::use_cases::list_input_uses;

use crate::request::{Call, Query};
use crate::routes::{Answer, page as page_of};
use prediction_wire as wire;

pub(in crate::routes) const ENDPOINT: Endpoint = Endpoint { describe, handler: |route| route.to(handle) };

fn describe() -> Operation {
    Operation::get("/api/v1/inputs/{id}/jobs", "list_input_uses")
        .tag(tags::INPUTS)
        .summary("List the jobs that have an input bound")
        .text(
            "With the roles that it is bound to, in creation order. Works for any id, whether the input is registered or not.",
        )
        .takes_any_id()
        .access(Access::Scope(Permission::JobsRead))
        .parameters(paged(vec![]))
        .answer(200, "A page of jobs and roles", Body::Page("InputUse"))
}

async fn handle(call: Call) -> Answer {
    let caller = call.caller().await?;
    let id = call.id(InputId::parse)?;
    let mut query = call.query();
    let page = query.page(&format!("uses of {id}"));
    let list = query.finish_list()?;

    let found = call.service().read(move |ports| list_input_uses(ports, &caller, id, &page)).await?;
    let next_cursor = Query::cursor(&list, found.next.as_ref());
    let items = found.items.into_iter().map(wire::InputUse::from).collect();
    page_of(&call, wire::Page { items, next_cursor }).await
}
