use prediction_domain::model::{HealthStatus, InputId, JobName, OrganisationId, SourceId, SourceVersionId};
use prediction_domain::ports::JobFilter;
use prediction_domain::use_cases::list_expanded_jobs;

use super::{expansion, with_expanded};
use crate::request::{Call, Query};
use crate::routes::{Answer, page as page_of};
use crate::wire::list::List;

pub(in crate::routes) async fn handle(call: Call) -> Answer {
    let caller = call.caller().await?;
    let mut query = call.query();
    let filter = JobFilter {
        organisation_id: query.read("organisation_id", OrganisationId::parse),
        source_id: query.read("source_id", SourceId::parse),
        source_version_id: query.read("source_version_id", SourceVersionId::parse),
        active: query.flag("active"),
        name: query.read("name", JobName::parse),
        input_id: query.read("input_id", InputId::parse),
        health: None,
    };
    let healths = query.read("health", |text| text.split(',').map(HealthStatus::parse).collect());
    let page = query.page("jobs");
    let expansion = expansion(&mut query);
    let list = query.finish_list()?;

    let (found, expanded) = call
        .api()
        .read(move |ports| list_expanded_jobs(ports, &caller, &filter, healths.as_ref(), expansion, &page))
        .await?;
    let next_cursor = Query::cursor(&list, found.next.as_ref());
    let items = found.items.into_iter().map(|job| with_expanded(job, &expanded)).collect();
    page_of(&call, List { items, next_cursor }).await
}
