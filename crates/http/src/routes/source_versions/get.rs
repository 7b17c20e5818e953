use crate::document::{Access, Body, Operation, if_none_match, tags};
use crate::problem::ProblemCode;
use crate::routes::Endpoint;
use prediction_domain::model::SourceVersionId;
use prediction_domain::use_cases::get_source_version;

use crate::request::{Call, version_tag};
use crate::routes::{Answer, fresh};
use prediction_wire as wire;

pub(in crate::routes) const ENDPOINT: Endpoint = Endpoint { describe, handler: |route| route.to(handle) };

fn describe() -> Operation {
    Operation::get("/api/v1/source_versions/{id}", "get_source_version")
        .tag(tags::SOURCE_VERSIONS)
        .summary("Read a source version")
        .access(Access::Token)
        .parameters(vec![if_none_match()])
        .answer(200, "The source version", Body::One("SourceVersion"))
        .answer(304, "The reader has it already", Body::None)
        // A version never changes, but for its lifecycle.
        .refused_methods(&["PUT", "PATCH"], ProblemCode::VersionImmutable)
}

async fn handle(call: Call) -> Answer {
    call.caller().await?;
    let id = call.id(SourceVersionId::parse)?;
    call.no_query()?;

    let version = call.service().read(move |ports| get_source_version(ports, id)).await?;
    let tag = version_tag(&version);
    fresh(&call, &tag, wire::SourceVersion::from(version)).await
}
