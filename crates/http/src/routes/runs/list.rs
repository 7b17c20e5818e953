use prediction_domain::model::{JobId, RunStatus, Timestamp};
use prediction_domain::ports::RunFilter;
use prediction_domain::use_cases::list_runs;

use crate::request::{Call, Query};
use crate::routes::{Answer, page as page_of};
use crate::wire::list::List;
use crate::wire::run::RunBody;

pub(in crate::routes) async fn handle(call: Call) -> Answer {
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

    let found = call.api().read(move |ports| list_runs(ports, &caller, id, &filter, &page)).await?;
    let next_cursor = Query::cursor(&list, found.next.as_ref());
    let items = found.items.into_iter().map(RunBody::from).collect();
    page_of(&call, List { items, next_cursor }).await
}
