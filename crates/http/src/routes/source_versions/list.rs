use prediction_domain::model::SourceId;
use prediction_domain::ports::SourceVersionFilter;
use prediction_domain::use_cases::list_source_versions;

use crate::request::{Call, Query};
use crate::routes::{Answer, page as page_of};
use crate::wire::list::List;
use crate::wire::source_version::SourceVersionBody;

pub(in crate::routes) async fn handle(call: Call) -> Answer {
    call.caller().await?;
    let mut query = call.query();
    let filter = SourceVersionFilter { source_id: query.read("source_id", SourceId::parse) };
    let page = query.page("source_versions");
    let list = query.finish_list()?;

    let found = call.api().read(move |ports| list_source_versions(ports, &filter, &page)).await?;
    let next_cursor = Query::cursor(&list, found.next.as_ref());
    let items = found.items.into_iter().map(SourceVersionBody::from).collect();
    page_of(&call, List { items, next_cursor }).await
}
