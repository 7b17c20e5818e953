use crate::document::{Access, Body, Operation, dry_run, if_match, tags};
use crate::problem::ProblemCode::{InUse, NotTheOwner};
use crate::routes::Endpoint;
use prediction_domain::model::{Permission, SourceVersionId};
use prediction_domain::use_cases::delete_source_version;

use crate::request::{Call, version_tag};
use crate::routes::{Answer, deleted};
use prediction_wire as wire;

pub(in crate::routes) const ENDPOINT: Endpoint = Endpoint { describe, handler: |route| route.to(handle) };

fn describe() -> Operation {
    Operation::delete("/api/v1/source_versions/{id}", "delete_source_version")
        .tag(tags::SOURCE_VERSIONS)
        .summary("Delete a source version")
        .text("Only the owner of the source deletes a version. Refused while a job uses it.")
        .access(Access::Scope(Permission::CatalogWrite))
        .parameters(vec![dry_run(), if_match()])
        .request(&wire::DELETE, &[])
        .answer(200, "With dry_run: what would be deleted", Body::One("SourceVersion"))
        .answer(204, "It was deleted", Body::None)
        .problems(&[InUse, NotTheOwner])
}

async fn handle(call: Call) -> Answer {
    let caller = call.caller().await?;
    let id = call.id(SourceVersionId::parse)?;
    let mut query = call.query();
    let mode = query.mode();
    query.finish()?;
    let precondition = call.lock(&caller, Permission::CatalogWrite).await?;

    let version =
        call.service().write(move |ports| delete_source_version(ports, &caller, id, &precondition, mode)).await?;
    let tag = version_tag(&version);
    deleted(&call, mode, &tag, wire::SourceVersion::from(version)).await
}
