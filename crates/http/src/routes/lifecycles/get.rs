use crate::document::{Access, Body, Operation, if_none_match, tags};
use crate::routes::Endpoint;
use prediction_domain::model::SourceVersionId;
use prediction_domain::use_cases::get_source_version;

use crate::request::{Call, entity_tag};
use crate::routes::{Answer, fresh};
use prediction_wire as wire;

pub(in crate::routes) const ENDPOINT: Endpoint = Endpoint { describe, handler: |route| route.to(handle) };

fn describe() -> Operation {
    Operation::get("/api/v1/source_versions/{id}/lifecycle", "get_lifecycle")
        .tag(tags::SOURCE_VERSIONS)
        .summary("Read where a source version is in its life")
        .access(Access::Token)
        .parameters(vec![if_none_match()])
        .answer(200, "Its lifecycle", Body::One("Lifecycle"))
        .answer(304, "The reader has it already", Body::None)
}

async fn handle(call: Call) -> Answer {
    call.caller().await?;
    let id = call.id(SourceVersionId::parse)?;
    call.no_query()?;

    let lifecycle = call.service().read(move |ports| get_source_version(ports, id)).await?.lifecycle;
    fresh(&call, &entity_tag(lifecycle.revision), wire::Lifecycle::from(lifecycle)).await
}
