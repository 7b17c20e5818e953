use prediction_domain::model::JobId;
use prediction_domain::use_cases::list_job_revisions;

use crate::request::{Call, Query};
use crate::routes::{Answer, page as page_of};
use crate::wire::job_revision::JobRevisionBody;
use crate::wire::list::List;

pub(in crate::routes) async fn handle(call: Call) -> Answer {
    let caller = call.caller().await?;
    let id = call.id(JobId::parse)?;
    let mut query = call.query();
    let page = query.page(&format!("revisions of {id}"));
    let list = query.finish_list()?;

    let found = call.api().read(move |ports| list_job_revisions(ports, &caller, id, &page)).await?;
    let next_cursor = Query::cursor(&list, found.next.as_ref());
    let items = found.items.into_iter().map(JobRevisionBody::from).collect();
    page_of(&call, List { items, next_cursor }).await
}
