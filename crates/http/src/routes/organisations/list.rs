use crate::document::{Access, Body, Operation, paged, tags};
use crate::routes::Endpoint;
use prediction_domain::use_cases::list_organisations;

use crate::request::{Call, Query};
use crate::routes::{Answer, page as page_of};
use prediction_wire as wire;

pub(in crate::routes) const ENDPOINT: Endpoint = Endpoint { describe, handler: |route| route.to(handle) };

fn describe() -> Operation {
    Operation::get("/api/v1/organisations", "list_organisations")
        .tag(tags::INPUTS)
        .summary("List organisations")
        .text("Those of the token that have a name, an input or a job, ordered by id.")
        .access(Access::Token)
        .parameters(paged(vec![]))
        .answer(200, "A page of organisations", Body::Page("Organisation"))
}

async fn handle(call: Call) -> Answer {
    let caller = call.caller().await?;
    let mut query = call.query();
    let page = query.page("organisations");
    let list = query.finish_list()?;

    let found = call.service().read(move |ports| list_organisations(ports, &caller, &page)).await?;
    let next_cursor = Query::cursor(&list, found.next.as_ref());
    let items = found.items.into_iter().map(wire::Organisation::from).collect();
    page_of(&call, wire::Page { items, next_cursor }).await
}
