use crate::document::{Access, Body, Operation, dry_run, tags};
use crate::problem::ProblemCode::{Conflict, NotTheOwner, OrganisationOutOfScope};
use crate::routes::Endpoint;
use actix_web::http::StatusCode;
use prediction_domain::model::Permission;
use prediction_domain::ports::WriteMode;
use prediction_domain::use_cases::{Outcome, create_source};

use crate::request::{Call, entity_tag};
use crate::routes::{Answer, created, single};
use prediction_wire as wire;

pub(in crate::routes) const ENDPOINT: Endpoint = Endpoint { describe, handler: |route| route.to(handle) };

fn describe() -> Operation {
    Operation::post("/api/v1/sources", "create_source")
        .tag(tags::SOURCES)
        .summary("Create a source")
        .text(
            "It belongs to the organisation of the token, or to the platform if the token is for all organisations, unless \
             owner_organisation_id says whose it is. Can be sent again safely: the same content answers 200 with what is \
             stored, other content 409.",
        )
        .access(Access::Scope(Permission::CatalogCreate))
        .parameters(vec![dry_run()])
        .request(&wire::CREATE_SOURCE, &[("tutorial", include_str!("../../../../../docs/examples/create-source.json"))])
        .answer(200, "It was there already, or with dry_run: what would be created", Body::One("Source"))
        .answer(201, "It was created", Body::One("Source"))
        .problems(&[Conflict, NotTheOwner, OrganisationOutOfScope])
}

async fn handle(call: Call) -> Answer {
    let caller = call.caller().await?;
    let mut query = call.query();
    let mode = query.mode();
    query.finish()?;
    let body = call.body(&caller, Permission::CatalogCreate).await?;
    let submission = body.decode(&call.service(), &wire::CREATE_SOURCE).await?;

    let (source, outcome) = call.service().write(move |ports| create_source(ports, &caller, &submission, mode)).await?;
    let tag = entity_tag(source.revision);
    let location = format!("/api/v1/sources/{}", source.id);
    let body = wire::Source::from(source);
    match outcome {
        Outcome::Created if mode == WriteMode::Commit => created(&call, &location, &tag, body).await,
        Outcome::Created | Outcome::Reused => single(&call, StatusCode::OK, &tag, body).await,
    }
}
