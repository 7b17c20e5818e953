use prediction_domain::model::{OrganisationId, SourceName, ValueProblem};
use prediction_domain::ports::{OwnerFilter, SourceFilter};
use prediction_domain::use_cases::list_sources;

use crate::request::{Call, Query};
use crate::routes::{Answer, page as page_of};
use crate::wire::list::List;
use crate::wire::source::SourceBody;

pub(in crate::routes) async fn handle(call: Call) -> Answer {
    call.caller().await?;
    let mut query = call.query();
    let filter = SourceFilter {
        name: query.read("name", SourceName::parse),
        owner: query.read("owner_organisation_id", parse_owner),
    };
    let page = query.page("sources");
    let list = query.finish_list()?;

    let found = call.api().read(move |ports| list_sources(ports, &filter, &page)).await?;
    let next_cursor = Query::cursor(&list, found.next.as_ref());
    page_of(&call, List { items: found.items.into_iter().map(SourceBody::from).collect(), next_cursor }).await
}

/// The id of an organisation, or `null` as in the JSON of a source that is the platform's.
fn parse_owner(text: &str) -> Result<OwnerFilter, ValueProblem> {
    if text == "null" {
        return Ok(OwnerFilter::Platform);
    }
    OrganisationId::parse(text)
        .map(OwnerFilter::Organisation)
        .map_err(|problem| problem.hint("the sources of the platform are those of null"))
}
