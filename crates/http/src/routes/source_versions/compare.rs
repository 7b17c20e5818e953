use crate::document::{Access, Body, Operation, if_none_match, required, tags};
use crate::problem::{Problem, ProblemCode};
use crate::routes::Endpoint;
use prediction_domain::model::SourceVersionId;
use prediction_domain::use_cases::compare_source_versions;
use prediction_wire::ID;

use crate::request::{Call, versions_tag};
use crate::routes::{Answer, fresh};
use prediction_wire as wire;

pub(in crate::routes) const ENDPOINT: Endpoint = Endpoint { describe, handler: |route| route.to(handle) };

fn describe() -> Operation {
    Operation::get("/api/v1/source_versions/{id}/comparison", "compare_source_versions")
        .tag(tags::SOURCE_VERSIONS)
        .summary("Compare two versions of a source")
        .text(
            "What changes for a job that goes from the version `with` to this one: each role, what became of it, and what that \
             asks for. The whole asks for the most that any role does.",
        )
        .access(Access::Token)
        .parameters(vec![required("with", "The version to compare with, of the same source.", ID.schema()), if_none_match()])
        .answer(200, "What changes", Body::One("SourceVersionComparison"))
        .answer(304, "The reader has it already", Body::None)
        .problems(&[ProblemCode::Invalid])
}

async fn handle(call: Call) -> Answer {
    call.caller().await?;
    let id = call.id(SourceVersionId::parse)?;
    let mut query = call.query();
    let with = query.require("with", SourceVersionId::parse);
    let with = query.finish_with(with)?;

    let compared = call.service().read(move |ports| compare_source_versions(ports, id, with)).await;
    let compared = compared.map_err(Problem::about_parameters)?;
    let tag = versions_tag(&compared.from, &compared.to);
    fresh(&call, &tag, wire::SourceVersionComparison::from(compared)).await
}
