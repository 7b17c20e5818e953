use crate::document::{Access, Body, Operation, id_filter, paged, query, tags};
use crate::problem::ProblemCode::OrganisationOutOfScope;
use crate::routes::Endpoint;
use actix_web::http::StatusCode;
use prediction_domain::model::{OrganisationId, Permission, SetName, SourceId};
use prediction_domain::use_cases::{ExportFilter, export};
use prediction_wire::WORD;

use crate::request::{Call, Query};
use crate::routes::{Answer, TYPICAL_BODY, json};
use prediction_wire as wire;

pub(in crate::routes) const ENDPOINT: Endpoint = Endpoint { describe, handler: |route| route.to(handle) };

fn describe() -> Operation {
    Operation::get("/api/v1/export", "export")
        .tag(tags::DOCUMENTS)
        .summary("Export what is stored as a document")
        .text(
            "A document that can be applied: applying the export of a set changes nothing. Sources and versions are those that the \
             token's organisations own, inputs and jobs those that it may see. Conditions are joined by \"and\". A page is a document \
             of its own; it may be short and be followed by others. Needs `inputs:read`, too.",
        )
        .access(Access::Scope(Permission::JobsRead))
        .parameters(paged(vec![
            query("set", "Only what this set keeps.", WORD.schema()),
            id_filter("source_id", "Only this source, its versions and its jobs."),
            id_filter("organisation_id", "Only what is this organisation's."),
        ]))
        .answer(200, "A part of what is stored", Body::Untagged("Export"))
        .problems(&[OrganisationOutOfScope])
}

async fn handle(call: Call) -> Answer {
    let caller = call.caller().await?;
    let mut query = call.query();
    let filter = ExportFilter {
        set: query.read("set", SetName::restore),
        source_id: query.read("source_id", SourceId::parse),
        organisation_id: query.read("organisation_id", OrganisationId::parse),
    };
    let page = query.page("export");
    let list = query.finish_list()?;

    let set = filter.set.clone();
    let found = call.service().read(move |ports| export(ports, &caller, &filter, &page)).await?;
    let next_cursor = Query::cursor(&list, found.next.as_ref());
    let about = TYPICAL_BODY * (found.items.len() + 1);
    let document = wire::ExportedDocument::of(set, found.items);
    json(&call, StatusCode::OK, about, wire::Export { document, next_cursor }).await
}
