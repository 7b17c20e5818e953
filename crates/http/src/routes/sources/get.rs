use crate::document::{Access, Body, Operation, if_none_match, tags};
use crate::routes::Endpoint;
use prediction_domain::model::SourceId;
use prediction_domain::use_cases::get_source;

use crate::request::{Call, entity_tag};
use crate::routes::{Answer, fresh};
use prediction_wire as wire;

pub(in crate::routes) const ENDPOINT: Endpoint = Endpoint { describe, handler: |route| route.to(handle) };

fn describe() -> Operation {
    Operation::get("/api/v1/sources/{id}", "get_source")
        .tag(tags::SOURCES)
        .summary("Read a source")
        .access(Access::Token)
        .parameters(vec![if_none_match()])
        .answer(200, "The source", Body::One("Source"))
        .answer(304, "It has not changed", Body::None)
}

async fn handle(call: Call) -> Answer {
    call.caller().await?;
    let id = call.id(SourceId::parse)?;
    call.no_query()?;

    let source = call.service().read(move |ports| get_source(ports, id)).await?;
    fresh(&call, &entity_tag(source.revision), wire::Source::from(source)).await
}
