use prediction_domain::model::SourceName;
use prediction_domain::ports::SourceFilter;
use prediction_domain::use_cases::list_sources;

use crate::request::{Call, Query};
use crate::routes::{Answer, page as page_of};
use crate::wire::list::List;
use crate::wire::source::SourceBody;

pub(in crate::routes) async fn handle(call: Call) -> Answer {
    call.caller().await?;
    let mut query = call.query();
    let filter = SourceFilter { name: query.read("name", SourceName::parse) };
    let page = query.page("sources");
    let list = query.finish_list()?;

    let found = call.api().read(move |ports| list_sources(ports, &filter, &page)).await?;
    let next_cursor = Query::cursor(&list, found.next.as_ref());
    page_of(&call, List { items: found.items.into_iter().map(SourceBody::from).collect(), next_cursor }).await
}
