use crate::document::{Access, Body, Operation, id_filter, paged, set_filter, tags, words};
use crate::routes::Endpoint;
use prediction_domain::model::{LifecycleStage, Page, SetName, SourceId};
use prediction_domain::ports::SourceVersionFilter;
use prediction_domain::use_cases::{list_source_version_heads, list_source_versions};

use crate::request::{Call, Query};
use crate::routes::{Answer, page as page_of};
use prediction_wire as wire;

pub(in crate::routes) const ENDPOINT: Endpoint = Endpoint { describe, handler: |route| route.to(handle) };

fn describe() -> Operation {
    Operation::get("/api/v1/source_versions", "list_source_versions")
        .tag(tags::SOURCE_VERSIONS)
        .summary("List source versions")
        .text("In the order in which they were published; without their roles, unless expand asks for them.")
        .access(Access::Token)
        .parameters(paged(vec![
            id_filter("source_id", "Only versions of this source."),
            words(
                "stage",
                "Only versions in one of these stages of their lives, separated by commas.",
                &LifecycleStage::ALL.map(LifecycleStage::as_str),
            ),
            set_filter(),
            words("expand", "contract: with the roles of each version.", &["contract"]),
        ]))
        .answer(200, "A page of source versions", Body::Page("SourceVersionItem"))
}

async fn handle(call: Call) -> Answer {
    call.caller().await?;
    let mut query = call.query();
    let filter = SourceVersionFilter {
        source_id: query.read("source_id", SourceId::parse),
        stages: query.read("stage", |text| text.split(',').map(LifecycleStage::parse).collect()),
        managed_by: query.read("managed_by", SetName::restore),
    };
    let page = query.page("source_versions");
    let is_whole = query.words("expand", &["contract"]).contains(&"contract");
    let list = query.finish_list()?;

    let found = call
        .service()
        .read(move |ports| {
            if is_whole {
                let Page { items, next } = list_source_versions(ports, &filter, &page)?;
                return Ok(Page { items: items.into_iter().map(wire::SourceVersionItem::from).collect(), next });
            }
            let Page { items, next } = list_source_version_heads(ports, &filter, &page)?;
            Ok(Page { items: items.into_iter().map(wire::SourceVersionItem::from).collect::<Vec<_>>(), next })
        })
        .await?;
    let next_cursor = Query::cursor(&list, found.next.as_ref());
    page_of(&call, wire::Page { items: found.items, next_cursor }).await
}
