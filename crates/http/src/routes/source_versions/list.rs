use prediction_domain::model::{Page, SourceId};
use prediction_domain::ports::SourceVersionFilter;
use prediction_domain::use_cases::{list_source_version_heads, list_source_versions};

use crate::request::{Call, Query};
use crate::routes::{Answer, page as page_of};
use crate::wire::list::List;
use crate::wire::source_version::SourceVersionItem;

pub(in crate::routes) async fn handle(call: Call) -> Answer {
    call.caller().await?;
    let mut query = call.query();
    let filter = SourceVersionFilter { source_id: query.read("source_id", SourceId::parse) };
    let page = query.page("source_versions");
    let is_whole = query.words("expand", &["contract"]).contains(&"contract");
    let list = query.finish_list()?;

    let found = call
        .api()
        .read(move |ports| {
            if is_whole {
                let Page { items, next } = list_source_versions(ports, &filter, &page)?;
                return Ok(Page { items: items.into_iter().map(SourceVersionItem::from).collect(), next });
            }
            let Page { items, next } = list_source_version_heads(ports, &filter, &page)?;
            Ok(Page { items: items.into_iter().map(SourceVersionItem::from).collect::<Vec<_>>(), next })
        })
        .await?;
    let next_cursor = Query::cursor(&list, found.next.as_ref());
    page_of(&call, List { items: found.items, next_cursor }).await
}
