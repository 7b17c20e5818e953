use crate::document::{Access, Body, Operation, if_none_match, tags};
use crate::routes::Endpoint;
use prediction_domain::model::SourceVersionId;
use prediction_domain::use_cases::get_source_version;

use crate::request::{Call, versions_tag};
use crate::routes::{Answer, fresh};
use prediction_wire as wire;

pub(in crate::routes) const ENDPOINT: Endpoint = Endpoint { describe, handler: |route| route.to(handle) };

fn describe() -> Operation {
    Operation::get("/api/v1/source_versions/{id}/setup_schema", "get_setup_schema")
        .tag(tags::SOURCE_VERSIONS)
        .summary("Read the JSON Schema of a setup on a source version")
        .text(
            "For forms and editors: JSON Schema, draft 2020-12, of the body of a setup that names the version in \
             job.source_version_id. What is valid under it is refused only for what no schema can say.",
        )
        .access(Access::Token)
        .parameters(vec![if_none_match()])
        .answer(200, "The schema", Body::AnyObject)
        .answer(304, "It has not changed", Body::None)
}

async fn handle(call: Call) -> Answer {
    call.caller().await?;
    let id = call.id(SourceVersionId::parse)?;
    call.no_query()?;

    let version = call.service().read(move |ports| get_source_version(ports, id)).await?;
    // Nothing of it ever changes while the version is there.
    fresh(&call, &versions_tag(&version, &version), wire::setup_schema(&version)).await
}
