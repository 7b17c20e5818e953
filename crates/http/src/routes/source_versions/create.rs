use crate::document::{Access, Body, Operation, dry_run, tags};
use crate::problem::ProblemCode::{Conflict, NotTheOwner};
use crate::routes::Endpoint;
use actix_web::http::StatusCode;
use prediction_domain::model::Permission;
use prediction_domain::ports::WriteMode;
use prediction_domain::use_cases::{Outcome, publish_source_version};

use crate::request::{Call, version_tag};
use crate::routes::{Answer, created, single};
use prediction_wire as wire;

pub(in crate::routes) const ENDPOINT: Endpoint = Endpoint { describe, handler: |route| route.to(handle) };

fn describe() -> Operation {
    Operation::post("/api/v1/source_versions", "create_source_version")
        .tag(tags::SOURCE_VERSIONS)
        .summary("Publish a source version")
        .text(
            "For the owner of the source. Can be sent again safely: the same content answers 200 with what is stored, other \
             content 409.",
        )
        .access(Access::Scope(Permission::CatalogCreate))
        .parameters(vec![dry_run()])
        .request(
            &wire::CREATE_SOURCE_VERSION,
            &[
                ("tutorial", include_str!("../../../../../docs/examples/create-source-version.json")),
                ("next", include_str!("../../../../../docs/examples/create-next-source-version.json")),
            ],
        )
        .answer(200, "It was there already, or with dry_run: what would be published", Body::One("SourceVersion"))
        .answer(201, "It was published", Body::One("SourceVersion"))
        .problems(&[Conflict, NotTheOwner])
}

async fn handle(call: Call) -> Answer {
    let caller = call.caller().await?;
    let mut query = call.query();
    let mode = query.mode();
    query.finish()?;
    let body = call.body(&caller, Permission::CatalogCreate).await?;
    let submission = body.decode(&call.service(), &wire::CREATE_SOURCE_VERSION).await?;

    let (version, outcome) =
        call.service().write(move |ports| publish_source_version(ports, &caller, &submission, mode)).await?;
    let tag = version_tag(&version);
    let location = format!("/api/v1/source_versions/{}", version.id);
    let body = wire::SourceVersion::from(version);
    match outcome {
        Outcome::Created if mode == WriteMode::Commit => created(&call, &location, &tag, body).await,
        Outcome::Created | Outcome::Reused => single(&call, StatusCode::OK, &tag, body).await,
    }
}
