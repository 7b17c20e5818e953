use crate::document::{Access, Body, Operation, Parameter, name_filter, paged, query, set_filter, tags, text_schema};
use crate::routes::Endpoint;
use prediction_domain::model::{OrganisationId, SetName, SourceName, ValueProblem};
use prediction_domain::ports::{OwnerFilter, SourceFilter};
use prediction_domain::use_cases::list_sources;
use prediction_wire::ID;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Schema};

use crate::request::{Call, Query};
use crate::routes::{Answer, page as page_of};
use prediction_wire as wire;

pub(in crate::routes) const ENDPOINT: Endpoint = Endpoint { describe, handler: |route| route.to(handle) };

fn describe() -> Operation {
    Operation::get("/api/v1/sources", "list_sources")
        .tag(tags::SOURCES)
        .summary("List sources")
        .text("In creation order.")
        .access(Access::Token)
        .parameters(paged(vec![
            name_filter("Only the source with this name, compared without case."),
            owner_filter("Only sources of this organisation, or with null sources of the platform."),
            set_filter(),
        ]))
        .answer(200, "A page of sources", Body::Page("Source"))
}

fn owner_filter(about: &'static str) -> Parameter {
    let platform = ObjectBuilder::new().enum_values(Some(["null"]));
    let either = OneOfBuilder::new().item(text_schema(platform)).item(ID.schema());
    query("owner_organisation_id", about, RefOr::T(Schema::from(either.build())))
}

async fn handle(call: Call) -> Answer {
    call.caller().await?;
    let mut query = call.query();
    let filter = SourceFilter {
        name: query.read("name", SourceName::parse),
        owner: query.read("owner_organisation_id", parse_owner),
        managed_by: query.read("managed_by", SetName::restore),
    };
    let page = query.page("sources");
    let list = query.finish_list()?;

    let found = call.service().read(move |ports| list_sources(ports, &filter, &page)).await?;
    let next_cursor = Query::cursor(&list, found.next.as_ref());
    page_of(&call, wire::Page { items: found.items.into_iter().map(wire::Source::from).collect(), next_cursor }).await
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
